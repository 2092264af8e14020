//! Values that the tests of several modules begin with.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use incident::{MitigationRecord, Outcome, Progress};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::work::plan_hash;

/// So many seconds after the tests' own present.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    now + SignedDuration::from_secs(seconds)
}

/// An approved mitigation: `checkout:live` from version 2 to 1.
pub(crate) fn record() -> MitigationRecord {
    let target = "arn:aws:lambda:eu-west-1:111122223333:function:checkout:live";
    let prior = json!({"function_version": "2", "revision_id": "rev-2"});
    let desired = json!({"function_version": "1"});
    MitigationRecord {
        v: 1,
        incident_id: "inc-20261123-0123456789".into(),
        opening: 1,
        n: 1,
        choice: 0,
        kind: "rollback-lambda-alias".into(),
        target: target.into(),
        summary: "move checkout:live from version 2 back to version 1".into(),
        plan_sha256: plan_hash("rollback-lambda-alias", target, Some(&prior), Some(&desired)),
        prior: Some(prior),
        desired: Some(desired),
        progress: Progress::Approved,
        outcome: None::<Outcome>,
        reason: None,
        planned_at: at(-300),
        expires_at: at(1500),
        decided_by: Some("ana".into()),
        decided_at: Some(at(-10)),
        approval_token: None,
        fencing: None,
        applying_at: None,
        applied_at: None,
        left: None,
        ended_at: None,
        takes_away: false,
        undo: None,
        put_back: None,
        put_back_token: None,
        reminded: 0,
    }
}

/// A configuration whose service gives these answers, one after the other, without a second try; and what it was asked.
pub(crate) fn replay(answers: &[(u16, &str)]) -> (StaticReplayClient, SdkConfig) {
    let events = answers.iter().map(|(status, body)| {
        let answer = http::Response::builder().status(*status).body(SdkBody::from(*body)).unwrap();
        ReplayEvent::new(http::Request::new(SdkBody::empty()), answer)
    });
    let client = StaticReplayClient::new(events.collect());
    let config = SdkConfig::builder()
        .behavior_version(aws_sdk_lambda::config::BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::from_keys("AKIDTEST", "secret", None)))
        .retry_config(aws_smithy_types::retry::RetryConfig::disabled())
        .http_client(client.clone())
        .build();
    (client, config)
}
