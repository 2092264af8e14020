//! What the tool tells the person in front of it: one line a step with its seconds, on standard error.

use std::{
    fmt,
    io::Write,
    time::{Duration, Instant},
};

use anyhow::Result;

/// Where progress goes: to standard error, or nowhere when the answer is JSON.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    quiet: bool,
}

impl Progress {
    /// Progress that is shown, or with `quiet` is not.
    pub const fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// True when nothing is shown; programs that are started keep silent then, too.
    pub const fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Says one sentence before something that takes a while.
    pub fn note(self, sentence: impl fmt::Display) {
        if !self.quiet {
            to_stderr(&sentence.to_string());
        }
    }

    /// Does one step and says what it was and how long it took. The error is the step's own.
    pub fn step<T>(self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        let done = work();
        let outcome = if done.is_ok() { name.to_owned() } else { format!("{name}: failed") };
        self.note(format_args!("{}  {outcome}", seconds(began.elapsed())));
        done
    }
}

/// A duration as every table of this tool shows it: `  12.3 s`.
pub fn seconds(duration: Duration) -> String {
    format!("{:>6.1} s", duration.as_secs_f64())
}

/// Writes one line to standard output: the answer that was asked for.
pub fn answer(line: impl fmt::Display) -> Result<()> {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// Writes one line to standard error, whatever the progress: errors and closing tables.
pub fn to_stderr(line: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}
