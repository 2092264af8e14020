//! Whatever arrives, `read` answers: at least one element, no panic, and a signal only with a sound identity.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Origin, read, read_value, signal_id};

/// All that any source sends.
static FIXTURES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
});

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

/// Each fixture with a value at one of so many of its places, in turn.
fn at_places(one_of: usize, mut put: impl FnMut(usize, &mut Value), mut judge: impl FnMut(&Value)) {
    let mut turn = 0;
    for fixture in &*FIXTURES {
        let payload: Value = serde_json::from_str(fixture).unwrap();
        let mut all = Vec::new();
        places(&payload, String::new(), &mut all);
        for place in all {
            turn += 1;
            if turn % one_of == 0 {
                let mut changed = payload.clone();
                put(turn, changed.pointer_mut(&place).unwrap());
                judge(&changed);
            }
        }
    }
}

#[test]
fn every_place_of_every_fixture_with_something_that_does_not_belong_there() {
    let foreign = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!(" \n"),
        json!("é".repeat(5000)),
        json!("arn:aws:ec2:eu-west-1:111122223333:instance/\u{0}"),
        json!("0000-00-00T99:99:99Z"),
        json!("{\"a\":[["),
        json!([]),
        json!([null]),
        json!([["a"]]),
        json!({}),
        json!({"": null}),
    ];
    let put = |turn: usize, place: &mut Value| *place = foreign[turn % foreign.len()].clone();
    at_places(1, put, |changed| sound(changed.to_string().as_bytes()).unwrap());
}

/// What is long is read in a time and to a size that grow with its length, not with its square.
#[test]
fn a_quarter_of_a_mebibyte_is_read_at_once() {
    const LARGE: usize = 256 << 10;
    let judge = |payload: &Value| {
        let bytes = payload.to_string().into_bytes();
        let begun = Instant::now();
        let answers = read(&bytes, &OWN);
        let took = begun.elapsed();
        let (head, tail) = bytes.split_at(bytes.len().min(300));
        let head = String::from_utf8_lossy(head);
        assert!(took < Duration::from_secs(5), "{took:?} for {} bytes of {head}", head.len() + tail.len());
        let size: usize = answers.iter().flatten().map(|signal| serde_json::to_vec(signal).unwrap().len()).sum();
        assert!(size < 20 * bytes.len() + (64 << 10), "{size} bytes from {} of {head}", bytes.len());
    };
    at_places(61, |_, place| longer(place, LARGE), judge);
}

/// The value, of about so many bytes.
fn longer(value: &mut Value, size: usize) {
    let times = |one: &Value| size / (one.to_string().len() + 1);
    match value {
        Value::String(text) => *text = text.repeat(size / text.len().max(1)),
        Value::Array(items) => {
            let one = items.first().cloned().unwrap_or_else(|| json!("arn:aws:s3:::a"));
            *items = vec![one.clone(); times(&one)];
        }
        Value::Object(fields) => {
            for n in 0..size / 16 {
                fields.insert(format!("{n}Arn"), json!("a"));
            }
        }
        _ => {}
    }
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
        let mut bytes = FIXTURES[which].clone().into_bytes();
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
        let mut payload: Value = serde_json::from_str(&FIXTURES[which]).unwrap();
        let mut all = Vec::new();
        places(&payload, String::new(), &mut all);
        *payload.pointer_mut(&all[place.index(all.len())]).unwrap() = value;
        sound(payload.to_string().as_bytes())?;
    }
}
