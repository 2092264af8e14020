use aws_smithy_http_client::test_util::StaticReplayClient;
use incident::{FingerprintState, GroupKey, KnownSignal};
use serde_json::{Value, json};
use signal::State;

use super::*;
use crate::Opening;
use crate::tests::{answering, opened, signal};

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_442_400 + second).unwrap()
}

fn muted() -> Muted {
    Muted { mute: "mute-1".into(), by: Some("ana".into()), reason: "a deployment".into(), until: time(600) }
}

fn mute() -> Mute {
    serde_json::from_value(json!({
        "id": "mute-1", "scope": {"service": "checkout"}, "by": "ana", "reason": "r", "at": time(0), "until": time(600),
    }))
    .unwrap()
}

fn sent(client: &StaticReplayClient, which: usize) -> Value {
    serde_json::from_slice(client.actual_requests().nth(which).unwrap().body().bytes().unwrap()).unwrap()
}

fn lost() -> (u16, Value) {
    (400, json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"}))
}

/// The item of a signal that waits, with what is different.
fn waiting(more: Value) -> Value {
    let mut item = json!({
        "pk": {"S": "SIG#59f2"}, "sk": {"S": "META"}, "status": {"S": "muted"}, "opened_at": {"S": time(600)},
        "muted": {"S": serde_json::to_string(&muted()).unwrap()},
        "signal": {"S": serde_json::to_string(&signal()).unwrap()},
    });
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    item
}

#[tokio::test]
async fn the_mutes_are_written_on_the_condition_that_nobody_else_did() {
    let (store, client) = answering(&[(200, json!({})), (200, json!({}))]);
    let none = store.mutes().await.unwrap();
    assert_eq!(none, Mutes::default());
    assert!(store.set_mutes(&none, &[mute()]).await.unwrap());
    let put = sent(&client, 1);
    assert_eq!(put["ConditionExpression"], "attribute_not_exists(pk) OR rev = :rev");
    assert_eq!((&put["ExpressionAttributeValues"][":rev"]["N"], &put["Item"]["rev"]["N"]), (&json!("0"), &json!("1")));

    let (store, client) = answering(&[(200, json!({"Item": put["Item"]})), lost()]);
    let read = store.mutes().await.unwrap();
    assert_eq!(read.mutes, [mute()]);
    assert!(!store.set_mutes(&read, &[]).await.unwrap(), "somebody wrote them in between");
    assert_eq!(sent(&client, 1)["ExpressionAttributeValues"][":rev"]["N"], "1");
}

#[tokio::test]
async fn a_muted_signal_enters_the_index_with_its_fingerprint_and_does_not_expire() {
    let (store, client) = answering(&[(200, json!({}))]);
    let taken = store.mute(&signal(), &Known::default(), &muted(), time(5)).await.unwrap();
    assert_eq!(taken, Taken::Done);
    let items = sent(&client, 0)["TransactItems"].clone();
    let (put, fingerprint) = (&items[0]["Put"], &items[1]["Put"]);
    assert_eq!(
        (&put["Item"]["status"]["S"], &put["Item"]["opened_at"]["S"]),
        (&json!("muted"), &json!("2026-11-23T14:10:00.000Z"))
    );
    assert_eq!(put["ConditionExpression"], "attribute_not_exists(pk) OR #status IN (:muted, :storm)");
    assert!(put["Item"].get("expires").is_none() && put["Item"].get("incident_id").is_none(), "{put}");
    assert!(
        put["Item"]["reason"]["S"].as_str().is_some_and(|reason| reason.starts_with("muted until 2026-11-23 14:10"))
    );
    assert_eq!(
        (&fingerprint["Item"]["state"]["S"], &fingerprint["ConditionExpression"]),
        (&json!("firing"), &json!("attribute_not_exists(pk)"))
    );
    assert!(fingerprint["Item"].get("incident_id").is_none(), "a recovery must not be looked for in an incident");
}

/// What is looked at with one signal: the signal, its fingerprint, the group's pointer, the mutes.
async fn looked_at(found: [Value; 4]) -> Known {
    let responses: Vec<Value> =
        found.into_iter().map(|item| if item.is_null() { json!({}) } else { json!({"Item": item}) }).collect();
    let (store, client) = answering(&[(200, json!({"Responses": responses}))]);
    let group = GroupKey::new("checkout", "checkout", "prod", None, false);
    let known = store.look(&signal(), &group).await.unwrap().unwrap();
    let keys: Vec<Value> = sent(&client, 0)["TransactItems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|get| get["Get"]["Key"]["pk"]["S"].clone())
        .collect();
    assert_eq!((keys.len(), &keys[3]), (4, &json!("CONTROL#mutes")));
    assert_eq!(client.actual_requests().count(), 1, "the mutes cost no call of their own");
    known
}

#[tokio::test]
async fn mutes_are_looked_at_with_the_signal_and_unreadable_means_not_muted() {
    let item = |mutes: String| json!({"pk": {"S": "CONTROL#mutes"}, "mutes": {"S": mutes}, "rev": {"N": "1"}});
    let nothing = || Value::Null;
    let known = looked_at([nothing(), nothing(), nothing(), item(json!([mute()]).to_string())]).await;
    assert_eq!(known.mutes, [mute()]);
    assert_eq!(known.muted, None, "what they mute is for whoever knows the plan");
    for damaged in ["", "{}", r#"[{"id": 7}]"#] {
        let known = looked_at([nothing(), nothing(), nothing(), item(damaged.into())]).await;
        assert_eq!(known, Known::default(), "{damaged}");
    }
    assert_eq!(
        looked_at([nothing(), nothing(), nothing(), json!({"pk": {"S": "CONTROL#mutes"}})]).await,
        Known::default()
    );
}

#[tokio::test]
async fn a_signal_that_waits_is_known_as_such_and_one_that_was_dropped_is_not() {
    let nothing = || Value::Null;
    let quiet = async |item| looked_at([item, nothing(), nothing(), nothing()]).await.signal.unwrap();
    assert_eq!(quiet(waiting(json!({}))).await, KnownSignal { muted: Some(muted()), ..KnownSignal::default() });
    let mut dropped = waiting(json!({}));
    dropped.as_object_mut().unwrap().remove("status");
    assert_eq!(quiet(dropped).await, KnownSignal::default());
    assert_eq!(quiet(waiting(json!({"muted": {"S": "?"}}))).await.muted, None);
}

/// Two deliveries after the end of a mute: the record of the signal, which both write over, lets one of them through.
#[tokio::test]
async fn what_waited_is_written_over_in_the_transaction_that_opens() {
    let (store, client) = answering(&[(200, json!({}))]);
    let fingerprint = FingerprintState { state: State::Firing, time: signal().time, incident: None };
    let before = KnownSignal { muted: Some(muted()), ..KnownSignal::default() };
    let known = Known { signal: Some(before), fingerprint: Some(fingerprint), ..Known::default() };
    let (opened, group) = opened();
    store.open(&signal(), &known, Opening { opened: &opened, group: &group }).await.unwrap();
    let put = sent(&client, 0)["TransactItems"][0]["Put"].clone();
    assert_eq!(put["ConditionExpression"], "attribute_not_exists(pk) OR #status IN (:muted, :storm)");
    assert!(put["Item"].get("status").is_none(), "it has left the index, and another delivery finds it taken");
    assert!(put["Item"]["expires"]["N"].is_string(), "{put}");
}

#[tokio::test]
async fn what_is_kept_quiet_is_listed_by_its_end_and_a_damaged_one_spoils_no_other() {
    let listed = |id: &str| json!({"pk": {"S": format!("SIG#{id}")}, "sk": {"S": "META"}});
    let items = ["a", "b", "c", "d"].map(listed);
    let list = json!({"Items": items});
    let mut opened_since = waiting(json!({}));
    opened_since.as_object_mut().unwrap().remove("status");
    let stored = |item: Value| (200, json!({"Item": item}));
    let answers = [
        (200, list),
        stored(waiting(json!({}))),
        stored(opened_since),
        stored(waiting(json!({"signal": {"S": "?"}}))),
        stored(waiting(json!({}))),
    ];
    let (store, client) = answering(&answers);
    let found = store.muted_signals().await.unwrap();
    let names: Vec<_> =
        found.iter().map(|one| one.as_ref().map(|one| one.muted.mute.as_str()).map_err(StepError::name)).collect();
    assert_eq!(names, [Ok("mute-1"), Err("Stuck"), Ok("mute-1")]);
    assert_eq!(found[0].as_ref().unwrap().signal, signal());
    let query = sent(&client, 0);
    assert_eq!((&query["IndexName"], &query["ScanIndexForward"]), (&json!("by-status"), &json!(true)));
    assert_eq!(query["ExpressionAttributeValues"][":status"]["S"], "muted");
}

#[tokio::test]
async fn what_is_dropped_expires_unless_somebody_was_faster() {
    let (store, client) = answering(&[(200, json!({}))]);
    store.drop_quiet("59f2", time(0)).await.unwrap();
    let update = sent(&client, 0);
    assert_eq!(update["ConditionExpression"], "#status IN (:muted, :storm)");
    assert_eq!(update["UpdateExpression"], "SET expires = :expires REMOVE #status, opened_at");
    assert_eq!(update["ExpressionAttributeValues"][":expires"]["N"], "1798034400");
    answering(&[lost()]).0.drop_quiet("59f2", time(0)).await.unwrap();
}
