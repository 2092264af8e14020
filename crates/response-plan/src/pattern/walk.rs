//! The walk through an event along a pattern.
//!
//! A condition is met by a value, or where it may be, by there being none. Of a list, whatever is met by values must be met
//! in one element: the first condition that a value meets picks it. A condition that comes before, and is met by absence,
//! is therefore judged over all elements, and one that comes after over the picked one alone. That is how EventBridge has
//! it, and why the number of the first condition that a value meets is what the walk answers.

use serde_json::{Map, Value};

use super::branch::Branch;
use super::leaf::{Found, LISTS, is_plain, met_here, step};

/// All conditions are met by absence.
const NEVER: usize = usize::MAX;

impl Branch {
    /// Whether the event meets all conditions.
    pub(super) fn holds(&self, event: &Value) -> bool {
        self.first_met(&[Found::at(event)], 0).is_some()
    }

    /// The number of the first condition, here or below, that a value meets, where all of them are met. `found` is what the
    /// event has here: at most one value, unless names in it hold dots.
    fn first_met(&self, found: &[Found<'_>], lists: usize) -> Option<usize> {
        let own = match &self.own {
            Some((n, want)) if met_here(want, found)? => *n,
            _ => NEVER,
        };
        if self.children.is_empty() {
            return Some(own);
        }
        Some(own.min(self.below(found, lists)?))
    }

    fn below(&self, found: &[Found<'_>], lists: usize) -> Option<usize> {
        match found {
            [Found { rest: None, value: Value::Array(items) }] => self.in_one_of(items, lists),
            [Found { rest: None, value: Value::Object(fields) }] if is_plain(fields) => self.in_object(fields, lists),
            several if several.iter().any(Found::is_list) => self.in_one_place(several, lists),
            _ => {
                let met = |child: &Self| child.first_met(&step(found, &child.name), lists);
                self.children.iter().try_fold(NEVER, |first, child| Some(first.min(met(child)?)))
            }
        }
    }

    fn in_object(&self, fields: &Map<String, Value>, lists: usize) -> Option<usize> {
        self.children.iter().try_fold(NEVER, |first, child| {
            let found = fields.get(&child.name).map(Found::at);
            Some(first.min(child.first_met(found.as_slice(), lists)?))
        })
    }

    fn in_one_of(&self, items: &[Value], lists: usize) -> Option<usize> {
        let items = if lists < LISTS { items } else { &[] };
        let start = self.children.first().map_or(0, Self::first);
        let mut absences = None;
        let mut best = NEVER;
        for item in items.iter().filter(|item| item.is_object() || item.is_array()) {
            let Some(first) = self.below(&[Found::at(item)], lists + 1).filter(|first| *first < best) else { continue };
            if first == start {
                return Some(first);
            }
            if first - start <= *absences.get_or_insert_with(|| self.leading_absences(items)) {
                best = first;
            }
        }
        let all_absent = |absent: usize| absent == self.conditions_below();
        (best != NEVER || all_absent(absences.unwrap_or_else(|| self.leading_absences(items)))).then_some(best)
    }

    /// Several values have the same path, since names hold dots, and one of them is a list: all conditions must be met in
    /// one of the values.
    fn in_one_place(&self, found: &[Found<'_>], lists: usize) -> Option<usize> {
        let mut all_absent = true;
        let mut best = NEVER;
        for one in found {
            let met = self.below(std::slice::from_ref(one), lists);
            all_absent &= met == Some(NEVER);
            best = best.min(met.unwrap_or(NEVER));
        }
        (best != NEVER || all_absent).then_some(best)
    }
}
