//! `teams.yaml`: who is told, in which order, and how.

use std::collections::BTreeMap;

use serde_saphyr::{Location, Spanned};

use crate::convert::{is_name, name};
use crate::error::{Report, listed, nearest};
use crate::kind::{ChannelKind, Named, arguments, form};
use crate::plan::{Channel, Contact, EscalationStep, Team};
use crate::wire::*;
use crate::yaml::later;

/// An escalation ends after so many steps: the state machine counts no further.
pub(crate) const MOST_STEPS: usize = 10;

/// `None` when something in it was reported.
pub(crate) fn teams(
    report: &mut Report<'_>,
    wire: &TeamsWire,
    kinds: &[&ChannelKind],
) -> Option<BTreeMap<String, Team>> {
    let before = report.errors.len();
    let contacts: BTreeMap<&str, Contact> =
        wire.contacts.iter().map(|(name, wire)| (name.as_str(), contact(report, name, wire, kinds))).collect();
    let mut teams = BTreeMap::new();
    for (name, wire) in &wire.teams {
        check_key(report, name, wire.referenced);
        teams.insert(name.clone(), Team { name: name.clone(), escalation: escalation(report, wire, &contacts) });
    }
    (report.errors.len() == before).then_some(teams)
}

fn contact(report: &mut Report<'_>, name: &str, written: &Spanned<ContactWire>, kinds: &[&ChannelKind]) -> Contact {
    check_key(report, name, written.referenced);
    let wire = &written.value;
    let channels = channels(report, &wire.channels, kinds);
    if wire.channels.is_empty() {
        let forms: Vec<_> = kinds.iter().map(|kind| form(kind.name, kind.fields)).collect();
        let remedy = forms.first().map_or("", String::as_str);
        report.add(written.referenced, format!("nothing says how `{name}` can be reached"), remedy);
    }
    let time_zone = wire.time_zone.as_ref().map(|zone| time_zone(report, zone));
    Contact { name: name.to_owned(), time_zone, channels }
}

/// The channels in the order of their kinds, whatever order they were written in.
fn channels(report: &mut Report<'_>, written: &[Named], kinds: &[&ChannelKind]) -> Vec<Channel> {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    for (name, _) in written.iter().filter(|(name, _)| !names.contains(&name.value.as_str())) {
        if let Some(later) = later(&name.value) {
            report.add(name.referenced, format!("`{later}` is not supported yet"), "remove it");
            continue;
        }
        let near = nearest(&name.value, names.iter().copied().chain(["time_zone"]));
        let remedy = near.map(|near| format!("did you mean `{near}`?"));
        let remedy = remedy.unwrap_or_else(|| format!("remove it, or write {}", listed(&names)));
        report.add(name.referenced, format!("there is no channel `{}`", name.value), remedy);
    }
    let mut read = Vec::new();
    for kind in kinds {
        if let Some(named) = written.iter().find(|(name, _)| name.value == kind.name) {
            let with = arguments(report, kind.fields, named);
            read.push(Channel { kind: kind.name.to_owned(), with, wakes: kind.wakes });
        }
    }
    read
}

fn escalation(
    report: &mut Report<'_>,
    written: &Spanned<TeamWire>,
    contacts: &BTreeMap<&str, Contact>,
) -> Vec<EscalationStep> {
    let steps = &written.value.escalation;
    if steps.value.is_empty() || steps.value.len() > MOST_STEPS {
        let remedy = format!("list 1 to {MOST_STEPS} steps: `escalation: [{{ contact: payments-on-call, wait: 5m }}]`");
        report.add(steps.referenced, format!("an escalation of {} steps", steps.value.len()), remedy);
    }
    let mut read = Vec::new();
    for StepWire { contact, wait } in &steps.value {
        if let Some(found) = contacts.get(contact.value.as_str()) {
            read.push(EscalationStep { contact: found.clone(), wait: *wait });
            continue;
        }
        let near = nearest(&contact.value, contacts.keys().copied());
        let remedy = near.map_or("add it under `contacts`".to_owned(), |near| format!("did you mean `{near}`?"));
        report.add(contact.referenced, format!("there is no contact `{}`", contact.value), remedy);
    }
    read
}

fn check_key(report: &mut Report<'_>, key: &str, at: Location) {
    if !is_name(key) {
        name(report, &Spanned::new(key.to_owned(), at, at));
    }
}

fn time_zone(report: &mut Report<'_>, written: &Word) -> String {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c)) && part.len() <= 32
    };
    if !written.value.split('/').all(part) {
        report.add(written.referenced, "this is no time zone", "write its IANA name: `time_zone: Europe/Berlin`");
    }
    written.value.clone()
}
