//! Watching one incident: its timeline is shown as it happens, and the demo waits for what it says.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use super::operator::Operator;
use crate::say::Progress;

/// Nothing in the demo takes longer, waits included.
const PATIENCE: Duration = Duration::from_secs(80);

/// How often the incident is looked at.
const EVERY: Duration = Duration::from_millis(250);

/// One incident under watch.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    operator: Operator<'a>,
    /// The incident's id.
    pub(super) id: String,
    shown: usize,
    progress: Progress,
    latest: Value,
}

impl<'a> Watch<'a> {
    /// Waits for the first incident, whatever opens it.
    pub(super) fn for_incident(operator: Operator<'a>, progress: Progress) -> Result<Self> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let listed = operator.run(&["incidents", "--status", "open"])?;
            if let Some(id) = listed["incidents"][0]["incident_id"].as_str() {
                let id = id.to_owned();
                return Ok(Self { operator, id, shown: 0, progress, latest: Value::Null });
            }
            std::thread::sleep(EVERY);
        }
        bail!("No incident opened within {} s", PATIENCE.as_secs())
    }

    /// Looks until the incident is as wanted, and says each new entry of its timeline.
    pub(super) fn until(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Result<&Value> {
        let began = Instant::now();
        loop {
            self.latest = self.operator.run(&["show", &self.id])?;
            self.show_new();
            if is(&self.latest) {
                return Ok(&self.latest);
            }
            if began.elapsed() > PATIENCE {
                bail!("{}: it did not come to {what} within {} s: {}", self.id, PATIENCE.as_secs(), self.latest);
            }
            std::thread::sleep(EVERY);
        }
    }

    fn show_new(&mut self) {
        let entries = self.latest["timeline"].as_array().map(Vec::as_slice).unwrap_or_default();
        for entry in entries.iter().skip(self.shown) {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            let clock = text("at").get(11..19).unwrap_or_default().to_owned();
            self.progress.note(format_args!("  {clock}  {:<17} {}", text("step"), text("what")));
        }
        // An entry that is written late sorts before others: then one of the others is shown twice, and none is lost.
        self.shown = entries.len();
    }
}
