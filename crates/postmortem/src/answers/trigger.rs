//! What triggered it: the change that was taken back with an effect, or nothing that is known.

use incident::{Outcome, Progress};

use super::{Answer, known, not_known, sentence};
use crate::change::Change;
use crate::facts::Facts;
use crate::words::{instant, length, plain, seconds};

pub(super) fn trigger(facts: &Facts) -> Answer {
    const QUESTION: &str = "What triggered it?";
    let signal = &facts.incident.opened.signal;
    let symptom = format!(
        "The first signal was “{}”, from {}, at {}.",
        plain(&signal.title),
        plain(&signal.source),
        instant(signal.time)
    );
    match (Change::of(facts), facts.helped()) {
        (Some(change), Some(_)) if change.helped() => {
            let proof = match change.mitigation.outcome {
                Some(Outcome::Verified) => "with proof of life from the service",
                _ => "though without proof of life from the service",
            };
            let pointed = format!(
                "It recovered after {} was moved from version {} back to {}, {proof}: that points to version {} as the \
                 trigger.",
                change.target,
                change.version,
                change.wanted.as_deref().map_or("its last good version".to_owned(), |v| format!("version {v}")),
                change.version
            );
            known(QUESTION, vec![pointed, went_live(facts, &change), symptom])
        }
        (_, Some(helped)) => {
            let pointed = format!("It recovered after this change: {}", sentence(&helped.summary));
            known(QUESTION, vec![pointed, symptom])
        }
        (Some(change), None) => {
            let became = match (change.mitigation.outcome, change.mitigation.progress) {
                (Some(Outcome::Ineffective), _) => "changed nothing for the better",
                (Some(Outcome::Undone), _) => "was made and undone",
                (Some(Outcome::Refused), _) => "was refused",
                (Some(Outcome::Rejected), _) => "was rejected",
                (Some(Outcome::Expired), _) => "waited for approval until it expired",
                (Some(_), _) => "was cancelled by the recovery",
                (None, Progress::Ended) => "was only shown",
                (None, _) => "has not ended",
            };
            let why = format!(
                "A rollback from version {} of {} {became}, so the records do not show whether that version was the \
                 trigger.",
                change.version, change.target
            );
            not_known(QUESTION, why, vec![went_live(facts, &change), symptom])
        }
        (None, None) => {
            let why = "No change is on record that was taken back with an effect. Changes recorded when they are made \
                       (“tourniquet change record”) would make it known.";
            not_known(QUESTION, why, vec![symptom])
        }
    }
}

/// When the version behind a rollback went live.
fn went_live(facts: &Facts, change: &Change) -> String {
    let version = &change.version;
    match change.recorded {
        Some(record) => format!(
            "Version {version} went live at {}, {} before the first signal, as recorded by {}.",
            instant(record.at),
            length(seconds(record.at, facts.incident.opened.opened_at)),
            plain(&record.by)
        ),
        None => format!(
            "When version {version} went live is not known: the ledger of changes does not have it. “tourniquet change \
             record” after each deployment would make it known."
        ),
    }
}
