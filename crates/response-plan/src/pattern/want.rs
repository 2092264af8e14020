//! What one field may be: the alternatives of its list, arranged so that a value meets few of them.

use std::net::IpAddr;

use serde_json::Value;

use super::address::{Block, address};
use super::any_case::AnyCase;
use super::anything_but::But;
use super::edge::{Edge, Edges};
use super::number::{Number, Range};
use super::wildcard::Wildcard;

/// One item of a field's list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Alternative {
    /// This text, or one that begins or ends so.
    Text(Edge, String),
    Address(IpAddr),
    Number(Number),
    Bool(bool),
    Null,
    AnyCase(Edge, AnyCase),
    Wildcard(Wildcard),
    Numeric(Range),
    Cidr(Block),
    AnythingBut(But),
    /// Whether there is a value at all.
    Exists(bool),
}

/// One of several alternatives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Want {
    /// All the texts among them, by what of the value they must be.
    texts: Vec<Edges>,
    others: Vec<Alternative>,
    /// Whether the field may be missing.
    pub(crate) may_be_absent: bool,
}

impl Want {
    pub(crate) fn one_of(alternatives: Vec<Alternative>) -> Self {
        let mut texts = [(Edge::Whole, Vec::new()), (Edge::Start, Vec::new()), (Edge::End, Vec::new())];
        let mut others = Vec::new();
        let mut may_be_absent = false;
        for alternative in alternatives {
            match alternative {
                Alternative::Text(edge, text) => {
                    texts
                        .iter_mut()
                        .filter(|(known, _)| *known == edge)
                        .for_each(|(_, texts)| texts.push(text.clone()));
                }
                Alternative::Exists(false) => may_be_absent = true,
                other => others.push(other),
            }
        }
        let texts = texts.into_iter().filter(|(_, texts)| !texts.is_empty());
        Self { texts: texts.map(|(edge, texts)| Edges::new(edge, texts)).collect(), others, may_be_absent }
    }

    /// Whether a value that is no object and no list is one of them.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        if let Value::String(text) = value
            && self.texts.iter().any(|texts| texts.has_one_of(text))
        {
            return true;
        }
        self.others.iter().any(|alternative| alternative.takes(value))
    }

    pub(crate) fn texts(&self) -> &[Edges] {
        &self.texts
    }

    pub(crate) fn others(&self) -> &[Alternative] {
        &self.others
    }
}

impl Alternative {
    fn takes(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Exists(exists), _) => *exists,
            (Self::AnythingBut(but), _) => but.takes(value),
            (Self::Null, Value::Null) => true,
            (Self::Bool(a), Value::Bool(b)) => a == b,
            (Self::Number(wanted), Value::Number(number)) => Number::of(number) == Some(*wanted),
            (Self::Numeric(range), Value::Number(number)) => Number::of(number).is_some_and(|n| range.has(n)),
            (Self::Text(edge, part), Value::String(text)) => edge.is_of(part, text),
            (Self::Address(wanted), Value::String(text)) => address(text) == Some(*wanted),
            (Self::Cidr(block), Value::String(text)) => address(text).is_some_and(|a| block.has(a)),
            (Self::AnyCase(Edge::Whole, wanted), Value::String(text)) => wanted.is(text),
            (Self::AnyCase(Edge::Start, wanted), Value::String(text)) => wanted.starts(text),
            (Self::AnyCase(Edge::End, wanted), Value::String(text)) => wanted.ends(text),
            (Self::Wildcard(wildcard), Value::String(text)) => wildcard.matches(text),
            _ => false,
        }
    }
}
