//! What is told once, with the real client over canned answers.

use aws_smithy_http_client::test_util::StaticReplayClient;
use serde_json::{Value, json};

use super::*;
use crate::tests::{answering, now, opened, signal};
use crate::{Claim, PageKey};

const ID: &str = "digest-unowned-20261123T1015Z";

fn bodies(client: &StaticReplayClient) -> Vec<Value> {
    client.actual_requests().map(|r| serde_json::from_slice(r.body().bytes().unwrap()).unwrap()).collect()
}

fn plan() -> ResolvedPlan {
    opened().0.plan
}

#[tokio::test]
async fn a_signal_and_its_entry_are_one_transaction() {
    for (newest, items) in [(true, 4), (false, 3)] {
        let (store, client) = answering(&[(200, json!({}))]);
        let known = Known::default();
        let taken = store.notify_only(&signal(), &known, (&plan(), "why"), newest, now()).await.unwrap();
        assert_eq!(taken, Taken::Done);
        let asked = bodies(&client);
        let written = asked[0]["TransactItems"].as_array().unwrap();
        assert_eq!(written.len(), items, "the state of its fingerprint is written where it is the newest");
        let recorded = &written[0]["Put"]["Item"];
        assert_eq!((&recorded["reason"]["S"], &recorded["outcome"]["S"]), (&json!("why"), &json!("\"notify-only\"")));
        assert_eq!(recorded["incident_id"], Value::Null);
        assert_eq!(serde_json::from_str::<ResolvedPlan>(recorded["plan"]["S"].as_str().unwrap()).unwrap(), plan());
        let entry = &written[1]["Put"];
        assert_eq!(entry["Item"]["pk"]["S"], format!("DIGEST#{ID}"));
        assert_eq!(entry["Item"]["sk"]["S"], format!("SIG#1795428000250#{}", signal().signal_id));
        assert_eq!(entry["ConditionExpression"], "attribute_not_exists(pk)");
        let head = &written[2]["Update"];
        assert_eq!(head["Key"], json!({"pk": {"S": format!("DIGEST#{ID}")}, "sk": {"S": "META"}}));
        assert_eq!(head["ExpressionAttributeValues"][":until"]["S"], "2026-11-23T10:15:00.000Z");
        assert!(head["UpdateExpression"].as_str().unwrap().ends_with("ADD entries :one"));
    }
}

/// The head of the digest as the table has it, due at 10:15.
fn head(more: Value) -> Value {
    let mut head = json!({
        "pk": {"S": format!("DIGEST#{ID}")}, "sk": {"S": "META"}, "id": {"S": ID}, "drill": {"BOOL": false},
        "team": {"S": serde_json::to_string(&plan().team).unwrap()}, "entries": {"N": "2"},
        "gathers_until": {"S": "2026-11-23T10:15:00.000Z"},
    });
    head.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    head
}

fn waits() -> Value {
    head(json!({"status": {"S": "digest"}, "opened_at": {"S": "2026-11-23T10:15:00.000Z"}}))
}

#[tokio::test]
async fn what_is_due_is_found_and_what_was_told_since_is_not() {
    let at = |time: &str| format!("2026-11-23T{time}Z").parse::<Timestamp>().unwrap();
    for (stored, time, due) in
        [(waits(), "10:15:00", 1), (waits(), "10:14:59", 0), (head(json!({"told": {"N": "1"}})), "10:15:00", 0)]
    {
        let (store, client) = answering(&[(200, json!({"Items": [waits()]})), (200, json!({"Item": stored}))]);
        let found = store.due_digests(at(time)).await.unwrap();
        assert_eq!(found.len(), due, "{time}");
        assert_eq!(bodies(&client)[0]["IndexName"], "by-status");
        for digest in found {
            let digest = digest.unwrap();
            assert_eq!((digest.id.as_str(), digest.entries, digest.told), (ID, 2, 0));
            assert_eq!((digest.team, digest.until), (plan().team, at("10:15:00")));
        }
    }
}

fn lost() -> (u16, Value) {
    (400, json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"}))
}

#[tokio::test]
async fn what_came_while_it_was_told_keeps_it_due() {
    let Ok(digest) = read(&serde_item(&head(json!({})))) else { panic!("no digest") };
    let (store, client) = answering(&[(200, json!({}))]);
    store.digest_told(&digest, 1).await.unwrap();
    let told = &bodies(&client)[0];
    assert_eq!(told["UpdateExpression"], "SET told = :told REMOVE #status, opened_at");
    assert!(told["ConditionExpression"].as_str().unwrap().starts_with("entries = :entries AND "));
    let (store, client) = answering(&[lost(), (200, json!({}))]);
    store.digest_told(&digest, 1).await.unwrap();
    assert_eq!(bodies(&client)[1]["UpdateExpression"], "SET told = :told", "it stays in the index");
}

/// An item of the table out of its JSON.
fn serde_item(json: &Value) -> Item {
    let of = |value: &Value| match (&value["S"], &value["N"], &value["BOOL"]) {
        (Value::String(text), ..) => s(text.as_str()),
        (_, Value::String(number), _) => n(number.parse::<u64>().unwrap()),
        (.., bool) => aws_sdk_dynamodb::types::AttributeValue::Bool(bool == true),
    };
    json.as_object().unwrap().iter().map(|(name, value)| (name.clone(), of(value))).collect()
}

#[tokio::test]
async fn claims_of_a_digest_are_its_own() {
    let page = |id: &str| PageKey {
        incident_id: id.into(),
        opening: 1,
        engagement: 1,
        step: 0,
        contact: "ana".into(),
        channel: "sns".into(),
    };
    for (id, pk) in [(ID, format!("DIGEST#{ID}")), ("inc-20261123-0123456789", "INC#inc-20261123-0123456789".into())] {
        let (store, client) = answering(&[(200, json!({"Attributes": {"claims": {"N": "1"}}}))]);
        assert_eq!(store.claim_page(&page(id), now()).await.unwrap(), Claim::Mine { repeat: false });
        assert_eq!(bodies(&client)[0]["Key"], json!({"pk": {"S": pk}, "sk": {"S": "TOLD#1#1#ana#sns"}}));
    }
}
