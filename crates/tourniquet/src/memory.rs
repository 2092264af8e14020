//! What the table would know, in memory: triage's own plans and decisions for verbs that need no AWS.

mod storms;

use std::collections::HashMap;

use incident::{Action, FingerprintState, GroupKey, Known, KnownSignal, Muted, OpenPointer, SignalOutcome, Status};
use incident::{decide, incident_id, is_flapping, openings};
use jiff::Timestamp;
use response_plan::{Plans, Resolution, ResolvedPlan};
use serde_json::Value;
use signal::{Origin, Signal, State, Unread};

pub(crate) use storms::{InStorm, Over};

/// The signals of a payload. Offline nobody knows where the suite runs: unless told, it is where the event says that it
/// comes from.
pub(crate) fn read(bytes: &[u8], account: Option<&str>) -> Vec<Result<Signal, Unread>> {
    let event: Option<Value> = serde_json::from_slice(bytes).ok();
    let named = event.as_ref().and_then(|event| event["account"].as_str());
    signal::read(bytes, &Origin { own_account: account.or(named), hubs: &[] })
}

/// What becomes of one signal.
pub(crate) struct Verdict {
    pub(crate) outcome: SignalOutcome,
    pub(crate) reason: String,
    pub(crate) plan: ResolvedPlan,
    /// Whether a team owns it, and not only the fallback topic.
    pub(crate) owned: bool,
    pub(crate) group: GroupKey,
    pub(crate) action: Action,
    /// The storm that takes it, so that `action` is not done.
    pub(crate) storm: Option<InStorm>,
    /// The incident that it belongs to, and its opening.
    pub(crate) incident: Option<(String, u32)>,
    /// Whether what opens has opened so often of late that it has to stay clear for longer.
    pub(crate) flapping: bool,
}

/// What the table would know after the signals so far.
#[derive(Default)]
pub(crate) struct Memory {
    signals: HashMap<String, KnownSignal>,
    fingerprints: HashMap<String, FingerprintState>,
    pointers: HashMap<String, OpenPointer>,
    storms: storms::Storms,
}

/// What comes of a signal: its outcome, why, the incident it belongs to, and whether it is the last known state of its
/// fingerprint.
type Recorded = (SignalOutcome, String, Option<(String, u32)>, bool);

impl Memory {
    pub(crate) fn take(&mut self, plans: &Plans, signal: &Signal) -> Verdict {
        self.take_at(plans, signal, signal.time)
    }

    /// The same at another time than its own: what is muted then, by `mutes.yaml`, is kept quiet. Drills never are.
    pub(crate) fn take_at(&mut self, plans: &Plans, signal: &Signal, now: Timestamp) -> Verdict {
        self.judge(plans, signal, plans.resolve(signal), now, false)
    }

    /// Takes a signal that is for this plan; one that stands for a storm is never muted, and in none.
    fn judge(
        &mut self,
        plans: &Plans,
        signal: &Signal,
        resolution: Resolution,
        now: Timestamp,
        is_storm: bool,
    ) -> Verdict {
        let of = &resolution.plan.plan;
        let account = signal.account.as_deref();
        let group = GroupKey::new(&of.plan, &of.service, &of.environment, account, signal.drill);
        let mut known = Known {
            signal: self.signals.get(&signal.signal_id).cloned(),
            fingerprint: self.fingerprints.get(&signal.fingerprint).cloned(),
            pointer: self.pointers.get(group.hash()).cloned(),
            fires_in: None,
            ..Known::default()
        };
        known.fires_in = self.fires_in(&known);
        let apart = signal.drill || is_storm;
        known.muted = plans.muted(of, signal, now).filter(|_| !apart).map(Muted::from);
        let action = decide(signal, &known).under(of.engage, signal);
        let flapping = is_flapping(known.pointer.as_ref(), signal.time);
        let opens = matches!(action, Action::Open | Action::Reopen { .. }) && !apart;
        let storm = if opens { self.storm(plans, signal, (&resolution.plan, &group), &known, now) } else { None };
        let (outcome, reason, incident, newest) = match &storm {
            Some(storm) => (SignalOutcome::Attached, storm.reason(&resolution.plan.team.name), None, true),
            None => self.act(signal, &resolution, &group, &known, &action),
        };
        if newest {
            let state = FingerprintState { state: signal.state, time: signal.time, incident: incident.clone() };
            self.fingerprints.insert(signal.fingerprint.clone(), state);
        }
        let muted = if let Action::Mute { muted, .. } = &action { Some(muted.clone()) } else { None };
        let waits = storm.as_ref().map(|of| of.storm.id.clone());
        let now_known = KnownSignal { incident: incident.clone(), muted, storm: waits };
        let known = self.signals.entry(signal.signal_id.clone()).or_insert_with(|| now_known.clone());
        if waits_for_an_end(known) {
            *known = now_known; // whatever comes of it is written over what waits
        }
        let (plan, owned) = (resolution.plan, resolution.owned);
        Verdict { outcome, reason, plan, owned, group, action, storm, incident, flapping }
    }

    /// Does what was decided.
    fn act(
        &mut self,
        signal: &Signal,
        resolution: &Resolution,
        group: &GroupKey,
        known: &Known,
        action: &Action,
    ) -> Recorded {
        match action.clone() {
            Action::Repeat { incident } => {
                let outcome = if incident.is_some() { SignalOutcome::Attached } else { SignalOutcome::Ignored };
                (outcome, "it came before in the same file".to_owned(), incident, false)
            }
            Action::Open => {
                let opened = (incident_id(group, signal), 1);
                let pointer = pointer(&opened.0, 1, known, signal);
                self.pointers.insert(group.hash().to_owned(), pointer);
                (SignalOutcome::Incident, resolution.why.clone(), Some(opened), true)
            }
            Action::Reopen { incident_id, opening } => {
                let pointer = pointer(&incident_id, opening, known, signal);
                self.pointers.insert(group.hash().to_owned(), pointer);
                let reason = "its incident was resolved a short while ago: open again".to_owned();
                (SignalOutcome::Incident, reason, Some((incident_id, opening)), true)
            }
            Action::Join { incident_id, opening } => {
                let reason = "it joins the incident that an earlier signal of the same file opens".to_owned();
                (SignalOutcome::Attached, reason, Some((incident_id, opening)), true)
            }
            Action::Recover { incident_id, opening } => {
                let reason = "what fired earlier in the same file has recovered".to_owned();
                (SignalOutcome::Attached, reason, Some((incident_id, opening)), true)
            }
            Action::Inform { incident_id, opening } => {
                let reason = "the incident's own mitigation caused it".to_owned();
                (SignalOutcome::Attached, reason, Some((incident_id, opening)), false)
            }
            Action::Mute { muted, .. } => (SignalOutcome::Muted, muted.to_string(), None, true),
            Action::NotifyOnly { newest } => {
                let (why, owner) = (&resolution.why, &resolution.plan.plan.owner);
                let reason = format!("{why}: it is told once, in the digest of {owner}");
                (SignalOutcome::NotifyOnly, reason, None, newest)
            }
            Action::Ignore { reason, newest } => (SignalOutcome::Ignored, reason, None, newest),
        }
    }

    /// Another incident than the group's in which the fingerprint fires, as the table is asked for it: the events of one
    /// thing may differ in what plans match by.
    fn fires_in(&self, known: &Known) -> Option<(String, u32)> {
        let last = known.fingerprint.as_ref().filter(|last| last.state == State::Firing)?;
        let (id, opening) = last.incident.clone()?;
        let is_its = |pointer: &OpenPointer| pointer.incident_id == id;
        if known.signal.is_some() || known.pointer.as_ref().is_some_and(is_its) {
            return None;
        }
        let open = self.pointers.values().any(|pointer| is_its(pointer) && pointer.status.holds_group_key());
        open.then_some((id, opening))
    }

    /// The group's incident was resolved; until when a firing opens it again, where its plan wants that.
    pub(crate) fn resolve(&mut self, group: &GroupKey, reopen_until: Option<jiff::Timestamp>) {
        if let Some(pointer) = self.pointers.get_mut(group.hash()) {
            (pointer.status, pointer.reopen_until) = (Status::Resolved, reopen_until);
        }
    }

    /// No signal so far comes again, but for those that wait for the end of a mute or a storm: all that come are of a later
    /// second, which is part of a signal's id.
    pub(crate) fn forget_signals(&mut self) {
        self.signals.retain(|_, known| waits_for_an_end(known));
    }
}

fn waits_for_an_end(known: &KnownSignal) -> bool {
    known.muted.is_some() || known.storm.is_some()
}

/// The group's pointer once a signal has opened an incident, or opened it again.
fn pointer(id: &str, opening: u32, known: &Known, signal: &Signal) -> OpenPointer {
    let openings = openings(known.pointer.as_ref(), signal.time);
    OpenPointer { incident_id: id.to_owned(), opening, status: Status::Open, reopen_until: None, openings }
}

#[cfg(test)]
mod tests;
