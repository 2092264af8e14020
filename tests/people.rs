//! What people ask for is done once, answered, and stops what it is to stop.
//!
//! Not here: a page that comes back 15 minutes after a person resolved what still fires; `sweep` tests that with values.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use blackbox::{
    World,
    events::Alarm,
    look::Told,
    people::{Said, command},
};
use incident::{Incident, MitigationRecord, Outcome, Progress, Status, Verb};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use xtask::demo::{Operator, Service, scene};

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// The brake is for the whole stack: the test that pulls it keeps those that change something waiting.
static BRAKE: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn an_acknowledgement_stops_the_escalation() -> Result<()> {
    let world = World::get()?;
    let (_, id) = fires(&world, "escalates").await?;
    let first = async || Ok((world.paged(&id, 1)? == Told::ONCE).then_some(()));
    world.until(&format!("page of {id}"), SOON, first).await?;
    check_said(&world.tourniquet(&["ack", &id]).await?, 0, "acknowledged by tester (claimed)");

    ended_well(&world, "Engage", &id).await?;
    assert_eq!((world.paged(&id, 1)?, world.paged(&id, 2)?), (Told::ONCE, Told::NEVER));
    assert_eq!(world.cried(&id)?, Vec::<String>::new());
    let incident = world.store.load(&id).await?;
    assert_eq!((incident.status, incident.acknowledged_by.as_deref()), (Status::Open, Some("tester (claimed)")));
    // A second one is told who was first.
    let other = world.ask(&command("bo", Verb::Acknowledge, Some(&id), Value::Null)).await?;
    ensure!(!other.done && other.answer.contains("already acknowledged by tester"), "{other:?}");
    Ok(())
}

#[tokio::test]
async fn without_an_acknowledgement_the_escalation_goes_to_its_end() -> Result<()> {
    let world = World::get()?;
    let (alarm, id) = fires(&world, "escalates").await?;
    let cried = async || Ok(world.cried(&id)?.pop());
    let last = world.until(&format!("last word about {id}"), SOON, cried).await?;
    assert!(last.starts_with(&format!("Nobody acknowledged incident {id}")) && last.contains(&alarm.name), "{last}");
    ended_well(&world, "Engage", &id).await?;
    assert_eq!((world.paged(&id, 1)?, world.paged(&id, 2)?), (Told::ONCE, Told { topic: 1, slack: 0 }));
    assert_eq!(world.store.load(&id).await?.status, Status::Open);
    Ok(())
}

#[tokio::test]
async fn a_command_that_comes_twice_is_done_once() -> Result<()> {
    let world = World::get()?;
    let (_, id) = fires(&world, "person").await?;
    let ack = command("ana", Verb::Acknowledge, Some(&id), Value::Null);
    // Twice in one batch, then from the queue, then once more.
    assert_eq!(world.deliver_commands(&[&ack, &ack]).await?, Vec::<Value>::new());
    let answer = world.ask(&ack).await?;
    ensure!(answer.done && answer.answer == "acknowledged by ana (claimed)", "{answer:?}");
    assert_eq!(world.deliver_commands(&[&ack]).await?, Vec::<Value>::new());
    assert_eq!(world.store.command(&ack.request_id).await?, Some(answer.clone()));
    let entries = world.store.timeline(&id).await?;
    assert_eq!(entries.iter().filter(|entry| entry.what.contains("acknowledged by")).count(), 1, "{entries:?}");

    // The same request id with other contents is the same request.
    let disguised = incident::Command { verb: Verb::Resolve, args: json!({"reason": "r"}), ..ack };
    assert_eq!(world.deliver_commands(&[&disguised]).await?, Vec::<Value>::new());
    assert_eq!(world.store.command(&disguised.request_id).await?, Some(answer));
    assert_eq!(world.store.load(&id).await?.status, Status::Open);
    Ok(())
}

#[tokio::test]
async fn an_approval_names_the_plan_and_is_given_once() -> Result<()> {
    let world = World::get()?;
    let _no_brake = BRAKE.lock().await;
    let mut broken = Broken::new(&world, "checkout-approved")?;
    let (id, planned) = broken.planned(&world).await?;
    let approve = |by: &str, hash: &str| command(by, Verb::Approve, Some(&id), json!({"n": 1, "plan_sha256": hash}));
    let still_planned =
        async || Ok::<_, anyhow::Error>(world.store.mitigation(&id, 1, 1).await?.context("gone")?.progress);

    for (hash, part) in
        [("0".repeat(64), "another one than you saw"), ("12".to_owned(), "an approval names what it approves")]
    {
        let answer = world.ask(&approve("ana", &hash)).await?;
        ensure!(!answer.done && answer.answer.contains(part), "{answer:?}");
        assert_eq!(still_planned().await?, Progress::Planned);
    }
    let yes = approve("ana", &planned.plan_sha256);
    assert_eq!(world.deliver_commands(&[&yes, &yes]).await?, Vec::<Value>::new());
    let answer = world.ask(&yes).await?;
    ensure!(answer.done, "{answer:?}");
    let late = world.ask(&approve("bo", &planned.plan_sha256)).await?;
    ensure!(!late.done && late.answer.contains("ana (claimed)"), "{late:?}");
    let no = world.ask(&command("bo", Verb::Reject, Some(&id), json!({"n": 1, "reason": "no"}))).await?;
    ensure!(!no.done, "{no:?}");

    let ended = ended(&world, &id).await?;
    assert_eq!(
        (ended.outcome, ended.decided_by.as_deref()),
        (Some(Outcome::Verified), Some("ana (claimed)")),
        "{ended:?}"
    );
    assert_eq!(broken.version()?, "1");
    let approvals = world.store.timeline(&id).await?.into_iter().filter(|entry| entry.what.contains(" approved by "));
    assert_eq!(approvals.count(), 1);
    assert_eq!(world.store.mitigations(&id, 1).await?.len(), 1);
    world.status(&id, Status::Resolved, SOON).await.map(drop)
}

#[tokio::test]
async fn a_rejection_ends_what_waits() -> Result<()> {
    let world = World::get()?;
    let _no_brake = BRAKE.lock().await;
    let mut broken = Broken::new(&world, "checkout-rejected")?;
    let (id, planned) = broken.planned(&world).await?;
    let without = world.ask(&command("ana", Verb::Reject, Some(&id), json!({"n": 1}))).await?;
    ensure!(!without.done && without.answer.contains("`reason` is missing"), "{without:?}");
    check_said(&world.tourniquet(&["reject", &id, "--reason", "the shops are being updated"]).await?, 0, "rejected");

    let ended = ended(&world, &id).await?;
    assert_eq!(
        (ended.outcome, ended.reason.as_deref()),
        (Some(Outcome::Rejected), Some("the shops are being updated"))
    );
    let hash = json!({"n": 1, "plan_sha256": planned.plan_sha256});
    let late = world.ask(&command("bo", Verb::Approve, Some(&id), hash)).await?;
    ensure!(!late.done && late.answer.contains("has rejected it"), "{late:?}");
    let told = async || Ok((world.told_of(&id, "Mitigation rejected")? == Told::ONCE).then_some(()));
    world.until("word of the rejection", SOON, told).await?;
    ended_well(&world, "Mitigate", &id).await?;
    assert_eq!((broken.version()?.as_str(), world.store.load(&id).await?.status), ("2", Status::Open));
    Ok(())
}

#[tokio::test]
async fn resolving_what_fires_needs_a_reason_and_frees_the_group() -> Result<()> {
    let world = World::get()?;
    let (alarm, id) = fires(&world, "person").await?;
    awaits_recovery(&world, &id).await?;
    check_said(&world.tourniquet(&["resolve", &id]).await?, 1, "say with --reason");
    assert_eq!(world.store.load(&id).await?.status, Status::Open);
    check_said(
        &world.tourniquet(&["resolve", &id, "--reason", "a test of the alarm"]).await?,
        0,
        "a test of the alarm",
    );

    let resolved = world.store.load(&id).await?;
    check_resolved(&resolved, "a test of the alarm");
    let again =
        resolved.recheck_at.context("nobody looks again")?.duration_since(resolved.resolved_at.context("when?")?);
    assert_eq!(again, SignedDuration::from_mins(15));
    // The parent goes on to the end: evidence, postmortem, word of it.
    ended_well(&world, "IncidentResponse", &id).await?;
    let closed = world.store.load(&id).await?;
    let passes: Vec<&str> = closed.evidence.iter().map(|pass| pass.pass.as_str()).collect();
    assert_eq!((passes, closed.postmortem.is_some()), (vec!["1-warm", "2-complete"], true));
    assert_eq!(world.told_of(&id, "Resolved: ")?, Told::ONCE);

    // Its late recovery changes nothing, and what fires anew is a new incident.
    world.alarm(&alarm, "OK", step::now()).await?;
    check_resolved(&world.store.load(&id).await?, "a test of the alarm");
    let anew = world.alarm(&alarm.sister("anew"), "ALARM", step::now()).await?;
    ensure!(anew["outcome"] == "incident" && anew["incident_id"] != id.as_str(), "{anew}");
    let twice = world.tourniquet(&["resolve", &id, "--reason", "again", "--as", "bo"]).await?;
    check_said(&twice, 1, "resolved already");
    Ok(())
}

#[tokio::test]
async fn a_stuck_incident_is_resolved_by_a_person() -> Result<()> {
    let world = World::get()?;
    let (alarm, id) = fires(&world, "person").await?;
    let incident = awaits_recovery(&world, &id).await?;
    ensure!(world.store.stuck(&incident, step::now()).await?, "it changed in between");
    let ack = world.ask(&command("ana", Verb::Acknowledge, Some(&id), Value::Null)).await?;
    ensure!(!ack.done && ack.answer.contains("the incident is stuck"), "{ack:?}");
    // It holds no group key: what fires opens another.
    let anew = world.alarm(&alarm.sister("anew"), "ALARM", step::now()).await?;
    ensure!(anew["outcome"] == "incident", "{anew}");

    check_said(&world.tourniquet(&["resolve", &id, "--reason", "done by hand"]).await?, 0, "done by hand");
    check_resolved(&world.store.load(&id).await?, "done by hand");
    ended_well(&world, "IncidentResponse", &id).await?;
    let other = anew["incident_id"].as_str().context("no incident")?;
    assert_eq!(world.store.load(other).await?.status, Status::Open, "the other goes on");
    let joined = world.alarm(&alarm.sister("more"), "ALARM", step::now()).await?;
    assert_eq!(joined["incident_id"], other, "the group is the other's still");
    Ok(())
}

#[tokio::test]
async fn the_brake_stops_mitigations_until_it_is_let_go() -> Result<()> {
    let world = World::get()?;
    let _alone = BRAKE.lock().await;
    let held = braked(&world).await;
    world.store.set_brake(None, step::now()).await?;
    held
}

async fn braked(world: &World) -> Result<()> {
    check_exit(&world.tourniquet(&["brake", "on", "--reason", "we look first", "--minutes", "5"]).await?, 0)?;
    let brake = world.store.brake().await?.context("no brake")?;
    ensure!(brake.reason == "we look first" && brake.by == "tester (claimed)", "{brake:?}");
    let (_, id) = fires(world, "person").await?;
    let refused = ended(world, &id).await?;
    let reason = refused.reason.unwrap_or_default();
    ensure!(refused.outcome == Some(Outcome::Refused) && reason.contains("the brake is on"), "{reason}");

    // Off, and an earlier command that comes again does not pull it again.
    let on = command("ana", Verb::Brake, None, json!({"on": true, "reason": "r", "minutes": 5}));
    ensure!(world.ask(&on).await?.done && world.store.brake().await?.is_some(), "not pulled");
    check_exit(&world.tourniquet(&["brake", "off"]).await?, 0)?;
    ensure!(world.deliver_commands(&[&on]).await?.is_empty() && world.store.brake().await?.is_none(), "pulled again");
    let (_, id) = fires(world, "person").await?;
    let refused = ended(world, &id).await?.reason.unwrap_or_default();
    ensure!(!refused.contains("brake"), "{refused}");
    let nonsense = world.ask(&command("ana", Verb::Brake, None, json!({"on": "perhaps"}))).await?;
    ensure!(!nonsense.done && nonsense.answer.contains("true or false"), "{nonsense:?}");
    Ok(())
}

/// An alarm that nobody has, and the incident that it opens.
async fn fires(world: &World, plan: &str) -> Result<(Alarm, String)> {
    let alarm = Alarm::of_its_own(plan);
    let taken = world.alarm(&alarm, "ALARM", step::now() - SignedDuration::from_secs(2)).await?;
    ensure!(taken["outcome"] == "incident", "{taken}");
    Ok((alarm, taken["incident_id"].as_str().context("no incident")?.to_owned()))
}

/// The incident, once its execution waits for recovery.
async fn awaits_recovery(world: &World, id: &str) -> Result<Incident> {
    let waits = async || Ok(world.store.incident(id).await?.filter(|incident| incident.recovery_token.is_some()));
    world.until(&format!("AwaitRecovery of {id}"), SOON, waits).await
}

/// Waits for the only execution of a machine for an incident, which must succeed.
async fn ended_well(world: &World, machine: &str, id: &str) -> Result<()> {
    let over = async || match world.executions(machine, id).await?.as_slice() {
        [(_, status)] if status == "SUCCEEDED" => Ok(Some(())),
        [(_, status)] if status == "RUNNING" => Ok(None),
        other => bail!("{machine} of {id}: {other:?}"),
    };
    world.until(&format!("end of {machine} of {id}"), SOON, over).await
}

/// The first mitigation of an incident, once it has ended.
async fn ended(world: &World, id: &str) -> Result<MitigationRecord> {
    let over = async || Ok(world.store.mitigation(id, 1, 1).await?.filter(|record| record.progress == Progress::Ended));
    world.until(&format!("end of the mitigation of {id}"), SOON, over).await
}

#[track_caller]
fn check_resolved(incident: &Incident, reason: &str) {
    let got = (incident.status, incident.resolved_by.as_deref(), incident.resolved_reason.as_deref());
    assert_eq!(got, (Status::Resolved, Some("tester (claimed)"), Some(reason)));
    assert!(incident.firing.is_empty(), "{:?}", incident.firing);
}

#[track_caller]
fn check_said(said: &Said, exit: i32, part: &str) {
    let text = format!("{}{}", said.output, said.error);
    assert!(said.exit == Some(exit) && text.contains(part), "{exit} and `{part}` were expected: {said:?}");
}

fn check_exit(said: &Said, exit: i32) -> Result<()> {
    ensure!(said.exit == Some(exit), "{said:?}");
    Ok(())
}

/// A service whose second version is live, and bad. One of a name can be made on a stack.
struct Broken {
    name: &'static str,
    service: Service,
}

impl Broken {
    fn new(world: &World, name: &'static str) -> Result<Self> {
        let operator = Operator::new(&world.stack, "pipeline");
        let (errors, orders) = (format!("{name}-errors"), format!("{name}-orders"));
        let service = Service::start(&world.stack, name, &errors, &orders, "0.1")?;
        let mut service = scene::healthy(&operator, service)?;
        scene::break_it(&operator, &mut service)?;
        Ok(Self { name, service })
    }

    /// Its incident, and the mitigation that waits for approval.
    async fn planned(&self, world: &World) -> Result<(String, MitigationRecord)> {
        let alarm = format!("{}-errors", self.name);
        let opened = async || Ok(world.incidents_of(&alarm).await?.pop());
        let id = world.until(&format!("incident of {alarm}"), SOON, opened).await?;
        let record = async || Ok(world.store.mitigation(&id, 1, 1).await?);
        let record = world.until(&format!("mitigation of {id}"), SOON, record).await?;
        ensure!(record.progress == Progress::Planned, "it does not wait for approval: {record:?}");
        Ok((id, record))
    }

    /// What its customers get.
    fn version(&mut self) -> Result<String> {
        let said = self.service.do_and_wait("alias", "alias")?;
        Ok(said["version"].as_str().context("no version")?.to_owned())
    }
}
