//! One incident, from its first signal to its end, as its story goes; perhaps with a function that is killed on the way.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::json;

use super::{
    super::{history::State, wire::second, world::MACHINES},
    Ground,
    story::Story,
    writes::Target,
};
use crate::proxy::Action;

/// An incident under way.
pub(super) struct Walk<'a> {
    pub(super) on: &'a Ground<'a>,
    pub(super) story: Story,
    pub(super) kill: Option<&'a Target>,
    /// The name of its plan and service, and of all that belongs to it.
    pub(super) name: &'a str,
    pub(super) id: String,
    /// The tokens of those who waited to be woken: calls that wake them mention nothing else.
    pub(super) tokens: Vec<String>,
    /// When its alarm last came to a state, in seconds since 1970: no two at once.
    pub(super) last: i64,
    pub(super) fired: Instant,
    /// From the first signal to the first page.
    pub(super) paged: Option<Duration>,
}

impl<'a> Walk<'a> {
    /// An incident that is about to begin.
    pub(super) fn new(on: &'a Ground<'a>, story: Story, name: &'a str, kill: Option<&'a Target>) -> Self {
        let (id, tokens, fired) = (String::new(), Vec::new(), Instant::now());
        Self { on, story, kill, name, id, tokens, last: 0, fired, paged: None }
    }

    /// Walks it to its end. Fails with what did not come in time.
    pub(super) fn go(&mut self) -> Result<()> {
        let gone = self.all();
        // A rule that was not met in time must not meet anybody else.
        for rule in [self.name.to_owned(), self.broken()] {
            self.on.stack.proxy().disarm(&rule)?;
        }
        self.on.customers.leave(self.name);
        gone
    }

    fn all(&mut self) -> Result<()> {
        self.prepare()?;
        self.begin()?;
        self.page()?;
        self.operate(&["ack", &self.id.clone()])?;
        self.token("approval_token", "MIT#1#1")?;
        match self.story {
            Story::Mended => return self.mend(),
            Story::Overruled => return self.overrule(),
            Story::GivenUp => return self.give_up(),
            Story::Undone => self.undo()?,
            Story::Refired => self.refire()?,
            Story::Aborted => self.abort()?,
            Story::Healed | Story::Unserved | Story::Refused | Story::Unrecorded => {}
        }
        self.token("recovery_token", "META")?;
        let clear = self.turn(State::Ok)?;
        self.send(&clear)?;
        self.over()
    }

    /// The alarm fires, and triage is told. What is to go wrong is armed before.
    fn begin(&mut self) -> Result<()> {
        let event = self.turn(State::Alarm)?;
        self.id = self.incident_of(&event)?;
        self.arm()?;
        match self.story {
            Story::Unserved => self.break_calls("TriageFunction", "StartExecution", "", Action::Fail(503))?,
            Story::Refused => self.break_calls("NotifyFunction", "sns Publish", "", Action::Throttle(true))?,
            Story::Unrecorded => self.break_calls("NotifyFunction", "UpdateItem", "woken_at", Action::Fail(503))?,
            _ => {}
        }
        self.fired = Instant::now();
        self.send(&event)
    }

    /// Somebody is paged; what was broken is whole again once that has been seen to.
    fn page(&mut self) -> Result<()> {
        match self.story {
            Story::Unserved => {
                let first = self.run(1);
                self.sweep("execution", |walk| walk.is_there(MACHINES[0], &first))?;
            }
            Story::Refused => self.until("page that was refused", |walk| walk.is_noted("sns could not page"))?,
            Story::Unrecorded => self.sweep("page by sweep", |walk| Ok(walk.is_told("no page that wakes")))?,
            _ => {}
        }
        self.on.stack.proxy().disarm(&self.broken())?;
        let command = format!("tourniquet ack {}", self.id);
        self.until("page", |walk| Ok(walk.is_told(&command)))?;
        match self.story {
            // Somebody who has taken it is not paged any more.
            Story::Refused => self.until("page that is tried again", |walk| walk.is_noted("paged first by sns")),
            _ => Ok(()),
        }
    }

    /// The mitigation is approved, and the alias moves.
    fn change(&mut self) -> Result<()> {
        self.operate(&["approve", &self.id.clone(), "--yes"])?;
        self.until("change", |walk| Ok(walk.alias()? == "1"))
    }

    fn mend(&mut self) -> Result<()> {
        self.change()?;
        let clear = self.turn(State::Ok)?;
        self.ended()?;
        self.token("recovery_token", "META")?;
        self.send(&clear)?;
        self.over()
    }

    /// The customers stop to pay once the change is made, and pay again once it is taken back.
    fn undo(&mut self) -> Result<()> {
        self.change()?;
        self.on.customers.pay(self.name, 0);
        self.until("change that is taken back", |walk| Ok(walk.alias()? == "2"))?;
        self.ended()
    }

    /// The recovery is not told, so that the incident is mitigated and not resolved, when it fires again.
    fn refire(&mut self) -> Result<()> {
        self.change()?;
        self.turn(State::Ok)?;
        self.wait("mitigated incident", |incident| incident["status"]["S"] == "mitigated")?;
        let event = self.turn(State::Alarm)?;
        self.send(&event)?;
        self.until("page of the second engagement", |walk| walk.is_sent("SENT#1#2#1#"))?;
        self.operate(&["ack", &self.id.clone()])?;
        self.ended()
    }

    /// A person ends it, and `sweep` looks whether they were right.
    fn overrule(&mut self) -> Result<()> {
        self.token("recovery_token", "META")?;
        self.resolve()?;
        self.over()?;
        self.put("recheck_at", &json!({"S": second(Timestamp::from_second(self.last)?)}))?;
        self.sweep("second look", |walk| Ok(walk.meta()?["recheck_at"].is_null()))?;
        self.until("page about it", |walk| Ok(walk.is_told("it still fires")))
    }

    fn abort(&mut self) -> Result<()> {
        self.token("recovery_token", "META")?;
        self.stop(1)?;
        let next = self.run(2);
        self.sweep("second run", |walk| walk.is_there(MACHINES[0], &next))
    }

    /// The third run is begun and ended by hand, since each of the two before would take `sweep` half a minute.
    fn give_up(&mut self) -> Result<()> {
        self.operate(&["reject", &self.id.clone(), "--reason", "on purpose"])?;
        self.ended()?;
        self.token("recovery_token", "META")?;
        self.stop(1)?;
        self.put("run", &json!({"N": "3"}))?;
        self.start(3)?;
        self.stop(3)?;
        self.sweep("end of all runs", |walk| Ok(walk.meta()?["status"]["S"] == "stuck"))?;
        self.resolve()
    }

    fn resolve(&mut self) -> Result<()> {
        self.operate(&["resolve", &self.id.clone(), "--reason", "on purpose"])
    }

    /// The mitigation has ended, whichever way.
    fn ended(&mut self) -> Result<()> {
        self.until("end of the mitigation", |walk| Ok(walk.item("MIT#1#1")?["progress"]["S"] == "ended"))
    }

    /// What serves the incident has ended; `engage` may wait on for an answer that came.
    fn over(&mut self) -> Result<()> {
        self.until("end of its executions", |walk| {
            let run = walk.meta()?["run"]["N"].as_str().and_then(|n| n.parse().ok()).context("no run")?;
            Ok(walk.is_over(MACHINES[0], &walk.run(run))? && walk.is_over(MACHINES[2], &walk.run(1))?)
        })
    }

    /// The name of an execution.
    pub(super) fn run(&self, n: u32) -> String {
        format!("{}-1-{n}", self.id)
    }

    /// The rule by which calls about this incident fail for a while.
    pub(super) fn broken(&self) -> String {
        format!("{}-broken", self.name)
    }
}
