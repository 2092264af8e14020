//! Many new incidents at once are one storm: nothing is dropped, each owner is paged once about all of theirs, and what still
//! fires when it is over opens its incident. On a stack of its own, since a storm takes everything that opens.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use blackbox::{PAGE_WITHIN, World, events::Alarm, incident_of, look::Told, read};
use futures_util::future::try_join_all;
use incident::{Status, Storm, groups};
use jiff::Timestamp;
use response_plan::Severity;
use serde_json::Value;
use xtask::{
    demo::{Receiver, TOKEN, scene},
    plans,
    proxy::{Action, Match, Rule},
    say::Progress,
    stack::{Options, Running, Stack},
    workspace::Workspace,
};

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// More than these at once are a storm.
const MORE_THAN: usize = 3;

const TEAMS: &str = "\
contacts: { someone: { sns: { topic: tourniquet-pages } } }
teams:
  platform: { escalation: [{ contact: someone, wait: 30m }] }
  search: { escalation: [{ contact: someone, wait: 30m }] }
  shop: { escalation: [{ contact: someone, wait: 30m }] }
storm: { owner: platform, more_than: 3, within: 1m }
";

const PLAN: &str = "\
plan: NAME
type: storm
match:
  source: [aws.cloudwatch]
  detail: { alarmName: [{ prefix: NAME- }] }
service: NAME
environment: test
owner: OWNER
severity: SEVERITY
recovery: { by: signal, held_for: 1s }
";

fn deployed(people: &Receiver) -> Result<Running> {
    let workspace = Workspace::here();
    let options = Options::private(&workspace, "storm");
    let named = [("early", "search", "SEV3"), ("find", "search", "SEV3"), ("buy", "shop", "SEV1")];
    let named = named.map(|(name, owner, severity)| {
        let plan = PLAN.replace("NAME", name).replace("OWNER", owner).replace("SEVERITY", severity);
        (name.to_owned(), plan)
    });
    let plans = plans::write(&options.dir, TEAMS, named)?;
    scene::deploy(&workspace, options, &plans, people, Progress::new(true))
}

#[tokio::test]
async fn a_storm_is_told_as_one_and_nothing_of_it_is_lost() -> Result<()> {
    let people = Receiver::start(TOKEN)?;
    let running = deployed(&people)?;
    let world = World::of(Stack::clone(&running))?;

    // As many as are no storm, each an incident of its own.
    let early: Vec<_> = (0..MORE_THAN).map(|_| Fires::now("early")).collect::<Result<_>>()?;
    for fires in &early {
        assert_eq!(world.take(&fires.event).await?["incident_id"], fires.incident.as_str());
    }
    // One more begins a storm, and triage is killed right after it did.
    let members: Vec<_> = ["find", "buy", "buy", "find", "find"].into_iter().map(Fires::now).collect::<Result<_>>()?;
    let begins = Match {
        target_contains: Some("UpdateItem".to_owned()),
        body_contains: Some("SET storm = :storm".to_owned()),
        ..Match::default()
    };
    let (id, proxy) = ("begins".to_owned(), world.stack.proxy());
    proxy.arm(&Rule { id, when: begins, action: Action::KillAfter(true), times: 1 })?;
    let taken = world.invoke("TriageFunction", members[0].event.to_string().as_bytes()).await?;
    ensure!(taken.is_err() && proxy.log()?.matches.len() == 1, "{taken:?}");
    let storm = world.store.weather().await?.storm.context("no storm is on")?;
    // It comes again, and many more, all of them twice and all at once.
    let twice = members.iter().chain(&members).map(|fires| world.take(&fires.event));
    let taken = try_join_all(twice).await?;
    assert_eq!(world.store.weather().await?.storm.as_ref(), Some(&storm), "one storm");
    for taken in &taken {
        assert_eq!(
            (&taken["outcome"], &taken["incident_id"]),
            (&"attached".into(), &storm.incident_id.as_str().into())
        );
    }
    let counted = world.store.storm_members(&storm.incident_id, Some(&storm.id), None).await?;
    assert_eq!((counted.len(), groups(&counted)), (members.len(), members.len()), "the count is exact");
    for fires in &members {
        assert!(world.store.incident(&fires.incident).await?.is_none(), "a member opens nothing");
    }

    // A member's recovery passes through, and what opened before has its own life.
    let (clears, still) = members.split_first().context("no member")?;
    let recovered = world.take(&clears.alarm.event("OK", step::now())).await?;
    assert_eq!(recovered["reason"], "it recovers, and what fired was kept quiet", "{recovered}");
    paged_in(&world, &storm, &early).await?;
    world.take(&early[0].alarm.event("OK", step::now())).await?;
    world.status(&early[0].incident, Status::Resolved, SOON).await?;
    over(&world, &storm).await?;
    for fires in still {
        let paged = async || Ok((world.paged(&fires.incident, 1)?.topic > 0).then_some(()));
        world.until("page about what fires on", PAGE_WITHIN, paged).await?;
        assert_eq!(world.paged(&fires.incident, 1)?.topic, 1);
    }
    assert!(world.store.incident(&clears.incident).await?.is_none(), "it recovered in the storm");
    assert!(world.store.weather().await?.storm.is_none(), "what is handed on begins no other");
    assert_eq!(owners_told(&world, &storm)?, [("search", 1), ("shop", 1)], "each owner is paged once");
    running.stop()
}

/// An alarm of its own group that fires.
struct Fires {
    alarm: Alarm,
    event: Value,
    incident: String,
}

impl Fires {
    fn now(plan: &str) -> Result<Self> {
        let alarm = Alarm::of_its_own(plan);
        let event = alarm.event("ALARM", step::now());
        read(&event)?;
        Ok(Self { incident: incident_of(plan, &event)?, alarm, event })
    }
}

/// The storm's owner is paged about the storm, and each affected owner once about theirs; it is as bad as the worst of them.
async fn paged_in(world: &World, storm: &Storm, early: &[Fires]) -> Result<()> {
    let leads = async || Ok((world.paged(&storm.incident_id, 1)?.topic > 0).then_some(()));
    world.until("page about the storm", PAGE_WITHIN, leads).await?;
    let told = async || Ok((owners_told(world, storm)? == [("search", 1), ("shop", 1)]).then_some(()));
    world.until("pages of the owners", PAGE_WITHIN, told).await?;
    for (owner, incidents) in [("search", 3), ("shop", 2)] {
        assert_eq!(world.told(&format!("Storm: {incidents} incidents of {owner}"))?.len(), 1);
    }
    for fires in early {
        assert_eq!(world.paged(&fires.incident, 1)?, Told { topic: 1, slack: 0 });
    }
    let worst = async || {
        world.invoke("SweepFunction", b"{}").await?.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(Some(world.store.load(&storm.incident_id).await?).filter(|incident| incident.severity == Severity::Sev1))
    };
    let incident = world.until("storm that is SEV1", SOON, worst).await?;
    assert_eq!(incident.plan().owner, "platform");
    Ok(())
}

/// How often each owner was told of theirs.
fn owners_told(world: &World, storm: &Storm) -> Result<[(&'static str, usize); 2]> {
    let told = |owner| Ok((owner, world.told_of(&storm.incident_id, &format!("incidents of {owner}\n"))?.topic));
    let told = [told("search"), told("shop")].into_iter().collect::<Result<Vec<_>>>()?;
    told.try_into().map_err(|told| anyhow::anyhow!("{told:?}"))
}

/// It has calmed down, `sweep` says so, and triage ends it.
async fn over(world: &World, storm: &Storm) -> Result<()> {
    let calm: Timestamp = storm.since + storm.rule.within.signed();
    let over = async || {
        let swept = world.invoke("SweepFunction", b"{}").await?;
        ensure!(swept.is_ok(), "{swept:?}");
        let on = world.store.weather().await?.storm;
        ensure!(on.is_some() || step::now() >= calm, "it is over before it can be calm");
        Ok(on.is_none().then_some(()))
    };
    world.until("end of the storm", Duration::from_secs(60) + SOON, over).await?;
    world.status(&storm.incident_id, Status::Resolved, SOON).await.map(drop)
}
