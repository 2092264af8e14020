//! Which function gets which event, and what its answer has to be.
//!
//! The golden files of one scenario are played in their order. The state machine is not: each step is done by a
//! container, so that an answer says what the container did, and not that it had been done before.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{
    demo::{Operator, Received, Receiver},
    stack::Stack,
};

/// Who asks for what `command` does.
const OPERATOR: &str = "dana";

/// One invocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    /// The function's name in the template.
    pub(super) function: &'static str,
    /// The event, a file of the scenario or one of [`World::write_events`], without its ending.
    pub(super) event: &'static str,
    /// Fails with what is wrong with the answer, or with the world after it.
    pub(super) check: fn(&Value, &World<'_>) -> Result<()>,
}

/// Every function at least once, in the order of the incident.
pub(super) const CASES: [Case; 9] = [
    Case { function: "TriageFunction", event: "0-signal", check: opened },
    Case { function: "NotifyFunction", event: "4-notify-page", check: paged },
    Case { function: "CaptureEvidenceFunction", event: "5-capture-evidence-warm", check: captured },
    Case { function: "RemediateFunction", event: "7-remediate-plan", check: refused },
    Case { function: "CommandFunction", event: "acknowledge", check: acknowledged },
    Case { function: "SweepFunction", event: "every-minute", check: swept },
    Case { function: "TriageFunction", event: "11-signal-recovered", check: recovered },
    Case { function: "RemediateFunction", event: "12-remediate-cancel", check: settled },
    Case { function: "OpenPostmortemFunction", event: "14-open-postmortem", check: documented },
];

/// What a check can look at.
#[derive(Debug)]
pub(super) struct World<'a> {
    stack: &'a Stack,
    people: &'a Receiver,
    golden: PathBuf,
    made: PathBuf,
    id: String,
}

impl<'a> World<'a> {
    /// The world of a scenario whose golden files are in `golden`; events that no scenario has are written to `made`.
    pub(super) fn new(stack: &'a Stack, people: &'a Receiver, golden: &Path, made: &Path) -> Result<Self> {
        let mut world =
            Self { stack, people, golden: golden.to_path_buf(), made: made.to_path_buf(), id: String::new() };
        let triaged = world.golden("1-triage")?;
        let id = triaged["results"][0]["incident_id"].as_str().context("1-triage.json names no incident")?;
        world.id = id.to_owned();
        world.write_events()?;
        Ok(world)
    }

    /// The file of an event.
    pub(super) fn event(&self, name: &str) -> PathBuf {
        let golden = self.golden.join(format!("{name}.json"));
        if golden.exists() { golden } else { self.made.join(format!("{name}.json")) }
    }

    /// What comes from a queue and from the schedule.
    fn write_events(&self) -> Result<()> {
        let command = json!({
            "v": 1, "request_id": "5a3c1e07f2b94d68a1c0e9d7b6f45823", "incident_id": self.id, "verb": "acknowledge",
            "args": {}, "proof": null, "claimed_by": OPERATOR,
        });
        let message = json!({
            "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "receiptHandle": "handle", "body": command.to_string(),
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1772359560000"}, "messageAttributes": {},
            "eventSource": "aws:sqs", "awsRegion": "us-east-1", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:commands",
        });
        fs::create_dir_all(&self.made).with_context(|| format!("Failed to create {}", self.made.display()))?;
        for (name, event) in [("acknowledge", json!({"Records": [message]})), ("every-minute", json!({}))] {
            let path = self.made.join(format!("{name}.json"));
            fs::write(&path, event.to_string()).with_context(|| format!("Failed to write {}", path.display()))?;
        }
        Ok(())
    }

    fn golden(&self, name: &str) -> Result<Value> {
        let path = self.golden.join(format!("{name}.json"));
        let text = fs::read(&path).with_context(|| format!("Failed to read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("Failed to read {}", path.display()))
    }

    /// The incident as the command line shows it.
    fn shown(&self) -> Result<Value> {
        Operator::new(self.stack, OPERATOR).run(&["show", &self.id])
    }
}

fn opened(answer: &Value, world: &World<'_>) -> Result<()> {
    is("the answer", answer, &world.golden("1-triage")?)?;
    is("the status", &world.shown()?["incident"]["status"], &json!("open"))
}

fn paged(answer: &Value, world: &World<'_>) -> Result<()> {
    let expected = json!({
        "step": 1, "contact": "payments-on-call", "accepted": ["sns", "slack"], "failed": [], "wait_s": 300, "last": false,
    });
    is("the answer", answer, &expected)?;
    let got = world.people.received();
    let named = |text: &str| text.contains(&world.id);
    let topic = got.iter().filter(|r| matches!(r, Received::Topic { message, .. } if named(message))).count();
    let slack = got.iter().filter(|r| matches!(r, Received::Slack { text, .. } if named(text))).count();
    ensure!((topic, slack) == (1, 1), "{topic} pages reached the topic, and {slack} Slack, not one each: {got:?}");
    Ok(())
}

fn captured(answer: &Value, world: &World<'_>) -> Result<()> {
    let prefix = answer["prefix"].as_str().unwrap_or_default();
    ensure!(prefix.contains(&world.id) && prefix.contains("1-warm"), "its prefix is `{prefix}`");
    let seal = answer["tag_manifest_sha256"].as_str().unwrap_or_default();
    ensure!(seal.len() == 64 && seal.bytes().all(|b| b.is_ascii_hexdigit()), "its seal is `{seal}`");
    // The account of the signal is not that of the stack: what is in it cannot be had, and the bag says so.
    ensure!(answer["gaps"].as_u64() > Some(0), "it names no gap: {answer}");
    let recorded = &world.shown()?["incident"]["evidence"][0];
    is("the recorded seal", &recorded["tag_manifest_sha256"], &answer["tag_manifest_sha256"])
}

fn refused(answer: &Value, world: &World<'_>) -> Result<()> {
    // In the account of the signal nothing may be read, and what cannot be read is not acted upon.
    is("the error", &answer["errorType"], &json!("Refused"))?;
    let message = answer["errorMessage"].as_str().unwrap_or_default();
    ensure!(message.contains("111122223333:role/tourniquet-mitigate-lambda"), "it refuses because {message}");
    is("the outcome", &world.shown()?["mitigations"][0]["outcome"], &json!("refused"))
}

fn acknowledged(answer: &Value, world: &World<'_>) -> Result<()> {
    is("the answer", answer, &json!({"batchItemFailures": []}))?;
    is("who has it", &world.shown()?["incident"]["acknowledged_by"], &json!(format!("{OPERATOR} (claimed)")))
}

fn swept(answer: &Value, _: &World<'_>) -> Result<()> {
    is("the answer", answer, &json!({"v": 1, "open": 1, "started": 0, "restarted": 0, "paged": 0}))
}

fn recovered(answer: &Value, world: &World<'_>) -> Result<()> {
    is("the incident", &answer["results"][0]["incident_id"], &json!(world.id))?;
    is("what fires", &world.shown()?["incident"]["firing"], &json!([]))
}

fn settled(answer: &Value, _: &World<'_>) -> Result<()> {
    is("the answer", answer, &json!({"settled": true}))
}

fn documented(answer: &Value, world: &World<'_>) -> Result<()> {
    for form in ["markdown", "html"] {
        let key = answer[form].as_str().with_context(|| format!("it names no {form}: {answer}"))?;
        let get = ["s3api", "head-object", "--bucket", world.stack.output("Bucket")?, "--key", key];
        let head: Value = world.stack.aws().json(&get)?;
        ensure!(head["ContentLength"].as_u64() > Some(200), "{key} is all but empty");
    }
    is("the recorded keys", &world.shown()?["incident"]["postmortem"], answer)
}

fn is(what: &str, got: &Value, expected: &Value) -> Result<()> {
    ensure!(got == expected, "{what} is {got}, not {expected}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{template, workspace::Workspace};

    #[test]
    fn every_function_of_the_template_is_invoked() {
        let shipped = template::read(&Workspace::here()).unwrap();
        let functions: Vec<_> = shipped
            .lines()
            .zip(shipped.lines().skip(1))
            .filter(|(_, kind)| kind.trim() == "Type: AWS::Serverless::Function")
            .map(|(name, _)| name.trim().trim_end_matches(':'))
            .collect();
        assert!(!functions.is_empty());
        for function in functions {
            assert!(CASES.iter().any(|case| case.function == function), "{function} is never invoked");
        }
    }
}
