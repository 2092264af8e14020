//! What takes something away keeps the incident at most mitigated until it is back, whoever puts it back; a person may
//! resolve it all the same, and it stays listed.
//!
//! Not here: the look every 15 minutes, which no test waits for; what it finds is here, since whoever wakes the state
//! machine makes it look.

use std::io::{Cursor, Write as _};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use blackbox::{ACCOUNT, REGION, World, consumer::Consumer, look::Told, people::Said};
use incident::{MitigationRecord, Outcome, Progress, Status};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::RwLock;
use zip::{ZipWriter, write::SimpleFileOptions};

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(120);

/// The brake is for the whole stack: the test that pulls it waits for those that change something, and they for it.
static BRAKE: RwLock<()> = RwLock::const_new(());

#[tokio::test]
async fn a_consumer_that_helped_by_being_off_is_put_back_as_asked() -> Result<()> {
    let world = World::get()?;
    let consumer = Consumer::start(&world, "checkout-asked", consuming()?).await?;
    let no_brake = BRAKE.read().await;
    let (id, planned) = planned(&world, &consumer).await?;
    let target = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{}", consumer.uuid);
    assert_eq!((planned.target.as_str(), planned.takes_away), (target.as_str(), true));
    assert_eq!((planned.prior, planned.desired), (Some(json!({"enabled": true})), Some(json!({"enabled": false}))));
    check(&world.tourniquet(&["approve", &id, "--yes"]).await?, 0, "approved")?;
    let verified = ended(&world, &id).await?;
    assert_eq!((verified.outcome, consumer.state().await?.as_str()), (Some(Outcome::Verified), "Disabled"));
    drop(no_brake);

    waits(&world, &id).await?;
    assert_eq!(world.store.load(&id).await?.status, Status::Mitigated);
    assert_eq!(listed(&world, &id).await?["put_back_with"], format!("tourniquet mitigate undo {id}"));
    check(&world.tourniquet(&["show", &id]).await?, 0, &format!("in force: tourniquet mitigate undo {id}"))?;
    reminded(&world, &id).await?;

    refused_by_the_brake(&world, &id).await?;
    assert_eq!(consumer.state().await?, "Disabled");
    consumer.is_borne();
    let undo = ["mitigate", "undo", &id, "--reason", "it bears it again", "--yes"];
    check(&world.tourniquet(&undo).await?, 0, "asked for")?;
    let back = back(&world, &id).await?;
    assert_eq!(consumer.state().await?, "Enabled");
    let undo = back.undo.context("nobody asked")?;
    assert_eq!((undo.run, undo.reason.as_deref()), (2, Some("it bears it again")));
    let by = back.put_back.and_then(|back| back.by);
    assert_eq!((by.as_deref(), back.outcome), (Some("tester (claimed)"), Some(Outcome::Verified)));

    let resolved = world.status(&id, Status::Resolved, SOON).await?;
    assert_eq!((resolved.resolved_by, resolved.opening), (None, 1));
    check(&world.tourniquet(&["mitigate", "undo", &id, "--yes"]).await?, 1, "it is back since")?;
    let told = async || Ok((world.told_of(&id, "Put back: ")? == Told::ONCE).then_some(()));
    world.until("word that it is back", SOON, told).await?;
    ensure!(listed(&world, &id).await?.is_null(), "it is listed still");
    ended_well(&world, &id).await
}

#[tokio::test]
async fn what_a_person_switches_on_by_hand_counts_as_back() -> Result<()> {
    let world = World::get()?;
    let consumer = Consumer::start(&world, "checkout-by-hand", consuming()?).await?;
    consumer.goes_dark();
    let no_brake = BRAKE.read().await;
    let (id, _) = planned(&world, &consumer).await?;
    check(&world.tourniquet(&["approve", &id, "--yes"]).await?, 0, "approved")?;
    // What fired cleared, and nothing proves that the service lives: the incident stays open until it would be resolved.
    let waiting = waits(&world, &id).await?;
    assert_eq!(ended(&world, &id).await?.outcome, Some(Outcome::Unproven));
    drop(no_brake);
    world.status(&id, Status::Mitigated, SOON).await?;

    consumer.is_borne();
    consumer.switch_on_by_hand().await?;
    let states = aws_sdk_sfn::Client::new(&world.config);
    states.send_task_success().task_token(waiting).output("{}").send().await?;
    let back = back(&world, &id).await?.put_back.context("it is not back")?;
    assert_eq!(back.by, None);
    let resolved = world.status(&id, Status::Resolved, SOON).await?;
    // It has held once more since it was found to be back.
    let held = resolved.resolved_at.context("when?")?.duration_since(back.at);
    ensure!(held >= SignedDuration::from_secs(2), "resolved {held:?} after it was found to be back");
    let timeline = world.store.timeline(&id).await?;
    ensure!(timeline.iter().any(|entry| entry.what.starts_with("put back, not by us")), "{timeline:?}");
    ended_well(&world, &id).await
}

#[tokio::test]
async fn a_person_resolves_it_all_the_same_and_it_stays_listed() -> Result<()> {
    let world = World::get()?;
    let consumer = Consumer::start(&world, "checkout-given-up", consuming()?).await?;
    let no_brake = BRAKE.read().await;
    let (id, _) = planned(&world, &consumer).await?;
    check(&world.tourniquet(&["approve", &id, "--yes"]).await?, 0, "approved")?;
    ended(&world, &id).await?;
    waits(&world, &id).await?;
    drop(no_brake);
    check(&world.tourniquet(&["resolve", &id]).await?, 0, "still in force: switch off what feeds")?;
    // The state machine that waited for the put-back goes on at once.
    ended_well(&world, &id).await?;
    let resolved = world.store.load(&id).await?;
    assert_eq!((resolved.status, resolved.postmortem.is_some()), (Status::Resolved, true));
    assert_eq!(listed(&world, &id).await?["status"], "resolved");

    let _no_brake = BRAKE.read().await;
    consumer.is_borne();
    check(&world.tourniquet(&["mitigate", "undo", &id, "--yes"]).await?, 0, "asked for")?;
    back(&world, &id).await?;
    assert_eq!(consumer.state().await?, "Enabled");
    ensure!(listed(&world, &id).await?.is_null(), "it is listed still");
    Ok(())
}

/// The consumer's incident, and its mitigation that waits for approval.
async fn planned(world: &World, consumer: &Consumer) -> Result<(String, MitigationRecord)> {
    let opened = async || Ok(world.incidents_of(&consumer.alarm).await?.pop());
    let id = world.until(&format!("incident of {}", consumer.alarm), SOON, opened).await?;
    let record = async || Ok(world.store.mitigation(&id, 1, 1).await?);
    let record = world.until(&format!("mitigation of {id}"), SOON, record).await?;
    ensure!(record.progress == Progress::Planned, "it does not wait for approval: {record:?}");
    Ok((id, record))
}

/// The first mitigation, once it is as `is` says.
async fn mitigation(
    world: &World,
    id: &str,
    what: &str,
    is: fn(&MitigationRecord) -> bool,
) -> Result<MitigationRecord> {
    let look = async || Ok(world.store.mitigation(id, 1, 1).await?.filter(is));
    world.until(&format!("{what} of {id}"), SOON, look).await
}

async fn ended(world: &World, id: &str) -> Result<MitigationRecord> {
    mitigation(world, id, "end of the mitigation", |record| record.progress == Progress::Ended).await
}

async fn back(world: &World, id: &str) -> Result<MitigationRecord> {
    mitigation(world, id, "put-back", |record| record.put_back.is_some()).await
}

/// The token of the wait, once everything is clear and only what is in force keeps the incident.
async fn waits(world: &World, id: &str) -> Result<String> {
    let record = mitigation(world, id, "wait for the put-back", |record| record.put_back_token.is_some()).await?;
    let incident = world.store.load(id).await?;
    ensure!(incident.status == Status::Mitigated && incident.firing.is_empty(), "{incident:?}");
    record.put_back_token.context("no token")
}

/// What `tourniquet mitigations` says of an incident; null where it does not name it.
async fn listed(world: &World, id: &str) -> Result<Value> {
    let said = world.tourniquet(&["mitigations", "--json"]).await?;
    let all: Value = serde_json::from_str(&said.output).with_context(|| format!("{said:?}"))?;
    let of_it = all["mitigations"].as_array().context("no list")?.iter().find(|m| m["incident_id"] == id);
    Ok(of_it.cloned().unwrap_or_default())
}

/// The mitigation ended two hours ago, as far as `sweep` can see: the owner is reminded, once.
async fn reminded(world: &World, id: &str) -> Result<()> {
    let record = world.store.mitigation(id, 1, 1).await?.context("no mitigation")?;
    let long_ago = record.ended_at.context("when did it end?")? - SignedDuration::from_hours(2);
    let record = MitigationRecord { ended_at: Some(long_ago), ..record };
    ensure!(world.store.advance(Progress::Ended, &record).await?, "it changed in between");
    for _ in 0..2 {
        let swept = world.invoke("SweepFunction", b"{}").await?;
        ensure!(swept.as_ref().is_ok_and(|swept| swept["in_force"].as_u64() >= Some(1)), "{swept:?}");
    }
    let told = async || Ok((world.told_of(id, "Still in force")? == Told::ONCE).then_some(()));
    world.until(&format!("reminder of {id}"), SOON, told).await
}

/// With the brake on it is not put back, and whoever asked is told why.
async fn refused_by_the_brake(world: &World, id: &str) -> Result<()> {
    let _alone = BRAKE.write().await;
    check(&world.tourniquet(&["brake", "on", "--reason", "we look first", "--minutes", "5"]).await?, 0, "on until")?;
    let refused = async {
        check(&world.tourniquet(&["mitigate", "undo", id, "--yes"]).await?, 0, "asked for")?;
        let is_refused = |record: &MitigationRecord| record.undo.as_ref().is_some_and(|undo| undo.refused.is_some());
        let why = mitigation(world, id, "refusal", is_refused).await?.undo.and_then(|undo| undo.refused);
        ensure!(why.as_deref().unwrap_or_default().contains("the brake is on"), "{why:?}");
        let told = async || Ok((world.told_of(id, "Not put back: ")? == Told::ONCE).then_some(()));
        world.until("word of the refusal", SOON, told).await
    };
    let refused = refused.await;
    check(&world.tourniquet(&["brake", "off"]).await?, 0, "off")?;
    refused
}

/// Waits until the incident's own execution has succeeded.
async fn ended_well(world: &World, id: &str) -> Result<()> {
    let over = async || match world.executions("IncidentResponse", id).await?.as_slice() {
        [(_, status)] if status == "SUCCEEDED" => Ok(Some(())),
        [(_, status)] if status == "RUNNING" => Ok(None),
        other => anyhow::bail!("incident-response of {id}: {other:?}"),
    };
    world.until(&format!("end of incident-response of {id}"), SOON, over).await
}

fn check(said: &Said, exit: i32, part: &str) -> Result<()> {
    let text = format!("{}{}", said.output, said.error);
    ensure!(said.exit == Some(exit) && text.contains(part), "{exit} and `{part}` were expected: {said:?}");
    Ok(())
}

/// A consumer that takes what it gets.
fn consuming() -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("probe.py", SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored))?;
    zip.write_all(b"def handler(event, context):\n    return {}\n")?;
    Ok(zip.finish()?.into_inner())
}
