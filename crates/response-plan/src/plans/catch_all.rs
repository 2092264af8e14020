//! The plan that takes what no other plan is for.

use serde_json::json;
use signal::{Signal, sha256_hex};

use crate::compile::plan_sha256;
use crate::plan::*;
use crate::span::Span;

/// The name of the plan that is compiled in.
pub(crate) const CATCH_ALL: &str = "catch-all";

/// Who owns what nobody owns.
pub(super) const NOBODY: &str = "unowned";

/// The environment of which nothing is known.
pub(super) const NOWHERE: &str = "unknown";

/// The failing thing's own name, whole, and the Region it is in.
pub(super) fn failing_thing(signal: &Signal) -> String {
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
        environment: NOWHERE.to_owned(),
        accounts: Vec::new(),
        customer_facing: false,
        owner: NOBODY.to_owned(),
        severity: Severity::Sev3,
        raise: Vec::new(),
        engage: Engage::Page,
        hold_down: Span::default(),
        reopen_within: Span::default(),
        mode: Mode::Observe,
        mitigations: Vec::new(),
        recovery: Recovery { by: RecoveredBy::Signal, held_for: Span::seconds(300) },
        evidence: Evidence { before: Span::seconds(1_800), ..Evidence::default() },
        runbook: None,
    };
    let contact = Contact {
        name: "fallback".to_owned(),
        time_zone: None,
        channels: vec![Channel::new("sns", true, [("topic", fallback_topic)])],
    };
    let team = Team { name: NOBODY.to_owned(), escalation: vec![EscalationStep { contact, wait: Span::seconds(300) }] };
    ResolvedPlan { plan_sha256: plan_sha256(&plan), plan, team, config_sha256: sha256_hex(&[]) }
}
