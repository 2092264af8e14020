use aws_smithy_http_client::test_util::StaticReplayClient;
use incident::KnownSignal;
use response_plan::{Span, catch_all};
use serde_json::{Value, json};

use super::*;
use crate::tests::{answering, signal};

const ID: &str = "inc-20261123-0123456789";

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_442_400 + second).unwrap()
}

fn rule() -> StormRule {
    StormRule { owner: "platform".into(), more_than: 3, within: Span::seconds(300) }
}

fn storm() -> Storm {
    Storm::new(&rule(), (ID.into(), 1), time(0))
}

fn sent(client: &StaticReplayClient, which: usize) -> Value {
    serde_json::from_slice(client.actual_requests().nth(which).unwrap().body().bytes().unwrap()).unwrap()
}

fn lost() -> (u16, Value) {
    (400, json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"}))
}

/// The item with groups that opened at these seconds.
fn opened(seconds: impl IntoIterator<Item = i64>) -> Value {
    let mut item = json!({"pk": {"S": "CONTROL#openings"}, "sk": {"S": "META"}, "opened#damaged": {"S": "soon"}});
    for (n, second) in seconds.into_iter().enumerate() {
        item[format!("opened#{n:016}")] = json!({"S": time(second)});
    }
    item
}

#[tokio::test]
async fn what_opens_is_counted_by_one_write() {
    let (store, client) = answering(&[(200, json!({"Attributes": opened([-400, 0, 5])}))]);
    let openings = store.count_opening(&"ab".repeat(32), &rule(), time(5)).await.unwrap();
    assert_eq!(openings, [time(-400), time(0), time(5)]);
    assert_eq!(client.actual_requests().count(), 1, "one that is past is not worth a write");
    let update = sent(&client, 0);
    assert!(update.get("ConditionExpression").is_none(), "{update}");
    assert_eq!(update["ExpressionAttributeNames"]["#group"], "opened#abababababababab");
    assert_eq!(update["ExpressionAttributeValues"][":now"]["S"], "2026-11-23T14:00:05.000Z");
}

#[tokio::test]
async fn the_weather_is_read_from_a_small_item() {
    let on = json!({"storm": {"S": serde_json::to_string(&storm()).unwrap()}, "id": {"S": storm().id}});
    let over = json!({"ended": {"S": time(600)}});
    for (item, storm, ended) in [(on, Some(storm()), None), (over, None, Some(time(600))), (json!({}), None, None)] {
        let (store, client) = answering(&[(200, json!({"Item": item}))]);
        assert_eq!(store.weather().await.unwrap(), Weather { storm, ended });
        assert_eq!(sent(&client, 0)["Key"]["pk"]["S"], "CONTROL#storm");
    }
    assert_eq!(answering(&[(200, json!({}))]).0.weather().await.unwrap(), Weather::default());
}

#[tokio::test]
async fn what_is_past_is_taken_away_unless_it_opened_anew() {
    for answer in [lost(), (400, json!({"__type": "ResourceNotFoundException", "message": "no"}))] {
        let (store, client) = answering(&[(200, json!({"Attributes": opened(-400..-380)})), answer]);
        assert_eq!(store.count_opening("g", &rule(), time(0)).await.unwrap().len(), 20);
        let update = sent(&client, 1);
        let (remove, condition) = (update["UpdateExpression"].as_str(), update["ConditionExpression"].as_str());
        assert_eq!(remove.map(|text| text.matches('#').count()), Some(20), "{update}");
        assert!(condition.is_some_and(|text| text.starts_with("#g0 = :t0 AND #g1 = :t1 AND ")), "{update}");
    }
}

#[tokio::test]
async fn one_storm_at_a_time_begins_and_it_alone_ends() {
    let (store, client) = answering(&[(200, json!({})), lost()]);
    assert!(store.claim_storm(time(20)).await.unwrap());
    assert!(!store.claim_storm(time(20)).await.unwrap());
    assert_eq!(sent(&client, 0)["ExpressionAttributeValues"][":stale"]["S"], "2026-11-23T14:00:19.000Z");

    let (store, client) = answering(&[(200, json!({})), lost(), (200, json!({})), lost()]);
    assert!(store.begin_storm(&storm()).await.unwrap());
    assert!(!store.begin_storm(&storm()).await.unwrap());
    assert!(store.end_storm(&storm().id, time(600)).await.unwrap());
    assert!(!store.end_storm(&storm().id, time(600)).await.unwrap());
    assert_eq!(sent(&client, 0)["ConditionExpression"], "attribute_not_exists(storm)");
    let end = sent(&client, 2);
    assert_eq!(end["ConditionExpression"], "id = :id");
    assert_eq!(end["UpdateExpression"], "SET ended = :now REMOVE storm, id");
    assert_eq!(end["ExpressionAttributeValues"][":id"]["S"], "storm-20261123T140000Z");
}

#[tokio::test]
async fn a_member_is_counted_with_its_signal_and_waits() {
    let (store, client) = answering(&[(200, json!({}))]);
    let member = StormMember::new(&storm(), &signal(), &catch_all("topic"), "group", time(5));
    assert_eq!(store.join_storm(&signal(), &Known::default(), &storm(), &member).await.unwrap(), Taken::Done);
    let items = sent(&client, 0)["TransactItems"].clone();
    let (put, fingerprint, line) = (&items[0]["Put"], &items[1]["Put"], &items[2]["Put"]);
    assert_eq!((&put["Item"]["status"]["S"], &put["Item"]["storm"]["S"]), (&json!("storm"), &json!(storm().id)));
    assert!(put["Item"].get("expires").is_none() && put["Item"].get("incident_id").is_none(), "{put}");
    assert!(fingerprint["Item"].get("incident_id").is_none(), "{fingerprint}");
    let sk = format!("MEMBER#storm-20261123T140000Z#unowned#group#{}", signal().signal_id);
    assert_eq!((&line["Item"]["pk"]["S"], &line["Item"]["sk"]["S"]), (&json!(format!("INC#{ID}")), &json!(sk)));
    assert!(line.get("ConditionExpression").is_none(), "what was muted in between is the same member");

    // Read back it is what was written, and its signal waits.
    let damaged = json!({"member": {"S": "{}"}});
    let (store, client) = answering(&[(200, json!({"Items": [damaged, line["Item"]]}))]);
    assert_eq!(store.storm_members(ID, Some(&storm().id), Some("unowned")).await.unwrap(), [member]);
    let prefix = &sent(&client, 0)["ExpressionAttributeValues"][":sk"]["S"];
    assert_eq!(prefix, "MEMBER#storm-20261123T140000Z#unowned#");
    assert_eq!(keys::members(None, Some("unowned")), "MEMBER#");
    let item = put["Item"].clone();
    let (store, client) = answering(&[(200, json!({"Items": [item]})), (200, json!({"Item": item}))]);
    let ids = store.waiting_since_before(Some(time(9))).await.unwrap();
    assert_eq!(ids, [signal().signal_id]);
    assert_eq!(sent(&client, 0)["KeyConditionExpression"], "#status = :status AND opened_at < :before");
    let waits = store.waiting(&ids[0]).await.unwrap().unwrap();
    assert_eq!((waits.signal, waits.storm), (signal(), storm().id));
    let answer = json!({"Responses": [{"Item": item}, {}, {}, {}]});
    let (store, _) = answering(&[(200, answer)]);
    let group = incident::GroupKey::new("p", "s", "e", None, false);
    let known = store.look(&signal(), &group).await.unwrap().unwrap();
    assert_eq!(known.signal, Some(KnownSignal { storm: Some(storm().id), ..KnownSignal::default() }));
}
