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
            "signal_id": "s", "fingerprint": "f", "source": "aws.cloudwatch", "title": "t", "link": null,
            "resources": [], "time": at(0),
        },
        "plan": {
            "plan_sha256": "p", "config_sha256": "c", "team": { "name": "payments", "escalation": [] },
            "plan": {
                "plan": "p", "type": "t", "match": {}, "service": "s", "environment": "e", "owner": "payments",
                "severity": "SEV2", "engage": "page", "recovery": { "by": "signal", "held_for": "0s" }, "runbook": null,
            },
        },
    }))
    .unwrap()
}

/// A mitigation that waits for approval.
pub(crate) fn record() -> MitigationRecord {
    serde_json::from_value(json!({
        "v": 1, "incident_id": "inc-20251123-0123456789", "opening": 1, "n": 1, "choice": 0,
        "kind": "rollback-lambda-alias", "target": "arn:aws:lambda:eu-west-1:111122223333:function:checkout:live",
        "summary": "move checkout:live from 2 to 1", "plan_sha256": format!("0123abcd{}", "0".repeat(56)),
        "progress": "planned", "planned_at": at(1), "expires_at": at(1801),
    }))
    .unwrap()
}
