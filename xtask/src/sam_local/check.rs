//! What each answer has to be, and what has to be true of the world after it.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::scenario::{Scenario, operator};
use crate::{
    demo::{Received, Receiver},
    stack::Stack,
};

/// Fails with what is wrong with an answer, or with the world after it.
pub(super) type Check = fn(&Value, &World<'_>) -> Result<()>;

/// What a check can look at.
#[derive(Debug)]
pub(super) struct World<'a> {
    stack: &'a Stack,
    people: &'a Receiver,
    scenario: &'a Scenario,
    /// The incident of the scenario.
    id: String,
    /// The account of its signal, which is not that of the stack: what is in it can be neither read nor changed.
    account: String,
    /// How many scenarios this stack has seen. Nothing resolves their incidents.
    number: usize,
}

impl<'a> World<'a> {
    /// The world in which a scenario is played, the `number`th of this stack.
    pub(super) fn new(stack: &'a Stack, people: &'a Receiver, scenario: &'a Scenario, number: usize) -> Result<Self> {
        let signal = scenario.golden("0-signal")?;
        let account = signal["account"].as_str().context("0-signal.json names no account")?.to_owned();
        Ok(Self { stack, people, scenario, id: scenario.incident()?, account, number })
    }

    /// The incident as the command line shows it.
    fn shown(&self) -> Result<Value> {
        operator(self.stack).run(&["show", &self.id])
    }
}

pub(super) fn opened(answer: &Value, world: &World<'_>) -> Result<()> {
    is("the answer", answer, &world.scenario.golden("1-triage")?)?;
    is("the status", &world.shown()?["incident"]["status"], &json!("open"))
}

pub(super) fn paged(answer: &Value, world: &World<'_>) -> Result<()> {
    let first = &world.shown()?["incident"]["plan"]["team"]["escalation"][0];
    let contact = first["contact"]["name"].as_str().context("the incident's plan has nobody to page")?;
    is("the contact", &answer["contact"], &json!(contact))?;
    is("the step", &answer["step"], &json!(1))?;
    is("what accepted", &answer["accepted"], &json!(["sns", "slack"]))?;
    is("what failed", &answer["failed"], &json!([]))?;
    is("the wait", &answer["wait_s"], &json!(300))?;
    let got = world.people.received();
    let named = |text: &str| text.contains(&world.id);
    let topic = got.iter().filter(|r| matches!(r, Received::Topic { message, .. } if named(message))).count();
    let slack = got.iter().filter(|r| matches!(r, Received::Slack { text, .. } if named(text))).count();
    ensure!((topic, slack) == (1, 1), "{topic} pages reached the topic, and {slack} Slack, not one each: {got:?}");
    Ok(())
}

pub(super) fn captured(answer: &Value, world: &World<'_>) -> Result<()> {
    let prefix = answer["prefix"].as_str().unwrap_or_default();
    ensure!(prefix.contains(&world.id), "its prefix is `{prefix}`");
    let seal = answer["tag_manifest_sha256"].as_str().unwrap_or_default();
    ensure!(seal.len() == 64 && seal.bytes().all(|b| b.is_ascii_hexdigit()), "its seal is `{seal}`");
    // What is in the signal's account cannot be had, and the bag says so.
    ensure!(answer["gaps"].as_u64() > Some(0), "it names no gap: {answer}");
    let shown = world.shown()?;
    let passes = shown["incident"]["evidence"].as_array();
    let recorded = passes.and_then(|passes| passes.last()).context("no pass is recorded")?;
    is("the recorded prefix", &recorded["prefix"], &answer["prefix"])?;
    is("the recorded seal", &recorded["tag_manifest_sha256"], &answer["tag_manifest_sha256"])
}

pub(super) fn refused(answer: &Value, world: &World<'_>) -> Result<()> {
    // What cannot be read is not acted upon.
    is("the error", &answer["errorType"], &json!("Refused"))?;
    let message = answer["errorMessage"].as_str().unwrap_or_default();
    let role = format!("{}:role/tourniquet-mitigate-", world.account);
    ensure!(message.contains(&role), "it refuses because {message}");
    is("the outcome", &world.shown()?["mitigations"][0]["outcome"], &json!("refused"))
}

pub(super) fn acknowledged(answer: &Value, world: &World<'_>) -> Result<()> {
    is("the answer", answer, &json!({"batchItemFailures": []}))?;
    let who = format!("{} (claimed)", operator(world.stack).name());
    is("who has it", &world.shown()?["incident"]["acknowledged_by"], &json!(who))
}

pub(super) fn swept(answer: &Value, world: &World<'_>) -> Result<()> {
    let nothing = json!({
            "v": 1, "open": world.number, "started": 0, "restarted": 0, "recovered": 0, "raised": 0, "promoted": 0, "paged": 0,
            "in_force": 0, "reminded": 0, "muted": 0, "unmuted": 0, "storm": 0, "in_storm": 0, "released": 0, "digests": 0,
    });
    is("the answer", answer, &nothing)
}

pub(super) fn recovered(answer: &Value, world: &World<'_>) -> Result<()> {
    is("the incident", &answer["results"][0]["incident_id"], &json!(world.id))?;
    is("what fires", &world.shown()?["incident"]["firing"], &json!([]))
}

pub(super) fn nothing_in_force(answer: &Value, _: &World<'_>) -> Result<()> {
    // What was refused was not made.
    is("the answer", answer, &json!({"next": "resolve", "n": 0}))
}

pub(super) fn settled(answer: &Value, _: &World<'_>) -> Result<()> {
    is("the answer", answer, &json!({"settled": true}))
}

pub(super) fn documented(answer: &Value, world: &World<'_>) -> Result<()> {
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
