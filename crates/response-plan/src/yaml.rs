//! One YAML document into a wire struct, and the parser's errors into ours.

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Location};

use crate::error::{Report, listed, nearest};

/// Nobody writes a plan of this size by hand.
const LARGEST: usize = 256 * 1024;

/// Fields that later versions will honour, with the names that people know them by. None is ignored in silence, since
/// whoever wrote it relies on it.
const LATER: [(&str, &str); 25] = [
    ("second_team", "second_team"),
    ("group_by", "group_by"),
    ("flapping", "flapping"),
    ("storm", "storm"),
    ("storms", "storms"),
    ("digest", "digest"),
    ("snooze", "snooze"),
    ("redact", "redact"),
    ("capture_first", "capture_first"),
    ("dashboards", "evidence.dashboards"),
    ("traces", "evidence.traces"),
    ("probe", "recovery.probe"),
    ("metric", "recovery.metric"),
    ("quiet_for", "recovery.quiet_for"),
    ("schedule", "schedule"),
    ("schedules", "schedules"),
    ("rotation", "rotation"),
    ("overrides", "overrides"),
    ("repeat", "repeat"),
    ("break_glass", "break_glass"),
    ("email", "email"),
    ("sms", "sms"),
    ("phone", "phone"),
    ("iam", "iam"),
    ("members", "members"),
];

/// Fields that stand in no plan, since what they say is said elsewhere, with where.
const ELSEWHERE: [(&str, &str); 2] = [("mute", MUTES_ARE), ("mutes", MUTES_ARE)];

const MUTES_ARE: &str =
    "write it into mutes.yaml beside the plans (docs/mutes.md), or mute it by hand with `tourniquet mute`";

/// What to write for a field that is missing.
const REQUIRED: [(&str, &str); 27] = [
    ("plan", "give the plan a name: `plan: checkout-bad-deployment`"),
    ("type", "name the incident type, within which history is compared: `type: bad-deployment`"),
    ("match", "say which events it is for: `match: { source: [aws.cloudwatch] }`"),
    ("arn", "say which resources: `arn: \"arn:aws:rds:*:111122223333:cluster:orders-*\"`"),
    ("owner", "name a team of teams.yaml: `owner: payments`"),
    ("severity", "say how bad it is: `severity: SEV2`"),
    ("default", "write `severity: SEV2`"),
    ("approval", "say who must agree: `approval: owner`"),
    ("guards", "say what must hold before: `guards: { change_within: 60m, max_targets: 1 }`"),
    ("max_targets", "say how many resources it may touch: `max_targets: 1`"),
    ("metric", "name the metric: `metric: { namespace: Checkout, name: Orders }`"),
    ("at_least", "say what each datapoint must reach: `at_least: 10`"),
    ("datapoints", "say how many datapoints must reach it: `datapoints: 3`"),
    ("when", "say what has to hold: `when: { distinct_services_at_least: 2, within: 10m }`"),
    ("to", "say what it rises to: `to: SEV1`"),
    ("distinct_services_at_least", "say how many services: `distinct_services_at_least: 2`"),
    ("within", "say within which time: `within: 10m`"),
    ("by", "say who tells of the recovery: `by: signal`"),
    ("held_for", "say how long it must stay clear: `held_for: 5m`"),
    ("escalation", "list who is told, in order: `escalation: [{ contact: payments-on-call, wait: 5m }]`"),
    ("mutes", "list what is muted, or write `mutes: []`"),
    (
        "every",
        "say when it is muted: `every: { days: [sat, sun], from: \"02:00\", to: \"04:00\", time_zone: Europe/Berlin }`",
    ),
    ("from", "say when it begins: `from: \"02:00\"`"),
    ("to", "say when it ends: `to: \"04:00\"`"),
    ("time_zone", "name the time zone whose clock it goes by: `time_zone: Europe/Berlin`"),
    ("reason", "say why it is muted: `reason: the nightly load`"),
    ("wait", "say how long to wait for an acknowledgement: `wait: 5m`"),
];

/// Reads the document, or reports the first thing that is wrong with it.
pub(crate) fn parse<T: DeserializeOwned>(report: &mut Report<'_>) -> Option<T> {
    if report.text.len() > LARGEST {
        report.add(
            Location::UNKNOWN,
            "the file is larger than 256 KiB",
            "write one plan a file, and leave out what is not a plan",
        );
        return None;
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options(report.text, options) {
        Ok(read) => Some(read),
        Err(error) => {
            explain(report, error.without_snippet());
            None
        }
    }
}

fn explain(report: &mut Report<'_>, error: &Error) {
    let at = error.location().unwrap_or(Location::UNKNOWN);
    match error {
        Error::SerdeUnknownField { field, expected, .. } => unknown_field(report, at, field, expected),
        Error::SerdeMissingField { field, .. } => {
            let remedy = REQUIRED.iter().find(|(name, _)| name == field).map(|(_, remedy)| *remedy);
            report.add(at, format!("`{field}` is missing in the mapping that ends here"), remedy.unwrap_or("add it"));
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("a key");
            report.add(at, format!("`{key}` stands here twice"), "keep one of the two");
        }
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            report.add(at, format!("{unexpected} stands where {expected} is expected"), format!("write {expected}"));
        }
        Error::Message { msg, .. } => match msg.split_once("; ") {
            Some((message, remedy)) => report.add(at, message, remedy),
            None => report.add(at, msg, "correct the value"),
        },
        Error::Unexpected { expected, .. } => {
            let expected = match *expected {
                "string scalar" => "text",
                "mapping start" => "a mapping",
                "sequence start" => "a list",
                other => other,
            };
            report.add(at, format!("{expected} is expected here"), format!("write {expected}"));
        }
        Error::NullIntoString { .. } => report.add(at, "the value is missing", "write it, or remove the field"),
        Error::InvalidBooleanStrict { .. } => report.add(at, "this is neither true nor false", "write true or false"),
        Error::InvalidScalar { ty, .. } => {
            let expected = if *ty == "u32" { "a whole number from 0" } else { "a number" };
            report.add(at, format!("this is not {expected}"), format!("write {expected}"));
        }
        Error::Eof { .. } => {
            report.add(at, "the file is empty, or ends too early", "write the rest of it, or delete the file");
        }
        Error::MultipleDocuments { .. } => {
            report.add(at, "a second document begins here", "write one plan a file, without `---`");
        }
        Error::NonFiniteFloat { .. } => report.add(at, "no event holds such a number", "write a finite number"),
        other => {
            let shown = other.render();
            let shown = shown.split(['\n']).next().and_then(|line| line.split(" at line ").next()).unwrap_or_default();
            report.add(at, shown.trim_start_matches("error: "), "correct the YAML here");
        }
    }
}

/// The name by which people know a field of later versions.
pub(crate) fn later(field: &str) -> Option<&'static str> {
    LATER.iter().find(|(name, _)| *name == field).map(|(_, shown)| *shown)
}

/// Says that nobody knows a field, and which is meant, or that it comes later.
pub(crate) fn unknown_field(report: &mut Report<'_>, at: Location, field: &str, expected: &[&str]) {
    if let Some(near) = nearest(field, expected.iter().copied()) {
        report.add(at, format!("`{field}` is not a field here"), format!("did you mean `{near}`?"));
    } else if let Some((_, remedy)) = ELSEWHERE.iter().find(|(name, _)| *name == field) {
        report.add(at, format!("`{field}` is not a field here"), *remedy);
    } else if let Some(shown) = later(field) {
        report.add(at, format!("`{shown}` is not supported yet"), "remove it");
    } else {
        report.add(at, format!("`{field}` is not a field here"), format!("remove it, or write {}", listed(expected)));
    }
}
