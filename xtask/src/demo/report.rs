//! What the demo ends with: one object for machines, a few lines for people.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Scenario, evidence::Fetched};
use crate::say::Progress;

/// What came of a demo. The same object for every scenario, `null` for what did not happen.
#[derive(Debug, Serialize)]
pub struct Report {
    v: u32,
    scenario: &'static str,
    incident_id: Value,
    status: Value,
    severity: Value,
    owner: Value,
    timeline: Vec<Value>,
    measures: Value,
    mitigation: Value,
    evidence: Value,
    postmortem: Value,
}

const MEASURES: [(&str, &str); 5] = [
    ("ttd_s", "TTD  onset to first signal"),
    ("tte_s", "TTE  first signal to a channel that wakes"),
    ("tta_s", "TTA  first signal to acknowledged"),
    ("ttm_s", "TTM  first signal to clear after the change"),
    ("ttr_s", "TTR  first signal to the clear period that held"),
];

impl Report {
    /// The report of an incident as `tourniquet show --json` tells it, and what was fetched of it.
    pub(super) fn new(scenario: Scenario, shown: &Value, fetched: &Fetched) -> Self {
        let incident = &shown["incident"];
        let entries = shown["timeline"].as_array().map(Vec::as_slice).unwrap_or_default();
        let timeline = entries.iter().map(|e| json!({"at": e["at"], "step": e["step"], "what": e["what"]})).collect();
        let measures =
            MEASURES.iter().map(|(name, _)| ((*name).to_owned(), shown["measures"][name]["seconds"].clone()));
        Self {
            v: 1,
            scenario: scenario.name(),
            incident_id: incident["id"].clone(),
            status: incident["status"].clone(),
            severity: incident["severity"].clone(),
            owner: incident["plan"]["plan"]["owner"].clone(),
            timeline,
            measures: Value::Object(measures.collect()),
            mitigation: mitigation(&shown["mitigations"]),
            evidence: json!({"bag": fetched.bag, "files": fetched.files, "gaps": fetched.gaps}),
            postmortem: postmortem(fetched.postmortem.as_ref()),
        }
    }

    /// Says it to a person.
    pub fn say(&self, progress: Progress) {
        progress.note("");
        progress.note(format_args!(
            "{}: {} ({}, owner {})",
            text(&self.incident_id),
            text(&self.status),
            text(&self.severity),
            text(&self.owner)
        ));
        for (name, words) in MEASURES {
            let shown = self.measures[name].as_f64().map_or_else(|| "     –".to_owned(), |s| format!("{s:>5.1} s"));
            progress.note(format_args!("  {shown}  {words}"));
        }
        match self.mitigation["outcome"].as_str() {
            Some(outcome) => progress.note(format_args!(
                "Mitigation: {} of {}: {outcome}",
                text(&self.mitigation["kind"]),
                text(&self.mitigation["target"])
            )),
            None => progress.note("Mitigation: none was applied"),
        }
        progress.note(format_args!(
            "Evidence:   {} ({} files, {} gaps)",
            text(&self.evidence["bag"]),
            self.evidence["files"],
            self.evidence["gaps"]
        ));
        match self.postmortem["html"].as_str() {
            Some(page) => progress.note(format_args!("Postmortem: {page}")),
            None => progress.note("Postmortem: none, since the incident is still open"),
        }
    }
}

/// The one mitigation; `null` where recovery came before anything was done.
fn mitigation(records: &Value) -> Value {
    let record = &records[0];
    match record["outcome"].as_str() {
        None | Some("cancelled") => Value::Null,
        Some(outcome) => json!({"kind": record["kind"], "target": record["target"], "outcome": outcome}),
    }
}

fn postmortem(paths: Option<&(PathBuf, PathBuf)>) -> Value {
    paths.map_or(Value::Null, |(markdown, html)| json!({"markdown": markdown, "html": html}))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("–")
}
