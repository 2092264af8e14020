//! What is in force: a change that was made, and not taken back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::mitigation::{MitigationRecord, Outcome, Progress};

/// That a person asked for a change to be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoRequest {
    /// Who.
    pub by: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The command's request id: what was asked once is done once.
    pub request_id: String,
    /// Which try it is, from 1: one that was refused, or died, may be followed by another.
    pub run: u32,
    /// Right before the change back: it was not made earlier, and from here on it may have been made.
    #[serde(default)]
    pub begun_at: Option<Timestamp>,
    /// Why it was not done, in one sentence.
    #[serde(default)]
    pub refused: Option<String>,
}

/// That a resource is again as it was before the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutBack {
    /// When it was put back; where it was not by us, when it was found so.
    pub at: Timestamp,
    /// Who asked us to; absent where it was not by us.
    pub by: Option<String>,
}

impl MitigationRecord {
    /// Whether the change was made, as recorded, and not taken back. How it ended does not matter: what is ineffective is
    /// left as it is.
    pub fn is_in_force(&self) -> bool {
        let made = matches!(self.progress, Progress::Applied | Progress::Ended) && self.left.is_some();
        made && self.outcome != Some(Outcome::Undone) && self.put_back.is_none()
    }

    /// Whether the incident may not be resolved because of it: it takes away capacity or a feature, and is in force, or
    /// was cut short in the middle of the change.
    pub fn holds(&self) -> bool {
        let cut_short = self.progress == Progress::Applying && self.put_back.is_none();
        self.takes_away && (self.is_in_force() || cut_short)
    }

    /// The command that puts it back.
    pub fn undo_command(&self) -> String {
        let n = if self.n == 1 { String::new() } else { format!(" --n {}", self.n) };
        format!("tourniquet mitigate undo {}{n}", self.incident_id)
    }

    /// The name of the execution of `mitigate` that puts it back: one for each try.
    pub fn undo_execution(&self, run: u32) -> String {
        let again = if run > 1 { format!("-{run}") } else { String::new() };
        format!("{}-{}-{}-undo{again}", self.incident_id, self.opening, self.n)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As the releases wrote it that knew of no change that takes anything away.
    const OLD: &str = include_str!("../fixtures/mitigation-before-in-force.json");

    fn record() -> MitigationRecord {
        serde_json::from_str(OLD).unwrap()
    }

    fn back() -> Option<PutBack> {
        Some(PutBack { at: "2026-11-23T14:20:00Z".parse().unwrap(), by: None })
    }

    #[test]
    fn an_old_record_reads_and_holds_nothing() {
        let old = record();
        assert_eq!((old.takes_away, old.undo.clone(), old.put_back.clone(), old.reminded), (false, None, None, 0));
        assert!(old.is_in_force() && !old.holds());
        let again: MitigationRecord = serde_json::from_value(serde_json::to_value(&old).unwrap()).unwrap();
        assert_eq!(again, old);
    }

    #[test]
    fn in_force_is_made_and_not_taken_back() {
        let ended = |outcome| MitigationRecord { outcome, takes_away: true, ..record() };
        for (outcome, expect) in [
            (Some(Outcome::Verified), true),
            (Some(Outcome::Unproven), true),
            (Some(Outcome::Ineffective), true),
            (Some(Outcome::Undone), false),
        ] {
            let record = ended(outcome);
            assert_eq!((record.is_in_force(), record.holds()), (expect, expect), "{outcome:?}");
            let back = MitigationRecord { put_back: back(), ..record };
            assert!(!back.is_in_force() && !back.holds(), "{outcome:?}");
        }
        let never = MitigationRecord { left: None, ..ended(Some(Outcome::Refused)) };
        assert!(!never.is_in_force() && !never.holds());
    }

    #[test]
    fn what_is_being_applied_holds_before_it_is_recorded_as_made() {
        let at = |progress, left| MitigationRecord { progress, left, outcome: None, takes_away: true, ..record() };
        for (progress, left, in_force, holds) in [
            (Progress::Planned, None, false, false),
            (Progress::Approved, None, false, false),
            (Progress::Applying, None, false, true),
            (Progress::Applied, Some(json!({})), true, true),
        ] {
            let record = at(progress, left);
            assert_eq!((record.is_in_force(), record.holds()), (in_force, holds), "{progress:?}");
        }
        assert!(!MitigationRecord { put_back: back(), ..at(Progress::Applying, None) }.holds());
    }

    #[test]
    fn commands_and_executions_have_names() {
        let first = record();
        assert_eq!(first.undo_command(), "tourniquet mitigate undo inc-20261123-0123456789");
        assert_eq!(first.undo_execution(1), "inc-20261123-0123456789-1-1-undo");
        assert_eq!(first.undo_execution(3), "inc-20261123-0123456789-1-1-undo-3");
        let second = MitigationRecord { n: 2, ..first };
        assert_eq!(second.undo_command(), "tourniquet mitigate undo inc-20261123-0123456789 --n 2");
    }
}
