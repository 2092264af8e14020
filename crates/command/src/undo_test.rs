use incident::{Outcome, PutBack};
use serde_json::{Value, json};

use super::*;
use crate::samples::{at, incident};
use crate::tests::{asked, ctx};

const ID: &str = "inc-20251123-0123456789";
const BY: &str = "ana (claimed)";

/// A consumer that was taken out of the way, and helped.
fn record() -> MitigationRecord {
    let record = crate::samples::record();
    let (outcome, left) = (Some(Outcome::Verified), Some(json!({"enabled": false})));
    MitigationRecord { progress: Progress::Ended, outcome, left, takes_away: true, ..record }
}

fn wish(run: u32, request_id: &str) -> UndoRequest {
    let (by, request_id) = (BY.to_owned(), request_id.to_owned());
    UndoRequest { by, reason: None, at: at(50), request_id, run, begun_at: None, refused: None }
}

fn request(request_id: &str) -> Request {
    let (request_id, by) = (request_id.to_owned(), BY.to_owned());
    Request { request_id, verb: Some(incident::Verb::Undo), incident_id: Some(ID.into()), by }
}

#[track_caller]
fn check(undo: Option<UndoRequest>, last: Last, expect: &str) {
    let record = MitigationRecord { undo, ..record() };
    let told = match decide(&record, last, &request("r9"), None, at(60)) {
        Ruling::Ask(undo) => format!("ask {}", undo.run),
        Ruling::Start(undo) => format!("start {} of {}", undo.run, undo.request_id),
        Ruling::No(reason) => reason,
    };
    assert!(told.contains(expect), "{told}, not {expect}");
}

#[test]
fn a_try_follows_one_that_ended_in_vain() {
    check(None, Last::Never, "ask 1");
    check(Some(wish(1, "r1")), Last::Ended, "ask 2");
    check(Some(wish(7, "r1")), Last::Ended, "ask 8");
    check(
        Some(wish(1, "r1")),
        Last::Running,
        "ana (claimed) asked for it at 2025-11-23 14:00:50 UTC, and it is under way",
    );
    // Its command was cut off before the start: whoever asks next starts it.
    check(Some(wish(2, "r1")), Last::Missing, "start 2 of r1");
}

#[test]
fn the_same_request_asks_once() {
    for last in [Last::Missing, Last::Running, Last::Ended] {
        check(Some(wish(2, "r9")), last, "start 2 of r9");
    }
}

#[test]
fn only_what_is_in_force_is_taken_back() {
    let back = Some(PutBack { at: at(55), by: None });
    let stands = |progress| MitigationRecord { progress, outcome: None, left: None, ..record() };
    for (record, part) in [
        (MitigationRecord { put_back: back, ..record() }, "it is back since 2025-11-23 14:00:55 UTC"),
        (MitigationRecord { outcome: Some(Outcome::Undone), ..record() }, "nothing of it is in force"),
        (MitigationRecord { left: None, outcome: Some(Outcome::Refused), ..record() }, "nothing of it is in force"),
        (stands(Progress::Planned), "tourniquet reject"),
        (stands(Progress::Approved), "tourniquet reject"),
        (stands(Progress::Applying), "by hand"),
        (stands(Progress::Applied), "being verified"),
    ] {
        assert!(not_in_force(&record).unwrap().contains(part), "{record:?}");
    }
    for outcome in [Outcome::Verified, Outcome::Unproven, Outcome::Ineffective] {
        assert_eq!(not_in_force(&MitigationRecord { outcome: Some(outcome), ..record() }), None);
    }
}

fn stored(record: &MitigationRecord) -> (u16, Value) {
    let mut item = json!({"record": {"S": serde_json::to_string(record).unwrap()}});
    if let Some(undo) = &record.undo {
        item["undo_asked"] = json!({"S": serde_json::to_string(undo).unwrap()});
        item["undo_run"] = json!({"N": undo.run.to_string()});
    }
    (200, json!({"Item": item}))
}

fn loaded() -> (u16, Value) {
    let item = json!({
        "opened": {"S": serde_json::to_string(&incident().opened).unwrap()}, "severity": {"S": "SEV2"},
        "status": {"S": "mitigated"}, "opening": {"N": "1"}, "run": {"N": "1"}, "engagement": {"N": "1"},
    });
    (200, json!({"Item": item}))
}

fn described(status: &str) -> (u16, Value) {
    (200, json!({"executionArn": "a", "stateMachineArn": "m", "startDate": 1.0, "status": status}))
}

fn no(code: &str) -> (u16, Value) {
    (400, json!({"__type": code, "message": "m"}))
}

const LOAD: &str = "DynamoDB_20120810.GetItem";
const WRITE: &str = "DynamoDB_20120810.UpdateItem";
const NOTE: &str = "DynamoDB_20120810.PutItem";
const START: &str = "AWSStepFunctions.StartExecution";
const LOOK: &str = "AWSStepFunctions.DescribeExecution";

#[tokio::test]
async fn the_wish_is_recorded_before_its_execution_is_started() {
    let done = || (200, json!({}));
    let (ctx, replay) =
        ctx(&[loaded(), stored(&record()), done(), done(), (200, json!({"executionArn": "a", "startDate": 1.0}))]);
    let answer = undo(&ctx, &request("r9"), ID, 1, Some("it bears it again"), at(60)).await.unwrap();
    assert!(answer.done && answer.text.contains("tourniquet show"), "{answer:?}");
    assert_eq!(asked(&replay), [LOAD, LOAD, WRITE, NOTE, START]);
    let bodies: Vec<Value> =
        replay.actual_requests().map(|r| serde_json::from_slice(r.body().bytes().unwrap()).unwrap()).collect();
    assert_eq!(bodies[4]["name"], "inc-20251123-0123456789-1-1-undo");
    assert_eq!(bodies[4]["input"], r#"{"v":1,"incident_id":"inc-20251123-0123456789","opening":1,"n":1,"undo":true}"#);
    assert!(bodies[3].to_string().contains("asked to take mitigation 1 back: it bears it again"), "{}", bodies[3]);
}

#[tokio::test]
async fn cut_off_after_the_wish_the_next_delivery_starts_it() {
    let ours = MitigationRecord { undo: Some(wish(1, "r9")), ..record() };
    for (found, start) in [
        (no("ExecutionDoesNotExist"), (200, json!({"executionArn": "a", "startDate": 1.0}))),
        (described("RUNNING"), no("ExecutionAlreadyExists")),
        (described("SUCCEEDED"), no("ExecutionAlreadyExists")),
    ] {
        let (ctx, replay) = ctx(&[loaded(), stored(&ours), found, (200, json!({})), start]);
        assert!(undo(&ctx, &request("r9"), ID, 1, None, at(60)).await.unwrap().done);
        assert_eq!(asked(&replay), [LOAD, LOAD, LOOK, NOTE, START], "nothing is written anew");
    }
}

#[tokio::test]
async fn a_try_that_was_refused_is_followed_by_one_of_another_name() {
    let refused = UndoRequest { refused: Some("the brake is on".into()), ..wish(1, "r1") };
    let before = MitigationRecord { undo: Some(refused), ..record() };
    let done = || (200, json!({}));
    let (ctx, replay) = ctx(&[
        loaded(),
        stored(&before),
        described("SUCCEEDED"),
        done(),
        done(),
        (200, json!({"executionArn": "a", "startDate": 1.0})),
    ]);
    assert!(undo(&ctx, &request("r9"), ID, 1, None, at(60)).await.unwrap().done);
    let start = replay.actual_requests().last().unwrap();
    let body: Value = serde_json::from_slice(start.body().bytes().unwrap()).unwrap();
    assert_eq!(body["name"], "inc-20251123-0123456789-1-1-undo-2");
}

#[tokio::test]
async fn a_wish_that_loses_a_race_is_judged_again() {
    let running = MitigationRecord { undo: Some(wish(1, "r1")), ..record() };
    let lost = no("com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException");
    let (ctx, replay) = ctx(&[loaded(), stored(&record()), lost, loaded(), stored(&running), described("RUNNING")]);
    let answer = undo(&ctx, &request("r9"), ID, 1, None, at(60)).await.unwrap();
    assert!(!answer.done && answer.text.contains("under way"), "{answer:?}");
    assert_eq!(asked(&replay), [LOAD, LOAD, WRITE, LOAD, LOAD, LOOK]);
}

#[tokio::test]
async fn what_cannot_be_looked_at_or_started_is_delivered_again() {
    let before = MitigationRecord { undo: Some(wish(1, "r1")), ..record() };
    let (ctx, _) = ctx(&[loaded(), stored(&before), no("AccessDeniedException")]);
    assert_eq!(undo(&ctx, &request("r9"), ID, 1, None, at(60)).await.unwrap_err().name(), "Stuck");
    let done = || (200, json!({}));
    let (ctx, _) = self::ctx(&[loaded(), stored(&record()), done(), done(), no("ThrottlingException")]);
    assert_eq!(undo(&ctx, &request("r9"), ID, 1, None, at(60)).await.unwrap_err().name(), "Transient");
}
