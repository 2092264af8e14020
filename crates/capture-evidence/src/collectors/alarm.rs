//! The opening alarm: what it is, and what became of it in the window.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmHistoryItem, AlarmType, CompositeAlarm, MetricAlarm, ScanBy};
use futures_util::future::BoxFuture;
use incident::Incident;
use response_plan::CollectorKind;
use serde_json::{Value, json};
use step::Allow;

use super::definition::{composite_alarm, metric_alarm, object};
use super::{Collected, Collection, Desk, Draft, Kind, Trouble, instant, sdk_instant};

pub(super) static KIND: Kind = Kind {
    plan: CollectorKind {
        name: "alarm",
        about: "The alarm that opened the incident: its definition, and its history in the window.",
        fields: &[],
    },
    allows: &[Allow {
        actions: &["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"],
        resources: &["'*'"],
        condition: None,
    }],
    wanted: |incident| match opening_alarm(incident) {
        Some(alarm) => vec![Box::new(Definition(alarm.clone())), Box::new(History(alarm))],
        None => Vec::new(),
    },
};

/// A CloudWatch alarm, from its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// The whole ARN.
    pub(crate) arn: String,
    /// Its Region.
    pub(crate) region: String,
    /// Its account.
    pub(crate) account: String,
    /// Its name.
    pub(crate) name: String,
}

/// The alarm that opened the incident, where it was one. A drill has its word in front of the fingerprint.
pub(crate) fn opening_alarm(incident: &Incident) -> Option<Alarm> {
    let signal = &incident.opened.signal;
    signal.resources.iter().chain([&signal.fingerprint]).find_map(|text| {
        let arn = text.strip_prefix("drill:").unwrap_or(text);
        let parts: Vec<&str> = arn.splitn(7, ':').collect();
        let ["arn", _, "cloudwatch", region, account, "alarm", name] = parts[..] else { return None };
        let [region, account, name] = [region, account, name].map(str::to_owned);
        Some(Alarm { arn: arn.to_owned(), region, account, name })
    })
}

/// What the opening alarm is.
#[derive(Debug)]
struct Definition(Alarm);

impl Collection for Definition {
    fn what(&self) -> String {
        format!("definition of alarm {}", self.0.name)
    }

    fn draft(&self, _: &Desk<'_>) -> Draft {
        draft(&self.0, "definition", format!("DescribeAlarms AlarmNames={}", self.0.name))
    }

    /// Keeps the alarm as it is now, its state included.
    fn collect<'a>(&'a self, desk: &'a Desk<'_>) -> BoxFuture<'a, Result<Collected, Trouble>> {
        Box::pin(async move {
            let client = desk.cloudwatch(&self.0.region)?;
            let document = match describe(desk, &client, &self.0).await? {
                Described::Metric(found) => metric_alarm(&found),
                Described::Composite(found) => composite_alarm(&found),
            };
            desk.keep(self.draft(desk), &document).await.map(Collected::from)
        })
    }
}

/// What became of it.
#[derive(Debug)]
struct History(Alarm);

impl Collection for History {
    fn what(&self) -> String {
        format!("history of alarm {}", self.0.name)
    }

    fn draft(&self, desk: &Desk<'_>) -> Draft {
        let query = format!("DescribeAlarmHistory AlarmName={} AlarmTypes=MetricAlarm,CompositeAlarm", self.0.name);
        Draft { window: Some(desk.window), ..draft(&self.0, "history", query) }
    }

    fn collect<'a>(&'a self, desk: &'a Desk<'_>) -> BoxFuture<'a, Result<Collected, Trouble>> {
        Box::pin(async move {
            let items = history(desk, &self.0).await?;
            desk.keep(self.draft(desk), &json!({"AlarmHistoryItems": items})).await.map(Collected::from)
        })
    }
}

/// An alarm of either kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Described {
    /// It watches metrics.
    Metric(Box<MetricAlarm>),
    /// It watches alarms.
    Composite(Box<CompositeAlarm>),
}

/// What happened to the alarm in the window, in order. CloudWatch leaves out composite alarms unless both types are named.
async fn history(desk: &Desk<'_>, alarm: &Alarm) -> Result<Vec<Value>, Trouble> {
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
            return Ok(items);
        }
    }
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
        collector: KIND.plan.name,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::incident;

    #[test]
    fn only_a_signal_of_an_alarm_has_one() {
        #[track_caller]
        fn check(fingerprint: &str, resource: &str, name: Option<&str>) {
            let mut incident = incident();
            incident.opened.signal.fingerprint = fingerprint.to_owned();
            incident.opened.signal.resources = vec![resource.to_owned()];
            assert_eq!(opening_alarm(&incident).map(|alarm| alarm.name).as_deref(), name);
        }
        let lambda = "arn:aws:lambda:eu-west-1:111122223333:function:checkout";
        check("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a:b", lambda, Some("a:b"));
        check("drill:arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a", lambda, Some("a"));
        check("acme/aws/111122223333/eu-west-1/checkout", "arn:aws-cn:cloudwatch:cn-north-1:1:alarm:c", Some("c"));
        check("acme/aws/111122223333/eu-west-1/checkout", lambda, None);
        check("", "", None);
    }
}
