//! Making an incident of what was told once, with the real clients over canned answers of the services.

use incident::Opened;
use response_plan::Engage;
use serde_json::{Value, json};

use super::*;
use crate::samples::{at, incident};
use crate::tests::{asked, ctx};

const ID: &str = "0123456789abcdef0123456789abcdef";
const GET: &str = "DynamoDB_20120810.GetItem";
const WRITE: &str = "DynamoDB_20120810.TransactWriteItems";
const LOOK: &str = "DynamoDB_20120810.TransactGetItems";
const START: &str = "AWSStepFunctions.StartExecution";

/// The recorded signal, as it was told under the sample's plan.
fn recorded(more: Value) -> (u16, Value) {
    let mut plan = incident().opened.plan;
    plan.plan.engage = Engage::Notify;
    let signal = json!({
        "source": "aws.cloudwatch", "detail_type": null, "kind": "alarm", "state": "firing", "account": null,
        "region": null, "time": at(0), "onset": null, "resources": [], "title": "slow", "reason": null, "link": null,
        "fingerprint": "f", "signal_id": ID, "drill": false, "event": {},
    });
    let mut item = json!({
        "signal": {"S": signal.to_string()}, "received_at": {"S": at(1)}, "reason": {"S": "it came before"},
        "plan": {"S": serde_json::to_string(&plan).unwrap()},
    });
    for (name, value) in more.as_object().unwrap() {
        item[name] = value.clone();
    }
    (200, json!({"Item": item}))
}

/// What is known of the signal, the failing thing and the group.
fn known(fingerprint: Value, pointer: Value) -> (u16, Value) {
    let item = |item: Value| if item.is_null() { json!({}) } else { json!({"Item": item}) };
    (200, json!({"Responses": [item(json!({"pk": {"S": "SIG"}})), item(fingerprint), item(pointer)]}))
}

fn fires() -> Value {
    json!({"state": {"S": "firing"}, "time": {"S": at(0)}})
}

fn open(status: &str) -> Value {
    json!({"incident_id": {"S": incident().id()}, "opening": {"N": "1"}, "status": {"S": status}})
}

/// The item of an open incident.
fn stored() -> (u16, Value) {
    let opened = serde_json::to_string(&incident().opened).unwrap();
    let item = json!({
        "opened": {"S": opened}, "severity": {"S": "SEV2"}, "status": {"S": "open"}, "opening": {"N": "1"},
        "run": {"N": "1"}, "engagement": {"N": "1"},
    });
    (200, json!({"Item": item}))
}

const DONE: fn() -> (u16, Value) = || (200, json!({"executionArn": "a", "startDate": 1.0}));

async fn check(answers: &[(u16, Value)], done: bool, part: &str, calls: &[&str]) -> Vec<Value> {
    let (ctx, replay) = ctx(answers);
    let why = Why { by: "ana (claimed)", reason: "it spreads", severity: Some(Severity::Sev1) };
    let answer = declare(&ctx, ID, &why, at(100)).await.unwrap();
    assert!(answer.done == done && answer.text.contains(part), "{answer:?}");
    assert_eq!(asked(&replay), calls);
    replay.actual_requests().map(|r| serde_json::from_slice(r.body().bytes().unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn it_is_opened_as_one_that_pages_and_its_execution_started() {
    let answers = [recorded(json!({})), known(fires(), Value::Null), (200, json!({})), DONE()];
    let bodies = check(&answers, true, " is open as SEV1, and is paged about", &[GET, LOOK, WRITE, START]).await;
    let item = &bodies[2]["TransactItems"][1]["Put"]["Item"];
    let opened: Opened = serde_json::from_str(item["opened"]["S"].as_str().unwrap()).unwrap();
    assert_eq!((opened.plan.plan.engage, opened.plan.plan.severity), (Engage::Page, Severity::Sev1));
    assert_eq!((item["severity"]["S"].as_str(), opened.opened_at), (Some("SEV1"), at(100)));
    let id = opened.id;
    assert_eq!(bodies[3]["name"], format!("{id}-1-1"));
    assert_eq!(bodies[3]["input"], format!(r#"{{"v":1,"incident_id":"{id}","opening":1}}"#));
    let entry = &bodies[2]["TransactItems"][4]["Put"]["Item"]["what"]["S"];
    assert_eq!(entry, "declared as SEV1 by ana (claimed): it spreads; told once as slow");
}

#[tokio::test]
async fn a_delivery_that_was_cut_off_is_finished() {
    let belongs = recorded(json!({"incident_id": {"S": incident().id()}, "opening": {"N": "1"}}));
    for started in [DONE(), (400, json!({"__type": "ExecutionAlreadyExists", "message": "m"}))] {
        let calls = [GET, GET, START];
        check(&[belongs.clone(), stored(), started], true, "inc-20251123-0123456789, which is open", &calls).await;
    }
}

#[tokio::test]
async fn one_open_incident_is_enough() {
    let answers = [recorded(json!({})), known(fires(), open("open"))];
    check(&answers, false, "has the open incident inc-20251123-0123456789", &[GET, LOOK]).await;
    // Of another group: the plans have changed, and the failing thing has fired anew since.
    let mut elsewhere = fires();
    elsewhere["incident_id"] = json!({"S": incident().id()});
    elsewhere["opening"] = json!({"N": "1"});
    let answers = [recorded(json!({})), known(elsewhere, Value::Null), stored()];
    check(&answers, false, "has the open incident inc-20251123-0123456789", &[GET, LOOK, GET]).await;
}

#[tokio::test]
async fn a_lost_race_looks_again() {
    let lost = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "message": "no",
        "CancellationReasons": [{"Code": "ConditionalCheckFailed"}],
    });
    let answers = [
        recorded(json!({})),
        known(fires(), Value::Null),
        (400, lost),
        recorded(json!({})),
        known(fires(), open("open")),
    ];
    check(&answers, false, "has the open incident", &[GET, LOOK, WRITE, GET, LOOK]).await;
}

#[tokio::test]
async fn what_was_never_told_is_answered() {
    check(&[(200, json!({}))], false, "there is no signal 0123456789abcdef", &[GET]).await;
    let mut ignored = recorded(json!({}));
    ignored.1["Item"].as_object_mut().unwrap().remove("plan");
    check(&[ignored], false, "was not told in a digest (it came before)", &[GET]).await;
}
