//! CloudWatch alarms, through their three doors: the EventBridge event, the SNS message and the Lambda alarm action.
//!
//! Each door is first brought into the shape of the event's `detail`; the rest is one path. So the same transition
//! gives the same signal, except for what a door does not carry: SNS has no `reasonData`, hence no onset.
//!
//! An alarm over several series changes its own state once, and reports each series (a contributor) by itself: these fire
//! and recover apart, under the alarm's ARN and the contributor's id.
//!
//! `ALARM` fires and `OK` recovers; `INSUFFICIENT_DATA` and changes of an alarm's configuration inform.

mod alarm;
mod changed;
mod onset;
mod sns;
mod watched;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use self::alarm::Alarm;
use crate::arn::{Arn, is_name};
use crate::event::Event;
use crate::source::{Reader, Rule, Source};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, shown, signal_id, text, to_second};

pub(crate) const SOURCE: Source = Source {
    name: "cloudwatch",
    // The suite watches itself by alarms of its own, which page without it.
    rules: &[
        Rule {
            event: "AlarmEvents",
            pattern: r#"{
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm State Change"],
                "detail": {
                    "alarmName": [{ "anything-but": { "prefix": "${AWS::StackName}-suite-" } }],
                    "state": { "value": ["ALARM", "OK", "INSUFFICIENT_DATA"] }
                }
            }"#,
        },
        Rule {
            event: "AlarmContributorEvents",
            pattern: r#"{
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm Contributor State Change"],
                "detail": {
                    "alarmName": [{ "anything-but": { "prefix": "${AWS::StackName}-suite-" } }],
                    "state": { "value": ["ALARM", "OK"] }
                }
            }"#,
        },
    ],
    reader: Reader::Payload(read),
};

const NAME: &str = "aws.cloudwatch";
/// The same events, sent as best effort. They are normalised to [`NAME`], so that one pattern matches both.
const BEST_EFFORT: &str = "aws.monitoring";
const STATE_CHANGE: &str = "CloudWatch Alarm State Change";
const CONTRIBUTOR: &str = "CloudWatch Alarm Contributor State Change";
const CONFIGURATION: &str = "CloudWatch Alarm Configuration Change";

/// Reads what an alarm says. `None`: something else.
fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    if sns::is_message(payload) {
        return Some(vec![sns::read(payload)]);
    }
    if !matches!(text(payload, "/source")?, NAME | BEST_EFFORT) {
        return None;
    }
    let read = match text(payload, "/detail-type") {
        Some(STATE_CHANGE | CONTRIBUTOR) => read_event(payload),
        Some(CONFIGURATION) => changed::read(&Event::of(payload)?),
        None if payload.get("alarmData").is_some() => read_action(payload),
        _ => return None,
    };
    Some(vec![read])
}

/// The EventBridge event. Some forwarders leave the alarm action's `alarmData` where `detail` should be.
fn read_event(payload: &Value) -> Result<Signal, Unread> {
    let detail = payload.get("detail").or(payload.get("alarmData")).unwrap_or(&Value::Null);
    let resources = match payload.get("resources") {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    let alarm = resources
        .iter()
        .find_map(|arn| Alarm::parse(arn))
        .or_else(|| Alarm::of(text(payload, "/account")?, text(payload, "/region")?, text(detail, "/alarmName")?));
    signal(alarm, detail.clone(), &resources)
}

/// The payload of a Lambda alarm action.
fn read_action(payload: &Value) -> Result<Signal, Unread> {
    let detail = payload.get("alarmData").cloned().unwrap_or_default();
    let alarm = text(payload, "/alarmArn")
        .and_then(Alarm::parse)
        .or_else(|| Alarm::of(text(payload, "/accountId")?, text(payload, "/region")?, text(&detail, "/alarmName")?));
    signal(alarm, detail, &[])
}

/// The path that all doors share. `detail` has the event's shape, `others` is what else the event is about.
fn signal(alarm: Option<Alarm>, mut detail: Value, others: &[&str]) -> Result<Signal, Unread> {
    let alarm = alarm.ok_or_else(|| lacks("the alarm's ARN, or its account, Region code and name"))?;
    let state = state(&detail)?;
    let time =
        text(&detail, "/state/timestamp").and_then(instant).ok_or_else(|| lacks("the time of its transition"))?;
    let (detail_type, series) = match detail.get("alarmContributor") {
        Some(contributor) => {
            let id = text(contributor, "/id").filter(|id| is_name(id));
            (CONTRIBUTOR, Some((id.ok_or_else(|| lacks("which contributor it is, by its id"))?, contributor)))
        }
        None => (STATE_CHANGE, None),
    };
    let title = title(&alarm.name, state, series.map(|(_, contributor)| contributor));
    let fingerprint = match series {
        Some((id, _)) => format!("{}#{id}", alarm.arn()),
        None => alarm.arn(),
    };
    let reason_data: Value =
        text(&detail, "/state/reasonData").and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
    let onset = onset::of(&reason_data).filter(|onset| state == State::Firing && *onset <= time);
    let reason = text(&detail, "/state/reason").map(str::to_owned);
    let resources = resources(&alarm, others, watched::by(&alarm, &detail, &reason_data));
    if let Some(fields) = detail.as_object_mut() {
        fields.entry("alarmName").or_insert_with(|| json!(alarm.name));
    }
    Ok(Signal {
        source: NAME.to_owned(),
        detail_type: Some(detail_type.to_owned()),
        kind: Kind::Alarm,
        state,
        time,
        onset,
        title,
        reason,
        link: alarm.link(),
        signal_id: signal_id(&fingerprint, state, time),
        fingerprint,
        drill: false,
        event: json!({
            "source": NAME, "detail-type": detail_type, "account": alarm.account, "region": alarm.region,
            "time": to_second(time), "resources": resources, "detail": detail,
        }),
        resources,
        // CloudWatch says none.
        tags: BTreeMap::new(),
        account: Some(alarm.account),
        region: Some(alarm.region),
    })
}

fn state(detail: &Value) -> Result<State, Unread> {
    match text(detail, "/state/value").ok_or_else(|| lacks("its new state"))? {
        "ALARM" => Ok(State::Firing),
        "OK" => Ok(State::Recovered),
        "INSUFFICIENT_DATA" => Ok(State::Info),
        other => Err(Unread::malformed(format!(
            "The alarm has the unknown state {}: it must be ALARM, OK or INSUFFICIENT_DATA.",
            shown(other)
        ))),
    }
}

/// The alarm's own ARN, what its event names beside it, and what it watches; each once.
fn resources(alarm: &Alarm, others: &[&str], watched: Vec<String>) -> Vec<String> {
    let others = others.iter().filter(|other| Alarm::parse(other).as_ref() != Some(alarm));
    let others = others.filter_map(|other| Some(Arn::parse(other)?.to_string()));
    let mut known = HashSet::new();
    [alarm.arn()].into_iter().chain(others).chain(watched).filter(|arn| known.insert(arn.clone())).collect()
}

fn lacks(what: &str) -> Unread {
    Unread::malformed(format!("The CloudWatch alarm does not say {what}: deliver it as CloudWatch sent it."))
}

fn title(name: &str, state: State, contributor: Option<&Value>) -> String {
    let name = shown(name);
    let of = contributor.map_or_else(String::new, |contributor| format!(" for {}", series(contributor)));
    match state {
        State::Firing => format!("Alarm {name} is firing{of}"),
        State::Recovered => format!("Alarm {name} has recovered{of}"),
        State::Info => format!("Alarm {name} has insufficient data{of}"),
    }
}

/// Which of an alarm's series it is, by what the query groups them by.
fn series(contributor: &Value) -> String {
    let attributes = contributor.get("attributes").and_then(Value::as_object);
    let pairs =
        attributes.into_iter().flatten().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)));
    let mut pairs: Vec<String> = pairs.collect();
    pairs.sort_unstable();
    let named = shown(&pairs.join(", "));
    if named.is_empty() {
        format!("contributor {}", shown(text(contributor, "/id").unwrap_or_default()))
    } else {
        named
    }
}
