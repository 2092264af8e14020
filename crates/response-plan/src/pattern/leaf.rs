//! What an event has at a path.

use serde_json::{Map, Value};

use super::want::Want;

/// Lists that are nested deeper count as empty: no event that was read from JSON has them, and the walk stays bounded.
pub(super) const LISTS: usize = 128;

/// A value on the way to a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'e> {
    /// What of the name that led here is still to come: `b` after `a` where an event has a field `a.b`.
    pub(super) rest: Option<&'e str>,
    pub(super) value: &'e Value,
}

impl<'e> Found<'e> {
    pub(super) fn at(value: &'e Value) -> Self {
        Self { rest: None, value }
    }

    pub(super) fn is_list(&self) -> bool {
        self.rest.is_none() && self.value.is_array()
    }
}

/// Whether no name among them holds a dot, so that one step takes one name.
pub(super) fn is_plain(fields: &Map<String, Value>) -> bool {
    fields.keys().all(|name| !name.contains('.'))
}

/// What stands under the name in the objects among them. An empty name leads nowhere by itself.
pub(super) fn step<'e>(found: &[Found<'e>], name: &str) -> Vec<Found<'e>> {
    let after = |held: &'e str| held.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
    let mut next = Vec::new();
    for one in found {
        match (one.rest, one.value) {
            (Some(rest), value) if rest == name => next.push(Found { rest: None, value }),
            (Some(rest), value) => next.extend(after(rest).map(|rest| Found { rest: Some(rest), value })),
            (None, Value::Object(fields)) => {
                next.extend(fields.get(name).map(Found::at));
                let longer = |(held, value)| Some(Found { rest: Some(after(held)?), value });
                next.extend(fields.iter().map(|(held, value)| (held.as_str(), value)).filter_map(longer));
            }
            _ => {}
        }
    }
    next
}

/// The objects in a value, however deep in lists.
pub(super) fn spread<'e>(value: &'e Value, lists: usize, objects: &mut Vec<Found<'e>>) {
    match value {
        Value::Object(_) => objects.push(Found::at(value)),
        Value::Array(items) if lists < LISTS => items.iter().for_each(|item| spread(item, lists + 1, objects)),
        _ => {}
    }
}

/// Whether a value that is neither object nor list, however deep in lists, is one that is asked for.
fn any(value: &Value, lists: usize, asked: &mut impl FnMut(&Value) -> bool) -> bool {
    match value {
        Value::Array(items) => lists < LISTS && items.iter().any(|item| any(item, lists + 1, asked)),
        Value::Object(_) => false,
        plain => asked(plain),
    }
}

fn any_of(found: &[Found<'_>], mut asked: impl FnMut(&Value) -> bool) -> bool {
    found.iter().any(|one| one.rest.is_none() && any(one.value, 0, &mut asked))
}

pub(super) fn has_value(found: &[Found<'_>]) -> bool {
    any_of(found, |_| true)
}

/// Whether a condition is met here by a value (true) or by absence (false); none where it is not met.
pub(super) fn met_here(want: &Want, found: &[Found<'_>]) -> Option<bool> {
    let mut absent = true;
    let met = any_of(found, |value| {
        absent = false;
        want.takes(value)
    });
    (met || (absent && want.may_be_absent)).then_some(met)
}

/// What an event has at a path, whose names are given, that is neither object nor list.
pub(super) fn values<'e>(event: &'e Value, path: &[String]) -> Vec<&'e Value> {
    let mut found = vec![Found::at(event)];
    for name in path {
        let mut objects = Vec::new();
        for one in &found {
            match one.rest {
                Some(_) => objects.push(*one),
                None => spread(one.value, 0, &mut objects),
            }
        }
        found = step(&objects, name);
    }
    let mut values = Vec::new();
    for one in found.iter().filter(|one| one.rest.is_none()) {
        collect(one.value, 0, &mut values);
    }
    values
}

fn collect<'e>(value: &'e Value, lists: usize, values: &mut Vec<&'e Value>) {
    match value {
        Value::Array(items) if lists < LISTS => items.iter().for_each(|item| collect(item, lists + 1, values)),
        Value::Array(_) | Value::Object(_) => {}
        plain => values.push(plain),
    }
}
