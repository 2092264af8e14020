//! The parts of the document, each from the facts.

use std::collections::BTreeMap;

use incident::{Measures, MitigationRecord, Outcome, Progress, Status};
use serde_json::Value;

use super::{Block, Cell, Section, Table};
use crate::answers::sentence;
use crate::facts::Facts;
use crate::words::{instant, is_link, length, list, plain};

/// The title; every outward text of a drill begins DRILL.
pub(super) fn title(facts: &Facts) -> String {
    let title = plain(&facts.incident.opened.title);
    if facts.incident.opened.drill && !title.starts_with("DRILL") { format!("DRILL: {title}") } else { title }
}

/// What happened, in a few sentences.
pub(super) fn lead(facts: &Facts) -> Vec<String> {
    let incident = &facts.incident;
    let plan = incident.plan();
    let measures = Measures::of(incident, &facts.mitigations);
    let customers =
        if plan.customer_facing { "Customers feel it." } else { "The plan does not mark it as customer-facing." };
    let detected = measures.ttd_s.seconds.map_or(String::new(), |s| format!(", {} after it began", length(s)));
    let mitigation = match facts.mitigation() {
        None => "No mitigation was planned.".to_owned(),
        Some(m) => match in_force(m) {
            Some(in_force) => format!("Mitigation ({}): {} {in_force}", state(m), sentence(&m.summary)),
            None => format!("Mitigation ({}): {}", state(m), sentence(&m.summary)),
        },
    };
    vec![
        format!("{} in {} ({}), owned by {}.", incident.severity, plan.service, plan.environment, plan.owner),
        customers.to_owned(),
        format!("The first signal reached triage at {}{detected}.", instant(incident.opened.opened_at)),
        match (&incident.acknowledged_by, measures.tta_s.seconds) {
            (Some(by), Some(s)) => format!("{} acknowledged {} later.", plain(by), length(s)),
            (Some(by), None) => format!("{} acknowledged.", plain(by)),
            (None, _) => "Nobody acknowledged.".to_owned(),
        },
        mitigation,
        end(facts, measures.ttr_s.seconds),
    ]
}

fn end(facts: &Facts, clear_after: Option<f64>) -> String {
    let incident = &facts.incident;
    let at = incident.resolved_at.map_or(String::new(), |at| format!(" at {}", instant(at)));
    match (&incident.resolved_by, incident.status) {
        (Some(by), _) => {
            let why = incident.resolved_reason.as_deref().map_or("No reason is on record.".to_owned(), sentence);
            format!("{} resolved it{at}. {why}", plain(by))
        }
        (None, Status::Resolved | Status::Closed) => {
            let clear =
                clear_after.map_or("It".to_owned(), |s| format!("It was clear {} after the first signal,", length(s)));
            format!("{clear} stayed clear, and was resolved{at}.")
        }
        (None, status) => format!("It is {status}."),
    }
}

/// Names and numbers.
pub(super) fn about(facts: &Facts) -> Vec<(&'static str, Cell)> {
    let incident = &facts.incident;
    let (opened, plan) = (&incident.opened, incident.plan());
    let place = [opened.account.as_deref(), opened.region.as_deref()];
    let place: Vec<&str> = place.into_iter().flatten().collect();
    vec![
        ("Incident", Cell::Code(incident.id().to_owned())),
        ("Status", Cell::Text(incident.status.to_string())),
        ("Severity", Cell::Text(incident.severity.to_string())),
        ("Service", Cell::Text(format!("{} ({})", plan.service, plan.environment))),
        ("Owner", Cell::Text(plan.owner.clone())),
        ("Account and Region", Cell::text_or((!place.is_empty()).then(|| place.join(", ")).as_deref(), "not known")),
        ("Plan", Cell::Text(format!("{} ({})", plan.plan, plan.incident_type))),
        ("Onset", Cell::time_or(incident.onset, "not known")),
        ("First signal", Cell::Time(opened.opened_at)),
        ("Resolved", Cell::time_or(incident.resolved_at, "not resolved")),
        ("Signal", opened.signal.link.as_deref().map_or(Cell::Unknown("no link"), address)),
        ("Runbook", plan.runbook.as_deref().map_or(Cell::Unknown("none in the plan"), address)),
    ]
}

fn address(text: &str) -> Cell {
    if is_link(text) { Cell::Link(text.to_owned()) } else { Cell::Code(text.to_owned()) }
}

/// What was planned, who agreed, what came of it.
pub(super) fn mitigation(facts: &Facts) -> Section {
    let several = facts.mitigations.len() > 1;
    let blocks = match facts.mitigations.as_slice() {
        [] => vec![Block::Paragraph("None was planned.".to_owned())],
        all => all
            .iter()
            .flat_map(|m| {
                let number = several.then(|| Block::Paragraph(format!("Number {}.", m.n)));
                number.into_iter().chain([Block::Pairs(record(m))])
            })
            .collect(),
    };
    Section { heading: "Mitigation".to_owned(), blocks }
}

fn record(m: &MitigationRecord) -> Vec<(&'static str, Cell)> {
    let stored = |state: &Option<Value>| match state {
        Some(state) => Cell::Code(sorted(state).to_string()),
        None => Cell::Unknown("not stored"),
    };
    let decision = match m.outcome {
        Some(Outcome::Rejected) => ("Rejected by", "Rejected at"),
        _ => ("Approved by", "Approved at"),
    };
    let mut rows = vec![
        ("What", Cell::Text(sentence(&m.summary))),
        ("Kind", Cell::Code(m.kind.clone())),
        ("Target", Cell::Code(m.target.clone())),
        ("Outcome", Cell::Text(state(m).to_owned())),
        ("Why", Cell::text_or(m.reason.as_deref(), "no reason on record")),
        ("Planned at", Cell::Time(m.planned_at)),
        (decision.0, Cell::text_or(m.decided_by.as_deref(), "nobody")),
        (decision.1, Cell::time_or(m.decided_at, "never")),
        ("Applied at", Cell::time_or(m.applied_at, "never")),
        ("Ended at", Cell::time_or(m.ended_at, "not ended")),
        ("State before", stored(&m.prior)),
        ("State wanted", stored(&m.desired)),
        ("State left", stored(&m.left)),
        ("Plan SHA-256", Cell::Code(m.plan_sha256.clone())),
    ];
    rows.extend(in_force(m).map(|sentence| ("In force", Cell::Text(sentence))));
    rows
}

/// Whether a change was put back, and when; nothing of one that takes nothing away and that nobody asked to have back.
fn in_force(m: &MitigationRecord) -> Option<String> {
    match &m.put_back {
        Some(back) => {
            let by = back.by.as_deref().map_or("not by the suite".to_owned(), |by| format!("as {} asked", plain(by)));
            Some(format!("It was put back at {}, {by}.", instant(back.at)))
        }
        None if m.holds() => Some("It is still in force: nothing takes it back by itself.".to_owned()),
        None => None,
    }
}

/// The same value with its fields in order, whatever order the reader of the record kept: the same facts make the same
/// bytes.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> = fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            fields.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// The outcome, or how far it came without one.
fn state(m: &MitigationRecord) -> &'static str {
    match (m.outcome, m.progress) {
        (Some(outcome), _) => outcome.as_str(),
        (None, Progress::Ended) => "only shown",
        (None, progress) => progress.as_str(),
    }
}

/// What happened, when, by whom. The writing of this document is no part of it: written again, it stays the same.
pub(super) fn timeline(facts: &Facts) -> Section {
    let entries = facts.timeline.iter().filter(|entry| entry.step != "open-postmortem");
    let rows: Vec<Vec<Cell>> = entries
        .map(|entry| {
            vec![
                Cell::Time(entry.at),
                Cell::Text(entry.step.clone()),
                Cell::Text(plain(&entry.what)),
                Cell::Text(plain(entry.by.as_deref().unwrap_or("Tourniquet"))),
            ]
        })
        .collect();
    let block = match rows.is_empty() {
        true => Block::Paragraph("It has no entry.".to_owned()),
        false => Block::Table(Table { head: &["Time", "Step", "What", "By"], rows }),
    };
    Section { heading: "Timeline".to_owned(), blocks: vec![block] }
}

/// Who took part, in the order of their first part.
pub(super) fn participants(facts: &Facts) -> Section {
    let incident = &facts.incident;
    let mut parts: Vec<(&str, String)> = Vec::new();
    for contact in facts.paged() {
        let mut channels: Vec<&str> =
            facts.pages.iter().filter(|p| p.contact == contact).map(|p| p.channel.as_str()).collect();
        channels.sort_unstable();
        channels.dedup();
        parts.push((contact, format!("paged by {}", list(&channels))));
    }
    parts.extend(incident.acknowledged_by.as_deref().map(|by| (by, "acknowledged".to_owned())));
    parts.extend(facts.mitigations.iter().filter_map(|m| {
        let word = if m.outcome == Some(Outcome::Rejected) { "rejected" } else { "approved" };
        Some((m.decided_by.as_deref()?, format!("{word} mitigation {}", m.n)))
    }));
    parts.extend(incident.resolved_by.as_deref().map(|by| (by, "resolved it".to_owned())));
    let acted = facts.timeline.iter().filter_map(|entry| entry.by.as_deref());
    let others: Vec<&str> = acted.filter(|by| parts.iter().all(|(name, _)| name != by)).collect();
    parts.extend(others.into_iter().map(|by| (by, "acted, see the timeline".to_owned())));
    let rows = by_person(&parts);
    let block = match rows.is_empty() {
        true => Block::Paragraph("Nobody is on record.".to_owned()),
        false => Block::Table(Table { head: &["Who", "Part"], rows }),
    };
    Section { heading: "Participants".to_owned(), blocks: vec![block] }
}

/// One row a person, with each of their parts once.
fn by_person(parts: &[(&str, String)]) -> Vec<Vec<Cell>> {
    let mut people: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, part) in parts {
        match people.iter_mut().find(|(known, _)| known == name) {
            Some((_, theirs)) if theirs.contains(&part.as_str()) => {}
            Some((_, theirs)) => theirs.push(part),
            None => people.push((name, vec![part])),
        }
    }
    people.into_iter().map(|(name, parts)| vec![Cell::Text(plain(name)), Cell::Text(parts.join(", "))]).collect()
}

/// The bags and their seals.
pub(super) fn evidence(facts: &Facts) -> Section {
    let passes = &facts.incident.evidence;
    let mut blocks = Vec::new();
    if passes.is_empty() {
        blocks.push(Block::Paragraph("No pass was sealed.".to_owned()));
    } else {
        let rows = passes.iter().map(|pass| {
            vec![
                Cell::Text(pass.pass.clone()),
                Cell::Text(pass.files.to_string()),
                Cell::Text(pass.gaps.to_string()),
                Cell::Time(pass.sealed_at),
                Cell::Code(pass.prefix.clone()),
                Cell::Code(pass.tag_manifest_sha256.clone()),
            ]
        });
        blocks.push(Block::Table(Table {
            head: &["Pass", "Files", "Gaps", "Sealed at", "Bag", "Seal (SHA-256 of the tag manifest)"],
            rows: rows.collect(),
        }));
        if passes.iter().any(|pass| pass.gaps > 0) {
            let gaps = "Each gap is named with its reason in custody.json, at the root of its bag.";
            blocks.push(Block::Paragraph(gaps.to_owned()));
        }
    }
    Section { heading: "Evidence".to_owned(), blocks }
}
