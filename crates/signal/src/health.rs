//! AWS Health: what AWS says of its own services, and what forwarders make of it.
//!
//! - An issue fires from when it is told until its status is `closed`, which recovers.
//! - A planned change fires while it lies ahead or is under way, and is over when it is closed or its end has passed. No rule
//!   asks for these: whoever wants them writes one, with a plan that notifies.
//! - A notification informs.
//!
//! An event's ARN is the same in every account that it concerns, and Health delivers it in two Regions; so the account that it
//! concerns is part of the fingerprint, and the Region that it concerns is that of the signal.

use jiff::Timestamp;
use serde_json::Value;

use crate::arn::{Arn, is_account, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, shown, text};

pub(crate) const SOURCE: Source = Source {
    name: "health",
    rules: &[Rule {
        event: "HealthEvents",
        pattern: r#"{
            "source": ["aws.health"],
            "detail-type": ["AWS Health Event", "AWS Health Abuse Event"],
            "detail": { "eventTypeCategory": ["issue", "investigation"] }
        }"#,
    }],
    reader: Reader::Payload(read),
};

/// By the detail type alone: mock events cannot have AWS's source, and AWS Health Aware forwards under its own.
fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    let event = Event::of(payload)?;
    let ours = matches!(event.detail_type, "AWS Health Event" | "AWS Health Abuse Event" | "AHA Event");
    ours.then(|| vec![health(&event)])
}

fn health(event: &Event) -> Result<Signal, Unread> {
    let code = event.text("/eventTypeCode").ok_or_else(|| event.lacks("its event type"))?;
    let written = event.first(&["/eventArn", "/arn"]).ok_or_else(|| event.lacks("which event it is, by its ARN"))?;
    let arn = Arn::parse(written);
    let (state, time) = state_and_time(event).ok_or_else(|| event.lacks("when it happened"))?;
    let account = account(event);
    let region = event.first(&["/eventRegion", "/region"]).or(arn.as_ref().map(|arn| arn.region.as_str()));
    let region = region.filter(|region| !region.is_empty()).map(str::to_owned);
    let service = event.text("/service").unwrap_or("AWS");
    let says = match (event.text("/eventTypeCategory"), state) {
        (Some("issue" | "investigation"), State::Recovered) => "issue is over",
        (Some("issue" | "investigation"), _) => "has an issue",
        (Some("scheduledChange" | "plannedChange"), State::Firing) => "will change",
        (Some("scheduledChange" | "plannedChange"), _) => "change is over",
        (Some("accountNotification"), _) => "notifies",
        (_, State::Recovered) => "event is over",
        _ => "has an event",
    };
    let title = format!("AWS Health: {} {says} ({})", shown(service), shown(code));
    let started = event.text("/startTime").and_then(instant);
    let link = arn.as_ref().and_then(link);
    let draft = event.draft(Kind::Health, state, Thing::of(arn, written), title);
    let draft = match account {
        Some(account) => draft.condition(account),
        None => draft,
    };
    let draft = draft.place(account, region.as_deref()).at(Some(time)).also(entities(event)).tagged(tags(event));
    draft.since(started.filter(|_| state == State::Firing)).because(description(event)).link(link).signal()
}

/// The state, and when it came about. Events that say when they were last updated say it best; others began at their start,
/// or were told of before it.
fn state_and_time(event: &Event) -> Option<(State, Timestamp)> {
    let time = |pointer: &str| event.text(pointer).and_then(instant);
    let (told, updated) = (event.time(), time("/lastUpdatedTime"));
    let (started, ended) = (time("/startTime"), time("/endTime"));
    let closed = event.text("/statusCode").is_some_and(|status| status.eq_ignore_ascii_case("closed"));
    if closed {
        return Some((State::Recovered, updated.or(ended).or(told)?));
    }
    let began = started.filter(|started| told.is_none_or(|told| *started <= told)).or(told).or(started);
    let now = updated.or(began)?;
    let state = match event.text("/eventTypeCategory") {
        Some("accountNotification") => State::Info,
        Some("scheduledChange" | "plannedChange") if ended.is_some_and(|ended| ended <= now) => State::Info,
        _ => State::Firing,
    };
    Some((state, now))
}

/// The account that it concerns. In an organization's view that is not the one it was delivered to.
fn account<'a>(event: &Event<'a>) -> Option<&'a str> {
    let named = |value: &'a Value| text(value, "/awsAccountId").filter(|account| is_account(account));
    let entities = event.detail.get("affectedEntities").and_then(Value::as_array);
    let first = entities.and_then(|entities| named(entities.first()?));
    let of_all = first.filter(|first| entities.into_iter().flatten().all(|entity| named(entity) == Some(first)));
    event.text("/affectedAccount").filter(|account| is_account(account)).or(of_all).or(event.account())
}

fn entities(event: &Event) -> Vec<Arn> {
    let entities = event.detail.get("affectedEntities").and_then(Value::as_array);
    entities.into_iter().flatten().filter_map(|entity| Arn::parse(text(entity, "/entityValue")?)).collect()
}

/// Of the first entity that has one of a name.
fn tags<'a>(event: &Event<'a>) -> impl Iterator<Item = &'a Value> {
    let entities = event.detail.get("affectedEntities").and_then(Value::as_array);
    entities.into_iter().flatten().filter_map(|entity| entity.get("tags"))
}

/// A list with one entry per language, or one object where a forwarder changed it.
fn description<'a>(event: &Event<'a>) -> Option<&'a str> {
    event.first(&["/eventDescription/0/latestDescription", "/eventDescription/latestDescription", "/eventDescription"])
}

fn link(arn: &Arn) -> Option<String> {
    let id = percent_encoded(&arn.to_string());
    (arn.partition == "aws").then(|| {
        format!("https://health.console.aws.amazon.com/health/home#/account/event-log?eventID={id}&eventTab=details")
    })
}
