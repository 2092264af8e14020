//! The handler over the real clients, with canned answers of the services.

use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use serde_json::{Value, json};

use super::*;
use crate::samples::{at, incident};

/// The answers of the services, in order: status, body.
pub(crate) fn ctx(answers: &[(u16, Value)]) -> (Ctx, StaticReplayClient) {
    let event = |(status, body): &(u16, Value)| {
        let request = http::Request::builder().uri("http://localhost/").body(Vec::new().into()).unwrap();
        let answer = http::Response::builder().status(*status).body(body.to_string().into()).unwrap();
        ReplayEvent::new(request, answer)
    };
    let replay = StaticReplayClient::new(answers.iter().map(event).collect());
    let env = Env::from([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_REGION", "eu-west-1")]);
    let config = step::aws::config(&env).unwrap().to_builder().http_client(replay.clone()).build();
    let mitigate = "arn:aws:states:eu-west-1:111122223333:stateMachine:mitigate";
    let response = "arn:aws:states:eu-west-1:111122223333:stateMachine:incident-response";
    (Ctx::over(&config, "incidents".into(), mitigate.into(), response.into()).unwrap(), replay)
}

fn batch(body: &str) -> Input {
    serde_json::from_value(json!({"Records": [{"messageId": "m1", "body": body}]})).unwrap()
}

fn acknowledge() -> String {
    json!({"v": 1, "request_id": "r1", "incident_id": incident().id(), "verb": "acknowledge", "claimed_by": "ana"})
        .to_string()
}

/// The operations that were asked of the services.
pub(crate) fn asked(replay: &StaticReplayClient) -> Vec<String> {
    replay.actual_requests().map(|r| r.headers().get("x-amz-target").unwrap_or_default().to_owned()).collect()
}

/// The answer that was recorded last.
fn answered(replay: &StaticReplayClient) -> CommandRecord {
    let last = replay.actual_requests().last().unwrap();
    let body: Value = serde_json::from_slice(last.body().bytes().unwrap()).unwrap();
    serde_json::from_str(body["Item"]["command"]["S"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_no_command_stays_in_the_queue_without_a_call() {
    for body in ["", "[1]", r#"{"verb": "acknowledge"}"#, r#"{"request_id": "r 1", "verb": "acknowledge"}"#] {
        let (ctx, replay) = ctx(&[]);
        let output = handle(&ctx, batch(body)).await.unwrap();
        assert_eq!(output.batch_item_failures[0].item_identifier, "m1", "{body}");
        assert!(asked(&replay).is_empty(), "{body}");
    }
}

#[tokio::test]
async fn what_nobody_here_does_is_answered_and_recorded() {
    let dance = json!({"v": 1, "request_id": "r1", "verb": "dance", "args": {"n": 1}, "claimed_by": "ana"}).to_string();
    let (ctx, replay) = ctx(&[(200, json!({})), (200, json!({}))]);
    let output = handle(&ctx, batch(&dance)).await.unwrap();
    assert!(output.batch_item_failures.is_empty(), "it is answered, and comes no more");
    assert_eq!(asked(&replay), ["DynamoDB_20120810.GetItem", "DynamoDB_20120810.PutItem"]);
    let record = answered(&replay);
    assert_eq!((record.verb, record.done, record.by.as_str()), (None, false, "ana (claimed)"));
    assert!(record.answer.starts_with("`dance` is nothing that can be asked of version "), "{}", record.answer);

    // It comes again, since the deletion of the message was lost: it stays as it is answered.
    let item = json!({"Item": {"command": {"S": serde_json::to_string(&record).unwrap()}}});
    let (ctx, replay) = self::ctx(&[(200, item)]);
    assert!(handle(&ctx, batch(&dance)).await.unwrap().batch_item_failures.is_empty());
    assert_eq!(asked(&replay), ["DynamoDB_20120810.GetItem"]);
}

/// What a brake command is answered, sent at second 7, and the write that it made.
async fn braked(on: bool, answer: (u16, Value)) -> (CommandRecord, Value) {
    let (ctx, replay) = ctx(&[(200, json!({})), answer, (200, json!({}))]);
    let body =
        json!({"v": 1, "request_id": "r1", "verb": "brake", "args": {"on": on, "reason": "r"}, "claimed_by": "ana"});
    let sent = at(7).as_millisecond().to_string();
    let message = json!({"messageId": "m1", "body": body.to_string(), "attributes": {"SentTimestamp": sent}});
    let output = handle(&ctx, serde_json::from_value(json!({"Records": [message]})).unwrap()).await.unwrap();
    assert!(output.batch_item_failures.is_empty());
    let bodies: Vec<Value> =
        replay.actual_requests().map(|r| serde_json::from_slice(r.body().bytes().unwrap()).unwrap()).collect();
    (serde_json::from_str(bodies[2]["Item"]["command"]["S"].as_str().unwrap()).unwrap(), bodies[1].clone())
}

#[tokio::test]
async fn a_brake_command_counts_from_when_it_was_asked() {
    for on in [true, false] {
        let (record, write) = braked(on, (200, json!({}))).await;
        assert!(record.done, "{}", record.answer);
        assert_eq!(write["ExpressionAttributeValues"][":asked"]["N"], at(7).as_millisecond().to_string());
        let late = json!({"__type": "ConditionalCheckFailedException", "message": "m"});
        let (record, _) = braked(on, (400, late)).await;
        assert!(!record.done && record.answer.starts_with("a newer brake command stands"), "{}", record.answer);
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_delivers_it_again() {
    let gone = json!({"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no table"});
    let (ctx, _) = ctx(&[(400, gone)]);
    let output = handle(&ctx, batch(&acknowledge())).await.unwrap();
    assert_eq!(output.batch_item_failures[0].item_identifier, "m1");
}

#[tokio::test]
async fn an_unknown_incident_is_answered_and_not_tried_again() {
    let (ctx, replay) = ctx(&[(200, json!({})), (200, json!({})), (200, json!({}))]);
    let output = handle(&ctx, batch(&acknowledge())).await.unwrap();
    assert!(output.batch_item_failures.is_empty());
    let record = answered(&replay);
    assert_eq!((record.done, record.by.as_str()), (false, "ana (claimed)"));
    assert!(record.answer.contains("there is no incident"), "{}", record.answer);
}

#[tokio::test]
async fn what_was_answered_is_not_done_again() {
    let record = json!({
        "v": 1, "request_id": "r1", "verb": "acknowledge", "incident_id": incident().id(), "done": true,
        "answer": "acknowledged", "by": "ana (claimed)", "at": at(3),
    });
    let (ctx, replay) = ctx(&[(200, json!({"Item": {"command": {"S": record.to_string()}}}))]);
    let output = handle(&ctx, batch(&acknowledge())).await.unwrap();
    assert!(output.batch_item_failures.is_empty());
    assert_eq!(asked(&replay), ["DynamoDB_20120810.GetItem"]);
}

#[tokio::test]
async fn a_wait_that_is_over_is_no_failure_and_a_denial_is() {
    for (code, expect) in [
        ("TaskTimedOut", None),
        ("TaskDoesNotExist", None),
        ("InvalidToken", None),
        ("AccessDeniedException", Some("Stuck")),
    ] {
        let (ctx, replay) = ctx(&[(400, json!({"__type": code, "message": "m"}))]);
        let woken = wake::wake(&ctx, Some("token")).await;
        assert_eq!(woken.err().map(|e| e.name()), expect, "{code}");
        assert_eq!(asked(&replay), ["AWSStepFunctions.SendTaskSuccess"]);
    }
}

#[test]
fn the_time_of_asking_is_the_same_at_every_delivery() {
    let message: SqsMessage =
        serde_json::from_value(json!({"attributes": {"SentTimestamp": "1763906400123"}})).unwrap();
    assert_eq!(sent_at(&message), Some(Timestamp::from_millisecond(1_763_906_400_123).unwrap()));
    assert_eq!(sent_at(&SqsMessage::default()), None);
}
