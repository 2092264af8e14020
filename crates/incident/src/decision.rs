//! What becomes of a signal, given what is known: the decision of triage, as a value.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signal::{Signal, State};

use crate::mute::{self, Mute, Muted};
use crate::record::Status;

/// What the table knows that bears on one signal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// The signal itself, when it came before.
    pub signal: Option<KnownSignal>,
    /// The last known state of its fingerprint.
    pub fingerprint: Option<FingerprintState>,
    /// The group's last incident.
    pub pointer: Option<OpenPointer>,
    /// Another incident than the group's, in which its fingerprint fires: the plans have changed since that one opened.
    pub fires_in: Option<(String, u32)>,
    /// The open incident whose mitigation caused it.
    pub ours: Option<(String, u32)>,
    /// The mutes that people have set by hand.
    pub mutes: Vec<Mute>,
    /// What mutes the signal now, by hand or recurring: found by whoever knows its plan and the time.
    pub muted: Option<Muted>,
}

/// `SIG#<signal id>`: a signal that was recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownSignal {
    /// The incident it belongs to, and its opening; absent where it changed nothing.
    pub incident: Option<(String, u32)>,
    /// What keeps it quiet, where it was muted and nobody has looked at it since.
    pub muted: Option<Muted>,
    /// The storm that it is a member of, while it waits for the end of that.
    pub storm: Option<String>,
}

/// `FP#<fingerprint hash>`: what was last known of a failing thing. Only `firing` and `recovered` are kept here: an
/// `info` says nothing of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FingerprintState {
    /// Firing or recovered.
    pub state: State,
    /// The source's own transition time.
    pub time: Timestamp,
    /// The incident in which it last fired, and its opening.
    pub incident: Option<(String, u32)>,
}

/// `OPEN#<group hash>`: the group's last incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPointer {
    /// The incident.
    pub incident_id: String,
    /// Its opening.
    pub opening: u32,
    /// Its status.
    pub status: Status,
    /// Where it is resolved and its plan wants it: until when a firing opens it again.
    pub reopen_until: Option<Timestamp>,
    /// When its group opened of late, by the source's own time: see [`crate::openings`].
    pub openings: Vec<Timestamp>,
}

/// What is to be done with a signal; each is one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It came before: nothing is written, and what it began is looked after.
    Repeat {
        /// The incident that it belongs to.
        incident: Option<(String, u32)>,
    },
    /// A new incident takes the group's pointer.
    Open,
    /// The group's incident was resolved a short while ago: it is open again.
    Reopen {
        /// The incident.
        incident_id: String,
        /// The opening that begins.
        opening: u32,
    },
    /// It joins the group's open incident.
    Join {
        /// The incident.
        incident_id: String,
        /// Its opening.
        opening: u32,
    },
    /// It clears what fired in an incident.
    Recover {
        /// The incident.
        incident_id: String,
        /// Its opening.
        opening: u32,
    },
    /// It tells of what an incident's own mitigation does: it is recorded there, and changes nothing.
    Inform {
        /// The incident.
        incident_id: String,
        /// Its opening.
        opening: u32,
    },
    /// It would open an incident, and is muted: it is recorded, and delivered again when the mute is over.
    Mute {
        /// By what.
        muted: Muted,
        /// Whether that is recorded already, so that nothing is to be written.
        recorded: bool,
    },
    /// It opens nothing: the owner is told once, in a digest.
    NotifyOnly {
        /// Whether it is the last known state of its fingerprint.
        newest: bool,
    },
    /// It changes nothing, and is recorded with the reason.
    Ignore {
        /// Why, in one sentence.
        reason: String,
        /// Whether it is the last known state of its fingerprint all the same.
        newest: bool,
    },
}

/// What became of a signal, as the command line and triage's answer say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalOutcome {
    /// It opened an incident.
    Incident,
    /// It belongs to an incident that was there.
    Attached,
    /// It opened nothing, and its owner is told once, in a digest.
    NotifyOnly,
    /// It fires, and a mute keeps it quiet.
    Muted,
    /// It changed nothing.
    Ignored,
    /// It is no signal that can be read.
    Rejected,
}

/// Decides. The order in which deliveries arrive does not matter: a state that is older than the last known one of its
/// fingerprint changes nothing, and of two at the same instant the firing one counts, since a page too many is better
/// than one too few.
pub fn decide(signal: &Signal, known: &Known) -> Action {
    if let Some(before) = &known.signal {
        if mute::waits(signal, before, known) {
            return mute::unless_muted(fire(signal, known), known);
        }
        return Action::Repeat { incident: before.incident.clone() };
    }
    // Whoever caused a recovery, what fired is clear.
    let fired = known.fingerprint.as_ref().is_some_and(|last| last.state == State::Firing);
    let clears = fired && signal.state == State::Recovered;
    if let Some((incident_id, opening)) = known.ours.clone().filter(|_| !clears) {
        return Action::Inform { incident_id, opening };
    }
    if signal.state == State::Info {
        return Action::Ignore {
            reason: "it says neither that something fires nor that it recovered".to_owned(),
            newest: false,
        };
    }
    if let Some(last) = known.fingerprint.as_ref().filter(|last| !is_newer(signal, last)) {
        let reason = format!("it is older than the last known state, {} at {}", last.state.as_str(), last.time);
        return Action::Ignore { reason, newest: false };
    }
    match signal.state {
        State::Firing => mute::unless_muted(fire(signal, known), known),
        _ => recover(known),
    }
}

fn is_newer(signal: &Signal, last: &FingerprintState) -> bool {
    signal.time > last.time
        || (signal.time == last.time && signal.state == State::Firing && last.state == State::Recovered)
}

fn fire(signal: &Signal, known: &Known) -> Action {
    if let Some((incident_id, opening)) = known.fires_in.clone() {
        // A failing thing belongs to one open incident, or a recovery would clear only one of two.
        return Action::Join { incident_id, opening };
    }
    match &known.pointer {
        Some(p) if p.status.holds_group_key() => {
            Action::Join { incident_id: p.incident_id.clone(), opening: p.opening }
        }
        Some(p) if p.status == Status::Resolved && p.reopen_until.is_some_and(|until| signal.time <= until) => {
            Action::Reopen { incident_id: p.incident_id.clone(), opening: p.opening + 1 }
        }
        _ => Action::Open,
    }
}

fn recover(known: &Known) -> Action {
    let fired = known.fingerprint.as_ref().filter(|last| last.state == State::Firing);
    match fired.and_then(|last| last.incident.clone()) {
        Some((incident_id, opening)) => Action::Recover { incident_id, opening },
        None if fired.is_some() => {
            Action::Ignore { reason: "it recovers, and what fired was kept quiet".to_owned(), newest: true }
        }
        None => Action::Ignore { reason: "it recovers, and no incident was open for it".to_owned(), newest: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(state: State, second: i64) -> Signal {
        Signal {
            source: "aws.cloudwatch".into(),
            detail_type: None,
            kind: signal::Kind::Alarm,
            state,
            account: None,
            region: None,
            time: at(second),
            onset: None,
            resources: vec![],
            tags: Default::default(),
            title: "t".into(),
            reason: None,
            link: None,
            fingerprint: "f".into(),
            signal_id: format!("{}{second}", state.as_str()),
            drill: false,
            event: serde_json::Value::Null,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn last(state: State, second: i64) -> Option<FingerprintState> {
        Some(FingerprintState { state, time: at(second), incident: Some(("inc".into(), 1)) })
    }

    fn pointer(status: Status) -> Option<OpenPointer> {
        Some(OpenPointer { incident_id: "inc".into(), opening: 1, status, reopen_until: None, openings: vec![] })
    }

    #[track_caller]
    fn check(signal: &Signal, known: Known, expect: &str) {
        let got = match decide(signal, &known) {
            Action::Repeat { .. } => "repeat",
            Action::Open => "open",
            Action::Reopen { opening: 2, .. } => "reopen",
            Action::Reopen { .. } => "another opening",
            Action::Join { .. } => "join",
            Action::Recover { .. } => "recover",
            Action::Inform { .. } => "inform",
            Action::Mute { .. } => "mute",
            Action::NotifyOnly { .. } => "notify",
            Action::Ignore { newest: true, .. } => "ignore, newest",
            Action::Ignore { .. } => "ignore",
        };
        assert_eq!(got, expect, "{known:?}");
    }

    #[test]
    fn firing() {
        let alarm = signal(State::Firing, 10);
        check(&alarm, Known::default(), "open");
        for status in Status::ALL {
            let expect = if status.holds_group_key() { "join" } else { "open" };
            check(&alarm, Known { pointer: pointer(status), ..Known::default() }, expect);
        }
        for status in Status::ALL {
            let until = |second| pointer(status).map(|p| OpenPointer { reopen_until: Some(at(second)), ..p });
            let (early, late) = match status {
                status if status.holds_group_key() => ("join", "join"),
                Status::Resolved => ("reopen", "open"),
                _ => ("open", "open"),
            };
            check(&alarm, Known { pointer: until(10), ..Known::default() }, early);
            check(&alarm, Known { pointer: until(9), ..Known::default() }, late);
        }
        let elsewhere =
            Known { fires_in: Some(("other".into(), 1)), pointer: pointer(Status::Resolved), ..Known::default() };
        check(&alarm, elsewhere, "join");
        check(&alarm, Known { signal: Some(KnownSignal::default()), ..Known::default() }, "repeat");
        check(&alarm, Known { fingerprint: last(State::Recovered, 11), ..Known::default() }, "ignore");
        check(&alarm, Known { fingerprint: last(State::Recovered, 10), ..Known::default() }, "open");
        check(&alarm, Known { fingerprint: last(State::Recovered, 9), ..Known::default() }, "open");
        check(&alarm, Known { fingerprint: last(State::Firing, 10), ..Known::default() }, "ignore");
    }

    #[test]
    fn recovery() {
        let ok = signal(State::Recovered, 10);
        check(&ok, Known::default(), "ignore, newest");
        check(&ok, Known { fingerprint: last(State::Firing, 9), ..Known::default() }, "recover");
        check(&ok, Known { fingerprint: last(State::Firing, 10), ..Known::default() }, "ignore");
        check(&ok, Known { fingerprint: last(State::Firing, 11), ..Known::default() }, "ignore");
        check(&ok, Known { fingerprint: last(State::Recovered, 9), ..Known::default() }, "ignore, newest");
    }

    #[test]
    fn what_a_mitigation_causes_belongs_to_its_incident() {
        for state in [State::Info, State::Firing, State::Recovered] {
            let ours = Known { ours: Some(("inc".into(), 1)), ..Known::default() };
            check(&signal(state, 10), ours.clone(), "inform");
            let again = Known {
                signal: Some(KnownSignal { incident: Some(("inc".into(), 1)), ..KnownSignal::default() }),
                ..ours
            };
            check(&signal(state, 10), again, "repeat");
        }
        let ours = Known { ours: Some(("other".into(), 1)), fingerprint: last(State::Firing, 9), ..Known::default() };
        check(&signal(State::Recovered, 10), ours, "recover");
    }

    #[test]
    fn info_leaves_everything_as_it_is() {
        check(&signal(State::Info, 10), Known { fingerprint: last(State::Firing, 9), ..Known::default() }, "ignore");
    }
}
