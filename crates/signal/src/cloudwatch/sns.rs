//! The alarm as SNS carries it: CloudWatch's `PascalCase` JSON, brought into the shape of the EventBridge event.

use serde_json::{Map, Value, json};

use super::{Alarm, signal};
use crate::{Signal, Unread, text};

/// Reads the content of an SNS message. Its `Region` is a display name on AWS, so Region and account come from the
/// alarm's ARN; where that is missing, a Region code does as well.
pub(super) fn read(message: &Value) -> Result<Signal, Unread> {
    let alarm = text(message, "/AlarmArn").and_then(Alarm::parse).or_else(|| {
        Alarm::of(text(message, "/AWSAccountId")?, text(message, "/Region")?, text(message, "/AlarmName")?)
    });
    signal(alarm, detail(message), &[])
}

/// The event's `detail`, as far as the message knows it.
fn detail(message: &Value) -> Value {
    let state =
        renamed(message, &[("NewStateValue", "value"), ("NewStateReason", "reason"), ("StateChangeTime", "timestamp")]);
    let mut configuration = renamed(message, &[("AlarmDescription", "description"), ("AlarmRule", "alarmRule")]);
    let metrics = message.get("Trigger").map(metrics).unwrap_or_default();
    if !metrics.is_empty() {
        configuration.insert("metrics".to_owned(), metrics.into());
    }
    let mut detail = renamed(message, &[("AlarmName", "alarmName")]);
    detail.insert("state".to_owned(), state.into());
    detail.insert("previousState".to_owned(), renamed(message, &[("OldStateValue", "value")]).into());
    detail.insert("configuration".to_owned(), configuration.into());
    detail.into()
}

/// One metric stands in the trigger itself, several (metric math, anomaly detection) in its list.
fn metrics(trigger: &Value) -> Vec<Value> {
    if let Some(listed) = trigger.get("Metrics").and_then(Value::as_array) {
        return listed.iter().map(listed_metric).collect();
    }
    if text(trigger, "/MetricName").is_none() {
        return Vec::new();
    }
    let mut stat = renamed(trigger, &[("Period", "period"), ("Unit", "unit"), ("ExtendedStatistic", "stat")]);
    if let Some(name) = text(trigger, "/Statistic") {
        stat.insert("stat".to_owned(), statistic(name).into());
    }
    stat.insert("metric".to_owned(), metric(trigger));
    vec![json!({ "metricStat": stat, "returnData": true })]
}

fn listed_metric(listed: &Value) -> Value {
    let mut one = renamed(
        listed,
        &[
            ("Id", "id"),
            ("Expression", "expression"),
            ("Label", "label"),
            ("Period", "period"),
            ("AccountId", "accountId"),
            ("ReturnData", "returnData"),
        ],
    );
    if let Some(wire) = listed.get("MetricStat") {
        let mut stat = renamed(wire, &[("Period", "period"), ("Stat", "stat"), ("Unit", "unit")]);
        stat.insert("metric".to_owned(), metric(wire.get("Metric").unwrap_or(&Value::Null)));
        one.insert("metricStat".to_owned(), stat.into());
    }
    one.into()
}

/// Namespace, name and dimensions; the latter are a list of pairs in SNS and a map in the event.
fn metric(wire: &Value) -> Value {
    let pairs = wire.get("Dimensions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let dimensions: Map<String, Value> = pairs
        .iter()
        .filter_map(|pair| {
            let name = text(pair, "/name").or(text(pair, "/Name"))?;
            Some((name.to_owned(), pair.get("value").or(pair.get("Value"))?.clone()))
        })
        .collect();
    let mut metric = renamed(wire, &[("Namespace", "namespace"), ("MetricName", "name")]);
    metric.insert("dimensions".to_owned(), dimensions.into());
    metric.into()
}

/// SNS shouts: `AVERAGE`, `SAMPLE_COUNT`.
fn statistic(name: &str) -> &str {
    match name {
        "AVERAGE" => "Average",
        "SUM" => "Sum",
        "MINIMUM" => "Minimum",
        "MAXIMUM" => "Maximum",
        "SAMPLE_COUNT" | "SAMPLECOUNT" => "SampleCount",
        other => other,
    }
}

/// Those fields that are there and not null, under their names in the event.
fn renamed(wire: &Value, names: &[(&str, &str)]) -> Map<String, Value> {
    names
        .iter()
        .filter_map(|(from, to)| Some(((*to).to_owned(), wire.get(from).filter(|value| !value.is_null())?.clone())))
        .collect()
}
