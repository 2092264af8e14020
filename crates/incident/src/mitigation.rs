//! The record of one mitigation: what was planned, who agreed, what was done, and what came of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::in_force::{PutBack, UndoRequest};

/// How a mitigation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The opening condition cleared and the service gave proof of life.
    Verified,
    /// The condition cleared without proof of life; a person is asked.
    Unproven,
    /// Applied, and nothing got better; left as it is, said, paged.
    Ineffective,
    /// Applied, things got worse, taken back.
    Undone,
    /// A guard said no; nothing was changed.
    Refused,
    /// A person said no.
    Rejected,
    /// Nobody answered in time.
    Expired,
    /// Recovery came first.
    Cancelled,
}

impl Outcome {
    /// The word in records and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unproven => "unproven",
            Self::Ineffective => "ineffective",
            Self::Undone => "undone",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a mitigation stands; each step is one conditional write from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// Planned; waits for approval.
    Planned,
    /// Approved; may be applied until `expires_at`.
    Approved,
    /// The prior state is stored and the change is being made: it may or may not have happened.
    Applying,
    /// The change is made; verification is under way.
    Applied,
    /// It ended, with an outcome (or, in `observe`, was only shown).
    Ended,
}

impl Progress {
    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Approved => "approved",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Ended => "ended",
        }
    }
}

/// `MIT#<opening>#<n>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MitigationRecord {
    /// The version of this record.
    pub v: u32,
    /// The incident.
    pub incident_id: String,
    /// Its opening.
    pub opening: u32,
    /// Which mitigation of this opening, from 1.
    pub n: u32,
    /// Its index among the plan's mitigations, from 0.
    pub choice: u32,
    /// The kind as plans spell it.
    pub kind: String,
    /// The resource that is changed, a full ARN; where the target could not be known, the kind's own words for it.
    pub target: String,
    /// What would change, in one sentence for people.
    pub summary: String,
    /// The state before, as the kind stores it; set when planned, and stored again right before the change.
    pub prior: Option<Value>,
    /// The state that is wanted, as the kind stores it.
    pub desired: Option<Value>,
    /// SHA-256 over kind, target, prior and desired state: an approval names it.
    pub plan_sha256: String,
    /// Where it stands.
    pub progress: Progress,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why, in one sentence: the guard that said no, the reason of the person, what verification saw.
    pub reason: Option<String>,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// When an approval is worth nothing any more.
    pub expires_at: Timestamp,
    /// Who approved or rejected it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// The task token of `AwaitApproval` while it waits.
    pub approval_token: Option<String>,
    /// The fencing number of the lock under which it was applied.
    pub fencing: Option<u64>,
    /// Right before the change: it was not made earlier. Absent in records of older releases.
    #[serde(default)]
    pub applying_at: Option<Timestamp>,
    /// When the change was recorded as made: it was not made later.
    pub applied_at: Option<Timestamp>,
    /// The state that apply left, as the kind stores it: undo refuses when it finds another.
    pub left: Option<Value>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Whether it takes away capacity or a feature: while it is in force, the incident is at most `mitigated`. This and
    /// what follows is absent in records of older releases.
    #[serde(default)]
    pub takes_away: bool,
    /// The last that a person asked for to take it back.
    #[serde(default)]
    pub undo: Option<UndoRequest>,
    /// That it is back.
    #[serde(default)]
    pub put_back: Option<PutBack>,
    /// The task token of `AwaitPutBack` while it waits.
    #[serde(default)]
    pub put_back_token: Option<String>,
    /// The number of the last reminder that it is in force, from 1; 0 before the first.
    #[serde(default)]
    pub reminded: u32,
}

/// One entry of the ledger of changes, `CHANGE#<ARN hash>` / `<time ms>#<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// The version of this record.
    pub v: u32,
    /// The entry's id: the request id of the command that recorded it.
    pub id: String,
    /// What was changed, a full ARN (for a Lambda alias, the alias's).
    pub resource: String,
    /// The version it was changed to, in the resource's own words.
    pub version: String,
    /// Whether this version is known to be good.
    pub good: bool,
    /// When the change was made.
    pub at: Timestamp,
    /// Who says so.
    pub by: String,
}
