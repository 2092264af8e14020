//! What makes an incident worse than its plan says, or longer: other services that fire as well, and coming and going.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use blackbox::{PAGE_WITHIN, World, events::Alarm, incident_of, look::Told};
use incident::Status;
use response_plan::Severity;

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// The schedule calls `sweep` every minute; it raises, and pages again.
const RAISED_WITHIN: Duration = Duration::from_secs(150);

#[tokio::test]
async fn what_fires_beside_another_service_is_worse_and_paged_again() -> Result<()> {
    let world = World::get()?;
    let [one, two] = ["rises-one", "rises-two"].map(Alarm::of_its_own);
    let event = one.event("ALARM", step::now());
    let id = incident_of("rises-one", &event)?;
    world.take(&event).await?;
    world.take(&two.event("ALARM", step::now())).await?;

    let worse = async || Ok(Some(world.store.load(&id).await?).filter(|incident| incident.severity == Severity::Sev1));
    let incident = world.until("rise of the first", RAISED_WITHIN, worse).await?;
    assert_eq!((incident.status, incident.engagement, incident.acknowledged_at), (Status::Open, 2, None));
    let rise = incident.raised.context("nothing says why")?;
    assert_eq!((rise.from, rise.to), (Severity::Sev3, Severity::Sev1));
    ensure!(rise.why.contains(" services fire at once: "), "{}", rise.why);
    let again = async || Ok(Some(world.told_of(&id, "Worse: raised from SEV3: ")?).filter(|told| told.topic > 0));
    world.until("page of the rise", PAGE_WITHIN, again).await?;
    let said = |line: &str| line.starts_with("raised from SEV3 to SEV1: ");
    assert_eq!(world.store.timeline(&id).await?.iter().filter(|entry| said(&entry.what)).count(), 1);

    for alarm in [&one, &two] {
        world.take(&alarm.event("OK", step::now())).await?;
    }
    world.status(&id, Status::Resolved, SOON).await?;
    Ok(())
}

#[tokio::test]
async fn what_comes_and_goes_is_one_flapping_incident_from_the_third_time_on() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("flaps");
    let mut last = String::new();
    for nth in 1..=3 {
        let event = alarm.event("ALARM", step::now());
        let id = incident_of("flaps", &event)?;
        world.take(&event).await?;
        let opened = world.status(&id, Status::Open, SOON).await?;
        assert_eq!(opened.opened.flapping, nth == 3, "opening {nth}");
        if nth == 3 {
            let told =
                async || Ok(Some(world.told_of(&id, "Flapping: ")?).filter(|told| told.topic > 0 && told.slack > 0));
            assert_eq!(world.until("page that says so", PAGE_WITHIN, told).await?, Told::ONCE);
        }
        let cleared = step::now();
        world.take(&alarm.event("OK", cleared)).await?;
        if nth == 3 {
            last = id;
            break;
        }
        world.status(&id, Status::Resolved, SOON).await?;
    }
    let resolved = world.status(&last, Status::Resolved, SOON).await?;
    let clear = resolved.resolved_at.zip(resolved.clear_since).map(|(end, clear)| end.duration_since(clear));
    ensure!(clear.is_some_and(|clear| clear.as_secs() >= 6), "three times two seconds, not {clear:?}");
    assert_eq!(world.incidents_of(&alarm.name).await?.len(), 3);
    Ok(())
}
