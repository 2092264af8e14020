//! A bad deployment with the brake on and nobody there: nothing is changed, and the incident stays open.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{
    Story,
    bad_deployment::{PLAN, WAITS, deploy_badly, healthy, serves},
};
use crate::demo::{
    acts,
    receiver::{Received, Receiver},
    telling::Telling,
};

pub(super) static STORY: Story = Story {
    name: "braked",
    says: "a bad deployment meets the brake and nobody answers; it stays open, and escalates.",
    plan: PLAN,
    waits: WAITS,
    wrong_target: None,
    tell,
};

fn tell(telling: &Telling<'_>) -> Result<Value> {
    let mut service = healthy(telling)?;
    telling.step("the brake is on: nothing may be changed", || {
        telling.operator.run(&["brake", "on", "--reason", "the demo shows what the brake does"])
    })?;
    deploy_badly(telling, &mut service)?;
    let mut watch = telling.incident(&mut service)?;
    acts::ended(&mut watch, "refused")?;
    acts::sealed(&mut watch)?;
    let (id, people) = (watch.id.clone(), telling.people);
    watch.until("the last step of its escalation", |_| told_nobody_acknowledged(people, &id))?;
    watch.say("the demo", "nobody acknowledged, and nobody is left to page: the fallback topic was told");
    let shown = watch.now()?;
    ensure!(shown["incident"]["status"] == "open", "The incident is not open any more: {shown}");
    watch.say("the demo", "with the brake on nothing was changed and nothing recovers: it stays open");
    serves(&mut service, "live", "2")?;
    Ok(shown)
}

fn told_nobody_acknowledged(people: &Receiver, id: &str) -> bool {
    people.received().iter().any(|received| match received {
        Received::Topic { topic, message, .. } => {
            topic.to_lowercase().contains("fallback") && message.contains(id) && message.contains("acknowledge")
        }
        _ => false,
    })
}
