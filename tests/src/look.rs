//! What can be seen of the suite from outside: executions, pages, triage's own log, the emulator by the AWS command line.

use anyhow::{Context as _, Result};
use serde_json::Value;
use xtask::demo::Received;

use crate::World;

/// How many people got, by each channel of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Through the topic of pages.
    pub topic: usize,
    /// In Slack.
    pub slack: usize,
}

impl Told {
    /// Once by each channel.
    pub const ONCE: Self = Self { topic: 1, slack: 1 };
    /// Not at all.
    pub const NEVER: Self = Self { topic: 0, slack: 0 };
}

/// One delivery of a signal, as triage logged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// `Incident`, `Attached` or `Ignored`.
    pub outcome: String,
    /// Why.
    pub reason: String,
}

impl World {
    /// How often a step of the escalation was paged, in all engagements.
    pub fn paged(&self, id: &str, step: u32) -> Result<Told> {
        self.told_of(id, &format!("step {step} of "))
    }

    /// How often a message about an incident with this text came.
    pub fn told_of(&self, id: &str, text: &str) -> Result<Told> {
        let pages = self.stack.output("PagesTopic")?;
        let mut told = Told::NEVER;
        for received in self.told(id)? {
            match received {
                Received::Slack { text: message, .. } if message.contains(text) => told.slack += 1,
                Received::Topic { topic, message, .. } if topic == pages && message.contains(text) => told.topic += 1,
                _ => {}
            }
        }
        Ok(told)
    }

    /// The words of all messages about an incident that people got so far, in one look.
    pub fn words_about(&self, id: &str) -> Result<Vec<String>> {
        let words = |received| match received {
            Received::Slack { text: words, .. } | Received::Topic { message: words, .. } => Some(words),
            Received::Refused { .. } => None,
        };
        Ok(self.told(id)?.into_iter().filter_map(words).collect())
    }

    /// The messages of the fallback topic that name this text.
    pub fn cried(&self, text: &str) -> Result<Vec<String>> {
        let fallback = self.stack.output("FallbackTopic")?;
        let told = self.told(text)?.into_iter();
        let of = |received| match received {
            Received::Topic { topic, message, .. } if topic == fallback => Some(message),
            _ => None,
        };
        Ok(told.filter_map(of).collect())
    }

    /// The executions of a state machine that serve an incident, as `(name, status)`.
    pub async fn executions(&self, machine: &str, id: &str) -> Result<Vec<(String, String)>> {
        let client = aws_sdk_sfn::Client::new(&self.config);
        let (machine, mut next, mut found) = (self.stack.output(machine)?, None, Vec::new());
        loop {
            let page = client.list_executions().state_machine_arn(machine).set_next_token(next).send().await?;
            let of_it = page.executions.into_iter().filter(|execution| execution.name.starts_with(id));
            found.extend(of_it.map(|execution| (execution.name, execution.status.as_str().to_owned())));
            next = page.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// What triage made of each delivery of a signal so far, in order: its log has one line for each.
    pub async fn taken(&self, signal_id: &str) -> Result<Vec<Taken>> {
        let client = aws_sdk_cloudwatchlogs::Client::new(&self.config);
        let filter = client.filter_log_events().log_group_name("/aws/lambda/tourniquet");
        let (mut pages, mut found) =
            (filter.filter_pattern(format!("\"{signal_id}\"")).into_paginator().send(), Vec::new());
        while let Some(page) = pages.next().await {
            for event in page?.events.unwrap_or_default() {
                let line: Value = serde_json::from_str(event.message().unwrap_or_default()).unwrap_or_default();
                let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
                if line["message"] == "signal taken" && line["signal_id"] == signal_id {
                    found.push(Taken { outcome: text("outcome"), reason: text("reason") });
                }
            }
        }
        Ok(found)
    }

    /// Asks the emulator by the AWS command line; an answer without JSON is null.
    pub async fn aws(&self, arguments: &[&str]) -> Result<Value> {
        let (aws, arguments) = (self.stack.aws(), arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>());
        let run = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            aws.run(&[arguments.as_slice(), &["--output", "json"]].concat())
        };
        let text = tokio::task::spawn_blocking(run).await??;
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).context("the AWS command line wrote no JSON")
    }

    /// An item of the table as it is stored, with the types of its attributes; null where there is none.
    pub async fn item(&self, pk: &str, sk: &str) -> Result<Value> {
        let key = serde_json::json!({"pk": {"S": pk}, "sk": {"S": sk}}).to_string();
        let table = self.stack.output("Table")?;
        let get = ["dynamodb", "get-item", "--consistent-read", "--table-name", table, "--key", &key];
        Ok(self.aws(&get).await?["Item"].take())
    }
}
