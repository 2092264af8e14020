//! The opening alarm: what it is, and what became of it in the window.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmHistoryItem, AlarmType, CompositeAlarm, MetricAlarm, ScanBy};
use serde_json::{Value, json};

use super::definition::{composite_alarm, metric_alarm, object};
use super::{Collected, Desk, Draft, Trouble, instant, sdk_instant};
use crate::wanted::Alarm;

/// An alarm of either kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Described {
    /// It watches metrics.
    Metric(Box<MetricAlarm>),
    /// It watches alarms.
    Composite(Box<CompositeAlarm>),
}

/// Keeps the alarm as it is now, its state included.
pub(crate) async fn definition(desk: &Desk<'_>, alarm: &Alarm) -> Result<Collected, Trouble> {
    let client = desk.cloudwatch(&alarm.region)?;
    let document = match describe(desk, &client, alarm).await? {
        Described::Metric(found) => metric_alarm(&found),
        Described::Composite(found) => composite_alarm(&found),
    };
    desk.keep(definition_draft(alarm), &document).await.map(Collected::from)
}

/// Keeps what happened to the alarm in the window, in order. CloudWatch leaves out composite alarms unless both types
/// are named.
pub(crate) async fn history(desk: &Desk<'_>, alarm: &Alarm) -> Result<Collected, Trouble> {
    reachable(desk, alarm)?;
    let client = desk.cloudwatch(&alarm.region)?;
    let request = client
        .describe_alarm_history()
        .alarm_name(&alarm.name)
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .start_date(sdk_instant(desk.window.from))
        .end_date(sdk_instant(desk.window.to))
        .scan_by(ScanBy::TimestampAscending);
    let (mut items, mut token) = (Vec::new(), None);
    loop {
        let page = desk.ask(request.clone().set_next_token(token).send()).await?;
        items.extend(page.alarm_history_items().iter().map(history_item));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    desk.keep(history_draft(desk, alarm), &json!({"AlarmHistoryItems": items})).await.map(Collected::from)
}

/// The file of [`definition`].
pub(crate) fn definition_draft(alarm: &Alarm) -> Draft {
    draft(alarm, "definition", format!("DescribeAlarms AlarmNames={}", alarm.name))
}

/// The file of [`history`].
pub(crate) fn history_draft(desk: &Desk<'_>, alarm: &Alarm) -> Draft {
    let query = format!("DescribeAlarmHistory AlarmName={} AlarmTypes=MetricAlarm,CompositeAlarm", alarm.name);
    Draft { window: Some(desk.window), ..draft(alarm, "history", query) }
}

/// Reads the alarm.
///
/// # Errors
/// A sentence that says why it could not be read.
pub(crate) async fn describe(desk: &Desk<'_>, client: &Client, alarm: &Alarm) -> Result<Described, String> {
    reachable(desk, alarm)?;
    let request = client.describe_alarms().alarm_names(&alarm.name);
    let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
    let answer = desk.ask(request.send()).await?;
    let metric = answer.metric_alarms.unwrap_or_default().into_iter().map(Box::new).map(Described::Metric);
    let composite = answer.composite_alarms.unwrap_or_default().into_iter().map(Box::new).map(Described::Composite);
    metric.chain(composite).next().ok_or_else(|| "the alarm does not exist any more.".to_owned())
}

/// An alarm is asked for by its name, and another account may have one of the same name.
fn reachable(desk: &Desk<'_>, alarm: &Alarm) -> Result<(), String> {
    if alarm.account == desk.account {
        return Ok(());
    }
    Err(format!("the alarm is in account {}, and evidence is read in account {}.", alarm.account, desk.account))
}

fn draft(alarm: &Alarm, file: &str, query: String) -> Draft {
    Draft {
        collector: "alarm",
        name: format!("{}/{file}.json", alarm.name),
        query,
        window: None,
        source_arn: Some(alarm.arn.clone()),
    }
}

fn history_item(item: &AlarmHistoryItem) -> Value {
    object([
        ("AlarmName", json!(item.alarm_name)),
        ("AlarmContributorId", json!(item.alarm_contributor_id)),
        ("AlarmType", json!(item.alarm_type().map(AlarmType::as_str))),
        ("Timestamp", json!(item.timestamp().and_then(instant))),
        ("HistoryItemType", json!(item.history_item_type().map(|kind| kind.as_str()))),
        ("HistorySummary", json!(item.history_summary)),
        ("HistoryData", json!(item.history_data)),
        ("AlarmContributorAttributes", json!(item.alarm_contributor_attributes)),
    ])
}
