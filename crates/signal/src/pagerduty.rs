//! PagerDuty webhooks, version 3: what becomes of an incident there.
//!
//! `incident.triggered` and `incident.reopened` fire, `incident.resolved` recovers, the rest informs. An incident that this
//! suite opened there is refused: it would open itself again here.

use serde_json::{Value, json};

use crate::event::{Event, Thing};
use crate::source::{Reader, Source};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, shown, text};

pub(crate) const SOURCE: Source = Source { name: "pagerduty", rules: &[], reader: Reader::Payload(read) };

fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    let said = payload.get("event")?;
    let what = text(said, "/event_type")?;
    said.get("occurred_at")?;
    let event = json!({"source": "pagerduty", "detail-type": what, "resources": [], "detail": said});
    Some(vec![incident(&Event::of(&event)?)])
}

fn incident(event: &Event) -> Result<Signal, Unread> {
    if event.first(&["/data/incident_key", "/data/incident/incident_key"]).is_some_and(is_ours) {
        return Err(Unread::unsupported(
            "The PagerDuty incident was opened by this suite: leave its service out of the webhook.",
        ));
    }
    let state = match event.detail_type {
        "incident.triggered" | "incident.reopened" => State::Firing,
        "incident.resolved" => State::Recovered,
        _ => State::Info,
    };
    let id = event.first(&["/data/incident/id", "/data/id"]).ok_or_else(|| event.lacks("which incident it is"))?;
    let number = event.detail.pointer("/data/number").and_then(Value::as_u64);
    let number = number.map_or_else(|| shown(id), |number| number.to_string());
    let service = event.text("/data/service/summary").map_or_else(String::new, |name| format!(" of {}", shown(name)));
    let what = event.detail_type.strip_prefix("incident.").unwrap_or(event.detail_type).replace(['_', '.'], " ");
    let by_a_person = event.text("/agent/type").is_some_and(|kind| kind.starts_with("user"));
    let kind = if by_a_person && state == State::Firing { Kind::Declared } else { Kind::Alarm };
    let title = format!("PagerDuty incident {number}{service}: {}", shown(&what));
    let draft = event.draft(kind, state, Thing::Named(id.to_owned()), title);
    draft
        .at(event.text("/occurred_at").and_then(instant))
        .because(event.first(&["/data/title", "/data/incident/summary", "/data/summary"]))
        .signal()
}

/// Our pages carry the incident's id at the head of their key.
fn is_ours(key: &str) -> bool {
    let date = key.strip_prefix("inc-").and_then(|rest| rest.split('-').next());
    date.is_some_and(|date| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()))
}
