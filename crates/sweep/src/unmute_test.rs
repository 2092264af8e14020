use incident::Muted;
use serde_json::{Value, json};
use signal::{Signal, State};

use super::*;
use crate::samples::at;
use crate::tests::{asked, ctx, gone};

fn signal(id: &str) -> Signal {
    serde_json::from_value(json!({
        "source": "aws.cloudwatch", "detail_type": null, "kind": "alarm", "state": "firing", "account": null,
        "region": null, "time": at(0), "onset": null, "resources": [], "title": "t", "reason": null, "link": null,
        "fingerprint": "f", "signal_id": id, "drill": false, "event": null,
    }))
    .unwrap()
}

fn muted() -> Muted {
    Muted { mute: "mute-1".into(), by: Some("ana".into()), reason: "r".into(), until: at(600) }
}

/// The list of what waits, and the items in it.
fn waiting(ids: &[&str]) -> Vec<(u16, String)> {
    let key = |id: &&str| json!({"pk": {"S": format!("SIG#{id}")}, "sk": {"S": "META"}});
    let list = json!({"Items": ids.iter().map(key).collect::<Vec<_>>()});
    let item = |id: &&str| {
        let text = |value: Value| json!({"S": value.to_string()});
        let item = json!({"status": {"S": "muted"}, "signal": text(json!(signal(id))), "muted": text(json!(muted()))});
        (200, json!({"Item": item}).to_string())
    };
    std::iter::once((200, list.to_string())).chain(ids.iter().map(item)).collect()
}

fn mutes(ended: Option<i64>) -> (u16, String) {
    let ended = ended.map(|second| json!({"by": "bo", "at": at(second)}));
    let mute = json!({
        "id": "mute-1", "scope": {"service": "s"}, "by": "ana", "reason": "r", "at": at(0), "until": at(600), "ended": ended,
    });
    (200, json!({"Item": {"mutes": {"S": json!([mute]).to_string()}, "rev": {"N": "1"}}}).to_string())
}

fn last(state: State, second: i64) -> (u16, String) {
    let item = json!({"state": {"S": state.as_str()}, "time": {"S": at(second)}});
    (200, json!({"Item": item}).to_string())
}

fn done() -> (u16, String) {
    (200, json!({"MessageId": "m", "MD5OfMessageBody": "x"}).to_string())
}

/// What is asked after the lists, and the counts, at a second.
async fn swept(answers: Vec<(u16, String)>, second: i64) -> (Vec<String>, (u32, u32), Vec<Value>) {
    let (ctx, replay) = ctx(answers);
    let mut output = Output::default();
    let _ = deliver_again(&ctx, at(second), &mut output).await;
    let bodies = replay.actual_requests().map(|r| serde_json::from_slice(r.body().bytes().unwrap()).unwrap()).collect();
    (asked(&replay), (output.muted, output.unmuted), bodies)
}

const GET: &str = "DynamoDB_20120810.GetItem";

#[tokio::test]
async fn nothing_is_asked_where_nothing_waits() {
    let (asked, counts, _) = swept(waiting(&[]), 0).await;
    assert_eq!((asked.len(), counts), (1, (0, 0)));
}

#[tokio::test]
async fn what_waits_is_left_until_its_mute_is_over() {
    let (asked, counts, _) = swept([waiting(&["a"]), vec![mutes(None), last(State::Firing, 0)]].concat(), 599).await;
    assert_eq!((asked.len(), counts), (4, (1, 0)), "{asked:?}");
    for (mutes, second) in [(mutes(None), 600), (mutes(Some(5)), 10), (gone(), 10)] {
        let (asked, counts, bodies) =
            swept([waiting(&["a"]), vec![mutes, last(State::Firing, 0), done()]].concat(), second).await;
        assert_eq!((&asked[1..4], counts), (&[GET, GET, GET].map(str::to_owned)[..], (1, 1)), "{second}");
        assert_eq!(asked[4], "AmazonSQS.SendMessage");
        assert_eq!(bodies[4]["MessageBody"], r#"{"v":1,"muted_signal":"a"}"#);
        assert_eq!(bodies[4]["QueueUrl"], "https://sqs.eu-west-1.amazonaws.com/111122223333/signals");
        assert_eq!(asked.len(), 5, "nothing is written: a message that is lost is sent again by the next sweep");
    }
}

#[tokio::test]
async fn what_recovered_or_fired_again_since_is_dropped() {
    for state in [last(State::Recovered, 30), last(State::Firing, 30)] {
        for second in [60, 600] {
            let answers = [waiting(&["a"]), vec![mutes(None), state.clone(), (200, "{}".into())]].concat();
            let (asked, counts, bodies) = swept(answers, second).await;
            assert_eq!((asked[4].as_str(), counts), ("DynamoDB_20120810.UpdateItem", (1, 0)), "{second}");
            assert_eq!(bodies[4]["Key"]["pk"]["S"], "SIG#a");
        }
    }
}

#[tokio::test]
async fn one_that_fails_stops_no_other_and_is_said() {
    let denied = (400, json!({"__type": "com.amazonaws.sqs#AccessDeniedException", "message": "no"}).to_string());
    let one = |answer| vec![last(State::Firing, 0), answer];
    let answers = [waiting(&["a", "b"]), vec![mutes(None)], one(denied), one(done())].concat();
    let (ctx, replay) = ctx(answers);
    let mut output = Output::default();
    assert!(deliver_again(&ctx, at(600), &mut output).await.is_err());
    let sent = asked(&replay).iter().filter(|call| *call == "AmazonSQS.SendMessage").count();
    assert_eq!((output.unmuted, sent), (2, 2));
    // What cannot be read is given to triage, which reads it again.
    let (asked, counts, _) = swept([waiting(&["a"]), vec![mutes(None), gone(), done()]].concat(), 600).await;
    assert_eq!((asked.last().map(String::as_str), counts), (Some("AmazonSQS.SendMessage"), (1, 1)));
}
