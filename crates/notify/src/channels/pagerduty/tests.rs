use super::*;
use crate::message::{Mark, page};
use crate::samples::{at, bodies, canned, config, incident, planned, secret_holds};
use aws_smithy_http_client::test_util::StaticReplayClient;
use incident::{MitigationRecord, Outcome};

const KEY: &str = "R0123456789abcdefghijklmnopqrstu";
const ACCEPTED: (u16, &str) = (202, r#"{"status":"success","message":"Event processed","dedup_key":"x"}"#);
const PAGE: What = What::Page { engagement: 1, step: 1 };
const RESOLVED: What = What::Announce { announce: Announcement::Resolved, n: 0 };

fn message(incident: &Incident) -> Message {
    page(incident, 1, &incident.opened.plan.team.escalation[0], Mark::First)
}

/// What came of it, and the requests that were made.
async fn sent(
    incident: &Incident,
    what: What,
    answers: &[(u16, &str)],
) -> (Result<String, Failure>, StaticReplayClient) {
    sent_about(About { incident, what, mitigations: &[] }, answers).await
}

async fn sent_about(about: About<'_>, answers: &[(u16, &str)]) -> (Result<String, Failure>, StaticReplayClient) {
    let http = canned(answers.iter().copied());
    let secrets = Secrets::new(&config(&canned([(200, secret_holds(KEY).as_str())])));
    let env = Env::from([("PAGERDUTY_EVENTS_URL", "http://127.0.0.1:1/pd/")]);
    let pagerduty = PagerDuty::new(secrets, Http::canned(&http), &env);
    let result = pagerduty.send("tourniquet/pagerduty", about, &message(about.incident)).await;
    (result, http)
}

fn events(http: &StaticReplayClient) -> Vec<Value> {
    bodies(http).iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

#[tokio::test]
async fn a_page_opens_an_alert() {
    let (result, http) = sent(&incident(), PAGE, &[ACCEPTED]).await;
    assert_eq!(result.unwrap(), "inc-20261123-0123456789-1-1");
    let request = http.actual_requests().next().unwrap();
    assert_eq!((request.method(), request.uri()), ("POST", "http://127.0.0.1:1/pd/v2/enqueue"));
    assert_eq!(request.headers().get("content-type"), Some("application/json; charset=utf-8"));
    let golden: Value = serde_json::from_str(include_str!("../../../fixtures/pagerduty-trigger.json")).unwrap();
    let got = &events(&http)[0];
    assert!(*got == golden, "fixtures/pagerduty-trigger.json is not:\n{got:#}");
}

#[tokio::test]
async fn the_alert_is_of_the_engagement() {
    let reopened = Incident { opening: 2, engagement: 3, ..incident() };
    let mut keys = Vec::new();
    for (engagement, step) in [(3, 1), (3, 2), (4, 1)] {
        keys.push(sent(&reopened, What::Page { engagement, step }, &[ACCEPTED]).await.0.unwrap());
    }
    assert_eq!(keys, ["3", "3", "4"].map(|n| format!("inc-20261123-0123456789-2-{n}")), "later steps add to it");
    let largest = Incident { opening: u32::MAX, ..reopened };
    assert!(dedup_key(&largest, u32::MAX).len() <= 255);
}

#[tokio::test]
async fn the_end_resolves_the_alerts_of_all_engagements() {
    let again = Incident { engagement: 2, ..incident() };
    let (result, http) = sent(&again, RESOLVED, &[ACCEPTED; 2]).await;
    assert_eq!(result.unwrap(), "inc-20261123-0123456789-1-2");
    let expect = ["1", "2"].map(|n| {
        let dedup_key = format!("inc-20261123-0123456789-1-{n}");
        json!({"routing_key": KEY, "event_action": "resolve", "dedup_key": dedup_key})
    });
    assert_eq!(events(&http), expect);
    let (result, _) = sent(&again, RESOLVED, &[ACCEPTED, (503, "")]).await;
    assert!(matches!(result, Err(Failure::Unknown(_))), "one alert may still be open: {result:?}");
}

#[tokio::test]
async fn what_is_said_beside_pages_is_not_sent() {
    for (announce, taken) in
        [(Announcement::Approval, false), (Announcement::Mitigation, false), (Announcement::Resolved, true)]
    {
        let what = What::Announce { announce, n: 1 };
        assert_eq!(takes(About { incident: &incident(), what, mitigations: &[planned()] }), taken, "{announce:?}");
        let (_, http) = sent(&incident(), what, &[ACCEPTED]).await;
        assert_eq!(http.actual_requests().count(), usize::from(taken), "{announce:?}");
    }
    assert!(takes(About { incident: &incident(), what: PAGE, mitigations: &[] }));
}

#[tokio::test]
async fn a_change_that_did_not_help_opens_an_alert_of_its_own_until_the_end() {
    let (incident, applied_at) = (incident(), Some(at("14:03:00")));
    let left = [MitigationRecord { outcome: Some(Outcome::Ineffective), applied_at, ..planned() }];
    let what = What::Announce { announce: Announcement::Mitigation, n: 1 };
    let about = About { incident: &incident, what, mitigations: &left };
    assert!(takes(about));
    let (result, http) = sent_about(about, &[ACCEPTED]).await;
    assert_eq!(result.unwrap(), "inc-20261123-0123456789-1-mitigation-1");
    let event = &events(&http)[0];
    assert_eq!((&event["event_action"], &event["payload"]["severity"]), (&json!("trigger"), &json!("error")));
    let (result, http) = sent_about(About { what: RESOLVED, ..about }, &[ACCEPTED; 2]).await;
    assert_eq!(result.unwrap(), "inc-20261123-0123456789-1-1");
    let resolved: Vec<_> = events(&http).iter().map(|event| event["dedup_key"].clone()).collect();
    assert_eq!(resolved, ["inc-20261123-0123456789-1-mitigation-1", "inc-20261123-0123456789-1-1"]);
}

#[test]
fn every_severity_has_a_word() {
    let words = [Severity::Sev1, Severity::Sev2, Severity::Sev3, Severity::Sev4, Severity::Sev5].map(severity);
    assert_eq!(words, ["critical", "error", "warning", "info", "info"]);
}

#[test]
fn only_addresses_are_links() {
    let mut incident = incident();
    incident.opened.plan.plan.runbook = Some("https://wiki.example/checkout".into());
    let hrefs = |incident: &Incident| links(incident).iter().map(|l| l["href"].clone()).collect::<Vec<_>>();
    let console = incident.opened.signal.link.clone().unwrap();
    assert_eq!(hrefs(&incident), ["https://wiki.example/checkout", &console]);
    incident.opened.plan.plan.runbook = Some("docs/runbooks/checkout.md".into());
    incident.opened.signal.link = Some("javascript:alert(1)".into());
    assert_eq!(hrefs(&incident), [""; 0]);
}

#[test]
fn long_texts_fit() {
    let mut incident = incident();
    incident.opened.signal.fingerprint = "f".repeat(9_000);
    let message = Message { title: "ä".repeat(9_000), ..message(&incident) };
    let event = trigger(&Token::from(KEY), &incident, "alert", &message);
    for field in ["summary", "source"] {
        assert_eq!(event["payload"][field].as_str().unwrap().chars().count(), 1_024, "{field}");
    }
    assert!(event.to_string().len() < 512 * 1024);
}

#[tokio::test]
async fn refusals_say_what_to_mend() {
    let status = |n: u16| format!("PagerDuty answered with HTTP status {n}; see https://status.pagerduty.com");
    let refused = "PagerDuty refused the event; store the routing key of an Events API v2 integration in the secret \
                   `tourniquet/pagerduty`";
    let busy = "PagerDuty asked to wait a while; it takes about 120 events a minute and key";
    let cases = [
        (400, true, refused.to_owned()),
        (429, true, busy.to_owned()),
        (404, true, status(404)),
        (302, true, status(302)),
        (200, false, status(200)),
        (500, false, status(500)),
        (503, false, status(503)),
    ];
    for (code, certain, sentence) in cases {
        // What PagerDuty says may repeat the key; none of it is shown.
        let (result, http) = sent(&incident(), PAGE, &[(code, KEY)]).await;
        check(result, certain, &sentence);
        assert_eq!(http.actual_requests().count(), 1, "{code}");
    }
    check(sent(&incident(), PAGE, &[]).await.0, false, "PagerDuty could not be reached");
}

#[track_caller]
fn check(result: Result<String, Failure>, certain: bool, sentence: &str) {
    let failure = result.unwrap_err();
    assert_eq!(matches!(failure, Failure::Refused(_)), certain, "{failure:?}");
    let error = failure.cause();
    assert_eq!(error.to_string(), sentence);
    assert!(!format!("{error:#} {error:?}").contains(KEY), "the key is in {error:#}");
}

#[tokio::test]
async fn a_key_that_is_refused_is_read_again() {
    let [old, new] = ["old-key", "new-key"].map(secret_holds);
    let secrets = Secrets::new(&config(&canned([(200, old.as_str()), (200, new.as_str())])));
    let http = canned([ACCEPTED, (400, "{}"), ACCEPTED]);
    let pagerduty = PagerDuty::new(secrets, Http::canned(&http), &Env::default());
    let incident = incident();
    for accepted in [true, false, true] {
        let result =
            pagerduty.send("s", About { incident: &incident, what: PAGE, mitigations: &[] }, &message(&incident)).await;
        assert_eq!(result.is_ok(), accepted);
    }
    let keys: Vec<_> = events(&http).iter().map(|event| event["routing_key"].clone()).collect();
    assert_eq!(keys, ["old-key", "old-key", "new-key"]);
    assert_eq!(http.actual_requests().next().unwrap().uri(), "https://events.pagerduty.com/v2/enqueue");
}

#[tokio::test]
async fn a_secret_that_holds_no_key_says_so() {
    let secrets = Secrets::new(&config(&canned([(200, secret_holds(r#"{"key": "R0"}"#).as_str())])));
    let pagerduty = PagerDuty::new(secrets, Http::canned(&canned([])), &Env::default());
    let incident = incident();
    let result =
        pagerduty.send("s", About { incident: &incident, what: PAGE, mitigations: &[] }, &message(&incident)).await;
    check(result, true, "the secret `s` is no routing key; store the routing key alone, as plain text");
}
