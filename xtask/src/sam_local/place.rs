//! Everything that a call needs: the built functions, an engine to run them in, and a stack for them to talk to.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{
    engine::{Engine, Source},
    image,
    invoke::{self, Built},
    relay::{Bridge, Relays},
    sam::Sam,
};
use crate::{
    demo::{Receiver, TOKEN, scene},
    say::Progress,
    stack::{Options, Running},
    workspace::Workspace,
};

/// The name of the state machine that waits.
const WAITS: &str = "tourniquet-waits";

/// It ends with [`Place::leave`]; what belongs to this process ends with it in any case.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) sam: Sam,
    pub(super) built: Built,
    pub(super) stack: Running,
    pub(super) people: Receiver,
    pub(super) engine: Engine,
    /// Whether the functions run in a stand-in for Lambda's base image.
    pub(super) stand_in: bool,
    /// The ways from the containers to the stack, open for as long as this is held.
    _relays: Relays,
}

impl Place {
    /// Installs what is missing, builds, and starts everything. Fails with the remedy where this machine cannot do it.
    pub(super) fn make(workspace: &Workspace, progress: Progress) -> Result<Self> {
        let architecture = invoke::architecture()?;
        let folder = folder(workspace);
        let sam = Sam::install(workspace, progress)?;
        let source = Source::find(&sam, progress)?;
        progress.note("sam build: cargo-lambda builds the functions, for minutes the first time.");
        let built =
            progress.step("functions built by sam build", || Built::build(workspace, &sam, architecture, &folder))?;
        let people = Receiver::start(TOKEN)?;
        let plans = workspace.root().join("response-plans");
        let stack = scene::deploy(workspace, Options::private(workspace, "sam-local"), &plans, &people, progress)?;
        let engine = Engine::start(source, &sam, &folder.join("docker"), progress)?;
        let stand_in = image::provide(&engine, architecture, &built.binaries()?, &folder.join("stand-in"), progress)?;
        let subnet = engine.ask(&["subnet"])?;
        let bridge = Bridge::read(&subnet).with_context(|| format!("The subnet {subnet} has no IPv4"))?;
        let mut relays = Relays::new(bridge)?;
        // The one way: the proxy hands on to the people behind the channels as well.
        relays.open(stack.processes.proxy)?;
        prepare(&built, &stack, &relays)?;
        Ok(Self { sam, built, stack, people, engine, stand_in, _relays: relays })
    }

    /// Ends everything that was started, and takes a stand-in away from an engine that others use, too.
    pub(super) fn leave(self, progress: Progress) -> Result<()> {
        if self.stand_in && self.engine.is_shared() {
            image::forget(&self.engine)?;
        }
        progress.step("Docker engine and local stack ended", || {
            drop(self.engine);
            self.stack.stop()
        })
    }

    /// What a shell needs so that `sam` reaches this engine and stack.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        self.engine.host().map(|host| ("DOCKER_HOST", host)).into_iter().chain(self.stack.environment()).collect()
    }
}

/// Gives the functions their plans and variables, and sees to it that nothing else moves the incidents: their executions
/// wait, and the deployed `sweep` is not called.
fn prepare(built: &Built, stack: &Running, relays: &Relays) -> Result<()> {
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

/// Where everything of this verb is kept.
pub(super) fn folder(workspace: &Workspace) -> PathBuf {
    target(workspace).join("sam-local")
}

/// The target directory, which SAM, cargo-lambda and cargo share.
pub(super) fn target(workspace: &Workspace) -> PathBuf {
    workspace.tools().parent().unwrap_or(Path::new(".")).to_path_buf()
}
