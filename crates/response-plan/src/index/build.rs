//! How plans are split.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::crowd::Crowd;
use super::spans::Spans;
use super::table::Table;
use super::{Asked, Index, Node, Place, Rule, Split};
use crate::pattern::{Condition, Edge, Key, Part, Pattern};

/// So few plans are tried one by one: a split that spares an event no more is not worth its look-up.
const FEW: usize = 4;

/// A share of the plans is split again, and its shares; not deeper.
const DEEPEST: usize = 4;

/// A plan has at most so many keys at a place: it stands in as many shares.
const MOST_KEYS: usize = 64;

/// Within a share the plans may stand so often in the shares below, on average, all splits on the way there together: more is
/// not worth its memory.
const MOST_COPIES: usize = 16;

pub(super) fn index<'p>(plans: impl Iterator<Item = (&'p Pattern, &'p [String])>) -> Index {
    let mut places = Places::default();
    let mut rules = Vec::new();
    for (plan, (pattern, accounts)) in plans.enumerate() {
        for conditions in pattern.combinations() {
            let accounts = (!accounts.is_empty() && accounts.len() <= MOST_KEYS).then(|| Asked {
                place: places.account(),
                one_of: accounts.iter().map(|account| Key::text(account)).collect(),
            });
            let fields = conditions.iter().flat_map(|condition| asked(condition, &mut places));
            let asked = fields.chain(accounts).collect();
            rules.push(Rule { plan, asked });
        }
    }
    let root = node(&rules.iter().collect::<Vec<_>>(), &Level { copies: MOST_COPIES, used: Vec::new() });
    Index { places: places.list, root }
}

/// The places that plans ask something of.
#[derive(Default)]
struct Places<'p> {
    list: Vec<Place>,
    fields: HashMap<(&'p str, Part), usize>,
    account: Option<usize>,
}

impl<'p> Places<'p> {
    fn account(&mut self) -> usize {
        *self.account.get_or_insert_with(|| {
            self.list.push(Place::Account);
            self.list.len() - 1
        })
    }

    /// A field that is asked for by these parts of wildcards.
    fn field(&mut self, path: &'p str, part: Part) -> usize {
        *self.fields.entry((path, part)).or_insert_with(|| {
            self.list.push(Place::Field(path.split('.').map(str::to_owned).collect()));
            self.list.len() - 1
        })
    }
}

/// What a condition asks, once for each part by which wildcards among it can be found.
fn asked<'p>(condition: &'p Condition, places: &mut Places<'p>) -> Vec<Asked<'p>> {
    let mut ways: Vec<Asked<'p>> = Vec::new();
    for part in condition.want.parts() {
        let Some(one_of) = condition.want.keys(part, MOST_KEYS) else { break };
        if ways.iter().all(|way| way.one_of != one_of) {
            ways.push(Asked { place: places.field(&condition.path, part), one_of });
        }
    }
    ways
}

/// Where in the tree rules are split.
struct Level {
    /// So often they may stand in the shares below.
    copies: usize,
    /// The places by which they were split already.
    used: Vec<usize>,
}

fn node(rules: &[&Rule<'_>], level: &Level) -> Node {
    let mut splits = Vec::new();
    let mut rest = vec![true; rules.len()];
    for (place, asking) in best_places(rules, level) {
        // Of those that ask for it some may stand below a better place already.
        let asking: Vec<usize> = asking.into_iter().filter(|n| rest[*n]).collect();
        let share: Vec<_> = asking.iter().map(|n| rules[*n]).collect();
        let gain = Gain::at(place, &share);
        if gain.spared() < FEW {
            continue;
        }
        asking.into_iter().for_each(|n| rest[n] = false);
        let used = level.used.iter().copied().chain([place]).collect();
        let copies = if level.used.is_empty() { level.copies } else { level.copies / gain.copies() };
        splits.push(split(&share, place, &Level { copies, used }));
    }
    Node { splits, rest: rules.iter().zip(rest).filter_map(|(rule, rest)| rest.then_some(rule.plan)).collect() }
}

fn split(rules: &[&Rule<'_>], place: usize, level: &Level) -> Split {
    let mut shares: HashMap<&Key<'_>, Vec<&Rule<'_>>> = HashMap::new();
    for rule in rules {
        rule.asks(place).into_iter().flatten().for_each(|key| shares.entry(key).or_default().push(rule));
    }
    let mut edges = [Edge::Whole, Edge::Start, Edge::End].map(|edge| (edge, Vec::new()));
    let (mut within, mut spans) = (Vec::new(), Vec::new());
    for (key, share) in shares {
        let node = node(&share, level);
        match key {
            Key::Edge(of, text) => {
                if let Some((_, rows)) = edges.iter_mut().find(|(edge, _)| edge == of) {
                    rows.push((text.to_string(), node));
                }
            }
            Key::Within(text) => within.push((text.to_string(), node)),
            Key::Between(low, high) => spans.push((*low, *high, node)),
        }
    }
    let edges = edges.into_iter().filter(|(_, rows)| !rows.is_empty()).map(|(edge, rows)| Table::of(edge, rows));
    Split { place, edges: edges.collect(), within: Table::of(Edge::Start, within), spans: Spans::of(spans) }
}

impl<'p> Rule<'p> {
    fn asks(&self, place: usize) -> Option<&[Key<'p>]> {
        self.asked.iter().find(|asked| asked.place == place).map(|asked| asked.one_of.as_slice())
    }
}

/// What a split of rules by a place does that all of them ask something of.
struct Gain {
    /// How many rules there are.
    asking: usize,
    /// How many keys they have there in all.
    keys: usize,
    /// How many rules an event for each of them meets there, added up.
    met: usize,
}

impl Gain {
    fn at(place: usize, rules: &[&Rule<'_>]) -> Self {
        let asked = || rules.iter().filter_map(|rule| rule.asks(place));
        let mut crowd = Crowd::default();
        asked().flatten().for_each(|key| crowd.add(key));
        crowd.close();
        let met = |keys: &[Key<'_>]| keys.iter().map(|key| crowd.share(key)).max().unwrap_or(0);
        Self { asking: rules.len(), keys: asked().map(<[_]>::len).sum(), met: asked().map(met).sum() }
    }

    /// How many rules an event for one of them is spared.
    fn spared(&self) -> usize {
        self.asking.saturating_sub(self.met / self.asking.max(1))
    }

    /// In how many shares a rule stands, on average.
    fn copies(&self) -> usize {
        self.keys.div_ceil(self.asking.max(1)).max(1)
    }
}

/// The places by which an event for one of the rules is spared more than few of them, the best first, each with the numbers of
/// those that ask of it.
fn best_places(rules: &[&Rule<'_>], level: &Level) -> Vec<(usize, Vec<usize>)> {
    if rules.len() <= FEW || level.used.len() >= DEEPEST {
        return Vec::new();
    }
    let mut asking: HashMap<usize, Vec<usize>> = HashMap::new();
    for (n, rule) in rules.iter().enumerate() {
        let places = rule.asked.iter().map(|asked| asked.place).filter(|place| !level.used.contains(place));
        places.for_each(|place| asking.entry(place).or_default().push(n));
    }
    let gains = asking.into_iter().filter(|(_, asking)| asking.len() > FEW).map(|(place, asking)| {
        let share: Vec<_> = asking.iter().map(|n| rules[*n]).collect();
        (Gain::at(place, &share), place, asking)
    });
    let fits = |gain: &Gain| gain.spared() >= FEW && (level.used.is_empty() || gain.copies() <= level.copies);
    let mut best: Vec<_> = gains.filter(|(gain, ..)| fits(gain)).collect();
    best.sort_by_key(|(gain, place, _)| (Reverse(gain.spared()), *place));
    best.into_iter().map(|(_, place, asking)| (place, asking)).collect()
}
