//! Watching one incident: its timeline is shown as it happens, and the demo waits for what it says.

use std::{
    collections::HashSet,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Result, bail};
use serde_json::Value;

use super::{operator::Operator, receiver::Receiver};
use crate::say::Progress;

/// Nothing in the demo takes longer, waits included.
const PATIENCE: Duration = Duration::from_secs(80);

/// How often the incident is looked at.
const EVERY: Duration = Duration::from_millis(250);

/// The widest line.
const WIDTH: usize = 100;

/// Where the sentences begin: after the time and the step.
const INDENT: usize = 31;

/// One incident under watch.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    operator: Operator<'a>,
    /// What people got.
    pub(super) people: &'a Receiver,
    /// The incident's id.
    pub(super) id: String,
    said: HashSet<String>,
    progress: Progress,
    latest: Value,
}

impl<'a> Watch<'a> {
    /// Waits for the first incident, whatever opens it.
    pub(super) fn for_incident(operator: Operator<'a>, people: &'a Receiver, progress: Progress) -> Result<Self> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let listed = operator.run(&["incidents", "--status", "open"])?;
            if let Some(id) = listed["incidents"][0]["incident_id"].as_str() {
                let id = id.to_owned();
                return Ok(Self { operator, people, id, said: HashSet::new(), progress, latest: Value::Null });
            }
            std::thread::sleep(EVERY);
        }
        bail!("No incident opened within {} s: the alarm did not fire, or did not reach triage", PATIENCE.as_secs())
    }

    /// Looks until the incident is as wanted, and says each new entry of its timeline.
    pub(super) fn until(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Result<&Value> {
        let began = Instant::now();
        loop {
            self.latest = self.operator.run(&["show", &self.id])?;
            self.say_new();
            if is(&self.latest) {
                return Ok(&self.latest);
            }
            if began.elapsed() > PATIENCE {
                let (status, mitigation) = (&self.latest["incident"]["status"], &self.latest["mitigations"][0]);
                bail!(
                    "{} did not come to {what} within {} s: its status is {status}, its mitigation is {} ({})",
                    self.id,
                    PATIENCE.as_secs(),
                    mitigation["progress"],
                    mitigation["outcome"],
                );
            }
            std::thread::sleep(EVERY);
        }
    }

    /// The incident as the command line shows it now.
    pub(super) fn now(&mut self) -> Result<Value> {
        self.until("being shown", |_| true).cloned()
    }

    /// Does as a person would, at the command line.
    pub(super) fn ask(&self, verb: &str, options: &[&str]) -> Result<()> {
        let arguments: Vec<_> = verb.split(' ').chain([self.id.as_str()]).chain(options.iter().copied()).collect();
        self.say(self.operator.name(), &format!("$ tourniquet {}", arguments.join(" ")));
        self.operator.run(&arguments).map(drop)
    }

    /// Says what happens beside the timeline.
    pub(super) fn say(&self, who: &str, what: &str) {
        self.line(&clock(), who, what);
    }

    /// An entry that is written late sorts before others, so each is known by what it says.
    fn say_new(&mut self) {
        let entries = self.latest["timeline"].as_array().map(Vec::as_slice).unwrap_or_default();
        for entry in entries {
            if self.said.insert(entry.to_string()) {
                let text = |name: &str| entry[name].as_str().unwrap_or_default();
                self.line(text("at").get(11..19).unwrap_or_default(), text("step"), text("what"));
            }
        }
    }

    fn line(&self, clock: &str, who: &str, what: &str) {
        let mut lines = wrapped(what, WIDTH - INDENT).into_iter();
        let first = lines.next().unwrap_or_default();
        self.progress.note(format_args!("  {clock}  {who:<17}  {first}"));
        for more in lines {
            self.progress.note(format_args!("{:INDENT$}{more}", ""));
        }
    }
}

/// The time of day in UTC, as the timeline has it.
#[expect(clippy::disallowed_methods, reason = "a development tool has no step::now")]
fn clock() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("{:02}:{:02}:{:02}", now / 3600 % 24, now / 60 % 60, now % 60)
}

/// The text in lines that are no wider than told, unless a word is.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_wrapped_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrapped("", 4), [""; 0]);
    }
}
