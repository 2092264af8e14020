//! What CloudTrail tells: calls of APIs, sign-ins, and insights into the rate of calls and errors.
//!
//! A call is a change, whatever came of it, and informs. An insight fires when it starts and recovers when it ends.

use serde_json::{Value, json};

use crate::event::{Event, Thing};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, shown, text};

/// The event of a bare record, as CloudTrail writes it to a log.
pub(super) fn event(record: &Value) -> Option<Value> {
    text(record, "/eventVersion").or(text(record, "/eventType"))?;
    text(record, "/eventName").or(text(record, "/insightDetails/eventName"))?;
    let service = text(record, "/eventSource").or(text(record, "/insightDetails/eventSource"));
    let service = service.filter(|service| service.contains(".amazonaws.com"))?;
    let what = match text(record, "/eventType") {
        Some("AwsConsoleSignIn") => "AWS Console Sign In",
        Some("AwsServiceEvent") => "AWS Service Event",
        Some("AwsCloudTrailInsight") => "AWS Insight",
        _ => "AWS API Call",
    };
    Some(json!({
        "source": format!("aws.{}", service.trim_end_matches(".amazonaws.com")),
        "detail-type": format!("{what} via CloudTrail"),
        "time": text(record, "/eventTime"), "resources": [], "detail": record,
    }))
}

pub(super) fn read(event: &Event) -> Result<Signal, Unread> {
    if event.detail.get("insightDetails").is_some() { insight(event) } else { call(event) }
}

fn call(event: &Event) -> Result<Signal, Unread> {
    let name = event.text("/eventName").ok_or_else(|| event.lacks("which call it was"))?;
    let who = event.first(&["/userIdentity/arn", "/userIdentity/userName", "/userIdentity/invokedBy"]);
    let service = event.text("/eventSource").unwrap_or(event.source);
    let who = who.map_or_else(String::new, |who| format!(" by {}", shown(who)));
    let title = format!("{} was called at {}{who}", shown(name), shown(service));
    let draft = event.draft(Kind::Change, State::Info, Thing::Named(name.to_owned()), title);
    let draft = draft.place(event.text("/recipientAccountId"), event.text("/awsRegion"));
    draft.at(time(event)).because(event.first(&["/errorMessage", "/errorCode"])).signal()
}

fn insight(event: &Event) -> Result<Signal, Unread> {
    let part = |name: &str| event.text(&format!("/insightDetails/{name}"));
    let name = part("eventName").ok_or_else(|| event.lacks("which call it is about"))?;
    let (state, is) = match part("state") {
        Some("Start") => (State::Firing, "is unusual"),
        Some("End") => (State::Recovered, "is usual again"),
        _ => return Err(event.lacks("whether the insight starts or ends")),
    };
    let what = match part("insightType") {
        Some("ApiErrorRateInsight") => "rate of errors",
        _ => "rate of calls",
    };
    let service = part("eventSource").unwrap_or(event.source);
    let title = format!("CloudTrail: the {what} of {} at {} {is}", shown(name), shown(service));
    let draft = event.draft(Kind::Alarm, state, Thing::Named(format!("{service}/{name}")), title);
    let draft = draft.condition(part("insightType").unwrap_or("insight")).at(time(event));
    draft.place(event.text("/recipientAccountId"), event.text("/awsRegion")).because(part("errorCode")).signal()
}

fn time(event: &Event) -> Option<jiff::Timestamp> {
    event.text("/eventTime").and_then(instant)
}
