//! The alarm as SNS carries it: CloudWatch's `PascalCase` JSON, brought into the shape of the EventBridge event.

use serde_json::{Map, Value, json};

use super::{Alarm, signal};
use crate::{Signal, Unread, text};

/// Whether it is an alarm's message, whole or not.
pub(super) fn is_message(payload: &Value) -> bool {
    let part = ["NewStateValue", "NewStateReason", "Trigger", "MetricName"];
    payload.get("AlarmName").is_some() && part.iter().any(|name| payload.get(name).is_some())
        || payload.get("NewStateValue").is_some()
}

/// Reads the content of an SNS message. Its `Region` is a display name on AWS, so Region and account come from the
/// alarm's ARN; where that is missing, a Region code does as well.
pub(super) fn read(message: &Value) -> Result<Signal, Unread> {
    let alarm = text(message, "/AlarmArn").and_then(Alarm::parse).or_else(|| {
        Alarm::of(text(message, "/AWSAccountId")?, text(message, "/Region")?, text(message, "/AlarmName")?)
    });
    signal(alarm, detail(message), &[])
}

/// What moves into the event's `configuration`, under the names that it has in configuration changes.
const CONFIGURATION: &[(&str, &str)] = &[
    ("AlarmDescription", "description"),
    ("AlarmRule", "alarmRule"),
    ("AlarmConfigurationUpdatedTimestamp", "timestamp"),
    ("OKActions", "okActions"),
    ("AlarmActions", "alarmActions"),
    ("InsufficientDataActions", "insufficientDataActions"),
];

/// The same for what stands in `Trigger`.
const TRIGGER: &[(&str, &str)] = &[
    ("EvaluationPeriods", "evaluationPeriods"),
    ("DatapointsToAlarm", "datapointsToAlarm"),
    ("ComparisonOperator", "comparisonOperator"),
    ("Threshold", "threshold"),
    ("ThresholdMetricId", "thresholdMetricId"),
    ("TreatMissingData", "treatMissingData"),
    ("EvaluateLowSampleCountPercentile", "evaluateLowSampleCountPercentile"),
];

const STATE: &[(&str, &str)] =
    &[("NewStateValue", "value"), ("NewStateReason", "reason"), ("StateChangeTime", "timestamp")];

/// The event's `detail`, as far as the message knows it. What has no place there stays under its own name.
fn detail(message: &Value) -> Value {
    let mut configuration = renamed(message, CONFIGURATION);
    if let Some(trigger) = message.get("Trigger") {
        configuration.extend(renamed(trigger, TRIGGER));
        let metrics = metrics(trigger);
        if !metrics.is_empty() {
            configuration.insert("metrics".to_owned(), metrics.into());
        }
    }
    let moved = ["Trigger", "OldStateValue", "AlarmContributorId", "AlarmContributorAttributes"];
    let moved: Vec<&str> = CONFIGURATION.iter().chain(STATE).map(|(name, _)| *name).chain(moved).collect();
    let rest = message.as_object().into_iter().flatten().filter(|(name, _)| !moved.contains(&name.as_str()));
    let mut detail: Map<String, Value> = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Some(name) = detail.remove("AlarmName") {
        detail.insert("alarmName".to_owned(), name);
    }
    let contributor = renamed(message, &[("AlarmContributorId", "id"), ("AlarmContributorAttributes", "attributes")]);
    if contributor.contains_key("id") {
        detail.insert("alarmContributor".to_owned(), contributor.into());
    }
    detail.insert("state".to_owned(), renamed(message, STATE).into());
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
