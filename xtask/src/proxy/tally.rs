//! What each function asks of each operation, counted for the bill.

use std::collections::BTreeMap;

use hyper::{header::HeaderValue, http::request::Parts};
use serde::{Deserialize, Serialize};

use super::{
    Proxy,
    call::Call,
    lock,
    peer::{FunctionProcess, Peer},
};

/// The header in which a proxy that counts tells the emulator whose call it is.
const COUNTED_BY: &str = "x-counted-by";

/// How often one function asked for one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The function's name.
    pub by: String,
    /// The operation, such as `dynamodb PutItem`. Protocols that have no name for it in the request have the method in its
    /// place, except S3, whose operations cost differently.
    pub call: String,
    /// How often, whatever the answer was.
    pub calls: u64,
    /// The bytes of all bodies.
    pub bytes: u64,
    /// How many metrics were asked for.
    pub metrics: u64,
}

impl Proxy {
    /// Counts the call, where calls are counted and a function makes it.
    pub(super) fn tally(&self, parts: &mut Parts, body: &[u8], peer: &Peer) {
        let Some(tallies) = &self.shared.tallies else { return };
        let Some(by) = peer.function().map(FunctionProcess::name) else { return };
        lock(tallies).count(by, &Call::read(parts, body));
        if let Ok(by) = HeaderValue::from_str(by) {
            parts.headers.insert(COUNTED_BY, by);
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Tallies(BTreeMap<(String, String), Tally>);

impl Tallies {
    /// Counts one call.
    pub(super) fn count(&mut self, by: &str, call: &Call<'_>) {
        let name = name(call);
        let tally = self.0.entry((by.to_owned(), name.clone())).or_default();
        (tally.by, tally.call) = (by.to_owned(), name);
        tally.calls += 1;
        tally.bytes += u64::try_from(call.body.len()).unwrap_or(u64::MAX);
        tally.metrics += metrics(call);
    }

    /// What was counted, and begins anew.
    pub(super) fn take(&mut self) -> Vec<Tally> {
        std::mem::take(&mut self.0).into_values().collect()
    }
}

/// The name by which it is billed.
fn name(call: &Call<'_>) -> String {
    let Some(method) = call.name.strip_prefix("s3 ") else { return call.name.clone() };
    let query = call.path.split_once('?').map_or("", |(_, query)| query);
    let has = |wanted: &str| query.split('&').any(|pair| pair.split('=').next() == Some(wanted));
    let said = query.split('&').find_map(|pair| pair.strip_prefix("x-id="));
    let operation = match method {
        _ if said.is_some() => said.unwrap_or_default(),
        "HEAD" => "HeadObject",
        "GET" if has("list-type") => "ListObjectsV2",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        method => method,
    };
    format!("s3 {operation}")
}

/// How many metrics the call asks for: each has a `MetricStat`, whose name stands in the body once, in CBOR after the byte
/// that says how long the name is.
fn metrics(call: &Call<'_>) -> u64 {
    if call.name != "monitoring GetMetricData" {
        return 0;
    }
    let named = |name: &[u8]| call.body.windows(name.len()).filter(|window| *window == name).count();
    u64::try_from(named(b"\x6aMetricStat")).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, path: &str, body: &[u8], expect: (&str, u64)) {
        let call = Call { name: name.to_owned(), target: "", method: "", path, body };
        let mut tallies = Tallies::default();
        tallies.count("triage", &call);
        tallies.count("triage", &call);
        let taken = tallies.take();
        let bytes = u64::try_from(body.len() * 2).unwrap();
        let (call, metrics) = (expect.0.to_owned(), expect.1 * 2);
        assert_eq!(taken, [Tally { by: "triage".to_owned(), call, calls: 2, bytes, metrics }]);
        assert_eq!(tallies.take(), []);
    }

    #[test]
    fn what_is_asked_is_counted_by_its_name() {
        check("dynamodb PutItem", "/", b"{}", ("dynamodb PutItem", 0));
        check("s3 PUT", "/bucket/key?x-id=PutObject", b"evidence", ("s3 PutObject", 0));
        check("s3 POST", "/bucket/key?uploads", b"", ("s3 CreateMultipartUpload", 0));
        check("s3 POST", "/bucket/key?uploadId=1", b"", ("s3 CompleteMultipartUpload", 0));
        check("s3 GET", "/bucket?list-type=2&prefix=v1", b"", ("s3 ListObjectsV2", 0));
        check("s3 HEAD", "/bucket/key", b"", ("s3 HeadObject", 0));
        check("s3 DELETE", "/bucket/key", b"", ("s3 DELETE", 0));
    }

    #[test]
    fn metrics_are_counted_and_not_requests() {
        let body = b"\xa1\x71MetricDataQueries\x82\xa1\x6aMetricStat\xa0\xa1\x6aMetricStat\xa0";
        check("monitoring GetMetricData", "/", body, ("monitoring GetMetricData", 2));
    }
}
