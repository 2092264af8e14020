//! Ways to change a payload: its values, each of which may become anything, and its bytes.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// What EventBridge delivers at most, in bytes.
pub(crate) const LARGEST: usize = 256 << 10;

/// What is done to one value.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Another stands in its place.
    Put(Value),
    /// What stands elsewhere in the payload does.
    Like(Index),
    /// One of what it holds is gone; what holds nothing becomes null.
    Lose(Index),
    /// It is repeated until it takes about so many bytes: a text in itself, an object by its fields, a list by its items.
    Grow(usize),
    /// So many lists, or objects, stand around it.
    Deepen(usize, bool),
    /// This stands in the text, or in place of what is none.
    Insert(Index, &'static str),
    /// One of its fields has another name.
    Rename(Index, &'static str),
}

/// What is done to the bytes, at a place among them.
#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Set(u8),
    Cut,
    Lose(usize),
    Put(&'static str),
    /// What follows, as many bytes as the first says, comes so many times more.
    Again(usize, usize),
}

/// One payload made of another.
#[derive(Debug, Clone)]
pub(crate) struct Changes {
    pub(crate) values: Vec<(Index, Change)>,
    pub(crate) bytes: Vec<(Index, Damage)>,
}

/// A text that is cut somewhere, and mostly within a character where bytes are counted.
pub(crate) const LONG: &str =
    "xẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞéẞé";

/// Texts that mean something to readers of text, times, addresses, numbers and JSON.
const ODD: [&str; 25] = [
    LONG,
    "",
    " \n\t",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "e\u{301}\u{301}\u{301}",
    "\u{1f469}\u{200d}\u{1f680}",
    "ẞßİſKς",
    "null",
    "*",
    "a.b",
    "$or",
    "prefix",
    "arn:aws:",
    "arn:aws:ec2:eu-west-1:111122223333:instance/",
    ":::::::",
    "0000-00-00T99:99:99Z",
    "-009999-12-31T23:59:60+99:99",
    "9999-12-31T23:59:59Z",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "{\"a\":[[",
    "ALARM",
    "tourniquet.drill",
];

/// Pieces of JSON, whole and broken.
const PIECES: [&str; 16] = [
    "1e999",
    "-0",
    "1e-999",
    "123456789012345678901234567890",
    "\\ud800",
    "\\u0000",
    "\\",
    "\"",
    "[",
    "{\"a\":",
    "}",
    "]",
    ",",
    ":",
    "null",
    "/*",
];

pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select([0.0, -0.0, 1e300, -1e300, 5e-324, 1e15, 253_402_300_800.0].as_slice()).prop_map(Value::from),
        select(ODD.as_slice()).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, [[]], {"": null}])),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => any_value().prop_map(Change::Put),
        2 => any::<Index>().prop_map(Change::Like),
        2 => any::<Index>().prop_map(Change::Lose),
        1 => prop_oneof![8 => 2_usize..2_000, 1 => Just(LARGEST)].prop_map(Change::Grow),
        1 => (1_usize..200, any::<bool>()).prop_map(|(levels, lists)| Change::Deepen(levels, lists)),
        2 => (any::<Index>(), select(ODD.as_slice())).prop_map(|(at, text)| Change::Insert(at, text)),
        1 => (any::<Index>(), select(ODD.as_slice())).prop_map(|(at, name)| Change::Rename(at, name)),
    ]
}

pub(crate) fn damage() -> impl Strategy<Value = (Index, Damage)> {
    let damage = prop_oneof![
        any::<u8>().prop_map(Damage::Set),
        Just(Damage::Cut),
        (1_usize..20).prop_map(Damage::Lose),
        select(PIECES.as_slice()).prop_map(Damage::Put),
        (1_usize..30, 1_usize..200).prop_map(|(bytes, times)| Damage::Again(bytes, times)),
    ];
    (any::<Index>(), damage)
}

pub(crate) fn changes() -> impl Strategy<Value = Changes> {
    let values = prop::collection::vec((any::<Index>(), change()), 0..4);
    let bytes = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(damage(), 1..4)];
    (values, bytes).prop_map(|(values, bytes)| Changes { values, bytes })
}

impl Changes {
    pub(crate) fn of(&self, payload: &Value) -> Vec<u8> {
        let mut payload = payload.clone();
        self.values.iter().for_each(|(at, change)| change.at(*at, &mut payload));
        damaged(payload.to_string().into_bytes(), &self.bytes)
    }
}

pub(crate) fn damaged(mut bytes: Vec<u8>, damages: &[(Index, Damage)]) -> Vec<u8> {
    for (at, damage) in damages {
        let at = at.index(bytes.len() + 1);
        let behind = |more: usize| (at + more).min(bytes.len());
        match damage {
            Damage::Set(byte) => drop(bytes.splice(at..behind(1), [*byte])),
            Damage::Cut => bytes.truncate(at),
            Damage::Lose(count) => drop(bytes.drain(at..behind(*count))),
            Damage::Put(piece) => drop(bytes.splice(at..at, piece.bytes())),
            Damage::Again(count, times) => {
                let again = bytes[at..behind(*count)].repeat(*times);
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}

impl Change {
    fn at(&self, at: Index, payload: &mut Value) {
        let all = count(payload);
        let other = if let Self::Like(other) = self { place(payload, &mut other.index(all)).cloned() } else { None };
        let Some(value) = place(payload, &mut at.index(all)) else { return };
        match self {
            Self::Put(new) => *value = new.clone(),
            Self::Like(_) => *value = other.unwrap_or_default(),
            Self::Lose(which) => lose(value, *which),
            Self::Grow(bytes) => grow(value, *bytes),
            Self::Deepen(levels, lists) => {
                let around = |inner, _| if *lists { json!([inner]) } else { json!({ "a": inner }) };
                *value = (0..*levels).fold(value.take(), around);
            }
            Self::Insert(at, odd) => {
                let mut chars: Vec<char> = value.as_str().unwrap_or_default().chars().collect();
                let at = at.index(chars.len() + 1);
                chars.splice(at..at, odd.chars());
                *value = chars.into_iter().collect::<String>().into();
            }
            Self::Rename(which, new) => {
                if let Some((fields, old)) = one_field(value, *which) {
                    let held = fields.remove(&old).unwrap_or_default();
                    fields.insert((*new).to_owned(), held);
                }
            }
        }
    }
}

fn one_field(value: &mut Value, which: Index) -> Option<(&mut Map<String, Value>, String)> {
    let fields = value.as_object_mut().filter(|fields| !fields.is_empty())?;
    let name = fields.keys().nth(which.index(fields.len()))?.clone();
    Some((fields, name))
}

fn lose(value: &mut Value, which: Index) {
    match value {
        Value::Array(items) if !items.is_empty() => drop(items.remove(which.index(items.len()))),
        value => match one_field(value, which) {
            Some((fields, name)) => drop(fields.remove(&name)),
            None => *value = Value::Null,
        },
    }
}

/// Repeats it until it takes about so many bytes.
pub(crate) fn grow(value: &mut Value, bytes: usize) {
    let times = |size: usize| (bytes / (size + 1)).max(1);
    match value {
        Value::String(text) if !text.is_empty() => *text = text.repeat(times(text.len())),
        Value::Array(items) if !items.is_empty() => {
            let size = json!(items).to_string().len();
            *items = std::iter::repeat_n(&*items, times(size)).flatten().cloned().collect();
        }
        Value::Object(fields) if !fields.is_empty() => {
            let size = json!(fields).to_string().len();
            let more = |n: usize| fields.iter().map(move |(name, held)| (format!("{name}{n}"), held.clone()));
            let more: Vec<_> = (1..times(size)).flat_map(more).collect();
            fields.extend(more);
        }
        small => *small = vec![small.clone(); times(small.to_string().len())].into(),
    }
}

/// How many values there are in it, itself among them.
pub(crate) fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// The value of that number. The number becomes what is left of it.
pub(crate) fn place<'v>(value: &'v mut Value, number: &mut usize) -> Option<&'v mut Value> {
    if *number == 0 {
        return Some(value);
    }
    *number -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| place(item, number)),
        Value::Object(fields) => fields.values_mut().find_map(|field| place(field, number)),
        _ => None,
    }
}
