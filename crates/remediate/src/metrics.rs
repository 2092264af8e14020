//! Proof of life: a metric that only a living service moves, at or above its floor after the change.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use jiff::Timestamp;
use response_plan::HealthyWhen;
use step::{StepError, sdk_error};

use crate::alarm::instant;

/// Sums of a metric by the second at which their period begins; a period without a datapoint is absent.
pub(crate) type Sums = BTreeMap<i64, f64>;

/// What the metric says about the time after the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The plan names no metric: there is no proof to be had.
    NotAsked,
    /// Enough datapoints are at or above the floor.
    Proven,
    /// Not enough, so far.
    NotYet,
    /// They are below the floor now, and were not before the change.
    Worse,
}

/// A datapoint may be this late; a newest one that is older than that says that none come any more.
const LATE_S: i64 = 180;

/// Reads the sums that [`judge`] needs: as many periods before the change as are asked for after it, up to now.
///
/// # Errors
/// `Transient` or `Stuck` where the metric cannot be read.
pub(crate) async fn read(
    config: &SdkConfig,
    wanted: &HealthyWhen,
    applied_at: Timestamp,
    now: Timestamp,
) -> Result<Sums, StepError> {
    let failed = || format!("the metric {} {} could not be read", wanted.metric.namespace, wanted.metric.name);
    let period = period(wanted);
    let begin = (applied_at.as_second().div_euclid(period) - i64::from(count(wanted))) * period;
    let request = Client::new(config)
        .get_metric_data()
        .start_time(DateTime::from_secs(begin))
        .end_time(DateTime::from_secs(now.as_second()))
        .scan_by(ScanBy::TimestampAscending)
        .metric_data_queries(query(wanted));
    let mut pages = request.into_paginator().send();
    let mut sums = Sums::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|e| sdk_error(failed(), e))?;
        for series in page.metric_data_results() {
            let points = series.timestamps().iter().zip(series.values());
            sums.extend(points.filter_map(|(at, value)| Some((instant(at)?.as_second(), *value))));
        }
    }
    Ok(sums)
}

/// What the sums say. Only complete periods count, and of those after the change the newest ones in a row; the very newest
/// may still be filling up, and is then left out.
pub(crate) fn judge(sums: &Sums, wanted: &HealthyWhen, applied_at: Timestamp, now: Timestamp) -> Proof {
    let period = period(wanted);
    let last_before = applied_at.as_second().div_euclid(period) * period;
    let aligned = applied_at.as_second() == last_before && applied_at.subsec_nanosecond() == 0;
    let first_after = if aligned { last_before } else { last_before + period };
    let after: Vec<_> = sums.range(first_after..).filter(|(at, _)| *at + period <= now.as_second()).collect();
    let before: Vec<_> = sums.range(..last_before).collect();
    let row = Row { period, count: count(wanted) as usize };
    let healthy = |sum: f64| sum >= wanted.at_least;
    let filled = &after[..after.len().saturating_sub(1)];
    if row.ends(&after, now.as_second(), healthy) || row.ends(filled, now.as_second(), healthy) {
        Proof::Proven
    } else if row.ends(&before, last_before, healthy) && row.ends(&after, now.as_second(), |sum| sum < wanted.at_least)
    {
        Proof::Worse
    } else {
        Proof::NotYet
    }
}

/// So many periods without a hole between.
struct Row {
    period: i64,
    count: usize,
}

impl Row {
    /// Whether the points end with such a row, not too long before `end`, and all of it holds.
    fn ends(&self, points: &[(&i64, &f64)], end: i64, holds: impl Fn(f64) -> bool) -> bool {
        let Some(begin) = points.len().checked_sub(self.count) else { return false };
        let row = &points[begin..];
        let fresh = row.last().is_some_and(|(at, _)| end - (*at + self.period) <= LATE_S.max(self.period));
        let unbroken = row.windows(2).all(|pair| pair[1].0 - pair[0].0 == self.period);
        fresh && unbroken && row.iter().all(|(_, sum)| holds(**sum))
    }
}

fn period(wanted: &HealthyWhen) -> i64 {
    i64::try_from(wanted.period.as_secs()).unwrap_or(i64::MAX).max(1)
}

/// No datapoints at all would prove nothing.
fn count(wanted: &HealthyWhen) -> u32 {
    wanted.datapoints.max(1)
}

fn query(wanted: &HealthyWhen) -> MetricDataQuery {
    let dimensions = wanted.metric.dimensions.iter().map(|(k, v)| Dimension::builder().name(k).value(v).build());
    let metric = Metric::builder()
        .namespace(&wanted.metric.namespace)
        .metric_name(&wanted.metric.name)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let period = i32::try_from(period(wanted)).unwrap_or(i32::MAX);
    let sum = MetricStat::builder().metric(metric).period(period).stat("Sum").build();
    MetricDataQuery::builder().id("alive").metric_stat(sum).build()
}

#[cfg(test)]
mod tests {
    use response_plan::Span;

    use super::*;
    use crate::testing::at;

    /// Orders per period of 10 s, from the given second after the tests' present; `None` is a hole. The change is made at
    /// 3 s, so the first period after it begins at 10 s.
    #[track_caller]
    fn check(before: &[Option<f64>], after: &[Option<f64>], now: i64, expect: Proof) {
        let metric =
            response_plan::Metric { namespace: "Checkout".into(), name: "Orders".into(), dimensions: BTreeMap::new() };
        let wanted = HealthyWhen { metric, at_least: 10.0, datapoints: 3, period: Span::seconds(10) };
        let begin = at(0).as_second();
        let mut sums = Sums::new();
        for (i, sum) in (0..).zip(before.iter().rev()) {
            sums.extend(sum.map(|sum| (begin - 10 * (i + 1), sum)));
        }
        for (i, sum) in (0..).zip(after) {
            sums.extend(sum.map(|sum| (begin + 10 * (i + 1), sum)));
        }
        assert_eq!(judge(&sums, &wanted, at(3), at(now)), expect, "{before:?} {after:?} at {now}");
    }

    const GOOD: Option<f64> = Some(10.0);
    const BAD: Option<f64> = Some(9.0);

    #[test]
    fn enough_periods_in_a_row_after_the_change_are_proof() {
        check(&[], &[GOOD, GOOD, GOOD], 40, Proof::Proven);
        check(&[], &[BAD, GOOD, GOOD, GOOD], 50, Proof::Proven);
        // The newest period still fills up, or has not come yet.
        check(&[], &[GOOD, GOOD, GOOD, BAD], 50, Proof::Proven);
        check(&[], &[GOOD, GOOD, GOOD, None], 55, Proof::Proven);
    }

    #[test]
    fn anything_less_is_none_yet() {
        check(&[], &[], 40, Proof::NotYet);
        check(&[], &[GOOD, GOOD], 40, Proof::NotYet);
        check(&[], &[GOOD, GOOD, GOOD], 39, Proof::NotYet);
        check(&[], &[GOOD, None, GOOD, GOOD], 50, Proof::NotYet);
        check(&[], &[GOOD, GOOD, BAD], 40, Proof::NotYet);
        check(&[], &[GOOD, GOOD, GOOD, BAD, BAD], 60, Proof::NotYet);
        check(&[], &[Some(f64::NAN), GOOD, GOOD], 40, Proof::NotYet);
    }

    #[test]
    fn what_was_before_the_change_proves_nothing() {
        check(&[GOOD, GOOD, GOOD], &[], 40, Proof::NotYet);
        check(&[GOOD, GOOD], &[GOOD], 20, Proof::NotYet);
    }

    #[test]
    fn datapoints_that_stopped_long_ago_prove_nothing() {
        check(&[], &[GOOD, GOOD, GOOD], 40 + LATE_S, Proof::Proven);
        check(&[], &[GOOD, GOOD, GOOD], 41 + LATE_S, Proof::NotYet);
    }

    #[test]
    fn worse_is_below_the_floor_now_and_not_before() {
        check(&[GOOD, GOOD, GOOD], &[BAD, BAD, BAD], 40, Proof::Worse);
        check(&[BAD, GOOD, GOOD], &[BAD, BAD, BAD], 40, Proof::NotYet);
        check(&[], &[BAD, BAD, BAD], 40, Proof::NotYet);
        // Missing data is no news, good or bad.
        check(&[GOOD, GOOD, GOOD], &[], 40, Proof::NotYet);
        check(&[GOOD, GOOD, GOOD], &[BAD, BAD, GOOD], 40, Proof::NotYet);
    }
}
