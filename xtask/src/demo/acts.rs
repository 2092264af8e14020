//! What a person does in a story, and what they wait for before they do it.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{receiver::Received, watch::Watch};

/// The person at the other end waits for the page, as people do, and takes it.
pub(super) fn acknowledge(watch: &mut Watch<'_>) -> Result<()> {
    let (id, people) = (watch.id.clone(), watch.people);
    let is_page = |received: &Received| matches!(received, Received::Slack { text, .. } if text.contains(&id));
    watch.until("a page in Slack", |_| people.received().iter().any(is_page))?;
    watch.ask("ack", &[])
}

/// The person reads the plan before they approve: what it says is in the timeline by then.
pub(super) fn planned(watch: &mut Watch<'_>) -> Result<()> {
    let is_planned = |shown: &Value| shown["mitigations"][0]["progress"] == "planned";
    watch.until("a planned mitigation", is_planned).map(drop)
}

/// The person lets the planned change happen.
pub(super) fn approve(watch: &mut Watch<'_>) -> Result<()> {
    planned(watch)?;
    watch.ask("approve", &["--yes"])
}

/// Waits until the mitigation has ended like this.
pub(super) fn ended(watch: &mut Watch<'_>, outcome: &str) -> Result<()> {
    let has_ended = |shown: &Value| shown["mitigations"][0]["outcome"] == outcome;
    watch.until(&format!("a mitigation that is {outcome}"), has_ended).map(drop)
}

/// The approved change was made and did not help: the incident stays open, and somebody is woken.
pub(super) fn in_vain(watch: &mut Watch<'_>) -> Result<()> {
    ended(watch, "ineffective")?;
    sealed(watch)?;
    let (id, people) = (watch.id.clone(), watch.people);
    let wakes = |received: &Received| match received {
        Received::Topic { topic, message, .. } => {
            topic.ends_with(":tourniquet-pages") && message.contains(&id) && message.contains("Mitigation ineffective")
        }
        _ => false,
    };
    let is_noted = |entry: &Value| {
        entry["what"].as_str().is_some_and(|what| what.starts_with("paged") && what.contains("what came of"))
    };
    let shown = watch.until("a page about the mitigation", |shown| {
        let noted = shown["timeline"].as_array().is_some_and(|entries| entries.iter().any(is_noted));
        noted && people.received().iter().any(wakes)
    })?;
    ensure!(shown["incident"]["status"] == "open", "The incident is not open any more: {shown}");
    watch.say("the demo", "the wrong target was changed, and nothing recovers: it stays open");
    watch.say("the demo", "payments-on-call was paged about that by SNS, which wakes");
    Ok(())
}

/// Waits until the first pass of evidence is sealed.
pub(super) fn sealed(watch: &mut Watch<'_>) -> Result<()> {
    watch.until("a sealed bag", |shown| !shown["incident"]["evidence"][0].is_null()).map(drop)
}

/// Waits until the incident is over, with the complete evidence and the postmortem.
pub(super) fn resolved(watch: &mut Watch<'_>) -> Result<()> {
    let is_over = |shown: &Value| {
        let incident = &shown["incident"];
        incident["status"] == "resolved" && !incident["postmortem"].is_null() && !incident["evidence"][1].is_null()
    };
    watch.until("its postmortem", is_over).map(drop)
}
