//! Pages fail open: what triage cannot read or reach never keeps a page back, and once the fault is over the delivery that
//! is tried again leads to one incident.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use blackbox::{PAGE_WITHIN, World, events::Alarm, incident_of, look::Told, read};
use incident::Status;
use serde_json::Value;
use xtask::proxy::Action;

/// The queue `signals` shows a message again after a minute.
const TRIED_AGAIN_WITHIN: Duration = Duration::from_secs(150);

/// What triage says of itself where it pages alone.
const DEGRADED: &str = "degraded, may repeat";

#[tokio::test]
async fn unreadable_plans_page_on_the_catch_all() -> Result<()> {
    let world = World::get()?;
    let torn = world.stack.dir.join("torn-plans.json");
    fs::write(&torn, r#"{"v": 1, "plans": ["#)?;
    let torn = torn.to_str().context("the path is not UTF-8")?;
    for (name, plans) in [("blackbox-plans-gone", "/there/are/no/plans.json"), ("blackbox-plans-torn", torn)] {
        world.copy("TriageFunction", name, &[("TOURNIQUET_PLANS", Some(plans))]).await?;
        let (alarm, at) = (Alarm::of_its_own("no-plans"), step::now());
        let event = alarm.event("ALARM", at);
        let answer = world.invoke_named(name, event.to_string().as_bytes()).await?;
        let answer = answer.map_err(|(error, sentence)| anyhow!("{name} failed with {error}: {sentence}"))?;
        let taken = &answer["results"][0];
        assert_eq!(taken["outcome"], "incident", "{answer}");
        let id = taken["incident_id"].as_str().context("no incident")?;

        let cried = async || Ok(world.cried(id)?.into_iter().find(|message| message.contains(&alarm.name)));
        let page = world.until(&format!("page about {}", alarm.name), PAGE_WITHIN, cried).await?;
        assert!(page.contains("Degraded: the response plans could not be read"), "{page}");
        let incident = world.store.load(id).await?;
        assert_eq!(incident.opened.degraded.as_deref(), Some("the response plans could not be read"));
        assert_ne!(incident.plan().plan, "no-plans", "the catch-all owns it");

        // The plans can be read again, and the delivery comes again.
        let again = world.take(&event).await?;
        assert_eq!((again["incident_id"].as_str(), &again["reason"]), (Some(id), &Value::from("it came before")));
        assert_eq!(world.incidents_of(&alarm.name).await?, [id]);
        assert_eq!(world.executions("IncidentResponse", id).await?.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn without_the_table_triage_pages_by_itself() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("no-table");
    let event = alarm.event("ALARM", step::now());
    let (id, signal_id) = (incident_of("no-table", &event)?, read(&event)?.signal_id);
    let gone = world.fault("DynamoDB", &signal_id, Action::Drop(true))?;
    world.send("SignalsQueue", &event.to_string()).await?;

    let page = cry_for_help(&world, &alarm).await?;
    assert!(page.contains("the incident table could not be read"), "{page}");
    assert!(gone.met()? > 0);
    assert_eq!(world.store.incident(&id).await?, None, "the table was gone");
    gone.end()?;
    one_incident(&world, &alarm, &id).await
}

#[tokio::test]
async fn without_step_functions_triage_pages_by_itself() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("no-states");
    let event = alarm.event("ALARM", step::now());
    let id = incident_of("no-states", &event)?;
    let gone = world.fault("StartExecution", &id, Action::Fail(503))?;
    world.send("SignalsQueue", &event.to_string()).await?;

    let page = cry_for_help(&world, &alarm).await?;
    assert!(page.contains("the incident's execution could not be started"), "{page}");
    assert!(gone.met()? > 0);
    assert_eq!(world.store.load(&id).await?.status, Status::Open, "it is recorded all the same");
    assert_eq!(world.executions("IncidentResponse", &id).await?, []);
    gone.end()?;
    one_incident(&world, &alarm, &id).await
}

/// The page that triage sends by itself, with what a person needs.
async fn cry_for_help(world: &World, alarm: &Alarm) -> Result<String> {
    let cried = async || Ok(world.cried(DEGRADED)?.into_iter().find(|message| message.contains(&alarm.name)));
    let page = world.until(&format!("page about {}", alarm.name), PAGE_WITHIN, cried).await?;
    for part in ["SEV2", "Owner of the decision: testers", &alarm.arn(), "Look: https://"] {
        assert!(page.contains(part), "{part} is not in: {page}");
    }
    Ok(page)
}

/// The fault is over: the queue brings the signal again, and the incident takes its ordinary way.
async fn one_incident(world: &World, alarm: &Alarm, id: &str) -> Result<()> {
    let paged = async || Ok((world.paged(id, 1)? == Told::ONCE).then_some(()));
    world.until(&format!("page of {id} by its channels"), TRIED_AGAIN_WITHIN, paged).await?;
    assert_eq!(world.incidents_of(&alarm.name).await?, [id]);
    assert_eq!(world.executions("IncidentResponse", id).await?.len(), 1);
    assert_eq!(world.store.load(id).await?.status, Status::Open);
    Ok(())
}
