//! What is muted opens nothing, its recovery passes through, and what fires on when the mute is taken back is paged about.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use blackbox::{PAGE_WITHIN, World, events::Alarm, incident_of, look::Told};
use incident::Status;
use serde_json::Value;

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

#[tokio::test]
async fn what_is_muted_waits_and_is_paged_about_when_the_mute_is_taken_back() -> Result<()> {
    let world = World::get()?;
    let mute = ["mute", "--plan", "muted", "--for", "30m", "--reason", "a deployment", "--json"];
    let answer = asked(&world, &mute).await?["answer"].as_str().context("no answer")?.to_owned();
    let id = answer.split('`').nth(1).and_then(|command| command.strip_prefix("tourniquet unmute "));
    let id = id.with_context(|| format!("the answer names no mute: {answer}"))?;

    let (clears, fires) = (Alarm::of_its_own("muted"), Alarm::of_its_own("muted"));
    let event = fires.event("ALARM", step::now());
    for event in [&clears.event("ALARM", step::now()), &event] {
        for _ in 0..2 {
            let taken = world.take(event).await?;
            assert_eq!((&taken["outcome"], &taken["incident_id"]), (&"muted".into(), &Value::Null), "{taken}");
            let reason = taken["reason"].as_str().unwrap_or_default();
            ensure!(reason.contains("by tester (claimed)") && reason.ends_with("a deployment"), "{taken}");
        }
    }
    let listed = async || {
        let list = asked(&world, &["mutes", "--json"]).await?;
        let is_set = list["mutes"].as_array().is_some_and(|mutes| mutes.iter().any(|mute| mute["id"] == id));
        let quiet = list["muted"].as_array().map_or(&[][..], Vec::as_slice);
        let ours = |alarm: &Alarm| quiet.iter().filter(|waits| waits["fingerprint"] == alarm.arn()).count();
        Ok((is_set && ours(&clears) == 1 && ours(&fires) == 1).then_some(()))
    };
    world.until("list of what is muted", SOON, listed).await?;
    let recovered = world.take(&clears.event("OK", step::now())).await?;
    assert_eq!(recovered["reason"], "it recovers, and what fired was kept quiet", "{recovered}");

    let back = asked(&world, &["unmute", id, "--json"]).await?;
    assert_eq!(back["done"], true, "{back}");
    let incident = incident_of("muted", &event)?;
    let paged = async || Ok(Some(world.paged(&incident, 1)?).filter(|told| told.topic > 0 && told.slack > 0));
    assert_eq!(world.until("page about what fires on", PAGE_WITHIN, paged).await?, Told::ONCE);
    assert_eq!(world.incidents_of(&clears.name).await?, Vec::<String>::new(), "it was over before the mute");
    assert_eq!(world.incidents_of(&fires.name).await?, [incident.as_str()]);
    let again = world.take(&event).await?;
    assert_eq!((&again["outcome"], &again["incident_id"]), (&"attached".into(), &incident.as_str().into()), "{again}");

    world.take(&fires.event("OK", step::now())).await?;
    world.status(&incident, Status::Resolved, SOON).await?;
    Ok(())
}

/// What the command line answers as JSON.
async fn asked(world: &World, arguments: &[&str]) -> Result<Value> {
    let said = world.tourniquet(arguments).await?;
    ensure!(said.exit == Some(0), "{said:?}");
    serde_json::from_str(&said.output).with_context(|| format!("{said:?}"))
}
