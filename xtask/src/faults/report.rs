//! What a run ends with: one object for machines, a table for people.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use super::judge::Verdict;

/// What came of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub(super) v: u32,
    /// What it is replayed with.
    pub(super) seed: u64,
    pub(super) incidents: usize,
    /// What triage opened.
    pub(super) opened: usize,
    pub(super) deliveries: usize,
    /// Deliveries whose invocation failed, which went on through the queue.
    pub(super) redelivered: usize,
    /// Calls that functions made.
    pub(super) calls: u64,
    /// Faults by kind.
    pub(super) faults: BTreeMap<String, u64>,
    /// How mitigations ended, by outcome.
    pub(super) mitigations: BTreeMap<String, usize>,
    /// Signals that are dead letters, with what they are: somebody was paged about each.
    pub(super) dead_letters: Vec<String>,
    /// How long it took after the faults, until everything was as it should be.
    pub(super) settled_s: u64,
    pub(super) invariants: Vec<Verdict>,
}

impl Report {
    /// Whether every invariant held.
    pub fn held(&self) -> bool {
        self.invariants.iter().all(|verdict| verdict.violations.is_empty())
    }

    /// How to run the same again.
    pub fn replay(&self) -> String {
        format!("cargo xtask faults --seed {} --incidents {}", self.seed, self.incidents)
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut text = format!(
            "\nseed {}: {} deliveries about {} groups opened {} incidents; {} were brought again by the queue\n\
             {} calls of functions met\n",
            self.seed, self.deliveries, self.incidents, self.opened, self.redelivered, self.calls
        );
        // Writing to a text does not fail.
        for (kind, count) in &self.faults {
            let _ = writeln!(text, "  {count:>5}  {kind}");
        }
        for (outcome, count) in &self.mitigations {
            let _ = writeln!(text, "mitigations {outcome}: {count}");
        }
        for letter in &self.dead_letters {
            let _ = writeln!(text, "dead letter: {letter}");
        }
        let _ =
            writeln!(text, "everything was as it should be, or given up on, {} s after the last fault", self.settled_s);
        for verdict in &self.invariants {
            let word = if verdict.violations.is_empty() { "held    " } else { "VIOLATED" };
            let _ = writeln!(text, "  {word}  {:>5}  {}", verdict.checked, verdict.invariant);
            for violation in &verdict.violations {
                let _ = writeln!(text, "                   {violation}");
            }
        }
        text
    }
}
