//! How plans are split.

use std::collections::HashMap;

use super::crowd::Crowd;
use super::spans::Spans;
use super::table::Table;
use super::{Asked, Index, Node, Place, Rule, Split};
use crate::pattern::{Condition, Edge, Key, Part, Pattern};

/// So few plans are tried one by one.
const FEW: usize = 4;

/// A split must leave at most this share of the plans, in hundredths, to be worth its look-up.
const WORTH: usize = 75;

/// A share of the plans is split again, and its shares; not deeper.
const DEEPEST: usize = 4;

/// A plan that asks for more keys at a place than this is not split by that place: it would stand in as many shares.
const MOST_KEYS: usize = 64;

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
    Index { root: node(&places.list, rules.iter().collect(), &mut Vec::new()) }
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
        let Some(one_of) = condition.want.keys(*part, MOST_KEYS) else { break };
        if ways.iter().all(|way| way.one_of != one_of) {
            ways.push(Asked { place: places.field(&condition.path, *part), one_of });
        }
    }
    ways
}

/// `used` are the places by which these rules were split already.
fn node(places: &[Place], mut rules: Vec<&Rule<'_>>, used: &mut Vec<usize>) -> Node {
    let mut splits = Vec::new();
    while rules.len() > FEW && used.len() < DEEPEST {
        let Some(place) = best_place(&rules, used) else { break };
        let (asking, others): (Vec<_>, Vec<_>) = rules.into_iter().partition(|rule| rule.asks(place).is_some());
        used.push(place);
        splits.push(split(places, &asking, place, used));
        used.pop();
        rules = others;
    }
    Node { splits, rest: rules.iter().map(|rule| rule.plan).collect() }
}

fn split(places: &[Place], rules: &[&Rule<'_>], place: usize, used: &mut Vec<usize>) -> Split {
    let mut shares: HashMap<&Key<'_>, Vec<&Rule<'_>>> = HashMap::new();
    for rule in rules {
        rule.asks(place).into_iter().flatten().for_each(|key| shares.entry(key).or_default().push(rule));
    }
    let mut edges = [Edge::Whole, Edge::Start, Edge::End].map(|edge| (edge, Vec::new()));
    let (mut within, mut spans) = (Vec::new(), Vec::new());
    for (key, share) in shares {
        let node = node(places, share, used);
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
    Split {
        place: places[place].clone(),
        edges: edges.collect(),
        within: Table::of(Edge::Start, within),
        spans: Spans::of(spans),
    }
}

impl<'p> Rule<'p> {
    fn asks(&self, place: usize) -> Option<&[Key<'p>]> {
        self.asked.iter().find(|asked| asked.place == place).map(|asked| asked.one_of.as_slice())
    }
}

/// The place by which an event for one of the rules meets the fewest of them.
fn best_place(rules: &[&Rule<'_>], used: &[usize]) -> Option<usize> {
    let all = || rules.iter().flat_map(|rule| rule.asked.iter().filter(|asked| !used.contains(&asked.place)));
    let mut crowds: HashMap<usize, Crowd<'_>> = HashMap::new();
    for asked in all() {
        let crowd = crowds.entry(asked.place).or_default();
        asked.one_of.iter().for_each(|key| crowd.add(key));
    }
    crowds.values_mut().for_each(Crowd::close);
    // For each place: how many rules ask of it, and how many an event for each of them meets there, added up.
    let mut met: HashMap<usize, (usize, usize)> = HashMap::new();
    for asked in all() {
        let crowd = &crowds[&asked.place];
        let (asking, sum) = met.entry(asked.place).or_default();
        *asking += 1;
        *sum += asked.one_of.iter().map(|key| crowd.share(key)).max().unwrap_or(0);
    }
    let left = |(place, (asking, sum)): (usize, (usize, usize))| (rules.len() - asking + sum / asking, place);
    let (left, place) = met.into_iter().map(left).min()?;
    (left * 100 <= rules.len() * WORTH).then_some(place)
}
