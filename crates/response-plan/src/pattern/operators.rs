//! One item of a field's list: a value, or one operator.

use serde_json::{Map, Value};

use super::address::{Block, address};
use super::any_case::AnyCase;
use super::anything_but::But;
use super::edge::{Edge, Edges};
use super::number::{Number, Range};
use super::read::{At, Reader};
use super::want::Alternative;
use super::wildcard::Wildcard;
use crate::error::{listed, nearest};

/// EventBridge's operators.
pub(crate) const OPERATORS: [&str; 8] =
    ["prefix", "suffix", "equals-ignore-case", "wildcard", "anything-but", "numeric", "cidr", "exists"];

/// What `anything-but` may hold besides values.
pub(crate) const BUT: [&str; 4] = ["prefix", "suffix", "equals-ignore-case", "wildcard"];

const NUMERIC: &str = "write `{ numeric: ['>', 0, '<=', 5] }`";

const BUT_VALUES: &str = "write texts, or numbers: `{ anything-but: [a, b] }`";

/// Whether a field's list reads as what an operator of that name would take: the brackets around it were forgotten, and
/// no event would ever match.
pub(super) fn is_operand(name: &str, items: &[Value]) -> bool {
    let compares = |item: &Value| item.as_str().is_some_and(|text| [">", ">=", "<", "<=", "="].contains(&text));
    matches!(name, "anything-but" | "equals-ignore-case") || (name == "numeric" && items.first().is_some_and(compares))
}

/// `None` when it was reported.
pub(super) fn alternative<'v>(reader: &mut Reader<'v>, item: &'v Value) -> Option<Alternative> {
    match item {
        Value::Array(_) => {
            reader.wrong("a list in a list", "write all the values in one list");
            None
        }
        Value::Object(operators) => {
            let (name, value) = single(reader, operators, &OPERATORS)?;
            reader.inside(At::Field(name), |reader| operator(reader, name, value))
        }
        Value::String(text) => {
            Some(address(text).map_or_else(|| Alternative::Text(Edge::Whole, text.clone()), Alternative::Address))
        }
        Value::Number(number) => Number::of(number).map(Alternative::Number),
        Value::Bool(is) => Some(Alternative::Bool(*is)),
        Value::Null => Some(Alternative::Null),
    }
}

/// The one operator of a mapping. Every one that is not known is reported, and two are too many.
fn single<'v>(
    reader: &mut Reader<'v>,
    operators: &'v Map<String, Value>,
    known: &[&str],
) -> Option<(&'v String, &'v Value)> {
    let unknown = operators.keys().filter(|name| !known.contains(&name.as_str()));
    let mut fine = true;
    for name in unknown {
        fine = false;
        let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let remedy = near.unwrap_or_else(|| format!("write a value or one of {}", listed(known)));
        let place = if known.len() == OPERATORS.len() { "an operator" } else { "an operator that can stand here" };
        reader.inside(At::Field(name), |reader| reader.wrong(format!("`{name}` is not {place}"), remedy));
    }
    let mut entries = operators.iter();
    match (entries.next(), entries.next()) {
        (None, _) => reader.wrong("an empty mapping matches nothing", "write a value or `{ prefix: … }`"),
        (Some(one), None) => return fine.then_some(one),
        (Some(_), Some(_)) => reader.wrong(
            "several operators stand in one mapping",
            "write each in its own, `[{ … }, { … }]`: the field must match one of them",
        ),
    }
    None
}

fn operator<'v>(reader: &mut Reader<'v>, name: &str, value: &'v Value) -> Option<Alternative> {
    match (name, value) {
        ("prefix" | "suffix", _) => edge(reader, name, value),
        ("equals-ignore-case", Value::String(text)) => Some(Alternative::AnyCase(Edge::Whole, AnyCase(text.clone()))),
        ("wildcard", Value::String(text)) => or_report(reader, Wildcard::of(text)).map(Alternative::Wildcard),
        ("cidr", Value::String(text)) => or_report(reader, Block::of(text)).map(Alternative::Cidr),
        ("equals-ignore-case" | "wildcard", _) => not_text(reader, name, "checkout"),
        ("cidr", _) => not_text(reader, name, "10.0.0.0/8"),
        ("exists", Value::Bool(exists)) => Some(Alternative::Exists(*exists)),
        ("numeric", Value::Array(comparisons)) => numeric(reader, comparisons),
        ("anything-but", _) => anything_but(reader, value).map(Alternative::AnythingBut),
        ("exists", _) => none(reader, "`exists` is neither true nor false", "write `{ exists: true }`"),
        _ => none(reader, "`numeric` is not a list", NUMERIC),
    }
}

fn none<T>(reader: &mut Reader<'_>, message: &str, remedy: &str) -> Option<T> {
    reader.wrong(message, remedy);
    None
}

fn not_text<T>(reader: &mut Reader<'_>, name: &str, example: &str) -> Option<T> {
    none(reader, &format!("`{name}` is not text"), &format!("write `{{ {name}: {example} }}`"))
}

fn or_report<T>(reader: &mut Reader<'_>, read: Result<T, (&'static str, &'static str)>) -> Option<T> {
    read.map_err(|(message, remedy)| reader.wrong(message, remedy)).ok()
}

fn edge<'v>(reader: &mut Reader<'v>, name: &str, value: &'v Value) -> Option<Alternative> {
    let edge = if name == "prefix" { Edge::Start } else { Edge::End };
    match value {
        Value::String(text) => Some(Alternative::Text(edge, text.clone())),
        Value::Object(operators) => {
            let (inner, value) = single(reader, operators, &["equals-ignore-case"])?;
            match value {
                Value::String(text) => Some(Alternative::AnyCase(edge, AnyCase(text.clone()))),
                _ => reader.inside(At::Field(inner), |reader| not_text(reader, inner, "checkout-")),
            }
        }
        _ => not_text(reader, name, "checkout-"),
    }
}

fn numeric(reader: &mut Reader<'_>, items: &[Value]) -> Option<Alternative> {
    let mut comparisons = Vec::new();
    for pair in items.chunks(2) {
        match pair {
            [Value::String(operator), Value::Number(number)] => {
                comparisons.push((operator.as_str(), Number::of(number)?));
            }
            _ => return none(reader, "`numeric` is not a list of comparisons and numbers in turn", NUMERIC),
        }
    }
    let range = Range::of(&comparisons).map_err(|message| reader.wrong(message, NUMERIC));
    range.ok().map(Alternative::Numeric)
}

fn anything_but<'v>(reader: &mut Reader<'v>, value: &'v Value) -> Option<But> {
    match value {
        Value::Object(operators) => {
            let (name, value) = single(reader, operators, &BUT)?;
            reader.inside(At::Field(name), |reader| but_operator(reader, name, value))
        }
        value => {
            let values = one_or_list(value);
            let numbers = values.iter().map(|value| value.as_number().and_then(Number::of)).collect::<Option<Vec<_>>>();
            if values.is_empty() {
                return none(reader, "an empty list leaves nothing out", BUT_VALUES);
            }
            match numbers {
                Some(numbers) if numbers.iter().any(|number| matches!(number, Number::Whole(_))) => {
                    none(reader, "no number of such a size is exact", BUT_VALUES)
                }
                Some(numbers) => Some(But::Numbers(numbers)),
                None => texts(reader, values, BUT_VALUES).map(|texts| But::Texts(Edges::new(Edge::Whole, texts))),
            }
        }
    }
}

fn but_operator<'v>(reader: &mut Reader<'v>, name: &str, value: &'v Value) -> Option<But> {
    let texts = texts(reader, one_or_list(value), "write a text, or a list of texts")?;
    if texts.is_empty() {
        return none(reader, "an empty list leaves nothing out", "list at least one text");
    }
    match name {
        "prefix" | "suffix" if texts.iter().any(String::is_empty) => {
            none(reader, "every text begins and ends with the empty one", "write at least one character")
        }
        "prefix" => Some(But::Texts(Edges::new(Edge::Start, texts))),
        "suffix" => Some(But::Texts(Edges::new(Edge::End, texts))),
        "equals-ignore-case" => Some(But::AnyCase(texts.into_iter().map(AnyCase).collect())),
        _ => {
            let wildcards = texts.iter().map(|text| or_report(reader, Wildcard::of(text)));
            wildcards.collect::<Option<_>>().map(But::Wildcards)
        }
    }
}

fn one_or_list(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn texts(reader: &mut Reader<'_>, values: &[Value], remedy: &str) -> Option<Vec<String>> {
    let texts: Option<Vec<String>> = values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
    texts.or_else(|| none(reader, "not all of these are texts", remedy))
}
