//! What the demo ends with: one object for machines, a few lines for people.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Run, evidence::Fetched};
use crate::say::Progress;

/// What came of a demo. The same object for every scenario, `null` for what did not happen.
#[derive(Debug, Serialize)]
pub struct Report {
    v: u32,
    scenario: &'static str,
    wrong_target: bool,
    incident_id: Value,
    status: Value,
    severity: Value,
    owner: Value,
    timeline: Vec<Value>,
    measures: Value,
    mitigation: Value,
    evidence: Value,
    postmortem: Value,
    /// Why a measure is null, for people.
    #[serde(skip)]
    unknown: Value,
}

/// The field, the word, and what it means.
const MEASURES: [(&str, &str, &str); 5] = [
    ("ttd_s", "TTD", "onset to first signal"),
    ("tte_s", "TTE", "first signal to a page that wakes someone"),
    ("tta_s", "TTA", "first signal to acknowledged"),
    ("ttm_s", "TTM", "first signal to first clear after the change"),
    ("ttr_s", "TTR", "first signal to the clear period that held"),
];

impl Report {
    /// The report of an incident as `tourniquet show --json` tells it, and what was fetched of it.
    pub(super) fn new(run: Run, shown: &Value, fetched: &Fetched) -> Self {
        let incident = &shown["incident"];
        let entries = shown["timeline"].as_array().map(Vec::as_slice).unwrap_or_default();
        let timeline = entries.iter().map(|e| json!({"at": e["at"], "step": e["step"], "what": e["what"]})).collect();
        let measures =
            MEASURES.iter().map(|(name, ..)| ((*name).to_owned(), shown["measures"][name]["seconds"].clone()));
        Self {
            v: 1,
            scenario: run.story.name,
            wrong_target: run.wrong_target().is_some(),
            incident_id: incident["id"].clone(),
            status: incident["status"].clone(),
            severity: incident["severity"].clone(),
            owner: incident["plan"]["plan"]["owner"].clone(),
            timeline,
            measures: Value::Object(measures.collect()),
            unknown: unknown(&shown["measures"]),
            mitigation: mitigation(&shown["mitigations"]),
            evidence: json!({"bag": fetched.bags.last(), "files": fetched.files, "gaps": fetched.gaps}),
            postmortem: postmortem(fetched.postmortem.as_ref()),
        }
    }

    /// Says it to a person, with where all bags are.
    pub(super) fn say(&self, bags: &[PathBuf], progress: Progress) {
        let (id, status) = (text(&self.incident_id), text(&self.status));
        let (severity, owner) = (text(&self.severity), text(&self.owner));
        progress.note(format_args!("\n{id} is {status} ({severity}, owner {owner})\n"));
        for (name, word, meaning) in MEASURES {
            let (took, why) = match self.measures[name].as_f64() {
                Some(seconds) => (format!("{seconds:.1} s"), String::new()),
                None => ("–".to_owned(), format!(": {}", text(&self.unknown[name]))),
            };
            progress.note(format_args!("  {word}  {took:>8}  {meaning}{why}"));
        }
        progress.note("");
        let line = |label: &str, what: &str| progress.note(format_args!("  {label:<11} {what}"));
        let mitigation = &self.mitigation;
        match mitigation["outcome"].as_str() {
            Some(outcome) => {
                let (kind, target) = (text(&mitigation["kind"]), text(&mitigation["target"]));
                line("Mitigation", &format!("{outcome}: {kind} of {target}"));
            }
            None => line("Mitigation", "none: it recovered before anybody approved one"),
        }
        if let Some(page) = self.timeline.iter().map(|entry| text(&entry["what"])).rfind(|what| is_page(what)) {
            line("Last page", page);
        }
        for (label, bag) in ["Evidence", ""].iter().zip(bags) {
            line(label, &bag.display().to_string());
        }
        match (self.postmortem["html"].as_str(), self.postmortem["markdown"].as_str()) {
            (Some(page), Some(markdown)) => {
                line("Postmortem", page);
                line("", markdown);
            }
            _ => line("Postmortem", &format!("none: the incident is {status}")),
        }
    }
}

fn unknown(measures: &Value) -> Value {
    let reasons = MEASURES.iter().map(|(name, ..)| ((*name).to_owned(), measures[name]["reason"].clone()));
    Value::Object(reasons.collect())
}

/// The one mitigation; `null` where recovery came before anything was done.
fn mitigation(records: &Value) -> Value {
    let record = &records[0];
    match record["outcome"].as_str() {
        None | Some("cancelled") => Value::Null,
        Some(outcome) => json!({"kind": record["kind"], "target": record["target"], "outcome": outcome}),
    }
}

fn is_page(what: &str) -> bool {
    what.starts_with("paged ")
}

fn postmortem(paths: Option<&(PathBuf, PathBuf)>) -> Value {
    paths.map_or(Value::Null, |(markdown, html)| json!({"markdown": markdown, "html": html}))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("–")
}
