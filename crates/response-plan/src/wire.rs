//! What people write, field by field; `convert.rs` and `teams.rs` make the typed values of it, once.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use crate::node::Node;
use crate::span::Span;

/// A word with its place.
pub(crate) type Word = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanWire {
    pub(crate) plan: Word,
    #[serde(rename = "type")]
    pub(crate) incident_type: Word,
    #[serde(rename = "match")]
    pub(crate) pattern: Spanned<Node>,
    pub(crate) service: Word,
    pub(crate) environment: Word,
    #[serde(default)]
    pub(crate) accounts: Vec<Word>,
    #[serde(default)]
    pub(crate) customer_facing: bool,
    pub(crate) owner: Word,
    pub(crate) severity: Spanned<SeverityWire>,
    pub(crate) engage: Option<Word>,
    pub(crate) mode: Option<Word>,
    pub(crate) hold_down: Option<Spanned<Span>>,
    #[serde(default)]
    pub(crate) mitigations: Vec<Spanned<MitigationWire>>,
    pub(crate) recovery: Option<RecoveryWire>,
    pub(crate) evidence: Option<EvidenceWire>,
    pub(crate) runbook: Option<Word>,
}

/// `SEV2`, or a mapping with a default.
pub(crate) enum SeverityWire {
    Fixed(String),
    Rules(SeverityRules),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeverityRules {
    pub(crate) default: Word,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MitigationWire {
    #[serde(rename = "rollback-lambda-alias")]
    pub(crate) rollback_lambda_alias: Option<RollbackWire>,
    pub(crate) approval: Word,
    pub(crate) guards: GuardsWire,
    pub(crate) healthy_when: Option<HealthyWire>,
    pub(crate) verify_within: Option<Spanned<Span>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackWire {
    pub(crate) function: Word,
    pub(crate) alias: Word,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuardsWire {
    pub(crate) change_within: Spanned<Span>,
    pub(crate) max_targets: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthyWire {
    pub(crate) metric: MetricWire,
    pub(crate) at_least: Spanned<f64>,
    pub(crate) datapoints: Spanned<u32>,
    pub(crate) period: Option<Spanned<Span>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricWire {
    pub(crate) namespace: Word,
    pub(crate) name: Word,
    #[serde(default)]
    pub(crate) dimensions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecoveryWire {
    pub(crate) by: Word,
    pub(crate) held_for: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceWire {
    #[serde(default)]
    pub(crate) before: Span,
    #[serde(default)]
    pub(crate) log_groups: Vec<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamsWire {
    #[serde(default)]
    pub(crate) contacts: BTreeMap<String, Spanned<ContactWire>>,
    #[serde(default)]
    pub(crate) teams: BTreeMap<String, Spanned<TeamWire>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactWire {
    pub(crate) time_zone: Option<Word>,
    pub(crate) sns: Option<SnsWire>,
    pub(crate) slack: Option<SlackWire>,
    pub(crate) pagerduty: Option<PagerDutyWire>,
    pub(crate) webhook: Option<WebhookWire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnsWire {
    pub(crate) topic: Word,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlackWire {
    pub(crate) channel: Word,
    pub(crate) token: Word,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PagerDutyWire {
    pub(crate) routing_key: Word,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookWire {
    pub(crate) url: Word,
    pub(crate) secret: Word,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamWire {
    pub(crate) escalation: Spanned<Vec<StepWire>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepWire {
    pub(crate) contact: Word,
    pub(crate) wait: Span,
}

impl<'de> Deserialize<'de> for SeverityWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SeverityVisitor)
    }
}

struct SeverityVisitor;

impl<'de> Visitor<'de> for SeverityVisitor {
    type Value = SeverityWire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a severity such as SEV2, or `{ default: SEV2 }`")
    }

    fn visit_str<E>(self, value: &str) -> Result<SeverityWire, E> {
        Ok(SeverityWire::Fixed(value.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SeverityWire, A::Error> {
        SeverityRules::deserialize(MapAccessDeserializer::new(map)).map(SeverityWire::Rules)
    }
}
