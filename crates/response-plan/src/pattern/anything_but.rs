//! `anything-but`: any value that is none of these. A value of another type is none of them, and null is one too.

use serde_json::Value;

use super::any_case::AnyCase;
use super::edge::Edges;
use super::number::Number;
use super::wildcard::Wildcard;

/// What a value must not be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum But {
    /// One of these texts, or one that begins or ends so.
    Texts(Edges),
    Numbers(Vec<Number>),
    AnyCase(Vec<AnyCase>),
    Wildcards(Vec<Wildcard>),
}

impl But {
    pub(crate) fn takes(&self, value: &Value) -> bool {
        let named = match (self, value) {
            (Self::Texts(texts), Value::String(text)) => texts.has_one_of(text),
            (Self::Numbers(numbers), Value::Number(number)) => Number::of(number).is_some_and(|n| numbers.contains(&n)),
            (Self::AnyCase(texts), Value::String(text)) => texts.iter().any(|known| known.is(text)),
            (Self::Wildcards(wildcards), Value::String(text)) => wildcards.iter().any(|known| known.matches(text)),
            _ => false,
        };
        !named
    }
}
