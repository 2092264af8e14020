//! `cargo xtask bench triage`: what the way to a page costs triage, by the number of plans, and what a storm does.
//!
//! Figures are to be compared within one run: a machine that does something else meanwhile is slower throughout. Nothing
//! here passes or fails by a time.

mod compute;
mod startup;
mod storm;

use anyhow::Result;
use serde::Serialize;

use self::{compute::Row, startup::Start, storm::Storm};
use crate::{say::Progress, workspace::Workspace};

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    v: u32,
    /// Parse, match and decide, by how plans differ and how many there are.
    event: Vec<Row>,
    /// From the start of the process to the first question for an event.
    start: Vec<Start>,
    storm: Storm,
}

/// Measures triage. `events` of 50 failing things come through the queue in the storm.
pub fn triage(workspace: &Workspace, events: u32, progress: Progress) -> Result<Report> {
    let (event, plans) = progress.step("parse, match, decide, as released", || {
        let bench = compute::build(workspace, progress)?;
        Ok((compute::rows(&bench)?, startup::plans(workspace, &bench)?))
    })?;
    let start = progress.step("triage started, again and again", || startup::measure(workspace, &plans, progress))?;
    let storm = storm::measure(workspace, events, progress)?;
    Ok(Report { v: 1, event, start, storm })
}

impl Report {
    /// The tables for people: each figure beside its ratio to the first of its kind.
    pub fn table(&self) -> String {
        [compute::table(&self.event), startup::table(&self.start), self.storm.table()].join("\n")
    }
}
