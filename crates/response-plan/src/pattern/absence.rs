//! Which conditions are met by there being no value in any element of a list.

use serde_json::Value;

use super::branch::Branch;
use super::leaf::{Found, has_value, spread, step};

impl Branch {
    /// How many of the conditions below, from the first on, may be met by absence and find no value in any of the items.
    pub(super) fn leading_absences(&self, items: &[Value]) -> usize {
        if !self.children.first().is_some_and(Self::may_begin_absent) {
            return 0;
        }
        let mut found = Vec::new();
        items.iter().for_each(|item| spread(item, 0, &mut found));
        let mut absent = 0;
        self.count_below(&found, &mut absent);
        absent
    }

    fn may_begin_absent(&self) -> bool {
        match &self.own {
            Some((_, want)) => want.may_be_absent,
            None => self.children.first().is_some_and(Self::may_begin_absent),
        }
    }

    /// How many conditions there are below.
    pub(super) fn conditions_below(&self) -> usize {
        self.children.iter().map(|child| usize::from(child.own.is_some()) + child.conditions_below()).sum()
    }

    /// Whether all are absent, here and below; counts them up to the first that is not.
    fn count(&self, found: &[Found<'_>], absent: &mut usize) -> bool {
        if let Some((_, want)) = &self.own {
            if !want.may_be_absent || has_value(found) {
                return false;
            }
            *absent += 1;
        }
        self.count_below(found, absent)
    }

    fn count_below(&self, found: &[Found<'_>], absent: &mut usize) -> bool {
        let mut objects = Vec::new();
        for one in found {
            match one.rest {
                Some(_) => objects.push(*one),
                None => spread(one.value, 0, &mut objects),
            }
        }
        self.children.iter().all(|child| child.count(&step(&objects, &child.name), absent))
    }
}
