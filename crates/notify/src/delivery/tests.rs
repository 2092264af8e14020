use super::*;
use crate::Input;
use crate::samples::{at, bodies, canned, incident, secret_holds, sns_accepts};
use aws_smithy_http_client::test_util::StaticReplayClient;
use jiff::SignedDuration;
use serde_json::json;

const GONE: (u16, &str) = (400, r#"{"__type":"ResourceNotFoundException","message":"no such table"}"#);
const BUSY: (u16, &str) = (500, r#"{"__type":"InternalServerError","message":"again"}"#);
const DONE: (u16, &str) = (200, "{}");
const CLAIMED: (u16, &str) = (200, r#"{"Attributes":{"claims":{"N":"1"}}}"#);
const POSTED: (u16, &str) = (200, r#"{"ok":true,"ts":"1"}"#);

/// A context whose network is canned, Slack's by the answers given.
fn ctx(table: &StaticReplayClient, sns: &StaticReplayClient, slack: &StaticReplayClient) -> Ctx {
    let secret = secret_holds("xoxb-very-secret");
    crate::samples::ctx(table, sns, &canned([(200, secret.as_str())]), slack)
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
    // Two claims, the record of what SNS accepted (incident, page), Slack's claim given back, two entries of the timeline.
    let table = canned([CLAIMED, CLAIMED, DONE, DONE, DONE, DONE, DONE]);
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
async fn a_page_that_wakes_nobody_is_tried_again() {
    // Two claims, then the records and the entries.
    let table = canned([CLAIMED, CLAIMED, DONE, DONE, DONE, DONE, DONE]);
    let error = page(&ctx(&table, &canned([(403, "<ErrorResponse/>")]), &canned([POSTED]))).await.unwrap_err();
    let sentence = "no channel that wakes accepted it: could not page payments-on-call";
    assert_eq!((error.name(), error.to_string().as_str()), ("Transient", sentence));
    assert!(
        bodies(&table).join("\n").contains("paged payments-on-call by slack (step 1)"),
        "Slack has it all the same"
    );
}

/// How often a claim was given back.
async fn given_back(claim: (u16, &str), sns: (u16, &str)) -> usize {
    let table = canned([claim, (400, &sent()), DONE, DONE, DONE, DONE]);
    page(&ctx(&table, &canned([sns]), &canned([]))).await.unwrap_err();
    bodies(&table).iter().filter(|body| body.contains("lease_until_ms = :zero")).count()
}

#[tokio::test]
async fn a_claim_is_given_back_where_the_channel_certainly_refused() {
    assert_eq!(given_back(CLAIMED, (403, "<ErrorResponse/>")).await, 1);
    assert_eq!(given_back(CLAIMED, (500, "<ErrorResponse/>")).await, 0, "it may have taken it");
    assert_eq!(given_back(GONE, (403, "<ErrorResponse/>")).await, 0, "it was never claimed");
}

/// What the table answers to the claim of a page that is sent.
fn sent() -> String {
    json!({"__type": "ConditionalCheckFailedException", "Item": {"sent_at": {"S": "2026-11-23T14:02:15Z"}}}).to_string()
}

#[tokio::test]
async fn what_is_sent_is_not_sent_again() {
    let sent = sent();
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

#[tokio::test]
async fn a_retry_does_not_tell_the_fallback_topic_again() {
    let step = |n: u32| -> Input {
        let page = json!({"v": 1, "incident_id": "inc-20261123-0123456789", "opening": 1, "engagement": 1, "step": n});
        serde_json::from_value(page).unwrap()
    };
    // The topic does not take the first; then it takes one for each step.
    let sns = canned([(403, "<ErrorResponse/>"), (200, sns_accepts()), (200, sns_accepts())]);
    let ctx = ctx(&canned([BUSY; 5]), &sns, &canned([]));
    for (n, published) in [(1, 1), (1, 2), (1, 2), (2, 3), (2, 3)] {
        assert_eq!(crate::handle(&ctx, step(n)).await.unwrap_err().name(), "Transient");
        assert_eq!(bodies(&sns).len(), published, "step {n}");
    }
}

#[test]
fn what_counts_as_delivered() {
    const NOBODY: Option<&str> = Some("no channel accepted it");
    const UNWOKEN: Option<&str> = Some("no channel that wakes accepted it");
    let yes = || Came::Accepted(at("14:00:00"));
    let no = || Came::Failed(at("14:00:00"), "down".into());
    // By SNS, which wakes, and by Slack, which does not.
    for (to_wake, sns, slack, expect) in [
        (true, Some(yes()), Some(yes()), None),
        (true, Some(yes()), Some(no()), None),
        (true, Some(Came::Already), Some(no()), None),
        (true, Some(no()), Some(yes()), UNWOKEN),
        (true, Some(no()), Some(Came::Already), UNWOKEN),
        (false, Some(no()), Some(yes()), None),
        (true, None, Some(yes()), None),
        (true, None, Some(no()), NOBODY),
        (true, Some(no()), Some(no()), NOBODY),
        (false, Some(no()), Some(no()), NOBODY),
        (true, None, None, NOBODY),
    ] {
        let all = [("sns", true, sns), ("slack", false, slack)];
        let there = all.into_iter().filter_map(|(name, wakes, came)| Some((wakes, (name.to_owned(), came?))));
        let (wakes, came): (Vec<_>, Vec<_>) = there.unzip();
        assert_eq!(lack(to_wake, &wakes, &came), expect, "to wake {to_wake}: {came:?}");
    }
}

#[test]
fn the_second_of_a_kind_has_a_name_of_its_own() {
    let sns = || Channel::new("sns", true, [("topic", "t")]);
    let slack = || Channel::new("slack", false, [("channel", "c"), ("token", "s")]);
    assert_eq!(names(&[sns(), slack(), sns(), sns()]), ["sns", "slack", "sns-2", "sns-3"]);
}

#[test]
fn a_claim_decides_the_mark() {
    let until = at("14:00:20");
    for (claim, expect) in [
        (Ok(Claim::Mine { repeat: false }), Some((Mark::First, true))),
        (Ok(Claim::Mine { repeat: true }), Some((Mark::Repeat, true))),
        (Ok(Claim::Held { until }), Some((Mark::Repeat, false))),
        (Ok(Claim::Sent), None),
        (Err(StepError::transient("gone")), Some((Mark::Degraded, false))),
    ] {
        assert_eq!(turn(claim), expect.map(|(mark, ours)| Turn { mark, ours }));
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
