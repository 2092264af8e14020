//! Decisions about what a person asks for: values in, values out.

use incident::{Incident, MitigationRecord, Outcome, Progress};
use jiff::{SignedDuration, Timestamp};

/// What the person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whether it is as they wanted.
    pub(crate) done: bool,
    /// What was done, or why not and what to do, in one sentence.
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn yes(text: impl Into<String>) -> Self {
        Self { done: true, text: text.into() }
    }

    pub(crate) fn no(text: impl Into<String>) -> Self {
        Self { done: false, text: text.into() }
    }
}

/// What to do with the mitigation that was asked about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ruling {
    /// Write this record over the planned one, and wake the state machine.
    Write(Box<MitigationRecord>),
    /// An earlier delivery wrote it: say so on the timeline and wake the state machine again.
    Ours(Box<MitigationRecord>),
    /// Nothing.
    No(String),
}

/// Lets a mitigation happen: it must be the one that the person saw, and still wait.
pub(crate) fn approve(incident: &Incident, record: MitigationRecord, hash: &str, by: &str, now: Timestamp) -> Ruling {
    let same_plan = record.plan_sha256.starts_with(hash);
    if same_plan && decided_by(&record, by) && record.outcome != Some(Outcome::Rejected) {
        return Ruling::Ours(Box::new(record));
    }
    if let Some(no) = not_waiting(incident, &record) {
        return Ruling::No(no);
    }
    if !same_plan {
        return Ruling::No(
            "the plan is another one than you saw; look at it with `tourniquet show` and approve again".into(),
        );
    }
    if now >= record.expires_at {
        return Ruling::No(format!(
            "it could be approved until {}; do by hand what is needed",
            second(record.expires_at)
        ));
    }
    let approved = MitigationRecord {
        progress: Progress::Approved,
        decided_by: Some(by.to_owned()),
        decided_at: Some(now),
        ..record
    };
    Ruling::Write(Box::new(approved))
}

/// Ends a mitigation that waits.
pub(crate) fn reject(incident: &Incident, record: MitigationRecord, reason: &str, by: &str, now: Timestamp) -> Ruling {
    if decided_by(&record, by) && record.outcome == Some(Outcome::Rejected) {
        return Ruling::Ours(Box::new(record));
    }
    if let Some(no) = not_waiting(incident, &record) {
        return Ruling::No(no);
    }
    let rejected = MitigationRecord {
        progress: Progress::Ended,
        outcome: Some(Outcome::Rejected),
        reason: Some(reason.to_owned()),
        decided_by: Some(by.to_owned()),
        decided_at: Some(now),
        ended_at: Some(now),
        ..record
    };
    Ruling::Write(Box::new(rejected))
}

/// When to look again at what a person resolves: after 15 minutes where something fires.
///
/// # Errors
/// The sentence that asks for a reason, where something fires and none was given.
pub(crate) fn recheck(incident: &Incident, reason: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, String> {
    if incident.firing.is_empty() {
        return Ok(None);
    }
    match reason {
        Some(_) => Ok(Some(now + SignedDuration::from_mins(15))),
        None => {
            Err(format!("{} still fires; say with --reason why it is over all the same", things(incident.firing.len())))
        }
    }
}

/// What is said of the brake: `set` is whether it is as asked, and not as somebody asked later.
pub(crate) fn brake(set: bool, done: impl Into<String>) -> Answer {
    if set { Answer::yes(done) } else { Answer::no("a newer brake command stands; ask again if you still want this") }
}

/// The time of day as people read it, in UTC.
pub(crate) fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn decided_by(record: &MitigationRecord, by: &str) -> bool {
    record.decided_by.as_deref() == Some(by)
}

fn not_waiting(incident: &Incident, record: &MitigationRecord) -> Option<String> {
    let who = record.decided_by.as_deref().unwrap_or("nobody");
    match (record.progress, record.outcome) {
        (Progress::Planned, _) if !incident.status.holds_group_key() => {
            Some(format!("the incident is {}, and nothing is changed for it any more", incident.status))
        }
        (Progress::Planned, _) => None,
        (Progress::Approved, _) => {
            Some(format!("{who} has approved it; `tourniquet brake on` stops what is not applied yet"))
        }
        (Progress::Applying | Progress::Applied, _) => Some(format!("it is being applied: {who} approved it")),
        (Progress::Ended, Some(Outcome::Rejected)) => Some(format!("{who} has rejected it")),
        (Progress::Ended, Some(outcome)) => Some(format!("it has ended: {outcome}")),
        (Progress::Ended, None) => Some("it was only shown: the plan observes, or mutations are off".to_owned()),
    }
}

fn things(count: usize) -> String {
    if count == 1 { "something".to_owned() } else { format!("{count} things") }
}

#[cfg(test)]
mod tests {
    use incident::Status;

    use super::*;
    use crate::samples::{at, incident, record};

    const BY: &str = "ana (claimed)";

    /// The record before, what is asked of it, and what becomes of it: `write`, `ours`, or a part of the refusal.
    #[track_caller]
    fn check(ruling: Ruling, expect: &str) {
        match ruling {
            Ruling::Write(_) => assert_eq!("write", expect),
            Ruling::Ours(_) => assert_eq!("ours", expect),
            Ruling::No(sentence) => assert!(sentence.contains(expect), "{sentence}, not {expect}"),
        }
    }

    fn decided(progress: Progress, outcome: Option<Outcome>, by: &str) -> MitigationRecord {
        MitigationRecord { progress, outcome, decided_by: Some(by.into()), decided_at: Some(at(5)), ..record() }
    }

    #[test]
    fn an_approval_names_a_plan_that_waits() {
        let approve = |record, hash: &str| approve(&incident(), record, hash, BY, at(10));
        check(approve(record(), "0123abcd"), "write");
        check(approve(record(), &record().plan_sha256), "write");
        check(approve(record(), "0123abce"), "another one than you saw");
        check(approve(MitigationRecord { expires_at: at(10), ..record() }, "0123abcd"), "could be approved until");
        check(approve(decided(Progress::Approved, None, BY), "0123abcd"), "ours");
        check(approve(decided(Progress::Applied, None, BY), "0123abcd"), "ours");
        check(approve(decided(Progress::Ended, Some(Outcome::Verified), BY), "0123abcd"), "ours");
        check(approve(decided(Progress::Approved, None, "bo"), "0123abcd"), "bo has approved");
        check(approve(decided(Progress::Applying, None, "bo"), "0123abcd"), "being applied");
        check(approve(decided(Progress::Ended, Some(Outcome::Rejected), BY), "0123abcd"), "has rejected");
        check(approve(MitigationRecord { progress: Progress::Ended, ..record() }, "0123abcd"), "only shown");
        check(approve(decided(Progress::Ended, Some(Outcome::Expired), "bo"), "0123abcd"), "ended: expired");
    }

    #[test]
    fn nothing_is_approved_for_an_incident_that_is_over() {
        let mut over = incident();
        for status in Status::ALL {
            over.status = status;
            let expect = if status.holds_group_key() { "write" } else { status.as_str() };
            check(approve(&over, record(), "0123abcd", BY, at(10)), expect);
        }
    }

    #[test]
    fn an_approval_is_recorded_whole() {
        let Ruling::Write(written) = approve(&incident(), record(), "0123abcd", BY, at(10)) else { panic!("no write") };
        let expect = MitigationRecord {
            progress: Progress::Approved,
            decided_by: Some(BY.into()),
            decided_at: Some(at(10)),
            ..record()
        };
        assert_eq!(*written, expect);
    }

    #[test]
    fn a_rejection_ends_what_waits() {
        let reject = |record| reject(&incident(), record, "not now", BY, at(10));
        check(reject(record()), "write");
        check(reject(MitigationRecord { expires_at: at(1), ..record() }), "write");
        check(reject(decided(Progress::Ended, Some(Outcome::Rejected), BY)), "ours");
        check(reject(decided(Progress::Ended, Some(Outcome::Rejected), "bo")), "bo has rejected");
        check(reject(decided(Progress::Approved, None, BY)), "brake on");
        let Ruling::Write(written) = reject(record()) else { panic!("no write") };
        assert_eq!((written.progress, written.outcome), (Progress::Ended, Some(Outcome::Rejected)));
        assert_eq!((written.reason.as_deref(), written.ended_at), (Some("not now"), Some(at(10))));
    }

    #[test]
    fn what_still_fires_needs_a_reason_and_is_looked_at_again() {
        let mut quiet = incident();
        quiet.firing.clear();
        assert_eq!(recheck(&quiet, None, at(10)), Ok(None));
        assert!(recheck(&incident(), None, at(10)).unwrap_err().contains("--reason"));
        assert_eq!(recheck(&incident(), Some("known"), at(10)), Ok(Some(at(910))));
    }
}
