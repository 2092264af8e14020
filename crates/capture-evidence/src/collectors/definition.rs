//! Alarms and queries as JSON, in the words of the CloudWatch API and complete: the SDK's types do not serialise.

use aws_sdk_cloudwatch::types::{
    ActionConfiguration, CompositeAlarm, Dimension, EvaluationCriteria, EvaluationWindow, MetricAlarm, MetricDataQuery,
    MetricStat, WarmUpConfiguration,
};
use serde_json::{Value, json};

use super::instant;

/// An object of what is there: the API leaves out what it does not have.
pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A metric alarm.
pub(crate) fn metric_alarm(a: &MetricAlarm) -> Value {
    let queries = (!a.metrics().is_empty()).then(|| queries_json(a.metrics()));
    object([
        ("AlarmName", json!(a.alarm_name)),
        ("AlarmArn", json!(a.alarm_arn)),
        ("AlarmDescription", json!(a.alarm_description)),
        ("AlarmConfigurationUpdatedTimestamp", json!(a.alarm_configuration_updated_timestamp().and_then(instant))),
        ("ActionsEnabled", json!(a.actions_enabled)),
        ("OKActions", json!(a.ok_actions)),
        ("AlarmActions", json!(a.alarm_actions)),
        ("InsufficientDataActions", json!(a.insufficient_data_actions)),
        ("ActionConfiguration", json!(a.action_configuration().map(action_configuration))),
        ("StateValue", json!(a.state_value().map(|state| state.as_str()))),
        ("StateReason", json!(a.state_reason)),
        ("StateReasonData", json!(a.state_reason_data)),
        ("StateUpdatedTimestamp", json!(a.state_updated_timestamp().and_then(instant))),
        ("StateTransitionedTimestamp", json!(a.state_transitioned_timestamp().and_then(instant))),
        ("EvaluationState", json!(a.evaluation_state().map(|state| state.as_str()))),
        ("MetricName", json!(a.metric_name)),
        ("Namespace", json!(a.namespace)),
        ("Statistic", json!(a.statistic().map(|statistic| statistic.as_str()))),
        ("ExtendedStatistic", json!(a.extended_statistic)),
        ("Dimensions", a.dimensions.as_deref().map_or(Value::Null, dimensions)),
        ("Period", json!(a.period)),
        ("Unit", json!(a.unit().map(|unit| unit.as_str()))),
        ("EvaluationPeriods", json!(a.evaluation_periods)),
        ("DatapointsToAlarm", json!(a.datapoints_to_alarm)),
        ("Threshold", json!(a.threshold)),
        ("ComparisonOperator", json!(a.comparison_operator().map(|operator| operator.as_str()))),
        ("TreatMissingData", json!(a.treat_missing_data)),
        ("EvaluateLowSampleCountPercentile", json!(a.evaluate_low_sample_count_percentile)),
        ("Metrics", json!(queries)),
        ("ThresholdMetricId", json!(a.threshold_metric_id)),
        ("EvaluationWindow", json!(a.evaluation_window().map(evaluation_window))),
        ("EvaluationInterval", json!(a.evaluation_interval)),
        ("EvaluationCriteria", json!(a.evaluation_criteria().map(evaluation_criteria))),
        ("WarmUpConfiguration", json!(a.warm_up_configuration().map(warm_up))),
    ])
}

/// A composite alarm.
pub(crate) fn composite_alarm(a: &CompositeAlarm) -> Value {
    object([
        ("AlarmName", json!(a.alarm_name)),
        ("AlarmArn", json!(a.alarm_arn)),
        ("AlarmDescription", json!(a.alarm_description)),
        ("AlarmRule", json!(a.alarm_rule)),
        ("AlarmConfigurationUpdatedTimestamp", json!(a.alarm_configuration_updated_timestamp().and_then(instant))),
        ("ActionsEnabled", json!(a.actions_enabled)),
        ("OKActions", json!(a.ok_actions)),
        ("AlarmActions", json!(a.alarm_actions)),
        ("InsufficientDataActions", json!(a.insufficient_data_actions)),
        ("ActionConfiguration", json!(a.action_configuration().map(action_configuration))),
        ("StateValue", json!(a.state_value().map(|state| state.as_str()))),
        ("StateReason", json!(a.state_reason)),
        ("StateReasonData", json!(a.state_reason_data)),
        ("StateUpdatedTimestamp", json!(a.state_updated_timestamp().and_then(instant))),
        ("StateTransitionedTimestamp", json!(a.state_transitioned_timestamp().and_then(instant))),
        ("ActionsSuppressor", json!(a.actions_suppressor)),
        ("ActionsSuppressorWaitPeriod", json!(a.actions_suppressor_wait_period)),
        ("ActionsSuppressorExtensionPeriod", json!(a.actions_suppressor_extension_period)),
        ("ActionsSuppressedBy", json!(a.actions_suppressed_by().map(|by| by.as_str()))),
        ("ActionsSuppressedReason", json!(a.actions_suppressed_reason)),
    ])
}

/// Queries, as `GetMetricData` takes them and alarms on expressions have them.
pub(crate) fn queries_json(queries: &[MetricDataQuery]) -> Value {
    let query = |query: &MetricDataQuery| {
        object([
            ("Id", json!(query.id)),
            ("MetricStat", query.metric_stat().map_or(Value::Null, metric_stat)),
            ("Expression", json!(query.expression)),
            ("Label", json!(query.label)),
            ("ReturnData", json!(query.return_data)),
            ("Period", json!(query.period)),
            ("AccountId", json!(query.account_id)),
        ])
    };
    queries.iter().map(query).collect()
}

fn metric_stat(stat: &MetricStat) -> Value {
    let metric = stat.metric().map(|metric| {
        object([
            ("Namespace", json!(metric.namespace)),
            ("MetricName", json!(metric.metric_name)),
            ("Dimensions", metric.dimensions.as_deref().map_or(Value::Null, dimensions)),
        ])
    });
    object([
        ("Metric", json!(metric)),
        ("Period", json!(stat.period)),
        ("Stat", json!(stat.stat)),
        ("Unit", json!(stat.unit().map(|unit| unit.as_str()))),
    ])
}

fn dimensions(all: &[Dimension]) -> Value {
    all.iter().map(|one| object([("Name", json!(one.name)), ("Value", json!(one.value))])).collect()
}

fn action_configuration(configuration: &ActionConfiguration) -> Value {
    let tags = configuration.alarm_tags_propagation().map(|tags| {
        object([
            ("Enabled", json!(tags.enabled)),
            ("IncludedTagKeys", json!(tags.included_tag_keys)),
            ("ExcludedTagKeys", json!(tags.excluded_tag_keys)),
        ])
    });
    object([("AlarmTagsPropagation", json!(tags))])
}

fn evaluation_window(window: &EvaluationWindow) -> Value {
    match window {
        EvaluationWindow::SlidingWindow(_) => json!({"SlidingWindow": {}}),
        EvaluationWindow::WallClockWindow(window) => {
            json!({"WallClockWindow": object([("Timezone", json!(window.timezone))])})
        }
        _ => json!("not known to this version"),
    }
}

fn evaluation_criteria(criteria: &EvaluationCriteria) -> Value {
    match criteria {
        EvaluationCriteria::PromQlCriteria(criteria) => {
            let fields = object([
                ("Query", json!(criteria.query)),
                ("PendingPeriod", json!(criteria.pending_period)),
                ("RecoveryPeriod", json!(criteria.recovery_period)),
            ]);
            json!({"PromQLCriteria": fields})
        }
        _ => json!("not known to this version"),
    }
}

fn warm_up(configuration: &WarmUpConfiguration) -> Value {
    object([
        ("WarmUpPeriodDurationInMinutes", json!(configuration.warm_up_period_duration_in_minutes)),
        (
            "OnlyStartEvaluatingAfterWarmUpPeriodEnds",
            json!(configuration.only_start_evaluating_after_warm_up_period_ends),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::primitives::DateTime;
    use aws_sdk_cloudwatch::types::{ComparisonOperator, Metric, StandardUnit, StateValue, Statistic};

    use super::*;

    #[test]
    fn a_definition_reads_as_the_api_writes_it() {
        let alarm = MetricAlarm::builder()
            .alarm_name("checkout: errors")
            .state_value(StateValue::Alarm)
            .state_updated_timestamp(DateTime::from_secs_and_nanos(1_795_442_531, 500_000_000))
            .alarm_actions("arn:aws:sns:eu-west-1:111122223333:signals")
            .metric_name("Errors")
            .namespace("Shop")
            .dimensions(Dimension::builder().name("Service").value("checkout").build())
            .statistic(Statistic::Sum)
            .unit(StandardUnit::Count)
            .period(60)
            .threshold(5.0)
            .comparison_operator(ComparisonOperator::GreaterThanThreshold)
            .build();
        let expected = json!({
            "AlarmName": "checkout: errors",
            "StateValue": "ALARM",
            "StateUpdatedTimestamp": "2026-11-23T14:02:11.5Z",
            "AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:signals"],
            "MetricName": "Errors",
            "Namespace": "Shop",
            "Dimensions": [{"Name": "Service", "Value": "checkout"}],
            "Statistic": "Sum",
            "Unit": "Count",
            "Period": 60,
            "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold",
        });
        assert_eq!(metric_alarm(&alarm), expected);
        let composite = CompositeAlarm::builder().alarm_name("shop").alarm_rule("ALARM(a) AND ALARM(b)").build();
        assert_eq!(composite_alarm(&composite), json!({"AlarmName": "shop", "AlarmRule": "ALARM(a) AND ALARM(b)"}));
    }

    #[test]
    fn an_expression_keeps_all_of_its_queries() {
        let metric = Metric::builder().namespace("Shop").metric_name("Errors").build();
        let stat = MetricStat::builder().metric(metric).period(60).stat("p99").build();
        let queries = [
            MetricDataQuery::builder().id("e1").expression("m1 / 2").label("half").return_data(true).build(),
            MetricDataQuery::builder().id("m1").metric_stat(stat).return_data(false).build(),
        ];
        let expected = json!([
            {"Id": "e1", "Expression": "m1 / 2", "Label": "half", "ReturnData": true},
            {
                "Id": "m1",
                "MetricStat": {"Metric": {"Namespace": "Shop", "MetricName": "Errors"}, "Period": 60, "Stat": "p99"},
                "ReturnData": false,
            },
        ]);
        assert_eq!(queries_json(&queries), expected);
        assert_eq!(
            metric_alarm(&MetricAlarm::builder().set_metrics(Some(queries.to_vec())).build())["Metrics"],
            expected
        );
    }
}
