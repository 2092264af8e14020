//! Tags and labels of what a signal is about, in each of the shapes in which payloads carry them.
//!
//! They come from the payload alone: nothing is asked of AWS.

use std::collections::BTreeMap;

use serde_json::Value;

/// AWS's own limits, in characters: whatever is longer is no tag of a resource.
const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 256;

/// AWS lets a resource have 50; labels of other systems are seldom more.
const MOST: usize = 100;

/// The record of a signal keeps them beside an event of up to 256 KiB, and an item of DynamoDB holds 400 KB.
const MOST_BYTES: usize = 8 * 1024;

/// The tags of several places in a payload, in their order: of a name that comes twice the first counts. What is too long,
/// or beyond the limits, is left out.
pub(crate) fn of<'a>(places: impl IntoIterator<Item = &'a Value>) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    let mut bytes = 0;
    for (name, value) in places.into_iter().flat_map(pairs) {
        let (name, value) = (name.trim(), value.trim());
        if !fits(name, LONGEST_NAME) || !fits(value, LONGEST_VALUE) || tags.contains_key(name) {
            continue;
        }
        bytes += name.len() + value.len();
        if tags.len() == MOST || bytes > MOST_BYTES {
            break;
        }
        tags.insert(name.to_owned(), value.to_owned());
    }
    tags
}

fn fits(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.chars().count() <= longest && !text.contains(char::is_control)
}

/// `{"Team": "a"}`, `[{"Key": "Team", "Value": "a"}]`, `[["Team", "a"]]`, `["Team:a"]` or `"Team:a,Service:b"`.
fn pairs(tags: &Value) -> Vec<(&str, &str)> {
    match tags {
        Value::Object(fields) => {
            let mut pairs: Vec<_> =
                fields.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect();
            // Two maps of the same fields may list them in different orders, and the limits cut off the last.
            pairs.sort_unstable();
            pairs
        }
        Value::Array(items) => items.iter().filter_map(pair).collect(),
        Value::String(list) => list.split(',').filter_map(|tag| tag.split_once(':')).collect(),
        _ => Vec::new(),
    }
}

fn pair(item: &Value) -> Option<(&str, &str)> {
    match item {
        Value::Object(_) => {
            let of = |names: [&str; 2]| names.into_iter().find_map(|name| item.get(name)?.as_str());
            Some((of(["key", "Key"])?, of(["value", "Value"])?))
        }
        Value::Array(parts) => match parts.as_slice() {
            [name, value] => Some((name.as_str()?, value.as_str()?)),
            _ => None,
        },
        Value::String(tag) => tag.split_once(':'),
        _ => None,
    }
}
