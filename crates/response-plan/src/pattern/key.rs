//! What plans are found by: of each alternative of a field something that every value has which is that alternative.

use std::borrow::Cow;
use std::net::IpAddr;

use serde_json::Value;

use super::address::address;
use super::any_case::fold;
use super::edge::{Edge, Edges};
use super::leaf::values;
use super::number::Number;
use super::want::{Alternative, Want};
use super::wildcard::Part;

/// A wildcard is found by so many of its parts between stars, and by the longest.
const MOST_MIDDLES: usize = 8;

/// A long list of texts is found by so many beginnings of them: names that are given together mostly begin alike.
const MOST_BEGINNINGS: usize = 8;

/// Something of a value. Case never counts here, so that a text in any case and one as it stands are found alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key<'p> {
    /// A text, folded, that is this edge of the value.
    Edge(Edge, Cow<'p, str>),
    /// A text, folded, that stands anywhere in the value.
    Within(Cow<'p, str>),
    /// The value is not before the one, and not behind the other.
    Between(Point, Point),
}

/// A value that has its place in an order. The kinds of values come one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Point {
    Null,
    Bool(bool),
    Number(Number),
    Address(IpAddr),
}

impl<'p> Key<'p> {
    /// Of a value that is this text.
    pub(crate) fn text(text: &'p str) -> Self {
        Self::Edge(Edge::Whole, fold(text))
    }
}

impl Want {
    /// A key for each alternative; none where a value may be without any. Of a wildcard it is that part, or where it has none,
    /// another. Where there are more than `most`, texts are found by few beginnings that they share, and nothing else is.
    pub(crate) fn keys(&self, part: Part, most: usize) -> Option<Vec<Key<'_>>> {
        let count = self.texts().iter().map(|texts| texts.texts().len()).sum::<usize>() + self.others().len();
        if self.may_be_absent {
            return None;
        }
        if count > most {
            let begin = self.others().is_empty() && self.texts().iter().all(|texts| texts.edge() != Edge::End);
            let texts = self.texts().iter().flat_map(Edges::texts).map(String::as_str).collect();
            return if begin { beginnings(texts) } else { None };
        }
        let texts = self.texts().iter().flat_map(|texts| texts.texts().iter().map(|text| edge(texts.edge(), text)));
        texts.chain(self.others().iter().map(|other| other.key(part))).collect()
    }

    /// The parts by which it can be found. What tells wildcards apart can be any of them, and a short one: `arn:*:sns:*:team-1-*`.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part> {
        let middles = self.others().iter().filter_map(|other| match other {
            Alternative::Wildcard(wildcard) => Some(wildcard.middles()),
            _ => None,
        });
        let of_wildcards = middles.max().map(|most| {
            let middles = (0..most.min(MOST_MIDDLES)).map(Part::Middle);
            [Part::Tail, Part::Longest].into_iter().chain(middles)
        });
        std::iter::once(Part::Head).chain(of_wildcards.into_iter().flatten())
    }
}

impl Alternative {
    fn key(&self, part: Part) -> Option<Key<'_>> {
        let only = |point| Some(Key::Between(point, point));
        match self {
            Self::Text(of, text) => edge(*of, text),
            Self::AnyCase(of, text) => edge(*of, &text.0),
            Self::Wildcard(wildcard) => match wildcard.literal(part)? {
                (Some(of), text) => edge(of, text),
                (None, text) => Some(Key::Within(fold(text))),
            },
            Self::Null => only(Point::Null),
            Self::Bool(is) => only(Point::Bool(*is)),
            Self::Number(number) => only(Point::Number(*number)),
            Self::Address(address) => only(Point::Address(*address)),
            Self::Numeric(range) => {
                let (low, high) = range.ends();
                Some(Key::Between(Point::Number(low), Point::Number(high)))
            }
            Self::Cidr(block) => {
                let (low, high) = block.ends();
                Some(Key::Between(Point::Address(low), Point::Address(high)))
            }
            Self::AnythingBut(_) | Self::Exists(_) => None,
        }
    }
}

/// The longest beginnings, of one length, of which there are few.
fn beginnings(mut texts: Vec<&str>) -> Option<Vec<Key<'_>>> {
    texts.sort_unstable();
    let all = |length: usize| {
        let begin = |text: &&'_ str| text.char_indices().nth(length).map_or(text.len(), |(at, _)| at);
        let mut begins: Vec<&str> = texts.iter().map(|text| &text[..begin(text)]).collect();
        begins.dedup();
        begins
    };
    let longest = texts.iter().map(|text| text.len()).max()?;
    let lengths: Vec<usize> = (1..=longest).collect();
    let fit = lengths.partition_point(|length| all(*length).len() <= MOST_BEGINNINGS);
    all(*lengths[..fit].last()?).into_iter().map(|text| edge(Edge::Start, text)).collect()
}

/// Every text begins and ends with the empty one, so that it is no key.
fn edge(of: Edge, text: &str) -> Option<Key<'_>> {
    (of == Edge::Whole || !text.is_empty()).then(|| Key::Edge(of, fold(text)))
}

/// The values that an event has somewhere, as keys know them.
#[derive(Debug, Default)]
pub(crate) struct Has<'e> {
    /// Folded, in their order.
    pub(crate) texts: Vec<Cow<'e, str>>,
    /// In their order.
    pub(crate) points: Vec<Point>,
}

impl<'e> Has<'e> {
    /// What the event has at a path, whose names are given.
    pub(crate) fn at(event: &'e Value, path: &[String]) -> Self {
        let mut has = Self::default();
        for value in values(event, path) {
            match value {
                Value::String(text) => {
                    has.texts.push(fold(text));
                    has.points.extend(address(text).map(Point::Address));
                }
                Value::Number(number) => has.points.extend(Number::of(number).map(Point::Number)),
                Value::Bool(is) => has.points.push(Point::Bool(*is)),
                Value::Null => has.points.push(Point::Null),
                Value::Array(_) | Value::Object(_) => {}
            }
        }
        has.texts.sort_unstable();
        has.points.sort_unstable();
        has
    }

    /// One text.
    pub(crate) fn text(text: &'e str) -> Self {
        Self { texts: vec![fold(text)], points: Vec::new() }
    }
}
