//! What a request to AWS is: service and operation, whichever of its protocols it speaks.

use hyper::http::{HeaderMap, request::Parts};

/// One request as the rules see it.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Service and operation, such as `dynamodb PutItem`; the method stands for the operation in REST protocols.
    pub name: String,
    /// `X-Amz-Target`, or empty.
    pub target: &'a str,
    /// The HTTP method.
    pub method: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Call<'a> {
    /// Reads a request.
    pub fn read(parts: &'a Parts, body: &'a [u8]) -> Self {
        let target = header(&parts.headers, "x-amz-target");
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let method = parts.method.as_str();
        let operation = operation(target, path, body).unwrap_or(method);
        let name = format!("{} {operation}", service(&parts.headers).unwrap_or("unsigned"));
        Self { name, target, method, path, body }
    }
}

/// The operation by the protocol: JSON names it in a header, CBOR in the path, Query in the body.
fn operation<'a>(target: &'a str, path: &'a str, body: &'a [u8]) -> Option<&'a str> {
    if let Some((_, operation)) = target.rsplit_once('.') {
        return Some(operation);
    }
    if let Some((_, operation)) = path.split_once("/operation/") {
        return Some(operation);
    }
    let form = std::str::from_utf8(body).ok()?;
    form.split('&').find_map(|pair| pair.strip_prefix("Action="))
}

/// The service by the scope of the signature: `Credential=<key>/<date>/<Region>/<service>/aws4_request`.
fn service(headers: &HeaderMap) -> Option<&str> {
    header(headers, "authorization").split_once("Credential=")?.1.split('/').nth(3)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_in_every_protocol() {
        #[track_caller]
        fn check(service: &str, target: &str, method: &str, path: &str, body: &str, name: &str) {
            let signed = format!("AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/{service}/aws4_request, Signed");
            let request = hyper::Request::builder().method(method).uri(path).header("authorization", signed);
            let (parts, ()) = request.header("x-amz-target", target).body(()).unwrap().into_parts();
            assert_eq!(Call::read(&parts, body.as_bytes()).name, name);
        }
        check("dynamodb", "DynamoDB_20120810.PutItem", "POST", "/", "{}", "dynamodb PutItem");
        check("states", "AWSStepFunctions.StartExecution", "POST", "/", "{}", "states StartExecution");
        check("monitoring", "", "POST", "/service/Granite/operation/PutMetricData", "", "monitoring PutMetricData");
        check("sns", "", "POST", "/", "Action=Publish&Version=2010-03-31", "sns Publish");
        check("s3", "", "PUT", "/bucket/key?x-id=PutObject", "Action taken", "s3 PUT");
    }

    #[test]
    fn a_request_without_a_signature_has_a_name_too() {
        let (parts, ()) = hyper::Request::builder().uri("/health").body(()).unwrap().into_parts();
        assert_eq!(Call::read(&parts, b"").name, "unsigned GET");
    }
}
