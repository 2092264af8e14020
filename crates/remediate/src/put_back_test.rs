//! A whole call with the real clients: what is asked of the services, in order, and what follows wherever it was cut off.

use incident::{Outcome, Progress};
use serde_json::json;

use super::*;
use crate::testing::{at, replay};
use crate::{Action, Ctx, Input, Standing, handle};

const ID: &str = "inc-20261123-0123456789";
const GIVEN: &str = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
    <Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
    <Expiration>2026-11-23T10:15:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"#;
const LOST: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"no"}"#;
const LOCKED: &str = r#"{"Attributes":{"fencing":{"N":"2"}}}"#;
const TEN: &str = r#"{"ReservedConcurrentExecutions":10}"#;
const TWO: &str = r#"{"ReservedConcurrentExecutions":2}"#;
const FIVE: &str = r#"{"ReservedConcurrentExecutions":5}"#;

/// The incident whose consumer was slowed down from ten to two, clear since.
fn incident() -> String {
    let plan = json!({
        "plan": "p", "type": "t", "match": {}, "service": "s", "environment": "e", "owner": "payments", "severity": "SEV2",
        "engage": "page", "mode": "act", "recovery": {"by": "signal", "held_for": "5m"}, "runbook": null,
        "mitigations": [{
            "kind": "reduce-reserved-concurrency", "with": {"function": "writer", "to": "2"}, "does": "d",
            "approval": "owner", "guards": {"max_targets": 1}, "healthy_when": null, "verify_within": "5m",
        }],
    });
    let opened = json!({
        "id": ID, "title": "t", "version": "0.1.0", "group_key": "k", "drill": false, "account": "111122223333",
        "region": "eu-west-1", "opened_at": at(-600), "signal_onset": null, "degraded": null,
        "signal": {"signal_id": "s", "fingerprint": "f", "source": "aws.cloudwatch", "title": "t", "link": null,
                   "resources": [], "time": at(-600)},
        "plan": {"plan_sha256": "p", "config_sha256": "c", "team": {"name": "payments", "escalation": []}, "plan": plan},
    });
    let item = json!({"Item": {
        "opened": {"S": opened.to_string()}, "severity": {"S": "SEV2"}, "status": {"S": "mitigated"},
        "opening": {"N": "1"}, "run": {"N": "1"}, "engagement": {"N": "1"}, "clear_since": {"S": at(-100)},
    }});
    item.to_string()
}

fn record() -> MitigationRecord {
    MitigationRecord {
        kind: "reduce-reserved-concurrency".into(),
        target: "arn:aws:lambda:eu-west-1:111122223333:function:writer".into(),
        prior: Some(json!({"reserved": 10})),
        desired: Some(json!({"reserved": 2})),
        left: Some(json!({"reserved": 2})),
        progress: Progress::Ended,
        outcome: Some(Outcome::Verified),
        applied_at: Some(at(-200)),
        takes_away: true,
        ..crate::testing::record()
    }
}

fn asked(begun: bool) -> UndoRequest {
    let (by, request_id) = ("ana (claimed)".to_owned(), "r1".to_owned());
    UndoRequest { by, reason: None, at: at(-50), request_id, run: 1, begun_at: begun.then(|| at(-40)), refused: None }
}

/// The record's item, with the wish and the token of the parent that waits.
fn item(undo: Option<&UndoRequest>) -> serde_json::Value {
    let mut item =
        json!({"record": {"S": serde_json::to_string(&record()).unwrap()}, "put_back_token": {"S": "token"}});
    if let Some(undo) = undo {
        item["undo_asked"] = json!({"S": serde_json::to_string(undo).unwrap()});
    }
    item
}

fn stored(undo: Option<&UndoRequest>) -> String {
    json!({"Item": item(undo)}).to_string()
}

/// The answer to a call; and each request by its operation, or its method where the address says which.
async fn call(action: Action, answers: &[(u16, &str)]) -> (Result<Output, StepError>, Vec<(String, String)>) {
    let (http, config) = replay(answers);
    let ctx = Ctx {
        store: incident_store::Store::new(&config, "incidents"),
        sts: aws_sdk_sts::Client::new(&config),
        sfn: aws_sdk_sfn::Client::new(&config),
        config,
        partition: "aws".into(),
        mutations: true,
    };
    let input = Input { v: 1, incident_id: ID.into(), opening: 1, n: 1, action, held_from: Some(at(-100)) };
    let came = Box::pin(handle(&ctx, input)).await;
    let asked = http.actual_requests().map(|request| {
        let target = request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1));
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let action = body.strip_prefix("Action=").and_then(|rest| rest.split('&').next()).map(str::to_owned);
        (target.map(str::to_owned).or(action).unwrap_or_else(|| request.method().to_owned()), body)
    });
    (came, asked.collect())
}

fn operations(asked: &[(String, String)]) -> Vec<&str> {
    asked.iter().map(|(operation, _)| operation.as_str()).collect()
}

const LOOK: [&str; 6] = ["GetItem", "GetItem", "GetItem", "UpdateItem", "AssumeRole", "GET"];
const SETTLE: [&str; 5] = ["UpdateItem", "PutItem", "UpdateItem", "GetItem", "SendTaskSuccess"];

#[tokio::test]
async fn the_beginning_is_recorded_then_it_is_put_back_then_that_is_recorded_and_the_parent_woken() {
    let (incident, record) = (incident(), stored(Some(&asked(false))));
    let look = [(200, incident.as_str()), (200, record.as_str()), (200, "{}"), (200, LOCKED), (200, GIVEN), (200, TWO)];
    let change = [(200, "{}"), (200, TWO), (200, TEN)];
    let settle = [(200, "{}"), (200, "{}"), (200, "{}"), (200, record.as_str()), (200, "{}")];
    let (came, asked) = call(Action::Undo, &[&look[..], &change, &settle].concat()).await;
    assert_eq!(came.unwrap(), Output::STOP);
    assert_eq!(operations(&asked), [&LOOK[..], &["UpdateItem", "GET", "PUT"], &SETTLE].concat());
    assert!(asked[6].1.contains("begun_at") && asked[6].1.contains("undo_run = :run"), "{}", asked[6].1);
    assert_eq!(asked[8].1, r#"{"ReservedConcurrentExecutions":10}"#);
    assert!(asked[9].1.contains(r#"\"by\":\"ana (claimed)\""#), "{}", asked[9].1);
    assert!(asked[13].1.contains("token"), "{}", asked[13].1);
}

#[tokio::test]
async fn cut_off_after_the_change_it_is_known_to_be_ours_and_before_any_it_is_not() {
    for (begun, by) in [(true, r#"\"by\":\"ana (claimed)\""#), (false, r#"\"by\":null"#)] {
        let (incident, record) = (incident(), stored(Some(&asked(begun))));
        let look =
            [(200, incident.as_str()), (200, record.as_str()), (200, "{}"), (200, LOCKED), (200, GIVEN), (200, TEN)];
        let settle = [(200, "{}"), (200, "{}"), (200, "{}"), (200, record.as_str()), (200, "{}")];
        let (came, asked) = call(Action::Undo, &[&look[..], &settle].concat()).await;
        assert_eq!(came.unwrap(), Output::STOP);
        assert_eq!(operations(&asked), [&LOOK[..], &SETTLE].concat(), "nothing is changed");
        assert!(asked[6].1.contains(by), "{}", asked[6].1);
    }
}

#[tokio::test]
async fn what_somebody_changed_since_is_left_and_said() {
    let (incident, record) = (incident(), stored(Some(&asked(false))));
    let look =
        [(200, incident.as_str()), (200, record.as_str()), (200, "{}"), (200, LOCKED), (200, GIVEN), (200, FIVE)];
    let (came, asked) = call(Action::Undo, &[&look[..], &[(200, "{}"), (200, "{}"), (200, "{}")]].concat()).await;
    assert_eq!(came.unwrap_err().name(), "Refused");
    assert_eq!(operations(&asked), [&LOOK[..], &["UpdateItem", "PutItem", "UpdateItem"]].concat());
    assert!(asked[6].1.contains("somebody changed the target"), "{}", asked[6].1);
}

#[tokio::test]
async fn nothing_is_changed_once_another_try_has_begun_or_it_is_back() {
    let (incident, record) = (incident(), stored(Some(&asked(false))));
    let look = [(200, incident.as_str()), (200, record.as_str()), (200, "{}"), (200, LOCKED), (200, GIVEN), (200, TWO)];
    let (came, asked) = call(Action::Undo, &[&look[..], &[(400, LOST)]].concat()).await;
    assert_eq!(came.unwrap_err().name(), "Transient");
    assert_eq!(operations(&asked), [&LOOK[..], &["UpdateItem"]].concat());
}

#[tokio::test]
async fn without_a_wish_an_ended_mitigation_stays_as_it_is() {
    let (incident, record) = (incident(), stored(None));
    let done = [(200, incident.as_str()), (200, record.as_str()), (200, "{}"), (200, "{}"), (200, "{}")];
    let (came, asked) = call(Action::Undo, &done).await;
    assert_eq!(came.unwrap(), Output::STOP);
    assert_eq!(operations(&asked), ["GetItem", "GetItem", "PutItem", "UpdateItem", "SendTaskSuccess"]);
}

#[tokio::test]
async fn the_incident_waits_while_the_world_shows_it_in_force_and_holds_again_once_it_is_back() {
    let (incident, list) = (incident(), json!({"Items": [item(None)]}).to_string());
    let look = [(200, incident.as_str()), (200, list.as_str()), (200, GIVEN)];
    let held = [(200, TWO), (200, incident.as_str()), (200, "{}")];
    let (came, asked) = call(Action::InForce, &[&look[..], &held].concat()).await;
    assert_eq!(came.unwrap(), Output::Standing { next: Standing::Wait, n: 1 });
    assert_eq!(operations(&asked), ["GetItem", "Query", "AssumeRole", "GET", "GetItem", "PutItem"]);
    assert!(asked[5].1.contains("tourniquet mitigate undo"), "{}", asked[5].1);

    let stored = stored(None);
    let back = [(200, TEN), (200, "{}"), (200, "{}"), (200, "{}"), (200, stored.as_str()), (200, "{}")];
    let (came, asked) = call(Action::InForce, &[&look[..], &back].concat()).await;
    assert_eq!(came.unwrap(), Output::Standing { next: Standing::Again, n: 0 });
    assert_eq!(operations(&asked), [&["GetItem", "Query", "AssumeRole", "GET"][..], &SETTLE].concat());
    assert!(asked[4].1.contains(r#"\"by\":null"#), "{}", asked[4].1);
}

#[tokio::test]
async fn a_world_that_cannot_be_read_is_not_known_to_be_back() {
    let (incident, list) = (incident(), json!({"Items": [item(None)]}).to_string());
    let denied = r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#;
    let answers = [(200, incident.as_str()), (200, &list), (200, GIVEN), (403, denied), (200, &incident), (200, "{}")];
    let (came, _) = call(Action::InForce, &answers).await;
    assert_eq!(came.unwrap(), Output::Standing { next: Standing::Wait, n: 1 });
}

#[test]
fn it_is_put_back_only_from_what_apply_left_and_while_it_may() {
    let no = || Err("the brake is on".to_owned());
    for (found, permit, expect) in [
        (Found::Left, Ok(()), Step::Change),
        (Found::Left, no(), Step::Refuse("the brake is on".into())),
        (Found::Elsewhere, no(), Step::Refuse("the brake is on".into())),
        // Nothing is changed any more, so no guard is asked.
        (Found::Prior, Ok(()), Step::Settle),
        (Found::Prior, no(), Step::Settle),
    ] {
        assert_eq!(decide(found, permit), expect, "{found:?}");
    }
    let Step::Refuse(why) = decide(Found::Elsewhere, Ok(())) else { panic!("it was not refused") };
    assert!(why.contains("somebody changed the target"), "{why}");
}
