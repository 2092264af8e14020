//! `cargo xtask demo`: one incident walks the whole loop, on the shipped template and the real binaries.

mod evidence;
mod operator;
mod plans;
mod receiver;
mod report;
pub mod scene;
mod service;
mod watch;

use std::{fs, time::Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use self::{evidence::Fetched, watch::Watch};
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

/// Runs a scenario on a stack of its own and reports. Fails when the loop does not end as the scenario says, with the
/// last that was seen.
pub fn run(workspace: &Workspace, scenario: Scenario, progress: Progress) -> Result<Report> {
    let began = Instant::now();
    let options = Options::private(workspace, &format!("demo-{}", scenario.name()));
    fs::create_dir_all(&options.dir).with_context(|| format!("Failed to create {}", options.dir.display()))?;
    let receiver = Receiver::start(TOKEN)?;
    let (plans, shortened) = plans::shorten(workspace, &options.dir)?;
    let stack = scene::deploy(workspace, options, &plans, &receiver, progress)?;
    for wait in shortened {
        progress.note(format_args!("          shortened for the demo: {wait}"));
    }
    let report = tell(workspace, scenario, &stack, &receiver, progress)?;
    progress.step("local stack ended", || stack.stop())?;
    report.say(progress);
    progress.note(format_args!("\nThe whole demo took {:.0} s.", began.elapsed().as_secs_f64()));
    Ok(report)
}

fn tell(
    workspace: &Workspace,
    scenario: Scenario,
    stack: &Stack,
    people: &Receiver,
    progress: Progress,
) -> Result<Report> {
    let operator = Operator::new(stack, "dana");
    let mut service = progress.step("checkout 1 deployed, healthy, with customers", || {
        scene::healthy(&operator, Service::start(stack, SERVICE, "Errors", "Orders", "0.04")?)
    })?;
    if scenario == Scenario::Braked {
        operator.run(&["brake", "on", "--reason", "the demo shows what the brake does"])?;
        progress.note("          the brake is on: nothing may be changed");
    }
    progress.step("checkout 2 goes live, and it is bad", || scene::break_it(&operator, &mut service))?;

    progress.note("\nThe incident, as it happens (UTC):");
    let mut watch = Watch::for_incident(operator.clone(), progress)?;
    watch.until("being opened", |shown| !shown["timeline"][0].is_null())?;
    again(&mut service, people)?;
    match scenario {
        Scenario::BadDeployment => bad_deployment(&operator, &mut watch, people)?,
        Scenario::SelfHealing => self_healing(&operator, &mut watch, people, &mut service)?,
        Scenario::Braked => braked(&mut watch, people)?,
    }
    let shown = watch.until("its end", |_| true)?.clone();
    check_once(&operator, &shown)?;
    let pass = if scenario == Scenario::Braked { "1-warm" } else { "2-complete" };
    let into = workspace.private_stack_dir("demo").join(scenario.name());
    if into.exists() {
        fs::remove_dir_all(&into).with_context(|| format!("Failed to empty {}", into.display()))?;
    }
    let fetched = Fetched::fetch(stack, &operator, &shown, pass, &into)?;
    Ok(Report::new(scenario, &shown, &fetched))
}

/// The same signal comes again, by the other door: the alarm's event, forwarded over the bus.
fn again(service: &mut Service, people: &Receiver) -> Result<()> {
    let alarm = people.received().into_iter().find_map(|received| match received {
        Received::Topic { message, .. } => {
            serde_json::from_str::<Value>(&message).ok().filter(|alarm| alarm["NewStateValue"] == "ALARM")
        }
        _ => None,
    });
    let alarm = alarm.context("The alarm's message did not reach its topic")?;
    let (name, account, region) = (&alarm["AlarmName"], &alarm["AWSAccountId"], &alarm["Region"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let arn = format!("arn:aws:cloudwatch:{}:{}:alarm:{}", text(region), text(account), text(name));
    let event = json!({
        "version": "0", "id": "00000000-0000-0000-0000-000000000001", "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change", "account": account, "region": region,
        "time": alarm["StateChangeTime"], "resources": [arn],
        "detail": {
            "alarmName": name,
            "state": {"value": "ALARM", "reason": alarm["NewStateReason"], "timestamp": alarm["StateChangeTime"]},
            "previousState": {"value": alarm["OldStateValue"]},
        },
    });
    let forwarded = service.do_and_wait(&format!("forward {event}"), "forwarded")?;
    ensure!(forwarded["failed"] == 0, "The bus did not take the forwarded event: {forwarded}");
    Ok(())
}

fn bad_deployment(operator: &Operator<'_>, watch: &mut Watch<'_>, people: &Receiver) -> Result<()> {
    acknowledge(operator, watch, people)?;
    watch.until("a planned mitigation", |shown| shown["mitigations"][0]["progress"] == "planned")?;
    operator.run(&["approve", &watch.id, "--yes"])?;
    resolved(watch)?;
    watch.until("a verified mitigation", |shown| shown["mitigations"][0]["outcome"] == "verified").map(drop)
}

fn self_healing(
    operator: &Operator<'_>,
    watch: &mut Watch<'_>,
    people: &Receiver,
    service: &mut Service,
) -> Result<()> {
    acknowledge(operator, watch, people)?;
    watch.until("a planned mitigation", |shown| shown["mitigations"][0]["progress"] == "planned")?;
    service.do_and_wait("update-shops", "shops-updated")?;
    resolved(watch)?;
    watch.until("a cancelled approval", |shown| shown["mitigations"][0]["outcome"] == "cancelled").map(drop)
}

fn braked(watch: &mut Watch<'_>, people: &Receiver) -> Result<()> {
    watch.until("a refused mitigation", |shown| shown["mitigations"][0]["outcome"] == "refused")?;
    watch.until("a sealed bag", |shown| !shown["incident"]["evidence"][0].is_null())?;
    let id = watch.id.clone();
    let shown = watch.until("the last step of its escalation", |_| told_nobody_acknowledged(people, &id))?;
    ensure!(shown["incident"]["status"] == "open", "The incident is not open any more: {shown}");
    Ok(())
}

/// The person at the other end waits for the page, as people do, and takes it.
fn acknowledge(operator: &Operator<'_>, watch: &mut Watch<'_>, people: &Receiver) -> Result<()> {
    let id = watch.id.clone();
    let is_page = |received: &Received| matches!(received, Received::Slack { text, .. } if text.contains(&id));
    watch.until("a page in Slack", |_| people.received().iter().any(is_page))?;
    operator.run(&["ack", &watch.id]).map(drop)
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
        eprintln!("{status}: {listed}");
        Ok(listed["incidents"].as_array().map_or(0, Vec::len))
    };
    let incidents = count("open")? + count("mitigated")? + count("resolved")? + count("stuck")?;
    ensure!(incidents == 1, "{incidents} incidents opened for one alarm");
    let mitigations = shown["mitigations"].as_array().map_or(0, Vec::len);
    ensure!(mitigations <= 1, "{mitigations} mitigations for one incident");
    Ok(())
}
