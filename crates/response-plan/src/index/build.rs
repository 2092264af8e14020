//! How plans are split.

use std::collections::HashMap;

use super::table::Table;
use super::{Asked, Index, Node, Place, Rule, Split};
use crate::pattern::{Condition, Edge, Pattern};

/// So few plans are tried one by one.
const FEW: usize = 4;

/// A split must leave at most this share of the plans, in hundredths, to be worth its look-up.
const WORTH: usize = 75;

/// A share of the plans is split again, and its shares; not deeper.
const DEEPEST: usize = 4;

/// A plan that names more texts for a place than this is not split by that place: it would stand in as many shares.
const MOST_TEXTS: usize = 64;

pub(super) fn index<'p>(plans: impl Iterator<Item = (&'p Pattern, &'p [String])>) -> Index {
    let mut places = Places::default();
    let mut rules = Vec::new();
    for (plan, (pattern, accounts)) in plans.enumerate() {
        for conditions in pattern.combinations() {
            let accounts = (!accounts.is_empty() && accounts.len() <= MOST_TEXTS).then(|| Asked {
                place: places.account(),
                one_of: accounts.iter().map(|account| (Edge::Whole, account.as_str())).collect(),
            });
            let fields = conditions.iter().filter_map(|condition| asked(condition, &mut places));
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
    fields: HashMap<&'p str, usize>,
    account: Option<usize>,
}

impl<'p> Places<'p> {
    fn account(&mut self) -> usize {
        *self.account.get_or_insert_with(|| {
            self.list.push(Place::Account);
            self.list.len() - 1
        })
    }

    fn field(&mut self, path: &'p str) -> usize {
        *self.fields.entry(path).or_insert_with(|| {
            self.list.push(Place::Field(path.split('.').map(str::to_owned).collect()));
            self.list.len() - 1
        })
    }
}

/// What a condition asks, where it asks for texts alone.
fn asked<'p>(condition: &'p Condition, places: &mut Places<'p>) -> Option<Asked<'p>> {
    let one_of = condition.want.edges().filter(|one_of| one_of.len() <= MOST_TEXTS)?;
    Some(Asked { place: places.field(&condition.path), one_of })
}

/// `used` are the places by which these rules were split already.
fn node(places: &[Place], mut rules: Vec<&Rule<'_>>, used: &mut Vec<usize>) -> Node {
    let mut splits = Vec::new();
    while rules.len() > FEW && used.len() < DEEPEST {
        let Some(place) = best_place(&rules, used) else { break };
        let (asking, others): (Vec<_>, Vec<_>) = rules.into_iter().partition(|rule| rule.asks(place).is_some());
        used.push(place);
        splits.push(Split { place: places[place].clone(), tables: tables(places, &asking, place, used) });
        used.pop();
        rules = others;
    }
    Node { splits, rest: rules.iter().map(|rule| rule.plan).collect() }
}

fn tables(places: &[Place], rules: &[&Rule<'_>], place: usize, used: &mut Vec<usize>) -> Vec<Table> {
    let mut tables = Vec::new();
    for edge in [Edge::Whole, Edge::Start, Edge::End] {
        let asked = |rule: &Rule<'_>| rule.asks(place).is_some_and(|asked| asked.iter().any(|(of, _)| *of == edge));
        if !rules.iter().any(|rule| asked(rule)) {
            continue;
        }
        let mut shares: HashMap<&str, Vec<&Rule<'_>>> = HashMap::new();
        for rule in rules {
            let texts = rule.asks(place).into_iter().flatten().filter(|(of, _)| *of == edge);
            texts.for_each(|(_, text)| shares.entry(text).or_default().push(rule));
        }
        let mut shares: Vec<_> = shares.into_iter().collect();
        shares.sort_unstable_by(|(a, _), (b, _)| edge.order(a, b));
        let rows = shares.into_iter().map(|(text, share)| (text.to_owned(), node(places, share, used)));
        tables.push(Table::of(edge, rows.collect()));
    }
    tables
}

impl<'p> Rule<'p> {
    fn asks(&self, place: usize) -> Option<&[(Edge, &'p str)]> {
        self.asked.iter().find(|asked| asked.place == place).map(|asked| asked.one_of.as_slice())
    }
}

/// The place by which an event for one of the rules meets the fewest of them.
fn best_place(rules: &[&Rule<'_>], used: &[usize]) -> Option<usize> {
    let mut shares: HashMap<(usize, Edge, &str), usize> = HashMap::new();
    let open = |asked: &&Asked<'_>| !used.contains(&asked.place);
    for asked in rules.iter().flat_map(|rule| rule.asked.iter().filter(open)) {
        asked.one_of.iter().for_each(|(edge, text)| *shares.entry((asked.place, *edge, text)).or_default() += 1);
    }
    // For each place: how many rules ask of it, and how many an event for each of them meets there, added up.
    let mut met: HashMap<usize, (usize, usize)> = HashMap::new();
    for asked in rules.iter().flat_map(|rule| rule.asked.iter().filter(open)) {
        let share = asked.one_of.iter().map(|(edge, text)| shares[&(asked.place, *edge, *text)]).max().unwrap_or(0);
        let (asking, sum) = met.entry(asked.place).or_default();
        *asking += 1;
        *sum += share;
    }
    let left = |(place, (asking, sum)): (usize, (usize, usize))| (rules.len() - asking + sum / asking, place);
    let (left, place) = met.into_iter().map(left).min()?;
    (left * 100 <= rules.len() * WORTH).then_some(place)
}
