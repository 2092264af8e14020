//! A page that its plan holds back: what clears by itself wakes nobody, and what does not is paged about as ever.

use std::time::Duration;

use anyhow::{Result, ensure};
use blackbox::{PAGE_WITHIN, World, events::Alarm, incident_of, look::Told};
use incident::Status;

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

#[tokio::test]
async fn what_clears_by_itself_wakes_nobody() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("held-clears");
    let fired = step::now();
    let event = alarm.event("ALARM", fired);
    let id = incident_of("held-clears", &event)?;
    world.take(&event).await?;
    let held = async || Ok(said(&world, &id, "nobody is paged yet: the plan waits 10s").await?.then_some(()));
    world.until("entry of the page that is held back", SOON, held).await?;
    world.take(&alarm.event("OK", step::now())).await?;

    let resolved = world.status(&id, Status::Resolved, SOON).await?;
    let quiet = async || Ok(said(&world, &id, "nobody was paged: it cleared by itself").await?.then_some(()));
    world.until("entry of what was over before anybody was told", SOON, quiet).await?;
    // The engagement and the mitigation looked once more, found it over, and said nothing either.
    for machine in ["Engage", "Mitigate", "IncidentResponse"] {
        let done = async || {
            let executions = world.executions(machine, &id).await?;
            Ok(executions.iter().all(|(_, status)| status == "SUCCEEDED").then_some(executions.len()))
        };
        assert_eq!(world.until(&format!("end of {machine}"), SOON, done).await?, 1);
    }
    assert_eq!((resolved.paged_at, resolved.woken_at), (None, None));
    assert_eq!(world.told(&id)?, []);
    Ok(())
}

#[tokio::test]
async fn what_fires_on_is_paged_after_the_hold_down() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("held-fires");
    let event = alarm.event("ALARM", step::now());
    let id = incident_of("held-fires", &event)?;
    world.take(&event).await?;
    let paged = async || Ok(Some(world.paged(&id, 1)?).filter(|told| told.topic > 0 && told.slack > 0));
    assert_eq!(world.until("page after the hold-down", PAGE_WITHIN, paged).await?, Told::ONCE);
    let incident = world.store.load(&id).await?;
    let waited = incident.woken_at.map(|at| at.duration_since(incident.opened.opened_at).as_secs_f64());
    ensure!(waited.is_some_and(|seconds| seconds >= 10.0), "paged after {waited:?} s");
    // What came of the mitigation waited for it as well.
    let told = async || Ok(Some(world.told_of(&id, "] Mitigation ")?).filter(|told| told.topic > 0));
    world.until("word of the mitigation", SOON, told).await?;
    let first = world.told(&id)?.into_iter().next();
    ensure!(!format!("{first:?}").contains("Mitigation"), "{first:?}");
    world.take(&alarm.event("OK", step::now())).await?;
    world.status(&id, Status::Resolved, SOON).await?;
    Ok(())
}

/// Whether the timeline has an entry that begins so.
async fn said(world: &World, id: &str, words: &str) -> Result<bool> {
    Ok(world.store.timeline(id).await?.iter().any(|entry| entry.what.starts_with(words)))
}
