//! Datadog monitors: through its EventBridge partner source, and as a webhook.
//!
//! A webhook's body is what its owner made of Datadog's variables. It is read if it has `alert_transition`
//! (`$ALERT_TRANSITION`), `date` or `last_updated` (`$DATE`, `$LAST_UPDATED`), and as identity `alert_id` (`$ALERT_ID`) with
//! `alert_scope` (`$ALERT_SCOPE`), or `alert_cycle_key` (`$ALERT_CYCLE_KEY`): docs/sources.md has the body to paste.
//!
//! `Triggered`, `Warn` and `No Data` (for which the monitor's owner asked) fire, `Recovered` recovers.

use serde_json::{Value, json};

use crate::event::{Event, Thing};
use crate::source::{Reader, Source};
use crate::time::epoch;
use crate::{Kind, Signal, State, Unread, outcome, shown, text};

pub(crate) const SOURCE: Source = Source { name: "datadog", rules: &[], reader: Reader::Payload(read) };

fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    if let Some(event) = Event::of(payload) {
        // What is in front of the bus may give it a source of its own.
        let monitor = |part: &str| event.detail.pointer(part).is_some();
        return (monitor("/meta/monitor") && monitor("/meta/transition")).then(|| vec![partner_event(&event)]);
    }
    text(payload, "/alert_transition")?;
    if payload.get("date").is_none() && payload.get("last_updated").is_none() {
        return None;
    }
    let event = json!({"source": "datadog", "detail-type": "Datadog Alert", "resources": [], "detail": payload});
    Some(vec![webhook(&Event::of(&event)?)])
}

fn partner_event(event: &Event) -> Result<Signal, Unread> {
    let id = event.detail.pointer("/meta/monitor/id").filter(|id| id.is_number() || id.is_string());
    let id = id.ok_or_else(|| event.lacks("which monitor it is"))?.to_string();
    let word = event.first(&["/meta/transition/trans_name", "/meta/states/dest_state", "/alert_type"]);
    let word = word.ok_or_else(|| event.lacks("its transition"))?;
    let name = event.first(&["/meta/monitor/name", "/title"]).unwrap_or(&id);
    let time = ["/meta/result/evaluation_ts", "/meta/result/result_ts"];
    let time = time.into_iter().find_map(|at| epoch(event.detail.pointer(at)?));
    let draft = event.draft(kind(word), state(word), Thing::Named(id.trim_matches('"').to_owned()), title(name, word));
    let tag = |name: &str| {
        let tags = event.detail.get("tags").and_then(Value::as_array)?;
        tags.iter().find_map(|tag| tag.as_str()?.strip_prefix(name))
    };
    let draft = draft.place(tag("aws_account:"), tag("region:")).tagged_at(&["/tags"]);
    draft.at(time).because(event.text("/meta/monitor/message")).signal()
}

fn webhook(event: &Event) -> Result<Signal, Unread> {
    let word = event.text("/alert_transition").ok_or_else(|| event.lacks("its transition"))?;
    let identity = event.first(&["/alert_id", "/alert_cycle_key"]).ok_or_else(|| event.lacks("which alert it is"))?;
    let name = event.first(&["/alert_title", "/title", "/event_title"]).unwrap_or(identity);
    let time = ["date", "last_updated"].into_iter().find_map(|at| epoch(event.detail.get(at)?));
    let mut draft = event.draft(kind(word), state(word), Thing::Named(identity.to_owned()), title(name, word));
    if let Some(scope) = event.text("/alert_scope") {
        draft = draft.condition(scope);
    }
    let place = (event.text("/aws_account"), event.text("/region"));
    let draft = draft.place(place.0, place.1).tagged_at(&["/tags"]);
    draft.at(time).because(event.first(&["/body", "/event_msg"])).signal()
}

/// `[Triggered on {host:a}] Name` in the message's own words.
fn title(name: &str, word: &str) -> String {
    let plain = name.split_once("] ").filter(|_| name.starts_with('[')).map_or(name, |(_, name)| name);
    format!("Monitor {}: {}", shown(plain), shown(word))
}

fn kind(word: &str) -> Kind {
    if word.ends_with("No Data") { Kind::Watchdog } else { Kind::Alarm }
}

fn state(word: &str) -> State {
    match word {
        "Triggered" | "Re-Triggered" | "Warn" | "Re-Warn" | "No Data" | "Re-No Data" | "Alert" => State::Firing,
        "Recovered" | "OK" | "success" => State::Recovered,
        other => outcome::of(other).unwrap_or(State::Info),
    }
}
