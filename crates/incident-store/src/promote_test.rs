//! A signal that was told once becomes an incident, with the real client over canned answers.

use incident::{FingerprintState, OpenPointer, Status};
use response_plan::Severity;
use serde_json::{Value, json};

use super::*;
use crate::tests::{answering, now, opened, signal};

fn entry() -> Entry {
    Entry::new(now(), "command", &["opened", "i", "1"], "declared".to_owned())
}

/// What the transaction writes where this is the last known state of the fingerprint.
async fn written(fingerprint: Option<FingerprintState>) -> Vec<Value> {
    promoted(fingerprint, None).await
}

async fn promoted(fingerprint: Option<FingerprintState>, rise: Option<&Rise>) -> Vec<Value> {
    let (store, client) = answering(&[(200, json!({}))]);
    let (opened, group) = opened();
    let known = Known { fingerprint, ..Known::default() };
    let opening = Opening { opened: &opened, group: &group };
    let (signal, plan, received_at) = (&signal(), &opened.plan, now() - jiff::SignedDuration::from_mins(5));
    let told = ToldOnce { signal, plan, received_at };
    assert_eq!(store.promote(told, &known, opening, rise, &entry()).await.unwrap(), Taken::Done);
    let request = client.actual_requests().next().unwrap();
    let asked: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
    asked["TransactItems"].as_array().unwrap().clone()
}

fn last(state: State, seconds: i64) -> Option<FingerprintState> {
    Some(FingerprintState { state, time: now() + jiff::SignedDuration::from_secs(seconds), incident: None })
}

#[tokio::test]
async fn the_signal_joins_one_incident_alone_and_a_recovery_finds_it() {
    let items = written(last(State::Firing, 0)).await;
    let signal = &items[0]["Update"];
    assert_eq!(signal["ConditionExpression"], "attribute_exists(pk) AND attribute_not_exists(incident_id)");
    let expression = "SET incident_id = :id, opening = :one REMOVE #status, opened_at";
    assert_eq!(signal["UpdateExpression"], expression, "it counts for no rule by itself any more");
    assert_eq!(items[1]["Put"]["Item"]["firing"]["SS"], json!([self::signal().fingerprint]));
    assert_eq!(items[2]["Put"]["ConditionExpression"], "attribute_not_exists(pk)", "the group's pointer is free");
    let fingerprint = &items[5]["Update"];
    assert_eq!(fingerprint["ConditionExpression"], "#state = :state AND #time = :time");
    assert_eq!(fingerprint["UpdateExpression"], "SET incident_id = :id, opening = :one");
    // Of what only informs no state is known, or an older one: it fires in the incident that is made of it.
    for before in [None, last(State::Recovered, -1)] {
        let items = written(before).await;
        let fingerprint = &items[5]["Put"]["Item"];
        assert_eq!((&fingerprint["state"]["S"], &fingerprint["opening"]["N"]), (&json!("firing"), &json!("1")));
    }
}

#[tokio::test]
async fn what_a_rule_makes_an_incident_is_as_bad_as_that_says_and_fires_since_it_was_told() {
    let (from, to) = (Severity::Sev4, Severity::Sev1);
    let rise = Rise { from, to, why: "2 services fire at once: a, b".into(), at: now() };
    let item = &promoted(last(State::Firing, 0), Some(&rise)).await[1]["Put"]["Item"];
    assert_eq!(serde_json::from_str::<Rise>(item["raised"]["S"].as_str().unwrap()).unwrap(), rise);
    let read = (&item["severity"]["S"], &item["fires_since"]["S"], &item["opened_at"]["S"]);
    assert_eq!(read, (&json!("SEV1"), &json!("2026-11-23T09:55:00.250Z"), &json!("2026-11-23T10:00:00.250Z")));
    let item = &promoted(last(State::Firing, 0), None).await[1]["Put"]["Item"];
    assert_eq!((item.get("raised"), item.get("fires_since")), (None, None));
}

#[tokio::test]
async fn what_has_recovered_since_does_not_fire() {
    for (fingerprint, fires) in [
        (last(State::Recovered, 60), false),
        // It has fired anew, or the recovery is older.
        (last(State::Firing, 60), true),
        (last(State::Recovered, -1), true),
        (None, true),
    ] {
        let items = written(fingerprint.clone()).await;
        let incident = &items[1]["Put"]["Item"];
        assert_eq!(incident.get("firing").is_some(), fires, "{fingerprint:?}");
        assert_eq!(incident.get("clear_since").is_none(), fires, "{fingerprint:?}");
    }
}

#[tokio::test]
async fn a_pointer_that_changed_since_is_a_lost_race() {
    let cancelled = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "message": "no",
        "CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}],
    });
    let (store, _) = answering(&[(400, cancelled)]);
    let (opened, group) = opened();
    let pointer = OpenPointer {
        incident_id: "inc-20261122-0123456789".into(),
        opening: 1,
        status: Status::Resolved,
        reopen_until: None,
        openings: vec![],
    };
    let known = Known { pointer: Some(pointer), ..Known::default() };
    let opening = Opening { opened: &opened, group: &group };
    let told = ToldOnce { signal: &signal(), plan: &opened.plan, received_at: now() };
    assert_eq!(store.promote(told, &known, opening, None, &entry()).await.unwrap(), Taken::LostRace);
}

#[tokio::test]
async fn a_signal_reads_back_with_the_plan_that_it_was_told_under() {
    let (opened, _) = opened();
    let item = |more: Value| {
        let mut item = json!({
            "signal": {"S": serde_json::to_string(&signal()).unwrap()}, "reason": {"S": "why"},
            "received_at": {"S": "2026-11-23T10:00:01.000Z"},
        });
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"Item": item})
    };
    let plan = json!({"plan": {"S": serde_json::to_string(&opened.plan).unwrap()}});
    let (store, _) = answering(&[(200, item(plan)), (200, item(json!({}))), (200, json!({}))]);
    let told = store.recorded("s").await.unwrap().unwrap();
    assert_eq!((told.signal, told.plan, told.incident), (signal(), Some(opened.plan), None));
    assert_eq!(store.recorded("s").await.unwrap().unwrap().plan, None);
    assert_eq!(store.recorded("s").await.unwrap(), None);
}
