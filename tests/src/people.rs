//! What people do: commands in the queue, and the command line.

use std::{
    process::Command as Process,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use incident::{Command, CommandRecord, V, Verb};
use serde_json::Value;

use crate::World;

/// A command is answered within this time, or something is wrong.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// What the command line did.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its exit status.
    pub exit: Option<i32>,
    /// What it wrote to standard output.
    pub output: String,
    /// What it complained of.
    pub error: String,
}

/// A command with a request id of its own.
pub fn command(by: &str, verb: Verb, incident_id: Option<&str>, args: Value) -> Command {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let request_id = format!("{}-{}", step::now().as_nanosecond(), COUNT.fetch_add(1, Ordering::Relaxed));
    let (incident_id, claimed_by) = (incident_id.map(str::to_owned), by.to_owned());
    Command { v: V, request_id, incident_id, verb, args, proof: None, claimed_by }
}

impl World {
    /// Puts a command into the queue and waits for its answer.
    pub async fn ask(&self, command: &Command) -> Result<CommandRecord> {
        self.send("CommandsQueue", &serde_json::to_string(command)?).await?;
        let answered = async || Ok(self.store.command(&command.request_id).await?);
        self.until(&format!("answer to {:?}", command.verb), ANSWERED_WITHIN, answered).await
    }

    /// Hands the function `command` a batch as the queue does, and waits until it is through; the bodies that failed.
    pub async fn deliver_commands(&self, commands: &[&Command]) -> Result<Vec<Value>> {
        let record = |(n, command): (usize, &&Command)| -> Result<Value> {
            let body = serde_json::to_string(command)?;
            Ok(
                serde_json::json!({"eventSource": "aws:sqs", "messageId": n.to_string(), "body": body, "attributes": {}}),
            )
        };
        let records = commands.iter().enumerate().map(record).collect::<Result<Vec<_>>>()?;
        let batch = serde_json::json!({"Records": records}).to_string();
        let answer = self.invoke("CommandFunction", batch.as_bytes()).await?;
        let answer = answer.map_err(|(name, sentence)| anyhow::anyhow!("command failed with {name}: {sentence}"))?;
        Ok(answer["batchItemFailures"].as_array().cloned().unwrap_or_default())
    }

    /// Runs `tourniquet` as somebody who is signed in.
    pub async fn tourniquet(&self, arguments: &[&str]) -> Result<Said> {
        let mut process = Process::new(&self.stack.tourniquet);
        process.args(arguments).envs(self.stack.environment()).env("TOURNIQUET_USER", "tester");
        process.env("TOURNIQUET_TABLE", self.stack.output("Table")?);
        process.env("TOURNIQUET_COMMANDS", self.stack.output("CommandsQueue")?);
        process.env("TOURNIQUET_BUCKET", self.stack.output("Bucket")?);
        let output =
            tokio::task::spawn_blocking(move || process.output()).await?.context("tourniquet did not start")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said { exit: output.status.code(), output: text(&output.stdout), error: text(&output.stderr) })
    }
}
