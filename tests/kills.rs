//! A function is killed right after a write of its own, before it knows that it wrote: somebody is paged in time all the
//! same, and the incident ends as if nothing had happened.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use blackbox::{PAGE_WITHIN, World, bags, events::Alarm, incident_of, read};
use incident::{Incident, MitigationRecord, Outcome, Status};
use jiff::Timestamp;
use serde_json::Value;
use xtask::{
    demo::{Operator, Received, Service, scene},
    proxy::{Action, Match, Rule},
};

/// From the page to the end, waits and retries included, on a busy machine.
const OVER_WITHIN: Duration = Duration::from_secs(180);

#[tokio::test]
async fn triage_killed_after_the_opening_transaction() -> Result<()> {
    let opening = |id: &str| Match {
        target_contains: Some("TransactWriteItems".to_owned()),
        body_contains: Some(format!("INC#{id}")),
        ..Match::default()
    };
    walk("checkout-triage-opened", opening, is_page).await?.came_again().await
}

#[tokio::test]
async fn triage_killed_after_start_execution() -> Result<()> {
    let start = |id: &str| Match {
        target_contains: Some("StartExecution".to_owned()),
        body_contains: Some(format!("{id}-1-1")),
        ..Match::default()
    };
    walk("checkout-triage-started", start, is_page).await?.came_again().await
}

#[tokio::test]
async fn notify_killed_between_claim_and_send() -> Result<()> {
    let claim = |id: &str| Match {
        target_contains: Some("UpdateItem".to_owned()),
        body_contains: Some(format!("INC#{id}")),
        body_also_contains: vec!["SENT#1#1#1#first-tester#slack".to_owned(), "lease_until_ms".to_owned()],
        ..Match::default()
    };
    // The other channel may have been faster, so the page that is waited for is the one that was claimed.
    let in_slack = |told: &Received, id: &str| matches!(told, Received::Slack { .. }) && is_page(told, id);
    let walked = walk("checkout-notify-claimed", claim, in_slack).await?;
    let told = walked.world.told(&walked.id)?;
    // It died before it sent, and who claims after it cannot know that.
    let slack = told.iter().filter_map(|told| if let Received::Slack { text, .. } = told { Some(text) } else { None });
    let pages: Vec<_> = slack.filter(|text| text.contains("tourniquet ack")).collect();
    assert_eq!(pages.len(), 1, "{pages:?}");
    assert!(pages[0].starts_with("Again (may repeat): "), "{pages:?}");
    Ok(())
}

#[tokio::test]
async fn remediate_killed_after_the_alias_moved() -> Result<()> {
    let update = |_: &str| Match {
        method: Some("PUT".to_owned()),
        path_contains: Some("/functions/checkout-remediate-applied/aliases/live".to_owned()),
        ..Match::default()
    };
    walk("checkout-remediate-applied", update, is_page).await.map(drop)
}

/// An incident that is over.
struct Walked {
    world: World,
    id: String,
    alarm: Alarm,
    /// The signal that opened it.
    signal_id: String,
}

impl Walked {
    /// The delivery in which triage was killed comes again, however late, and changes nothing.
    async fn came_again(self) -> Result<()> {
        let Self { world, id, alarm, signal_id } = self;
        let again = async || Ok(world.taken(&signal_id).await?.into_iter().next());
        let taken = world.until(&format!("second delivery of {signal_id}"), PAGE_WITHIN, again).await?;
        assert_eq!((taken.outcome.as_str(), taken.reason.as_str()), ("Attached", "it came before"));
        let incident = world.store.load(&id).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        check_incident(&world, &incident, &alarm).await
    }
}

/// One incident of a service of this name and the plan for it, from a bad deployment to its end, with one function killed
/// after the call that `meant` describes for the incident's id. Somebody takes it once they are `paged`.
async fn walk(
    name: &str,
    meant: impl FnOnce(&str) -> Match,
    paged: impl Fn(&Received, &str) -> bool,
) -> Result<Walked> {
    let world = World::get()?;
    let operator = Operator::new(&world.stack, "tester");
    let (errors, orders) = (format!("{name}-errors"), format!("{name}-orders"));
    let service = Service::start_unheard(&world.stack, name, &errors, &orders, "0.3")?;
    let mut service = scene::healthy(&operator, service)?;
    scene::break_it(&operator, &mut service)?;

    // The alarm tells nobody: each of its states is brought to the queue `signals`, which tries again.
    let alarm = Alarm::new(&errors);
    let fired = alarm.event("ALARM", reached(&mut service, "ALARM")?);
    let id = incident_of(name, &fired)?;
    world.stack.proxy().arm(&Rule {
        id: name.to_owned(),
        when: meant(&id),
        action: Action::KillAfter(true),
        times: 1,
    })?;
    world.send("SignalsQueue", &fired.to_string()).await?;

    let page = async || Ok(world.told(&id)?.into_iter().find(|told| paged(told, &id)));
    world.until(&format!("page about {id}"), PAGE_WITHIN, page).await?;
    operator.run(&["ack", &id])?;
    let planned = async || Ok(world.store.mitigation(&id, 1, 1).await?);
    world.until(&format!("planned mitigation of {id}"), OVER_WITHIN, planned).await?;
    operator.run(&["approve", &id, "--yes"])?;

    let clear = alarm.event("OK", reached(&mut service, "OK")?);
    world.send("SignalsQueue", &clear.to_string()).await?;
    let over = async || Ok(world.store.incident(&id).await?.filter(|incident| incident.postmortem.is_some()));
    let incident = world.until(&format!("postmortem of {id}"), OVER_WITHIN, over).await?;

    check_killed(&world, name)?;
    check_incident(&world, &incident, &alarm).await?;
    check_mitigation(&world.store.mitigations(&id, 1).await?, &service.do_and_wait("alias", "alias")?);
    check_bags(&world, &operator, &id)?;
    let signal_id = read(&fired)?.signal_id;
    Ok(Walked { world, id, alarm, signal_id })
}

/// A page of a person's channel, or what stands in for it on the fallback topic.
fn is_page(told: &Received, id: &str) -> bool {
    let text = match told {
        Received::Slack { text, .. } => text,
        Received::Topic { message, .. } => message,
        Received::Refused { .. } => return false,
    };
    text.contains(&format!("tourniquet ack {id}"))
}

/// When the alarm of a service came to a state.
fn reached(service: &mut Service, state: &str) -> Result<Timestamp> {
    let alarm = service.do_and_wait(&format!("alarm {state}"), "alarm")?;
    alarm["since"].as_str().context("the service did not say since when")?.parse().context("no instant")
}

fn check_killed(world: &World, rule: &str) -> Result<()> {
    let log = world.stack.proxy().log()?;
    let met: Vec<_> = log.matches.iter().filter(|entry| entry.id == rule).collect();
    ensure!(met.len() == 1 && met[0].killed.is_some(), "nothing was killed: {met:?}");
    Ok(())
}

async fn check_incident(world: &World, incident: &Incident, alarm: &Alarm) -> Result<()> {
    assert_eq!((incident.status, incident.opening, incident.run), (Status::Resolved, 1, 1));
    assert_eq!(world.incidents_of(&alarm.name).await?, [incident.id()]);
    Ok(())
}

/// One mitigation, verified, and the alias is as that one left it: nothing has changed it since.
fn check_mitigation(records: &[MitigationRecord], alias: &Value) {
    let [record] = records else { panic!("{} mitigations: {records:?}", records.len()) };
    assert_eq!(record.outcome, Some(Outcome::Verified), "{:?}", record.reason);
    assert_eq!(alias["version"], "1");
    assert_eq!(record.left.as_ref().map(|left| &left["revision_id"]), Some(&alias["revision"]));
}

/// Both passes, as the command line downloads and judges them, and as the reference implementation does.
fn check_bags(world: &World, operator: &Operator<'_>, id: &str) -> Result<()> {
    let into = tempfile::tempdir()?;
    let folder = into.path().to_str().context("the folder of temporary files is not UTF-8")?;
    let got = operator.run(&["evidence", "get", id, "--dir", folder])?;
    let bags = got["bags"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(bags.len() == 2, "not two bags: {got}");
    for bag in bags {
        ensure!(bag["intact"] == true, "{bag}");
        bags::validate(&world.stack, Path::new(bag["dir"].as_str().context("no folder")?))?;
    }
    Ok(())
}
