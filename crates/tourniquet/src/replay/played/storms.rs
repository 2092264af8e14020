//! Storms: what they hold, whom they page, and what still fires when they are over.

use std::collections::BTreeMap;

use incident::{StormMember, groups};
use jiff::{SignedDuration, Timestamp};
use response_plan::ResolvedPlan;
use serde::Serialize;
use signal::Signal;

use super::{Due, Player, after};
use crate::memory::{self, Over};

/// So long after the first of theirs an owner is paged, about all that came by then: the state `GatherStorm` of `engage`.
const GATHER: SignedDuration = SignedDuration::from_secs(30);

/// `sweep` looks so often whether a storm is over.
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A storm that would have been.
#[derive(Debug, Serialize)]
pub(crate) struct Storm {
    pub(crate) id: String,
    /// The incident that stands for it; of two that follow each other closely the same.
    pub(crate) incident_id: String,
    pub(crate) began: Timestamp,
    pub(crate) over: Timestamp,
    /// How many would have opened instead.
    pub(crate) incidents: usize,
    pub(crate) signals: usize,
    /// By name; each is paged once.
    pub(crate) owners: Vec<InStorm>,
}

/// What an owner has in a storm.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct InStorm {
    pub(crate) owner: String,
    pub(crate) incidents: usize,
    pub(crate) signals: usize,
}

impl Storm {
    fn new(of: &Over, over: Timestamp) -> Self {
        let mut owners: BTreeMap<&str, Vec<StormMember>> = BTreeMap::new();
        for member in &of.members {
            owners.entry(&member.team.name).or_default().push(member.clone());
        }
        let theirs = |(owner, theirs): (&str, Vec<StormMember>)| InStorm {
            owner: owner.to_owned(),
            incidents: groups(&theirs),
            signals: theirs.len(),
        };
        Self {
            id: of.storm.id.clone(),
            incident_id: of.storm.incident_id.clone(),
            began: of.storm.since,
            over,
            incidents: groups(&of.members),
            signals: of.members.len(),
            owners: owners.into_iter().map(theirs).collect(),
        }
    }
}

impl Player<'_> {
    /// A signal is a member of a storm, and may be what begins it.
    pub(super) fn joins_storm(&mut self, signal: &Signal, plan: &ResolvedPlan, of: memory::InStorm, at: Timestamp) {
        let memory::InStorm { storm, is_new, is_first, began } = of;
        if let Some(began) = began {
            let (own, verdict) = *began;
            self.act(&own, verdict, at);
            self.due.insert((after(at, storm.rule.within.signed()), Due::Storm, storm.id));
        }
        if !is_new {
            return;
        }
        if let Some(open) = self.open.get(&storm.incident_id) {
            let incident = &mut self.outcome.incidents[open.nth];
            incident.severity = incident.severity.min(plan.plan.severity);
        }
        if is_first {
            // Nothing takes this page back: what has recovered by then is told all the same.
            self.pages.page(plan, after(at, GATHER));
        }
        self.quiet.insert(signal.signal_id.clone(), signal.clone());
    }

    /// Ends a storm that has calmed down: what still fires opens its incident now. Else it is looked at again.
    pub(super) fn look_at_storm(&mut self, id: String, due: Timestamp) {
        let Some(over) = self.memory.end_storm(self.plans, due) else {
            // After the last time that there is, there is none to look at it.
            if due < Timestamp::MAX {
                self.due.insert((after(due, LOOK_EVERY), Due::Storm, id));
            }
            return;
        };
        self.outcome.storms.push(Storm::new(&over, due));
        let (recovery, verdict) = over.recovery;
        self.act(&recovery, verdict, due);
        for member in &over.members {
            self.again(&member.entry.signal_id, due);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_owner_is_paged_when_the_state_machine_pages_them() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../statemachines/engage.asl.json");
        let engage: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(engage["States"]["GatherStorm"]["Seconds"], GATHER.as_secs());
    }
}
