//! The scenarios: which file of `events/<scenario>/` a function gets, and in which order.
//!
//! The golden files of a scenario are played in the order of their numbers. The state machine is not: each step is done
//! by a container, so that an answer says what the container did, and not that it had been done before.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::check::{self, Check};
use crate::demo::Operator;

/// Who asks for what `command` does.
const OPERATOR: &str = "dana";

/// What begins a scenario, and makes a folder one.
const FIRST: &str = "0-signal";

/// What becomes of a golden file, by its name without the number: `4-notify-page.json` is a `notify-page`.
#[derive(Clone, Copy)]
enum Part {
    /// A function gets it, and its answer is checked.
    Played(&'static str, Check),
    /// No function gets it, for this reason.
    Left(&'static str),
}

const PARTS: [(&str, Part); 20] = [
    ("signal", Part::Played("TriageFunction", check::opened)),
    ("triage", Part::Left("is an answer, which that of the container has to equal")),
    ("incident-response", Part::Left("is the input of a state machine")),
    ("engage", Part::Left("is the input of a state machine")),
    ("notify-page", Part::Played("NotifyFunction", check::paged)),
    ("capture-evidence-warm", Part::Played("CaptureEvidenceFunction", check::captured)),
    ("mitigate", Part::Left("is the input of a state machine")),
    ("remediate-plan", Part::Played("RemediateFunction", check::refused)),
    ("notify-approval", Part::Left("is about a plan, and in the signal's account nothing may be read to make one")),
    ("remediate-apply", Part::Left("is about a plan, as notify-approval is")),
    ("remediate-verify", Part::Left("is about a plan, as notify-approval is")),
    ("signal-recovered", Part::Played("TriageFunction", check::recovered)),
    ("remediate-in-force", Part::Played("RemediateFunction", check::nothing_in_force)),
    ("mitigate-undo", Part::Left("is the input of a state machine")),
    ("remediate-undo", Part::Left("is about a change that was made, and none was, as notify-approval says")),
    ("notify-put-back", Part::Left("is about a change that was made, as remediate-undo is")),
    ("remediate-cancel", Part::Played("RemediateFunction", check::settled)),
    ("capture-evidence-complete", Part::Played("CaptureEvidenceFunction", check::captured)),
    ("open-postmortem", Part::Played("OpenPostmortemFunction", check::documented)),
    ("notify-resolved", Part::Left("is about an incident that its state machine has resolved")),
];

/// After this one a person acknowledges, and a minute passes: what comes from a queue and from the schedule has no golden
/// file.
const THEN: &str = "remediate-plan";
const ACKNOWLEDGE: &str = "acknowledge";
const EVERY_MINUTE: &str = "every-minute";

/// One scenario.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    /// The folder's name.
    pub(super) name: String,
    folder: PathBuf,
}

/// One invocation.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The function's name in the template.
    pub(super) function: &'static str,
    /// The event's file, without its ending.
    pub(super) event: String,
    /// The file.
    pub(super) path: PathBuf,
    /// Fails with what is wrong with the answer, or with the world after it.
    pub(super) check: Check,
}

impl Scenario {
    /// Every scenario of the folder `events`, in the order of the alphabet, or the one of this name.
    pub(super) fn find(events: &Path, name: Option<&str>) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(events).with_context(|| format!("Failed to read {}", events.display()))? {
            let folder = entry?.path();
            if folder.join(FIRST).with_extension("json").exists() {
                let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                all.push(Self { name, folder });
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        ensure!(!all.is_empty(), "{} has no scenario", events.display());
        let Some(name) = name else { return Ok(all) };
        let names = all.iter().map(|scenario| scenario.name.clone()).collect::<Vec<_>>().join(", ");
        all.retain(|scenario| scenario.name == name);
        ensure!(!all.is_empty(), "There is no scenario {name}: there are {names}");
        Ok(all)
    }

    /// What its golden file `name` has: `0-signal`, or `signal`, whatever its number.
    pub(super) fn golden(&self, name: &str) -> Result<Value> {
        let path = self.folder.join(name).with_extension("json");
        let text = fs::read(&path).with_context(|| format!("Failed to read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("Failed to read {}", path.display()))
    }

    /// The incident that it opens.
    pub(super) fn incident(&self) -> Result<String> {
        let triaged = self.golden("1-triage")?;
        let id = triaged["results"][0]["incident_id"].as_str();
        Ok(id.with_context(|| format!("1-triage.json of {} names no incident", self.name))?.to_owned())
    }

    /// Its invocations, in order. Events without a golden file are written to `made`. `number` tells the scenarios of one
    /// stack apart.
    ///
    /// Fails on a golden file of which it is not known what becomes of it.
    pub(super) fn calls(&self, made: &Path, number: usize) -> Result<Vec<Call>> {
        let mut calls = Vec::new();
        for (event, path) in self.files()? {
            let word = word(&event);
            let Some((_, part)) = PARTS.iter().find(|(name, _)| *name == word) else {
                bail!("{}: say in {} which function gets it, or why none does", path.display(), file!());
            };
            if let Part::Played(function, check) = *part {
                calls.push(Call { function, event: event.clone(), path, check });
            }
            if word == THEN {
                let acknowledge = self.acknowledgement(number)?;
                calls.push(make("CommandFunction", made, ACKNOWLEDGE, &acknowledge, check::acknowledged)?);
                calls.push(make("SweepFunction", made, EVERY_MINUTE, &json!({}), check::swept)?);
            }
        }
        Ok(calls)
    }

    /// The golden files that no function gets, each with the reason.
    pub(super) fn left(&self) -> Result<Vec<(String, &'static str)>> {
        let left = |event: String| match PARTS.iter().find(|(name, _)| *name == word(&event)) {
            Some((_, Part::Left(why))) => Some((event, *why)),
            _ => None,
        };
        Ok(self.files()?.into_iter().filter_map(|(event, _)| left(event)).collect())
    }

    /// The golden files by their numbers, each with its name without the ending.
    fn files(&self) -> Result<Vec<(String, PathBuf)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).with_context(|| format!("Failed to read {}", self.folder.display()))? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let number = name.split('-').next().and_then(|number| number.parse::<u32>().ok());
            let number = number.with_context(|| format!("{} has no number", path.display()))?;
            files.push((number, name, path));
        }
        files.sort();
        Ok(files.into_iter().map(|(_, name, path)| (name, path)).collect())
    }

    /// A message of the queue of commands.
    fn acknowledgement(&self, number: usize) -> Result<Value> {
        let command = json!({
            "v": 1, "request_id": format!("5a3c1e07f2b94d68a1c0e9d7b6f4{number:04}"), "incident_id": self.incident()?,
            "verb": "acknowledge", "args": {}, "proof": null, "claimed_by": OPERATOR,
        });
        let message = json!({
            "messageId": format!("059f36b4-87a3-44ab-83d2-66197583{number:04}"), "receiptHandle": "handle",
            "body": command.to_string(), "messageAttributes": {},
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1772359560000"},
            "eventSource": "aws:sqs", "awsRegion": "us-east-1", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:commands",
        });
        Ok(json!({"Records": [message]}))
    }
}

/// The operator of the checks.
pub(super) const fn operator(stack: &crate::stack::Stack) -> Operator<'_> {
    Operator::new(stack, OPERATOR)
}

/// `4-notify-page` is a `notify-page`.
fn word(event: &str) -> &str {
    event.split_once('-').map_or(event, |(_, word)| word)
}

fn make(function: &'static str, made: &Path, event: &str, content: &Value, check: Check) -> Result<Call> {
    let path = made.join(event).with_extension("json");
    fs::create_dir_all(made).with_context(|| format!("Failed to create {}", made.display()))?;
    fs::write(&path, content.to_string()).with_context(|| format!("Failed to write {}", path.display()))?;
    Ok(Call { function, event: event.to_owned(), path, check })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{template, workspace::Workspace};

    fn made(test: &str) -> PathBuf {
        std::env::temp_dir().join(format!("xtask-{test}-{}", std::process::id()))
    }

    #[test]
    fn every_scenario_invokes_every_function_of_the_template() {
        let workspace = Workspace::here();
        let shipped = template::read(&workspace).unwrap();
        let functions: Vec<_> = shipped
            .lines()
            .zip(shipped.lines().skip(1))
            .filter(|(_, kind)| kind.trim() == "Type: AWS::Serverless::Function")
            .map(|(name, _)| name.trim().trim_end_matches(':'))
            .collect();
        assert!(!functions.is_empty());
        let made = made("every-function");
        for scenario in Scenario::find(&workspace.root().join("events"), None).unwrap() {
            let calls = scenario.calls(&made, 1).unwrap();
            for function in &functions {
                assert!(calls.iter().any(|call| call.function == *function), "{}: {function}", scenario.name);
            }
            assert_eq!(calls[0].event, FIRST);
        }
        fs::remove_dir_all(made).unwrap();
    }

    #[test]
    fn golden_files_are_played_by_their_numbers_and_what_is_unknown_is_refused() {
        let folder = made("order");
        let scenario = Scenario { name: "order".into(), folder: folder.join("order") };
        fs::create_dir_all(&scenario.folder).unwrap();
        for name in ["0-signal", "10-signal-recovered", "2-remediate-plan", "3-engage"] {
            fs::write(scenario.folder.join(name).with_extension("json"), "{}").unwrap();
        }
        let triaged = json!({"results": [{"incident_id": "inc-20260301-0123456789"}]});
        fs::write(scenario.folder.join("1-triage.json"), triaged.to_string()).unwrap();
        let events = |calls: Vec<Call>| calls.into_iter().map(|call| call.event).collect::<Vec<_>>();
        let expected = ["0-signal", "2-remediate-plan", ACKNOWLEDGE, EVERY_MINUTE, "10-signal-recovered"];
        assert_eq!(events(scenario.calls(&folder, 1).unwrap()), expected);
        let left = scenario.left().unwrap().into_iter().map(|(event, _)| event).collect::<Vec<_>>();
        assert_eq!(left, ["1-triage", "3-engage"]);

        fs::write(scenario.folder.join("4-remediate-dance.json"), "{}").unwrap();
        let error = scenario.calls(&folder, 1).unwrap_err().to_string();
        assert!(error.contains("4-remediate-dance.json: say in "), "{error}");
        let error = Scenario::find(&folder, Some("dance")).unwrap_err().to_string();
        assert_eq!(error, "There is no scenario dance: there are order");
        fs::remove_dir_all(folder).unwrap();
    }
}
