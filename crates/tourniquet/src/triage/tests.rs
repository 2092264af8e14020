//! Events of our own, judged by plans of our own.

use std::path::PathBuf;

use super::*;

const ALARM: &str = include_str!("alarm.json");

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/triage").join(name)
}

fn judged(bytes: &[u8]) -> (Value, Report) {
    let mut report = Report::default();
    let plans = plans::load(&here("plans")).unwrap();
    judge(&plans, bytes, None, None).tell(Path::new("f.json"), &mut report).unwrap();
    (report.objects[0].clone(), report)
}

/// The alarm at another state and time.
fn alarm(state: &str, time: &str) -> Value {
    let mut event: Value = serde_json::from_str(ALARM).unwrap();
    event["detail"]["state"] = json!({"value": state, "timestamp": time});
    event
}

/// The bodies as a batch of a queue.
fn batch(bodies: &[String]) -> String {
    let record = |body: &String| json!({"eventSource": "aws:sqs", "messageId": "m", "body": body});
    json!({"Records": bodies.iter().map(record).collect::<Vec<_>>()}).to_string()
}

#[track_caller]
fn check(bodies: &[&Value], top: &str, each: &[&str]) -> Value {
    let bodies: Vec<String> = bodies.iter().map(ToString::to_string).collect();
    let (object, _) = judged(batch(&bodies).as_bytes());
    let outcomes: Vec<_> = object["signals"].as_array().unwrap().iter().map(|s| s["outcome"].clone()).collect();
    assert_eq!((object["outcome"].as_str(), outcomes), (Some(top), each.iter().map(|o| json!(o)).collect()));
    object
}

#[test]
fn an_alarm_opens_an_incident() {
    let (object, report) = judged(ALARM.as_bytes());
    let decision = json!({
        "plan": "checkout-errors", "type": "bad-deployment", "service": "checkout", "environment": "prod",
        "customer_facing": true, "owner": "payments", "severity": "SEV2", "engage": "page",
        "group_key": "checkout-errors/checkout/prod/111122223333/real", "mitigations": ["rollback-lambda-alias"],
    });
    let arn = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors";
    let time = "2026-11-23T14:03:12.014Z";
    let expect = json!({
        "v": 1, "file": "f.json", "outcome": "incident", "reason": "matched by plan `checkout-errors`",
        "signals": [{
            "kind": "alarm", "state": "firing", "source": "aws.cloudwatch",
            "detail_type": "CloudWatch Alarm State Change", "account": "111122223333", "region": "eu-west-1",
            "time": time, "onset": "2026-11-23T14:01:00Z", "resources": [arn], "title": object["signals"][0]["title"],
            "fingerprint": arn, "signal_id": signal::signal_id(arn, State::Firing, time.parse().unwrap()),
            "outcome": "incident", "reason": "matched by plan `checkout-errors`", "decision": decision,
        }],
        "unread": [], "decision": decision,
    });
    assert_eq!(object, expect);
    assert!(!report.wrong);
    for part in ["f.json: incident", "SEV2, owned by payments: checkout (prod)", "roll checkout:live back"] {
        assert!(report.text.contains(part), "{}", report.text);
    }
}

#[test]
fn signals_of_one_file_see_each_other() {
    let first = alarm("ALARM", "2026-11-23T14:03:12Z");
    let again = alarm("ALARM", "2026-11-23T14:05:12Z");
    let ok = alarm("OK", "2026-11-23T14:09:12Z");
    let info = alarm("INSUFFICIENT_DATA", "2026-11-23T14:10:00Z");
    check(&[&first, &first], "incident", &["incident", "attached"]);
    check(&[&first, &again, &ok], "incident", &["incident", "attached", "attached"]);
    check(&[&ok, &first], "ignored", &["ignored", "ignored"]);
    check(&[&again, &first], "incident", &["incident", "ignored"]);
    check(&[&first, &info], "incident", &["incident", "ignored"]);
}

#[test]
fn what_changes_nothing_has_its_decision_all_the_same() {
    let object = check(&[&alarm("OK", "2026-11-23T14:09:12Z")], "ignored", &["ignored"]);
    assert_eq!(object["decision"]["owner"], "payments");
    assert!(object["reason"].as_str().unwrap().contains("no incident was open for it"));
    check(&[&alarm("INSUFFICIENT_DATA", "2026-11-23T14:09:12Z")], "ignored", &["ignored"]);
}

#[test]
fn what_no_plan_matches_is_not_silent() {
    let mut other = alarm("ALARM", "2026-11-23T14:03:12Z");
    other["detail"]["alarmName"] = "search-errors".into();
    other["resources"] = json!(["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:search-errors"]);
    let object = check(&[&other], "incident", &["incident"]);
    assert_eq!((&object["decision"]["plan"], &object["decision"]["owner"]), (&json!("catch-all"), &json!("unowned")));
}

#[test]
fn a_drill_is_one_of_its_own() {
    let real = alarm("ALARM", "2026-11-23T14:03:12Z");
    let drill = json!({"source": "tourniquet.drill", "account": "111122223333", "detail": real});
    let (object, _) = judged(drill.to_string().as_bytes());
    assert_eq!(object["outcome"], "incident", "offline the event's own account is trusted");
    let group = object["decision"]["group_key"].as_str().unwrap();
    assert!(group.ends_with("/drill"), "{group}");
}

#[track_caller]
fn check_unread(bytes: &[u8], outcome: &str, part: &str) {
    let (object, report) = judged(bytes);
    assert_eq!(
        (object["outcome"].as_str(), &object["decision"], &object["signals"]),
        (Some(outcome), &Value::Null, &json!([]))
    );
    assert!(object["reason"].as_str().unwrap().contains(part), "{object}");
    assert!(report.wrong);
}

#[test]
fn bad_input_is_said() {
    check_unread(b"no JSON", "rejected", "not readable JSON");
    check_unread(b"[1]", "rejected", "not a JSON object");
    check_unread(&vec![b'['; 256 * 1024], "rejected", "not readable JSON");
    let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
    check_unread(deep.as_bytes(), "ignored", "levels deep");
    check_unread(
        br#"{"source": "example.shop", "detail-type": "Sale", "detail": {}}"#,
        "rejected",
        "does not say when",
    );
    check_unread(br#"{"order": 1}"#, "ignored", "Nothing here reads");
}

#[test]
fn one_bad_record_spoils_no_other() {
    let bodies = ["{".to_owned(), alarm("ALARM", "2026-11-23T14:03:12Z").to_string()];
    let (object, report) = judged(batch(&bodies).as_bytes());
    assert_eq!((&object["outcome"], &object["unread"][0]["outcome"]), (&json!("incident"), &json!("rejected")));
    assert!(report.wrong);
}

#[test]
fn a_file_that_is_not_there_stops_no_other() {
    let what = Triage {
        files: vec![here("nowhere.json"), here("alarm.json")],
        plans: Some(here("plans")),
        account: None,
        at: None,
    };
    let report = run(&what).unwrap();
    assert_eq!(report.objects.len(), 1);
    assert!(report.unreadable[0].contains("nowhere.json cannot be read"), "{:?}", report.unreadable);
}

#[test]
fn what_no_plan_matches_has_its_owner_by_rule_or_tag() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["teams.yaml", "checkout.yaml"] {
        std::fs::copy(here("plans").join(file), dir.path().join(file)).unwrap();
    }
    let rule = "rules:\n  - { arn: \"arn:aws:cloudwatch:*:alarm:search-*\", owner: payments, service: search }\n";
    std::fs::write(dir.path().join("owners.yaml"), rule).unwrap();
    let plans = plans::load(dir.path()).unwrap();
    let judged = |event: &Value| {
        let mut report = Report::default();
        judge(&plans, event.to_string().as_bytes(), None, None).tell(Path::new("f.json"), &mut report).unwrap();
        report
    };
    let mut other = alarm("ALARM", "2026-11-23T14:03:12Z");
    other["detail"]["alarmName"] = "search-errors".into();
    other["resources"] = json!(["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:search-errors"]);
    let report = judged(&other);
    let decision = &report.objects[0]["decision"];
    assert_eq!((&decision["plan"], &decision["owner"]), (&json!("catch-all"), &json!("payments")));
    assert_eq!(decision["group_key"], "catch-all/search/unknown/111122223333/real");
    assert!(report.text.contains("owned by payments by the rule of owners.yaml line 2"), "{}", report.text);
    let labels = json!({"alertname": "a", "team": "Payments"});
    let alert = json!({"status": "firing", "labels": labels, "startsAt": "2026-03-01T10:04:12Z", "fingerprint": "f"});
    let report = judged(&json!({"receiver": "r", "alerts": [alert]}));
    let object = &report.objects[0];
    assert_eq!(object["decision"]["owner"], "payments");
    assert!(object["reason"].as_str().unwrap().ends_with("owned by payments by the resource's tag `Team`"));
    assert!(object["signals"][0].get("tags").is_none(), "not of the contract");
}

#[test]
fn a_file_with_too_much_in_it_is_a_storm() {
    let dir = tempfile::tempdir().unwrap();
    let teams = std::fs::read_to_string(here("plans/teams.yaml")).unwrap();
    let rule = "storm: { owner: payments, more_than: 2, within: 5m }\n";
    std::fs::write(dir.path().join("teams.yaml"), teams + rule).unwrap();
    let plans = plans::load(dir.path()).unwrap();
    let lost = |name: &str| {
        let mut event = alarm("ALARM", "2026-11-23T14:03:12Z");
        event["detail"]["alarmName"] = name.into();
        event["resources"][0] = format!("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}").into();
        event.to_string()
    };
    let judged = judge(&plans, batch(&["a", "b", "c"].map(lost)).as_bytes(), None, None);
    let outcomes: Vec<_> = judged.signals.iter().map(|judgement| judgement.verdict.outcome).collect();
    assert_eq!(outcomes, [SignalOutcome::Incident, SignalOutcome::Incident, SignalOutcome::Attached]);
    let reason = "part of the storm storm-20261123T140312Z, of which unowned is told all of theirs at once";
    assert_eq!(judged.signals[2].verdict.reason, reason);
    // Whose it is and how bad is said all the same, and each file is judged alone.
    assert_eq!(judged.signals[2].decision().owner, "unowned");
    let alone = judge(&plans, lost("d").as_bytes(), None, None);
    assert_eq!(alone.signals[0].verdict.outcome, SignalOutcome::Incident);
}
