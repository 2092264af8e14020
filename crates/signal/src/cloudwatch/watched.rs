//! What an alarm watches, as far as its metrics name it by what is in an ARN.
//!
//! Service level objectives and Route 53 health checks speak through alarms alone: their ARNs are how plans and owners find
//! them.

use serde_json::Value;

use super::Alarm;
use crate::arn::Arn;
use crate::text;

/// ARNs of the alarms below a composite one, of service level objectives, and of health checks.
pub(super) fn by(alarm: &Alarm, detail: &Value, reason_data: &Value) -> Vec<String> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let metrics = list(detail.pointer("/configuration/metrics"));
    let metrics = metrics.iter().filter_map(|metric| {
        let metric = metric.pointer("/metricStat/metric")?;
        match text(metric, "/namespace")? {
            "AWS/ApplicationSignals" => {
                let slo = format!("slo/{}", text(metric, "/dimensions/SloName")?);
                Some(Arn::regional("application-signals", &alarm.region, &alarm.account, &slo)?.to_string())
            }
            "AWS/Route53" => {
                let arn = format!(
                    "arn:{}:route53:::healthcheck/{}",
                    alarm.partition,
                    text(metric, "/dimensions/HealthCheckId")?
                );
                Some(Arn::parse(&arn)?.to_string())
            }
            _ => None,
        }
    });
    let children = list(reason_data.get("triggeringAlarms"));
    let children = children.iter().filter_map(|child| Some(Alarm::parse(text(child, "/arn")?)?.arn()));
    children.chain(metrics).collect()
}
