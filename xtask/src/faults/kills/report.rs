//! What a run of kills ends with: one object for machines, a table for people.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

/// One incident in which a function was killed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Killed {
    /// The function, by its name in the template.
    pub(super) function: String,
    /// The write after which it was killed.
    pub(super) write: String,
    /// How the incident went.
    pub(super) story: &'static str,
    /// The name of its plan, alarm and service.
    pub(super) name: String,
    /// What is wrong with its end; nothing, where it holds.
    pub(super) wrong: Vec<String>,
    /// How long it took, from its first signal to its end.
    pub(super) seconds: u64,
}

/// What came of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub(super) v: u32,
    /// How many undisturbed incidents were looked at, and what is wrong with them.
    pub(super) undisturbed: usize,
    pub(super) wrong: Vec<String>,
    /// One incident for each write that those made.
    pub(super) killed: Vec<Killed>,
    pub(super) seconds: u64,
}

impl Report {
    /// Whether each function was killed after each of its writes, and each incident ended as it has to.
    pub fn held(&self) -> bool {
        self.wrong.is_empty() && self.killed.iter().all(|killed| killed.wrong.is_empty())
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut functions: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for killed in &self.killed {
            let (writes, held) = functions.entry(&killed.function).or_default();
            *writes += 1;
            *held += usize::from(killed.wrong.is_empty());
        }
        // Writing to a text does not fail.
        let mut text = format!(
            "\n{} undisturbed incidents made {} different writes; a function was killed after each of them, in {} s\n",
            self.undisturbed,
            self.killed.len(),
            self.seconds
        );
        let _ = writeln!(text, "  writes  held  function");
        for (function, (writes, held)) in functions {
            let _ = writeln!(text, "  {writes:>6}  {held:>4}  {function}");
        }
        for wrong in &self.wrong {
            let _ = writeln!(text, "VIOLATED  {wrong}");
        }
        for killed in self.killed.iter().filter(|killed| !killed.wrong.is_empty()) {
            let Killed { function, write, story, name, wrong, .. } = killed;
            let _ = writeln!(text, "VIOLATED  {function} killed after {write} ({story}, {name})");
            for sentence in wrong {
                let _ = writeln!(text, "            {sentence}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn killed(function: &str, wrong: &[&str]) -> Killed {
        let wrong = wrong.iter().map(|sentence| (*sentence).to_owned()).collect();
        let (function, write, name) = (function.to_owned(), "sns Publish".to_owned(), "checkout-kill-001".to_owned());
        Killed { function, write, story: "mended", name, wrong, seconds: 30 }
    }

    #[test]
    fn one_write_that_does_not_hold_is_named_and_fails_the_whole() {
        let report = |wrong: &[&str]| Report {
            v: 1,
            undisturbed: 9,
            wrong: Vec::new(),
            killed: vec![killed("NotifyFunction", &[]), killed("NotifyFunction", wrong)],
            seconds: 60,
        };
        assert!(report(&[]).held() && report(&[]).table().contains("       2     2  NotifyFunction"));
        let bad = report(&["nobody was paged"]);
        assert!(!bad.held() && bad.table().contains("       2     1  NotifyFunction"));
        assert!(bad.table().contains("VIOLATED  NotifyFunction killed after sns Publish (mended, checkout-kill-001)"));
        assert!(!Report { wrong: vec!["x".to_owned()], ..report(&[]) }.held());
    }
}
