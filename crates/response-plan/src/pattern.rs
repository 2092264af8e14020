//! Event patterns in EventBridge's dialect: read once, with everything that is wrong named, and matched by any event.
//!
//! The semantics are those of AWS's Event Ruler, which EventBridge is built on. Nesting is a matter of names only: a field
//! is known by its path, the names on the way to it joined by dots, in the pattern as in the event.

mod absence;
mod address;
mod any_case;
mod anything_but;
mod branch;
mod combination;
mod edge;
mod key;
mod leaf;
mod number;
mod operators;
mod read;
mod specificity;
mod walk;
mod want;
mod wildcard;

#[cfg(test)]
mod documented_test;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use branch::Branch;
pub(crate) use edge::Edge;
pub(crate) use key::{Has, Key, Point};
#[cfg(test)]
pub(crate) use operators::{BUT, OPERATORS};
pub(crate) use read::TOP;
pub use specificity::Specificity;
use want::Want;
pub(crate) use wildcard::{Part, Wildcard};

/// A pattern over events: every field in it must be matched by the event, and of a `$or` one alternative.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// One for each way through the alternatives of its `$or`s; without any there is one.
    combinations: Vec<Combination>,
}

/// What must hold together.
#[derive(Debug, Clone, PartialEq)]
struct Combination {
    conditions: Vec<Condition>,
    /// The same by name, for the walk through an event.
    root: Branch,
}

/// What one field must be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    /// The names on the way to the field, joined by dots.
    pub(crate) path: String,
    pub(crate) want: Arc<Want>,
}

/// One step on the way into a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a field of an object.
    Field(String),
    /// Into an item of a list, from 0.
    Item(usize),
}

/// One thing in a pattern that is not EventBridge's or cannot mean anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// Where it is, from the top of the pattern.
    pub path: Vec<Step>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("match")?;
        for step in &self.path {
            match step {
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(n) => write!(f, "[{n}]")?,
            }
        }
        write!(f, ": {}; {}", self.message, self.remedy)
    }
}

impl Pattern {
    /// Reads a pattern. The error lists everything that is wrong with it.
    pub fn from_value(value: &Value) -> Result<Self, Vec<PatternError>> {
        let combinations = read::read(value)?;
        let combinations = combinations.into_iter().map(|conditions| {
            let root = Branch::of(&conditions);
            Combination { conditions, root }
        });
        Ok(Self { combinations: combinations.collect() })
    }

    /// Whether the event matches.
    ///
    /// Of a list in the event one element must. What a pattern wants below a list of objects must be found in one and the
    /// same object, as EventBridge has it. Lists that are nested more than 128 deep count as empty.
    pub fn matches(&self, event: &Value) -> bool {
        event.is_object() && self.combinations.iter().any(|combination| combination.root.holds(event))
    }

    /// How narrow it is. Of a `$or` the widest alternative counts.
    pub fn specificity(&self) -> Specificity {
        let of = |combination: &Combination| Specificity::of(&combination.conditions);
        self.combinations.iter().map(of).min().unwrap_or_default()
    }

    /// What must hold together, once for each way through the `$or`s: an event matches when all conditions of one do, and
    /// where they concern one list, in one element of it.
    pub(crate) fn combinations(&self) -> impl Iterator<Item = &[Condition]> {
        self.combinations.iter().map(|combination| combination.conditions.as_slice())
    }
}
