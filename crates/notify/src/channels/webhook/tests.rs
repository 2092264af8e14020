use super::*;
use crate::input::Announcement;
use crate::message::{Mark, page, resolved};
use crate::samples::{at, bodies, canned, config, incident, secret_holds};
use aws_smithy_http_client::test_util::StaticReplayClient;
use incident::Incident;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SECRET: &str = "a-secret-of-both-sides";
/// Its path may be a secret of its own.
const URL: &str = "https://hooks.example.org:8443/hidden-path?code=hidden-code";
const PAGE: What = What::Page { engagement: 1, step: 2 };
const DOCS: &str = include_str!("../../../../../docs/webhook.md");

fn message(incident: &Incident) -> Message {
    page(incident, 2, &incident.opened.plan.team.escalation[1], Mark::First)
}

fn secrets(holds: &str) -> Secrets {
    Secrets::new(&config(&canned([(200, secret_holds(holds).as_str())])))
}

async fn posted(answers: &[(u16, &str)]) -> (Result<String, Failure>, StaticReplayClient) {
    let http = canned(answers.iter().copied());
    let webhook = Webhook::new(secrets(SECRET), Http::canned(&http));
    let incident = incident();
    let about = About { incident: &incident, what: PAGE, mitigations: &[] };
    (webhook.post(URL, "tourniquet/webhook", about, &message(&incident)).await, http)
}

#[track_caller]
fn check(result: Result<String, Failure>, certain: bool, sentence: &str) {
    let failure = result.unwrap_err();
    assert_eq!(matches!(failure, Failure::Refused(_)), certain, "{failure:?}");
    let error = failure.cause();
    assert_eq!(error.to_string(), sentence);
    let shown = format!("{error:#} {error:?}");
    assert!(!shown.contains(SECRET) && !shown.contains("hidden"), "a secret is in {shown}");
}

#[track_caller]
fn golden(got: &Value, expect: &str, name: &str) {
    let expect: Value = serde_json::from_str(expect).unwrap();
    assert!(*got == expect, "fixtures/{name}.json is not:\n{got:#}");
}

#[test]
fn bodies_are_as_the_page_of_the_docs_says() {
    let incident = incident();
    let got =
        body(About { incident: &incident, what: PAGE, mitigations: &[] }, &message(&incident), at("14:02:15.678"));
    golden(&got, include_str!("../../../fixtures/webhook-page.json"), "webhook-page");
    let what = What::Announce { announce: Announcement::Resolved, n: 0 };
    let mut drill = Incident { engagement: 2, ..incident };
    drill.opened.drill = true;
    let said =
        body(About { incident: &drill, what, mitigations: &[] }, &resolved(&drill, &[], Mark::First), at("14:02:15"));
    golden(&said, include_str!("../../../fixtures/webhook-resolved.json"), "webhook-resolved");
    for field in said.as_object().unwrap().keys() {
        assert!(DOCS.contains(&format!("| `{field}` |")), "docs/webhook.md does not have `{field}`");
    }
}

#[test]
fn a_signature_is_known() {
    // Calculated with another implementation; the docs have the same numbers for whoever writes the other side.
    let expect = "v1=ec15b6da52b5c6d45ecc9ebf1b83b914f70536e105fcc1bb7ffc29fee6f54543";
    let (timestamp, body) = ("1795442535", r#"{"v":1}"#);
    assert_eq!(signature(&Token::from(SECRET), timestamp, body).unwrap(), expect);
    for part in [SECRET, timestamp, body, expect] {
        assert!(DOCS.contains(part), "docs/webhook.md does not have {part}");
    }
    // A key longer than SHA-256's block is hashed first (RFC 2104).
    let long = signature(&Token::from("k".repeat(65).as_str()), timestamp, body).unwrap();
    assert_eq!(long, "v1=213b4698ce11e797ac61466997abbfadf16427c644fd03e72ec17105dea919ed");
}

#[tokio::test]
async fn the_very_bytes_that_are_posted_are_signed() {
    for status in [200, 202, 204] {
        let (result, http) = posted(&[(status, "")]).await;
        assert_eq!(result.unwrap(), format!("HTTP {status}"));
        let request = http.actual_requests().next().unwrap();
        assert_eq!((request.method(), request.uri()), ("POST", URL));
        let timestamp = request.headers().get("x-tourniquet-timestamp").unwrap();
        let body = &bodies(&http)[0];
        let expect = signature(&Token::from(SECRET), timestamp, body).unwrap();
        assert_eq!(request.headers().get("x-tourniquet-signature"), Some(expect.as_str()));
        let sent_at: Timestamp =
            serde_json::from_str::<Value>(body).unwrap()["sent_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(sent_at.as_second().to_string(), timestamp);
        assert!(!body.contains(SECRET));
    }
}

#[tokio::test]
async fn refusals_say_what_to_mend() {
    let to = "the webhook at hooks.example.org:8443";
    let redirect = "answered with a redirect, which is not followed; write the address that it leads to in teams.yaml";
    let signed = "refused the signature; give both sides what is in the secret `tourniquet/webhook`";
    let status = |n: u16| format!("answered with HTTP status {n}; mend it there, or its address in teams.yaml");
    let cases = [
        (302, true, redirect.to_owned()),
        (308, true, redirect.to_owned()),
        (401, true, signed.to_owned()),
        (403, true, signed.to_owned()),
        (400, true, status(400)),
        (404, true, status(404)),
        (429, true, "asked to wait a while".to_owned()),
        (500, false, status(500)),
        (503, false, status(503)),
    ];
    for (code, certain, sentence) in cases {
        let (result, http) = posted(&[(code, SECRET), (200, "")]).await;
        check(result, certain, &format!("{to} {sentence}"));
        assert_eq!(http.actual_requests().count(), 1, "{code}: nothing is followed, and nothing tried again");
    }
    check(posted(&[]).await.0, false, &format!("{to} could not be reached"));
}

#[tokio::test]
async fn a_secret_that_the_other_side_refuses_is_read_again() {
    let [old, new] = ["old-secret", "new-secret"].map(secret_holds);
    let secrets = Secrets::new(&config(&canned([(200, old.as_str()), (200, new.as_str())])));
    let http = canned([(401, ""), (200, "")]);
    let webhook = Webhook::new(secrets, Http::canned(&http));
    let incident = incident();
    for accepted in [false, true] {
        let about = About { incident: &incident, what: PAGE, mitigations: &[] };
        assert_eq!(webhook.post(URL, "s", about, &message(&incident)).await.is_ok(), accepted);
    }
    let keys = ["old-secret", "new-secret"].map(Token::from);
    let bodies = bodies(&http);
    for ((request, body), key) in http.actual_requests().zip(bodies).zip(keys) {
        let timestamp = request.headers().get("x-tourniquet-timestamp").unwrap();
        let expect = signature(&key, timestamp, &body).unwrap();
        assert_eq!(request.headers().get("x-tourniquet-signature"), Some(expect.as_str()));
    }
}

#[tokio::test]
async fn a_secret_that_holds_none_says_so() {
    let webhook = Webhook::new(secrets(" "), Http::canned(&canned([])));
    let incident = incident();
    let result =
        webhook.post(URL, "s", About { incident: &incident, what: PAGE, mitigations: &[] }, &message(&incident)).await;
    check(result, true, "the secret `s` is no signing secret; store the signing secret alone, as plain text");
}

#[tokio::test]
async fn a_real_connection_gets_the_whole_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/pages?team=payments", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        // The body is JSON, and its last character is the brace that closes it.
        while !request.ends_with(b"}") {
            socket.read_buf(&mut request).await.unwrap();
        }
        socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let webhook = Webhook::new(secrets(SECRET), Http::default());
    let incident = incident();
    let about = About { incident: &incident, what: PAGE, mitigations: &[] };
    assert_eq!(webhook.post(&url, "s", about, &message(&incident)).await.unwrap(), "HTTP 204");
    assert_eq!(served.await.unwrap().lines().next(), Some("POST /pages?team=payments HTTP/1.1"));
}

#[test]
fn only_the_host_is_shown() {
    for (url, shown) in [
        (URL, "hooks.example.org:8443"),
        ("https://a.example?x", "a.example"),
        ("https://ada:secret@a.example/", "a.example"),
        ("nonsense", "nonsense"),
    ] {
        assert_eq!(host(url), shown);
    }
}
