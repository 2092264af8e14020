//! What is seen of an incident under way, and waiting for it.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::walk::Walk;
use crate::demo::Received;

/// Nothing that has to come takes longer, waits and retries included, on a busy machine.
const WITHIN: Duration = Duration::from_secs(300);

/// How often one looks.
const EVERY: Duration = Duration::from_millis(400);

/// How often `sweep` is called where something waits for it: its schedule is slower.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

impl Walk<'_> {
    /// Waits until it is so.
    pub(super) fn until(&mut self, what: &str, is: impl Fn(&Self) -> Result<bool>) -> Result<()> {
        self.until_some(what, |walk| Ok(is(walk)?.then_some(())))
    }

    /// Waits for the incident to be so.
    pub(super) fn wait(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Result<()> {
        self.until(what, |walk| Ok(is(&walk.meta()?)))
    }

    /// Waits until somebody waits to be woken.
    pub(super) fn token(&mut self, attribute: &str, sk: &str) -> Result<()> {
        let token = self.until_some(attribute, |walk| {
            let item = walk.item(sk)?;
            let is_new = |token: &&str| !walk.tokens.iter().any(|known| known == token);
            Ok(item[attribute]["S"].as_str().filter(is_new).map(str::to_owned))
        })?;
        self.tokens.push(token);
        self.arm()
    }

    /// Waits for `sweep` to see to something; it is called all the time, and may be killed each time.
    pub(super) fn sweep(&mut self, what: &str, is: impl Fn(&Self) -> Result<bool>) -> Result<()> {
        let function = self.on.stack.output("SweepFunction")?.to_owned();
        self.until(what, |walk| {
            let is = is(walk)?;
            if !is {
                // One that fails is called again.
                let _ = walk.on.stage.ask("invoke", json!({"function": function, "payload": {}}));
                thread::sleep(SWEEP_EVERY);
            }
            Ok(is)
        })
    }

    /// Looks until it is there; whether somebody was paged is seen to all the time.
    fn until_some<T>(&mut self, what: &str, look: impl Fn(&Self) -> Result<Option<T>>) -> Result<T> {
        let began = Instant::now();
        loop {
            if self.paged.is_none() && self.is_paged() {
                self.paged = Some(self.fired.elapsed());
            }
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            if began.elapsed() > WITHIN {
                bail!("there was no {what} of {} within {} s", self.id, WITHIN.as_secs());
            }
            thread::sleep(EVERY);
        }
    }

    /// Whether anybody was told so that they act, by whichever part of the suite.
    fn is_paged(&self) -> bool {
        let (command, alarm) = (format!("tourniquet ack {}", self.id), format!("Alarm {} ", self.alarm()));
        let is = |text: &str| text.contains(&command) || (text.contains("degraded") && text.contains(&alarm));
        self.on.people.received().iter().filter_map(text).any(is)
    }

    /// Whether people got a message about this incident that has these words.
    pub(super) fn is_told(&self, words: &str) -> bool {
        let is = |text: &str| text.contains(&self.id) && text.contains(words);
        self.on.people.received().iter().filter_map(text).any(is)
    }

    /// Whether a page whose key begins so is recorded as sent.
    pub(super) fn is_sent(&self, begin: &str) -> Result<bool> {
        let sent = |item: &Value| {
            item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with(begin)) && !item["sent_at"].is_null()
        };
        Ok(self.items()?.iter().any(sent))
    }

    /// Whether the timeline has these words.
    pub(super) fn is_noted(&self, words: &str) -> Result<bool> {
        Ok(self.items()?.iter().any(|item| item["what"]["S"].as_str().is_some_and(|what| what.contains(words))))
    }

    /// Whether there is such an execution.
    pub(super) fn is_there(&self, machine: &str, name: &str) -> Result<bool> {
        Ok(!self.execution(machine, name)?.is_null())
    }

    /// Whether there was one, and it has ended.
    pub(super) fn is_over(&self, machine: &str, name: &str) -> Result<bool> {
        Ok(self.execution(machine, name)?.as_str().is_some_and(|how| how != "RUNNING"))
    }

    /// How an execution is; null where there is none.
    pub(super) fn execution(&self, machine: &str, name: &str) -> Result<Value> {
        self.on.stage.ask("execution", json!({"machine": self.on.stack.output(machine)?, "name": name}))
    }

    /// At which version its service's alias is.
    pub(super) fn alias(&self) -> Result<String> {
        let version = self.on.stage.ask("alias", json!({"name": self.name}))?;
        Ok(version.as_str().unwrap_or_default().to_owned())
    }

    /// The incident as it is stored; null before it is.
    pub(super) fn meta(&self) -> Result<Value> {
        self.item("META")
    }

    /// One item of the incident; null where there is none.
    pub(super) fn item(&self, sk: &str) -> Result<Value> {
        Ok(self.items()?.into_iter().find(|item| item["sk"]["S"] == sk).unwrap_or_default())
    }

    /// All items of the incident.
    pub(super) fn items(&self) -> Result<Vec<Value>> {
        self.items_of(&self.pk())
    }

    /// The answer to a command; null while there is none.
    pub(super) fn command(&self, request: &str) -> Result<Value> {
        let items = self.items_of(&format!("CMD#{request}"))?;
        let text = items.first().and_then(|item| item["command"]["S"].as_str());
        Ok(text.map(serde_json::from_str).transpose()?.unwrap_or_default())
    }

    fn items_of(&self, pk: &str) -> Result<Vec<Value>> {
        let items = self.on.stage.ask("items", json!({"table": self.on.stack.output("Table")?, "pk": pk}))?;
        Ok(items.as_array().cloned().unwrap_or_default())
    }

    /// The key of the incident's items.
    pub(super) fn pk(&self) -> String {
        format!("INC#{}", self.id)
    }
}

fn text(received: &Received) -> Option<&str> {
    match received {
        Received::Slack { text, .. } => Some(text),
        Received::Topic { message, .. } => Some(message),
        Received::Refused { .. } => None,
    }
}
