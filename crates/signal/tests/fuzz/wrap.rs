//! The wrapping around payloads: what each way to a function puts around an event.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::{Value, json};

/// One way to wrap a payload.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wrap {
    Notification,
    Topic,
    Queue,
    Stream,
    Log,
    Lines,
    Entries,
    Forwarded,
    Drill,
    Failed,
    Refused,
}

use Wrap::{Drill, Entries, Failed, Forwarded, Lines, Log, Notification, Queue, Refused, Stream, Topic};

pub(crate) fn any_wrap() -> impl Strategy<Value = Wrap> {
    let all = [Notification, Topic, Queue, Stream, Log, Lines, Entries, Forwarded, Drill, Failed, Refused];
    prop::sample::select(all.to_vec())
}

impl Wrap {
    /// So many of the payload, each with a sibling that is none.
    pub(crate) fn around(self, inner: &[u8], times: usize) -> Vec<u8> {
        let text = String::from_utf8_lossy(inner);
        let value = || serde_json::from_slice(inner).unwrap_or_else(|_| json!(text));
        let own = |source: &str, account: &str| json!({"source": source, "account": account, "detail": value()});
        let failed = |error: &str| {
            json!({
                "version": "1.0", "requestContext": {"functionArn": "arn:aws:lambda:eu-west-1:111122223333:function:triage"},
                "requestPayload": value(), "responsePayload": {"errorType": error},
            })
        };
        let records = |record: Value, other: Value| json!({"Records": std::iter::repeat_n([record, other], times).flatten().collect::<Vec<_>>()});
        let wrapped = match self {
            Notification => json!({"Type": "Notification", "Message": text}),
            Topic => records(json!({"EventSource": "aws:sns", "Sns": {"Message": text}}), json!({"Sns": 7})),
            Queue => {
                records(json!({"eventSource": "aws:sqs", "body": text}), json!({"eventSource": "aws:sqs", "body": "{"}))
            }
            Stream => records(json!({"kinesis": {"data": STANDARD.encode(inner)}}), json!({"kinesis": {"data": "?"}})),
            Log => json!({"awslogs": {"data": STANDARD.encode(packed(&lines(&text, times)))}}),
            Lines => lines(&text, times),
            Entries => vec![json!({"Source": "a", "DetailType": "b", "Detail": text}); times].into(),
            Forwarded => own("tourniquet.forwarded", "444455556666"),
            Drill => own("tourniquet.drill", "444455556666"),
            Failed => failed("Transient"),
            Refused => failed("Rejected"),
        };
        wrapped.to_string().into_bytes()
    }
}

fn lines(text: &str, times: usize) -> Value {
    let lines = vec![json!({"id": "1", "timestamp": 1, "message": text}); times];
    json!({"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "a", "logEvents": lines})
}

fn packed(value: &Value) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(value.to_string().as_bytes()).unwrap();
    packed.finish().unwrap()
}
