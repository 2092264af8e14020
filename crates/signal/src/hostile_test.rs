//! Whatever arrives, `read` answers: at least one element, no panic, and a signal only with a sound identity.

use proptest::prelude::*;
use serde_json::Value;

use crate::{Origin, read, read_value, signal_id};

const FIXTURES: &[&str] = &[
    include_str!("../fixtures/cloudwatch-event-alarm.json"),
    include_str!("../fixtures/cloudwatch-sns-lambda.json"),
    include_str!("../fixtures/cloudwatch-sns-message.json"),
    include_str!("../fixtures/cloudwatch-sns-metric-math.json"),
    include_str!("../fixtures/cloudwatch-action.json"),
    include_str!("../fixtures/cloudwatch-forwarded.json"),
    include_str!("../fixtures/cloudwatch-failed-invocation.json"),
];

const OWN: Origin = Origin { own_account: Some("444455556666"), hubs: &[] };

/// Reads, and checks what must hold of any answer.
fn sound(bytes: &[u8]) -> Result<(), TestCaseError> {
    let all = read(bytes, &OWN);
    prop_assert!(!all.is_empty());
    for one in all {
        match one {
            Ok(signal) => {
                prop_assert_eq!(&signal.signal_id, &signal_id(&signal.fingerprint, signal.state, signal.time));
                prop_assert!(!signal.fingerprint.contains('\n'));
                prop_assert!(signal.onset.is_none_or(|onset| onset <= signal.time));
            }
            Err(unread) => prop_assert!(!unread.reason.is_empty() && unread.reason.len() < 500),
        }
    }
    Ok(())
}

/// Every place in a JSON value, as a pointer.
fn places(value: &Value, here: String, found: &mut Vec<String>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, field)| places(field, format!("{here}/{}", escaped(key)), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, format!("{here}/{index}"), found));
        }
        _ => {}
    }
    found.push(here);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from("2026-03-01T10:05:12.345+0000")),
        Just(Value::from("-009999-01-02T00:00:00.5Z")),
        Just(Value::from("arn:aws:cloudwatch:::alarm:")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        sound(&bytes)?;
    }

    #[test]
    fn any_value(value in any_json()) {
        prop_assert!(!read_value(&value, &OWN).is_empty());
    }

    #[test]
    fn a_fixture_with_damaged_bytes(
        which in 0..FIXTURES.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = FIXTURES[which].as_bytes().to_vec();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        sound(&bytes)?;
    }

    #[test]
    fn a_fixture_with_any_value_anywhere(
        which in 0..FIXTURES.len(),
        place in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let mut payload: Value = serde_json::from_str(FIXTURES[which]).unwrap();
        let mut all = Vec::new();
        places(&payload, String::new(), &mut all);
        *payload.pointer_mut(&all[place.index(all.len())]).unwrap() = value;
        sound(payload.to_string().as_bytes())?;
    }
}
