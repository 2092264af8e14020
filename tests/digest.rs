//! What a plan only notifies of: it opens no incident, its owner is told once, and a person or a rule makes an incident of it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use blackbox::{PAGE_WITHIN, World, events::Alarm, incident_of, look::Told, read};
use incident::{DigestKey, Status};
use response_plan::Severity;
use serde_json::{Value, json};

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// The schedule calls `sweep` every minute.
const PROMOTED_WITHIN: Duration = Duration::from_secs(150);

#[tokio::test]
async fn an_owner_is_told_once_of_what_opens_no_incident() -> Result<()> {
    let world = World::get()?;
    let (digest, [first, second]) = gathered(&world).await?;
    for alarm in [&first, &second] {
        assert_eq!(world.incidents_of(&alarm.name).await?, Vec::<String>::new());
        assert_eq!(world.told(&alarm.name)?, [], "nobody is told before it is due");
    }
    for _ in 0..2 {
        gather_no_longer(&world, &digest).await?;
        let swept = world.invoke("SweepFunction", b"{}").await?;
        ensure!(swept.is_ok(), "{swept:?}");
        // One message by each channel names both.
        let told = async || Ok((world.told_of(&first.name, &second.name)? == Told::ONCE).then_some(()));
        world.until("the digest", SOON, told).await?;
        let recorded = async || Ok(head(&world, &digest).await?.get("status").is_none().then_some(()));
        world.until("record that it was told", SOON, recorded).await?;
    }
    assert_eq!(world.told_of(&first.name, &second.name)?, Told::ONCE, "it was told already");
    assert_eq!(world.told(&first.name)?.len(), 2, "nothing else was said of it");
    let executions = world.executions("Engage", &digest).await?;
    ensure!(executions.iter().all(|(_, status)| status == "SUCCEEDED"), "{executions:?}");
    Ok(())
}

#[tokio::test]
async fn a_person_makes_an_incident_of_it() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("declared");
    let event = alarm.event("ALARM", step::now());
    let (id, signal) = (incident_of("declared", &event)?, read(&event)?);
    world.take(&event).await?;
    ensure!(world.store.incident(&id).await?.is_none(), "it opens nothing by itself");
    let declare = ["declare", "--from", &signal.signal_id, "--reason", "it spreads", "--severity", "SEV2"];
    let said = world.tourniquet(&declare).await?;
    ensure!(said.exit == Some(0) && said.output.contains(&format!("{id} is open as SEV2")), "{said:?}");
    let paged = async || Ok((world.paged(&id, 1)? == Told::ONCE).then_some(()));
    world.until("page", PAGE_WITHIN, paged).await?;

    // Asked for again it is there already, and what fires in its group joins it.
    let said = world.tourniquet(&declare).await?;
    ensure!(said.exit == Some(0) && said.output.contains(&format!("belongs to the incident {id}")), "{said:?}");
    let sister = alarm.sister("too");
    world.take(&sister.event("ALARM", step::now())).await?;
    assert_eq!(world.store.load(&id).await?.firing, [alarm.arn(), sister.arn()].into());
    for alarm in [&alarm, &sister] {
        world.take(&alarm.event("OK", step::now())).await?;
    }
    world.status(&id, Status::Resolved, SOON).await?;
    assert_eq!(world.paged(&id, 1)?, Told::ONCE);
    assert_eq!(world.executions("IncidentResponse", &id).await?.len(), 1);
    Ok(())
}

/// As drills, since nothing else that fires on the stack counts for them.
#[tokio::test]
async fn what_fires_beside_another_service_becomes_an_incident() -> Result<()> {
    let world = World::get()?;
    let alarms = ["spreads-one", "spreads-two"].map(Alarm::of_its_own);
    let drill = |alarm: &Alarm, state: &str| {
        let mut event = alarm.forwarded(state, step::now());
        event["source"] = "tourniquet.drill".into();
        event
    };
    let events = alarms.each_ref().map(|alarm| drill(alarm, "ALARM"));
    let id = incident_of("spreads-one", &events[0])?;
    for event in &events {
        let taken = world.take(event).await?;
        ensure!(taken["outcome"] == "notify-only", "{taken}");
    }

    let incident = world.status(&id, Status::Open, PROMOTED_WITHIN).await?;
    let rise = incident.raised.context("nothing says why")?;
    assert_eq!((incident.severity, rise.from, rise.to), (Severity::Sev1, Severity::Sev4, Severity::Sev1));
    ensure!(rise.why.contains(" services fire at once: ") && rise.why.contains("spreads-one"), "{}", rise.why);
    let paged = async || Ok((world.paged(&id, 1)? == Told::ONCE).then_some(()));
    world.until("page", PAGE_WITHIN, paged).await?;
    assert_eq!(world.told_of(&id, "Worse: raised from SEV4: ")?, Told::ONCE);
    assert_eq!(world.incidents_of(&alarms[1].name).await?, Vec::<String>::new(), "its plan has no rule");

    for alarm in &alarms {
        world.take(&drill(alarm, "OK")).await?;
    }
    world.status(&id, Status::Resolved, SOON).await?;
    assert_eq!(world.executions("IncidentResponse", &id).await?.len(), 1);
    Ok(())
}

/// Two alarms of one owner in one digest, each delivered twice.
async fn gathered(world: &World) -> Result<(String, [Alarm; 2])> {
    loop {
        let key = || DigestKey::new("quiet", step::now(), false).id();
        let (before, alarms) = (key(), [(); 2].map(|()| Alarm::of_its_own("told-once")));
        for alarm in &alarms {
            let event = alarm.event("ALARM", step::now());
            for _ in 0..2 {
                world.take(&event).await?;
            }
        }
        // A quarter of an hour may have begun in between: then they are in two.
        if key() == before {
            let entries = world.store.digest_entries(&before).await?;
            for alarm in &alarms {
                assert_eq!(entries.iter().filter(|entry| entry.fingerprint == alarm.arn()).count(), 1);
            }
            return Ok((before, alarms));
        }
    }
}

/// The digest is due, as far as `sweep` can see; one that was told already is not.
async fn gather_no_longer(world: &World, digest: &str) -> Result<()> {
    if head(world, digest).await?.get("status").is_none() {
        return Ok(());
    }
    let key = json!({"pk": {"S": format!("DIGEST#{digest}")}, "sk": {"S": "META"}}).to_string();
    let values = json!({":at": {"S": "2026-01-01T00:00:00.000Z"}}).to_string();
    let table = world.stack.output("Table")?;
    let update = ["dynamodb", "update-item", "--table-name", table, "--key", &key];
    let set = ["--update-expression", "SET opened_at = :at", "--expression-attribute-values", &values];
    world.aws(&[&update[..], &set[..]].concat()).await.map(drop)
}

async fn head(world: &World, digest: &str) -> Result<Value> {
    let item = world.item(&format!("DIGEST#{digest}"), "META").await?;
    item.is_object().then_some(item).with_context(|| format!("{digest} is not there"))
}
