//! What subscriptions of CloudWatch Logs and Kinesis streams wrap records in: base64, and gzip in it.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::{Unread, text};

/// The most that is unpacked. A batch of log lines is a Lambda payload of at most 6 MiB when it is packed already, and what
/// a few hundred bytes can be made to hold is without limit.
const MAX_UNPACKED: u64 = 8 << 20;

/// The first two bytes of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Unpacks JSON. `what` names it in the message.
pub(super) fn unpack(data: &str, what: &str) -> Result<Value, Unread> {
    let damaged = |how: &str| Unread::malformed(format!("The {what} is {how}: deliver it unchanged."));
    let mut bytes = STANDARD.decode(data.trim()).map_err(|_| damaged("not base64"))?;
    if bytes.starts_with(&GZIP) {
        let mut plain = Vec::new();
        let read = GzDecoder::new(bytes.as_slice()).take(MAX_UNPACKED + 1).read_to_end(&mut plain);
        read.map_err(|_| damaged("not whole gzip"))?;
        bytes = plain;
    }
    if bytes.len() as u64 > MAX_UNPACKED {
        return Err(damaged("larger than 8 MiB when it is unpacked"));
    }
    serde_json::from_slice(&bytes).map_err(|_| damaged("not readable JSON"))
}

/// The lines of a batch of a log. Its control messages hold none that matter.
pub(super) fn lines(payload: &Value) -> Option<&[Value]> {
    let kind = text(payload, "/messageType")?;
    let lines = payload.get("logEvents")?.as_array()?;
    matches!(kind, "DATA_MESSAGE" | "CONTROL_MESSAGE").then_some(lines.as_slice())
}
