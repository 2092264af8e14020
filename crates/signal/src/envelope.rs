//! Takes the wrapping off a payload: SNS, SQS, Kinesis, subscribed logs, `PutEvents`, a failed invocation's record, and our own
//! `tourniquet.forwarded` and `tourniquet.drill`. What is left is handed to the sources.

mod entries;
mod logs;
mod unknown;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::source::Answers;
use crate::{Origin, Signal, Unread, UnreadKind, shown, signal_id, source, text};

/// SNS and SQS carry at most 256 KiB, an asynchronous invocation 1 MiB: more is not ours.
const MAX_BYTES: usize = 1 << 20;

/// A failed invocation's record around SNS around a forwarded drill; nothing honest is deeper.
const MAX_ENVELOPES: usize = 4;

/// Records hold the event inside their own JSON, and JSON readers stop at 128 levels.
const MAX_LEVELS: usize = 64;

/// Reads a payload from the wire.
pub(crate) fn read_bytes(bytes: &[u8], origin: &Origin) -> Answers {
    match parse(bytes, "payload") {
        Ok(value) => read_value(&value, origin),
        Err(unread) => vec![Err(unread)],
    }
}

/// Reads a payload that is parsed already.
pub(crate) fn read_value(value: &Value, origin: &Origin) -> Answers {
    let mut found = Vec::new();
    Opener { origin, opened: 0, drill: false }.open(value, &mut found);
    found
}

/// The name of the error with which triage answers what it cannot read.
const REFUSED: &str = "Rejected";

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
    fn open(self, payload: &Value, found: &mut Answers) {
        if let Some(entries) = entries::of(payload) {
            self.open_entries(entries, found);
        } else if !payload.is_object() {
            found.push(Err(Unread::malformed(
                "The payload is not a JSON object: send the event as its source wrote it.",
            )));
        } else if let Some(records) = payload.get("Records").and_then(Value::as_array) {
            self.open_records(records, found);
        } else if let Some(data) = text(payload, "/awslogs/data") {
            self.open_data(data, "log data", found);
        } else if let Some(lines) = logs::lines(payload) {
            self.open_lines(lines, found);
        } else if let Some(message) = message(payload) {
            self.open_message(message, found);
        } else if let Some(request) = failed_request(payload) {
            self.open_failed(payload, request, found);
        } else {
            match text(payload, "/source") {
                Some("tourniquet.forwarded") => self.open_own(payload, found),
                Some("tourniquet.drill") => Opener { drill: true, ..self }.open_own(payload, found),
                _ => found.extend(self.signals(payload)),
            }
        }
    }

    /// Events as people put them on a bus.
    fn open_entries(self, entries: &[Value], found: &mut Answers) {
        for entry in entries {
            match entries::event(entry) {
                Ok(event) => self.deeper(&event, found),
                Err(unread) => found.push(Err(unread)),
            }
        }
    }

    /// A Lambda event of SNS, SQS or Kinesis: one element or more per record, whatever becomes of its neighbours.
    fn open_records(self, records: &[Value], found: &mut Answers) {
        if records.is_empty() {
            found.push(Err(Unread::malformed("The payload has an empty list of records: nothing was delivered.")));
        }
        for record in records {
            let source = text(record, "/eventSource").or(text(record, "/EventSource")).unwrap_or("unknown");
            if record.get("Sns").is_some() {
                self.open_text(record.pointer("/Sns/Message"), "SNS message", found);
            } else if source == "aws:sqs" {
                self.open_text(record.get("body"), "SQS body", found);
            } else if let Some(data) = text(record, "/kinesis/data") {
                self.open_data(data, "Kinesis record", found);
            } else {
                found.push(Err(Unread::unsupported(format!(
                    "Nothing here reads records of source {}: send them to what they are for.",
                    shown(source)
                ))));
            }
        }
    }

    /// An SNS message: JSON in a text. Documents print it as the object that it stands for.
    fn open_message(self, message: &Value, found: &mut Answers) {
        if message.is_object() {
            self.deeper(message, found);
        } else {
            self.open_text(Some(message), "SNS message", found);
        }
    }

    /// An envelope whose content is JSON in a text.
    fn open_text(self, inner: Option<&Value>, what: &str, found: &mut Answers) {
        match inner.and_then(Value::as_str).map(|text| parse(text.as_bytes(), what)) {
            Some(Ok(value)) => self.deeper(&value, found),
            Some(Err(unread)) => found.push(Err(unread)),
            None => found.push(Err(Unread::malformed(format!("The {what} is not a text: deliver it unchanged.")))),
        }
    }

    /// An envelope whose content is base64, and maybe gzip in it.
    fn open_data(self, data: &str, what: &str, found: &mut Answers) {
        match logs::unpack(data, what) {
            Ok(value) => self.deeper(&value, found),
            Err(unread) => found.push(Err(unread)),
        }
    }

    /// The lines of a log, each of which may be an event. Those that are none get one answer together: a log has many.
    fn open_lines(self, lines: &[Value], found: &mut Answers) {
        let mut none = 0;
        for line in lines {
            let event = text(line, "/message").filter(|line| line.trim_start().starts_with('{'));
            match event.and_then(|line| parse(line.as_bytes(), "log line").ok()) {
                Some(event) => self.deeper(&event, found),
                None => none += 1,
            }
        }
        if none > 0 || lines.is_empty() {
            found.push(Err(Unread::unsupported(format!(
                "{none} of {} log lines are no events: let the subscription's filter pass events alone.",
                lines.len()
            ))));
        }
    }

    /// What a function gave up on. What triage gave up on holds a signal still, or what it refused, and refuses again; what
    /// another function did says that this function fails.
    fn open_failed(self, payload: &Value, request: &Value, found: &mut Answers) {
        let refused = text(payload, "/responsePayload/errorType") == Some(REFUSED);
        let mut held = Vec::new();
        if refused || request.is_object() {
            self.deeper(request, &mut held);
        }
        let nothing =
            |one: &Result<Signal, Unread>| matches!(one, Err(unread) if unread.kind == UnreadKind::Unsupported);
        found.extend(if !refused && held.iter().all(nothing) { self.signals(payload) } else { held });
    }

    /// One of our own envelopes: the original event is its detail, and only accounts we trust may send one.
    fn open_own(self, payload: &Value, found: &mut Answers) {
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
    fn deeper(self, inner: &Value, found: &mut Answers) {
        if self.opened == MAX_ENVELOPES {
            found.push(Err(Unread::malformed(format!(
                "The event is wrapped more than {MAX_ENVELOPES} times: look for a loop in its delivery."
            ))));
        } else {
            Opener { opened: self.opened + 1, ..self }.open(inner, found);
        }
    }

    /// Asks the sources.
    fn signals(self, payload: &Value) -> Answers {
        if deeper_than(payload, MAX_LEVELS) {
            return vec![Err(Unread::unsupported(format!(
                "The event is nested more than {MAX_LEVELS} levels deep, as no source writes it: send the original."
            )))];
        }
        let mut signals = source::read(payload).unwrap_or_default();
        if signals.is_empty() {
            signals.push(Err(unknown::refusal(payload)));
        }
        if self.drill {
            signals.iter_mut().flatten().for_each(make_drill);
        }
        signals
    }
}

/// A drill has an identity of its own, so that it never meets the real signal of the same thing.
fn make_drill(signal: &mut Signal) {
    signal.fingerprint.insert_str(0, "drill:");
    signal.signal_id = signal_id(&signal.fingerprint, signal.state, signal.time);
    signal.drill = true;
}

/// The message of an SNS notification. One that forwarders have taken the envelope off is an object with nothing beside it.
fn message(payload: &Value) -> Option<&Value> {
    let message = payload.get("Message")?;
    let bare = message.is_object() && payload.as_object().is_some_and(|fields| fields.len() == 1);
    (bare || text(payload, "/Type") == Some("Notification")).then_some(message)
}

/// The request of a failed asynchronous invocation, as Lambda hands it to an on-failure destination.
fn failed_request(payload: &Value) -> Option<&Value> {
    payload.pointer("/requestContext/functionArn")?;
    payload.get("requestPayload")
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
