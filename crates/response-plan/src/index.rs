//! Which plans an event can be for, found without trying each.
//!
//! A field tells plans apart where each of its alternatives asks for something to look up ([`Key`]): a text, whole or a part
//! of it, or a place in an order, as numbers and addresses have. What asks for nothing of the kind (`anything-but`, `exists`, a
//! star alone, an empty beginning) does not. The index splits the plans by the field that tells them apart best, those that do
//! not ask for it by the next, and each share in the same way; what no field tells apart is tried. It leaves out only plans
//! that cannot match; whether one does is for its pattern to say.

mod build;
mod crowd;
mod spans;
mod table;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use crate::pattern::{Has, Key, Pattern};
use spans::Spans;
use table::Table;

/// An index over plans, which are known by their numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    places: Vec<Place>,
    root: Node,
}

/// Some of the plans.
#[derive(Debug, Clone, Default)]
struct Node {
    splits: Vec<Split>,
    /// What no split tells apart.
    rest: Vec<usize>,
}

/// Plans by the values of one place.
#[derive(Debug, Clone)]
struct Split {
    /// Among the places of the index.
    place: usize,
    /// By the whole text, its beginning or its end.
    edges: Vec<Table>,
    /// By what is within a text: the beginning of one of its ends.
    within: Table,
    spans: Spans,
}

/// Where the values are that tell plans apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// The signal's account.
    Account,
    /// A field of the event.
    Field(Vec<String>),
}

/// What a plan asks of one place: a value of it must have one of these.
struct Asked<'p> {
    /// Among the places of all plans.
    place: usize,
    one_of: Vec<Key<'p>>,
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
        let mut search = Search { places: &self.places, event, account, has: HashMap::new(), found: Vec::new() };
        search.node(&self.root);
        let mut found = search.found;
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The way of one event through the index.
struct Search<'i, 'e> {
    places: &'i [Place],
    event: &'e Value,
    account: Option<&'e str>,
    /// What the event has at the places that were come by: each is looked into once.
    has: HashMap<usize, Rc<Has<'e>>>,
    found: Vec<usize>,
}

impl Search<'_, '_> {
    fn node(&mut self, node: &Node) {
        self.found.extend(&node.rest);
        for split in &node.splits {
            let has = self.has(split.place);
            split.nodes(&has).into_iter().for_each(|node| self.node(node));
        }
    }
}

impl<'e> Search<'_, 'e> {
    fn has(&mut self, place: usize) -> Rc<Has<'e>> {
        let has = self.has.entry(place).or_insert_with(|| {
            Rc::new(match &self.places[place] {
                Place::Account => self.account.map(Has::text).unwrap_or_default(),
                Place::Field(path) => Has::at(self.event, path),
            })
        });
        Rc::clone(has)
    }
}

impl Split {
    fn nodes(&self, has: &Has<'_>) -> Vec<&Node> {
        let ends = || has.texts.iter().flat_map(|text| text.char_indices().map(|(at, _)| &text[at..]));
        let mut nodes = self.spans.nodes(&has.points);
        self.edges.iter().for_each(|table| nodes.extend(table.nodes_of(&has.texts)));
        nodes.extend(self.within.nodes(ends()));
        nodes
    }
}
