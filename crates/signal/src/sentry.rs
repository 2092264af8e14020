//! Sentry: metric alerts, issue alerts and issues of its integration platform, and the payload of the older webhook plugin.
//!
//! - A metric alert fires while it is `critical` or `warning`, and recovers when it is `resolved`.
//! - An issue alert, and an issue that is created or unresolved, fires. An issue that is resolved is not read as a recovery:
//!   its webhook carries no time of that.

use serde_json::{Value, json};

use crate::event::{Draft, Event, Thing};
use crate::source::{Reader, Source};
use crate::time::epoch;
use crate::{Kind, Signal, State, Unread, outcome, shown, text};

pub(crate) const SOURCE: Source = Source { name: "sentry", rules: &[], reader: Reader::Payload(read) };

fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    let data = |name: &str| payload.pointer("/data").and_then(|data| data.get(name)).is_some();
    let platform = text(payload, "/action").is_some() && payload.get("installation").is_some();
    let (detail_type, read): (_, fn(&Event) -> _) = if platform && data("metric_alert") {
        ("Sentry Metric Alert", metric_alert)
    } else if platform && data("event") {
        ("Sentry Issue Alert", issue_alert)
    } else if platform && data("issue") {
        ("Sentry Issue", issue)
    } else if payload.pointer("/event/event_id").is_some() && text(payload, "/culprit").is_some() {
        ("Sentry Issue Alert", plugin)
    } else {
        return None;
    };
    let event = json!({"source": "sentry", "detail-type": detail_type, "resources": [], "detail": payload});
    Some(vec![read(&Event::of(&event)?)])
}

fn metric_alert(event: &Event) -> Result<Signal, Unread> {
    let word = event.text("/action").ok_or_else(|| event.lacks("its action"))?;
    let (state, times): (_, &[&str]) = match word {
        "critical" | "warning" => (State::Firing, &["date_detected", "date_started", "date_created"]),
        "resolved" => (State::Recovered, &["date_closed"]),
        other => (outcome::of(other).unwrap_or(State::Info), &["date_detected", "date_created"]),
    };
    let alert = event.detail.pointer("/data/metric_alert").unwrap_or(&Value::Null);
    let rule = id(alert.pointer("/alert_rule/id")).or_else(|| id(alert.get("id")));
    let rule = rule.ok_or_else(|| event.lacks("which alert it is"))?;
    let name = event.first(&["/data/metric_alert/alert_rule/name", "/data/metric_alert/title"]).unwrap_or(&rule);
    let time = times.iter().find_map(|name| epoch(alert.get(*name)?));
    let onset = alert.get("date_started").and_then(epoch).filter(|_| state == State::Firing);
    let title = format!("Sentry alert {} is {}", shown(name), shown(word));
    let draft = event.draft(Kind::Alarm, state, Thing::Named(format!("metric-alert/{rule}")), title);
    draft.at(time).since(onset).because(event.text("/data/description_text")).signal()
}

fn issue_alert(event: &Event) -> Result<Signal, Unread> {
    let error = event.detail.pointer("/data/event").unwrap_or(&Value::Null);
    let issue = id(error.get("issue_id")).ok_or_else(|| event.lacks("which issue it is"))?;
    let time = ["datetime", "timestamp"].into_iter().find_map(|at| epoch(error.get(at)?));
    let at = event.text("/data/event/culprit");
    error_signal(event, &issue, text(error, "/title"), at, State::Firing)
        .at(time)
        .tagged_at(&["/data/event/tags"])
        .signal()
}

fn issue(event: &Event) -> Result<Signal, Unread> {
    let issue = event.detail.pointer("/data/issue").unwrap_or(&Value::Null);
    let number = id(issue.get("id")).ok_or_else(|| event.lacks("which issue it is"))?;
    let state = match event.text("/action") {
        Some("created" | "unresolved") => State::Firing,
        _ => State::Info,
    };
    let time = issue.get("lastSeen").and_then(epoch);
    let onset = issue.get("firstSeen").and_then(epoch).filter(|_| state == State::Firing);
    let at = event.text("/data/issue/culprit");
    error_signal(event, &number, text(issue, "/title"), at, state).at(time).since(onset).signal()
}

fn plugin(event: &Event) -> Result<Signal, Unread> {
    let issue = id(event.detail.get("id")).ok_or_else(|| event.lacks("which issue it is"))?;
    let time = event.detail.pointer("/event/timestamp").and_then(epoch);
    let title = event.first(&["/event/title", "/message"]);
    error_signal(event, &issue, title, event.text("/culprit"), State::Firing)
        .at(time)
        .tagged_at(&["/event/tags"])
        .signal()
}

/// An error's title is its type and its message, which may hold anything.
fn error_signal<'a>(
    event: &'a Event<'a>,
    issue: &str,
    title: Option<&str>,
    at: Option<&str>,
    state: State,
) -> Draft<'a> {
    let project = event.first(&["/project_name", "/project", "/data/event/project_name", "/data/issue/project/name"]);
    let of = project.map_or_else(String::new, |project| format!(" in {}", shown(project)));
    let kind = title.and_then(|title| title.split(": ").next()).unwrap_or("an error");
    let said = title.zip(at).map(|(title, at)| format!("{title} ({at})"));
    let line = format!("Sentry issue {}{of}: {}", shown(issue), shown(kind));
    let draft = event.draft(Kind::Failure, state, Thing::Named(format!("issue/{issue}")), line);
    draft.because(said.or_else(|| title.or(at).map(str::to_owned)))
}

/// Sentry writes ids as texts and as numbers.
fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
