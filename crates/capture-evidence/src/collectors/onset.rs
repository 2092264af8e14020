//! When the trouble began, where the signal did not say: the metric of the alarm shows it. Values in, values out.

use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm};
use jiff::{SignedDuration, Timestamp};

/// A plain alarm's rule: one metric against one number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    threshold: f64,
    operator: ComparisonOperator,
    period: SignedDuration,
    /// How many datapoints it looks at; with M of N, the last of them need not breach.
    periods: i32,
    /// Whether a datapoint that is not there counts as a breaching one.
    missing_breaches: bool,
}

impl Rule {
    /// The alarm's rule, if it is plain. A band, an expression or a query has no onset that datapoints alone show.
    pub(crate) fn of(alarm: &MetricAlarm) -> Option<Self> {
        alarm.metric_name()?;
        Some(Self {
            threshold: alarm.threshold()?,
            operator: alarm.comparison_operator()?.clone(),
            period: SignedDuration::from_secs(alarm.period()?.into()),
            periods: alarm.evaluation_periods().unwrap_or(1).max(1),
            missing_breaches: alarm.treat_missing_data() == Some("breaching"),
        })
    }

    fn breaches(&self, value: f64) -> bool {
        match self.operator {
            ComparisonOperator::GreaterThanOrEqualToThreshold => value >= self.threshold,
            ComparisonOperator::GreaterThanThreshold => value > self.threshold,
            ComparisonOperator::LessThanThreshold => value < self.threshold,
            ComparisonOperator::LessThanOrEqualToThreshold => value <= self.threshold,
            _ => false,
        }
    }
}

/// The beginning of the run of breaching datapoints that leads to the alarm's transition at `fired`. A datapoint's time
/// is the beginning of its period. A datapoint that is missing ends the run, unless the alarm counts it as breaching.
///
/// `None` where no datapoint that the alarm looked at breaches.
pub(crate) fn onset(rule: &Rule, datapoints: &[(Timestamp, f64)], fired: Timestamp) -> Option<Timestamp> {
    // The alarm looked at whole periods, and its data may have arrived one period late.
    let looked_at = fired - rule.period * (rule.periods + 1);
    let mut points: Vec<(Timestamp, f64)> = datapoints.iter().copied().filter(|(at, _)| *at <= fired).collect();
    points.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut points = points.into_iter().skip_while(|(at, value)| !rule.breaches(*value) && *at >= looked_at);
    let (mut began, last) = points.next()?;
    if !rule.breaches(last) || began < looked_at {
        return None;
    }
    for (at, value) in points {
        let next_to_it = began.duration_since(at) <= rule.period;
        if !rule.breaches(value) || !(next_to_it || rule.missing_breaches) {
            break;
        }
        began = at;
    }
    Some(began)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::at;

    /// Three periods of a minute, above 5; `points` are minutes after 14:00 and their values.
    #[track_caller]
    fn check(change: impl Fn(&mut Rule), points: &[(i64, f64)], expected: Option<i64>) {
        let mut rule = Rule {
            threshold: 5.0,
            operator: ComparisonOperator::GreaterThanThreshold,
            period: SignedDuration::from_mins(1),
            periods: 3,
            missing_breaches: false,
        };
        change(&mut rule);
        let minute = |minute: i64| at("14:00:00") + SignedDuration::from_mins(minute);
        let points: Vec<_> = points.iter().map(|(m, value)| (minute(*m), *value)).collect();
        let found = onset(&rule, &points, at("14:10:20"));
        assert_eq!(found, expected.map(minute));
        let mut turned = points;
        turned.reverse();
        assert_eq!(onset(&rule, &turned, at("14:10:20")), found, "the order of datapoints must not matter");
    }

    #[test]
    fn the_run_that_leads_to_the_transition_begins_the_trouble() {
        let plain = |_: &mut Rule| ();
        check(plain, &[(6, 0.0), (7, 9.0), (8, 9.0), (9, 9.0)], Some(7));
        check(plain, &[(2, 9.0), (6, 0.0), (8, 9.0), (9, 9.0)], Some(8));
        check(plain, &[(7, 9.0), (8, 5.0), (9, 9.0)], Some(9));
        check(plain, &[(8, 9.0), (9, 9.0), (11, 0.0)], Some(8));
        check(plain, &[(8, 9.0), (9, 9.0), (10, 0.0)], Some(8));
        check(plain, &[(3, 9.0), (4, 9.0), (5, 0.0), (9, 0.0)], None);
        check(plain, &[(1, 9.0), (2, 9.0)], None);
        check(plain, &[(12, 9.0)], None);
        check(plain, &[], None);
    }

    #[test]
    fn a_missing_datapoint_ends_the_run_unless_it_counts_as_breaching() {
        let points = [(5, 9.0), (6, 9.0), (8, 9.0), (9, 9.0)];
        check(|_| (), &points, Some(8));
        check(|rule| rule.missing_breaches = true, &points, Some(5));
        check(|rule| rule.period = SignedDuration::from_mins(2), &[(4, 9.0), (6, 9.0), (8, 9.0)], Some(4));
    }

    #[test]
    fn each_comparison_has_its_side() {
        let rule = |operator: ComparisonOperator| move |rule: &mut Rule| rule.operator = operator.clone();
        check(rule(ComparisonOperator::GreaterThanOrEqualToThreshold), &[(8, 4.9), (9, 5.0)], Some(9));
        check(rule(ComparisonOperator::GreaterThanThreshold), &[(8, 4.9), (9, 5.0)], None);
        check(rule(ComparisonOperator::LessThanThreshold), &[(8, 5.0), (9, 4.0)], Some(9));
        check(rule(ComparisonOperator::LessThanOrEqualToThreshold), &[(8, 5.0), (9, 4.0)], Some(8));
        check(rule(ComparisonOperator::LessThanLowerThreshold), &[(8, 5.0), (9, 4.0)], None);
    }

    #[test]
    fn only_a_plain_alarm_has_a_rule() {
        let plain = MetricAlarm::builder()
            .metric_name("Errors")
            .period(60)
            .evaluation_periods(3)
            .threshold(5.0)
            .comparison_operator(ComparisonOperator::GreaterThanThreshold);
        let rule = Rule::of(&plain.clone().build()).unwrap();
        assert_eq!((rule.period.as_secs(), rule.periods, rule.missing_breaches), (60, 3, false));
        assert!(Rule::of(&plain.clone().treat_missing_data("breaching").build()).unwrap().missing_breaches);
        assert_eq!(Rule::of(&plain.clone().set_metric_name(None).build()), None);
        assert_eq!(Rule::of(&plain.set_threshold(None).build()), None);
    }
}
