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
    /// The incident that stands for it.
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
    fn new(of: incident::Storm, members: Vec<StormMember>, over: Timestamp) -> Self {
        let (incidents, signals) = (groups(&members), members.len());
        let mut owners: BTreeMap<String, Vec<StormMember>> = BTreeMap::new();
        for member in members {
            owners.entry(member.team.name.clone()).or_default().push(member);
        }
        let theirs = |(owner, theirs): (String, Vec<StormMember>)| InStorm {
            owner,
            incidents: groups(&theirs),
            signals: theirs.len(),
        };
        let (id, incident_id, began) = (of.id, of.incident_id, of.since);
        let owners = owners.into_iter().map(theirs).collect();
        Self { id, incident_id, began, over, incidents, signals, owners }
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
        let Over { storm, members, recovery: (recovery, verdict) } = over;
        let waited: Vec<_> = members.iter().map(|member| member.entry.signal_id.clone()).collect();
        self.outcome.storms.push(Storm::new(storm, members, due));
        self.act(&recovery, verdict, due);
        waited.iter().for_each(|signal_id| self.again(signal_id, due));
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
