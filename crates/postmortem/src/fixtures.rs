//! Incidents for the tests, as the records would hold them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::facts::{Facts, PageFact};

/// An instant of the day of all fixtures.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-11-23T{time}Z").parse().unwrap()
}

fn incident(changes: Value) -> incident::Incident {
    let mut incident = json!({
        "id": "inc-20261123-4be01f9a7c", "title": "Alarm checkout-errors is firing", "version": "0.1.0",
        "group_key": "checkout-bad-deployment/checkout/prod/111122223333/real", "drill": false,
        "account": "111122223333", "region": "eu-west-1", "degraded": null,
        "opened_at": "2026-11-23T14:03:12Z", "onset": "2026-11-23T14:01:00Z",
        "signal": {
            "signal_id": "0011223344556677", "source": "aws.cloudwatch", "title": "Alarm checkout-errors is firing",
            "fingerprint": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors",
            "link": "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/checkout-errors",
            "resources": ["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors"],
            "time": "2026-11-23T14:03:10Z",
        },
        "plan": {
            "plan_sha256": "ab".repeat(32), "config_sha256": "cd".repeat(32),
            "team": { "name": "payments", "escalation": [] },
            "plan": {
                "plan": "checkout-bad-deployment", "type": "bad-deployment", "match": {}, "service": "checkout",
                "environment": "prod", "customer_facing": true, "owner": "payments", "severity": "SEV2",
                "engage": "page", "recovery": { "by": "signal", "held_for": "5m" },
                "runbook": "docs/runbooks/checkout-bad-deployment.md",
            },
        },
        "status": "resolved", "severity": "SEV2", "opening": 1, "run": 1, "engagement": 1, "firing": [],
        "evidence": [],
    });
    if let (Value::Object(all), Value::Object(changes)) = (&mut incident, changes) {
        all.extend(changes);
    }
    serde_json::from_value(incident).unwrap()
}

fn mitigation(changes: Value) -> incident::MitigationRecord {
    let mut record = json!({
        "v": 1, "incident_id": "inc-20261123-4be01f9a7c", "opening": 1, "n": 1, "choice": 0,
        "kind": "rollback-lambda-alias",
        "target": "arn:aws:lambda:eu-west-1:111122223333:function:checkout:live",
        "summary": "move checkout:live from version 2 back to version 1, the last recorded as good",
        "prior": { "function_version": "2", "revision_id": "r-2" }, "desired": { "function_version": "1" },
        "plan_sha256": "ef".repeat(32), "progress": "ended", "outcome": "verified",
        "planned_at": "2026-11-23T14:03:16Z", "expires_at": "2026-11-23T14:33:16Z",
    });
    if let (Value::Object(all), Value::Object(changes)) = (&mut record, changes) {
        all.extend(changes);
    }
    serde_json::from_value(record).unwrap()
}

fn entry(time: &str, step: &str, what: &str, by: Option<&str>) -> incident::Entry {
    let entry = incident::Entry::new(at(time), step, &[what], what);
    by.map_or(entry.clone(), |person| entry.by(person))
}

fn page(contact: &str, channel: &str, time: &str) -> PageFact {
    PageFact { contact: contact.to_owned(), channel: channel.to_owned(), sent_at: at(time) }
}

/// A bad deployment that was rolled back, with all that can be known.
pub(crate) fn bad_deployment() -> Facts {
    Facts {
        incident: incident(json!({
            "clear_since": "2026-11-23T14:09:10Z", "resolved_at": "2026-11-23T14:14:12Z",
            "acknowledged_by": "ada", "acknowledged_at": "2026-11-23T14:05:02Z",
            "paged_at": "2026-11-23T14:03:14Z", "woken_at": "2026-11-23T14:03:14.4Z",
            "mitigated_at": "2026-11-23T14:09:40Z",
            "evidence": [
                {
                    "pass": "1-warm", "prefix": "v1/incidents/inc-20261123-4be01f9a7c/1/1-warm/",
                    "tag_manifest_sha256": "12".repeat(32), "files": 4, "gaps": 0, "sealed_at": "2026-11-23T14:03:21Z",
                },
                {
                    "pass": "2-complete", "prefix": "v1/incidents/inc-20261123-4be01f9a7c/1/2-complete/",
                    "tag_manifest_sha256": "34".repeat(32), "files": 4, "gaps": 1, "sealed_at": "2026-11-23T14:14:20Z",
                },
            ],
        })),
        timeline: vec![
            entry("14:03:12", "triage", "Opened by the alarm checkout-errors.", None),
            entry("14:03:14", "notify", "Paged ada by sns and slack.", None),
            entry("14:03:16", "remediate", "Planned: roll checkout:live back from version 2 to version 1.", None),
            entry("14:03:21", "capture-evidence", "Sealed pass 1-warm: 4 files, no gap.", None),
            entry("14:05:02", "command", "Acknowledged.", Some("ada")),
            entry("14:06:30", "command", "Approved mitigation 1.", Some("ada")),
            entry("14:06:33", "remediate", "Moved checkout:live from version 2 to version 1.", None),
            entry("14:09:10", "triage", "The alarm checkout-errors has recovered.", None),
            entry("14:09:40", "remediate", "Verified: the alarm is clear and orders flow.", None),
            entry("14:14:12", "incident-response", "Resolved: clear for 5m.", None),
            entry("14:14:20", "capture-evidence", "Sealed pass 2-complete: 4 files, 1 gap.", None),
            entry("14:14:21", "open-postmortem", "Written.", None),
        ],
        mitigations: vec![mitigation(json!({
            "decided_by": "ada", "decided_at": "2026-11-23T14:06:30Z", "applied_at": "2026-11-23T14:06:33Z",
            "left": { "function_version": "1", "revision_id": "r-3" }, "ended_at": "2026-11-23T14:09:40Z", "fencing": 1,
            "reason": "The alarm is clear, and 3 datapoints of Orders are at or above 10.",
        }))],
        pages: vec![page("ada", "slack", "14:03:14"), page("ada", "sns", "14:03:14.4")],
        changes: vec![change("1", true, "13:20:00"), change("2", false, "13:58:40")],
    }
}

/// A bad version of a flag that was rolled back; what is not about the change is as in the bad deployment.
pub(crate) fn bad_flag() -> Facts {
    let mut facts = bad_deployment();
    let arn = "arn:aws:appconfig:eu-west-1:111122223333:application/a1b2c3d/environment/e4f5a6b/configuration/c7d8e9f";
    let summary = "take flags of checkout in prod from version 2 back to version 1, the last recorded as good, by \
                   reverting deployment 7";
    facts.incident.opened.title = "Alarm checkout-flag-errors is firing".to_owned();
    facts.incident.opened.signal.title = facts.incident.opened.title.clone();
    let plan = &mut facts.incident.opened.plan.plan;
    (plan.plan, plan.incident_type) = ("checkout-bad-flag".to_owned(), "bad-flag".to_owned());
    plan.runbook = Some("docs/runbooks/checkout-bad-flag.md".to_owned());
    plan.mitigations = serde_json::from_value(json!([{
        "kind": "rollback-appconfig-flag",
        "with": { "application": "checkout", "environment": "prod", "profile": "flags" },
        "does": "roll flags of checkout in prod back to the last version recorded as good",
        "approval": "owner", "guards": { "change_within": "60m", "max_targets": 1 }, "healthy_when": null,
        "verify_within": "10m",
    }]))
    .unwrap();
    let record = &mut facts.mitigations[0];
    (record.kind, record.target) = ("rollback-appconfig-flag".to_owned(), arn.to_owned());
    record.summary = summary.to_owned();
    record.prior = Some(json!({ "deployment": 7, "version": "2" }));
    record.desired = Some(json!({ "version": "1" }));
    record.left = Some(json!({ "deployment": 7, "version": "1" }));
    facts.changes.iter_mut().for_each(|change| change.resource = arn.to_owned());
    facts.timeline.retain(|entry| entry.step != "remediate");
    let done = [
        ("14:03:16", format!("planned, waits for approval: {summary}")),
        ("14:06:33", format!("applied: {summary}")),
        ("14:09:40", "mitigation verified: the alarm is clear since the change, and the service is alive".to_owned()),
    ];
    facts.timeline.extend(done.map(|(time, what)| entry(time, "remediate", &what, None)));
    facts.timeline.sort_by_key(|entry| entry.at);
    facts
}

fn change(version: &str, good: bool, time: &str) -> incident::ChangeRecord {
    incident::ChangeRecord {
        v: 1,
        id: format!("request-{version}"),
        resource: "arn:aws:lambda:eu-west-1:111122223333:function:checkout:live".to_owned(),
        version: version.to_owned(),
        good,
        at: at(time),
        by: "pipeline".to_owned(),
    }
}

/// It recovered before anyone approved the rollback.
pub(crate) fn self_healing() -> Facts {
    Facts {
        incident: incident(json!({
            "clear_since": "2026-11-23T14:05:10Z", "resolved_at": "2026-11-23T14:10:12Z",
            "paged_at": "2026-11-23T14:03:14Z", "woken_at": "2026-11-23T14:03:14Z",
            "evidence": [{
                "pass": "1-warm", "prefix": "v1/incidents/inc-20261123-4be01f9a7c/1/1-warm/",
                "tag_manifest_sha256": "12".repeat(32), "files": 4, "gaps": 0, "sealed_at": "2026-11-23T14:03:21Z",
            }],
        })),
        timeline: vec![
            entry("14:03:12", "triage", "Opened by the alarm checkout-errors.", None),
            entry("14:03:14", "notify", "Paged ada by sns.", None),
            entry("14:05:10", "triage", "The alarm checkout-errors has recovered.", None),
            entry("14:10:13", "remediate", "Cancelled: recovery came first.", None),
        ],
        mitigations: vec![mitigation(json!({
            "outcome": "cancelled", "reason": "Recovery came first.", "ended_at": "2026-11-23T14:10:13Z",
        }))],
        pages: vec![page("ada", "sns", "14:03:14")],
        changes: Vec::new(),
    }
}

/// A drill of which next to nothing is known.
pub(crate) fn unknown() -> Facts {
    let mut incident =
        incident(json!({ "onset": null, "drill": true, "account": null, "region": null, "status": "stuck" }));
    incident.opened.signal.link = None;
    incident.opened.plan.plan.runbook = None;
    Facts { incident, timeline: Vec::new(), mitigations: Vec::new(), pages: Vec::new(), changes: Vec::new() }
}
