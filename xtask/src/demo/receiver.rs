//! The people's end of the demo: a local receiver that takes messages as Slack and SNS subscribers do, and refuses what
//! Slack would refuse.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http;

/// Slack's own limit of a request is larger; nothing of ours comes near it.
const LARGEST_BODY: usize = 1024 * 1024;

/// A token in Slack's form that opens nothing.
pub const TOKEN: &str = "xoxb-demo";

/// The path at which it says what it got.
const RECEIVED: &str = "/received";

/// What people got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Received {
    /// A message that Slack would have shown.
    Slack {
        /// The channel.
        channel: String,
        /// The text, as a notification shows it.
        text: String,
    },
    /// A message that Slack would have refused, with Slack's word for it.
    Refused {
        /// Slack's error.
        error: String,
    },
    /// A notification of an SNS topic.
    Topic {
        /// The topic's ARN.
        topic: String,
        /// The subject of its e-mail.
        subject: String,
        /// The message.
        message: String,
    },
}

/// The receiver; it lives until the program ends.
#[derive(Clone, Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    token: String,
    received: Mutex<Vec<Received>>,
}

impl Receiver {
    /// Listens on a free loopback port, for messages that carry this bot token.
    pub fn start(token: &str) -> Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("No free port on 127.0.0.1")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { token: token.to_owned(), received: Mutex::default() });
        let receiver = Self { address, shared };
        let serving = receiver.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || runtime.block_on(serving.serve(listener)));
        Ok(receiver)
    }

    /// Where SNS topics deliver to.
    pub fn topic_endpoint(&self) -> String {
        format!("http://{}/sns", self.address)
    }

    /// Where it listens: other processes ask what it got by [`received_at`].
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything received so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Received>> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self, listener: std::net::TcpListener) {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        while let Ok((connection, _)) = listener.accept().await {
            let receiver = self.clone();
            let answer = service_fn(move |request| {
                let receiver = receiver.clone();
                async move { receiver.answer(request).await }
            });
            // A client that goes away in the middle has only itself to blame.
            tokio::spawn(
                async move { _ = http1::Builder::new().serve_connection(TokioIo::new(connection), answer).await },
            );
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let (head, body) = request.into_parts();
        let of = |name: &str| head.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else { return Ok(text("too large")) };
        let body = body.to_bytes();
        if head.uri.path() == RECEIVED {
            return Ok(text(&serde_json::to_string(&*self.lock()).unwrap_or_default()));
        }
        if head.uri.path() == "/sns" {
            return Ok(self.notification(&of("x-amz-sns-message-type"), &body));
        }
        let authorization = of(header::AUTHORIZATION.as_str());
        let content_type = of(header::CONTENT_TYPE.as_str());
        let received = slack(head.uri.path(), &authorization, &content_type, &body, &self.shared.token);
        let answer = match &received {
            Received::Refused { error } => json!({"ok": false, "error": error}),
            Received::Slack { channel, .. } => {
                let stamp = format!("1700000000.{:06}", self.lock().len());
                json!({"ok": true, "channel": channel, "ts": stamp})
            }
            Received::Topic { .. } => json!({"ok": true}),
        };
        self.lock().push(received);
        Ok(text(&answer.to_string()))
    }

    fn notification(&self, kind: &str, body: &[u8]) -> Response<Full<Bytes>> {
        let envelope: Value = serde_json::from_slice(body).unwrap_or_default();
        let field = |name: &str| envelope[name].as_str().unwrap_or_default().to_owned();
        if kind == "SubscriptionConfirmation" {
            let url = field("SubscribeURL");
            // The emulator waits for this answer before it answers the confirmation.
            std::thread::spawn(move || confirm(&url));
        } else {
            let (topic, subject, message) = (field("TopicArn"), field("Subject"), field("Message"));
            self.lock().push(Received::Topic { topic, subject, message });
        }
        text("")
    }
}

/// What the receiver of another process got so far, in order.
pub fn received_at(receiver: SocketAddr) -> Result<Vec<Received>> {
    let answer = http::request(receiver, "GET", RECEIVED, b"")?;
    serde_json::from_slice(&answer.body).context("The receiver answered something else than what it got")
}

/// Visits the address of a subscription, as a subscriber confirms it.
fn confirm(url: &str) -> Option<()> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) = rest.split_once('/')?;
    let (_, port) = host.split_once(':')?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?));
    http::request(address, "GET", &format!("/{path}"), b"").ok().map(drop)
}

fn text(body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_owned()));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// Takes a request as chat.postMessage does; the errors are Slack's own words.
fn slack(path: &str, authorization: &str, content_type: &str, body: &[u8], token: &str) -> Received {
    let refused = |error: &str| Received::Refused { error: error.to_owned() };
    if path != "/api/chat.postMessage" {
        return refused("unknown_method");
    }
    if authorization != format!("Bearer {token}") {
        return refused("invalid_auth");
    }
    if !content_type.starts_with("application/json") {
        return refused("missing_post_type");
    }
    let Ok(Value::Object(message)) = serde_json::from_slice(body) else { return refused("invalid_json") };
    let Some(channel) = message.get("channel").and_then(Value::as_str).filter(|c| is_channel(c)) else {
        return refused("channel_not_found");
    };
    let Some(text) = message.get("text").and_then(Value::as_str).filter(|t| !t.is_empty()) else {
        return refused("no_text");
    };
    if text.chars().count() > 40_000 {
        return refused("msg_too_long");
    }
    match message.get("blocks").map(blocks).unwrap_or(Ok(())) {
        Ok(()) => Received::Slack { channel: channel.to_owned(), text: text.to_owned() },
        Err(error) => refused(error),
    }
}

/// Ids of channels, direct messages and members begin so.
fn is_channel(id: &str) -> bool {
    id.starts_with(['C', 'D', 'G', 'U']) && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// The limits of Block Kit: 50 blocks, 150 characters a header, 3,000 a section, 2,000 a field, 10 elements a context.
fn blocks(blocks: &Value) -> Result<(), &'static str> {
    let blocks = blocks.as_array().ok_or("invalid_blocks_format")?;
    if blocks.len() > 50 || blocks.iter().map(|block| block.to_string().len()).sum::<usize>() > 13_200 {
        return Err("msg_blocks_too_long");
    }
    blocks.iter().all(is_block).then_some(()).ok_or("invalid_blocks")
}

fn is_block(block: &Value) -> bool {
    let at_most = |text: &Value, limit| text.as_str().is_some_and(|t| !t.is_empty() && t.chars().count() <= limit);
    match block["type"].as_str() {
        Some("header") => block["text"]["type"] == "plain_text" && at_most(&block["text"]["text"], 150),
        Some("section") => {
            let fields = block["fields"].as_array();
            let fields_fit = fields.is_none_or(|f| f.len() <= 10 && f.iter().all(|f| at_most(&f["text"], 2_000)));
            fields_fit && (fields.is_some() || at_most(&block["text"]["text"], 3_000))
        }
        Some("context") => block["elements"].as_array().is_some_and(|e| !e.is_empty() && e.len() <= 10),
        Some("actions") => block["elements"].as_array().is_some_and(|e| !e.is_empty() && e.len() <= 25),
        Some("divider") => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(authorization: &str, body: Value, expect: Result<&str, &str>) {
        let body = body.to_string();
        let got = slack("/api/chat.postMessage", authorization, "application/json", body.as_bytes(), "xoxb-test");
        match (got, expect) {
            (Received::Slack { channel, .. }, Ok(expect)) => assert_eq!(channel, expect),
            (Received::Refused { error }, Err(expect)) => assert_eq!(error, expect),
            (got, expect) => panic!("{got:?}, not {expect:?}"),
        }
    }

    #[test]
    fn refuses_what_slack_refuses() {
        let good = "Bearer xoxb-test";
        check(good, json!({"channel": "C0PAYMENTS", "text": "hi"}), Ok("C0PAYMENTS"));
        check("Bearer other", json!({"channel": "C0PAYMENTS", "text": "hi"}), Err("invalid_auth"));
        check("", json!({"channel": "C0PAYMENTS", "text": "hi"}), Err("invalid_auth"));
        check(good, json!({"channel": "payments", "text": "hi"}), Err("channel_not_found"));
        check(good, json!({"channel": "C0PAYMENTS", "text": ""}), Err("no_text"));
        check(good, json!([]), Err("invalid_json"));
        let header = |n: usize| json!({"type": "header", "text": {"type": "plain_text", "text": "x".repeat(n)}});
        check(good, json!({"channel": "C0", "text": "hi", "blocks": [header(150)]}), Ok("C0"));
        check(good, json!({"channel": "C0", "text": "hi", "blocks": [header(151)]}), Err("invalid_blocks"));
        check(good, json!({"channel": "C0", "text": "hi", "blocks": vec![header(1); 51]}), Err("msg_blocks_too_long"));
    }
}
