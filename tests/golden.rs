//! `events/bad-deployment/`: one file per step boundary. They are documentation, input of `sam local invoke`, and what
//! these tests hold against the plans, the state machines and the handlers, so that none of them can drift.

#![expect(clippy::expect_used, reason = "a golden file that is missing or unreadable is a failed test")]

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use incident::{Action, GroupKey, Known, SignalOutcome, decide, incident_id};
use response_plan::{Kinds, Plans, compile, read_dir};
use serde_json::Value;
use xtask::workspace::Workspace;

const FALLBACK: &str = "arn:aws:sns:eu-west-1:111122223333:fallback";

fn path(name: &str) -> PathBuf {
    Workspace::here().root().join(name)
}

fn json(name: &str) -> Value {
    let text = fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn golden(name: &str) -> Value {
    json(&format!("events/bad-deployment/{name}.json"))
}

fn plans() -> Plans {
    let config = read_dir(
        &path("response-plans"),
        &Kinds {
            mitigations: &remediate::KINDS.map(|kind| &kind.plan),
            channels: &notify::KINDS.map(|kind| &kind.plan),
        },
    )
    .unwrap_or_else(|errors| panic!("{errors}"));
    Plans::load(&compile(&config, "0.1.0").bytes, FALLBACK).expect("what was compiled loads")
}

#[test]
fn the_signal_opens_the_incident_of_the_other_files() {
    let signal = blackbox::read(&golden("0-signal")).expect("the signal reads");
    let resolution = plans().resolve(&signal);
    let plan = &resolution.plan.plan;
    let group = GroupKey::new(&plan.plan, &plan.service, &plan.environment, signal.account.as_deref(), signal.drill);
    assert_eq!(decide(&signal, &Known::default()), Action::Open);
    let taken = triage::Taken {
        outcome: SignalOutcome::Incident,
        reason: resolution.why,
        signal_id: Some(signal.signal_id.clone()),
        incident_id: Some(incident_id(&group, &signal)),
        opening: Some(1),
    };
    let answer = triage::Output::Results { v: 1, results: vec![taken] };
    assert_eq!(serde_json::to_value(answer).expect("it is JSON"), golden("1-triage"));
}

#[test]
fn the_recovery_is_of_the_same_thing_and_later() {
    let fired = blackbox::read(&golden("0-signal")).expect("the signal reads");
    let recovered = blackbox::read(&golden("11-signal-recovered")).expect("the recovery reads");
    assert_eq!(recovered.fingerprint, fired.fingerprint);
    assert_eq!(recovered.state, signal::State::Recovered);
    assert!(recovered.time > fired.time);
}

#[test]
fn the_execution_input_is_byte_stable() {
    let id = golden("1-triage")["results"][0]["incident_id"].as_str().expect("an id").to_owned();
    let input: Value = serde_json::from_str(&incident::execution_input(&id, 1)).expect("it is JSON");
    assert_eq!(input, golden("2-incident-response"));
}

/// Which state sends which file.
const SENT: [(&str, &str, &str); 12] = [
    ("incident-response", "StartEngage", "3-engage"),
    ("engage", "Notify", "4-notify-page"),
    ("capture-evidence", "Capture", "5-capture-evidence-warm"),
    ("incident-response", "StartMitigate", "6-mitigate"),
    ("mitigate", "Plan", "7-remediate-plan"),
    ("mitigate", "AskApproval", "8-notify-approval"),
    ("mitigate", "Apply", "9-remediate-apply"),
    ("mitigate", "Verify", "10-remediate-verify"),
    ("incident-response", "CancelMitigation", "12-remediate-cancel"),
    ("incident-response", "CaptureComplete", "13-capture-evidence-complete"),
    ("incident-response", "OpenPostmortem", "14-open-postmortem"),
    ("incident-response", "AnnounceResolved", "15-notify-resolved"),
];

#[test]
fn each_file_is_what_its_state_sends() {
    let id = golden("2-incident-response")["incident_id"].clone();
    for (machine, state, file) in SENT {
        let definition = json(&format!("statemachines/{machine}.asl.json"));
        let arguments = &definition["States"][state]["Arguments"];
        let sent = arguments.get("Payload").or_else(|| arguments.get("Input")).expect("a payload").clone();
        let sent = sent.as_object().expect("an object").clone();
        let filled: serde_json::Map<_, _> = sent
            .into_iter()
            .map(|(name, value)| {
                let filled = match value.as_str() {
                    Some("{% $id %}") => id.clone(),
                    // The first opening, engagement, step, mitigation and pass.
                    Some("{% $opening %}" | "{% $engagement %}" | "{% $step %}" | "{% $n %}" | "{% $pass %}") => {
                        1.into()
                    }
                    _ => value,
                };
                (name, filled)
            })
            .collect();
        assert_eq!(Value::Object(filled), golden(file), "{machine}: {state} and {file}.json");
    }
}

#[test]
fn each_file_is_what_its_handler_reads() -> Result<()> {
    for (_, _, file) in SENT {
        let value = golden(file);
        let read = match file.split_once('-').map(|(_, rest)| rest).unwrap_or_default() {
            rest if rest.starts_with("notify") => serde_json::from_value::<notify::Input>(value).map(drop),
            rest if rest.starts_with("remediate") => serde_json::from_value::<remediate::Input>(value).map(drop),
            rest if rest.starts_with("capture") => serde_json::from_value::<capture_evidence::Input>(value).map(drop),
            rest if rest.starts_with("open") => serde_json::from_value::<open_postmortem::Input>(value).map(drop),
            _ => continue, // An execution's input: no handler reads it.
        };
        read.with_context(|| format!("{file}.json"))?;
    }
    Ok(())
}
