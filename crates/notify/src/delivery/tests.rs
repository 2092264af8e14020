use super::*;
use crate::Input;
use crate::channels::{Channels, Slack};
use crate::samples::{at, bodies, canned, config, incident, secret_holds, sns_accepts};
use aws_smithy_http_client::test_util::StaticReplayClient;
use incident_store::Store;
use jiff::SignedDuration;
use serde_json::json;

const GONE: (u16, &str) = (400, r#"{"__type":"ResourceNotFoundException","message":"no such table"}"#);
const BUSY: (u16, &str) = (500, r#"{"__type":"InternalServerError","message":"again"}"#);
const DONE: (u16, &str) = (200, "{}");

/// A context whose network is canned, Slack's by the answers given.
fn ctx(table: &StaticReplayClient, sns: &StaticReplayClient, slack: &StaticReplayClient) -> Ctx {
    let secret = secret_holds("xoxb-very-secret");
    let slack = Slack::canned(&canned([(200, secret.as_str())]), slack);
    Ctx { store: Store::new(&config(table), "incidents"), channels: Channels::canned(&config(sns), slack) }
}

fn address() -> Address {
    Address {
        incident_id: "inc-20261123-0123456789".into(),
        opening: 1,
        engagement: 1,
        step: 1,
        contact: "payments-on-call".into(),
        done: "paged payments-on-call".into(),
        to_do: "page payments-on-call".into(),
        suffix: " (step 1)".into(),
    }
}

async fn page(ctx: &Ctx) -> Result<Output, StepError> {
    crate::page::page(ctx, &incident(), 1, 1, 1).await
}

#[tokio::test]
async fn a_table_that_is_gone_never_stops_a_page() {
    let table = canned([GONE; 8]);
    let (sns, slack) = (canned([(200, sns_accepts())]), canned([(200, r#"{"ok":true,"ts":"1"}"#)]));
    let output = page(&ctx(&table, &sns, &slack)).await.unwrap();
    assert_eq!(output.accepted, ["sns", "slack"]);
    assert_eq!((output.wait_s, output.last, output.contact.as_deref()), (300, false, Some("payments-on-call")));
    assert!(bodies(&sns)[0].contains("Message=Degraded%2C%20may%20repeat%3A%20%5BSEV2%5D"), "{:?}", bodies(&sns));
    assert!(bodies(&slack)[0].contains(r#""text":"Degraded, may repeat: [SEV2]"#), "{:?}", bodies(&slack));
}

#[tokio::test]
async fn channels_fail_alone_and_say_why() {
    // Two claims, the record of what SNS accepted (page, incident), then two entries of the timeline.
    let claimed = (200, r#"{"Attributes":{"claims":{"N":"1"}}}"#);
    let table = canned([claimed, claimed, DONE, DONE, DONE, DONE]);
    let (sns, slack) = (canned([(200, sns_accepts())]), canned([(200, r#"{"ok":false,"error":"invalid_auth"}"#)]));
    let output = page(&ctx(&table, &sns, &slack)).await.unwrap();
    assert_eq!((output.accepted, output.failed), (vec!["sns".to_owned()], vec!["slack".to_owned()]));
    let written = bodies(&table).join("\n");
    assert!(written.contains("paged payments-on-call by sns (step 1)"), "{written}");
    let failure =
        "slack could not page payments-on-call (step 1): Slack answered invalid_auth; store a valid bot token";
    assert!(written.contains(failure), "{written}");
    assert!(!written.contains("xoxb-very-secret"));
}

#[tokio::test]
async fn nobody_accepting_is_transient() {
    let (sns, slack) = (canned([(500, "<ErrorResponse/>")]), canned([(503, "")]));
    let error = page(&ctx(&canned([GONE; 8]), &sns, &slack)).await.unwrap_err();
    assert_eq!(
        (error.name(), error.to_string().as_str()),
        ("Transient", "no channel accepted it: could not page payments-on-call")
    );
}

#[tokio::test]
async fn what_is_sent_is_not_sent_again() {
    let sent = json!({"__type": "ConditionalCheckFailedException", "Item": {"sent_at": {"S": "2026-11-23T14:02:15Z"}}});
    let sent = sent.to_string();
    let table = canned([(400, sent.as_str()), (400, sent.as_str())]);
    let (sns, slack) = (canned([]), canned([]));
    let output = page(&ctx(&table, &sns, &slack)).await.unwrap();
    assert_eq!((output.accepted, output.wait_s), (vec!["sns".to_owned(), "slack".to_owned()], 300));
    assert_eq!(table.actual_requests().count(), 2, "nothing is noted twice");
}

/// Handles an input whose incident the table does not give; what was published, and the error's name.
async fn handled(answer: (u16, &str), what: serde_json::Value) -> (Vec<String>, &'static str) {
    let mut input = what;
    for (name, value) in [("v", json!(1)), ("incident_id", json!("inc-20261123-0123456789")), ("opening", json!(1))] {
        input[name] = value;
    }
    let input: Input = serde_json::from_value(input).unwrap();
    let sns = canned([(200, sns_accepts())]);
    let error = crate::handle(&ctx(&canned([answer]), &sns, &canned([])), input).await.unwrap_err();
    (bodies(&sns), error.name())
}

#[tokio::test]
async fn an_unreadable_incident_is_told_to_the_fallback_topic() {
    let page = || json!({"engagement": 1, "step": 1});
    for (answer, name) in [(BUSY, "Transient"), (GONE, "Stuck")] {
        let (published, error) = handled(answer, page()).await;
        assert_eq!((published.len(), error), (1, name));
        for part in ["%3Afallback&", "inc-20261123-0123456789", "Degraded%2C%20may%20repeat"] {
            assert!(published[0].contains(part), "{part} is not in {}", published[0]);
        }
    }
    assert_eq!(handled(DONE, page()).await, (vec![], "Rejected"), "there is no such incident");
    assert_eq!(handled(BUSY, json!({"announce": "resolved"})).await, (vec![], "Transient"), "it wakes nobody");
}

#[test]
fn the_second_of_a_kind_has_a_name_of_its_own() {
    let sns = || Channel::Sns { topic: "t".into() };
    let slack = || Channel::Slack { channel: "c".into(), token: "s".into() };
    assert_eq!(names(&[sns(), slack(), sns(), sns()]), ["sns", "slack", "sns-2", "sns-3"]);
}

#[test]
fn a_claim_decides_the_mark() {
    let until = at("14:00:20");
    for (claim, expect) in [
        (Ok(Claim::Mine { repeat: false }), Some(Mark::First)),
        (Ok(Claim::Mine { repeat: true }), Some(Mark::Repeat)),
        (Ok(Claim::Held { until }), Some(Mark::Repeat)),
        (Ok(Claim::Sent), None),
        (Err(StepError::transient("gone")), Some(Mark::Degraded)),
    ] {
        assert_eq!(mark(claim), expect);
    }
}

#[test]
fn a_lease_is_waited_for_and_no_longer() {
    let now = at("14:00:00");
    for (seconds, millis) in [(0, 50), (-9, 50), (7, 7_050), (90, 21_000)] {
        assert_eq!(wait(now + SignedDuration::from_secs(seconds), now), Duration::from_millis(millis));
    }
}

#[test]
fn the_timeline_has_one_entry_for_what_is_accepted() {
    let came = [
        ("sns".to_owned(), Came::Accepted(at("14:00:02"))),
        ("slack".to_owned(), Came::Accepted(at("14:00:01"))),
        ("slack-2".to_owned(), Came::Already),
    ];
    let entries = entries(&address(), &came);
    let told: Vec<_> = entries.iter().map(|entry| (entry.at, entry.what.as_str())).collect();
    assert_eq!(told, [(at("14:00:01"), "paged payments-on-call by sns and slack (step 1)")]);
}
