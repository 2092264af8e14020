//! Storms in memory, as triage begins them and `sweep` finds that they are over: what opens is counted, and from so many on
//! what would open one more is a member.

use std::collections::{HashMap, HashSet};

use incident::{GroupKey, Known, Place, Storm, StormMember, is_storm, storm_signal, storm_title};
use jiff::Timestamp;
use response_plan::{Plans, Resolution, ResolvedPlan, Severity, Storms as Rule};
use signal::{Signal, State};

use super::{Memory, Verdict};

/// What the table would know of storms.
#[derive(Default)]
pub(super) struct Storms {
    /// When groups opened of late, by their hashes.
    opened: HashMap<String, Timestamp>,
    on: Option<On>,
}

/// The storm that is on.
struct On {
    storm: Storm,
    /// Under which its own signals are.
    plan: ResolvedPlan,
    /// In the order in which they came.
    members: Vec<StormMember>,
    groups: HashSet<String>,
    /// Those of late that were the first of their groups: one that flaps holds no storm on.
    new: Vec<StormMember>,
}

/// That a signal is a member of a storm.
pub(crate) struct InStorm {
    pub(crate) storm: Storm,
    /// Whether it was none before: a signal may come twice.
    pub(crate) is_new: bool,
    /// Whether it is the first of its owner's.
    pub(crate) is_first: bool,
    /// The storm's own signal, where the storm begins with this member, and what comes of it.
    pub(crate) began: Option<Box<(Signal, Verdict)>>,
}

/// A storm that is over.
pub(crate) struct Over {
    pub(crate) storm: Storm,
    /// In the order in which they came.
    pub(crate) members: Vec<StormMember>,
    /// The storm's own signal, by which its incident recovers, and what comes of it.
    pub(crate) recovery: (Signal, Verdict),
}

impl InStorm {
    pub(super) fn reason(&self, owner: &str) -> String {
        format!("part of the storm {}, of which {owner} is told all of theirs at once", self.storm.id)
    }
}

impl Memory {
    /// The storm that takes what would open an incident; `None` where it opens one. What waited for the end of a storm is
    /// not new, and begins none.
    pub(super) fn storm(
        &mut self,
        plans: &Plans,
        signal: &Signal,
        (plan, group): (&ResolvedPlan, &GroupKey),
        known: &Known,
        now: Timestamp,
    ) -> Option<InStorm> {
        let rule = plans.storms()?;
        let before = known.signal.as_ref().and_then(|before| before.storm.as_ref());
        let mut began = None;
        if self.storms.on.is_none() && before.is_none() && self.storms.are_too_many(rule, group, now) {
            began = self.begin_storm(plans, rule, plan.plan.severity, now).map(Box::new);
        }
        let on = self.storms.on.as_mut()?;
        let is_new = before != Some(&on.storm.id);
        let is_first = is_new && on.join(StormMember::new(&on.storm, signal, plan, group.hash(), now));
        Some(InStorm { storm: on.storm.clone(), is_new, is_first, began })
    }

    /// Opens the storm's incident, or joins the one that is still open of the storm before.
    fn begin_storm(
        &mut self,
        plans: &Plans,
        rule: &Rule,
        severity: Severity,
        now: Timestamp,
    ) -> Option<(Signal, Verdict)> {
        let plan = plans.of_a_storm(rule, severity);
        let (signal, verdict) = self.tell_storm(plans, rule, plan.clone(), State::Firing, now);
        let storm = Storm::new(&rule.rule, verdict.incident.clone()?, now);
        self.storms.on = Some(On::new(storm, plan));
        Some((signal, verdict))
    }

    /// A storm's own signal, and what comes of it.
    fn tell_storm(
        &mut self,
        plans: &Plans,
        rule: &Rule,
        plan: ResolvedPlan,
        state: State,
        now: Timestamp,
    ) -> (Signal, Verdict) {
        let signal = storm_signal(&storm_title(&rule.rule), &nowhere(), state, now);
        let resolution = Resolution { plan, matched: false, owned: true, why: "a storm".to_owned() };
        let verdict = self.judge(plans, &signal, resolution, now, true);
        (signal, verdict)
    }

    /// Ends the storm that is on, where it has calmed down by now.
    pub(crate) fn end_storm(&mut self, plans: &Plans, now: Timestamp) -> Option<Over> {
        let rule = plans.storms()?;
        let On { storm, plan, members, .. } = self.storms.on.take_if(|on| on.is_calm(now))?;
        let recovery = self.tell_storm(plans, rule, plan, State::Recovered, now);
        Some(Over { storm, members, recovery })
    }
}

impl Storms {
    /// Counts that a group opens now, and says whether that is one too many.
    fn are_too_many(&mut self, rule: &Rule, group: &GroupKey, now: Timestamp) -> bool {
        self.opened.insert(group.hash().to_owned(), now);
        self.opened.retain(|_, at| now.duration_since(*at) < rule.rule.within.signed());
        is_storm(&rule.rule, self.opened.values().copied(), now)
    }
}

impl On {
    fn new(storm: Storm, plan: ResolvedPlan) -> Self {
        Self { storm, plan, members: Vec::new(), groups: HashSet::new(), new: Vec::new() }
    }

    /// Takes one more; whether it is the first of its owner's.
    fn join(&mut self, member: StormMember) -> bool {
        let is_first = self.members.iter().all(|other| other.team.name != member.team.name);
        if self.groups.insert(member.group.clone()) {
            self.new.push(member.clone());
        }
        self.members.push(member);
        is_first
    }

    /// Whether it has calmed down. What is past bears on it no more, and so it is not looked at each minute again.
    fn is_calm(&mut self, now: Timestamp) -> bool {
        let within = self.storm.rule.within.signed();
        self.new.retain(|member| now.duration_since(member.received_at) < within);
        // A storm at the end of time has no time in which to calm down.
        self.storm.since.checked_add(within).is_ok() && self.storm.is_calm(&self.new, now)
    }
}

/// Where the suite runs stands in no file; it only names the storm.
fn nowhere() -> Place {
    let unknown = || "unknown".to_owned();
    Place { partition: unknown(), account: unknown(), region: unknown() }
}
