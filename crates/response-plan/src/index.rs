//! Which plans an event can be for, found without trying each.
//!
//! A field for which all alternatives of a plan name texts (whole ones, beginnings or ends) tells plans apart. The index
//! splits the plans by the field that tells them apart best, each share by the next, and what no field tells apart is
//! tried. It leaves out only plans that cannot match; whether one does is for its pattern to say.

mod build;
mod table;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::pattern::{Edge, Pattern, texts};
use table::Table;

/// An index over plans, which are known by their numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    root: Node,
}

/// Some of the plans.
#[derive(Debug, Clone, Default)]
struct Node {
    splits: Vec<Split>,
    /// What no split tells apart.
    rest: Vec<usize>,
}

/// Plans by the texts of one place.
#[derive(Debug, Clone)]
struct Split {
    place: Place,
    /// By the whole text, its beginning or its end.
    tables: Vec<Table>,
}

/// Where the texts are that tell plans apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// The signal's account.
    Account,
    /// A field of the event.
    Field(Vec<String>),
}

/// What a plan asks of one place: a text of it must have one of these edges.
struct Asked<'p> {
    /// Among the places of all plans.
    place: usize,
    one_of: Vec<(Edge, &'p str)>,
}

/// A plan, or one way through its `$or`s.
struct Rule<'p> {
    plan: usize,
    asked: Vec<Asked<'p>>,
}

impl Index {
    /// Of plans in their order: each one's pattern, and the accounts that it is for (none is all).
    pub(crate) fn of<'p>(plans: impl Iterator<Item = (&'p Pattern, &'p [String])>) -> Self {
        build::index(plans)
    }

    /// The numbers, in order, of all plans that can match, and of few others.
    pub(crate) fn candidates(&self, event: &Value, account: Option<&str>) -> Vec<usize> {
        let mut found = Vec::new();
        self.root.collect(event, account, &mut found);
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Node {
    fn collect(&self, event: &Value, account: Option<&str>, found: &mut Vec<usize>) {
        found.extend(&self.rest);
        for split in &self.splits {
            let texts = match &split.place {
                Place::Account => account.into_iter().collect(),
                Place::Field(path) => texts(event, path),
            };
            for node in split.tables.iter().flat_map(|table| table.nodes(&texts)) {
                node.collect(event, account, found);
            }
        }
    }
}
