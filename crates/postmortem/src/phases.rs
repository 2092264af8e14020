//! The moments of an incident and the phases between them.

use incident::{MitigationRecord, Outcome};
use jiff::Timestamp;

use crate::facts::Facts;
use crate::words::seconds;

/// A moment that begins or ends a phase, in the order of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    Onset,
    Signal,
    Page,
    Acknowledged,
    Approved,
    Rejected,
    Applied,
    Clear,
    Resolved,
}

impl Moment {
    /// Its name for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Onset => "onset",
            Self::Signal => "first signal",
            Self::Page => "page accepted",
            Self::Acknowledged => "acknowledged",
            Self::Approved => "mitigation approved",
            Self::Rejected => "mitigation rejected",
            Self::Applied => "mitigation applied",
            Self::Clear => "clear",
            Self::Resolved => "resolved",
        }
    }

    /// The class of the phase that it ends: its colour on the page.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Onset | Self::Signal => "p1",
            Self::Page => "p2",
            Self::Acknowledged => "p3",
            Self::Approved | Self::Rejected => "p4",
            Self::Applied => "p5",
            Self::Clear => "p6",
            Self::Resolved => "p7",
        }
    }
}

/// The time between two moments that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Phase {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) begin: Timestamp,
    pub(crate) end: Timestamp,
    /// Its length in seconds.
    pub(crate) seconds: f64,
}

/// The phases, in the order of time: each begins where the one before ends. Empty where fewer than two moments are
/// known.
pub(crate) fn phases(facts: &Facts) -> Vec<Phase> {
    moments(facts)
        .windows(2)
        .filter_map(|pair| match pair {
            [(begin, from), (end, to)] => {
                Some(Phase { from: *from, to: *to, begin: *begin, end: *end, seconds: seconds(*begin, *end) })
            }
            _ => None,
        })
        .collect()
}

/// What is known, sorted by time; moments of the same instant stand in the order of a life.
fn moments(facts: &Facts) -> Vec<(Timestamp, Moment)> {
    let incident = &facts.incident;
    let first = incident.opened.opened_at;
    let mitigation = facts.mitigation();
    let known = [
        // An onset later than its signal is a clock that is wrong: it begins nothing.
        (incident.onset.filter(|onset| *onset <= first), Moment::Onset),
        (Some(first), Moment::Signal),
        (incident.woken_at.or(incident.paged_at), Moment::Page),
        (incident.acknowledged_at, Moment::Acknowledged),
        (mitigation.and_then(|m| m.decided_at), mitigation.map_or(Moment::Approved, decision)),
        (mitigation.and_then(|m| m.applied_at), Moment::Applied),
        (facts.clear_since(), Moment::Clear),
        (incident.resolved_at, Moment::Resolved),
    ];
    let mut moments: Vec<_> = known.into_iter().filter_map(|(at, moment)| Some((at?, moment))).collect();
    moments.sort();
    moments
}

fn decision(mitigation: &MitigationRecord) -> Moment {
    match mitigation.outcome {
        Some(Outcome::Rejected) => Moment::Rejected,
        _ => Moment::Approved,
    }
}
