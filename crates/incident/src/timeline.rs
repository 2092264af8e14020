//! The timeline: an append-only record of what happened, when, by whom.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{Incident, V};

/// One entry, `T#<time ms>#<seq>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The version of this record.
    pub v: u32,
    /// When: the time of the record that caused the entry, so that writing it twice writes it once.
    pub at: Timestamp,
    /// First 8 hex digits of the hash of the entry's idempotency key; orders entries of the same instant.
    pub seq: String,
    /// The step that wrote it: the function's name, or the state machine's.
    pub step: String,
    /// What happened, in one sentence.
    pub what: String,
    /// Who did it; absent where the suite did.
    pub by: Option<String>,
}

impl Entry {
    /// An entry. `key` identifies the cause: the same key and time make the same entry.
    pub fn new(at: Timestamp, step: &str, key: &[&str], what: impl Into<String>) -> Self {
        let seq = signal::sha256_hex(key)[..8].to_owned();
        Self { v: V, at, seq, step: step.to_owned(), what: what.into(), by: None }
    }

    /// The end of an incident that the clear period resolved; `None` where it is not resolved, or a person did it, whose
    /// command is on the timeline. The state machine resolves without a word, so whoever needs the entry first writes it.
    pub fn resolved(incident: &Incident) -> Option<Self> {
        let at = incident.resolved_at.filter(|_| incident.resolved_by.is_none())?;
        let held_for = incident.held_for();
        let key = ["resolved", incident.id(), &incident.opening.to_string()];
        Some(Self::new(
            at,
            "incident-response",
            &key,
            format!("resolved: everything that fired stayed clear for {held_for}"),
        ))
    }

    /// The same entry, done by a person.
    #[must_use]
    pub fn by(mut self, person: &str) -> Self {
        self.by = Some(person.to_owned());
        self
    }
}
