//! When what the alarm reports really began, from its `reasonData`.

use jiff::Timestamp;
use serde_json::Value;

use crate::text;
use crate::time::instant;

/// The earliest datapoint that breached; for a composite alarm, when the first of its alarms began to fire.
pub(super) fn of(reason_data: &Value) -> Option<Timestamp> {
    of_datapoints(reason_data).or_else(|| of_children(reason_data))
}

/// `recentDatapoints` are the values that decided the transition and `startDate` is the time of the earliest of them.
/// `evaluatedDatapoints` has a time for each value but may be cut short: it counts only when it explains all of them.
fn of_datapoints(data: &Value) -> Option<Timestamp> {
    let breaching = data.get("recentDatapoints")?.as_array().filter(|values| !values.is_empty())?;
    let evaluated = data.get("evaluatedDatapoints").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let values: Vec<String> = sorted(breaching.iter().map(Value::to_string));
    let breached =
        |point: &&Value| point.get("value").is_some_and(|value| values.binary_search(&value.to_string()).is_ok());
    let times: Vec<Timestamp> =
        evaluated.iter().filter(breached).filter_map(|point| instant(text(point, "/timestamp")?)).collect();
    let earliest = times.iter().min().copied().filter(|_| times.len() >= breaching.len());
    earliest.or_else(|| instant(text(data, "/startDate")?))
}

fn of_children(data: &Value) -> Option<Timestamp> {
    let children = data.get("triggeringAlarms")?.as_array()?;
    let firing = children.iter().filter(|child| text(child, "/state/value") == Some("ALARM"));
    firing.filter_map(|child| instant(text(child, "/state/timestamp")?)).min()
}

fn sorted(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut values: Vec<String> = values.collect();
    values.sort_unstable();
    values
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_earliest_breaching_datapoint() {
        #[track_caller]
        fn check(data: Value, expect: Option<&str>) {
            assert_eq!(of(&data), expect.map(|time| time.parse().unwrap()));
        }
        let point = |time: &str, value: f64| json!({"timestamp": time, "value": value});
        let (early, late, start) =
            ("2026-03-01T10:02:00.000+0000", "2026-03-01T10:04:00.000+0000", "2026-03-01T10:01:00.000+0000");
        // A healthy datapoint at the head of the window is no onset.
        check(
            json!({"startDate": start, "recentDatapoints": [9.0, 14.0], "evaluatedDatapoints": [point(late, 14.0), point(early, 9.0), point(start, 1.0)]}),
            Some("2026-03-01T10:02:00Z"),
        );
        // Cut short: the start of the window is what is left.
        check(
            json!({"startDate": start, "recentDatapoints": [9.0, 14.0], "evaluatedDatapoints": [point(late, 14.0)]}),
            Some("2026-03-01T10:01:00Z"),
        );
        check(json!({"startDate": start, "recentDatapoints": [9.0]}), Some("2026-03-01T10:01:00Z"));
        check(json!({"startDate": start, "recentDatapoints": []}), None);
        check(json!({"startDate": 7, "recentDatapoints": [9.0], "evaluatedDatapoints": "none"}), None);
        check(json!({"triggeringAlarms": []}), None);
        check(json!("text"), None);
        check(Value::Null, None);
    }

    #[test]
    fn the_first_of_the_alarms_that_trigger_a_composite_one() {
        let child = |value: &str, time: &str| json!({"arn": "a", "state": {"value": value, "timestamp": time}});
        let data = json!({"triggeringAlarms": [
            child("ALARM", "2026-03-01T10:04:00.000+0000"),
            child("OK", "2026-03-01T09:00:00.000+0000"),
            child("ALARM", "2026-03-01T10:02:00.000+0000"),
        ]});
        assert_eq!(of(&data), Some("2026-03-01T10:02:00Z".parse().unwrap()));
    }
}
