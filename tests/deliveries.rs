//! Every delivery twice, in any order, through any door: one incident, one page, one mitigation at most.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use blackbox::{
    World,
    doors::Door,
    events::Alarm,
    incident_of,
    look::{Taken, Told},
    people::command,
    read,
};
use incident::{Status, Verb};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// An instant that many seconds ago, to the millisecond, as CloudWatch writes it.
fn ago(seconds: i64) -> Timestamp {
    let at = step::now() - SignedDuration::from_secs(seconds);
    at - SignedDuration::from_nanos(i64::from(at.subsec_nanosecond() % 1_000_000))
}

#[tokio::test]
async fn the_same_alarm_by_any_two_doors_is_one_incident() -> Result<()> {
    let world = World::get()?;
    let pairs = Door::ALL.into_iter().flat_map(|first| Door::ALL.map(|second| (first, second)));
    let mut delivered = Vec::new();
    for (first, second) in pairs {
        let (alarm, at) = (Alarm::of_its_own("doors"), ago(5));
        first.bring(&world, &alarm, "ALARM", at).await?;
        second.bring(&world, &alarm, "ALARM", at).await?;
        delivered.push((first, second, alarm, at));
    }
    for (first, second, alarm, at) in delivered {
        let which = format!("{first:?}, then {second:?}");
        let event = alarm.event("ALARM", at);
        let (id, signal_id) = (incident_of("doors", &event)?, read(&event)?.signal_id);
        let both = async || Ok(Some(world.taken(&signal_id).await?).filter(|taken| taken.len() == 2));
        let taken = world.until(&format!("second delivery by {which}"), SOON, both).await?;
        let opened = taken.iter().filter(|taken| taken.outcome == "Incident").count();
        let repeated = Taken { outcome: "Attached".to_owned(), reason: "it came before".to_owned() };
        ensure!(opened == 1 && taken.contains(&repeated), "{which}: {taken:?}");
        check_one(&world, &id, &which).await?;
        assert_eq!(world.incidents_of(&alarm.name).await?, [id], "{which}");
    }
    Ok(())
}

/// One execution of each machine, one page by each channel, one mitigation record, each seen once the next is there.
async fn check_one(world: &World, id: &str, which: &str) -> Result<()> {
    let planned = async || Ok(Some(world.store.mitigations(id, 1).await?).filter(|all| !all.is_empty()));
    let mitigations = world.until(&format!("mitigation of {id}"), SOON, planned).await?;
    assert_eq!(mitigations.len(), 1, "{which}");
    let paged = async || Ok(Some(world.paged(id, 1)?).filter(|told| told.topic > 0 && told.slack > 0));
    assert_eq!(world.until(&format!("page of {id}"), SOON, paged).await?, Told::ONCE, "{which}");
    // Whoever is told what came of the mitigation is told after anything that a second run could have done twice.
    let told = async || Ok(Some(world.told_of(id, "Mitigation ")?).filter(|told| told.topic > 0 && told.slack > 0));
    assert_eq!(world.until(&format!("word of the mitigation of {id}"), SOON, told).await?, Told::ONCE, "{which}");
    assert_eq!(world.paged(id, 1)?, Told::ONCE, "{which}");
    for machine in ["IncidentResponse", "Engage", "Mitigate", "CaptureEvidence"] {
        let executions = world.executions(machine, id).await?;
        let names: Vec<&str> = executions.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [format!("{id}-1-1")], "{which}: {machine}");
    }
    Ok(())
}

#[tokio::test]
async fn an_ok_that_came_first_keeps_its_older_alarm_from_opening() -> Result<()> {
    let world = World::get()?;
    for door in Door::ALL {
        let (alarm, clear, fired) = (Alarm::of_its_own("reordered"), ago(5), ago(35));
        let ok = world.alarm(&alarm, "OK", clear).await?;
        assert_eq!((ok["outcome"].as_str(), &ok["incident_id"]), (Some("ignored"), &Value::Null), "{ok}");
        door.bring(&world, &alarm, "ALARM", fired).await?;

        let event = alarm.event("ALARM", fired);
        let (id, signal_id) = (incident_of("reordered", &event)?, read(&event)?.signal_id);
        let came = async || Ok(world.taken(&signal_id).await?.pop());
        let taken = world.until(&format!("delivery by {door:?}"), SOON, came).await?;
        assert_eq!(taken.outcome, "Ignored", "{door:?}");
        assert!(taken.reason.contains("older than the last known state, recovered at"), "{door:?}: {}", taken.reason);
        let recorded = world.item(&format!("SIG#{signal_id}"), "META").await?;
        assert_eq!(recorded["reason"]["S"], taken.reason, "{recorded}");
        assert_eq!(world.store.incident(&id).await?, None, "{door:?}");
        assert_eq!(world.incidents_of(&alarm.name).await?, Vec::<String>::new(), "{door:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_alarm_older_than_a_later_ok_changes_nothing() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("stale");
    let (fired, between, clear) = (ago(60), ago(40), ago(20));
    let id = opened(&world.alarm(&alarm, "ALARM", fired).await?);
    let ok = world.alarm(&alarm, "OK", clear).await?;
    assert_eq!((ok["outcome"].as_str(), ok["incident_id"].as_str()), (Some("attached"), Some(id.as_str())));

    // Late, while the clear period runs …
    let late = world.alarm(&alarm, "ALARM", between).await?;
    assert_eq!((late["outcome"].as_str(), &late["incident_id"]), (Some("ignored"), &Value::Null), "{late}");
    let resolved = world.status(&id, Status::Resolved, SOON).await?;
    assert!(resolved.firing.is_empty(), "{:?}", resolved.firing);
    assert_eq!((resolved.clear_since, resolved.engagement), (Some(clear), 1));

    // … and later still, after the end.
    let later = world.alarm(&alarm, "ALARM", between + SignedDuration::from_secs(5)).await?;
    assert_eq!((later["outcome"].as_str(), &later["incident_id"]), (Some("ignored"), &Value::Null), "{later}");
    assert_eq!(world.incidents_of(&alarm.name).await?, [id.as_str()]);
    let after = world.store.load(&id).await?;
    assert_eq!((after.status, after.opening, after.resolved_at), (Status::Resolved, 1, resolved.resolved_at));
    assert_eq!(world.paged(&id, 1)?, Told::ONCE);
    Ok(())
}

#[tokio::test]
async fn deliveries_at_once_are_one_incident() -> Result<()> {
    let world = Arc::new(World::get()?);
    let first = Alarm::of_its_own("concurrent");
    let alarms: Vec<Alarm> = ["a", "b", "c", "d"].map(|suffix| first.sister(suffix)).to_vec();
    let (fired, cleared) = (ago(30), ago(10));
    // Each of four signals of one group three times, all at once.
    let mut deliveries = tokio::task::JoinSet::new();
    for alarm in alarms.iter().cycle().take(12) {
        let (world, alarm) = (Arc::clone(&world), alarm.clone());
        deliveries.spawn(async move { world.alarm(&alarm, "ALARM", fired).await });
    }
    let taken = deliveries.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let ids: BTreeSet<&str> = taken.iter().filter_map(|taken| taken["incident_id"].as_str()).collect();
    let outcomes = |word: &str| taken.iter().filter(|taken| taken["outcome"] == word).count();
    assert_eq!((ids.len(), outcomes("incident"), outcomes("attached")), (1, 1, 11), "{taken:?}");
    let id = (*ids.first().unwrap()).to_owned();

    let firing: BTreeSet<String> = alarms.iter().map(Alarm::arn).collect();
    assert_eq!(world.store.load(&id).await?.firing, firing);
    assert_eq!(world.incidents_of(&first.name).await?, [id.as_str()]);
    check_one(&world, &id, "at once").await?;

    // All but one recover at once, each twice: it is still open, and fires as the last one does.
    let mut deliveries = tokio::task::JoinSet::new();
    for alarm in alarms[1..].iter().cycle().take(6) {
        let (world, alarm) = (Arc::clone(&world), alarm.clone());
        deliveries.spawn(async move { world.alarm(&alarm, "OK", cleared).await });
    }
    deliveries.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let still = world.store.load(&id).await?;
    assert_eq!((still.status, still.firing), (Status::Open, BTreeSet::from([alarms[0].arn()])));

    world.alarm(&alarms[0], "OK", cleared).await?;
    world.status(&id, Status::Resolved, SOON).await?;
    Ok(())
}

#[tokio::test]
async fn one_of_two_alarms_that_clears_leaves_the_incident_open() -> Result<()> {
    let world = World::get()?;
    let one = Alarm::of_its_own("twice");
    let other = one.sister("other");
    let id = opened(&world.alarm(&one, "ALARM", ago(30)).await?);
    let joined = world.alarm(&other, "ALARM", ago(25)).await?;
    assert_eq!((joined["outcome"].as_str(), joined["incident_id"].as_str()), (Some("attached"), Some(id.as_str())));
    let waits = async || Ok(world.store.load(&id).await?.recovery_token);
    let token = world.until(&format!("AwaitRecovery of {id}"), SOON, waits).await?;

    world.alarm(&one, "OK", ago(20)).await?;
    let half = world.store.load(&id).await?;
    assert_eq!((half.status, &half.firing), (Status::Open, &BTreeSet::from([other.arn()])));
    assert_eq!(half.recovery_token, Some(token), "the state machine still waits");

    world.alarm(&other, "OK", ago(15)).await?;
    world.status(&id, Status::Resolved, SOON).await?;
    assert_eq!(world.paged(&id, 1)?, Told::ONCE);
    Ok(())
}

#[tokio::test]
async fn an_ok_that_comes_twice_and_late_changes_nothing_more() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("cleared");
    let clear = ago(20);
    let id = opened(&world.alarm(&alarm, "ALARM", ago(40)).await?);
    for door in [Door::Rule, Door::Action, Door::Topic, Door::Queue] {
        door.bring(&world, &alarm, "OK", clear).await?;
    }
    world.status(&id, Status::Resolved, SOON).await?;
    let told = async || Ok(Some(world.told_of(&id, "Resolved")?).filter(|told| told.topic > 0 && told.slack > 0));
    assert_eq!(world.until(&format!("word that {id} is resolved"), SOON, told).await?, Told::ONCE);
    let before = world.store.load(&id).await?;

    // Late: the same again, and a newer one of an alarm that is clear.
    let repeated = world.alarm(&alarm, "OK", clear).await?;
    assert_eq!(repeated["reason"], "it came before", "{repeated}");
    let newer = world.alarm(&alarm, "OK", ago(1)).await?;
    assert_eq!((newer["outcome"].as_str(), &newer["incident_id"]), (Some("ignored"), &Value::Null), "{newer}");
    assert_eq!(world.store.load(&id).await?, before);
    assert_eq!(world.told_of(&id, "Resolved")?, Told::ONCE);
    assert_eq!(world.executions("IncidentResponse", &id).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_mitigated_incident_that_fires_again_pages_again() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("refires");
    let id = opened(&world.alarm(&alarm, "ALARM", ago(60)).await?);
    let first = async || Ok((world.paged(&id, 1)? == Told::ONCE).then_some(()));
    world.until(&format!("page of {id}"), SOON, first).await?;
    let answer = world.ask(&command("ana", Verb::Acknowledge, Some(&id), json!({}))).await?;
    ensure!(answer.done, "{}", answer.answer);
    assert!(world.store.mitigated(&id, 1, step::now()).await?, "it was not open");

    // Something else of the group fires, by two doors.
    let (again, at) = (alarm.sister("again"), ago(1));
    for door in [Door::Action, Door::Rule] {
        door.bring(&world, &again, "ALARM", at).await?;
    }
    let open = world.store.load(&id).await?;
    assert_eq!((open.status, open.engagement, open.acknowledged_at), (Status::Open, 2, None));
    let twice = Told { topic: 2, slack: 2 };
    let second = async || Ok(Some(world.paged(&id, 1)?).filter(|told| told.topic > 1 && told.slack > 1));
    assert_eq!(world.until(&format!("second page of {id}"), SOON, second).await?, twice);
    let names =
        |executions: Vec<(String, String)>| executions.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    let engaged = BTreeSet::from([format!("{id}-1-1"), format!("{id}-1-2")]);
    assert_eq!(names(world.executions("Engage", &id).await?), engaged);
    assert_eq!(world.executions("IncidentResponse", &id).await?.len(), 1);

    // What fires once more joins the second engagement, and pages nobody.
    Door::Action.bring(&world, &alarm.sister("once-more"), "ALARM", ago(0)).await?;
    assert_eq!(world.store.load(&id).await?.engagement, 2);
    assert_eq!(names(world.executions("Engage", &id).await?), engaged);
    assert_eq!(world.paged(&id, 1)?, twice);
    Ok(())
}

fn opened(taken: &Value) -> String {
    assert_eq!(taken["outcome"], "incident", "{taken}");
    taken["incident_id"].as_str().unwrap_or_default().to_owned()
}
