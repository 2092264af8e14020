//! How each service says that there were too many calls: in its own protocol, so that its SDK understands it.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::json;

use super::Body;

/// The answer to a call of this name that is throttled.
pub(super) fn throttled(call: &str) -> Response<Body> {
    let (status, code, form) = shape(call.split(' ').next().unwrap_or_default());
    let (content_type, body) = match form {
        Form::Json => {
            ("application/x-amz-json-1.0", json!({"__type": code, "message": SENTENCE}).to_string().into_bytes())
        }
        Form::Query => ("text/xml", query(code).into_bytes()),
        Form::S3 => {
            ("application/xml", format!("<Error><Code>{code}</Code><Message>{SENTENCE}</Message></Error>").into_bytes())
        }
        Form::Cbor => ("application/cbor", cbor(code)),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if form == Form::Json {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
    }
    if form == Form::Cbor {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    response
}

/// What people would read.
const SENTENCE: &str = "Rate exceeded";

/// How a protocol writes an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Query,
    S3,
    Cbor,
}

/// Status and error name of a service.
const fn shape(service: &str) -> (StatusCode, &'static str, Form) {
    match service.as_bytes() {
        b"dynamodb" => (StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException", Form::Json),
        b"lambda" | b"appconfig" => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", Form::Json),
        b"sns" => (StatusCode::BAD_REQUEST, "Throttled", Form::Query),
        b"sts" | b"iam" => (StatusCode::BAD_REQUEST, "Throttling", Form::Query),
        b"s3" => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown", Form::S3),
        b"monitoring" => (StatusCode::BAD_REQUEST, "ThrottlingException", Form::Cbor),
        _ => (StatusCode::BAD_REQUEST, "ThrottlingException", Form::Json),
    }
}

fn query(code: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{SENTENCE}</Message></Error>\
         <RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
    )
}

/// `{"__type": code, "message": …}` in CBOR: a map of two pairs of texts.
fn cbor(code: &str) -> Vec<u8> {
    let mut bytes = vec![0xA2];
    for text in ["__type", code, "message", SENTENCE] {
        // A text of up to 255 bytes: its length follows in one byte.
        bytes.extend([0x78, u8::try_from(text.len()).unwrap_or(u8::MAX)]);
        bytes.extend(text.bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_refuses_in_its_own_words() {
        #[track_caller]
        fn check(call: &str, status: u16, content_type: &str) {
            let answer = throttled(call);
            assert_eq!(answer.status(), status, "{call}");
            assert_eq!(answer.headers()[CONTENT_TYPE], content_type, "{call}");
        }
        check("dynamodb PutItem", 400, "application/x-amz-json-1.0");
        check("states StartExecution", 400, "application/x-amz-json-1.0");
        check("lambda PUT", 429, "application/x-amz-json-1.0");
        check("sns Publish", 400, "text/xml");
        check("s3 PUT", 503, "application/xml");
        check("monitoring DescribeAlarms", 400, "application/cbor");
        assert_eq!(throttled("lambda PUT").headers()["x-amzn-errortype"], "TooManyRequestsException");
        assert_eq!(cbor("Ab"), b"\xA2\x78\x06__type\x78\x02Ab\x78\x07message\x78\x0DRate exceeded");
    }
}
