use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::tests::answering;

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_442_400 + second).unwrap()
}

/// A consumer that was taken out of the way.
fn record() -> MitigationRecord {
    serde_json::from_value(json!({
        "v": 1, "incident_id": "inc-20261123-0123456789", "opening": 1, "n": 1, "choice": 0,
        "kind": "disable-event-source-mapping", "target": "arn", "summary": "s", "plan_sha256": "p",
        "progress": "ended", "outcome": "verified", "planned_at": time(0), "expires_at": time(1800),
        "applied_at": time(60), "left": {"enabled": false}, "takes_away": true,
    }))
    .unwrap()
}

fn asked_once() -> UndoRequest {
    let (by, request_id) = ("ana (claimed)".to_owned(), "r1".to_owned());
    UndoRequest { by, reason: None, at: time(90), request_id, run: 1, begun_at: None, refused: None }
}

fn sent(client: &aws_smithy_http_client::test_util::StaticReplayClient, which: usize) -> Value {
    serde_json::from_slice(client.actual_requests().nth(which).unwrap().body().bytes().unwrap()).unwrap()
}

fn lost() -> (u16, Value) {
    (400, json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"}))
}

#[tokio::test]
async fn what_takes_away_enters_the_index_when_it_is_made_and_leaves_it_when_it_is_taken_back() {
    let of = |progress, outcome, takes_away| MitigationRecord { progress, outcome, takes_away, ..record() };
    for (record, expect) in [
        (of(Progress::Applied, None, true), ", #status = :in_force, opened_at = :since"),
        (of(Progress::Ended, Some(Outcome::Undone), true), " REMOVE #status, opened_at"),
        (of(Progress::Ended, Some(Outcome::Verified), true), ""),
        (of(Progress::Applying, None, true), ""),
        (of(Progress::Applied, None, false), ""),
        (of(Progress::Ended, Some(Outcome::Undone), false), ""),
    ] {
        let (store, client) = answering(&[(200, json!({}))]);
        assert!(store.advance(Progress::Applying, &record).await.unwrap());
        let sent = sent(&client, 0);
        assert_eq!(sent["UpdateExpression"], format!("SET #record = :record, progress = :progress{expect}"));
        let entered = expect.starts_with(',');
        assert_eq!(sent["ExpressionAttributeValues"].get(":in_force").is_some(), entered);
        assert_eq!(sent["ExpressionAttributeNames"].get("#status").is_some(), !expect.is_empty());
    }
}

#[tokio::test]
async fn one_try_to_take_it_back_follows_the_other() {
    let again = UndoRequest { run: 2, ..asked_once() };
    let before = MitigationRecord { undo: Some(asked_once()), ..record() };
    for (record, undo, condition) in
        [(record(), asked_once(), "attribute_not_exists(undo_run)"), (before, again, "undo_run = :before")]
    {
        let (store, client) = answering(&[(200, json!({}))]);
        assert!(store.ask_undo(&record, &undo).await.unwrap());
        let sent = sent(&client, 0);
        let whole = format!("progress = :ended AND attribute_not_exists(put_back) AND {condition}");
        assert_eq!(sent["ConditionExpression"], whole);
        assert_eq!(sent["ExpressionAttributeValues"][":run"]["N"], undo.run.to_string());
    }
    let (store, _) = answering(&[lost()]);
    assert!(!store.ask_undo(&record(), &asked_once()).await.unwrap());
}

#[tokio::test]
async fn the_first_to_find_it_back_counts() {
    let back = PutBack { at: time(100), by: None };
    let (store, client) = answering(&[(200, json!({})), lost()]);
    assert!(store.put_back(&record(), &back).await.unwrap());
    assert!(!store.put_back(&record(), &back).await.unwrap());
    let sent = sent(&client, 0);
    assert_eq!(sent["UpdateExpression"], "SET put_back = :back REMOVE #status, opened_at");
    assert_eq!(sent["ConditionExpression"], "attribute_exists(pk) AND attribute_not_exists(put_back)");
    assert_eq!(sent["Key"]["sk"]["S"], "MIT#1#1");
}

#[tokio::test]
async fn the_list_is_read_from_the_index_and_judged_by_the_record() {
    let key = |n: u32| json!({"pk": {"S": "INC#inc-20261123-0123456789"}, "sk": {"S": format!("MIT#1#{n}")}});
    let stored = |more: Value| {
        let mut item = json!({"record": {"S": serde_json::to_string(&record()).unwrap()}});
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (200, json!({"Item": item}))
    };
    let undo = serde_json::to_string(&asked_once()).unwrap();
    let back = serde_json::to_string(&PutBack { at: time(100), by: None }).unwrap();
    let (store, client) = answering(&[
        (200, json!({"Items": [key(1), key(2)]})),
        stored(
            json!({"undo_asked": {"S": undo}, "undo_run": {"N": "1"}, "reminded": {"N": "3"}, "put_back_token": {"S": "t"}}),
        ),
        stored(json!({"put_back": {"S": back}})),
    ]);
    let found = store.in_force().await.unwrap();
    let put_back_token = Some("t".to_owned());
    assert_eq!(found, [MitigationRecord { undo: Some(asked_once()), reminded: 3, put_back_token, ..record() }]);
    assert_eq!(sent(&client, 0)["ExpressionAttributeValues"][":status"]["S"], "in-force");
    assert_eq!(sent(&client, 1)["ConsistentRead"], true);
}

#[tokio::test]
async fn what_is_beside_the_record_counts_and_not_what_an_earlier_write_copied_into_it() {
    let copied = MitigationRecord { put_back: Some(PutBack { at: time(100), by: None }), reminded: 7, ..record() };
    let item = json!({"Item": {"record": {"S": serde_json::to_string(&copied).unwrap()}}});
    let (store, _) = answering(&[(200, item)]);
    assert_eq!(store.mitigation("inc-20261123-0123456789", 1, 1).await.unwrap(), Some(record()));
}

#[tokio::test]
async fn nothing_that_fires_is_called_mitigated_because_of_what_is_in_force() {
    let incident = |firing: Value| {
        let (opened, group) = crate::tests::opened();
        let mut item: Value = json!({
            "opened": {"S": serde_json::to_string(&opened).unwrap()}, "severity": {"S": "SEV3"}, "status": {"S": "open"},
            "opening": {"N": "1"}, "run": {"N": "1"}, "engagement": {"N": "1"}, "group_hash": {"S": group.hash()},
        });
        item.as_object_mut().unwrap().extend(firing.as_object().unwrap().clone());
        (opened.id, (200, json!({"Item": item})))
    };
    let (id, fires) = incident(json!({"firing": {"SS": ["f"]}}));
    let (store, client) = answering(std::slice::from_ref(&fires));
    assert!(!store.held(&id, 1, time(0)).await.unwrap());
    assert_eq!(client.actual_requests().count(), 1, "nothing is written");
    for (firing, held, condition) in [
        (json!({}), true, "opening = :opening AND #status = :open AND attribute_not_exists(firing)"),
        (json!({"firing": {"SS": ["f"]}}), false, "opening = :opening AND #status = :open"),
    ] {
        let (store, client) = answering(&[incident(firing).1, (200, json!({}))]);
        let done = if held { store.held(&id, 1, time(0)).await } else { store.mitigated(&id, 1, time(0)).await };
        assert!(done.unwrap());
        assert_eq!(sent(&client, 1)["TransactItems"][0]["Update"]["ConditionExpression"], condition);
    }
}
