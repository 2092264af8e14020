//! How many plans an event meets where it has a certain key.

use std::collections::HashMap;

use crate::pattern::{Key, Point};

/// The keys that rules have at one place.
#[derive(Debug, Default)]
pub(super) struct Crowd<'r> {
    same: HashMap<&'r Key<'r>, usize>,
    lows: Vec<Point>,
    highs: Vec<Point>,
}

impl<'r> Crowd<'r> {
    pub(super) fn add(&mut self, key: &'r Key<'r>) {
        match key {
            Key::Between(low, high) => {
                self.lows.push(*low);
                self.highs.push(*high);
            }
            text => *self.same.entry(text).or_default() += 1,
        }
    }

    /// All keys are there.
    pub(super) fn close(&mut self) {
        self.lows.sort_unstable();
        self.highs.sort_unstable();
    }

    /// How many rules have the same key or, of those that want a value between two, one of the same values.
    pub(super) fn share(&self, key: &'r Key<'r>) -> usize {
        let Key::Between(low, high) = key else { return self.same.get(key).copied().unwrap_or(0) };
        let before = self.highs.partition_point(|other| other < low);
        let not_behind = self.lows.partition_point(|other| other <= high);
        not_behind.saturating_sub(before)
    }
}
