//! Many texts of which one is, begins or ends another: found without trying each.

use std::cmp::Ordering;

/// Which part of a text another must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Edge {
    /// All of it.
    Whole,
    /// Its beginning.
    Start,
    /// Its end.
    End,
}

impl Edge {
    pub(crate) fn is_of(self, part: &str, text: &str) -> bool {
        match self {
            Self::Whole => text == part,
            Self::Start => text.starts_with(part),
            Self::End => text.ends_with(part),
        }
    }

    /// An order in which every text stands behind its own beginnings, or ends, with nothing between them that does not
    /// begin, or end, so.
    pub(crate) fn order(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Whole | Self::Start => a.cmp(b),
            Self::End => a.bytes().rev().cmp(b.bytes().rev()),
        }
    }
}

/// Texts, one of which must be the edge of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edges {
    edge: Edge,
    /// In the edge's order, and none is the edge of another.
    texts: Vec<String>,
}

impl Edges {
    pub(crate) fn new(edge: Edge, mut texts: Vec<String>) -> Self {
        texts.sort_by(|a, b| edge.order(a, b));
        texts.dedup_by(|later, kept| edge.is_of(kept, later));
        Self { edge, texts }
    }

    pub(crate) fn has_one_of(&self, text: &str) -> bool {
        let behind = self.texts.partition_point(|known| self.edge.order(known, text) != Ordering::Greater);
        behind > 0 && self.edge.is_of(&self.texts[behind - 1], text)
    }

    pub(crate) fn edge(&self) -> Edge {
        self.edge
    }

    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn finds_what_trying_each_finds(texts in prop::collection::vec("[abé]{0,3}", 0..8), text in "[abé]{0,5}") {
            for edge in [Edge::Whole, Edge::Start, Edge::End] {
                let tried = texts.iter().any(|part| edge.is_of(part, &text));
                prop_assert_eq!(Edges::new(edge, texts.clone()).has_one_of(&text), tried);
            }
        }
    }
}
