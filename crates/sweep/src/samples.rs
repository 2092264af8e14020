//! Values that several tests share.

use incident::{Incident, MitigationRecord};
use jiff::Timestamp;
use serde_json::json;

/// Seconds after the incident opened.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_763_906_400 + second).unwrap()
}

/// An open incident in which something fires.
pub(crate) fn incident() -> Incident {
    serde_json::from_value(json!({
        "id": "inc-20251123-0123456789", "title": "checkout-errors", "version": "0.1.0", "group_key": "k", "drill": false,
        "account": null, "region": null, "opened_at": at(0), "onset": null, "degraded": null, "status": "open",
        "severity": "SEV2", "opening": 1, "run": 1, "engagement": 1, "firing": ["f"], "evidence": [],
        "signal": {
            "signal_id": "s", "fingerprint": "f", "source": "aws.cloudwatch", "title": "t",
            "link": "https://console.example/alarm",
            "resources": [], "time": at(0),
        },
        "plan": {
            "plan_sha256": "p", "config_sha256": "c", "team": { "name": "payments", "escalation": [] },
            "plan": {
                "plan": "p", "type": "t", "match": {}, "service": "checkout", "environment": "prod", "owner": "payments",
                "severity": "SEV2", "engage": "page", "recovery": { "by": "signal", "held_for": "0s" },
                "runbook": "docs/runbooks/checkout.md",
                "mitigations": [rollback()],
            },
        },
    }))
    .unwrap()
}

fn rollback() -> serde_json::Value {
    json!({
        "kind": "rollback-lambda-alias", "with": {"function": "checkout", "alias": "live"},
        "does": "roll checkout:live back to the last version recorded as good", "approval": "owner",
        "guards": { "change_within": "60m", "max_targets": 1 }, "healthy_when": null, "verify_within": "5m",
    })
}

/// A consumer that was taken out of the way, verified at second 100.
pub(crate) fn in_force() -> MitigationRecord {
    serde_json::from_value(json!({
        "v": 1, "incident_id": "inc-20251123-0123456789", "opening": 1, "n": 1, "choice": 0,
        "kind": "disable-event-source-mapping", "target": "arn", "summary": "s", "plan_sha256": "p",
        "progress": "ended", "outcome": "verified", "planned_at": at(1), "expires_at": at(1801),
        "applied_at": at(60), "ended_at": at(100), "left": {"enabled": false}, "takes_away": true,
    }))
    .unwrap()
}
