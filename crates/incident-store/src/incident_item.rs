//! `INC#<id>` / `META`: what never changes is one JSON text; what changes, and what the state machines and the indexes
//! read, are attributes of their own.

use incident::{GroupKey, Incident, Opened, PostmortemKeys, SealedPass, Status};
use step::StepError;

use crate::item::{Build, Item, Row, at, json, n, s, set};
use crate::keys;

/// The item of an incident that opens now: one fingerprint fires.
pub(crate) fn opening(opened: &Opened, group: &GroupKey) -> Result<Item, StepError> {
    let plan = &opened.plan.plan;
    let item = Build::new(&keys::incident(&opened.id), keys::META)
        .with("id", s(&opened.id))
        .with("opened", json(opened)?)
        .with("title", s(&opened.title))
        .with("service", s(&plan.service))
        .with("environment", s(&plan.environment))
        .with("owner", s(&plan.owner))
        .with("incident_type", s(&plan.incident_type))
        .with("severity", s(plan.severity.as_str()))
        .with("status", s(Status::Open.as_str()))
        .with("opened_at", at(opened.opened_at))
        .with("held_for_s", n(opened.held_for().as_secs()))
        .with("group_hash", s(group.hash()))
        .with("drill", aws_sdk_dynamodb::types::AttributeValue::Bool(opened.drill))
        .with("opening", n(1_u64))
        .with("run", n(1_u64))
        .with("engagement", n(1_u64))
        .with("firing", set(&opened.signal.fingerprint))
        .with_some("onset", opened.onset.map(at));
    Ok(item.done())
}

/// Reads an incident.
pub(crate) fn read(attributes: &Item) -> Result<Incident, StepError> {
    let item = Row(attributes);
    let opened: Opened = item.parsed("opened")?;
    let severity = item.text("severity")?;
    let opening = item.small("opening")?;
    let kept = kept(attributes, opening)?;
    Ok(Incident {
        onset: item.find_instant("onset")?,
        status: status(attributes)?,
        severity: serde_json::from_value(severity.clone().into())
            .map_err(|_| StepError::stuck(format!("`{severity}` is no severity")))?,
        raised: attributes.contains_key("raised").then(|| item.parsed("raised")).transpose()?,
        opening,
        run: item.small("run")?,
        engagement: item.small("engagement")?,
        engaged_at: item.find_instant("engaged_at")?,
        firing: item.texts("firing"),
        fires_since: item.find_instant("fires_since")?,
        clear_since: item.find_instant("clear_since")?,
        recovery_token: item.find_text("recovery_token"),
        acknowledged_by: item.find_text("acknowledged_by"),
        acknowledged_at: item.find_instant("acknowledged_at")?,
        paged_at: item.find_instant("paged_at")?,
        woken_at: item.find_instant("woken_at")?,
        paged_engagement: item.find_small("paged_engagement")?,
        woken_engagement: item.find_small("woken_engagement")?,
        mitigated_at: item.find_instant("mitigated_at")?,
        resolved_at: item.find_instant("resolved_at")?,
        resolved_by: item.find_text("resolved_by"),
        resolved_reason: item.find_text("resolved_reason"),
        still_firing: item.texts("still_firing"),
        recheck_at: item.find_instant("recheck_at")?,
        evidence: kept.0,
        postmortem: kept.1,
        opened,
    })
}

/// What was kept of an opening.
pub(crate) fn kept(item: &Item, opening: u32) -> Result<(Vec<SealedPass>, Option<PostmortemKeys>), StepError> {
    let evidence = passes(item, opening)?;
    let name = postmortem_attribute(opening);
    let postmortem = item.contains_key(&name).then(|| Row(item).parsed(&name)).transpose()?;
    Ok((evidence, postmortem))
}

pub(crate) fn status(item: &Item) -> Result<Status, StepError> {
    Row(item).text("status")?.parse().map_err(|e: String| StepError::stuck(e))
}

/// Each sealed pass is an attribute of its own, so that sealing is one write that needs to read nothing. Openings after the
/// first have theirs under a name of their own: what an earlier one is late to write never looks like the next one's.
pub(crate) fn pass_attribute(opening: u32, pass: &str) -> String {
    format!("{}{}", evidence_prefix(opening), pass.replace('-', "_"))
}

/// Where the postmortem of an opening is.
pub(crate) fn postmortem_attribute(opening: u32) -> String {
    if opening == 1 { "postmortem".to_owned() } else { format!("opening_{opening}_postmortem") }
}

fn evidence_prefix(opening: u32) -> String {
    if opening == 1 { "evidence_".to_owned() } else { format!("opening_{opening}_evidence_") }
}

fn passes(item: &Item, opening: u32) -> Result<Vec<SealedPass>, StepError> {
    let prefix = evidence_prefix(opening);
    let mut names: Vec<_> = item.keys().filter(|name| name.starts_with(&prefix)).collect();
    names.sort();
    names.into_iter().map(|name| Row(item).parsed(name)).collect()
}
