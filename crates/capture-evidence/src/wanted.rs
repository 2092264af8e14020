//! What a pass wants: the window, and what to collect in it. Values in, values out.

use std::collections::BTreeSet;

use evidence_bundle::{Pass, Window};
use incident::Incident;
use jiff::{SignedDuration, Timestamp};
use response_plan::{Metric, Span};

/// The complete pass goes on so long after the recovery.
const AFTER: SignedDuration = SignedDuration::from_mins(5);

/// One pass, as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The time to look at.
    pub(crate) window: Window,
    /// What to look at; each fails alone.
    pub(crate) collections: Vec<Collection>,
}

/// One thing to collect: one file, or a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Collection {
    /// What the opening alarm is.
    AlarmDefinition(Alarm),
    /// What became of it.
    AlarmHistory(Alarm),
    /// What it watches; its data also show when the trouble began.
    AlarmMetric(Alarm),
    /// What the plan takes for a sign of life.
    PlanMetric {
        /// Which metric.
        metric: Metric,
        /// The length of one datapoint.
        period: Span,
    },
    /// What a log group has, by its name.
    LogGroup(String),
    /// Who changed what: these resources, by name, and everything else in the account.
    Changes(Vec<String>),
}

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

impl Collection {
    /// The collector, a folder of the bag and a word in its custody.
    pub(crate) fn collector(&self) -> &'static str {
        match self {
            Self::AlarmDefinition(_) | Self::AlarmHistory(_) => "alarm",
            Self::AlarmMetric(_) | Self::PlanMetric { .. } => "metrics",
            Self::LogGroup(_) => "logs",
            Self::Changes(_) => "changes",
        }
    }

    /// What it is, for people.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::AlarmDefinition(alarm) => format!("definition of alarm {}", alarm.name),
            Self::AlarmHistory(alarm) => format!("history of alarm {}", alarm.name),
            Self::AlarmMetric(alarm) => format!("metric of alarm {}", alarm.name),
            Self::PlanMetric { metric, .. } => format!("metric {}/{}", metric.namespace, metric.name),
            Self::LogGroup(group) => format!("log group {group}"),
            Self::Changes(_) => "changes, from CloudTrail".to_owned(),
        }
    }
}

/// What a pass over the incident wants, as of `now`.
pub(crate) fn wanted(incident: &Incident, pass: Pass, now: Timestamp) -> Wanted {
    Wanted { window: window(incident, pass, now), collections: collections(incident) }
}

/// From before the trouble began to now, or to a little after the recovery. It is never empty, also where the clocks of
/// the source and of this machine disagree.
fn window(incident: &Incident, pass: Pass, now: Timestamp) -> Window {
    let began = incident.onset.unwrap_or(incident.opened.signal.time);
    let recovered = incident.resolved_at.or(incident.clear_since);
    let to = match recovered {
        Some(recovered) if pass > Pass::Warm => now.min(recovered + AFTER),
        _ => now,
    };
    let from = began - incident.plan().evidence.before.signed();
    Window { from: from.min(to - SignedDuration::from_secs(1)), to }
}

fn collections(incident: &Incident) -> Vec<Collection> {
    let mut all = Vec::new();
    if let Some(alarm) = opening_alarm(incident) {
        all.push(Collection::AlarmDefinition(alarm.clone()));
        all.push(Collection::AlarmHistory(alarm.clone()));
        all.push(Collection::AlarmMetric(alarm));
    }
    for healthy in incident.plan().mitigations.iter().filter_map(|mitigation| mitigation.healthy_when.as_ref()) {
        let metric = Collection::PlanMetric { metric: healthy.metric.clone(), period: healthy.period };
        // Two mitigations may look at the same sign of life.
        if !all.contains(&metric) {
            all.push(metric);
        }
    }
    let groups: BTreeSet<&String> = incident.plan().evidence.log_groups.iter().collect();
    all.extend(groups.into_iter().cloned().map(Collection::LogGroup));
    // CloudTrail's name of a function is its own; other kinds change what it has under ids, and are found by time.
    let changed = incident.plan().mitigations.iter().filter_map(|mitigation| mitigation.with.get("function"));
    let changed: BTreeSet<&String> = changed.collect();
    all.push(Collection::Changes(changed.into_iter().cloned().collect()));
    all
}

/// The alarm that opened the incident, where it was one. A drill has its word in front of the fingerprint.
fn opening_alarm(incident: &Incident) -> Option<Alarm> {
    let signal = &incident.opened.signal;
    signal.resources.iter().chain([&signal.fingerprint]).find_map(|text| {
        let arn = text.strip_prefix("drill:").unwrap_or(text);
        let parts: Vec<&str> = arn.splitn(7, ':').collect();
        let ["arn", _, "cloudwatch", region, account, "alarm", name] = parts[..] else { return None };
        let [region, account, name] = [region, account, name].map(str::to_owned);
        Some(Alarm { arn: arn.to_owned(), region, account, name })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, incident};

    #[test]
    fn the_window_goes_from_before_the_onset_to_now_or_just_after_the_recovery() {
        #[track_caller]
        fn check(pass: Pass, [onset, clear, resolved]: [&str; 3], now: &str, [from, to]: [&str; 2]) {
            let time = |text: &str| (!text.is_empty()).then(|| at(text));
            let mut incident = incident();
            (incident.onset, incident.clear_since, incident.resolved_at) = (time(onset), time(clear), time(resolved));
            assert_eq!(window(&incident, pass, at(now)), Window { from: at(from), to: at(to) });
        }
        // The plan keeps 30 minutes before; the signal is of 14:02:11.
        check(Pass::Warm, ["14:01:00", "", ""], "14:02:20", ["13:31:00", "14:02:20"]);
        check(Pass::Warm, ["", "", ""], "14:02:20", ["13:32:11", "14:02:20"]);
        check(Pass::Warm, ["14:01:00", "14:05:00", ""], "14:30:00", ["13:31:00", "14:30:00"]);
        check(Pass::Complete, ["14:01:00", "14:05:00", "14:10:00"], "14:30:00", ["13:31:00", "14:15:00"]);
        check(Pass::Complete, ["14:01:00", "14:05:00", ""], "14:30:00", ["13:31:00", "14:10:00"]);
        check(Pass::Complete, ["14:01:00", "14:05:00", "14:10:00"], "14:10:01", ["13:31:00", "14:10:01"]);
        check(Pass::Complete, ["14:01:00", "", ""], "14:10:01", ["13:31:00", "14:10:01"]);
        // This machine's clock is an hour behind the source's.
        check(Pass::Warm, ["14:01:00", "", ""], "13:02:20", ["13:02:19", "13:02:20"]);
    }

    #[test]
    fn everything_that_the_plan_names_is_wanted_once() {
        let whats: Vec<(&str, String)> = wanted(&incident(), Pass::Warm, at("14:02:20"))
            .collections
            .iter()
            .map(|collection| (collection.collector(), collection.what()))
            .collect();
        let expected = [
            ("alarm", "definition of alarm checkout: errors"),
            ("alarm", "history of alarm checkout: errors"),
            ("metrics", "metric of alarm checkout: errors"),
            ("metrics", "metric Shop/Orders"),
            ("logs", "log group /aws/lambda/checkout"),
            ("logs", "log group /shop/web"),
            ("changes", "changes, from CloudTrail"),
        ];
        assert_eq!(whats, expected.map(|(collector, what)| (collector, what.to_owned())));
    }

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
