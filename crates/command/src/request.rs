//! The message of the queue, read: who asks for what, with arguments that make sense.

use incident::{V, Verb, is_incident_id};
use jiff::Timestamp;
use serde_json::Value;

/// Who asks, and about what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Unique: what was asked once is done once.
    pub(crate) request_id: String,
    /// What is asked.
    pub(crate) verb: Verb,
    /// The incident, for the verbs that are about one.
    pub(crate) incident_id: Option<String>,
    /// Who asks, as recorded: no proof is checked, so it is a claim.
    pub(crate) by: String,
}

/// What is asked, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Acknowledge { incident_id: String },
    Approve { incident_id: String, n: u32, plan_sha256: String },
    Reject { incident_id: String, n: u32, reason: String },
    Resolve { incident_id: String, reason: Option<String> },
    BrakeOn { reason: String, minutes: i64 },
    BrakeOff,
    Change { resource: String, version: String, good: bool, at: Option<Timestamp> },
}

/// The longest text of an argument, in characters.
const TEXT: usize = 500;
/// How long the brake holds where nobody says, and at most, in minutes.
const BRAKE: i64 = 60;
const BRAKE_MOST: i64 = 24 * 60;

/// Reads a message. What is asked may be wrong where the request is clear enough to be answered.
///
/// # Errors
/// A sentence for the log, where the message does not say which request it is or what it wants.
pub(crate) fn read(body: &str) -> Result<(Request, Result<Asked, String>), String> {
    let message: Value = serde_json::from_str(body).map_err(|e| format!("it is no JSON: {e}"))?;
    let request_id = message["request_id"].as_str().filter(|id| is_request_id(id));
    let request_id = request_id.ok_or("it has no `request_id` of at most 128 letters, digits, `-` or `_`")?.to_owned();
    let verb = message["verb"].as_str().unwrap_or_default();
    let verb: Verb = serde_json::from_value(verb.into()).map_err(|e| format!("request {request_id}: {e}"))?;
    let incident_id = message["incident_id"].as_str().filter(|id| is_incident_id(id)).map(str::to_owned);
    let claimed_by = message["claimed_by"].as_str().map(|name| line(name, 100)).filter(|name| !name.is_empty());
    let by = format!("{} (claimed)", claimed_by.as_deref().unwrap_or("nobody"));
    let request = Request { request_id, verb, incident_id, by };
    let asked = if message["v"].as_u64() != Some(u64::from(V)) {
        Err(format!("the command is not of version {V}; use a `tourniquet` of the version that is deployed"))
    } else if claimed_by.is_none() {
        Err("the command does not say who asks; say it with --as NAME".to_owned())
    } else {
        asked(&request, &message["args"])
    };
    Ok((request, asked))
}

fn asked(request: &Request, args: &Value) -> Result<Asked, String> {
    let incident_id = || {
        let id = request.incident_id.clone();
        id.ok_or_else(|| "the command names no incident; an id looks like inc-20261123-0123456789".to_owned())
    };
    match request.verb {
        Verb::Acknowledge => Ok(Asked::Acknowledge { incident_id: incident_id()? }),
        Verb::Approve => Ok(Asked::Approve { incident_id: incident_id()?, n: number(args)?, plan_sha256: hash(args)? }),
        Verb::Reject => {
            let reason = needed(args, "reason", "say why the mitigation is rejected")?;
            Ok(Asked::Reject { incident_id: incident_id()?, n: number(args)?, reason })
        }
        Verb::Resolve => Ok(Asked::Resolve { incident_id: incident_id()?, reason: text(args, "reason")? }),
        Verb::Brake => brake(args),
        Verb::ChangeRecord => change(args),
    }
}

fn brake(args: &Value) -> Result<Asked, String> {
    match args["on"].as_bool() {
        None => Err("`on` must be true or false".to_owned()),
        Some(false) => Ok(Asked::BrakeOff),
        Some(true) => {
            let reason = needed(args, "reason", "say why the brake is pulled")?;
            let minutes = if args["minutes"].is_null() { Some(BRAKE) } else { args["minutes"].as_i64() };
            let minutes = minutes.filter(|m| (1..=BRAKE_MOST).contains(m));
            let minutes = minutes.ok_or_else(|| format!("`minutes` must be from 1 to {BRAKE_MOST}"))?;
            Ok(Asked::BrakeOn { reason, minutes })
        }
    }
}

fn change(args: &Value) -> Result<Asked, String> {
    let resource = needed(args, "resource", "name what was changed")?;
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    if parts.len() < 6 || parts[0] != "arn" || parts[5].is_empty() || resource.contains(char::is_whitespace) {
        return Err(format!(
            "`{resource}` is no full ARN, such as arn:aws:lambda:eu-west-1:111122223333:function:f:live"
        ));
    }
    let version = needed(args, "version", "name the version it was changed to")?;
    let good = match &args["good"] {
        Value::Null => false,
        good => good.as_bool().ok_or("`good` must be true or false")?,
    };
    let at = match &args["at"] {
        Value::Null => None,
        at => {
            Some(at.as_str().and_then(|at| at.parse().ok()).ok_or("`at` must be a time such as 2026-11-23T14:05:00Z")?)
        }
    };
    Ok(Asked::Change { resource, version, good, at })
}

/// Which mitigation of the opening; the first where nobody says.
fn number(args: &Value) -> Result<u32, String> {
    if args["n"].is_null() {
        return Ok(1);
    }
    let n = args["n"].as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    n.ok_or_else(|| "`n` must be the number of a mitigation, from 1".to_owned())
}

fn hash(args: &Value) -> Result<String, String> {
    let hash = args["plan_sha256"].as_str().map(str::to_ascii_lowercase);
    let is_hash = |h: &String| (8..=64).contains(&h.len()) && h.bytes().all(|b| b.is_ascii_hexdigit());
    hash.filter(is_hash).ok_or_else(|| {
        "an approval names what it approves: `plan_sha256`, at least its first 8 hex digits, as `tourniquet show` prints it"
            .to_owned()
    })
}

fn needed(args: &Value, name: &str, remedy: &str) -> Result<String, String> {
    text(args, name)?.ok_or_else(|| format!("`{name}` is missing: {remedy}"))
}

fn text(args: &Value, name: &str) -> Result<Option<String>, String> {
    match &args[name] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(line(text, TEXT)).filter(|text| !text.is_empty())),
        _ => Err(format!("`{name}` must be a text")),
    }
}

/// One line of at most `max` characters.
fn line(text: &str, max: usize) -> String {
    let one: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(max).collect();
    one.trim().to_owned()
}

fn is_request_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
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
        check("resolve", json!({}), Ok(Asked::Resolve { incident_id: incident_id(), reason: None }));
        check("resolve", json!({"reason": 7}), Err("must be a text"));
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
        check(&body("dance", Value::Null).to_string(), "unknown variant");
        check(&"[".repeat(100_000), "no JSON");
    }
}
