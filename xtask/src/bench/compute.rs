//! Parse, match and decide, in a program of its own, built as what is deployed is.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{say::Progress, tools::finished, workspace::Workspace};

/// One way in which plans differ, and one number of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    /// By which part of an event they are told apart.
    plans_by: String,
    /// How many there are.
    plans: u64,
    /// The compiled file.
    file_kib: u64,
    /// Reading it, in microseconds of the processor's time.
    load_us: u64,
    /// Parse, match and decide, per event, in nanoseconds of the processor's time.
    event_ns: u64,
}

/// Builds the program and says where it is.
pub(super) fn build(workspace: &Workspace, progress: Progress) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo.args(["bench", "--package", "incident", "--bench", "triage", "--no-run", "--message-format", "json"]);
    if progress.is_quiet() {
        cargo.arg("--quiet");
    }
    let built = cargo.stderr(Stdio::inherit()).output().context("Failed to start cargo")?;
    ensure!(built.status.success(), "The build failed: cargo said why above");
    let mut messages =
        built.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let found = messages.rfind(|message| message["target"]["kind"][0] == "bench");
    let path = found.and_then(|message| message["executable"].as_str().map(PathBuf::from));
    path.context("cargo does not say where the bench is")
}

/// Runs it.
pub(super) fn rows(bench: &Path) -> Result<Vec<Row>> {
    let output = finished(&mut Command::new(bench))?;
    let text = String::from_utf8(output.stdout)?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("`{line}` is no row"))).collect()
}

/// A line for each row; the ratio is to the smallest number of plans that differ in the same way.
pub(super) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:24} {:>7} {:>9} {:>12} {:>12} {:>6}\n",
        "plans told apart by", "plans", "KiB", "load", "an event", "ratio"
    );
    for row in rows {
        let first = rows.iter().find(|other| other.plans_by == row.plans_by).unwrap_or(row);
        text.push_str(&format!(
            "{:24} {:>7} {:>9} {:>9.1} ms {:>9.1} µs {:>6.2}\n",
            row.plans_by,
            row.plans,
            row.file_kib,
            row.load_us as f64 / 1e3,
            row.event_ns as f64 / 1e3,
            row.event_ns as f64 / first.event_ns as f64
        ));
    }
    text
}
