//! Takes the wrapping off a payload: SNS, SQS, a failed invocation's record, and our own `tourniquet.forwarded` and
//! `tourniquet.drill`. What is left is handed to the source readers.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::{Origin, SOURCES, Signal, Unread, shown, signal_id, text};

/// SNS and SQS carry at most 256 KiB, an asynchronous invocation 1 MiB: more is not ours.
const MAX_BYTES: usize = 1 << 20;

/// A failed invocation's record around SNS around a forwarded drill; nothing honest is deeper.
const MAX_ENVELOPES: usize = 4;

/// Records hold the event inside their own JSON, and JSON readers stop at 128 levels.
const MAX_LEVELS: usize = 64;

/// Reads a payload from the wire.
pub(crate) fn read_bytes(bytes: &[u8], origin: &Origin) -> Vec<Result<Signal, Unread>> {
    match parse(bytes, "payload") {
        Ok(value) => read_value(&value, origin),
        Err(unread) => vec![Err(unread)],
    }
}

/// Reads a payload that is parsed already.
pub(crate) fn read_value(value: &Value, origin: &Origin) -> Vec<Result<Signal, Unread>> {
    let mut found = Vec::new();
    Opener { origin, opened: 0, drill: false }.open(value, &mut found);
    found
}

/// Where we are in the wrapping.
#[derive(Clone, Copy)]
struct Opener<'a> {
    origin: &'a Origin<'a>,
    /// Envelopes taken off so far.
    opened: usize,
    /// One of them was a drill: all that is inside is one.
    drill: bool,
}

impl Opener<'_> {
    /// Adds what the payload holds to `found`: at least one element.
    fn open(self, payload: &Value, found: &mut Vec<Result<Signal, Unread>>) {
        if !payload.is_object() {
            found.push(Err(Unread::malformed(
                "The payload is not a JSON object: send the event as its source wrote it.",
            )));
        } else if let Some(records) = payload.get("Records").and_then(Value::as_array) {
            self.open_records(records, found);
        } else if text(payload, "/Type") == Some("Notification") && payload.get("Message").is_some() {
            self.open_text(payload.get("Message"), "SNS message", found);
        } else if let Some(request) = failed_request(payload) {
            self.deeper(request, found);
        } else {
            match text(payload, "/source") {
                Some("tourniquet.forwarded") => self.open_own(payload, found),
                Some("tourniquet.drill") => Opener { drill: true, ..self }.open_own(payload, found),
                _ => found.push(self.signal(payload)),
            }
        }
    }

    /// A Lambda event of SNS or SQS: one element per record, whatever becomes of its neighbours.
    fn open_records(self, records: &[Value], found: &mut Vec<Result<Signal, Unread>>) {
        if records.is_empty() {
            found.push(Err(Unread::malformed("The payload has an empty list of records: nothing was delivered.")));
        }
        for record in records {
            let source = text(record, "/eventSource").or(text(record, "/EventSource")).unwrap_or("unknown");
            if record.get("Sns").is_some() {
                self.open_text(record.pointer("/Sns/Message"), "SNS message", found);
            } else if source == "aws:sqs" {
                self.open_text(record.get("body"), "SQS body", found);
            } else {
                found.push(Err(Unread::unsupported(format!(
                    "Nothing here reads records of source {}: send them to what they are for.",
                    shown(source)
                ))));
            }
        }
    }

    /// An envelope whose content is JSON in a text.
    fn open_text(self, inner: Option<&Value>, what: &str, found: &mut Vec<Result<Signal, Unread>>) {
        match inner.and_then(Value::as_str).map(|text| parse(text.as_bytes(), what)) {
            Some(Ok(value)) => self.deeper(&value, found),
            Some(Err(unread)) => found.push(Err(unread)),
            None => found.push(Err(Unread::malformed(format!("The {what} is not a text: deliver it unchanged.")))),
        }
    }

    /// One of our own envelopes: the original event is its detail, and only accounts we trust may send one.
    fn open_own(self, payload: &Value, found: &mut Vec<Result<Signal, Unread>>) {
        let account = text(payload, "/account").unwrap_or("unknown");
        let name = text(payload, "/source").unwrap_or_default();
        if !self.origin.trusts(account) {
            found.push(Err(Unread::untrusted(format!(
                "Account {} may not send {name} events: list it as a hub if it should.",
                shown(account)
            ))));
        } else if let Some(original) = payload.get("detail") {
            self.deeper(original, found);
        } else {
            found.push(Err(Unread::malformed(format!(
                "The {name} event has no detail: put the original event there, whole."
            ))));
        }
    }

    /// Opens what one more envelope held.
    fn deeper(self, inner: &Value, found: &mut Vec<Result<Signal, Unread>>) {
        if self.opened == MAX_ENVELOPES {
            found.push(Err(Unread::malformed(format!(
                "The event is wrapped more than {MAX_ENVELOPES} times: look for a loop in its delivery."
            ))));
        } else {
            Opener { opened: self.opened + 1, ..self }.open(inner, found);
        }
    }

    /// Asks the source readers.
    fn signal(self, payload: &Value) -> Result<Signal, Unread> {
        if deeper_than(payload, MAX_LEVELS) {
            return Err(Unread::unsupported(format!(
                "The event is nested more than {MAX_LEVELS} levels deep, as no source writes it: send the original."
            )));
        }
        let signal = SOURCES.iter().find_map(|read| read(payload)).unwrap_or_else(|| Err(unknown(payload)))?;
        Ok(if self.drill { as_drill(signal) } else { signal })
    }
}

/// A drill has an identity of its own, so that it never meets the real signal of the same thing.
fn as_drill(mut signal: Signal) -> Signal {
    signal.fingerprint.insert_str(0, "drill:");
    signal.signal_id = signal_id(&signal.fingerprint, signal.state, signal.time);
    signal.drill = true;
    signal
}

/// The request of a failed asynchronous invocation, as Lambda hands it to an on-failure destination.
fn failed_request(payload: &Value) -> Option<&Value> {
    payload.pointer("/requestContext/functionArn")?;
    payload.get("requestPayload")
}

/// Says what it was that no reader knows.
fn unknown(payload: &Value) -> Unread {
    let part = |pointer| text(payload, pointer).map_or_else(|| "none".to_owned(), shown);
    if let Some(kind) = text(payload, "/Type").filter(|_| payload.get("TopicArn").is_some()) {
        return Unread::unsupported(format!("An SNS {} carries no event: answer it where you subscribe.", shown(kind)));
    }
    Unread::unsupported(format!(
        "Nothing here reads events of source {} with detail-type {}: take them out of the rule that sends them.",
        part("/source"),
        part("/detail-type")
    ))
}

/// Parses JSON within our limits. `what` names it in the message.
fn parse(bytes: &[u8], what: &str) -> Result<Value, Unread> {
    if bytes.len() > MAX_BYTES {
        return Err(Unread::malformed(format!("The {what} is larger than 1 MiB: no source sends that much.")));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        Unread::malformed(format!(
            "The {what} is not readable JSON from line {}, column {}: deliver it unchanged.",
            error.line(),
            error.column()
        ))
    })
}

/// Whether a value nests more than so many levels. It looks no further than that.
fn deeper_than(value: &Value, levels: usize) -> bool {
    let Some(left) = levels.checked_sub(1) else {
        return value.is_array() || value.is_object();
    };
    match value {
        Value::Array(items) => items.iter().any(|item| deeper_than(item, left)),
        Value::Object(fields) => fields.values().any(|field| deeper_than(field, left)),
        _ => false,
    }
}
