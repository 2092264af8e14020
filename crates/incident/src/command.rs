//! What a person asks for: the message in the queue `commands`, and the answer that is recorded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The verbs that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// A person has seen the page and takes it. No arguments.
    Acknowledge,
    /// Let a mitigation happen. Arguments: `n`, `plan_sha256`.
    Approve,
    /// Do not let it happen. Arguments: `n`, `reason`.
    Reject,
    /// Take a change back that is in force. Arguments: `n`, `reason`.
    Undo,
    /// The incident is over. Arguments: `reason`, needed where something still fires.
    Resolve,
    /// Make an incident of a signal that was told once. Arguments: `signal_id`, `reason`, `severity`; no incident.
    Declare,
    /// Stop or allow every mitigation. Arguments: `on` (bool), `reason`, `minutes`; no incident.
    Brake,
    /// Open no incident for something for a while. Arguments: one of `plan`, `service` (with `environment`, or without) and
    /// `fingerprint`; `minutes`, `reason`; no incident.
    Mute,
    /// Take a mute back. Arguments: `id`; no incident.
    Unmute,
    /// Record a change in the ledger. Arguments: `resource`, `version`, `good`, `at`; no incident.
    ChangeRecord,
}

/// A command: `{"v","request_id","incident_id","verb","args","proof"}`, and who claims to ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// The version of this message.
    pub v: u32,
    /// Chosen by the asker, unique: what was asked once is done once.
    pub request_id: String,
    /// The incident, for the verbs that are about one.
    pub incident_id: Option<String>,
    /// What is asked.
    pub verb: Verb,
    /// The verb's arguments, an object.
    #[serde(default)]
    pub args: Value,
    /// Proof of who asks; until it is checked, the author is recorded as claimed.
    pub proof: Option<Value>,
    /// Who says that they ask.
    pub claimed_by: String,
}

/// What became of a command, `CMD#<request id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRecord {
    /// The version of this record.
    pub v: u32,
    /// The request.
    pub request_id: String,
    /// What was asked; none where it was nothing that the version knew which answered.
    pub verb: Option<Verb>,
    /// The incident, for the verbs that are about one.
    pub incident_id: Option<String>,
    /// Whether it was done.
    pub done: bool,
    /// What was done, or why not and what to do, in one sentence.
    pub answer: String,
    /// Who asked, with `claimed` where no proof was checked.
    pub by: String,
    /// When it was answered.
    pub at: Timestamp,
}
