//! Plans by a text of which a given one is the whole, a beginning or an end.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::Node;
use crate::pattern::Edge;

/// Rows by their keys, in the order of the edge.
#[derive(Debug, Clone)]
pub(super) struct Table {
    edge: Edge,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    key: String,
    /// The row of the longest other key that is an edge of this key.
    shorter: Option<usize>,
    node: Node,
}

impl Table {
    /// No key comes twice.
    pub(super) fn of(edge: Edge, mut rows: Vec<(String, Node)>) -> Self {
        rows.sort_unstable_by(|(a, _), (b, _)| edge.order(a, b));
        let mut made: Vec<Row> = Vec::with_capacity(rows.len());
        for (key, node) in rows {
            let mut shorter = made.len().checked_sub(1);
            while let Some(n) = shorter.filter(|n| edge == Edge::Whole || !edge.is_of(&made[*n].key, &key)) {
                shorter = made[n].shorter;
            }
            made.push(Row { key, shorter, node });
        }
        Self { edge, rows: made }
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &Node> {
        self.rows.iter().map(|row| &row.node)
    }

    /// The same as `nodes`, of texts in their order: where they are more than the keys, each key looks for one.
    pub(super) fn nodes_of<'t>(&'t self, texts: &[Cow<'_, str>]) -> Vec<&'t Node> {
        if texts.len() <= self.rows.len() {
            return self.nodes(texts.iter().map(|text| &**text));
        }
        let has = |key: &str| match self.edge {
            Edge::End => texts.iter().any(|text| text.ends_with(key)),
            edge => texts.get(texts.partition_point(|text| **text < *key)).is_some_and(|text| edge.is_of(key, text)),
        };
        self.rows.iter().filter(|row| has(&row.key)).map(|row| &row.node).collect()
    }

    /// What is kept for keys that are an edge of one of the texts; each once.
    pub(super) fn nodes<'t, 'e>(&'t self, texts: impl Iterator<Item = &'e str>) -> Vec<&'t Node> {
        let mut seen = BTreeSet::new();
        if self.rows.is_empty() {
            return Vec::new();
        }
        for text in texts {
            let mut at =
                self.rows.partition_point(|row| self.edge.order(&row.key, text) != Ordering::Greater).checked_sub(1);
            // All keys that are an edge of the text are this one, or edges of it.
            while let Some(n) = at {
                if self.edge.is_of(&self.rows[n].key, text) && !seen.insert(n) {
                    break;
                }
                at = self.rows[n].shorter;
            }
        }
        seen.into_iter().map(|n| &self.rows[n].node).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn finds_what_trying_each_finds(keys in prop::collection::btree_set("[ab]{0,3}", 0..8), texts in prop::collection::vec("[ab]{0,4}", 0..4)) {
            let mut texts: Vec<Cow<'_, str>> = texts.iter().map(|text| text.as_str().into()).collect();
            texts.sort_unstable();
            for edge in [Edge::Whole, Edge::Start, Edge::End] {
                let mut keys: Vec<&String> = keys.iter().collect();
                keys.sort_by(|a, b| edge.order(a, b));
                let rows = keys.iter().enumerate().map(|(n, key)| ((*key).clone(), Node { rest: vec![n], splits: Vec::new() }));
                let table = Table::of(edge, rows.collect());
                let numbers = |nodes: Vec<&Node>| nodes.into_iter().flat_map(|node| node.rest.clone()).collect::<Vec<usize>>();
                let tried: Vec<usize> = (0..keys.len()).filter(|n| texts.iter().any(|text| edge.is_of(keys[*n], text))).collect();
                prop_assert_eq!(&numbers(table.nodes(texts.iter().map(|text| &**text))), &tried);
                prop_assert_eq!(&numbers(table.nodes_of(&texts)), &tried);
            }
        }
    }
}
