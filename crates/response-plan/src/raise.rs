//! Rules that make an incident worse than its plan says: `severity: { default: SEV2, raise: [{ when: …, to: SEV1 }] }`.

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use crate::convert::word;
use crate::error::Report;
use crate::plan::Severity;
use crate::span::Span;
use crate::wire::RaiseWire;
use crate::words::SEVERITY;

/// A rule that makes an incident worse than its plan says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    /// When.
    pub when: RaiseWhen,
    /// To which severity; it is worse than the plan's own.
    pub to: Severity,
}

/// What has to hold for a rule that raises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaiseWhen {
    /// So many services fire at once, the incident's own among them.
    pub distinct_services_at_least: u32,
    /// They began to fire within so long.
    pub within: Span,
}

/// One service alone is what the plan's own severity is for.
const FEWEST_SERVICES: u32 = 2;

/// What begins to fire later than this after the first is another story: no rule's `within` is longer.
pub const LONGEST_WITHIN: Span = Span::seconds(3_600);

pub(crate) fn read(report: &mut Report<'_>, written: &[RaiseWire], default: Option<Severity>) -> Vec<Raise> {
    written.iter().filter_map(|rule| one(report, rule, default)).collect()
}

fn one(report: &mut Report<'_>, written: &RaiseWire, default: Option<Severity>) -> Option<Raise> {
    let to = word(report, "to", &written.to, &SEVERITY, &[])?;
    if let Some(default) = default.filter(|default| to >= *default) {
        let remedy = "write one that is worse, such as SEV1";
        report.add(written.to.referenced, format!("`to: {to}` is no worse than the default, {default}"), remedy);
    }
    let Spanned { value: services, referenced: at, .. } = written.when.distinct_services_at_least;
    if services < FEWEST_SERVICES {
        let remedy = format!("write at least {FEWEST_SERVICES}: one service is what the default is for");
        report.add(at, format!("`distinct_services_at_least: {services}`"), remedy);
    }
    let Spanned { value: within, referenced: at, .. } = written.when.within;
    if within.is_zero() || within > LONGEST_WITHIN {
        report.add(
            at,
            format!("`within: {within}`"),
            format!("write a time up to {LONGEST_WITHIN}, such as `within: 10m`"),
        );
    }
    Some(Raise { when: RaiseWhen { distinct_services_at_least: services, within }, to })
}
