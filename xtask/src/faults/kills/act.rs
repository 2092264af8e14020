//! What is done to an incident under way.

use std::{
    thread,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use incident::{GroupKey, execution_input, incident_id};
use jiff::Timestamp;
use serde_json::{Value, json};
use signal::Origin;

use super::{
    super::{
        history::{Door, State, Transition},
        world::MACHINES,
    },
    story::Story,
    walk::Walk,
};
use crate::{
    aws::ACCOUNT,
    proxy::{Action, Match, Rule},
};

/// Customers who paid so long before a change can tell that it made things worse.
const CUSTOMERS_FOR: Duration = Duration::from_secs(16);

impl Walk<'_> {
    /// Makes the service, with a bad version that is live, and records what changed.
    pub(super) fn prepare(&mut self) -> Result<()> {
        let (on, name) = (self.on, self.name);
        self.arm()?;
        let made = on.stage.ask("service", json!({"name": name}))?;
        on.stage.ask("log", json!({"group": format!("/aws/lambda/{name}"), "message": "it does not work"}))?;
        on.customers.pay(name, 5);
        on.stage.ask("alarm", json!({"name": self.alarm(), "state": State::Ok.word()}))?;
        let field = |name: &str| made[name].as_str().context("the helper did not say what it made");
        let (alias, version) = (field("alias")?, field("version")?);
        self.operate(&["change", "record", "--resource", alias, "--version", "1", "--good"])?;
        self.operate(&["change", "record", "--resource", alias, "--version", version])?;
        if self.story == Story::Undone {
            thread::sleep(CUSTOMERS_FOR);
        }
        Ok(())
    }

    /// Brings the alarm to a state, and gives the event about it.
    pub(super) fn turn(&mut self, state: State) -> Result<Value> {
        // Two states of one alarm within a second could not be told apart.
        while now() <= self.last {
            thread::sleep(Duration::from_millis(50));
        }
        self.on.stage.ask("alarm", json!({"name": self.alarm(), "state": state.word()}))?;
        self.last = now();
        let transition = Transition { alarm: self.alarm(), state, at_s: self.last.cast_unsigned() };
        Ok(transition.payload(Door::Queue, Timestamp::UNIX_EPOCH))
    }

    /// Its alarm's name.
    pub(super) fn alarm(&self) -> String {
        format!("{}-0", self.name)
    }

    /// The incident that an event opens under its plan, which has its service's name.
    pub(super) fn incident_of(&self, event: &Value) -> Result<String> {
        let origin = Origin { own_account: Some(ACCOUNT), hubs: &[] };
        let signal = signal::read_value(event, &origin).into_iter().next().context("no signal in the event")?;
        let signal = signal.map_err(|unread| anyhow::anyhow!("{unread}"))?;
        let group = GroupKey::new(self.name, self.name, "test", signal.account.as_deref(), signal.drill);
        Ok(incident_id(&group, &signal))
    }

    /// Puts an event into the queue `signals`, which tries again.
    pub(super) fn send(&self, event: &Value) -> Result<()> {
        let queue = self.on.stack.output("SignalsQueue")?;
        self.on.stage.ask("send", json!({"queue": queue, "body": event.to_string()})).map(drop)
    }

    /// The function that makes the chosen write is killed after it, once.
    pub(super) fn arm(&self) -> Result<()> {
        let Some(target) = self.kill else { return Ok(()) };
        let mentions = if target.is_wake_up() { self.tokens.clone() } else { self.names() };
        if mentions.is_empty() || self.was_killed()? {
            return Ok(());
        }
        let (write, by) = (Some(target.write.clone()), Some(target.function.clone()));
        let when = Match { write, by, mentions, ..Match::default() };
        let rule = Rule { id: self.name.to_owned(), when, action: Action::KillAfter(true), times: 1 };
        self.on.stack.proxy().arm(&rule)
    }

    /// What its calls mention, but for those that wake somebody. Before it begins there is no id.
    pub(super) fn names(&self) -> Vec<String> {
        [self.name, &self.id].into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// Whether its kill has happened.
    pub(super) fn was_killed(&self) -> Result<bool> {
        let log = self.on.stack.proxy().log()?;
        Ok(log.matches.iter().any(|entry| entry.id == self.name && entry.killed.is_some()))
    }

    /// The calls of a function about this incident that have a word in them fail from now on.
    pub(super) fn break_calls(&self, function: &str, call: &str, word: &str, action: Action) -> Result<()> {
        let when = Match {
            target_contains: Some(call.to_owned()),
            body_contains: Some(word.to_owned()),
            by: Some(function.to_owned()),
            mentions: self.names(),
            ..Match::default()
        };
        self.on.stack.proxy().arm(&Rule { id: self.broken(), when, action, times: u32::MAX })
    }

    /// A person types something, and waits until it is done: a delivery that is cut off comes again.
    pub(super) fn operate(&mut self, arguments: &[&str]) -> Result<()> {
        let asked = self.on.operator.run(&[arguments, &["--no-wait"]].concat())?;
        let request = asked["request_id"].as_str().context("the command line named no request")?.to_owned();
        let what = format!("answer to `tourniquet {}`", arguments.join(" "));
        self.until(&what, |walk| {
            let answer = walk.command(&request)?;
            ensure!(answer["done"] != false, "`tourniquet {}` was answered with {answer}", arguments.join(" "));
            Ok(answer["done"] == true)
        })
    }

    /// An administrator writes an attribute of the incident.
    pub(super) fn put(&self, name: &str, value: &Value) -> Result<()> {
        let (table, pk) = (self.on.stack.output("Table")?, self.pk());
        self.on.stage.ask("put", json!({"table": table, "pk": pk, "name": name, "value": value})).map(drop)
    }

    /// An administrator starts a run.
    pub(super) fn start(&self, run: u32) -> Result<()> {
        let (machine, input) = (self.on.stack.output(MACHINES[0])?, execution_input(&self.id, 1));
        self.on.stage.ask("start", json!({"machine": machine, "name": self.run(run), "input": input})).map(drop)
    }

    /// An administrator stops a run.
    pub(super) fn stop(&self, run: u32) -> Result<()> {
        let machine = self.on.stack.output(MACHINES[0])?;
        self.on.stage.ask("stop", json!({"machine": machine, "name": self.run(run)})).map(drop)
    }
}

#[expect(clippy::disallowed_methods, reason = "a development tool has no step::now")]
fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed()
}
