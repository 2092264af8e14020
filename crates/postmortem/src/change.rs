//! What a rollback's records say about the change that it took back.

use incident::{ChangeRecord, MitigationRecord, Outcome};
use serde_json::Value;

use crate::facts::Facts;
use crate::words::plain;

/// What a rollback was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A version of code, which gets traffic.
    Code,
    /// A version of a configuration, such as feature flags, which is deployed.
    Configuration,
}

/// The change that a rollback was about.
pub(crate) struct Change<'a> {
    /// What was changed.
    pub(crate) kind: Kind,
    /// The target as people call it.
    pub(crate) target: String,
    /// The rollback.
    pub(crate) mitigation: &'a MitigationRecord,
    /// The version that was there before the rollback.
    pub(crate) version: String,
    /// The version that the rollback wanted.
    pub(crate) wanted: Option<String>,
    /// The ledger's entry of the move to that version.
    pub(crate) recorded: Option<&'a ChangeRecord>,
}

impl<'a> Change<'a> {
    /// The change, where the mitigation is a rollback whose stored prior state names a version.
    pub(crate) fn of(facts: &'a Facts) -> Option<Self> {
        let mitigation = facts.mitigation().filter(|m| m.kind.starts_with("rollback-"))?;
        let kind = if mitigation.kind == "rollback-appconfig-flag" { Kind::Configuration } else { Kind::Code };
        let version = version(mitigation.prior.as_ref()?)?;
        let recorded = facts
            .changes
            .iter()
            .filter(|c| c.resource == mitigation.target && plain(&c.version) == version)
            .filter(|c| c.at <= facts.incident.opened.opened_at)
            .max_by_key(|c| c.at);
        let wanted = mitigation.desired.as_ref().and_then(self::version);
        Some(Self { kind, target: target(facts, mitigation, kind), mitigation, version, wanted, recorded })
    }

    /// Whether taking it back was followed by recovery.
    pub(crate) fn helped(&self) -> bool {
        self.mitigation.applied_at.is_some()
            && matches!(self.mitigation.outcome, Some(Outcome::Verified | Outcome::Unproven))
    }

    /// Whether the prior state gave a share of the traffic to another version.
    pub(crate) fn shared(&self) -> bool {
        self.mitigation.prior.as_ref().and_then(|state| state.get("split")).and_then(Value::as_bool) == Some(true)
    }
}

/// The target as people call it: of a Lambda alias, function and alias; of a configuration, whose ARN has ids that mean
/// nothing to anybody, the plan's own names.
fn target(facts: &Facts, mitigation: &MitigationRecord, kind: Kind) -> String {
    let arn = mitigation.target.as_str();
    let planned = usize::try_from(mitigation.choice).ok().and_then(|n| facts.incident.plan().mitigations.get(n));
    match (kind, planned.filter(|planned| planned.kind == mitigation.kind)) {
        (Kind::Configuration, Some(planned)) => {
            let name = |argument: &str| planned.with.get(argument).map_or("?", String::as_str);
            plain(&format!("the profile {} of {} in {}", name("profile"), name("application"), name("environment")))
        }
        _ => plain(arn.rsplit_once(":function:").map_or(arn, |(_, name)| name)),
    }
}

/// The version in a state as rollbacks store it.
fn version(state: &Value) -> Option<String> {
    state.get("function_version").or(state.get("version"))?.as_str().map(plain)
}
