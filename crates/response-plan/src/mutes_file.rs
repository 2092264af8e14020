//! `mutes.yaml`: what is muted again and again.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::convert::{check_pattern, name, some_text, word};
use crate::error::{Report, nearest};
use crate::mutes::{Day, RecurringMute, Window};
use crate::node::Node;
use crate::plan::ResponsePlan;
use crate::wire::Word;

/// The days, as they are written.
pub(crate) const DAYS: [(&str, Day); 7] = [
    ("mon", Day::Mon),
    ("tue", Day::Tue),
    ("wed", Day::Wed),
    ("thu", Day::Thu),
    ("fri", Day::Fri),
    ("sat", Day::Sat),
    ("sun", Day::Sun),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MutesWire {
    mutes: Vec<Spanned<MuteWire>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MuteWire {
    name: Word,
    #[serde(rename = "match")]
    pattern: Option<Spanned<Node>>,
    plan: Option<Word>,
    service: Option<Word>,
    environment: Option<Word>,
    every: EveryWire,
    reason: Word,
    until: Option<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EveryWire {
    #[serde(default)]
    days: Vec<Word>,
    from: Word,
    to: Word,
    time_zone: Word,
}

/// `None` when something in it was reported. Without `plans` (one of them is wrong) what they are for is not looked up.
pub(crate) fn mutes(
    report: &mut Report<'_>,
    wire: &MutesWire,
    plans: Option<&[&ResponsePlan]>,
) -> Option<Vec<RecurringMute>> {
    let before = report.errors.len();
    let mut names = BTreeSet::new();
    let mut read = Vec::new();
    for written in &wire.mutes {
        let wire = &written.value;
        if !names.insert(wire.name.value.as_str()) {
            let message = format!("`{}` is also the name of a mute above", wire.name.value);
            report.add(wire.name.referenced, message, "give each mute its own name");
        }
        read.extend(mute(report, written, plans));
    }
    read.sort_by(|a, b| a.name.cmp(&b.name));
    (report.errors.len() == before).then_some(read)
}

fn mute(
    report: &mut Report<'_>,
    written: &Spanned<MuteWire>,
    plans: Option<&[&ResponsePlan]>,
) -> Option<RecurringMute> {
    let wire = &written.value;
    let name = name(report, &wire.name);
    if let Some(pattern) = &wire.pattern {
        check_pattern(report, pattern);
    }
    if [&wire.plan, &wire.service, &wire.environment].iter().all(|said| said.is_none()) && wire.pattern.is_none() {
        let remedy = "write at least one of `match`, `plan`, `service` and `environment`";
        report.add(wire.name.referenced, "nothing says what is muted", remedy);
    }
    let of = |report: &mut Report<'_>, field: &str, said: &Option<Word>, of: fn(&ResponsePlan) -> &str| {
        let said = said.as_ref()?;
        known(report, field, said, plans.map(|plans| plans.iter().map(|plan| of(plan)).collect()));
        Some(said.value.clone())
    };
    let plan = of(report, "plan", &wire.plan, |plan| &plan.plan);
    let service = of(report, "service", &wire.service, |plan| &plan.service);
    let environment = of(report, "environment", &wire.environment, |plan| &plan.environment);
    let reason = some_text(report, &wire.reason, "reason");
    let pattern = wire.pattern.as_ref().map(|pattern| pattern.value.to_value());
    Some(RecurringMute { name, pattern, plan, service, environment, every: window(report, wire)?, reason })
}

/// A typo would mute nothing, and nobody would know.
fn known(report: &mut Report<'_>, field: &str, said: &Word, plans: Option<BTreeSet<&str>>) {
    let Some(plans) = plans.filter(|plans| !plans.contains(said.value.as_str())) else { return };
    let near = nearest(&said.value, plans.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    let remedy = near.unwrap_or_else(|| "write one that a plan beside this file has".to_owned());
    report.add(said.referenced, format!("no plan has the {field} `{}`", said.value), remedy);
}

fn window(report: &mut Report<'_>, wire: &MuteWire) -> Option<Window> {
    let every = &wire.every;
    let days: Option<Vec<Day>> = every.days.iter().map(|day| word(report, "days", day, &DAYS, &[])).collect();
    let (from, to) = (time(report, &every.from), time(report, &every.to));
    let time_zone = zone(report, &every.time_zone);
    let until = wire.until.as_ref().map(|until| date(report, until));
    let (days, from, to) = (days?, from?, to?);
    let all = days.is_empty() || DAYS.iter().all(|(_, day)| days.contains(day));
    if from == to && all && until.is_none() {
        let remedy = "name the days, or write what such a plan means: a plan with a lower severity, say";
        report.add(every.to.referenced, "this is muted for ever", remedy);
    }
    Some(Window { days, from, to, time_zone: time_zone?, until: until.flatten() })
}

fn time(report: &mut Report<'_>, written: &Word) -> Option<Time> {
    let text = written.value.as_str();
    let well_formed =
        text.len() == 5 && text.bytes().enumerate().all(|(n, b)| if n == 2 { b == b':' } else { b.is_ascii_digit() });
    let read = well_formed.then(|| text.parse().ok()).flatten();
    if read.is_none() {
        report.add(
            written.referenced,
            format!("`{text}` is no time of day"),
            "write it in quotation marks: `\"02:00\"`",
        );
    }
    read
}

fn date(report: &mut Report<'_>, written: &Word) -> Option<Date> {
    let text = written.value.as_str();
    let read = Some(text).filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
    if read.is_none() {
        let remedy = "write the last day on which it is muted: `until: 2027-03-31`";
        report.add(written.referenced, format!("`{text}` is no day"), remedy);
    }
    read
}

fn zone(report: &mut Report<'_>, written: &Word) -> Option<String> {
    let known = TimeZone::get(&written.value).is_ok();
    if !known {
        let message = format!("`{}` is no time zone", written.value);
        report.add(written.referenced, message, "write its IANA name: `time_zone: Europe/Berlin`");
    }
    known.then(|| written.value.clone())
}

#[cfg(test)]
#[path = "mutes_file_test.rs"]
mod tests;
