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
/// Triage hands a recovery on right after it recorded it: so long it is not missed.
const MISSED: SignedDuration = SignedDuration::from_secs(30);
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

/// Whether a page is due that has not gone out.
pub(crate) fn is_unpaged(incident: &Incident, now: Timestamp) -> bool {
    is_silent(incident) && incident.page_due().is_some_and(|due| now >= due + PAGE)
}

/// Whether the execution that pages is to be started: of the first engagement the parent does that, of a later one triage,
/// which may have been lost between the write and the start.
pub(crate) fn is_unengaged(incident: &Incident, now: Timestamp) -> bool {
    incident.engagement > 1 && is_silent(incident) && now >= incident.engaged_since() + START
}

/// The token of a recovery that nobody handed on: triage was lost for good after it recorded that the last of what fired
/// is clear. One that was handed on stays on the record, and handing it on once more changes nothing.
pub(crate) fn missed_recovery(incident: &Incident, now: Timestamp) -> Option<&str> {
    let clear = incident.firing.is_empty() && incident.clear_since.is_some_and(|since| now >= since + MISSED);
    incident.recovery_token.as_deref().filter(|_| clear && incident.status.holds_group_key())
}

/// Whether nobody has been reached in the present engagement, and somebody should be. Where the first to be told has a
/// channel that wakes, only that one counts: a line in a chat wakes nobody.
fn is_silent(incident: &Incident) -> bool {
    let first = incident.opened.plan.team.escalation.first();
    let wakes = first.is_some_and(|step| step.contact.channels.iter().any(|channel| channel.wakes));
    incident.status.holds_group_key() && incident.acknowledged_at.is_none() && !incident.has_paged(wakes)
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
    fn a_page_that_is_held_back_is_not_late() {
        let held = |i: &mut Incident| {
            i.opened.plan.plan.hold_down = "5m".parse().unwrap();
            i.firing = ["f".to_owned()].into();
        };
        check_unpaged(held, 344, false);
        check_unpaged(held, 345, true);
        let clear = |i: &mut Incident| (held(i), i.firing.clear()).1;
        check_unpaged(clear, 1000, false);
        let again = |i: &mut Incident| (held(i), i.fires_since = Some(at(600))).1;
        check_unpaged(again, 674, false);
        check_unpaged(again, 675, true);
    }

    #[test]
    fn a_page_of_an_earlier_engagement_does_not_count() {
        let refired = |i: &mut Incident| {
            (i.paged_at, i.engagement, i.engaged_at) = (Some(at(20)), 2, Some(at(600)));
        };
        let check = |change: fn(&mut Incident), second: i64, expect: [bool; 2]| {
            let mut incident = incident();
            refired(&mut incident);
            change(&mut incident);
            let now = at(600 + second);
            assert_eq!([is_unengaged(&incident, now), is_unpaged(&incident, now)], expect, "{second}");
        };
        check(|_| {}, 9, [false, false]);
        check(|_| {}, 10, [true, false]);
        check(|_| {}, 44, [true, false]);
        check(|_| {}, 45, [true, true]);
        check(|i| i.paged_engagement = Some(1), 45, [true, true]);
        check(|i| i.paged_engagement = Some(2), 45, [false, false]);
        check(|i| i.acknowledged_at = Some(at(610)), 45, [false, false]);
        check(|i| i.status = Status::Resolved, 45, [false, false]);
        // The first is the parent's to start.
        check(|i| (i.engagement, i.paged_at) = (1, None), 45, [false, true]);
    }

    #[test]
    fn a_recovery_that_nobody_handed_on_is_missed() {
        let check = |change: fn(&mut Incident), second: i64, expect: bool| {
            let mut incident = incident();
            (incident.recovery_token, incident.clear_since) = (Some("token".into()), Some(at(100)));
            incident.firing.clear();
            change(&mut incident);
            assert_eq!(missed_recovery(&incident, at(second)), expect.then_some("token"), "{second}");
        };
        check(|_| {}, 129, false);
        check(|_| {}, 130, true);
        check(|i| i.status = Status::Mitigated, 130, true);
        check(|i| i.status = Status::Resolved, 130, false);
        check(|i| i.recovery_token = None, 130, false);
        check(|i| i.clear_since = None, 130, false);
        check(|i| i.firing = ["f".to_owned()].into(), 130, false);
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
