//! What the tests start from: one incident, one mitigation, and clients whose network is canned.

use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use incident::{Incident, MitigationRecord};
use jiff::Timestamp;
use serde_json::json;

use crate::Ctx;
use crate::channels::Channels;
use crate::fallback::Told;

/// A time of the sample's day.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-11-23T{time}Z").parse().unwrap()
}

pub(crate) fn incident() -> Incident {
    let contact = |name: &str, channels: serde_json::Value, wait: &str| json!({"contact": {"name": name, "time_zone": "Europe/Berlin", "channels": channels}, "wait": wait});
    serde_json::from_value(json!({
        "id": "inc-20261123-0123456789",
        "title": "checkout-errors is in ALARM",
        "plan": {
            "plan": {
                "plan": "checkout-bad-deployment",
                "type": "bad-deployment",
                "match": {"source": ["aws.cloudwatch"]},
                "service": "checkout",
                "environment": "prod",
                "customer_facing": true,
                "owner": "payments",
                "severity": "SEV2",
                "engage": "page",
                "mode": "act",
                "mitigations": [{
                    "kind": "rollback-lambda-alias", "with": {"function": "checkout", "alias": "live"},
                    "does": "roll checkout:live back to the last version recorded as good",
                    "approval": "owner",
                    "guards": {"change_within": "60m", "max_targets": 1},
                    "healthy_when": null,
                    "verify_within": "5m",
                }],
                "recovery": {"by": "signal", "held_for": "5m"},
                "evidence": {"before": "30m", "log_groups": ["/aws/lambda/checkout"]},
                "runbook": "docs/runbooks/checkout-bad-deployment.md",
            },
            "team": {"name": "payments", "escalation": [
                contact("payments-on-call", json!([
                    {"sns": {"topic": "oncall"}, "wakes": true},
                    {"slack": {"channel": "C0PAYMENTS", "token": "tourniquet/slack"}},
                ]), "5m"),
                contact("payments-lead", json!([{"sns": {"topic": "leads"}, "wakes": true}]), "10m"),
            ]},
            "plan_sha256": "a".repeat(64),
            "config_sha256": "b".repeat(64),
        },
        "version": "0.1.0",
        "group_key": "checkout-bad-deployment/checkout/prod/111122223333/real",
        "drill": false,
        "account": "111122223333",
        "region": "eu-west-1",
        "signal": {
            "signal_id": "0".repeat(32),
            "fingerprint": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors",
            "source": "aws.cloudwatch",
            "title": "checkout-errors is in ALARM",
            "link": "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/checkout-errors",
            "resources": [],
            "time": "2026-11-23T14:02:11Z",
        },
        "opened_at": "2026-11-23T14:02:13Z",
        "signal_onset": "2026-11-23T14:01:00Z",
        "onset": "2026-11-23T14:01:00Z",
        "degraded": null,
        "status": "open",
        "severity": "SEV2",
        "opening": 1,
        "run": 1,
        "engagement": 1,
        "firing": ["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors"],
        "evidence": [],
    }))
    .unwrap()
}

pub(crate) fn planned() -> MitigationRecord {
    serde_json::from_value(json!({
        "v": 1,
        "incident_id": "inc-20261123-0123456789",
        "opening": 1,
        "n": 1,
        "choice": 0,
        "kind": "rollback-lambda-alias",
        "target": "arn:aws:lambda:eu-west-1:111122223333:function:checkout:live",
        "summary": "move checkout:live from version 2 to version 1",
        "prior": {"version": "2"},
        "desired": {"version": "1"},
        "plan_sha256": "3f1c9a7be2d04455".repeat(4),
        "progress": "planned",
        "planned_at": "2026-11-23T14:02:20Z",
        "expires_at": "2026-11-23T14:32:20Z",
    }))
    .unwrap()
}

/// Answers in order, whatever is asked; each with a status and a body.
pub(crate) fn canned<'a>(answers: impl IntoIterator<Item = (u16, &'a str)>) -> StaticReplayClient {
    let event = |(status, body): (u16, &str)| {
        let request = http::Request::builder().uri("https://canned.example/").body(SdkBody::empty()).unwrap();
        let response = http::Response::builder().status(status).body(SdkBody::from(body.to_owned())).unwrap();
        ReplayEvent::new(request, response)
    };
    StaticReplayClient::new(answers.into_iter().map(event).collect())
}

/// A configuration of SDK clients over canned answers; nothing is retried.
pub(crate) fn config(http: &StaticReplayClient) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(aws_sdk_sns::config::SharedCredentialsProvider::new(
            aws_sdk_sns::config::Credentials::new("key", "secret", None, None, "tests"),
        ))
        .http_client(http.clone())
        .retry_config(aws_smithy_types::retry::RetryConfig::disabled())
        .build()
}

/// A context whose network is canned: the table, SNS, Secrets Manager, and all that is outside AWS.
pub(crate) fn ctx(
    table: &StaticReplayClient,
    sns: &StaticReplayClient,
    secrets: &StaticReplayClient,
    outside: &StaticReplayClient,
) -> Ctx {
    let store = incident_store::Store::new(&config(table), "incidents");
    Ctx { store, channels: Channels::canned(&config(sns), &config(secrets), outside), told: Told::default() }
}

/// What the table says of a claim that nobody made before.
pub(crate) fn claimed() -> (u16, &'static str) {
    (200, r#"{"Attributes":{"claims":{"N":"1"}}}"#)
}

/// What SNS says when it accepts.
pub(crate) fn sns_accepts() -> &'static str {
    "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
     <MessageId>message-1</MessageId></PublishResult></PublishResponse>"
}

/// What Secrets Manager says of a secret that holds a token.
pub(crate) fn secret_holds(text: &str) -> String {
    json!({"Name": "tourniquet/slack", "SecretString": text}).to_string()
}

/// The body of each request that was made, as text.
pub(crate) fn bodies(http: &StaticReplayClient) -> Vec<String> {
    http.actual_requests()
        .map(|request| String::from_utf8_lossy(request.body().bytes().unwrap()).into_owned())
        .collect()
}
