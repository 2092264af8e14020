//! A digest that is told, over canned answers of the table and of the channels.

use aws_smithy_http_client::test_util::StaticReplayClient;
use serde_json::{Value, json};

use super::*;
use crate::samples::{bodies, canned, claimed, ctx, incident, secret_holds, sns_accepts};

const ID: &str = "digest-payments-20261123T1415Z";
const DONE: (u16, &str) = (200, "{}");
const POSTED: (u16, &str) = (200, r#"{"ok":true,"ts":"1"}"#);

fn of(fallback: bool) -> OfDigest {
    OfDigest { digest: ID.into(), n: 1, fallback }
}

fn head(told: u32) -> String {
    let team = serde_json::to_string(&incident().opened.plan.team).unwrap();
    let head = json!({
        "id": {"S": ID}, "team": {"S": team}, "drill": {"BOOL": false}, "entries": {"N": "2"},
        "gathers_until": {"S": "2026-11-23T14:15:00.000Z"}, "told": {"N": told.to_string()},
    });
    json!({"Item": head}).to_string()
}

fn entries() -> String {
    let entry = |name: &str| {
        let entry = json!({
            "signal_id": name.repeat(32), "fingerprint": name, "title": format!("Alarm {name}"), "state": "firing",
            "time": "2026-11-23T14:05:00Z", "link": null, "severity": "SEV4", "service": "s", "environment": "e",
            "plan": "p",
        });
        json!({"entry": {"S": entry.to_string()}})
    };
    json!({"Items": [entry("a"), entry("b")]}).to_string()
}

fn recovered() -> String {
    json!({"Item": {"state": {"S": "recovered"}, "time": {"S": "2026-11-23T14:06:00.000Z"}}}).to_string()
}

struct Told {
    result: Result<Output, StepError>,
    table: Vec<Value>,
    topic: Vec<String>,
    chat: Vec<String>,
}

/// Tells it where the table, after the digest, its entries and two states, and the channels answer so.
async fn told(fallback: bool, rest: &[(u16, &str)], topic: (u16, &str), chat: (u16, &str)) -> Told {
    let (head, entries, recovered) = (head(0), entries(), recovered());
    let first = [(200, head.as_str()), (200, entries.as_str()), (200, recovered.as_str()), DONE];
    let table: StaticReplayClient = canned(first.into_iter().chain(rest.iter().copied()));
    let (sns, slack, secret) = (canned([topic]), canned([chat]), secret_holds("xoxb-1"));
    let ctx = ctx(&table, &sns, &canned([(200, secret.as_str())]), &slack);
    let result = tell(&ctx, &of(fallback)).await;
    let table = bodies(&table).iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    Told { result, table, topic: bodies(&sns), chat: bodies(&slack) }
}

#[tokio::test]
async fn the_first_contact_is_told_of_all_in_one_message() {
    // Two claims, two records, the entry of its timeline, and that it was told.
    let told = told(false, &[claimed(), claimed(), DONE, DONE, DONE, DONE], (200, sns_accepts()), POSTED).await;
    let output = told.result.unwrap();
    assert_eq!((output.contact.as_deref(), output.accepted.len()), (Some("payments-on-call"), 2));
    assert_eq!((told.topic.len(), told.chat.len()), (1, 1));
    let chat = &told.chat[0];
    for part in ["2 things", "Alarm a", "Alarm b", "recovered at", "still firing", "declare --reason WHY --from"] {
        assert!(chat.contains(part), "{chat}");
    }
    for claim in &told.table[4..6] {
        assert_eq!(claim["Key"]["pk"]["S"], format!("DIGEST#{ID}"));
        assert!(claim["Key"]["sk"]["S"].as_str().unwrap().starts_with("TOLD#1#1#payments-on-call#"), "{claim}");
    }
    let last = told.table.last().unwrap();
    assert_eq!(last["UpdateExpression"], "SET told = :told REMOVE #status, opened_at");
    assert_eq!(last["ExpressionAttributeValues"][":entries"]["N"], "2");
}

#[tokio::test]
async fn a_channel_fails_alone_and_none_at_all_is_tried_again() {
    let no = (403, "<ErrorResponse/>");
    let table = [claimed(), claimed(), DONE, DONE, DONE, DONE, DONE, DONE];
    let one = told(false, &table, no, POSTED).await;
    let output = one.result.unwrap();
    assert_eq!((output.accepted, output.failed), (vec!["slack".to_owned()], vec!["sns".to_owned()]));

    let none = told(false, &table, no, (500, "")).await;
    assert_eq!(none.result.unwrap_err().name(), "Transient");
    let marked = |body: &Value| body["UpdateExpression"].as_str().is_some_and(|set| set.contains("SET told = "));
    assert!(!none.table.iter().any(marked), "it is not told");
}

#[tokio::test]
async fn the_fallback_topic_is_told_in_the_owners_place() {
    let told = told(true, &[DONE, DONE], (200, sns_accepts()), POSTED).await;
    assert_eq!(told.result.unwrap().accepted, ["fallback"]);
    assert!(told.topic[0].contains("fallback") && told.topic[0].contains("Alarm%20b"), "{:?}", told.topic);
    assert!(told.chat.is_empty());
    assert_eq!(told.table.last().unwrap()["UpdateExpression"], "SET told = :told REMOVE #status, opened_at");
}

#[tokio::test]
async fn what_was_told_is_not_told_again_and_what_is_none_is_said() {
    let head = head(1);
    let (sns, slack) = (canned([]), canned([]));
    let quiet = ctx(&canned([(200, head.as_str())]), &sns, &canned([]), &slack);
    assert_eq!(tell(&quiet, &of(false)).await.unwrap(), Output::nobody(0));
    let none = ctx(&canned([DONE]), &sns, &canned([]), &slack);
    assert_eq!(tell(&none, &of(false)).await.unwrap_err().name(), "Rejected");
}
