//! Datapoints: of what the opening alarm watches, and of what the plan takes for a sign of life.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric as SdkMetric, MetricAlarm, MetricDataQuery, MetricDataResult, MetricStat, ScanBy,
};
use futures_util::future::BoxFuture;
use incident::Incident;
use jiff::Timestamp;
use response_plan::{CollectorKind, Metric, Span};
use serde_json::{Value, json};
use step::Allow;

use super::alarm::Alarm;
use super::definition::{self, queries_json};
use super::onset::{self, Rule};
use super::{Collected, Collection, Desk, Draft, Kind, Trouble, alarm, instant, sdk_instant};

pub(super) static KIND: Kind = Kind {
    plan: CollectorKind {
        name: "metrics",
        about: "The metric of the alarm that opened the incident, and what the plan takes for a sign of life.",
        fields: &[],
    },
    allows: &[Allow {
        actions: &["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"],
        resources: &["'*'"],
        condition: None,
    }],
    wanted: |incident| {
        let mut all: Vec<Box<dyn Collection>> = Vec::new();
        all.extend(alarm::opening_alarm(incident).map(|alarm| Box::new(OfAlarm(alarm)) as _));
        all.extend(of_plan(incident).into_iter().map(|metric| Box::new(metric) as _));
        all
    },
};

/// One series of the answer, put together from its pages.
#[derive(Debug, Clone, Default, PartialEq)]
struct Series {
    id: String,
    label: Option<String>,
    status: Option<String>,
    messages: Vec<Value>,
    datapoints: Vec<(Timestamp, f64)>,
}

/// What the opening alarm watches; its data also show when the trouble began.
#[derive(Debug)]
struct OfAlarm(Alarm);

impl Collection for OfAlarm {
    fn what(&self) -> String {
        format!("metric of alarm {}", self.0.name)
    }

    /// Where the alarm could not be read, the queries are in the file, if there is one.
    fn draft(&self, desk: &Desk<'_>) -> Draft {
        let query = format!("GetMetricData with the MetricDataQueries of alarm {}, which the file has", self.0.name);
        draft(desk, format!("alarm/{}.json", self.0.name), query)
    }

    /// Keeps what the alarm watches, by the alarm's own queries, and finds the onset where its rule is plain.
    fn collect<'a>(&'a self, desk: &'a Desk<'_>) -> BoxFuture<'a, Result<Collected, Trouble>> {
        Box::pin(async move {
            let client = desk.cloudwatch(&self.0.region)?;
            let watched = match alarm::describe(desk, &client, &self.0).await? {
                alarm::Described::Metric(watched) => watched,
                alarm::Described::Composite(_) => {
                    let reason = "it is a composite alarm: what the alarms below it watch is not collected.";
                    return Err(reason.to_owned().into());
                }
            };
            let queries = queries_of(&watched)
                .ok_or_else(|| "the alarm watches no metric that GetMetricData can read.".to_owned())?;
            let series = fetch(desk, &client, &queries).await?;
            let onset = Rule::of(&watched).zip(series.first());
            let onset = onset.and_then(|(rule, one)| onset::onset(&rule, &one.datapoints, desk.signal_at));
            let file = keep(desk, Draft { query: asked(&queries), ..self.draft(desk) }, &queries, &series).await?;
            Ok(Collected { onset, ..file })
        })
    }
}

/// What the plan takes for a sign of life.
#[derive(Debug, Clone, PartialEq)]
struct OfPlan {
    metric: Metric,
    /// The length of one datapoint.
    period: Span,
}

impl Collection for OfPlan {
    fn what(&self) -> String {
        format!("metric {}/{}", self.metric.namespace, self.metric.name)
    }

    fn draft(&self, desk: &Desk<'_>) -> Draft {
        let Metric { namespace, name, dimensions } = &self.metric;
        let dimensions: String = dimensions.iter().map(|(name, value)| format!("+{name}={value}")).collect();
        let name = format!("plan/{namespace}/{name}{dimensions}+{}s.json", self.period.as_secs());
        draft(desk, name, asked(&plan_queries(&self.metric, self.period)))
    }

    /// Keeps a metric of the plan: `Sum` over each period is what the plan counts.
    fn collect<'a>(&'a self, desk: &'a Desk<'_>) -> BoxFuture<'a, Result<Collected, Trouble>> {
        Box::pin(async move {
            let queries = plan_queries(&self.metric, self.period);
            let series = fetch(desk, &desk.cloudwatch(desk.region)?, &queries).await?;
            keep(desk, self.draft(desk), &queries, &series).await
        })
    }
}

/// The signs of life, each once: two mitigations may look at the same one.
fn of_plan(incident: &Incident) -> Vec<OfPlan> {
    let mut all = Vec::new();
    for healthy in incident.plan().mitigations.iter().filter_map(|mitigation| mitigation.healthy_when.as_ref()) {
        let metric = OfPlan { metric: healthy.metric.clone(), period: healthy.period };
        if !all.contains(&metric) {
            all.push(metric);
        }
    }
    all
}

fn draft(desk: &Desk<'_>, name: String, query: String) -> Draft {
    Draft { collector: KIND.plan.name, name, query, window: Some(desk.window), source_arn: None }
}

fn asked(queries: &[MetricDataQuery]) -> String {
    format!("GetMetricData MetricDataQueries={}", queries_json(queries))
}

fn plan_queries(metric: &Metric, period: Span) -> [MetricDataQuery; 1] {
    let dimension = |(name, value): (&String, &String)| Dimension::builder().name(name).value(value).build();
    let dimensions = metric.dimensions.iter().map(dimension).collect();
    let read = SdkMetric::builder().namespace(&metric.namespace).metric_name(&metric.name);
    let stat = MetricStat::builder()
        .metric(read.set_dimensions(Some(dimensions)).build())
        .period(i32::try_from(period.as_secs()).unwrap_or(i32::MAX))
        .stat("Sum");
    [MetricDataQuery::builder().id("m1").metric_stat(stat.build()).build()]
}

/// The alarm's own queries; an alarm on one metric has its fields instead. All of them return data: an alarm on an
/// expression hides what it computes with.
fn queries_of(alarm: &MetricAlarm) -> Option<Vec<MetricDataQuery>> {
    if !alarm.metrics().is_empty() {
        let shown = alarm.metrics().iter().cloned().map(|mut query| {
            query.return_data = Some(true);
            query
        });
        return Some(shown.collect());
    }
    let metric = SdkMetric::builder()
        .set_namespace(alarm.namespace.clone())
        .metric_name(alarm.metric_name()?)
        .set_dimensions(alarm.dimensions.clone());
    let statistic = alarm.statistic().map(|s| s.as_str().to_owned()).or(alarm.extended_statistic.clone());
    let stat = MetricStat::builder().metric(metric.build()).set_period(alarm.period).set_stat(statistic);
    let stat = stat.set_unit(alarm.unit.clone()).build();
    Some(vec![MetricDataQuery::builder().id("m1").metric_stat(stat).build()])
}

async fn fetch(desk: &Desk<'_>, client: &Client, queries: &[MetricDataQuery]) -> Result<Vec<Series>, String> {
    let request = client
        .get_metric_data()
        .set_metric_data_queries(Some(queries.to_vec()))
        .start_time(sdk_instant(desk.window.from))
        .end_time(sdk_instant(desk.window.to))
        .scan_by(ScanBy::TimestampAscending);
    let (mut series, mut token) = (Vec::new(), None);
    loop {
        let page = desk.ask(request.clone().set_next_token(token).send()).await?;
        for result in page.metric_data_results() {
            add(&mut series, result);
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(series);
        }
    }
}

/// A series that does not fit a page goes on in the next, under the same id and label.
fn add(series: &mut Vec<Series>, result: &MetricDataResult) {
    let id = result.id().unwrap_or_default();
    let known = series.iter().position(|one| one.id == id && one.label.as_deref() == result.label());
    let at = known.unwrap_or_else(|| {
        series.push(Series { id: id.to_owned(), label: result.label.clone(), ..Series::default() });
        series.len() - 1
    });
    let Some(one) = series.get_mut(at) else { return };
    let points = result.timestamps().iter().zip(result.values());
    one.datapoints.extend(points.filter_map(|(at, value)| Some((instant(at)?, *value))));
    one.datapoints.sort_by_key(|(at, _)| *at);
    one.status = result.status_code().map(|status| status.as_str().to_owned());
    one.messages.extend(result.messages().iter().map(|said| json!({"Code": said.code(), "Value": said.value()})));
}

async fn keep(
    desk: &Desk<'_>,
    draft: Draft,
    queries: &[MetricDataQuery],
    all: &[Series],
) -> Result<Collected, Trouble> {
    let point = |(at, value): &(Timestamp, f64)| json!({"Timestamp": at, "Value": value});
    let series = |one: &Series| {
        definition::object([
            ("Id", json!(one.id)),
            ("Label", json!(one.label)),
            ("StatusCode", json!(one.status)),
            ("Messages", json!(one.messages)),
            ("Datapoints", one.datapoints.iter().map(point).collect()),
        ])
    };
    let document =
        json!({"MetricDataQueries": queries_json(queries), "Series": all.iter().map(series).collect::<Vec<_>>()});
    desk.keep(draft, &document).await.map(Collected::from)
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::{Statistic, StatusCode};

    use super::*;
    use crate::samples::at;

    #[test]
    fn an_alarm_is_read_by_its_own_queries() {
        let plain = MetricAlarm::builder().namespace("Shop").metric_name("Errors").period(10);
        let asked = |alarm: MetricAlarm| queries_of(&alarm).map(|queries| queries_json(&queries));
        let expected = |stat: &str| {
            let metric = json!({"Namespace": "Shop", "MetricName": "Errors"});
            Some(json!([{"Id": "m1", "MetricStat": {"Metric": metric, "Period": 10, "Stat": stat}}]))
        };
        assert_eq!(asked(plain.clone().statistic(Statistic::Average).build()), expected("Average"));
        assert_eq!(asked(plain.extended_statistic("p99").build()), expected("p99"));
        let hidden = MetricDataQuery::builder().id("m1").expression("e1 + 1").return_data(false).build();
        let shown = json!([{"Id": "m1", "Expression": "e1 + 1", "ReturnData": true}]);
        assert_eq!(asked(MetricAlarm::builder().metrics(hidden).build()), Some(shown));
        assert_eq!(asked(MetricAlarm::builder().alarm_name("a query of another kind").build()), None);
    }

    #[test]
    fn pages_of_a_series_become_one() {
        let result = |id: &str, minute: i64, value: f64, status: StatusCode| {
            let time = sdk_instant(at("14:00:00") + jiff::SignedDuration::from_mins(minute));
            MetricDataResult::builder().id(id).label(id).timestamps(time).values(value).status_code(status).build()
        };
        let mut series = Vec::new();
        add(&mut series, &result("m1", 1, 7.0, StatusCode::PartialData));
        add(&mut series, &result("m2", 0, 1.0, StatusCode::Complete));
        add(&mut series, &result("m1", 0, 6.0, StatusCode::Complete));
        let points: Vec<_> =
            series.iter().map(|one| (one.id.as_str(), one.status.as_deref(), one.datapoints.clone())).collect();
        let (first, second) = (at("14:00:00"), at("14:01:00"));
        let expected =
            [("m1", Some("Complete"), vec![(first, 6.0), (second, 7.0)]), ("m2", Some("Complete"), vec![(first, 1.0)])];
        assert_eq!(points, expected);
    }
}
