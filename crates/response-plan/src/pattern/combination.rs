//! The ways through a pattern's `$or`s. Each is a pattern without any: a field of one alternative and a field beside the
//! `$or` may concern the same list, and must then be met in the same element of it.

use std::collections::HashSet;
use std::sync::Arc;

use super::Condition;
use super::read::At;
use super::want::Want;

/// EventBridge takes no more.
pub(super) const MOST_WAYS: usize = 1_000;

/// More than any pattern that people write; it keeps one with many alternatives from filling the memory.
const MOST_CONDITIONS: usize = 10_000;

/// A condition, and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Written<'v> {
    pub(super) path: String,
    pub(super) want: Arc<Want>,
    pub(super) at: Vec<At<'v>>,
}

/// Each of these is a set of conditions, by their numbers, that must hold together.
pub(super) type Ways = Vec<Vec<usize>>;

/// Each of the one with each of the other, where they are not too many.
pub(super) fn both(mut these: Ways, mut those: Ways) -> Option<Ways> {
    if let ([this], [that]) = (these.as_mut_slice(), those.as_mut_slice()) {
        this.append(that);
        return Some(these);
    }
    let conditions = |ways: &Ways| ways.iter().map(Vec::len).sum::<usize>();
    let sum = conditions(&these) * those.len() + conditions(&those) * these.len();
    if these.len() * those.len() > MOST_WAYS || sum > MOST_CONDITIONS {
        return None;
    }
    Some(these.iter().flat_map(|this| those.iter().map(move |that| [this.as_slice(), that].concat())).collect())
}

/// The conditions of each way in the order of their paths; the error is those that ask for a path a second time.
pub(super) fn sorted<'w, 'v>(
    written: &'w [Written<'v>],
    ways: Ways,
) -> Result<Vec<Vec<Condition>>, Vec<&'w Written<'v>>> {
    let mut twice = Vec::new();
    let mut told = HashSet::new();
    let mut combinations = Vec::with_capacity(ways.len());
    for mut way in ways {
        way.sort_by(|a, b| written[*a].path.cmp(&written[*b].path).then(a.cmp(b)));
        for pair in way.windows(2) {
            if written[pair[0]].path == written[pair[1]].path && told.insert(pair[1]) {
                twice.push(&written[pair[1]]);
            }
        }
        let condition = |n: usize| Condition { path: written[n].path.clone(), want: Arc::clone(&written[n].want) };
        combinations.push(way.into_iter().map(condition).collect());
    }
    if twice.is_empty() { Ok(combinations) } else { Err(twice) }
}
