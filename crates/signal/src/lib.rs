//! Wire to signal: any payload that reaches us becomes [`Signal`]s, whichever door it came through.
//!
//! [`read`] takes the wrapping off (`envelope.rs`) and asks the sources in turn. A new source is one file, its fixtures
//! beside it, and one line in [`SOURCES`]. What nobody here can read is an [`Unread`] with its reason, never a guess and
//! never a panic.

mod arn;
mod envelope;
mod event;
mod identity;
mod outcome;
mod source;
mod tags;
mod time;

mod alertmanager;
mod appconfig;
mod arc;
mod autoscaling;
mod cloudformation;
mod cloudwatch;
mod codedeploy;
mod codepipeline;
mod config;
mod cost;
mod datadog;
mod devopsguru;
mod ec2;
mod ecs;
mod eventbridge;
mod generic;
mod guardduty;
mod health;
mod lambda;
mod pagerduty;
mod rds;
mod securityhub;
mod sentry;
mod ssm;
mod stepfunctions;
mod synthetics;
mod xray;

#[cfg(test)]
mod corpus_test;
#[cfg(test)]
mod hostile_test;
#[cfg(test)]
mod rules_test;
#[cfg(test)]
mod table_test;
#[cfg(test)]
mod tags_test;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use identity::{sha256_hex, signal_id, to_second};
pub use source::{Rule, SOURCES, Source};

/// What reached us, in our words. All that later steps know of an event is here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Who says it, as on EventBridge: `aws.cloudwatch`.
    pub source: String,
    /// The EventBridge detail type; the same for every door.
    pub detail_type: Option<String>,
    /// The family of the event.
    pub kind: Kind,
    /// Whether it fires, has recovered, or only informs.
    pub state: State,
    /// The account of the failing thing, not of who delivered the event.
    pub account: Option<String>,
    /// The Region code of the failing thing.
    pub region: Option<String>,
    /// The source's own transition time, never that of the delivery.
    pub time: Timestamp,
    /// When it really began: the earliest datapoint that breached. `None` when the event does not say.
    pub onset: Option<Timestamp>,
    /// Full ARNs, the failing thing's own first.
    pub resources: Vec<String>,
    /// Tags and labels of them, where the payload carries any: by name, bounded in count and size. Records of earlier
    /// releases have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// One line for people, built by us.
    pub title: String,
    /// The source's words. They may hold anything: show them on responders' channels only.
    pub reason: Option<String>,
    /// A console link that we built, where the Region is known.
    pub link: Option<String>,
    /// Identity of the failing thing, the same whichever path brought it; `drill:` in front for a drill.
    pub fingerprint: String,
    /// Identity of this transition: see [`signal_id`].
    pub signal_id: String,
    /// Made on purpose: never joins a real incident.
    pub drill: bool,
    /// The event that plans match against, in EventBridge's shape (`source`, `detail-type`, `account`, `region`,
    /// `time`, `resources`, `detail`), whichever door it came through.
    pub event: Value,
}

/// The family of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A metric crossed its threshold.
    Alarm,
    /// The provider says that something of its own is wrong or will be.
    Health,
    /// A deployment failed, or was rolled back.
    Deployment,
    /// A run, task or invocation failed.
    Failure,
    /// A security or compliance finding.
    Finding,
    /// Something was changed.
    Change,
    /// A limit is near or reached.
    Quota,
    /// Money is spent faster than expected.
    Cost,
    /// A person says so.
    Declared,
    /// Something that should have reported did not.
    Watchdog,
    /// None of these.
    Other,
}

impl Kind {
    /// The word for it in records, configuration and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Alarm => "alarm",
            Kind::Health => "health",
            Kind::Deployment => "deployment",
            Kind::Failure => "failure",
            Kind::Finding => "finding",
            Kind::Change => "change",
            Kind::Quota => "quota",
            Kind::Cost => "cost",
            Kind::Declared => "declared",
            Kind::Watchdog => "watchdog",
            Kind::Other => "other",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a signal says of the failing thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It fails now.
    Firing,
    /// It is well again.
    Recovered,
    /// Neither: it changes nothing in the set of what fires. Missing data is no recovery.
    Info,
}

impl State {
    /// The word for it in records, hashes and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Firing => "firing",
            State::Recovered => "recovered",
            State::Info => "info",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who may send us what another account saw (`tourniquet.forwarded`), and drills (`tourniquet.drill`).
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    /// The account that we run in. `None` trusts the hubs alone.
    pub own_account: Option<&'a str>,
    /// Accounts whose buses forward to ours.
    pub hubs: &'a [String],
}

impl Origin<'_> {
    /// Whether an envelope of this account may carry another event.
    fn trusts(&self, account: &str) -> bool {
        self.own_account == Some(account) || self.hubs.iter().any(|hub| hub == account)
    }
}

/// A payload, or one record of it, that gave no signal. Keep the payload and say why; sending it again is no help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What kind of refusal it is.
    pub kind: UnreadKind,
    /// One plain sentence with the remedy. It quotes no more of the payload than source and detail type.
    pub reason: String,
}

/// Why a payload gave no signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnreadKind {
    /// Damaged, or a known shape that lacks what its meaning needs: it may have been a real alarm.
    Malformed,
    /// Well-formed, and nothing that we read.
    Unsupported,
    /// It claims to carry an original event, and its account may not forward to us.
    Untrusted,
}

impl Unread {
    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Unread { kind: UnreadKind::Malformed, reason: reason.into() }
    }

    pub(crate) fn unsupported(reason: impl Into<String>) -> Self {
        Unread { kind: UnreadKind::Unsupported, reason: reason.into() }
    }

    pub(crate) fn untrusted(reason: impl Into<String>) -> Self {
        Unread { kind: UnreadKind::Untrusted, reason: reason.into() }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unread {}

/// Reads any bytes. The answer is never empty: one element per signal in the payload, in its order, and one `Err` for
/// a payload that cannot be read at all. More than 1 MiB is refused. It never panics.
pub fn read(bytes: &[u8], origin: &Origin) -> Vec<Result<Signal, Unread>> {
    envelope::read_bytes(bytes, origin)
}

/// The same for a payload that is parsed already.
pub fn read_value(value: &Value, origin: &Origin) -> Vec<Result<Signal, Unread>> {
    envelope::read_value(value, origin)
}

/// The text at a JSON pointer, if it is a text and not empty.
fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}

/// A foreign text made fit for a message: one line, no control characters, at most 80 characters.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
