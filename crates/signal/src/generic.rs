//! A signal in our own words, for whatever has no reader: a cron job, another monitoring system, a script. docs/sources.md
//! describes it.
//!
//! It cannot speak for AWS or for this suite, and no webhook leads to an automatic change.

use serde_json::{Value, json};

use crate::arn::Arn;
use crate::event::{Event, Thing};
use crate::source::{Reader, Source};
use crate::time::epoch;
use crate::{Kind, Signal, State, Unread, shown, text};

pub(crate) const SOURCE: Source = Source { name: "generic", rules: &[], reader: Reader::Payload(read) };

fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    let said = payload.get("signal").filter(|said| said.is_object())?;
    let version = payload.get("v").filter(|_| Event::of(payload).is_none())?;
    if *version != 1 {
        return Some(vec![Err(wrong("v to be 1"))]);
    }
    Some(vec![source(said).and_then(|source| {
        let event =
            json!({"source": source, "detail-type": "Signal", "resources": said.get("resources"), "detail": said});
        Event::of(&event).map_or_else(|| Err(wrong("a source")), |event| signal(&event))
    })])
}

fn signal(event: &Event) -> Result<Signal, Unread> {
    let state = match event.text("/state") {
        Some("firing") => State::Firing,
        Some("recovered") => State::Recovered,
        Some("info") => State::Info,
        _ => return Err(wrong("a state: firing, recovered or info")),
    };
    let kind = match event.text("/kind") {
        None => Kind::Other,
        Some(word) => serde_json::from_value(json!(word)).map_err(|_| wrong("a kind of those that signals have"))?,
    };
    let name = event.text("/name").ok_or_else(|| wrong("a name"))?;
    let time = event.detail.get("time").and_then(epoch).ok_or_else(|| wrong("a time in RFC 3339, with its offset"))?;
    let title = event.text("/title").map_or_else(|| format!("{} is {}", shown(name), state.as_str()), shown);
    let mut draft = event.draft(kind, state, Thing::of(Arn::parse(name), name), title);
    if let Some(condition) = event.text("/condition") {
        draft = draft.condition(condition);
    }
    let draft = draft.place(event.text("/account"), event.text("/region")).at(Some(time)).tagged_at(&["/tags"]);
    draft.since(event.detail.get("onset").and_then(epoch)).because(event.text("/reason")).signal()
}

fn source(said: &Value) -> Result<&str, Unread> {
    let source = text(said, "/source").ok_or_else(|| wrong("a source"))?;
    let taken = ["aws", "tourniquet", "lambda"].contains(&source)
        || ["aws.", "tourniquet."].iter().any(|prefix| source.starts_with(prefix));
    if taken { Err(wrong("a source of its own, which does not begin with aws. or tourniquet.")) } else { Ok(source) }
}

fn wrong(what: &str) -> Unread {
    Unread::malformed(format!("The generic signal needs {what}: docs/sources.md describes it."))
}
