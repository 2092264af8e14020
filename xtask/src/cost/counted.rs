//! What was counted, as `docs/cost-counted.json` keeps it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{aws::STACK_NAME, proxy::Tally, template::write_whole};

/// The state machines in the place of a function's name.
pub(super) const STATE_MACHINES: &str = "state machines";

/// CloudWatch in the place of a function's name.
pub(super) const CLOUDWATCH: &str = "CloudWatch";

/// The call of whoever publishes, but for state machines.
pub(super) const PUBLISH: &str = "sns Publish";

/// The function that runs every minute, and so in every count.
pub(super) const SWEEP: &str = "sweep";

/// The record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The version of this record.
    pub v: u32,
    /// The day on which it was counted.
    pub counted_on: String,
    /// The story that was told.
    pub story: String,
    /// From before the alarm to the end of every execution, without `sweep`.
    pub incident: Phase,
    /// Some runs of `sweep` afterwards, with nothing open.
    pub idle: Phase,
}

/// What was asked for in a while.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// By operation and by who asked, how often.
    pub calls: BTreeMap<String, BTreeMap<String, u64>>,
    /// DynamoDB's units, by who asked.
    pub units: BTreeMap<String, Units>,
    /// By function.
    pub invocations: BTreeMap<String, Invocations>,
    /// States that were entered and tries that were repeated, by state machine.
    pub transitions: BTreeMap<String, u64>,
    /// Metrics that were asked for.
    pub metrics: u64,
    /// Bytes that were put into the bucket.
    pub stored_bytes: u64,
    /// Bytes that the table held in the end.
    pub table_bytes: u64,
}

/// DynamoDB's units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// Of reading.
    pub read: f64,
    /// Of writing, those of the indexes included.
    pub write: f64,
}

/// How often a function ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invocations {
    /// How often.
    pub times: u64,
    /// How long in all, as this machine took it.
    pub milliseconds: u64,
    /// Its memory, as the template says.
    pub memory_mb: u64,
    /// What it logged, as CloudWatch Logs counts.
    pub log_bytes: u64,
}

/// A line that the emulator wrote.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line {
    Units { by: String, read: f64, write: f64 },
    Invocation { by: String, milliseconds: u64, memory: u64, log: u64 },
    Request { operation: String },
}

impl Counted {
    /// The record's path below the checkout.
    pub const PATH: &str = "docs/cost-counted.json";

    /// Reads the committed record.
    pub fn read(root: &Path) -> Result<Self> {
        let text = fs::read(root.join(Self::PATH)).with_context(|| format!("Failed to read {}", Self::PATH))?;
        serde_json::from_slice(&text).with_context(|| format!("Failed to read {}", Self::PATH))
    }

    /// Writes it.
    pub fn write(&self, root: &Path) -> Result<()> {
        write_whole(&root.join(Self::PATH), format!("{}\n", serde_json::to_string_pretty(self)?).as_bytes())
    }
}

impl Phase {
    /// What the proxy and the emulator counted, by those that `is_meant` names.
    ///
    /// Fails where the two saw different numbers of calls to DynamoDB: one of them has missed some.
    pub(super) fn new(tallies: Vec<Tally>, lines: Vec<Line>, is_meant: impl Fn(&str) -> bool) -> Result<Self> {
        let (mut phase, mut by_proxy, mut by_emulator) = (Self::default(), 0, 0);
        for tally in tallies {
            if let Some(by) = caller(&tally.by).filter(|by| is_meant(by)) {
                phase.metrics += tally.metrics;
                if tally.call.starts_with("s3 ") {
                    phase.stored_bytes += tally.bytes;
                }
                if tally.call.starts_with("dynamodb ") {
                    by_proxy += tally.calls;
                }
                phase.called(tally.call, by, tally.calls);
            }
        }
        for line in lines {
            if let Line::Units { by, .. } = &line {
                by_emulator += u64::from(by != STATE_MACHINES && caller(by).is_some_and(|by| is_meant(&by)));
            }
            phase.add(line, &is_meant);
        }
        ensure!(by_proxy == by_emulator, "The proxy saw {by_proxy} calls to DynamoDB, and the emulator {by_emulator}");
        Ok(phase)
    }

    /// Counts calls.
    pub(super) fn called(&mut self, call: String, by: String, times: u64) {
        *self.calls.entry(call).or_default().entry(by).or_default() += times;
    }

    fn add(&mut self, line: Line, is_meant: impl Fn(&str) -> bool) {
        match line {
            Line::Units { by, read, write } => {
                if let Some(by) = caller(&by).filter(|by| is_meant(by)) {
                    let units = self.units.entry(by).or_default();
                    units.read += read;
                    units.write += write;
                }
            }
            Line::Invocation { by, milliseconds, memory, log } => {
                if let Some(by) = caller(&by).filter(|by| is_meant(by)) {
                    let all = self.invocations.entry(by).or_default();
                    all.times += 1;
                    all.milliseconds += milliseconds;
                    all.memory_mb = memory;
                    all.log_bytes += log;
                }
            }
            // A person sends, and Lambda takes away what it has handed to a function.
            Line::Request { operation } => {
                let by = if operation == "SendMessage" { "people" } else { "Lambda" };
                if is_meant(by) {
                    self.called(format!("sqs {operation}"), by.to_owned(), 1);
                }
            }
        }
    }
}

/// The handler's name of a function of the suite, from the one that it was deployed with; `None` where it is no part of
/// the suite: the demo's own service, and the person who watches.
fn caller(by: &str) -> Option<String> {
    if by == STATE_MACHINES {
        return Some(by.to_owned());
    }
    let (name, _) = by.strip_prefix(STACK_NAME)?.strip_prefix('-')?.split_once("Function")?;
    let mut plain = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !plain.is_empty() {
            plain.push('-');
        }
        plain.push(letter.to_ascii_lowercase());
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_the_suite_s() {
        assert_eq!(caller("tourniquet-CaptureEvidenceFunction-0A1B").as_deref(), Some("capture-evidence"));
        assert_eq!(caller(STATE_MACHINES).as_deref(), Some(STATE_MACHINES));
        assert_eq!(caller("people"), None);
        assert_eq!(caller("checkout"), None);
    }

    #[test]
    fn lines_become_counts_without_those_who_are_not_meant() {
        let lines = r#"
            {"kind":"units","by":"tourniquet-TriageFunction-1","operation":"GetItem","read":0.5,"write":0.0}
            {"kind":"units","by":"tourniquet-TriageFunction-1","operation":"PutItem","read":0.0,"write":3.0}
            {"kind":"units","by":"tourniquet-SweepFunction-1","operation":"Query","read":0.5,"write":0.0}
            {"kind":"units","by":"people","operation":"Query","read":9.0,"write":0.0}
            {"kind":"invocation","by":"tourniquet-TriageFunction-1","milliseconds":7,"memory":256,"log":400}
            {"kind":"request","operation":"SendMessage","queue":"commands"}"#;
        let lines = lines.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap());
        let tally = |by: &str, call: &str, metrics| Tally {
            by: by.to_owned(),
            call: call.to_owned(),
            calls: 2,
            bytes: 10,
            metrics,
        };
        let tallies = vec![
            tally("tourniquet-TriageFunction-1", "s3 PutObject", 3),
            tally("tourniquet-SweepFunction-1", "s3 PutObject", 3),
        ];
        let seen = |calls: usize| -> Vec<Tally> {
            [tallies.as_slice(), &vec![tally("tourniquet-TriageFunction-1", "dynamodb GetItem", 0); calls]].concat()
        };
        let lines: Vec<Line> = lines.collect();
        let phase = Phase::new(seen(1), lines.clone(), |by| by != SWEEP).unwrap();
        let missed = Phase::new(seen(2), lines, |by| by != SWEEP).unwrap_err().to_string();
        assert_eq!(missed, "The proxy saw 4 calls to DynamoDB, and the emulator 2");
        assert_eq!(phase.units, BTreeMap::from([("triage".to_owned(), Units { read: 0.5, write: 3.0 })]));
        let invoked = Invocations { times: 1, milliseconds: 7, memory_mb: 256, log_bytes: 400 };
        assert_eq!(phase.invocations, BTreeMap::from([("triage".to_owned(), invoked)]));
        assert_eq!((phase.metrics, phase.stored_bytes), (3, 10));
        assert_eq!(phase.calls["s3 PutObject"], BTreeMap::from([("triage".to_owned(), 2)]));
        assert_eq!(phase.calls["sqs SendMessage"], BTreeMap::from([("people".to_owned(), 1)]));
    }
}
