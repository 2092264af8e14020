//! Messages as they can come, and what is read of each.

use serde_json::json;

use super::*;

const ID: &str = "inc-20261123-0123456789";

fn body(verb: &str, args: Value) -> Value {
    json!({"v": 1, "request_id": "r1", "incident_id": ID, "verb": verb, "args": args, "proof": null, "claimed_by": "ana"})
}

#[track_caller]
fn check(verb: &str, args: Value, expect: Result<Asked, &str>) {
    let (request, asked) = read(&body(verb, args).to_string()).unwrap();
    assert_eq!(request.by, "ana (claimed)");
    match (asked, expect) {
        (Ok(asked), Ok(expect)) => assert_eq!(asked, expect),
        (Err(sentence), Err(part)) => assert!(sentence.contains(part), "{sentence}"),
        (got, expect) => panic!("{verb}: {got:?}, not {expect:?}"),
    }
}

#[test]
fn verbs_about_an_incident() {
    let incident_id = || ID.to_owned();
    check("acknowledge", Value::Null, Ok(Asked::Acknowledge { incident_id: incident_id() }));
    let plan_sha256 = "0123abcd".to_owned();
    check(
        "approve",
        json!({"plan_sha256": "0123ABCD"}),
        Ok(Asked::Approve { incident_id: incident_id(), n: 1, plan_sha256 }),
    );
    check("approve", json!({"n": 1}), Err("names what it approves"));
    check("approve", json!({"plan_sha256": "0123abc"}), Err("at least its first 8"));
    check("approve", json!({"plan_sha256": "0123abcx"}), Err("hex digits"));
    check("approve", json!({"plan_sha256": "0123abcd", "n": 0}), Err("from 1"));
    check("approve", json!({"plan_sha256": "0123abcd", "n": "2"}), Err("from 1"));
    let reason = "wrong\u{7} one".to_owned();
    let rejected = Asked::Reject { incident_id: incident_id(), n: 2, reason: "wrong  one".to_owned() };
    check("reject", json!({"n": 2, "reason": reason}), Ok(rejected));
    check("reject", json!({"reason": " \n"}), Err("say why"));
    let undo =
        |n, reason: Option<&str>| Ok(Asked::Undo { incident_id: incident_id(), n, reason: reason.map(str::to_owned) });
    check("undo", json!({}), undo(1, None));
    check("undo", json!({"n": 2, "reason": "it bears it again"}), undo(2, Some("it bears it again")));
    check("undo", json!({"n": 0}), Err("from 1"));
    check("resolve", json!({}), Ok(Asked::Resolve { incident_id: incident_id(), reason: None }));
    check("resolve", json!({"reason": 7}), Err("must be a text"));
}

#[test]
fn what_becomes_an_incident() {
    let id = "0123456789abcdef0123456789ABCDEF";
    let declare = |severity| {
        let signal_id = id.to_ascii_lowercase();
        Ok(Asked::Declare { signal_id, reason: "it spreads".into(), severity })
    };
    check("declare", json!({"signal_id": id, "reason": "it spreads"}), declare(None));
    let worse = json!({"signal_id": id, "reason": "it spreads", "severity": "SEV1"});
    check("declare", worse, declare(Some(Severity::Sev1)));
    check("declare", json!({"signal_id": id}), Err("say why"));
    check("declare", json!({"signal_id": &id[1..], "reason": "r"}), Err("32 hex digits"));
    check("declare", json!({"reason": "r"}), Err("as the digest names it"));
    check("declare", json!({"signal_id": id, "reason": "r", "severity": "bad"}), Err("SEV5"));
}

#[test]
fn the_brake() {
    check("brake", json!({"on": false}), Ok(Asked::BrakeOff));
    check("brake", json!({"on": true, "reason": "r"}), Ok(Asked::BrakeOn { reason: "r".into(), minutes: 60 }));
    check(
        "brake",
        json!({"on": true, "reason": "r", "minutes": 1440}),
        Ok(Asked::BrakeOn { reason: "r".into(), minutes: 1440 }),
    );
    check("brake", json!({"on": true, "reason": "r", "minutes": 1441}), Err("from 1 to 1440"));
    check("brake", json!({"on": true, "reason": "r", "minutes": -1}), Err("from 1 to 1440"));
    check("brake", json!({"on": true}), Err("say why the brake"));
    check("brake", json!({"on": "yes"}), Err("true or false"));
}

#[test]
fn mutes() {
    let of = |scope| Asked::Mute { scope, reason: "r".into(), minutes: 90 };
    let (shop, prod) = (Some("shop".to_owned()), Some("prod".to_owned()));
    let scope = Scope { service: shop.clone(), environment: prod, ..Scope::default() };
    check("mute", json!({"service": "shop", "environment": "prod", "reason": "r", "minutes": 90}), Ok(of(scope)));
    let scope = Scope { plan: shop.clone(), ..Scope::default() };
    check("mute", json!({"plan": "shop", "environment": null, "reason": "r", "minutes": 90}), Ok(of(scope)));
    let scope = Scope { fingerprint: shop, ..Scope::default() };
    check("mute", json!({"fingerprint": "shop", "reason": "r", "minutes": 90}), Ok(of(scope)));
    check("mute", json!({"reason": "r", "minutes": 90}), Err("name one of"));
    check("mute", json!({"plan": "p", "service": "s", "reason": "r", "minutes": 90}), Err("name one of"));
    check("mute", json!({"plan": " ", "reason": "r", "minutes": 90}), Err("`plan` is missing"));
    check(
        "mute",
        json!({"plan": "p", "environment": "e", "reason": "r", "minutes": 90}),
        Err("beside `service` alone"),
    );
    check("mute", json!({"environment": "e", "reason": "r", "minutes": 90}), Err("name one of"));
    check("mute", json!({"plan": "p", "minutes": 90}), Err("say why"));
    for minutes in [json!(null), json!(0), json!(1441), json!("90")] {
        check("mute", json!({"plan": "p", "reason": "r", "minutes": minutes}), Err("from 1 to 1440"));
    }
    check("unmute", json!({"id": "mute-0123456789"}), Ok(Asked::Unmute { id: "mute-0123456789".into() }));
    check("unmute", json!({}), Err("`tourniquet mutes` lists"));
}

#[test]
fn changes() {
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:checkout:live";
    let at: Timestamp = "2026-11-23T14:05:00Z".parse().unwrap();
    check(
        "change-record",
        json!({"resource": arn, "version": "1", "good": true, "at": at}),
        Ok(Asked::Change { resource: arn.into(), version: "1".into(), good: true, at: Some(at) }),
    );
    check(
        "change-record",
        json!({"resource": arn, "version": "1"}),
        Ok(Asked::Change { resource: arn.into(), version: "1".into(), good: false, at: None }),
    );
    check("change-record", json!({"resource": "checkout", "version": "1"}), Err("no full ARN"));
    check("change-record", json!({"resource": arn}), Err("name the version"));
    let long = format!("{arn}{}", "x".repeat(500));
    check("change-record", json!({"resource": long, "version": "1"}), Err("longer than 500"));
    check("change-record", json!({"resource": arn, "version": "1", "good": "yes"}), Err("true or false"));
    check("change-record", json!({"resource": arn, "version": "1", "at": "noon"}), Err("must be a time"));
}

#[test]
fn what_can_be_answered_is_answered() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut Value), part: &str) {
        let mut message = body("acknowledge", Value::Null);
        change(&mut message);
        let sentence = read(&message.to_string()).unwrap().1.unwrap_err();
        assert!(sentence.contains(part), "{sentence}");
    }
    check(|m| m["v"] = json!(2), "not of version 1");
    check(|m| m["claimed_by"] = json!("\n"), "who asks");
    check(|m| m["incident_id"] = json!("inc-1"), "names no incident");
    check(|m| m["verb"] = json!("dance"), "`dance` is nothing that can be asked of version");
    check(|m| m["verb"] = json!(format!("da\u{1b}nce{}", "!".repeat(1000))), "`da nce!!");
    for verb in [Value::Null, json!(7), json!({"acknowledge": null}), json!(" \n")] {
        check(|m| m["verb"] = verb, "does not say what is asked");
    }
    check(|m| m["args"] = json!({"hours": 2}), "an argument `hours` that version");
    check(|m| m["args"] = json!(["n"]), "no object");
    check(|m| *m = json!({"request_id": "r1"}), "not of version 1");
}

#[test]
fn each_verb_refuses_what_it_does_not_know() {
    for verb in ["acknowledge", "approve", "reject", "resolve", "brake", "mute", "unmute", "change-record"] {
        let args = json!({"on": true, "reason": "r", "hours": 2});
        let sentence = read(&body(verb, args).to_string()).unwrap().1.unwrap_err();
        assert!(sentence.contains("an argument `") && sentence.contains("does not know"), "{verb}: {sentence}");
    }
    check("brake", json!({"on": true, "reason": "r", "hours": 2}), Err("an argument `hours`"));
}

#[test]
fn what_cannot_be_answered_is_said() {
    #[track_caller]
    fn check(message: &str, part: &str) {
        let sentence = read(message).unwrap_err();
        assert!(sentence.contains(part), "{sentence}");
    }
    check("", "no JSON");
    check("[]", "request_id");
    check(r#"{"request_id": "a b"}"#, "request_id");
    check(r#"{"request_id": 7, "v": 1, "verb": "acknowledge", "claimed_by": "ana"}"#, "request_id");
    check(&"[".repeat(100_000), "no JSON");
}
