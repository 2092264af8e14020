//! What a response plan says, after reading: typed, complete, and the same in the compiled file and in an incident.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::kind::Arguments;
use crate::raise::Raise;
use crate::span::Span;

/// How bad an incident is. The order is by urgency: `Severity::Sev1 < Severity::Sev2`, so the smallest is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Critical.
    Sev1,
    /// High.
    Sev2,
    /// Medium.
    Sev3,
    /// Low.
    Sev4,
    /// No impact.
    Sev5,
}

impl Severity {
    /// The word as plans and messages spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sev1 => "SEV1",
            Self::Sev2 => "SEV2",
            Self::Sev3 => "SEV3",
            Self::Sev4 => "SEV4",
            Self::Sev5 => "SEV5",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engage {
    /// Someone must acknowledge, and the page escalates until they do.
    Page,
    /// The owner is told once, in a digest: no incident is opened until a person makes one of it, or a rule
    /// of its severity does.
    Notify,
}

/// Whether the plan may change the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Mitigations are planned and shown; nothing is changed.
    #[default]
    Observe,
    /// Mitigations are applied once they are approved.
    Act,
}

/// One response plan, as it is compiled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponsePlan {
    /// The plan's name, unique among the plans.
    pub plan: String,
    /// The incident type; history is compared within a type.
    #[serde(rename = "type")]
    pub incident_type: String,
    /// The EventBridge event pattern over a signal's canonical event.
    #[serde(rename = "match")]
    pub pattern: Value,
    /// The service that breaks. Empty where the plan leaves it to tags and rules, which never is in a [`ResolvedPlan`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// The environment it breaks in; empty as `service` may be.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// Accounts that the plan is for; empty means any.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Whether customers feel it.
    #[serde(default)]
    pub customer_facing: bool,
    /// The team that owns the decision, a key of `teams.yaml`; empty as `service` may be.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// How bad it is.
    pub severity: Severity,
    /// When it is worse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raise: Vec<Raise>,
    /// Whether someone must acknowledge.
    pub engage: Engage,
    /// How long a page waits for it to clear by itself.
    #[serde(default, skip_serializing_if = "Span::is_zero")]
    pub hold_down: Span,
    /// For how long after its end a firing opens the same incident again, instead of a new one.
    #[serde(default, skip_serializing_if = "Span::is_zero")]
    pub reopen_within: Span,
    /// Whether mitigations are applied or only shown.
    #[serde(default)]
    pub mode: Mode,
    /// In order of preference; the first whose guards hold is proposed.
    #[serde(default)]
    pub mitigations: Vec<Mitigation>,
    /// When the incident counts as recovered.
    pub recovery: Recovery,
    /// What is kept.
    #[serde(default)]
    pub evidence: Evidence,
    /// Where the runbook is, as a path or URL.
    pub runbook: Option<String>,
}

/// One way out, with what must hold before and after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mitigation {
    /// The kind, as plans spell it.
    pub kind: String,
    /// The kind's own arguments.
    #[serde(default)]
    pub with: Arguments,
    /// One phrase for people: what would be done.
    pub does: String,
    /// Who must agree.
    pub approval: Approval,
    /// What must hold before the change.
    pub guards: Guards,
    /// Proof of life after the change.
    pub healthy_when: Option<HealthyWhen>,
    /// How long to look for recovery and proof of life before the outcome is called.
    pub verify_within: Span,
}

/// Who must agree to a mitigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// Someone of the owner's team.
    Owner,
}

/// What must hold before a mitigation is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guards {
    /// The change to take back must be at most this old; `None` for kinds that take nothing back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_within: Option<Span>,
    /// At most so many resources may be touched.
    pub max_targets: u32,
}

/// A metric that only a living service moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthyWhen {
    /// Which metric.
    pub metric: Metric,
    /// Each counted datapoint must be at least this.
    pub at_least: f64,
    /// How many datapoints after the change must be at or above the floor.
    pub datapoints: u32,
    /// The length of one datapoint.
    pub period: Span,
}

/// A CloudWatch metric; `Sum` over each period is what counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// CloudWatch namespace.
    pub namespace: String,
    /// CloudWatch metric name.
    pub name: String,
    /// CloudWatch dimensions, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
}

/// When an incident counts as recovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Who says so.
    pub by: RecoveredBy,
    /// How long everything that fired must stay clear.
    pub held_for: Span,
}

/// Who says that a signal has recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecoveredBy {
    /// The source sends a recovery, as alarms do.
    Signal,
    /// A person resolves the incident.
    Person,
}

/// What evidence is kept: `{ "before": "30m", "log_groups": […] }` in records, beside `before` the fields of collectors.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// How far before the onset the window begins.
    #[serde(default)]
    pub before: Span,
    /// What the plan wants of each collector, by the collector's fields.
    #[serde(flatten, deserialize_with = "lists")]
    pub wanted: BTreeMap<String, Vec<String>>,
}

impl Evidence {
    /// What the plan wants by a collector's field; nothing where it does not say.
    pub fn of(&self, field: &str) -> &[String] {
        self.wanted.get(field).map_or(&[], Vec::as_slice)
    }
}

/// A record of another release may have fields of another shape: they are for collectors that this one does not have.
fn lists<'de, D: Deserializer<'de>>(record: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let fields = BTreeMap::<String, Value>::deserialize(record)?.into_iter();
    Ok(fields.filter_map(|(name, value)| Some((name, serde_json::from_value(value).ok()?))).collect())
}

/// A team: who is told, in which order, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// The team's name, its key in `teams.yaml`.
    pub name: String,
    /// The escalation policy: one step after the other until someone acknowledges.
    pub escalation: Vec<EscalationStep>,
}

/// One step of an escalation policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationStep {
    /// Who is told.
    pub contact: Contact,
    /// How long to wait for an acknowledgement before the next step.
    pub wait: Span,
}

/// A person or a group that can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The contact's name, its key in `teams.yaml`.
    pub name: String,
    /// Their time zone, for messages (IANA name); UTC where it is absent.
    pub time_zone: Option<String>,
    /// The ways to reach them.
    pub channels: Vec<Channel>,
}

/// One way to reach a contact: a kind of channel with its arguments, `{ "sns": { "topic": … }, "wakes": true }` in records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ChannelRecord", try_from = "ChannelRecord")]
pub struct Channel {
    /// The kind, as `teams.yaml` spells it: part of a page's idempotency key.
    pub kind: String,
    /// The kind's own arguments.
    pub with: Arguments,
    /// Whether an acceptance counts as having woken someone (TTE).
    pub wakes: bool,
}

impl Channel {
    /// A channel of a kind.
    pub fn new<const N: usize>(kind: &str, wakes: bool, with: [(&str, &str); N]) -> Self {
        let with = with.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { kind: kind.to_owned(), with, wakes }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct ChannelRecord {
    #[serde(default)]
    wakes: bool,
    #[serde(flatten)]
    named: BTreeMap<String, Arguments>,
}

impl From<Channel> for ChannelRecord {
    fn from(Channel { kind, with, wakes }: Channel) -> Self {
        Self { wakes, named: BTreeMap::from([(kind, with)]) }
    }
}

impl TryFrom<ChannelRecord> for Channel {
    type Error = &'static str;

    fn try_from(ChannelRecord { wakes, named }: ChannelRecord) -> Result<Self, Self::Error> {
        let mut named = named.into_iter();
        match (named.next(), named.next()) {
            (Some((kind, with)), None) => Ok(Self { kind, with, wakes }),
            _ => Err("a channel is one kind with its arguments"),
        }
    }
}

/// What an incident freezes when it opens: the plan with its owner's escalation policy, so that later steps never read
/// the plans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedPlan {
    /// The plan, with the owner, service and environment that were found where it left them open.
    pub plan: ResponsePlan,
    /// The owner, resolved.
    pub team: Team,
    /// SHA-256 of the plan as it stands here: that of the compiled one, where it left nothing open.
    pub plan_sha256: String,
    /// SHA-256 of the whole compiled file.
    pub config_sha256: String,
}
