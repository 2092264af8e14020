//! `cargo xtask sam-local`: every function built by `sam build` and run by `sam local invoke`, each to its answer.
//!
//! The functions run in containers, as Lambda runs them; what they call is the local stack, which listens on loopback. Their state machine is one that waits, so that nothing but the containers moves the incident.

mod cases;
mod engine;
mod image;
mod invoke;
mod relay;
mod sam;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;

use self::{
    cases::{CASES, Case, World},
    engine::{Engine, Source},
    invoke::Built,
    relay::{Bridge, Relays},
    sam::Sam,
};
use crate::{
    demo::{Receiver, TOKEN, scene},
    say::{self, Progress},
    stack::{Options, Stack},
    workspace::Workspace,
};

/// The scenario whose golden files are played.
const SCENARIO: &str = "bad-deployment";

/// The name of the state machine that waits.
const WAITS: &str = "tourniquet-waits";

/// What was invoked and how it went.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this report.
    pub v: u32,
    /// Whether the functions ran in a stand-in for Lambda's base image.
    pub stand_in: bool,
    /// Each invocation, in order.
    pub calls: Vec<Called>,
}

/// One invocation.
#[derive(Clone, Debug, Serialize)]
pub struct Called {
    /// The function.
    pub function: &'static str,
    /// The event's file, without its ending.
    pub event: &'static str,
    /// How long it took, the container's start included.
    pub seconds: f64,
    /// What is wrong with it; nothing, if all is well.
    pub wrong: Option<String>,
}

/// Installs what is missing, builds, starts the stack and the engine, and invokes every function. Everything that was
/// started is ended again.
///
/// Fails with the remedy where this machine cannot do it; an answer that is wrong is in the report.
pub fn run(workspace: &Workspace, progress: Progress) -> Result<Report> {
    let architecture = invoke::architecture()?;
    let folder = folder(workspace);
    let sam = Sam::install(workspace, &folder.join("home"), progress)?;
    let source = Source::find(&sam, progress)?;
    progress.note("sam build: cargo-lambda builds each function by itself, for minutes the first time.");
    let built =
        progress.step("every function built by sam build", || Built::build(workspace, &sam, architecture, &folder))?;
    let people = Receiver::start(TOKEN)?;
    let plans = workspace.root().join("response-plans");
    let options = Options::private(workspace, "sam-local");
    let stack = scene::deploy(workspace, options, &plans, &people, progress)?;
    let engine = Engine::start(source, &sam, &folder.join("docker"), progress)?;
    let stand_in = image::provide(&engine, architecture, &built.binaries()?, &folder.join("stand-in"), progress)?;
    let calls = play(workspace, &built, &sam, &engine, &stack, &people, progress);
    if stand_in && engine.is_shared() {
        image::forget(&engine)?;
    }
    progress.step("Docker engine and local stack ended", || {
        drop(engine);
        stack.stop()
    })?;
    Ok(Report { v: 1, stand_in, calls: calls? })
}

impl Report {
    /// Shows the table, and fails where an answer is wrong.
    pub fn close(&self, json: bool) -> Result<()> {
        if json {
            say::answer(serde_json::to_string(self)?)?;
        } else {
            say::to_stderr(&self.table());
        }
        let wrong = self.calls.iter().filter(|call| call.wrong.is_some()).count();
        if wrong > 0 {
            bail!("{wrong} of {} invocations went wrong", self.calls.len());
        }
        Ok(())
    }

    fn table(&self) -> String {
        let row = |call: &Called| {
            let seconds = say::seconds(Duration::from_secs_f64(call.seconds));
            let verdict = call.wrong.as_ref().map_or("answer ok".to_owned(), |wrong| format!("WRONG: {wrong}"));
            format!("\n{seconds}  {:<24}{:<25}{verdict}", call.function, call.event)
        };
        self.calls.iter().map(row).collect()
    }
}

/// Opens the way to the stack, and invokes every function.
fn play(
    workspace: &Workspace,
    built: &Built,
    sam: &Sam,
    engine: &Engine,
    stack: &Stack,
    people: &Receiver,
    progress: Progress,
) -> Result<Vec<Called>> {
    let subnet = engine.ask(&["subnet"])?;
    let mut relays = Relays::new(Bridge::read(&subnet).with_context(|| format!("The subnet {subnet} has no IPv4"))?)?;
    relays.open(stack.processes.proxy)?;
    relays.open(people.address())?;
    prepare(built, stack, &relays)?;
    let golden = workspace.root().join("events").join(SCENARIO);
    let world = World::new(stack, people, &golden, &folder(workspace).join("events"))?;
    let mut calls = Vec::new();
    for case in CASES {
        calls.push(call(case, built, sam, engine, &world, progress));
        if calls.iter().all(|call| call.wrong.is_some()) {
            // Without the incident that the first one opens, none of the others has anything to say.
            break;
        }
    }
    Ok(calls)
}

/// Gives the functions their variables, and sees to it that nothing else moves the incident: its execution waits, and
/// the deployed `sweep` is not called.
fn prepare(built: &Built, stack: &Stack, relays: &Relays) -> Result<()> {
    let aws = stack.aws();
    let waits = r#"{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":86400,"End":true}}}"#;
    let deployed =
        ["stepfunctions", "describe-state-machine", "--state-machine-arn", stack.output("IncidentResponse")?];
    let deployed: Value = aws.json(&deployed)?;
    let role = deployed["roleArn"].as_str().context("The deployed state machine has no role")?;
    let create = ["stepfunctions", "create-state-machine", "--name", WAITS, "--definition", waits, "--role-arn", role];
    let created: Value = aws.json(&create)?;
    let machine = created["stateMachineArn"].as_str().context("The emulator made no state machine")?;
    aws.run(&["scheduler", "delete-schedule", "--name", "tourniquet-sweep"])?;
    built.give_plans(stack)?;
    built.give_variables(stack, relays, &[("INCIDENT_RESPONSE", machine)])
}

fn call(case: Case, built: &Built, sam: &Sam, engine: &Engine, world: &World<'_>, progress: Progress) -> Called {
    let Case { function, event, check } = case;
    let began = Instant::now();
    let name = format!("{function} answers {event}");
    let done = progress.step(&name, || {
        let (answer, log) = built.invoke(sam, engine, function, &world.event(event))?;
        check(&answer, world).with_context(|| format!("{log}\n{answer}"))
    });
    Called {
        function,
        event,
        seconds: began.elapsed().as_secs_f64(),
        // What is wrong comes first, what was logged after it.
        wrong: done.err().map(|error| error.chain().map(ToString::to_string).rev().collect::<Vec<_>>().join("\n")),
    }
}

/// Where everything of this verb is kept.
fn folder(workspace: &Workspace) -> PathBuf {
    target(workspace).join("sam-local")
}

/// The target directory, which SAM, cargo-lambda and cargo share.
fn target(workspace: &Workspace) -> PathBuf {
    let mut target = workspace.tools();
    target.pop();
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_answer_fails_the_whole_and_is_told() {
        let call = |wrong: Option<&str>| Called {
            function: "SweepFunction",
            event: "every-minute",
            seconds: 1.5,
            wrong: wrong.map(str::to_owned),
        };
        let report = |second| Report { v: 1, stand_in: true, calls: vec![call(None), call(second)] };
        assert!(report(None).close(false).is_ok());
        let failed = report(Some("the answer is 1, not 2"));
        assert_eq!(failed.close(false).unwrap_err().to_string(), "1 of 2 invocations went wrong");
        assert_eq!(
            failed.table(),
            "\n   1.5 s  SweepFunction           every-minute             answer ok\
             \n   1.5 s  SweepFunction           every-minute             WRONG: the answer is 1, not 2"
        );
    }
}
