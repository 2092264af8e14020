//! The conditions of a pattern by name, as the event nests them.

use std::sync::Arc;

use super::Condition;
use super::want::Want;

/// What must hold at one place in an event and below it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Branch {
    /// The name of the place within the one above.
    pub(super) name: String,
    /// What must hold here, and its number in the order of all conditions.
    pub(super) own: Option<(usize, Arc<Want>)>,
    /// In the order of their conditions.
    pub(super) children: Vec<Branch>,
}

impl Branch {
    /// `conditions` are in the order of their paths.
    pub(super) fn of(conditions: &[Condition]) -> Self {
        let mut root = Self::new("");
        for condition in conditions {
            let mut at = &mut root;
            for name in condition.path.split('.') {
                at = at.child(name);
            }
            at.own = Some((0, Arc::clone(&condition.want)));
        }
        root.number(0);
        root
    }

    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), own: None, children: Vec::new() }
    }

    /// The child of this name: since paths come in order, the last that there is, or a new one.
    fn child(&mut self, name: &str) -> &mut Self {
        if self.children.last().is_none_or(|last| last.name != name) {
            self.children.push(Self::new(name));
        }
        let last = self.children.len() - 1;
        &mut self.children[last]
    }

    /// Numbers the conditions, and answers what comes after them.
    fn number(&mut self, mut next: usize) -> usize {
        if let Some((n, _)) = &mut self.own {
            *n = next;
            next += 1;
        }
        for child in &mut self.children {
            next = child.number(next);
        }
        next
    }

    /// The number of the first condition here or below.
    pub(super) fn first(&self) -> usize {
        self.own.as_ref().map_or_else(|| self.children.first().map_or(0, Self::first), |(n, _)| *n)
    }
}
