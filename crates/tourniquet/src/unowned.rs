//! What has no owner: what the catch-all took, thing by thing, and what a plan for it would match.

use std::collections::BTreeMap;

use incident::{Incident, SignalSummary, V};
use incident_store::IncidentLine;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::args::ReportOf;
use crate::cloud::Cloud;
use crate::report::{Report, counted, line, second, table};

/// The type of the catch-all's incidents.
const UNOWNED: &str = "unowned";

/// A failing thing that nobody owns.
#[derive(Debug, Serialize)]
struct Thing {
    fingerprint: String,
    title: String,
    incidents: u64,
    first: Timestamp,
    last: Timestamp,
    /// The newest of its incidents.
    incident_id: String,
    /// The line that a plan would need.
    #[serde(rename = "match")]
    pattern: String,
}

/// Lists what nobody owns, the most frequent first.
pub(crate) async fn run(cloud: &Cloud, what: &ReportOf) -> anyhow::Result<Report> {
    let (store, now) = (cloud.store()?, step::now());
    let since = now.checked_sub(what.since.signed()).unwrap_or(Timestamp::MIN);
    let mut lines = store.of_type(UNOWNED, since).await.map_err(|e| cloud.explain(e))?;
    lines.retain(|line| line.owner == UNOWNED); // a tag or a rule may have named a team
    let mut things = Vec::new();
    for group in groups(lines) {
        let newest = store.load(&group[0].incident_id).await.map_err(|e| cloud.explain(e))?;
        things.push(thing(&group, &newest));
    }
    things.sort_by_key(|thing| (std::cmp::Reverse(thing.incidents), std::cmp::Reverse(thing.last)));
    Ok(report(&things, what))
}

/// The incidents of each failing thing, newest first: the catch-all makes each of them a service of its own.
fn groups(lines: Vec<IncidentLine>) -> Vec<Vec<IncidentLine>> {
    let mut groups: BTreeMap<String, Vec<IncidentLine>> = BTreeMap::new();
    for line in lines {
        groups.entry(line.service.clone()).or_default().push(line);
    }
    groups.into_values().collect()
}

fn thing(group: &[IncidentLine], newest: &Incident) -> Thing {
    let opened = |of: Option<&IncidentLine>| of.map_or(newest.opened.opened_at, |line| line.opened_at);
    Thing {
        fingerprint: newest.opened.signal.fingerprint.clone(),
        title: newest.opened.title.clone(),
        incidents: group.len() as u64,
        first: opened(group.last()),
        last: opened(group.first()),
        incident_id: newest.id().to_owned(),
        pattern: pattern(&newest.opened.signal),
    }
}

/// What matches this thing and nothing else, as far as what an incident keeps of its signal says.
fn pattern(signal: &SignalSummary) -> String {
    let (source, arn) = (json!([signal.source]), signal.fingerprint.split('#').next().unwrap_or_default());
    let alarm = arn.splitn(7, ':').nth(6).filter(|_| arn.starts_with("arn:") && arn.contains(":alarm:"));
    match (alarm, signal.resources.first()) {
        (Some(alarm), _) => format!("match: {{ source: {source}, detail: {{ alarmName: {} }} }}", json!([alarm])),
        (None, Some(resource)) => format!("match: {{ source: {source}, resources: {} }}", json!([resource])),
        (None, None) => format!("match: {{ source: {source} }}"),
    }
}

fn report(things: &[Thing], what: &ReportOf) -> Report {
    let objects = vec![json!({"v": V, "since": what.since, "unowned": things})];
    if things.is_empty() {
        let text = format!("everything of the last {} has an owner\n", what.since);
        return Report { objects, text, ..Report::default() };
    }
    let row = |thing: &Thing| {
        let count = thing.incidents.to_string();
        vec![count, second(thing.first), second(thing.last), thing.title.clone()]
    };
    let mut text = table(&["incidents", "first", "last", "what"], &things.iter().map(row).collect::<Vec<_>>());
    text.push_str(&format!(
        "\nNobody owns {}. A plan needs one of these lines:\n",
        counted(things.len() as u64, "thing")
    ));
    for thing in things {
        text.push_str(&format!("  {}\n", line(&thing.pattern)));
    }
    Report { objects, text, ..Report::default() }
}

#[cfg(test)]
mod tests;
