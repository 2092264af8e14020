//! What the tests start from: one incident, and clients whose network is canned.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use incident::Incident;
use jiff::Timestamp;
use serde_json::json;

use crate::bucket::Bucket;
use crate::{Ctx, Store};

/// A time of the sample's day.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-11-23T{time}Z").parse().unwrap()
}

pub(crate) fn incident() -> Incident {
    let mitigation = json!({
        "kind": "rollback-lambda-alias", "with": {"function": "checkout", "alias": "live"},
                    "does": "roll checkout:live back to the last version recorded as good",
        "approval": "owner",
        "guards": {"change_within": "60m", "max_targets": 1},
        "healthy_when": {
            "metric": {"namespace": "Shop", "name": "Orders", "dimensions": {"Service": "checkout"}},
            "at_least": 1.0, "datapoints": 3, "period": "60s",
        },
        "verify_within": "5m",
    });
    serde_json::from_value(json!({
        "id": "inc-20261123-0123456789",
        "title": "checkout: errors is in ALARM",
        "plan": {
            "plan": {
                "plan": "checkout-bad-deployment",
                "type": "bad-deployment",
                "match": {"source": ["aws.cloudwatch"]},
                "service": "checkout",
                "environment": "prod",
                "owner": "payments",
                "severity": "SEV2",
                "engage": "page",
                "mitigations": [mitigation, mitigation],
                "recovery": {"by": "signal", "held_for": "5m"},
                "evidence": {"before": "30m", "log_groups": ["/shop/web", "/aws/lambda/checkout", "/shop/web"]},
                "runbook": null,
            },
            "team": {"name": "payments", "escalation": []},
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
            "fingerprint": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout: errors",
            "source": "aws.cloudwatch",
            "title": "checkout: errors is in ALARM",
            "link": null,
            "resources": ["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout: errors"],
            "time": "2026-11-23T14:02:11Z",
        },
        "opened_at": "2026-11-23T14:02:13Z",
        "onset": null,
        "degraded": null,
        "status": "open",
        "severity": "SEV2",
        "opening": 1,
        "run": 1,
        "engagement": 1,
        "firing": ["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout: errors"],
        "evidence": [],
    }))
    .unwrap()
}

/// An answer: status, headers, body.
pub(crate) type Answer<'a> = (u16, &'a [(&'a str, &'a str)], &'a str);

/// Answers in order, whatever is asked.
pub(crate) fn canned<const N: usize>(answers: [Answer<'_>; N]) -> StaticReplayClient {
    canned_all(&answers)
}

/// As [`canned`], however many they are.
pub(crate) fn canned_all(answers: &[Answer<'_>]) -> StaticReplayClient {
    let event = |(status, headers, body): &Answer<'_>| {
        let request = http::Request::builder().uri("https://canned.example/").body(SdkBody::empty()).unwrap();
        let mut response = http::Response::builder().status(*status);
        for (name, value) in *headers {
            response = response.header(*name, *value);
        }
        ReplayEvent::new(request, response.body(SdkBody::from((*body).to_owned())).unwrap())
    };
    StaticReplayClient::new(answers.iter().map(event).collect())
}

/// A configuration of SDK clients over canned answers; nothing is retried.
pub(crate) fn config(http: &StaticReplayClient) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("key", "secret", None, None, "tests")))
        .http_client(http.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(1))
        .build()
}

impl Ctx {
    /// What a handler holds, all of it over one network.
    pub(crate) fn canned(config: &SdkConfig) -> Self {
        Self {
            store: Store::new(config, "incidents"),
            bucket: Bucket::new(config, "evidence"),
            sts: aws_sdk_sts::Client::new(config),
            config: config.clone(),
            partition: "aws".to_owned(),
            own_account: "999988887777".to_owned(),
            own_region: "eu-west-1".to_owned(),
        }
    }
}

/// What was asked: method, path with query, and one header each.
pub(crate) fn asked<'a>(http: &'a StaticReplayClient, header: &str) -> Vec<(&'a str, String, Option<&'a str>)> {
    let one = |request: &'a aws_smithy_runtime_api::client::orchestrator::HttpRequest| {
        let path = request.uri().split_once(".com").map_or(request.uri(), |(_, path)| path).to_owned();
        (request.method(), path, request.headers().get(header))
    };
    http.actual_requests().map(one).collect()
}
