//! A recovery that triage recorded and could not hand on: `sweep` hands it on, and the incident is over.

use std::time::Duration;

use anyhow::{Result, ensure};
use blackbox::{World, events::Alarm, incident_of};
use incident::Status;
use xtask::proxy::Action;

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// The schedule calls `sweep` every minute, and it looks at what has been clear for 30 s.
const SWEPT_WITHIN: Duration = Duration::from_secs(180);

/// Found by `cargo xtask faults --seed 5 --incidents 200`.
#[tokio::test]
async fn a_recovery_that_triage_could_not_hand_on_is_handed_on() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("recovery-missed");
    let event = alarm.event("ALARM", step::now());
    let id = incident_of("recovery-missed", &event)?;
    world.take(&event).await?;
    let awaits = async || Ok(world.store.load(&id).await?.recovery_token);
    let token = world.until("token of the wait", SOON, awaits).await?;

    let gone = world.fault("SendTaskSuccess", &token, Action::Fail(503))?;
    let cleared = alarm.event("OK", step::now());
    let failed = world.take(&cleared).await.err();
    ensure!(failed.is_some_and(|error| format!("{error:#}").contains("Transient")), "triage could hand it on");
    ensure!(gone.met()? > 0);
    let incident = world.store.load(&id).await?;
    assert_eq!((incident.status, incident.firing.len()), (Status::Open, 0), "it is recorded");
    gone.end()?;

    world.status(&id, Status::Resolved, SWEPT_WITHIN).await?;
    let handed_on = async || {
        let timeline = world.store.timeline(&id).await?;
        Ok(timeline.iter().any(|entry| entry.what == "its recovery was missed, and is handed on").then_some(()))
    };
    world.until("entry that says so", SOON, handed_on).await
}
