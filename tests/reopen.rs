//! What fires again a short while after its end is the same incident, in an opening of its own.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use blackbox::{PAGE_WITHIN, World, events::Alarm, incident_of, look::Told};
use incident::{Incident, Status};

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_resolved_incident_that_fires_again_is_open_again() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("comes-back");
    let event = alarm.event("ALARM", step::now());
    let id = incident_of("comes-back", &event)?;
    let first = world.take(&event).await?;
    paged(&world, &id, 1).await?;
    world.take(&alarm.event("OK", step::now())).await?;
    let ended = world.status(&id, Status::Resolved, SOON).await?;

    // At once: the end of the first opening, with its evidence and its postmortem, is still being written.
    let again = alarm.event("ALARM", step::now());
    let second = world.take(&again).await?;
    assert_eq!((&second["incident_id"], &second["outcome"]), (&first["incident_id"], &first["outcome"]), "{second}");
    assert_eq!(second["opening"], 2, "{second}");
    ensure!(second["reason"].as_str().is_some_and(|reason| reason.contains("less than 10m ago")), "{second}");
    let repeated = world.take(&again).await?;
    assert_eq!((&repeated["outcome"], &repeated["opening"]), (&"attached".into(), &2.into()), "{repeated}");
    paged(&world, &id, 2).await?;
    let open = world.store.load(&id).await?;
    assert_eq!((open.status, open.opening, open.run, open.engagement), (Status::Open, 2, 1, 1));
    assert_eq!((open.resolved_at, open.clear_since, &open.opened.plan), (None, None, &ended.opened.plan));
    ensure!(open.opened.opened_at > ended.opened.opened_at, "the measures of the opening begin with it");

    world.take(&alarm.event("OK", step::now())).await?;
    world.status(&id, Status::Resolved, SOON).await?;
    for opening in [1, 2] {
        let whole = async || Ok(Some(world.store.load_in(&id, opening).await?).filter(is_whole));
        let was = world.until(&format!("end of opening {opening}"), SOON, whole).await?;
        let bags: Vec<_> = was.evidence.iter().map(|pass| pass.prefix.as_str()).collect();
        assert_eq!(bags, ["1-warm", "2-complete"].map(|pass| format!("v1/incidents/{id}/{opening}/{pass}/")));
        let page = was.postmortem.context("no postmortem")?.html;
        assert_eq!(page, format!("v1/postmortems/{id}/{opening}/postmortem.html"));
    }
    assert_eq!(world.incidents_of(&alarm.name).await?, [id.as_str()]);
    let done = async || {
        let mut executions = world.executions("IncidentResponse", &id).await?;
        executions.sort();
        Ok(executions.iter().all(|(_, status)| status == "SUCCEEDED").then_some(executions))
    };
    let executions = world.until("end of both openings' executions", SOON, done).await?;
    let names: Vec<_> = executions.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [format!("{id}-1-1"), format!("{id}-2-1")]);
    // Whoever is at work on the second opening must not take the end of the first for its own.
    assert_eq!(world.told_of(&id, "Resolved: opening 1 alone, it is open again")?, Told::ONCE);
    assert_eq!(world.told_of(&id, "Resolved: ")?, Told { topic: 2, slack: 2 });
    assert_eq!(world.cried(&id)?, Vec::<String>::new(), "nothing went wrong on the way");
    Ok(())
}

/// Waits until the first step was paged so often, by each channel.
async fn paged(world: &World, id: &str, times: usize) -> Result<()> {
    let paged = async || Ok(Some(world.paged(id, 1)?).filter(|told| told.topic >= times && told.slack >= times));
    let told = world.until(&format!("page {times} of {id}"), PAGE_WITHIN, paged).await?;
    assert_eq!(told, Told { topic: times, slack: times });
    Ok(())
}

fn is_whole(incident: &Incident) -> bool {
    incident.evidence.len() == 2 && incident.postmortem.is_some()
}
