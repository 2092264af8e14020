//! Mutes: what keeps a firing quiet for a while, and what becomes of it when that is over.

use std::fmt;

use jiff::Timestamp;
use response_plan::{Recurring, ResponsePlan};
use serde::{Deserialize, Serialize};
use signal::{Signal, State};

use crate::decision::{Action, FingerprintState, Known, KnownSignal};

/// What a mute is for: a signal has to be all of what is said, and something is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The plan that the signal is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The plan's service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The plan's environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The failing thing, by its whole fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl Scope {
    /// Whether it is for what the plan says of a failing thing. Where nothing is said it is for nothing.
    pub fn is_of(&self, plan: &ResponsePlan, fingerprint: &str) -> bool {
        let Self { plan: name, service, environment, fingerprint: thing } = self;
        let said = [
            (name, plan.plan.as_str()),
            (service, plan.service.as_str()),
            (environment, plan.environment.as_str()),
            (thing, fingerprint),
        ];
        let mut said = said.into_iter().filter_map(|(wanted, is)| Some(wanted.as_deref()? == is)).peekable();
        said.peek().is_some() && said.all(|holds| holds)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, service, environment, fingerprint } = self;
        let named = [("plan", plan), ("service", service), ("environment", environment), ("fingerprint", fingerprint)];
        let said = named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
        f.write_str(&said.collect::<Vec<_>>().join(", "))
    }
}

/// A mute that a person has set, as it stands in `CONTROL#mutes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// By what it is taken back; made of the request that asked for it.
    pub id: String,
    /// What is muted.
    pub scope: Scope,
    /// Who asked.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When they asked.
    pub at: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Who took it back before that. It is kept until `until` all the same, so that the request that asked for it, coming
    /// late or twice, does not set it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<MuteEnded>,
}

/// Who took a mute back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteEnded {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Mute {
    /// Whether it keeps anything quiet at this time.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.until
    }
}

/// What keeps a signal quiet, as it is recorded with the signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muted {
    /// The mute's id, or the name of a recurring one.
    pub mute: String,
    /// Who set it; nobody where it recurs, as `mutes.yaml` says.
    pub by: Option<String>,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
}

impl Muted {
    /// What mutes a firing of this fingerprint under this plan: of several the one that lasts longest.
    pub fn by_hand(mutes: &[Mute], plan: &ResponsePlan, fingerprint: &str, now: Timestamp) -> Option<Self> {
        let ours = mutes.iter().filter(|mute| mute.is_active(now) && mute.scope.is_of(plan, fingerprint));
        let longest = ours.max_by_key(|mute| mute.until)?;
        let Mute { id, by, reason, until, .. } = longest.clone();
        Some(Self { mute: id, by: Some(by), reason, until })
    }

    /// Whether it keeps nothing quiet any more: its time has come, or it was taken back. The same where it is not among
    /// the mutes that could be read, since pages fail open.
    pub fn is_over(&self, mutes: &[Mute], now: Timestamp) -> bool {
        let stands = || mutes.iter().any(|mute| mute.id == self.mute && mute.is_active(now));
        now >= self.until || (self.by.is_some() && !stands())
    }
}

impl From<Recurring> for Muted {
    fn from(recurring: Recurring) -> Self {
        let Recurring { name, reason, until } = recurring;
        Self { mute: name, by: None, reason, until }
    }
}

impl fmt::Display for Muted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mute, by, reason, until } = self;
        let until = until.strftime("%Y-%m-%d %H:%M:%S UTC");
        match by {
            Some(by) => write!(f, "muted until {until} by {by}, as {mute}: {reason}"),
            None => write!(f, "muted until {until}, as {mute} in mutes.yaml says: {reason}"),
        }
    }
}

/// The message in the queue `signals` by which `sweep` hands triage a signal again that a mute or a storm kept quiet, and nothing does any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unmuted {
    /// The version of this message.
    pub v: u32,
    /// The id of the signal, which is recorded.
    pub muted_signal: String,
}

/// Whether a signal that came before is one that a mute or a storm kept quiet, and is still the last that is known of its
/// fingerprint: then it is decided upon again. One that has recovered since, or fired again by a later signal, is a repeat
/// like any other.
pub(crate) fn waits(signal: &Signal, before: &KnownSignal, known: &Known) -> bool {
    (before.muted.is_some() || before.storm.is_some())
        && known.fingerprint.as_ref().is_none_or(|last| fires_still(signal, last))
}

/// Whether a firing that opened nothing is still the last known state of its fingerprint, and belongs to no incident.
pub fn fires_still(signal: &Signal, last: &FingerprintState) -> bool {
    // To the second, as in the signal's id: its doors tell the rest of it in different detail.
    let same = last.time.as_second() == signal.time.as_second();
    same && last.state == State::Firing && last.incident.is_none()
}

/// A mute stops what would open an incident, or open one again. What joins an open incident joins it all the same: a mute
/// hides nothing of what people are at work on.
pub(crate) fn unless_muted(action: Action, known: &Known) -> Action {
    match (&known.muted, action) {
        (Some(muted), Action::Open | Action::Reopen { .. }) => {
            let recorded = known.signal.as_ref().is_some_and(|before| before.muted.as_ref() == Some(muted));
            Action::Mute { muted: muted.clone(), recorded }
        }
        (_, action) => action,
    }
}

#[cfg(test)]
#[path = "mute_test.rs"]
mod tests;
