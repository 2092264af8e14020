//! The incident itself: what it was opened with, and what has become of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use response_plan::{ResolvedPlan, Severity};
use serde::{Deserialize, Serialize};
use signal::Signal;

use crate::rise::Rise;

/// The version that every record, command, custody file and `--json` object carries; readers accept it and the last.
pub const V: u32 = 1;

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Something fires, or fired and has not been clear for long enough.
    Open,
    /// A mitigation was verified and the clear period is not over yet, or one that takes away capacity or a feature is
    /// still in force.
    Mitigated,
    /// Everything that fired stayed clear, or a person said so.
    Resolved,
    /// The action items are proven done.
    Closed,
    /// A person said that it was none.
    Cancelled,
    /// It goes on under another incident.
    Merged,
    /// Our own machinery gave up; a person resolves or cancels it.
    Stuck,
}

impl Status {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 7] =
        [Self::Open, Self::Mitigated, Self::Resolved, Self::Closed, Self::Cancelled, Self::Merged, Self::Stuck];

    /// The word in records and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Merged => "merged",
            Self::Stuck => "stuck",
        }
    }

    /// Whether an incident with this status holds its group key, so that another firing joins it.
    pub fn holds_group_key(self) -> bool {
        matches!(self, Self::Open | Self::Mitigated)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == word)
            .ok_or_else(|| format!("`{word}` is no status of an incident"))
    }
}

/// What an incident was opened with. It never changes: a deploy in the middle changes new incidents only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The incident's id, `inc-YYYYMMDD-` and 10 hex digits.
    pub id: String,
    /// One line that says what broke.
    pub title: String,
    /// The plan with its owner's escalation policy, frozen.
    pub plan: ResolvedPlan,
    /// The version of the suite that opened it.
    pub version: String,
    /// What made its signals one incident, in readable form (see [`crate::GroupKey`]).
    pub group_key: String,
    /// Whether it is run on purpose.
    pub drill: bool,
    /// The resource account.
    pub account: Option<String>,
    /// The resource's Region.
    pub region: Option<String>,
    /// The signal that opened it, without its event.
    pub signal: SignalSummary,
    /// When triage received the first signal.
    pub opened_at: Timestamp,
    /// When the trouble began, as far as the opening signal says.
    #[serde(rename = "signal_onset")]
    pub onset: Option<Timestamp>,
    /// Whether it has opened so often of late that it has to stay clear for longer.
    #[serde(default)]
    pub flapping: bool,
    /// Why this incident runs on the compiled-in catch-all, or on less than it should know.
    pub degraded: Option<String>,
}

/// The parts of the opening signal that later steps need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalSummary {
    /// The signal's id.
    pub signal_id: String,
    /// The identity of the failing thing.
    pub fingerprint: String,
    /// The event source, such as `aws.cloudwatch`.
    pub source: String,
    /// What it is, in one line.
    pub title: String,
    /// Where to look at it.
    pub link: Option<String>,
    /// Full ARNs.
    pub resources: Vec<String>,
    /// The source's own transition time.
    pub time: Timestamp,
}

impl From<&Signal> for SignalSummary {
    fn from(signal: &Signal) -> Self {
        Self {
            signal_id: signal.signal_id.clone(),
            fingerprint: signal.fingerprint.clone(),
            source: signal.source.clone(),
            title: signal.title.clone(),
            link: signal.link.clone(),
            resources: signal.resources.clone(),
            time: signal.time,
        }
    }
}

/// An incident as it is now: what it was opened with, and the few fields that change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// What never changes.
    #[serde(flatten)]
    pub opened: Opened,
    /// When the trouble began: as the opening signal says, or as its metric shows, once evidence has it.
    pub onset: Option<Timestamp>,
    /// Where it stands.
    pub status: Status,
    /// How bad it is now.
    pub severity: Severity,
    /// The last rise of it, in this opening.
    #[serde(default)]
    pub raised: Option<Rise>,
    /// Which opening of the same incident this is, from 1.
    pub opening: u32,
    /// Which run of the state machine serves this opening, from 1; only `sweep` raises it.
    pub run: u32,
    /// Which engagement of this opening is under way, from 1.
    pub engagement: u32,
    /// When that began, where it is not the first, which begins with the incident.
    #[serde(default)]
    pub engaged_at: Option<Timestamp>,
    /// The fingerprints that fire.
    pub firing: BTreeSet<String>,
    /// Since when something fires without a break, as triage received it, where that is not since the beginning.
    #[serde(default)]
    pub fires_since: Option<Timestamp>,
    /// Start of the clear period, the source's own time of the last recovery; it counts while nothing fires.
    pub clear_since: Option<Timestamp>,
    /// The task token of `AwaitRecovery` while it waits.
    pub recovery_token: Option<String>,
    /// Who acknowledged.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<Timestamp>,
    /// First acceptance of a page by any channel.
    pub paged_at: Option<Timestamp>,
    /// First acceptance by a channel that wakes (TTE).
    pub woken_at: Option<Timestamp>,
    /// The engagement whose page was last accepted; 1 where a page was, and nothing says which.
    #[serde(default)]
    pub paged_engagement: Option<u32>,
    /// The same for channels that wake.
    #[serde(default)]
    pub woken_engagement: Option<u32>,
    /// When a mitigation of ours was verified, or was found to be all that keeps the incident from being resolved.
    pub mitigated_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Who resolved it; absent where the clear period did.
    pub resolved_by: Option<String>,
    /// The reason a person gave for resolving it.
    pub resolved_reason: Option<String>,
    /// What fired all the same when a person resolved it.
    #[serde(default)]
    pub still_firing: BTreeSet<String>,
    /// While a person has resolved it with something still firing: when to look again, and page.
    pub recheck_at: Option<Timestamp>,
    /// Sealed passes of evidence, in order.
    pub evidence: Vec<SealedPass>,
    /// The postmortem, once it is written.
    pub postmortem: Option<PostmortemKeys>,
}

impl Incident {
    /// The incident's id.
    pub fn id(&self) -> &str {
        &self.opened.id
    }

    /// The plan it was opened with.
    pub fn plan(&self) -> &response_plan::ResponsePlan {
        &self.opened.plan.plan
    }

    /// Whether a page of the present engagement was accepted, by a channel that wakes where it has to.
    pub fn has_paged(&self, wakes: bool) -> bool {
        let (at, engagement) =
            if wakes { (self.woken_at, self.woken_engagement) } else { (self.paged_at, self.paged_engagement) };
        at.is_some() && engagement.unwrap_or(1) >= self.engagement
    }

    /// The name of the execution that serves this opening.
    pub fn execution_name(&self) -> String {
        execution_name(self.id(), self.opening, self.run)
    }
}

/// `<incident id>-<opening>-<run>`.
pub fn execution_name(id: &str, opening: u32, run: u32) -> String {
    format!("{id}-{opening}-{run}")
}

/// The input of the parent state machine: byte-stable, so that starting twice is starting once.
pub fn execution_input(id: &str, opening: u32) -> String {
    format!(r#"{{"v":{V},"incident_id":"{id}","opening":{opening}}}"#)
}

/// The name of the execution of `engage` that pages in an engagement.
pub fn engage_name(id: &str, opening: u32, engagement: u32) -> String {
    format!("{id}-{opening}-{engagement}")
}

/// Its input, as byte-stable as [`execution_input`].
pub fn engage_input(id: &str, opening: u32, engagement: u32) -> String {
    format!(r#"{{"v":{V},"incident_id":"{id}","opening":{opening},"engagement":{engagement}}}"#)
}

/// A pass of evidence that is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedPass {
    /// `1-warm`, `2-complete` or `3-late`.
    pub pass: String,
    /// The bag's prefix in the evidence bucket.
    pub prefix: String,
    /// SHA-256 of the tag manifest: the seal.
    pub tag_manifest_sha256: String,
    /// The versions that the bucket gave the tag files, by path in the bag, to download just those; the custody file has
    /// those of the captured files. Empty where nothing is versioned, or where an earlier release sealed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tag_version_ids: BTreeMap<String, String>,
    /// How many payload files it has.
    pub files: u32,
    /// How many gaps it names.
    pub gaps: u32,
    /// When it was sealed.
    pub sealed_at: Timestamp,
}

/// Where the postmortem is, as keys in the evidence bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostmortemKeys {
    /// The Markdown document.
    pub markdown: String,
    /// The page.
    pub html: String,
}
