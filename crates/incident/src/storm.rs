//! Storms: many new incidents at once are told together. From then on what would open an incident is a member of the storm:
//! recorded, counted, told to its owner once with all else of theirs, and decided upon again when the storm is over.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use response_plan::{ResolvedPlan, Severity, StormRule, Team};
use serde::{Deserialize, Serialize};
use signal::{Kind, Signal, State, signal_id};

use crate::digest::{DigestEntry, named};

/// The storm that is on, as it stands in `CONTROL#storm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storm {
    /// `storm-<YYYYMMDD>T<hhmmss>Z`, after its beginning.
    pub id: String,
    /// The incident that stands for it.
    pub incident_id: String,
    /// The opening of it that the storm began.
    pub opening: u32,
    /// When it began.
    pub since: Timestamp,
    /// The rule by which it did, and by which it ends.
    pub rule: StormRule,
}

/// A signal that would open an incident, were there no storm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StormMember {
    /// The storm.
    pub storm: String,
    /// The hash of the group key: as many different ones as there would be incidents.
    pub group: String,
    /// The signal, as its owner is told of it.
    pub entry: DigestEntry,
    /// Whose it is, with their escalation policy.
    pub team: Team,
    /// When triage received it.
    pub received_at: Timestamp,
}

/// Whether so many opened of late that it is a storm; `openings` are the times at which different groups did.
pub fn is_storm(rule: &StormRule, openings: impl IntoIterator<Item = Timestamp>, now: Timestamp) -> bool {
    openings.into_iter().filter(|at| is_within(rule, *at, now)).count() > rule.more_than as usize
}

fn is_within(rule: &StormRule, at: Timestamp, now: Timestamp) -> bool {
    // Of any two times there is a difference; a sum may be none.
    now.duration_since(at) < rule.within.signed()
}

impl Storm {
    /// A storm that begins.
    pub fn new(rule: &StormRule, (incident_id, opening): (String, u32), since: Timestamp) -> Self {
        Self { id: since.strftime("storm-%Y%m%dT%H%M%SZ").to_string(), incident_id, opening, since, rule: rule.clone() }
    }

    /// Whether it has calmed down: the rule's time, all of it within the storm, brought no more than would begin one.
    pub fn is_calm(&self, members: &[StormMember], now: Timestamp) -> bool {
        // A group counts when it came first: one that flaps holds no storm on.
        let mut first: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for member in members {
            let first = first.entry(&member.group).or_insert(member.received_at);
            *first = member.received_at.min(*first);
        }
        now >= self.since + self.rule.within.signed() && !is_storm(&self.rule, first.into_values(), now)
    }

    /// The name of the execution of `engage` that pages an owner, once in a storm.
    pub fn page_name(&self, owner: &str) -> String {
        format!("{}-{}", self.id, named(owner))
    }

    /// Its input, byte-stable, so that starting twice is starting once.
    pub fn page_input(&self, owner: &str) -> String {
        let Self { id, incident_id, .. } = self;
        format!(r#"{{"v":{},"storm":"{id}","incident_id":"{incident_id}","owner":"{owner}"}}"#, crate::V)
    }
}

impl StormMember {
    /// A member of a storm.
    pub fn new(storm: &Storm, signal: &Signal, plan: &ResolvedPlan, group: &str, received_at: Timestamp) -> Self {
        let (entry, team) = (DigestEntry::new(signal, plan), plan.team.clone());
        Self { storm: storm.id.clone(), group: group.to_owned(), entry, team, received_at }
    }
}

/// How many incidents members would be: as many as they have groups.
pub fn groups(members: &[StormMember]) -> usize {
    members.iter().map(|member| &member.group).collect::<BTreeSet<_>>().len()
}

/// The worst of the members, the first of equals.
pub fn worst(members: &[StormMember]) -> Option<(Severity, &StormMember)> {
    members.iter().map(|member| (member.entry.severity, member)).min_by_key(|(severity, _)| *severity)
}

/// What a storm is, in one line.
pub fn storm_title(rule: &StormRule) -> String {
    format!("Storm: more than {} new incidents within {}", rule.more_than, rule.within)
}

/// Where a storm is: the stack's own partition, account and Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Such as `aws`.
    pub partition: String,
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
}

/// The signal by which a storm is an incident like any other: it fires when the storm begins, and recovers when it is over.
pub fn storm_signal(title: &str, place: &Place, state: State, time: Timestamp) -> Signal {
    let Place { partition, account, region } = place;
    let fingerprint = format!("tourniquet.storm/{partition}/{account}/{region}/storm");
    Signal {
        source: "tourniquet.storm".to_owned(),
        detail_type: None,
        kind: Kind::Watchdog,
        state,
        account: Some(account.clone()),
        region: Some(region.clone()),
        time,
        onset: None,
        resources: Vec::new(),
        tags: Default::default(),
        title: title.to_owned(),
        reason: None,
        link: None,
        signal_id: signal_id(&fingerprint, state, time),
        fingerprint,
        drill: false,
        event: serde_json::Value::Null,
    }
}

/// The message in the queue `signals` by which `sweep` says that what an incident stands for is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StormOver {
    /// The version of this message.
    pub v: u32,
    /// The incident.
    pub storm_over: String,
    /// The storm; absent where none is on for the incident, which was opened for one that never began.
    pub storm: Option<String>,
    /// When it was found.
    pub at: Timestamp,
}

#[cfg(test)]
#[path = "storm_test.rs"]
mod tests;
