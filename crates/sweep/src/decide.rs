//! What an incident needs: values in, values out.

use incident::{FingerprintState, Incident};
use jiff::{SignedDuration, Timestamp};

use crate::notice::Notice;

/// The execution that should serve an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Execution {
    /// There is none.
    Missing,
    /// It lives.
    Running,
    /// It is over.
    Ended {
        /// How, in the service's word.
        how: String,
        /// When.
        at: Option<Timestamp>,
    },
}

/// What is to be done about the execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Nothing.
    Nothing,
    /// Start the one that is missing.
    Start,
    /// Raise the run and start the next one.
    Restart,
    /// Three have ended: a person has to.
    GiveUp,
}

/// Triage starts the execution right after it opened the incident: so long it is not missing.
const START: SignedDuration = SignedDuration::from_secs(10);
/// A run that has just ended may have resolved the incident a moment ago.
const ENDED: SignedDuration = SignedDuration::from_secs(30);
/// By then a page has gone out, or something is wrong.
const PAGE: SignedDuration = SignedDuration::from_secs(45);
/// How often an incident is served.
const RUNS: u32 = 3;

/// Decides about the execution.
pub(crate) fn decide(incident: &Incident, execution: &Execution, now: Timestamp) -> Duty {
    if !incident.status.holds_group_key() {
        return Duty::Nothing;
    }
    match execution {
        Execution::Running => Duty::Nothing,
        Execution::Missing if now < incident.opened.opened_at + START => Duty::Nothing,
        Execution::Missing => Duty::Start,
        Execution::Ended { at: Some(at), .. } if now < *at + ENDED => Duty::Nothing,
        Execution::Ended { .. } if incident.run < RUNS => Duty::Restart,
        Execution::Ended { .. } => Duty::GiveUp,
    }
}

/// Whether a page is due that has not gone out. Where the first to be told has a channel that wakes, only that one counts:
/// a line in a chat wakes nobody.
pub(crate) fn is_unpaged(incident: &Incident, now: Timestamp) -> bool {
    let first = incident.opened.plan.team.escalation.first();
    let wakes = first.is_some_and(|step| step.contact.channels.iter().any(|channel| channel.wakes));
    let paged_at = if wakes { incident.woken_at } else { incident.paged_at };
    incident.status.holds_group_key()
        && paged_at.is_none()
        && incident.acknowledged_at.is_none()
        && now >= incident.opened.opened_at + PAGE
}

/// Whether it is time to look again at what a person resolved.
pub(crate) fn is_recheck_due(incident: &Incident, now: Timestamp) -> bool {
    incident.recheck_at.is_some_and(|at| at <= now)
}

/// Whether a thing that fired in an incident fires on after a person resolved it. Where it has fired anew since, another incident
/// has it, which pages by itself.
pub(crate) fn still_fires(incident: &Incident, last: Option<&FingerprintState>) -> bool {
    last.is_some_and(|last| {
        let here = last.incident.as_ref().is_none_or(|(id, _)| id == incident.id());
        last.state == signal::State::Firing && here
    })
}

/// What to tell of an incident whose time to look again has come, given whether each thing that fired does still; `None`
/// is one that could not be read. Nothing to tell: all of it is clear.
pub(crate) fn rechecked(fires: &[Option<bool>]) -> Option<Notice<'static>> {
    if fires.contains(&Some(true)) {
        Some(Notice::StillFires)
    } else if fires.contains(&None) {
        Some(Notice::Unknown)
    } else {
        None
    }
}

/// The fingerprints to look at: what fired when a person resolved it, and what opened the incident where a record from
/// before does not say.
pub(crate) fn to_recheck(incident: &Incident) -> Vec<&str> {
    if incident.still_firing.is_empty() {
        return vec![&incident.opened.signal.fingerprint];
    }
    incident.still_firing.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use incident::Status;
    use serde_json::json;
    use signal::State;

    use super::*;
    use crate::samples::{at, incident};

    #[track_caller]
    fn check(change: impl FnOnce(&mut Incident), execution: Execution, second: i64, expect: Duty) {
        let mut incident = incident();
        change(&mut incident);
        assert_eq!(decide(&incident, &execution, at(second)), expect);
    }

    fn ended(second: i64) -> Execution {
        Execution::Ended { how: "FAILED".into(), at: Some(at(second)) }
    }

    #[test]
    fn an_open_incident_has_a_living_execution() {
        check(|_| {}, Execution::Running, 1000, Duty::Nothing);
        check(|_| {}, Execution::Missing, 9, Duty::Nothing);
        check(|_| {}, Execution::Missing, 10, Duty::Start);
        check(|i| i.status = Status::Mitigated, Execution::Missing, 10, Duty::Start);
        check(|i| i.run = 3, Execution::Missing, 10, Duty::Start);
        check(|_| {}, ended(100), 129, Duty::Nothing);
        check(|_| {}, ended(100), 130, Duty::Restart);
        check(|i| i.status = Status::Mitigated, ended(100), 130, Duty::Restart);
        check(|i| i.run = 2, ended(100), 130, Duty::Restart);
        check(|i| i.run = 3, ended(100), 130, Duty::GiveUp);
        check(|_| {}, Execution::Ended { how: "ABORTED".into(), at: None }, 1, Duty::Restart);
    }

    #[test]
    fn an_incident_that_is_over_needs_none() {
        for status in Status::ALL.into_iter().filter(|status| !status.holds_group_key()) {
            for execution in [Execution::Missing, Execution::Running, ended(100)] {
                check(|i| i.status = status, execution, 1000, Duty::Nothing);
            }
        }
    }

    #[track_caller]
    fn check_unpaged(change: impl FnOnce(&mut Incident), second: i64, expect: bool) {
        let mut incident = incident();
        change(&mut incident);
        assert_eq!(is_unpaged(&incident, at(second)), expect);
    }

    #[test]
    fn a_page_is_out_within_45_seconds() {
        check_unpaged(|_| {}, 44, false);
        check_unpaged(|_| {}, 45, true);
        check_unpaged(|i| i.status = Status::Mitigated, 45, true);
        check_unpaged(|i| i.paged_at = Some(at(20)), 1000, false);
        check_unpaged(|i| i.acknowledged_at = Some(at(20)), 1000, false);
        // What wakes counts, where there is such a channel.
        let [slack, sns] =
            [json!({"slack": {"channel": "C", "token": "t"}}), json!({"sns": {"topic": "t"}, "wakes": true})];
        for (channels, woken_at, second, expect) in [
            (json!([slack]), None, 1000, false),
            (json!([slack, sns]), None, 44, false),
            (json!([slack, sns]), None, 45, true),
            (json!([slack, sns]), Some(at(21)), 1000, false),
        ] {
            let contact = json!({"name": "ana", "time_zone": null, "channels": channels});
            let told = |i: &mut Incident| {
                (i.paged_at, i.woken_at) = (Some(at(20)), woken_at);
                i.opened.plan.team.escalation =
                    serde_json::from_value(json!([{"contact": contact, "wait": "5m"}])).unwrap();
            };
            check_unpaged(told, second, expect);
        }
        check_unpaged(|i| i.status = Status::Resolved, 1000, false);
    }

    #[test]
    fn what_a_person_resolved_is_looked_at_again() {
        let mut resolved = incident();
        assert!(!is_recheck_due(&resolved, at(1000)));
        resolved.recheck_at = Some(at(900));
        assert!(!is_recheck_due(&resolved, at(899)));
        assert!(is_recheck_due(&resolved, at(900)));
        let last = |state, id: Option<&str>| {
            Some(FingerprintState { state, time: at(0), incident: id.map(|id| (id.to_owned(), 1)) })
        };
        for (last, expect) in [
            (None, false),
            (last(State::Recovered, Some(resolved.id())), false),
            (last(State::Firing, Some(resolved.id())), true),
            (last(State::Firing, None), true),
            (last(State::Firing, Some("inc-20251123-ffffffffff")), false),
        ] {
            assert_eq!(still_fires(&resolved, last.as_ref()), expect, "{last:?}");
        }
    }

    #[test]
    fn everything_that_fired_is_looked_at() {
        let mut resolved = incident();
        assert_eq!(to_recheck(&resolved), ["f"], "what opened it");
        resolved.still_firing = ["a".to_owned(), "b".to_owned()].into();
        assert_eq!(to_recheck(&resolved), ["a", "b"]);
        for (fires, expect) in [
            (&[Some(false), Some(false)][..], None),
            (&[Some(false), Some(true)], Some(Notice::StillFires)),
            (&[None, Some(true)], Some(Notice::StillFires)),
            (&[Some(false), None], Some(Notice::Unknown)),
        ] {
            assert_eq!(rechecked(fires), expect, "{fires:?}");
        }
    }
}
