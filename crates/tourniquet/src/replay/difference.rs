//! What another set of plans would have changed.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use response_plan::Severity;
use serde::Serialize;

use super::pages::TeamPages;
use super::played::{Incident, Outcome};

/// What is different after a change of plans. Incidents are the same where the same signal opens them.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    /// Ids of incidents whose opening signal opens none any more.
    pub(crate) only_before: Vec<String>,
    /// Ids of incidents whose opening signal opened none.
    pub(crate) only_after: Vec<String>,
    pub(crate) changed: Vec<Changed>,
    pub(crate) storms: Change<usize>,
    /// Of every team that is paged by either.
    pub(crate) pages: Vec<TeamChange>,
    pub(crate) unowned: Change<u64>,
}

/// A value with the one set of plans, and with the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Change<T> {
    pub(crate) before: T,
    pub(crate) after: T,
}

/// An incident that is another's, of another plan, or as bad as it was not.
#[derive(Debug, Serialize)]
pub(crate) struct Changed {
    pub(crate) id: Change<String>,
    pub(crate) opened: Timestamp,
    pub(crate) title: String,
    pub(crate) plan: Change<String>,
    pub(crate) owner: Change<String>,
    pub(crate) severity: Change<Severity>,
}

/// The pages of a team.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TeamChange {
    pub(crate) team: String,
    pub(crate) pages: Change<u64>,
    pub(crate) at_night: Change<u64>,
}

impl Difference {
    pub(crate) fn of(before: &Outcome, after: &Outcome) -> Self {
        let by_opening = |outcome: &'_ Outcome| -> HashMap<String, usize> {
            let nth = |(nth, incident): (usize, &Incident)| (incident.opened_by.clone(), nth);
            outcome.incidents.iter().enumerate().map(nth).collect()
        };
        let (were, are) = (by_opening(before), by_opening(after));
        let only = |of: &Outcome, other: &HashMap<String, usize>| {
            let only = of.incidents.iter().filter(|incident| !other.contains_key(&incident.opened_by));
            only.map(|incident| incident.id.clone()).collect()
        };
        let pairs = before.incidents.iter().filter_map(|was| Some((was, &after.incidents[*are.get(&was.opened_by)?])));
        Self {
            only_before: only(before, &are),
            only_after: only(after, &were),
            changed: pairs.filter_map(|(was, is)| Changed::of(was, is)).collect(),
            storms: Change { before: before.storms.len(), after: after.storms.len() },
            pages: pages(&before.pages, &after.pages),
            unowned: Change { before: before.unowned.signals, after: after.unowned.signals },
        }
    }

    /// Whether the two come to the same.
    pub(crate) fn is_none(&self) -> bool {
        self.only_before.is_empty()
            && self.only_after.is_empty()
            && self.changed.is_empty()
            && self.storms.is_none()
            && self.pages.iter().all(|team| team.pages.is_none() && team.at_night.is_none())
            && self.unowned.is_none()
    }
}

impl<T: PartialEq> Change<T> {
    pub(crate) fn is_none(&self) -> bool {
        self.before == self.after
    }
}

impl Changed {
    /// `None` where all of it is the same.
    fn of(was: &Incident, is: &Incident) -> Option<Self> {
        let text = |before: &String, after: &String| Change { before: before.clone(), after: after.clone() };
        let changed = Self {
            id: text(&was.id, &is.id),
            opened: is.opened,
            title: is.title.clone(),
            plan: text(&was.plan, &is.plan),
            owner: text(&was.owner, &is.owner),
            severity: Change { before: was.severity, after: is.severity },
        };
        let same = changed.plan.is_none() && changed.owner.is_none() && changed.severity.is_none();
        (!same).then_some(changed)
    }
}

fn pages(before: &[TeamPages], after: &[TeamPages]) -> Vec<TeamChange> {
    let mut teams: BTreeMap<&str, TeamChange> = BTreeMap::new();
    let none = || Change { before: 0, after: 0 };
    let new = |team: &str| TeamChange { team: team.to_owned(), pages: none(), at_night: none() };
    for was in before {
        let team = teams.entry(&was.team).or_insert_with(|| new(&was.team));
        (team.pages.before, team.at_night.before) = (was.pages, was.at_night);
    }
    for is in after {
        let team = teams.entry(&is.team).or_insert_with(|| new(&is.team));
        (team.pages.after, team.at_night.after) = (is.pages, is.at_night);
    }
    teams.into_values().collect()
}
