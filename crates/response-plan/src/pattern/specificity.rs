//! How narrow a pattern is, so that of several plans the most specific wins.

use super::Condition;
use super::edge::Edge;
use super::want::{Alternative, Want};

/// How narrow a pattern is. The greater is the narrower: the fields count first, then the exact ones, then the characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specificity {
    /// How many fields it constrains.
    pub fields: usize,
    /// How many of them it gives exact values for, whatever their case.
    pub exact: usize,
    /// How many characters its prefixes, suffixes and wildcards spell out in the other fields; of a list the fewest count.
    pub characters: usize,
}

impl Specificity {
    pub(super) fn of(conditions: &[Condition]) -> Self {
        let mut sum = Self { fields: conditions.len(), ..Self::default() };
        for condition in conditions {
            match characters(&condition.want) {
                None => sum.exact += 1,
                Some(characters) => sum.characters += characters,
            }
        }
        sum
    }
}

/// How many characters every value has in common with one of the alternatives at least; none where all are exact.
fn characters(want: &Want) -> Option<usize> {
    if want.may_be_absent {
        return Some(0);
    }
    let texts = want.texts().iter().filter(|texts| texts.edge() != Edge::Whole).flat_map(|texts| texts.texts());
    let texts = texts.map(|text| text.chars().count());
    let others = want.others().iter().filter_map(|alternative| match alternative {
        Alternative::AnyCase(Edge::Start | Edge::End, text) => Some(text.0.chars().count()),
        Alternative::Wildcard(wildcard) if !wildcard.is_plain() => Some(wildcard.characters()),
        Alternative::Numeric(_) | Alternative::Cidr(_) | Alternative::AnythingBut(_) | Alternative::Exists(_) => {
            Some(0)
        }
        _ => None,
    });
    texts.chain(others).min()
}
