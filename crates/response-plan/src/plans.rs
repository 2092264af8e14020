//! The compiled plans in memory, and which of them a signal is for.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};
use signal::{Signal, sha256_hex};

use crate::compile::{V, plan_sha256};
use crate::pattern::Pattern;
use crate::plan::*;
use crate::span::Span;

/// The name of the plan that is compiled in.
pub(crate) const CATCH_ALL: &str = "catch-all";

/// All plans that can be used, and why others cannot.
#[derive(Debug, Clone)]
pub struct Plans {
    /// SHA-256 of the configuration; that of nothing where there is none.
    pub config_sha256: String,
    /// The version that compiled them; empty where nothing was loaded.
    pub built_by: String,
    /// Plans of the file that cannot be used: what they were for goes to the catch-all. Tell someone.
    pub disabled: Vec<Disabled>,
    entries: Vec<Entry>,
    fallback_topic: String,
}

/// A plan that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disabled {
    /// Its name, or its place in the file where the name cannot be read.
    pub plan: String,
    /// Why, in one sentence.
    pub reason: String,
}

/// Which plan a signal is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolution {
    /// The plan with its owner's escalation policy; the catch-all where no plan matched.
    pub plan: ResolvedPlan,
    /// Whether it is a plan that someone wrote.
    pub matched: bool,
    /// Why this one: a phrase for people, which quotes nothing of the signal.
    pub why: String,
}

/// The file as a whole cannot be used. Page by [`Plans::empty`], marked as degraded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlansError(String);

impl fmt::Display for PlansError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The compiled plans cannot be used: {}. Build them again with `tourniquet plans build`.", self.0)
    }
}

impl std::error::Error for PlansError {}

#[derive(Debug, Clone)]
struct Entry {
    resolved: ResolvedPlan,
    pattern: Pattern,
    /// How many fields constrain it, its accounts included.
    specific: usize,
}

#[derive(Deserialize)]
struct File {
    config_sha256: String,
    #[serde(default)]
    built_by: String,
    plans: Vec<Value>,
    teams: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct PlanRecord {
    plan_sha256: String,
    #[serde(flatten)]
    plan: ResponsePlan,
}

impl Plans {
    /// Loads a compiled file. A damaged plan, or one whose team is damaged, is left out alone: see [`Plans::disabled`].
    /// `fallback_topic` is the ARN to which the catch-all pages.
    pub fn load(bytes: &[u8], fallback_topic: &str) -> Result<Self, PlansError> {
        let file: Value =
            serde_json::from_slice(bytes).map_err(|error| PlansError(format!("they are not JSON ({error})")))?;
        match file.get("v") {
            Some(v) if *v == json!(V) => {}
            Some(v) => return Err(PlansError(format!("they are of version {v}, and this program reads version {V}"))),
            None => return Err(PlansError("they have no version".to_owned())),
        }
        let file: File =
            serde_json::from_value(file).map_err(|error| PlansError(format!("they are damaged ({error})")))?;
        let mut plans = Self {
            config_sha256: file.config_sha256,
            built_by: file.built_by,
            disabled: Vec::new(),
            entries: Vec::new(),
            fallback_topic: fallback_topic.to_owned(),
        };
        for (n, value) in file.plans.into_iter().enumerate() {
            let name = value.get("plan").and_then(Value::as_str).map_or(format!("number {}", n + 1), str::to_owned);
            match entry(value, &file.teams, &plans.config_sha256) {
                Ok(entry) => plans.entries.push(entry),
                Err(reason) => plans.disabled.push(Disabled { plan: name, reason }),
            }
        }
        plans
            .entries
            .sort_by(|a, b| b.specific.cmp(&a.specific).then_with(|| a.resolved.plan.plan.cmp(&b.resolved.plan.plan)));
        Ok(plans)
    }

    /// No plans at all: everything goes to the catch-all.
    pub fn empty(fallback_topic: &str) -> Self {
        Self {
            config_sha256: sha256_hex(&[]),
            built_by: String::new(),
            disabled: Vec::new(),
            entries: Vec::new(),
            fallback_topic: fallback_topic.to_owned(),
        }
    }

    /// The names of the plans that can be used, the most specific first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.resolved.plan.plan.as_str())
    }

    /// Which plan the signal is for. There always is one. Of several that match, the one that constrains most fields
    /// wins (a list of accounts counts as one field), and of equals the first by name.
    pub fn resolve(&self, signal: &Signal) -> Resolution {
        self.match_event(&signal.event, signal.account.as_deref()).unwrap_or_else(|| self.unmatched(signal))
    }

    fn match_event(&self, event: &Value, account: Option<&str>) -> Option<Resolution> {
        let mut matching = self.entries.iter().filter(|entry| {
            let accounts = &entry.resolved.plan.accounts;
            let ours = accounts.is_empty() || account.is_some_and(|account| accounts.iter().any(|own| own == account));
            ours && entry.pattern.matches(event)
        });
        let first = matching.next()?;
        let name = &first.resolved.plan.plan;
        let others: Vec<&Entry> = matching.collect();
        let why = match others.first() {
            None => format!("plan `{name}` matches"),
            Some(second) => {
                let names: Vec<_> = others.iter().map(|other| format!("`{}`", other.resolved.plan.plan)).collect();
                let names = names.join(", ");
                let (own, other) = (first.specific, second.specific);
                if own > other {
                    format!(
                        "plan `{name}` constrains {own} fields, more than {names}, which also match (at most {other})"
                    )
                } else {
                    format!(
                        "plan `{name}` comes first by name of those that match and constrain {own} fields; also {names}"
                    )
                }
            }
        };
        Some(Resolution { plan: first.resolved.clone(), matched: true, why })
    }

    /// The catch-all. Nobody owns the signal, so nobody knows what belongs together: each failing thing is a service, and
    /// so an incident, of its own.
    fn unmatched(&self, signal: &Signal) -> Resolution {
        let mut plan = catch_all(&self.fallback_topic);
        plan.plan.service = failing_thing(signal);
        plan.plan_sha256 = plan_sha256(&plan.plan);
        plan.config_sha256.clone_from(&self.config_sha256);
        let mut why = "no plan matches, so the catch-all takes it".to_owned();
        if !self.disabled.is_empty() {
            let names: Vec<_> = self.disabled.iter().map(|disabled| format!("`{}`", disabled.plan)).collect();
            why.push_str(&format!("; disabled, since damaged: {}", names.join(", ")));
        }
        Resolution { plan, matched: false, why }
    }
}

/// The failing thing's own name, whole, and the Region it is in.
fn failing_thing(signal: &Signal) -> String {
    let name = match signal.fingerprint.splitn(6, ':').nth(5) {
        Some(resource) if signal.fingerprint.starts_with("arn:") => resource,
        _ => &signal.fingerprint,
    };
    let name = name.strip_prefix("alarm:").unwrap_or(name);
    format!("{name} in {}", signal.region.as_deref().unwrap_or("an unknown Region"))
}

/// The plan that is always there: it pages the fallback topic, changes nothing and belongs to nobody. Its
/// `config_sha256` is that of nothing.
pub fn catch_all(fallback_topic: &str) -> ResolvedPlan {
    let plan = ResponsePlan {
        plan: CATCH_ALL.to_owned(),
        incident_type: "unowned".to_owned(),
        pattern: json!({}),
        service: "unknown".to_owned(),
        environment: "unknown".to_owned(),
        accounts: Vec::new(),
        customer_facing: false,
        owner: "unowned".to_owned(),
        severity: Severity::Sev3,
        engage: Engage::Page,
        mode: Mode::Observe,
        mitigations: Vec::new(),
        recovery: Recovery { by: RecoveredBy::Signal, held_for: Span::seconds(300) },
        evidence: Evidence { before: Span::seconds(1_800), log_groups: Vec::new() },
        runbook: None,
    };
    let contact = Contact {
        name: "fallback".to_owned(),
        time_zone: None,
        channels: vec![Channel::new("sns", true, [("topic", fallback_topic)])],
    };
    let team =
        Team { name: "unowned".to_owned(), escalation: vec![EscalationStep { contact, wait: Span::seconds(300) }] };
    ResolvedPlan { plan_sha256: plan_sha256(&plan), plan, team, config_sha256: sha256_hex(&[]) }
}

fn entry(value: Value, teams: &BTreeMap<String, Value>, config_sha256: &str) -> Result<Entry, String> {
    let PlanRecord { plan, plan_sha256 } =
        serde_json::from_value(value).map_err(|error| format!("the plan is damaged ({error})"))?;
    let pattern = Pattern::from_value(&plan.pattern)
        .map_err(|errors| errors.first().map_or("its pattern is damaged".to_owned(), ToString::to_string))?;
    let team = teams.get(&plan.owner).ok_or_else(|| format!("its owner `{}` is not among the teams", plan.owner))?;
    let team: Team = serde_json::from_value(team.clone()).map_err(|error| format!("its owner is damaged ({error})"))?;
    if team.escalation.is_empty() {
        return Err("its owner has nobody to page".to_owned());
    }
    let specific = pattern.leaves() + usize::from(!plan.accounts.is_empty());
    let resolved = ResolvedPlan { plan, team, plan_sha256, config_sha256: config_sha256.to_owned() };
    Ok(Entry { resolved, pattern, specific })
}
