//! One set of plans, and what a history comes to with it: triage's own decisions, and a clock that only signals move.

mod storms;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use incident::{Action, GroupKey, LOOK_AGAIN, SignalOutcome, incident_id};
use jiff::{SignedDuration, Timestamp};
use response_plan::{Plans, ResolvedPlan, Severity};
use serde::Serialize;
use signal::{Signal, to_second};

use super::pages::{Pages, TeamPages};
use crate::memory::{Memory, Verdict};
pub(crate) use storms::{InStorm, Storm};

/// What a history comes to with one set of plans.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Outcome {
    /// How many signals came to what.
    pub(crate) outcomes: BTreeMap<SignalOutcome, u64>,
    /// In the order in which they opened.
    pub(crate) incidents: Vec<Incident>,
    /// In the order in which they began.
    pub(crate) storms: Vec<Storm>,
    pub(crate) pages: Vec<TeamPages>,
    /// Of each team how many signals it is told once, in digests.
    pub(crate) told_once: BTreeMap<String, u64>,
    pub(crate) unowned: Unowned,
}

/// An incident that would have been.
#[derive(Debug, Serialize)]
pub(crate) struct Incident {
    pub(crate) id: String,
    pub(crate) opened: Timestamp,
    /// When everything that fired had stayed clear for as long as the plan says; `None` where it never did.
    pub(crate) resolved: Option<Timestamp>,
    pub(crate) plan: String,
    #[serde(rename = "type")]
    pub(crate) incident_type: String,
    pub(crate) service: String,
    pub(crate) environment: String,
    pub(crate) owner: String,
    pub(crate) severity: Severity,
    pub(crate) title: String,
    pub(crate) drill: bool,
    /// The signal that opened it: the same for every set of plans.
    pub(crate) opened_by: String,
}

/// Signals that nobody owns: the fallback topic is told of them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Unowned {
    pub(crate) signals: u64,
    /// Of which sources and detail types they are.
    pub(crate) of: Vec<Source>,
}

/// Signals of one source and detail type.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Source {
    pub(crate) source: String,
    pub(crate) detail_type: Option<String>,
    pub(crate) signals: u64,
}

/// An incident that is not resolved yet.
struct Open {
    /// Which of all.
    nth: usize,
    group: GroupKey,
    /// Its plan.
    plan: ResolvedPlan,
    /// How long it has to stay clear.
    held_for: SignedDuration,
    /// Whether somebody was paged, or never is to be.
    paged: bool,
    firing: BTreeSet<String>,
    /// When it is resolved, if nothing fires before.
    due: Option<Timestamp>,
}

/// What the clock brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// It was clear for as long as its plan says.
    Resolved,
    /// Its plan held the page back until now.
    Page,
    /// What mutes a signal ends.
    Unmute,
    /// It is looked whether a storm has calmed down.
    Storm,
}

/// After the last signal of a history the clock goes on for so long for what is muted: two mutes that follow each other
/// for ever keep a signal quiet for ever.
const PATIENCE: SignedDuration = SignedDuration::from_hours(31 * 24);

fn after(at: Timestamp, long: SignedDuration) -> Timestamp {
    at.checked_add(long).unwrap_or(Timestamp::MAX)
}

/// A set of plans that plays.
pub(crate) struct Player<'p> {
    plans: &'p Plans,
    memory: Memory,
    now: Timestamp,
    open: HashMap<String, Open>,
    /// What is due when, in order.
    due: BTreeSet<(Timestamp, Due, String)>,
    /// Signals that wait for the end of a mute or a storm, by their ids.
    quiet: HashMap<String, Signal>,
    pages: Pages,
    unowned: BTreeMap<(String, Option<String>), u64>,
    outcome: Outcome,
}

impl<'p> Player<'p> {
    pub(crate) fn new(plans: &'p Plans) -> Self {
        Self {
            plans,
            memory: Memory::default(),
            now: Timestamp::MIN,
            open: HashMap::new(),
            due: BTreeSet::new(),
            quiet: HashMap::new(),
            pages: Pages::default(),
            unowned: BTreeMap::new(),
            outcome: Outcome::default(),
        }
    }

    /// Takes a signal that is not older than the one before.
    pub(crate) fn take(&mut self, signal: &Signal) {
        if to_second(signal.time) != to_second(self.now) {
            self.memory.forget_signals();
        }
        self.now = signal.time;
        self.pass_until(signal.time);
        let verdict = self.memory.take(self.plans, signal);
        *self.outcome.outcomes.entry(verdict.outcome).or_default() += 1;
        if !verdict.owned {
            let of = (signal.source.clone(), signal.detail_type.clone());
            *self.unowned.entry(of).or_default() += 1;
        }
        self.act(signal, verdict, signal.time);
        // A page that nothing holds back goes out at once.
        self.pass_until(signal.time);
    }

    /// Does what was decided; `at` is the signal's own time, or the end of what it waited for.
    fn act(&mut self, signal: &Signal, mut verdict: Verdict, at: Timestamp) {
        if let Some(storm) = verdict.storm.take() {
            return self.joins_storm(signal, &verdict.plan, storm, at);
        }
        match verdict.action.clone() {
            Action::NotifyOnly { .. } if !signal.drill => {
                *self.outcome.told_once.entry(verdict.plan.plan.owner).or_default() += 1;
            }
            Action::Open => {
                let id = incident_id(&verdict.group, signal);
                self.opens(id, signal, at, verdict);
            }
            // With the plan that it was first opened with: one set of plans knows no other.
            Action::Reopen { incident_id, .. } => self.opens(incident_id, signal, at, verdict),
            Action::Join { incident_id, .. } => {
                if let Some(open) = self.open.get_mut(&incident_id) {
                    open.firing.insert(signal.fingerprint.clone());
                    if let Some(due) = open.due.take() {
                        self.due.remove(&(due, Due::Resolved, incident_id));
                    }
                }
            }
            Action::Recover { incident_id, .. } => {
                if let Some(open) = self.open.get_mut(&incident_id) {
                    open.firing.remove(&signal.fingerprint);
                    if open.firing.is_empty() && open.due.is_none() {
                        let due = after(signal.time, open.held_for);
                        open.due = Some(due);
                        self.due.insert((due, Due::Resolved, incident_id));
                    }
                }
            }
            Action::Mute { muted, recorded: false } => {
                self.quiet.insert(signal.signal_id.clone(), signal.clone());
                self.due.insert((muted.until, Due::Unmute, signal.signal_id.clone()));
            }
            Action::NotifyOnly { .. }
            | Action::Repeat { .. }
            | Action::Inform { .. }
            | Action::Mute { .. }
            | Action::Ignore { .. } => {}
        }
    }

    fn opens(&mut self, id: String, signal: &Signal, at: Timestamp, verdict: Verdict) {
        let Verdict { plan: resolved, group, flapping, .. } = verdict;
        let plan = &resolved.plan;
        let nth = self.outcome.incidents.len();
        self.outcome.incidents.push(Incident {
            id: id.clone(),
            opened: at,
            resolved: None,
            plan: plan.plan.clone(),
            incident_type: plan.incident_type.clone(),
            service: plan.service.clone(),
            environment: plan.environment.clone(),
            owner: plan.owner.clone(),
            severity: plan.severity,
            title: signal.title.clone(),
            drill: signal.drill,
            opened_by: signal.signal_id.clone(),
        });
        let firing = BTreeSet::from([signal.fingerprint.clone()]);
        let held_for = incident::held_for(plan.recovery.held_for, flapping).signed();
        let hold_down = if flapping { SignedDuration::ZERO } else { plan.hold_down.signed() };
        self.due.insert((after(at, hold_down), Due::Page, id.clone()));
        self.open.insert(id, Open { nth, group, plan: resolved, held_for, paged: signal.drill, firing, due: None });
    }

    fn pass_until(&mut self, now: Timestamp) {
        while let Some((due, what, id)) = self.due.pop_first() {
            if due > now {
                self.due.insert((due, what, id));
                return;
            }
            match what {
                Due::Resolved => self.resolve(&id, due),
                Due::Page => self.page(id, due),
                Due::Unmute if due <= after(self.now, PATIENCE) => self.again(&id, due),
                Due::Unmute => drop(self.quiet.remove(&id)),
                Due::Storm => self.look_at_storm(id, due),
            }
        }
    }

    /// What still fires gets its normal flow.
    fn again(&mut self, signal_id: &str, due: Timestamp) {
        let Some(signal) = self.quiet.remove(signal_id) else { return };
        let verdict = self.memory.take_at(self.plans, &signal, due);
        self.act(&signal, verdict, due);
    }

    fn resolve(&mut self, id: &str, due: Timestamp) {
        let Some(open) = self.open.remove(id) else { return };
        let within = open.plan.plan.reopen_within;
        self.memory.resolve(&open.group, (!within.is_zero()).then(|| after(due, within.signed())));
        self.outcome.incidents[open.nth].resolved = Some(due);
    }

    fn page(&mut self, id: String, due: Timestamp) {
        let Some(open) = self.open.get_mut(&id).filter(|open| !open.paged) else { return };
        if open.firing.is_empty() {
            // It ends, or fires again: what is clear for ever is resolved first.
            if open.due.is_some_and(|resolved| resolved > due) {
                self.due.insert((after(due, LOOK_AGAIN), Due::Page, id));
            }
            return;
        }
        open.paged = true;
        self.pages.page(&open.plan, due);
    }

    /// The clock goes on after the last signal: what is clear by then stays clear.
    pub(crate) fn end(mut self) -> Outcome {
        self.pass_until(Timestamp::MAX);
        self.outcome.pages = self.pages.teams();
        let source = |((source, detail_type), signals)| Source { source, detail_type, signals };
        self.outcome.unowned.signals = self.unowned.values().sum();
        self.outcome.unowned.of = self.unowned.into_iter().map(source).collect();
        self.outcome
    }
}
