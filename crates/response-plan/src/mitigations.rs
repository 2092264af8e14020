//! `mitigations`: what every kind has in common, and the kind itself by its declaration.

use serde_saphyr::Spanned;

use crate::convert::{some_text, word};
use crate::error::{Report, listed, nearest};
use crate::kind::{Kinds, MitigationKind, Named, arguments, form};
use crate::plan::*;
use crate::span::Span;
use crate::wire::*;
use crate::words::APPROVAL;

/// How long to look for proof of life where the plan does not say, and at most: `incident-response` waits 12.5 minutes for
/// a mitigation to settle.
const VERIFY_WITHIN: Span = Span::seconds(600);

/// The length of one datapoint where the plan does not say.
const PERIOD: Span = Span::seconds(60);

/// `None` when it cannot be known what is to be done; whatever is wrong was reported.
pub(crate) fn read(
    report: &mut Report<'_>,
    written: &Spanned<MitigationWire>,
    kinds: &Kinds<'_>,
) -> Option<Mitigation> {
    let wire = &written.value;
    let approval = word(report, "approval", &wire.approval, &APPROVAL, &["auto", "two-person"]);
    let verify_within = wire.verify_within.as_ref().map_or(VERIFY_WITHIN, |span| span.value);
    if let Some(span) = wire.verify_within.as_ref().filter(|span| span.value > VERIFY_WITHIN) {
        report.add(
            span.referenced,
            format!("`verify_within: {}` is too long: the incident does not stay open for it", span.value),
            format!("write {VERIFY_WITHIN} or less"),
        );
    }
    let healthy_when = wire.healthy_when.as_ref().map(|healthy| healthy_when(report, healthy, verify_within));
    let (named, kind) = kind(report, written, kinds)?;
    let with = arguments(report, kind.fields, named);
    let guards = guards(report, &wire.guards, kind);
    Some(Mitigation {
        kind: kind.name.to_owned(),
        does: (kind.does)(&with),
        with,
        approval: approval?,
        guards,
        healthy_when,
        verify_within,
    })
}

/// The one kind that is named.
fn kind<'w, 'k>(
    report: &mut Report<'_>,
    written: &'w Spanned<MitigationWire>,
    kinds: &Kinds<'k>,
) -> Option<(&'w Named, &'k MitigationKind)> {
    let names: Vec<&str> = kinds.mitigations.iter().map(|kind| kind.name).collect();
    let mut found = None;
    for named in &written.value.named {
        let (name, at) = (named.0.value.as_str(), named.0.referenced);
        match kinds.mitigations.iter().find(|kind| kind.name == name) {
            Some(_) if found.is_some() => {
                report.add(at, "one mitigation does two things", "write each as an entry of its own");
            }
            Some(kind) => found = Some((named, *kind)),
            None => {
                let near = nearest(name, names.iter().copied().chain(MITIGATION_FIELDS));
                let remedy = near.map(|near| format!("did you mean `{near}`?"));
                let remedy = remedy.unwrap_or_else(|| format!("remove it, or write {}", listed(&names)));
                report.add(at, format!("there is no mitigation `{name}`"), remedy);
            }
        }
    }
    if written.value.named.is_empty() {
        let example = kinds.mitigations.first().map_or_else(String::new, |kind| form(kind.name, kind.fields));
        report.add(written.referenced, "the mitigation does not say what to do", example);
    }
    found
}

fn guards(report: &mut Report<'_>, written: &Spanned<GuardsWire>, kind: &MitigationKind) -> Guards {
    let GuardsWire { change_within, max_targets } = &written.value;
    if max_targets.value == 0 {
        let remedy = "write `max_targets: 1`, or remove it all";
        report.add(max_targets.referenced, "with `max_targets: 0` nothing can ever be done", remedy);
    }
    match change_within {
        None if kind.rolls_back => report.add(
            written.referenced,
            format!("`change_within` is missing: `{}` takes a change back", kind.name),
            "say how old the change may be: `change_within: 60m`",
        ),
        Some(span) if !kind.rolls_back => report.add(
            span.referenced,
            format!("`change_within` means nothing here: `{}` takes no change back", kind.name),
            "remove it",
        ),
        _ => {}
    }
    Guards { change_within: change_within.as_ref().map(|span| span.value), max_targets: max_targets.value }
}

fn healthy_when(report: &mut Report<'_>, wire: &HealthyWire, verify_within: Span) -> HealthyWhen {
    if !wire.at_least.value.is_finite() {
        report.add(wire.at_least.referenced, "no datapoint reaches such a number", "write a number such as 10");
    }
    if wire.datapoints.value == 0 {
        report.add(wire.datapoints.referenced, "no datapoint proves nothing", "write `datapoints: 3`");
    }
    let period = wire.period.as_ref().map_or(PERIOD, |period| period.value);
    let seconds = period.as_secs();
    if !matches!(seconds, 1 | 5 | 10 | 20 | 30) && (seconds == 0 || !seconds.is_multiple_of(60)) {
        let at = wire.period.as_ref().map_or(wire.datapoints.referenced, |period| period.referenced);
        report.add(at, format!("CloudWatch has no period of {period}"), "write 1s, 5s, 10s, 20s, 30s or whole minutes");
    }
    if seconds.saturating_mul(wire.datapoints.value.into()) > verify_within.as_secs() {
        report.add(
            wire.datapoints.referenced,
            format!("{} datapoints of {period} do not fit into {verify_within}", wire.datapoints.value),
            format!("raise `verify_within` ({VERIFY_WITHIN} at most), or ask for fewer datapoints"),
        );
    }
    let metric = Metric {
        namespace: some_text(report, &wire.metric.namespace, "namespace"),
        name: some_text(report, &wire.metric.name, "metric name"),
        dimensions: wire.metric.dimensions.clone(),
    };
    HealthyWhen { metric, at_least: wire.at_least.value, datapoints: wire.datapoints.value, period }
}
