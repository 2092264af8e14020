//! What people write, field by field; `convert.rs` and `teams.rs` make the typed values of it, once.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_saphyr::Spanned;

use crate::kind::Named;
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
    pub(crate) service: Option<Word>,
    pub(crate) environment: Option<Word>,
    #[serde(default)]
    pub(crate) accounts: Vec<Word>,
    #[serde(default)]
    pub(crate) customer_facing: bool,
    pub(crate) owner: Option<Word>,
    pub(crate) severity: Spanned<SeverityWire>,
    pub(crate) engage: Option<Word>,
    pub(crate) mode: Option<Word>,
    pub(crate) hold_down: Option<Spanned<Span>>,
    pub(crate) reopen_within: Option<Spanned<Span>>,
    #[serde(default)]
    pub(crate) mitigations: Vec<Spanned<MitigationWire>>,
    pub(crate) recovery: Option<RecoveryWire>,
    pub(crate) evidence: Option<Spanned<Node>>,
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
    #[serde(default)]
    pub(crate) raise: Vec<RaiseWire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RaiseWire {
    pub(crate) when: RaiseWhenWire,
    pub(crate) to: Word,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RaiseWhenWire {
    pub(crate) distinct_services_at_least: Spanned<u32>,
    pub(crate) within: Spanned<Span>,
}

/// One entry of `mitigations`: what every kind has, and the kind itself under its name.
pub(crate) struct MitigationWire {
    pub(crate) named: Vec<Named>,
    pub(crate) approval: Word,
    pub(crate) guards: Spanned<GuardsWire>,
    pub(crate) healthy_when: Option<HealthyWire>,
    pub(crate) verify_within: Option<Spanned<Span>>,
}

/// What every kind of mitigation has beside its name.
pub(crate) const MITIGATION_FIELDS: [&str; 4] = ["approval", "guards", "healthy_when", "verify_within"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuardsWire {
    pub(crate) change_within: Option<Spanned<Span>>,
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
pub(crate) struct TeamsWire {
    #[serde(default)]
    pub(crate) contacts: BTreeMap<String, Spanned<ContactWire>>,
    #[serde(default)]
    pub(crate) teams: BTreeMap<String, Spanned<TeamWire>>,
    pub(crate) storm: Option<Spanned<StormWire>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StormWire {
    pub(crate) owner: Word,
    pub(crate) more_than: Spanned<u32>,
    pub(crate) within: Spanned<Span>,
}

/// A contact: what every one has, and its channels, each under the name of its kind.
pub(crate) struct ContactWire {
    pub(crate) time_zone: Option<Word>,
    pub(crate) channels: Vec<Named>,
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

impl<'de> Deserialize<'de> for MitigationWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MitigationVisitor)
    }
}

struct MitigationVisitor;

impl<'de> Visitor<'de> for MitigationVisitor {
    type Value = MitigationWire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mitigation, such as `rollback-lambda-alias: { … }`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MitigationWire, A::Error> {
        let (mut named, mut approval, mut guards) = (Vec::new(), None, None);
        let (mut healthy_when, mut verify_within) = (None, None);
        while let Some(key) = map.next_key::<Word>()? {
            match key.value.as_str() {
                "approval" => approval = Some(map.next_value()?),
                "guards" => guards = Some(map.next_value()?),
                "healthy_when" => healthy_when = Some(map.next_value()?),
                "verify_within" => verify_within = Some(map.next_value()?),
                _ => named.push((key, map.next_value()?)),
            }
        }
        Ok(MitigationWire {
            named,
            approval: approval.ok_or_else(|| A::Error::missing_field("approval"))?,
            guards: guards.ok_or_else(|| A::Error::missing_field("guards"))?,
            healthy_when,
            verify_within,
        })
    }
}

impl<'de> Deserialize<'de> for ContactWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ContactVisitor)
    }
}

struct ContactVisitor;

impl<'de> Visitor<'de> for ContactVisitor {
    type Value = ContactWire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a contact, such as `sns: { topic: … }`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ContactWire, A::Error> {
        let (mut time_zone, mut channels) = (None, Vec::new());
        while let Some(key) = map.next_key::<Word>()? {
            match key.value.as_str() {
                "time_zone" => time_zone = Some(map.next_value()?),
                _ => channels.push((key, map.next_value()?)),
            }
        }
        Ok(ContactWire { time_zone, channels })
    }
}
