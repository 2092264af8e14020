use serde_json::{Value, json};

use super::*;
use crate::samples::at;
use crate::tests::{asked, ctx};

fn mute_of(request_id: &str, until: i64) -> Mute {
    let scope = Scope { service: Some("checkout".into()), ..Scope::default() };
    let (by, reason) = ("ana (claimed)".to_owned(), "a deployment".to_owned());
    Mute { id: id_of(request_id), scope, by, reason, at: at(0), until: at(until), ended: None }
}

#[track_caller]
fn written(ruling: Ruling) -> (Vec<Mute>, Answer) {
    match ruling {
        Ruling::Write(mutes, answer) => (mutes, answer),
        Ruling::Say(answer) => panic!("{answer:?}"),
    }
}

#[track_caller]
fn said(ruling: Ruling, done: bool, part: &str) {
    let Ruling::Say(answer) = ruling else { panic!("{ruling:?}") };
    assert!(answer.done == done && answer.text.contains(part), "{answer:?}");
}

#[test]
fn a_mute_is_set_once_and_stays_taken_back() {
    let (old, new) = (mute_of("old", 30), mute_of("new", 600));
    let (mutes, answer) = written(set(&[old], &new, at(60)));
    assert_eq!(mutes, std::slice::from_ref(&new), "those that are over are left out");
    assert!(answer.done && answer.text.contains(&format!("`tourniquet unmute {}`", new.id)), "{}", answer.text);
    said(set(&mutes, &new, at(61)), true, "muted until 2025-11-23 14:10:00 UTC: service checkout");

    let (mutes, answer) = written(end(&mutes, &new.id, "bo", at(70)));
    assert!(answer.done && !mutes[0].is_active(at(70)), "{answer:?}");
    // The request that set it was never answered, and comes again.
    said(set(&mutes, &new, at(80)), false, "bo took it back at 2025-11-23 14:01:10 UTC");
    said(end(&mutes, &new.id, "bo", at(80)), true, "already taken back by bo");
    said(end(&mutes, &new.id, "ana", at(80)), false, "already taken back by bo");
}

#[test]
fn what_cannot_be_says_why() {
    let mute = mute_of("r", 600);
    said(set(&[], &mute, at(600)), false, "it would have ended at");
    let many: Vec<Mute> = (0..MOST).map(|n| mute_of(&n.to_string(), 600)).collect();
    said(set(&many, &mute, at(1)), false, "50 mutes are set");
    let (mutes, _) = written(end(&many, &many[7].id, "bo", at(1)));
    assert_eq!(mutes.len(), MOST);
    assert_eq!(written(set(&mutes, &mute, at(2))).0.len(), MOST + 1, "what was taken back counts no more");
    said(end(&many, "nightly", "bo", at(1)), false, "those that recur are in mutes.yaml");
    said(end(&many, &many[0].id, "bo", at(600)), false, "it ended by itself");
}

/// What the table has.
fn stored(mutes: &[Mute], rev: u64) -> (u16, Value) {
    let text = serde_json::to_string(mutes).unwrap();
    (200, json!({"Item": {"mutes": {"S": text}, "rev": {"N": rev.to_string()}}}))
}

/// Two people mute at once: the one who lost the race keeps what the other wrote.
#[tokio::test]
async fn a_lost_race_is_decided_again() {
    let lost = json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"});
    let other = mute_of("other", 600);
    let answers = [(200, json!({})), (400, lost), stored(std::slice::from_ref(&other), 1), (200, json!({}))];
    let (ctx, replay) = ctx(&answers);
    let request = Request { request_id: "r1".into(), verb: None, incident_id: None, by: "ana (claimed)".into() };
    let scope = Scope { plan: Some("checkout".into()), ..Scope::default() };
    let answer = mute(&ctx, &request, scope, "r".into(), 10, at(0), at(1)).await.unwrap();
    assert!(answer.done, "{answer:?}");
    assert_eq!(asked(&replay)[2..], ["DynamoDB_20120810.GetItem", "DynamoDB_20120810.PutItem"]);
    let put: Value = serde_json::from_slice(replay.actual_requests().last().unwrap().body().bytes().unwrap()).unwrap();
    let mutes: Vec<Mute> = serde_json::from_str(put["Item"]["mutes"]["S"].as_str().unwrap()).unwrap();
    assert_eq!(mutes.iter().map(|mute| &mute.id).collect::<Vec<_>>(), [&other.id, &id_of("r1")]);
    assert_eq!((mutes[1].until, put["ExpressionAttributeValues"][":rev"]["N"].as_str()), (at(600), Some("1")));
}

/// Killed between the write and the answer: the next delivery finds its own mute, and writes nothing.
#[tokio::test]
async fn a_delivery_that_was_cut_off_is_answered_by_the_next() {
    let (ctx, replay) = ctx(&[stored(&[mute_of("r1", 600)], 1)]);
    let request = Request { request_id: "r1".into(), verb: None, incident_id: None, by: "ana (claimed)".into() };
    let scope = Scope { service: Some("checkout".into()), ..Scope::default() };
    let answer = mute(&ctx, &request, scope, "a deployment".into(), 10, at(0), at(5)).await.unwrap();
    assert!(answer.done, "{answer:?}");
    assert_eq!(asked(&replay), ["DynamoDB_20120810.GetItem"]);
}
