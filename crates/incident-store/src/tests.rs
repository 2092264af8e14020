//! The store with the real client: what DynamoDB answers, and what that means here.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use incident::{GroupKey, Incident, Known, Opened, SignalSummary, Status};
use jiff::Timestamp;
use serde_json::{Value, json};
use signal::{Kind, Signal, State};

use crate::{Claim, Lock, Opening, PageKey, Store, Taken, incident_item};

pub(crate) fn now() -> Timestamp {
    "2026-11-23T10:00:00.250Z".parse().unwrap()
}

fn store(status: u16, answer: &Value) -> (Store, StaticReplayClient) {
    answering(&[(status, answer.clone())])
}

/// A store whose table gives these answers, one after the other; and what it was asked.
pub(crate) fn answering(answers: &[(u16, Value)]) -> (Store, StaticReplayClient) {
    let event = |(status, answer): &(u16, Value)| {
        let answer = http::Response::builder().status(*status).body(SdkBody::from(answer.to_string())).unwrap();
        ReplayEvent::new(http::Request::new(SdkBody::empty()), answer)
    };
    let client = StaticReplayClient::new(answers.iter().map(event).collect());
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::from_keys("AKIDTEST", "secret", None)))
        .retry_config(aws_smithy_types::retry::RetryConfig::disabled())
        .http_client(client.clone())
        .build();
    (Store::new(&config, "incidents"), client)
}

fn asked(client: &StaticReplayClient) -> Value {
    let request = client.actual_requests().next().expect("one request");
    serde_json::from_slice(request.body().bytes().unwrap()).unwrap()
}

pub(crate) fn signal() -> Signal {
    Signal {
        source: "aws.cloudwatch".into(),
        detail_type: None,
        kind: Kind::Alarm,
        state: State::Firing,
        account: Some("111122223333".into()),
        region: Some("eu-west-1".into()),
        time: now(),
        onset: None,
        resources: vec![],
        tags: Default::default(),
        title: "checkout-errors is in alarm".into(),
        reason: None,
        link: None,
        fingerprint: "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors".into(),
        signal_id: "59f271910463c239182606d5ccf3b6ed".into(),
        drill: false,
        event: json!({}),
    }
}

pub(crate) fn opened() -> (Opened, GroupKey) {
    let group = GroupKey::new("catch-all", "unknown", "unknown", Some("111122223333"), false);
    let signal = signal();
    let opened = Opened {
        id: incident::incident_id(&group, &signal),
        title: signal.title.clone(),
        plan: response_plan::catch_all("arn:aws:sns:eu-west-1:111122223333:fallback"),
        version: "0.1.0".into(),
        group_key: group.readable().into(),
        drill: false,
        account: signal.account.clone(),
        region: signal.region.clone(),
        signal: SignalSummary::from(&signal),
        opened_at: now(),
        onset: Some("2026-11-23T09:58:00Z".parse().unwrap()),
        flapping: false,
        degraded: None,
    };
    (opened, group)
}

#[test]
fn an_incident_reads_back_as_it_was_opened() {
    let (opened, group) = opened();
    let item = incident_item::opening(&opened, &group).unwrap();
    let incident: Incident = incident_item::read(&item).unwrap();
    assert_eq!(incident.opened, opened);
    assert_eq!(incident.status, Status::Open);
    assert_eq!(incident.onset, opened.onset);
    assert_eq!(incident.firing, [opened.signal.fingerprint.clone()].into());
    assert_eq!((incident.opening, incident.run, incident.engagement), (1, 1, 1));
    assert_eq!(item["held_for_s"].as_n().unwrap(), "300", "the state machine reads it as a number");
}

#[test]
fn an_incident_of_a_newer_version_is_stuck_not_guessed() {
    let (opened, group) = opened();
    let mut item = incident_item::opening(&opened, &group).unwrap();
    item.insert("status".into(), aws_sdk_dynamodb::types::AttributeValue::S("pondering".into()));
    assert_eq!(incident_item::read(&item).unwrap_err().name(), "Stuck");
}

#[tokio::test]
async fn opening_is_one_transaction_in_which_everything_is_conditional() {
    let (store, client) = store(200, &json!({}));
    let (opened, group) = opened();
    let taken = store.open(&signal(), &Known::default(), Opening { opened: &opened, group: &group }).await.unwrap();
    assert_eq!(taken, Taken::Done);
    let items = asked(&client)["TransactItems"].as_array().unwrap().clone();
    let key = |item: &Value| item["Put"]["Item"]["pk"]["S"].as_str().unwrap().to_owned();
    let kinds: Vec<String> = items.iter().map(|i| key(i).split('#').next().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["SIG", "FP", "INC", "OPEN", "INC", "INC"]);
    // The signal may have waited for the end of a mute, which the condition names; and that is written over.
    assert_eq!(items[0]["Put"]["ConditionExpression"], "attribute_not_exists(pk) OR #status IN (:muted, :storm)");
    assert_eq!(items[0]["Put"]["ExpressionAttributeValues"][":muted"]["S"], "muted");
    for item in &items[1..5] {
        assert_eq!(item["Put"]["ConditionExpression"], "attribute_not_exists(pk)", "{item}");
    }
}

#[tokio::test]
async fn a_condition_that_fails_and_a_conflict_are_lost_races_and_the_rest_has_a_name() {
    let cancelled = |code: &str| {
        json!({"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "Message": "cancelled",
               "CancellationReasons": [{"Code": "None"}, {"Code": code}]})
    };
    let error = |name: &str| json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "no"});
    let cases = [
        (400, cancelled("ConditionalCheckFailed"), Ok(Taken::LostRace)),
        (400, cancelled("TransactionConflict"), Ok(Taken::LostRace)),
        (400, cancelled("ItemCollectionSizeLimitExceeded"), Err("Stuck")),
        (400, error("ThrottlingException"), Err("Transient")),
        (400, error("ProvisionedThroughputExceededException"), Err("Transient")),
        (400, error("ResourceNotFoundException"), Err("Stuck")),
        (400, error("AccessDeniedException"), Err("Stuck")),
        (500, error("InternalServerError"), Err("Transient")),
    ];
    for (status, answer, expect) in cases {
        let (store, _) = store(status, &answer);
        let (opened, group) = opened();
        let taken = store.open(&signal(), &Known::default(), Opening { opened: &opened, group: &group }).await;
        assert_eq!(taken.map_err(|e| e.name()), expect, "{answer}");
    }
}

#[tokio::test]
async fn a_claim_tells_who_sends() {
    let page = PageKey {
        incident_id: "inc-20261123-0123456789".into(),
        opening: 1,
        engagement: 1,
        step: 1,
        contact: "on-call".into(),
        channel: "sns".into(),
    };
    let failed = |item: Value| json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no", "Item": item});
    let until: Timestamp = "2026-11-23T10:00:20Z".parse().unwrap();
    let lease = until.as_millisecond().to_string();
    let cases = [
        (200, json!({"Attributes": {"claims": {"N": "1"}}}), Claim::Mine { repeat: false }),
        (200, json!({"Attributes": {"claims": {"N": "2"}}}), Claim::Mine { repeat: true }),
        (400, failed(json!({"lease_until_ms": {"N": lease}})), Claim::Held { until }),
        (400, failed(json!({"lease_until_ms": {"N": lease}, "sent_at": {"S": "2026-11-23T10:00:01Z"}})), Claim::Sent),
    ];
    for (status, answer, expect) in cases {
        let (store, client) = store(status, &answer);
        assert_eq!(store.claim_page(&page, now()).await.unwrap(), expect);
        assert_eq!(asked(&client)["Key"]["sk"]["S"], "SENT#1#1#1#on-call#sns");
    }
}

#[tokio::test]
async fn the_same_holder_enters_again_and_keeps_its_number() {
    let (store, client) = store(200, &json!({"Attributes": {"fencing": {"N": "7"}}}));
    let lock = store.lock("arn", "inc#1#1", now(), response_plan::Span::seconds(900)).await.unwrap();
    assert_eq!(lock, Lock::Mine { fencing: 7 });
    assert_eq!(asked(&client)["ConditionExpression"], "holder = :holder");
}

#[tokio::test]
async fn an_id_that_is_none_is_rejected_without_asking() {
    let (store, client) = store(200, &json!({}));
    assert_eq!(store.incident("inc-1").await.unwrap_err().name(), "Rejected");
    assert_eq!(client.actual_requests().count(), 0);
}

#[tokio::test]
async fn an_incident_that_is_not_there_is_rejected_with_the_remedy() {
    let (store, _) = store(200, &json!({}));
    let error = store.load("inc-20261123-0123456789").await.unwrap_err();
    assert_eq!(error.name(), "Rejected");
    assert!(error.to_string().contains("`tourniquet incidents` lists them"), "{error}");
}
