//! Whatever is put into the queue, it is read without a panic: as a request that can be answered, or as no request.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::request::{Asked, read};

/// One right command of each verb.
fn commands() -> Vec<Value> {
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:checkout:live";
    let of = |verb: &str, args: Value| {
        json!({
            "v": 1, "request_id": "5a3c1e07f2b94d68", "incident_id": "inc-20261123-0123456789", "verb": verb,
            "args": args, "proof": null, "claimed_by": "ana",
        })
    };
    vec![
        of("acknowledge", json!({})),
        of("approve", json!({"n": 1, "plan_sha256": "0123abcd"})),
        of("reject", json!({"n": 2, "reason": "wrong one"})),
        of("resolve", json!({"reason": "it was a test"})),
        of("brake", json!({"on": true, "reason": "a storm", "minutes": 30})),
        of("change-record", json!({"resource": arn, "version": "7", "good": true, "at": "2026-11-23T14:05:00Z"})),
        of("mute", json!({"service": "checkout", "environment": "prod", "reason": "a deployment", "minutes": 90})),
        of("unmute", json!({"id": "mute-0123456789"})),
        of("undo", json!({"n": 1, "reason": "it bears it again"})),
        of("declare", json!({"signal_id": "0123456789abcdef".repeat(2), "reason": "it spreads", "severity": "SEV1"})),
    ]
}

/// Reads, and checks what must hold of any answer.
fn sound(body: &str) -> Result<(), TestCaseError> {
    let message: Option<Value> = serde_json::from_str(body).ok();
    let id = message.as_ref().and_then(|message| message["request_id"].as_str());
    let named = id.is_some_and(|id| {
        (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    match read(body) {
        Err(sentence) => {
            prop_assert!(!named, "it names a request and is not answered: {}", sentence);
            is_sentence(&sentence)
        }
        Ok((request, asked)) => {
            prop_assert!(named);
            prop_assert_eq!(Some(request.request_id.as_str()), id);
            prop_assert!(request.incident_id.as_deref().is_none_or(incident::is_incident_id));
            prop_assert!(request.by.ends_with(" (claimed)") && request.by.chars().count() <= 110);
            is_line(&request.by)?;
            match asked {
                Err(sentence) => is_sentence(&sentence),
                Ok(asked) => {
                    prop_assert!(request.verb.is_some() && request.by != "nobody (claimed)");
                    is_sensible(&asked)
                }
            }
        }
    }
}

/// What people read: one line that says something, and not without end.
fn is_sentence(sentence: &str) -> Result<(), TestCaseError> {
    prop_assert!((10..800).contains(&sentence.chars().count()), "{}", sentence);
    is_line(sentence)
}

fn is_line(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(!text.chars().any(char::is_control), "{:?}", text);
    Ok(())
}

/// Nothing is done that nobody could have meant.
fn is_sensible(asked: &Asked) -> Result<(), TestCaseError> {
    let words: Vec<&str> = match asked {
        Asked::Acknowledge { .. } | Asked::BrakeOff => vec![],
        Asked::Approve { n, plan_sha256, .. } => {
            prop_assert!(*n > 0 && (8..=64).contains(&plan_sha256.len()));
            vec![plan_sha256]
        }
        Asked::Reject { n, reason, .. } => {
            prop_assert!(*n > 0 && !reason.is_empty());
            vec![reason]
        }
        Asked::Undo { n, reason, .. } => {
            prop_assert!(*n > 0);
            reason.iter().map(String::as_str).collect()
        }
        Asked::Declare { signal_id, reason, .. } => {
            prop_assert!(signal_id.len() == 32 && !reason.is_empty());
            vec![signal_id, reason]
        }
        Asked::Resolve { reason, .. } => reason.iter().map(String::as_str).collect(),
        Asked::BrakeOn { reason, minutes } => {
            prop_assert!((1..=24 * 60).contains(minutes) && !reason.is_empty());
            vec![reason]
        }
        Asked::Mute { scope, reason, minutes } => {
            prop_assert!((1..=24 * 60).contains(minutes) && !reason.is_empty());
            let things = [&scope.plan, &scope.service, &scope.fingerprint];
            prop_assert_eq!(things.iter().filter(|thing| thing.is_some()).count(), 1);
            let said = things.into_iter().chain([&scope.environment]).flatten().map(String::as_str);
            said.chain([reason.as_str()]).collect()
        }
        Asked::Unmute { id } => vec![id],
        Asked::Change { resource, version, .. } => {
            prop_assert!(resource.starts_with("arn:") && !version.is_empty());
            vec![resource, version]
        }
    };
    for word in words {
        prop_assert!(word.chars().count() <= 500);
        is_line(word)?;
    }
    Ok(())
}

/// What may stand where something else belongs.
fn any_json() -> impl Strategy<Value = Value> {
    let plain = any::<(Option<bool>, i64, f64, String)>().prop_flat_map(|(flag, whole, part, text)| {
        let odd = ["-009999-01-02T00:00:00.5Z", "arn:::::", "acknowledge", "inc-20261123-0123456789"].map(Value::from);
        let own =
            [flag.into(), whole.into(), (whole % 3_000).into(), part.into(), text.into(), "x".repeat(2_000).into()];
        prop::sample::select(odd.into_iter().chain(own).collect::<Vec<Value>>())
    });
    (plain, 0..12_u8, "n|reason|hours|.{0,50}").prop_map(|(value, wrapping, name)| match wrapping {
        0 => json!([value]),
        1 => json!({ name: value }),
        2 => json!({ name: [{ "request_id": value }] }),
        _ => value,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        sound(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_value(value in any_json()) {
        sound(&value.to_string())?;
    }

    #[test]
    fn a_command_with_any_value_anywhere(
        which in 0..8_usize,
        field in prop::sample::select(vec!["v", "request_id", "incident_id", "verb", "args", "claimed_by"]),
        value in any_json(),
    ) {
        let mut message = commands().swap_remove(which);
        message[field] = value;
        sound(&message.to_string())?;
    }

    #[test]
    fn a_command_with_any_argument(which in 0..8_usize, place in any::<prop::sample::Index>(), value in any_json()) {
        let mut message = commands().swap_remove(which);
        let own = message["args"].as_object().map(|args| args.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let names: Vec<String> = own.into_iter().chain(["n".to_owned(), "hours".to_owned()]).collect();
        message["args"][&names[place.index(names.len())]] = value;
        sound(&message.to_string())?;
    }

    #[test]
    fn two_commands_torn_and_joined(
        halves in (0..8_usize, 0..8_usize),
        places in any::<(prop::sample::Index, prop::sample::Index)>(),
        between in ".{0,8}",
    ) {
        let text = |which: usize| commands().swap_remove(which).to_string();
        let (head, tail) = (text(halves.0), text(halves.1));
        let (end, start) = (places.0.index(head.len()), places.1.index(tail.len()));
        sound(&format!("{}{between}{}", &head[..end], &tail[start..]))?;
    }
}

#[test]
fn the_undamaged_ones_are_right() {
    for message in commands() {
        let (request, asked) = read(&message.to_string()).unwrap();
        assert!(asked.is_ok(), "{request:?}: {asked:?}");
    }
}

#[test]
fn depths_and_sizes_are_survived() {
    for body in ["[".repeat(1 << 20), "{\"a\":".repeat(100_000), "x".repeat(1 << 20)] {
        sound(&body).unwrap();
    }
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    for args in [deep(100), json!({"reason": deep(100)}), json!({"reason": "r".repeat(1 << 20)})] {
        let mut message = commands().swap_remove(3);
        message["args"] = args;
        sound(&message.to_string()).unwrap();
    }
    // The farthest instants that can be written are told as what they are, in the future or long past.
    for at in [Timestamp::MIN, Timestamp::MAX] {
        let mut message = commands().swap_remove(5);
        message["args"]["at"] = at.to_string().into();
        sound(&message.to_string()).unwrap();
    }
}
