use super::*;
use crate::message::unreadable;
use crate::samples::{bodies, canned, config, secret_holds};
use aws_smithy_http_client::test_util::StaticReplayClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TOKEN: &str = "xoxb-very-secret";

async fn posted(answers: &[(u16, &str)]) -> (Result<String, Failure>, StaticReplayClient) {
    let http = canned(answers.iter().copied());
    let secret = secret_holds(TOKEN);
    let slack = Slack::canned(&canned([(200, secret.as_str())]), &http);
    (slack.post("C1", "tourniquet/slack", &unreadable("inc-x")).await, http)
}

#[track_caller]
fn check(result: Result<String, Failure>, certain: bool, sentence: &str) {
    let failure = result.unwrap_err();
    assert_eq!(matches!(failure, Failure::Refused(_)), certain, "{failure:?}");
    let error = failure.cause();
    assert_eq!(error.to_string(), sentence);
    assert!(!format!("{error:#} {error:?}").contains(TOKEN), "the token is in {error:#}");
}

#[tokio::test]
async fn a_message_is_posted_with_its_token_and_gives_its_ts() {
    let (result, http) = posted(&[(200, r#"{"ok":true,"channel":"C1","ts":"1503435956.000247"}"#)]).await;
    assert_eq!(result.unwrap(), "1503435956.000247");
    let request = http.actual_requests().next().unwrap();
    assert_eq!((request.method(), request.uri()), ("POST", "http://127.0.0.1:1/api/chat.postMessage"));
    assert_eq!(request.headers().get("authorization"), Some("Bearer xoxb-very-secret"));
    let body: serde_json::Value = serde_json::from_str(&bodies(&http)[0]).unwrap();
    assert_eq!((&body["channel"], &body["unfurl_links"]), (&"C1".into(), &false.into()));
    assert_eq!(body["blocks"][0]["type"], "header");
}

#[tokio::test]
async fn refusals_say_what_to_mend() {
    let cases = [
        (
            200,
            r#"{"ok":false,"error":"not_in_channel"}"#,
            true,
            "Slack answered not_in_channel; invite the bot to the channel C1, or mend the channel in teams.yaml",
        ),
        (
            200,
            r#"{"ok":false,"error":"missing_scope"}"#,
            true,
            "Slack answered missing_scope; give the bot the scope chat:write",
        ),
        (
            200,
            r#"{"ok":false,"error":"xoxb-very-secret"}"#,
            false,
            "Slack answered an error without a name; see the errors of chat.postMessage in Slack's documentation",
        ),
        (
            200,
            r#"{"ok":false,"error":"fatal_error"}"#,
            false,
            "Slack answered fatal_error; see the errors of chat.postMessage in Slack's documentation",
        ),
        (200, "<html>", false, "Slack answered with something that is not its JSON"),
        (404, "", true, "Slack answered with HTTP status 404; see https://slack-status.com"),
        (429, "", true, "Slack asked to wait a while; it takes about one message a second"),
        (503, "", false, "Slack answered with HTTP status 503; see https://slack-status.com"),
    ];
    for (status, body, certain, sentence) in cases {
        check(posted(&[(status, body)]).await.0, certain, sentence);
    }
}

#[tokio::test]
async fn an_unreachable_slack_says_so() {
    // Canned answers that are used up are a connection that fails.
    check(posted(&[]).await.0, false, "Slack could not be reached");
}

/// Takes one connection and reads its request; answers it, or hangs up.
async fn serve_one(listener: &TcpListener, answer: Option<&str>) -> String {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    // The body is JSON, and its last character is the brace that closes it.
    while !request.ends_with(b"}") {
        socket.read_buf(&mut request).await.unwrap();
    }
    if let Some(body) = answer {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    }
    String::from_utf8(request).unwrap()
}

#[tokio::test]
async fn a_lost_connection_is_tried_once_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let env = Env::from([("SLACK_API_URL", format!("http://{}/api", listener.local_addr().unwrap()).as_str())]);
    let secret = secret_holds(TOKEN);
    let secrets = Secrets::new(&config(&canned([(200, secret.as_str())])));
    let slack = Slack::new(secrets, Http::default(), &env);
    let message = unreadable("inc-x");
    let served = tokio::spawn(async move {
        let lost = serve_one(&listener, None).await;
        (lost, serve_one(&listener, Some(r#"{"ok":true,"ts":"2"}"#)).await)
    });
    assert_eq!(slack.post("C1", "s", &message).await.unwrap(), "2");
    let (lost, again) = served.await.unwrap();
    assert_eq!(lost.lines().next(), Some("POST /api/chat.postMessage HTTP/1.1"));
    assert_eq!(lost, again);
}

#[tokio::test]
async fn a_no_to_a_second_try_says_nothing_of_the_first() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let env = Env::from([("SLACK_API_URL", format!("http://{}/api", listener.local_addr().unwrap()).as_str())]);
    let secret = secret_holds(TOKEN);
    let secrets = Secrets::new(&config(&canned([(200, secret.as_str())])));
    let slack = Slack::new(secrets, Http::default(), &env);
    let served = tokio::spawn(async move {
        serve_one(&listener, None).await;
        serve_one(&listener, Some(r#"{"ok":false,"error":"ratelimited"}"#)).await
    });
    let result = slack.post("C1", "s", &unreadable("inc-x")).await;
    check(result, false, "Slack answered ratelimited; see the errors of chat.postMessage in Slack's documentation");
    served.await.unwrap();
}

#[tokio::test]
async fn a_token_is_read_once_and_again_when_slack_does_not_take_it() {
    let [old, new] = ["xoxb-old", "xoxb-new"].map(secret_holds);
    let secrets = canned([(200, old.as_str()), (200, new.as_str())]);
    let (ok, no) = (r#"{"ok":true,"ts":"1"}"#, r#"{"ok":false,"error":"token_revoked"}"#);
    let answers = canned([(200, ok), (200, no), (200, ok)]);
    let slack = Slack::canned(&secrets, &answers);
    let message = unreadable("inc-x");
    slack.post("C1", "s", &message).await.unwrap();
    check(
        slack.post("C1", "s", &message).await,
        true,
        "Slack answered token_revoked; store a valid bot token in the secret `s`",
    );
    slack.post("C1", "s", &message).await.unwrap();
    let used: Vec<_> =
        answers.actual_requests().map(|r| r.headers().get("authorization").unwrap().to_owned()).collect();
    assert_eq!(used, ["Bearer xoxb-old", "Bearer xoxb-old", "Bearer xoxb-new"]);
}

#[tokio::test]
async fn a_secret_that_is_no_token_says_so() {
    let missing = r#"{"__type":"ResourceNotFoundException","Message":"none"}"#;
    let holds = [r#"{"token":"xoxb very secret"}"#, "xoxb\nvery-secret", " "].map(secret_holds);
    let no_token = "the secret `s` is no bot token; store the bot token alone, as plain text";
    let cases = [
        (400, missing, "the secret `s` could not be read (ResourceNotFoundException)"),
        (200, holds[0].as_str(), no_token),
        (200, holds[1].as_str(), no_token),
        (200, holds[2].as_str(), no_token),
    ];
    for (status, body, sentence) in cases {
        let slack = Slack::canned(&canned([(status, body)]), &canned([]));
        check(slack.post("C1", "s", &unreadable("inc-x")).await, true, sentence);
    }
}
