//! What a status word says of a thing: for words that a reader does not list, since AWS adds some every year, and for
//! services that have no reader of their own.

use crate::State;

/// Something is wrong.
const FAILING: &[&str] = &[
    "abandoned",
    "abort",
    "aborted",
    "alarm",
    "anomalous",
    "anomaly",
    "approaching",
    "breach",
    "breached",
    "crashed",
    "critical",
    "degraded",
    "error",
    "errors",
    "exceeded",
    "exhausted",
    "expiration",
    "expired",
    "expiring",
    "fail",
    "failed",
    "fails",
    "failure",
    "fatal",
    "fault",
    "impaired",
    "impairment",
    "inaccessible",
    "inoperable",
    "interrupted",
    "interruption",
    "issue",
    "issues",
    "lost",
    "missed",
    "noncompliant",
    "outage",
    "problem",
    "rollback",
    "rolled",
    "stalled",
    "throttled",
    "timed",
    "timeout",
    "undeliverable",
    "unavailable",
    "unhealthy",
    "unreachable",
    "unsuccessful",
    "violated",
    "violation",
    "warn",
    "warning",
];

/// It goes on: whatever else the words say, it is not over.
const GOING_ON: &[&str] = &[
    "cleanup",
    "creating",
    "deleting",
    "initiated",
    "pending",
    "progress",
    "queued",
    "requested",
    "running",
    "started",
    "starting",
    "stopping",
    "updating",
];

/// It is well, or has ended well.
const WELL: &[&str] = &[
    "active",
    "available",
    "cleared",
    "closed",
    "complete",
    "completed",
    "compliant",
    "done",
    "finished",
    "fixed",
    "healthy",
    "normal",
    "ok",
    "passed",
    "ready",
    "recovered",
    "resolved",
    "restored",
    "steady",
    "succeeded",
    "success",
    "successful",
    "successfully",
];

/// What the words of a text say, failing words first. `None`: nothing.
pub(crate) fn of(text: &str) -> Option<State> {
    let words = words(text);
    let says = |list: &[&str], negated: bool| {
        words.iter().enumerate().any(|(place, word)| {
            let no = place.checked_sub(1).is_some_and(|before| matches!(words[before].as_str(), "no" | "non" | "not"));
            no == negated && list.contains(&word.as_str())
        })
    };
    if says(FAILING, false) || says(WELL, true) {
        Some(State::Firing)
    } else if says(GOING_ON, false) {
        Some(State::Info)
    } else {
        (says(WELL, false) || says(FAILING, true)).then_some(State::Recovered)
    }
}

/// Whether a text has one of the words.
pub(crate) fn has(text: &str, any: &[&str]) -> bool {
    words(text).iter().any(|word| any.contains(&word.as_str()))
}

/// The words of a text that say which thing it is about, and nothing of how that is: the same for a failure and its
/// recovery.
pub(crate) fn subject(text: &str) -> String {
    let lists = [FAILING, GOING_ON, WELL, &["new", "open", "opened", "not", "non", "no"]];
    let said = |word: &String| lists.iter().any(|list| list.contains(&word.as_str()));
    words(text).into_iter().filter(|word| !said(word)).collect::<Vec<_>>().join("-")
}

/// Lower-case words: `CREATE_FAILED`, `State-change` and `TaskFailedToStart` in their parts.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before_lower = false;
    for c in text.chars().take(400) {
        if !c.is_alphanumeric() || (c.is_uppercase() && before_lower) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before_lower = c.is_lowercase();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_all_their_cases() {
        for (text, expect) in [
            ("FAILED", Some(State::Firing)),
            ("TIMED_OUT", Some(State::Firing)),
            ("COMPLETED_WITH_ISSUES", Some(State::Firing)),
            ("NOT_READY", Some(State::Firing)),
            ("non_compliant", Some(State::Firing)),
            ("UPDATE_ROLLBACK_COMPLETE", Some(State::Firing)),
            ("REPLICATION_TASK_FAILED", Some(State::Firing)),
            ("UpdateServiceCompletedSuccessfully", Some(State::Recovered)),
            ("Succeeded", Some(State::Recovered)),
            ("available", Some(State::Recovered)),
            ("CREATE_IN_PROGRESS", Some(State::Info)),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Some(State::Info)),
            ("RUNNING", Some(State::Info)),
            ("NOT_STALLED", Some(State::Recovered)),
            ("STOPPED", None),
            ("", None),
        ] {
            assert_eq!(of(text), expect, "{text}");
        }
    }

    #[test]
    fn failure_and_recovery_have_the_same_subject() {
        for (failing, well) in [
            ("Synthetics Canary TestRun Failure", "Synthetics Canary TestRun Successful"),
            ("DevOps Guru New Insight Open", "DevOps Guru Insight Closed"),
            ("EC2 Instance Launch Unsuccessful", "EC2 Instance Launch Successful"),
        ] {
            assert_eq!(subject(failing), subject(well));
        }
        assert_eq!(subject("Glue Job State Change"), "glue-job-state-change");
    }
}
