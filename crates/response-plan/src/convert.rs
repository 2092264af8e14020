//! A plan as written into a plan as it is honoured. Everything that is wrong is reported, not only the first.

use std::collections::BTreeMap;

use serde_saphyr::{Location, Spanned};

use crate::error::{Report, listed, nearest};
use crate::kind::{Kinds, one_line};
use crate::node::Node;
use crate::pattern::Pattern;
use crate::plan::*;
use crate::plans::{CATCH_ALL, STORM};
use crate::raise::{self, Raise};
use crate::span::Span;
use crate::wire::*;
use crate::words::{ENGAGE, MODE, RECOVERED_BY, SEVERITY};
use crate::{evidence, mitigations, notify};

/// `None` when something in it was reported. Without `teams` (they are unreadable) the owner is not looked up.
pub(crate) fn plan(
    report: &mut Report<'_>,
    wire: PlanWire,
    teams: Option<&BTreeMap<String, Team>>,
    kinds: &Kinds<'_>,
) -> Option<ResponsePlan> {
    let before = report.errors.len();
    let name = name(report, &wire.plan);
    if [CATCH_ALL, STORM].contains(&name.as_str()) {
        report.add(wire.plan.referenced, format!("`{name}` is a plan that is built in"), "choose another name");
    }
    check_pattern(report, &wire.pattern);
    if let Some(owner) = &wire.owner {
        check_owner(report, owner, teams);
    }
    let hold_down = at_most(report, "hold_down", wire.hold_down.as_ref(), LONGEST_HOLD_DOWN);
    let reopen_within = at_most(report, "reopen_within", wire.reopen_within.as_ref(), LONGEST_REOPENING);
    let (severity, raise) = severity(report, &wire.severity);
    let engage = wire.engage.as_ref().map_or(Some(Engage::Page), |engage| word(report, "engage", engage, &ENGAGE, &[]));
    let mode = wire.mode.as_ref().map_or(Some(Mode::Observe), |mode| word(report, "mode", mode, &MODE, &[]));
    let mitigations = wire.mitigations.iter().filter_map(|wire| mitigations::read(report, wire, kinds)).collect();
    let recovery = match (engage, &wire.recovery) {
        (Some(Engage::Notify), None) => Some(notify::RECOVERY),
        (_, written) => recovery(report, written.as_ref(), wire.plan.referenced),
    };
    if engage == Some(Engage::Notify) {
        notify::check(report, &wire);
    }
    let evidence = evidence::read(report, wire.evidence.as_ref(), kinds.collectors);
    let plan = ResponsePlan {
        plan: name,
        incident_type: self::name(report, &wire.incident_type),
        pattern: wire.pattern.value.to_value(),
        service: wire.service.map(|service| self::name(report, &service)).unwrap_or_default(),
        environment: wire.environment.map(|environment| self::name(report, &environment)).unwrap_or_default(),
        accounts: wire.accounts.iter().map(|account| account_id(report, account)).collect(),
        customer_facing: wire.customer_facing,
        owner: wire.owner.map(|owner| owner.value).unwrap_or_default(),
        severity: severity?,
        raise,
        engage: engage?,
        hold_down,
        reopen_within,
        mode: mode?,
        mitigations,
        recovery: recovery?,
        evidence,
        runbook: wire.runbook.map(|runbook| some_text(report, &runbook, "runbook")),
    };
    (report.errors.len() == before).then_some(plan)
}

/// A name goes into keys, hashes and messages, so it is made of letters, digits, `-`, `_` and `.` alone.
pub(crate) fn name(report: &mut Report<'_>, written: &Word) -> String {
    if !is_name(&written.value) {
        report.add(
            written.referenced,
            format!("`{}` cannot be a name", written.value),
            "use at most 64 letters, digits, `-`, `_` and `.`, and begin with a letter or digit",
        );
    }
    written.value.clone()
}

pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// A text of which a service only asks that it is one.
pub(crate) fn some_text(report: &mut Report<'_>, written: &Word, what: &str) -> String {
    if let Err((message, remedy)) = one_line(&written.value, what) {
        report.add(written.referenced, message, remedy);
    }
    written.value.clone()
}

/// One of a few words. What later versions know is said to be not supported yet, not to be unknown.
pub(crate) fn word<T: Copy>(
    report: &mut Report<'_>,
    field: &str,
    written: &Word,
    known: &[(&str, T)],
    later: &[&str],
) -> Option<T> {
    let text = written.value.as_str();
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Some(*value);
    }
    let words: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    if later.contains(&text) {
        let remedy = format!("write {}", listed(&words));
        report.add(written.referenced, format!("`{field}: {text}` is not supported yet"), remedy);
    } else {
        let near = nearest(text, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let remedy = near.unwrap_or_else(|| format!("write {}", listed(&words)));
        report.add(written.referenced, format!("`{text}` is no value of `{field}`"), remedy);
    }
    None
}

pub(crate) fn check_pattern(report: &mut Report<'_>, written: &Spanned<Node>) {
    for error in Pattern::from_value(&written.value.to_value()).err().unwrap_or_default() {
        let at = written.value.place(&error.path).unwrap_or(written.referenced);
        report.add(at, error.message, error.remedy);
    }
}

pub(crate) fn check_owner(report: &mut Report<'_>, owner: &Word, teams: Option<&BTreeMap<String, Team>>) {
    let Some(teams) = teams.filter(|teams| !teams.contains_key(&owner.value)) else { return };
    let near = nearest(&owner.value, teams.keys().map(String::as_str));
    let remedy =
        near.map_or("add it there, or write one that is there".to_owned(), |near| format!("did you mean `{near}`?"));
    report.add(owner.referenced, format!("there is no team `{}` in teams.yaml", owner.value), remedy);
}

/// The longest that a plan may ask for, and what to do instead of asking for more.
type Longest = (Span, &'static str);

/// By then it is over, or somebody should have been told long ago.
const LONGEST_HOLD_DOWN: Longest = (Span::seconds(900), "let the alarm itself look for longer before it fires");

/// What comes back after longer is an incident of its own: nobody remembers the last one.
const LONGEST_REOPENING: Longest = (Span::seconds(86_400), "let it be a new incident after a day");

fn at_most(report: &mut Report<'_>, field: &str, written: Option<&Spanned<Span>>, (longest, remedy): Longest) -> Span {
    let Some(written) = written else { return Span::default() };
    if written.value > longest {
        report.add(written.referenced, format!("`{field}: {}` is longer than {longest}", written.value), remedy);
    }
    written.value
}

fn severity(report: &mut Report<'_>, written: &Spanned<SeverityWire>) -> (Option<Severity>, Vec<Raise>) {
    let (written, rules) = match &written.value {
        SeverityWire::Fixed(text) => (&Spanned::new(text.clone(), written.referenced, written.defined), &[][..]),
        SeverityWire::Rules(rules) => (&rules.default, rules.raise.as_slice()),
    };
    let severity = word(report, "severity", written, &SEVERITY, &[]);
    (severity, raise::read(report, rules, severity))
}

fn account_id(report: &mut Report<'_>, written: &Word) -> String {
    if written.value.len() != 12 || !written.value.bytes().all(|b| b.is_ascii_digit()) {
        report.add(written.referenced, "this is no account id", "write its 12 digits in quotation marks");
    }
    written.value.clone()
}

fn recovery(report: &mut Report<'_>, written: Option<&RecoveryWire>, plan: Location) -> Option<Recovery> {
    let Some(written) = written else {
        report.add(
            plan,
            "a plan that pages must say when the incident counts as recovered",
            "add `recovery: { by: signal, held_for: 5m }`",
        );
        return None;
    };
    let by = word(report, "recovery.by", &written.by, &RECOVERED_BY, &["probe", "metric", "quiet"])?;
    Some(Recovery { by, held_for: written.held_for })
}
