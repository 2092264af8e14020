//! `cargo xtask demo`: one incident walks the whole loop, on the shipped template and the real binaries.

mod evidence;
mod operator;
mod plans;
mod receiver;
mod report;
pub mod scene;
mod service;
mod watch;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use self::{evidence::Fetched, plans::Shortened, watch::Watch};
pub use self::{
    operator::Operator,
    receiver::{Received, Receiver, TOKEN, received_at},
    report::Report,
    service::Service,
};
use crate::{
    say::Progress,
    stack::{Options, Stack},
    workspace::Workspace,
};

/// The service of the demo, and the beginning of its alarm's name, which the shipped plan matches.
const SERVICE: &str = "checkout";

/// Who sits at the command line.
const OPERATOR: &str = "dana";

/// Which story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A bad deployment is acknowledged, rolled back on approval, verified.
    BadDeployment,
    /// The same with the brake on and nobody there: nothing is changed, and the incident stays open.
    Braked,
    /// The same, and it recovers before anybody approves.
    SelfHealing,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::BadDeployment, Self::Braked, Self::SelfHealing];

    /// The name on the command line and in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadDeployment => "bad-deployment",
            Self::Braked => "braked",
            Self::SelfHealing => "self-healing",
        }
    }

    /// What happens in it, for whoever watches.
    const fn story(self) -> &'static str {
        match self {
            Self::BadDeployment => "a bad deployment is paged, acknowledged, rolled back on approval and verified.",
            Self::Braked => "a bad deployment meets the brake and nobody answers; it stays open, and escalates.",
            Self::SelfHealing => "a bad deployment is acknowledged, and recovers before anybody approves.",
        }
    }
}

impl std::str::FromStr for Scenario {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|s| s.name() == name)
            .ok_or_else(|| format!("`{name}` is no scenario; there are {all}"))
    }
}

/// What there is to look at when a story is told and its stack still runs.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// Somebody with the command line.
    pub operator: &'a Operator<'a>,
    /// What people got.
    pub people: &'a Receiver,
    /// The folder of all bags that were downloaded.
    pub bags: &'a [PathBuf],
}

/// Runs a scenario on a stack of its own and reports. Fails when the loop does not end as the scenario says, with the
/// last that was seen.
pub fn run(workspace: &Workspace, scenario: Scenario, progress: Progress) -> Result<Report> {
    run_and_look(workspace, scenario, progress, |_| Ok(()))
}

/// The same, with a look at the stage before the stack ends.
pub fn run_and_look(
    workspace: &Workspace,
    scenario: Scenario,
    progress: Progress,
    look: impl FnOnce(&Stage<'_>) -> Result<()>,
) -> Result<Report> {
    progress.note(format_args!("Tourniquet, {}: {}", scenario.name(), scenario.story()));
    progress.note("All of it runs on this machine, on an emulator of AWS: no account is asked.\n");
    let options = Options::private(workspace, &format!("demo-{}", scenario.name()));
    fs::create_dir_all(&options.dir).with_context(|| format!("Failed to create {}", options.dir.display()))?;
    let logs = options.dir.join("emulator.log");
    let receiver = Receiver::start(TOKEN)?;
    let (plans, shortened) = plans::shorten(workspace, &options.dir)?;
    let stack = scene::deploy(workspace, options, &plans, &receiver, progress)?;
    let told = tell(workspace, scenario, &stack, &receiver, &shortened, progress).and_then(|(report, bags)| {
        let operator = Operator::new(&stack, OPERATOR);
        look(&Stage { stack: &stack, operator: &operator, people: &receiver, bags: &bags })?;
        Ok((report, bags))
    });
    let (report, bags) = told.with_context(|| format!("The demo failed; its log is {}", logs.display()))?;
    stack.stop()?;
    report.say(&bags, progress);
    Ok(report)
}

fn tell(
    workspace: &Workspace,
    scenario: Scenario,
    stack: &Stack,
    people: &Receiver,
    shortened: &[Shortened],
    progress: Progress,
) -> Result<(Report, Vec<PathBuf>)> {
    let operator = Operator::new(stack, OPERATOR);
    let mut service = progress.step("checkout 1 deployed and recorded as good; customers are served", || {
        scene::healthy(&operator, Service::start(stack, SERVICE, "Errors", "Orders", "0.04")?)
    })?;
    if scenario == Scenario::Braked {
        progress.step("the brake is on: nothing may be changed", || {
            operator.run(&["brake", "on", "--reason", "the demo shows what the brake does"])
        })?;
    }
    progress.step("checkout 2 goes live, and it is bad", || scene::break_it(&operator, &mut service))?;
    progress.note("\nWaits of the plan, shortened for the demo:");
    for wait in shortened {
        progress.note(format_args!("  {:<17} {} instead of {}", wait.what, wait.demo_wait, wait.shipped_wait));
    }
    progress.note("\nThe incident as it happens, in UTC:");
    let mut watch = Watch::for_incident(operator.clone(), progress)?;
    watch.until("being opened", |shown| !shown["timeline"][0].is_null())?;
    again(&mut watch, &mut service, people)?;
    match scenario {
        Scenario::BadDeployment => bad_deployment(&mut watch, people)?,
        Scenario::SelfHealing => self_healing(&mut watch, people, &mut service)?,
        Scenario::Braked => braked(&mut watch, people)?,
    }
    let shown = watch.until("its end", |_| true)?.clone();
    check_once(&operator, &shown)?;
    let serves = service.do_and_wait("alias", "alias")?;
    let version = if scenario == Scenario::BadDeployment { "1" } else { "2" };
    ensure!(serves["version"] == version, "The alias is not at version {version}: {serves}");
    let into = workspace.private_stack_dir("demo").join(scenario.name());
    if into.exists() {
        fs::remove_dir_all(&into).with_context(|| format!("Failed to empty {}", into.display()))?;
    }
    let fetched = Fetched::fetch(stack, &operator, &shown, &into)?;
    Ok((Report::new(scenario, &shown, &fetched), fetched.bags))
}

/// The same signal comes again, by the other door: the alarm's event, forwarded over the bus.
fn again(watch: &mut Watch<'_>, service: &mut Service, people: &Receiver) -> Result<()> {
    let is_ours = |alarm: &Value| {
        let name = alarm["AlarmName"].as_str().unwrap_or_default();
        alarm["NewStateValue"] == "ALARM" && name.starts_with(SERVICE)
    };
    let alarm = people.received().into_iter().find_map(|received| match received {
        Received::Topic { message, .. } => serde_json::from_str::<Value>(&message).ok().filter(is_ours),
        _ => None,
    });
    let alarm = alarm.context("The alarm's message did not reach its topic")?;
    let forwarded = service.do_and_wait(&format!("forward {}", as_event(&alarm)), "forwarded")?;
    ensure!(forwarded["failed"] == 0, "The bus did not take the forwarded event: {forwarded}");
    watch.say("the demo", "sends the same signal again, by the EventBridge rule: it may change nothing");
    Ok(())
}

/// The event that CloudWatch puts on the bus, beside the message to the alarm's topic; the emulator does not.
fn as_event(alarm: &Value) -> Value {
    let text = |name: &str| alarm[name].as_str().unwrap_or_default();
    let (name, account, region) = (text("AlarmName"), text("AWSAccountId"), text("Region"));
    json!({
        "version": "0", "id": "00000000-0000-0000-0000-000000000001", "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change", "account": account, "region": region,
        "time": text("StateChangeTime"), "resources": [format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}")],
        "detail": {
            "alarmName": name,
            "state": {
                "value": "ALARM", "reason": text("NewStateReason"), "timestamp": text("StateChangeTime"),
            },
            "previousState": {"value": text("OldStateValue")},
        },
    })
}

fn bad_deployment(watch: &mut Watch<'_>, people: &Receiver) -> Result<()> {
    acknowledge(watch, people)?;
    planned(watch)?;
    watch.ask("approve", &["--yes"])?;
    resolved(watch)?;
    watch.until("a verified mitigation", |shown| shown["mitigations"][0]["outcome"] == "verified").map(drop)
}

fn self_healing(watch: &mut Watch<'_>, people: &Receiver, service: &mut Service) -> Result<()> {
    acknowledge(watch, people)?;
    planned(watch)?;
    service.do_and_wait("update-shops", "shops-updated")?;
    watch.say("the demo", "the shops send now what version 2 needs: it recovers before anybody approves");
    resolved(watch)?;
    watch.until("a cancelled approval", |shown| shown["mitigations"][0]["outcome"] == "cancelled").map(drop)
}

fn braked(watch: &mut Watch<'_>, people: &Receiver) -> Result<()> {
    watch.until("a refused mitigation", |shown| shown["mitigations"][0]["outcome"] == "refused")?;
    watch.until("a sealed bag", |shown| !shown["incident"]["evidence"][0].is_null())?;
    let id = watch.id.clone();
    let shown = watch.until("the last step of its escalation", |_| told_nobody_acknowledged(people, &id))?;
    ensure!(shown["incident"]["status"] == "open", "The incident is not open any more: {shown}");
    watch.say("the demo", "nobody acknowledged, and nobody is left to page: the fallback topic was told");
    watch.say("the demo", "with the brake on nothing was changed and nothing recovers: it stays open");
    Ok(())
}

/// The person at the other end waits for the page, as people do, and takes it.
fn acknowledge(watch: &mut Watch<'_>, people: &Receiver) -> Result<()> {
    let id = watch.id.clone();
    let is_page = |received: &Received| matches!(received, Received::Slack { text, .. } if text.contains(&id));
    watch.until("a page in Slack", |_| people.received().iter().any(is_page))?;
    watch.ask("ack", &[])
}

/// The demo reads the plan before it approves: what it says is in the timeline by then.
fn planned(watch: &mut Watch<'_>) -> Result<()> {
    let is_planned = |shown: &Value| shown["mitigations"][0]["progress"] == "planned";
    watch.until("a planned mitigation", is_planned).map(drop)
}

fn resolved(watch: &mut Watch<'_>) -> Result<()> {
    let is_over = |shown: &Value| {
        let incident = &shown["incident"];
        incident["status"] == "resolved" && !incident["postmortem"].is_null() && !incident["evidence"][1].is_null()
    };
    watch.until("its postmortem", is_over).map(drop)
}

fn told_nobody_acknowledged(people: &Receiver, id: &str) -> bool {
    people.received().iter().any(|received| match received {
        Received::Topic { topic, message, .. } => {
            topic.to_lowercase().contains("fallback") && message.contains(id) && message.contains("acknowledge")
        }
        _ => false,
    })
}

/// One signal by two doors: one incident, at most one mitigation.
fn check_once(operator: &Operator<'_>, shown: &Value) -> Result<()> {
    let count = |status: &str| -> Result<usize> {
        let listed = operator.run(&["incidents", "--status", status])?;
        Ok(listed["incidents"].as_array().map_or(0, Vec::len))
    };
    let incidents = count("open")? + count("mitigated")? + count("resolved")? + count("stuck")?;
    ensure!(incidents == 1, "{incidents} incidents opened for one alarm");
    let mitigations = shown["mitigations"].as_array().map_or(0, Vec::len);
    ensure!(mitigations <= 1, "{mitigations} mitigations for one incident");
    Ok(())
}
