//! `events/<scenario>/`: one file per step boundary. They are documentation, input of `sam local invoke`, and what these
//! tests hold against the plans, the state machines and the handlers, so that none of them can drift.

#![expect(clippy::expect_used, reason = "a golden file that is missing or unreadable is a failed test")]

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use incident::{Action, GroupKey, Known, SignalOutcome, decide, incident_id};
use response_plan::{Config, Kinds, Plans, compile, read_dir};
use serde_json::Value;
use xtask::{demo::stories, workspace::Workspace};

const FALLBACK: &str = "arn:aws:sns:eu-west-1:111122223333:fallback";

/// The scenarios that have golden files; each is a story of the demo, and is about the shipped plan of its name.
const SCENARIOS: [&str; 3] = ["bad-deployment", "bad-flag", TAKES_AWAY];

/// The one whose mitigation takes something away: it stays in force until a person asks to have it back.
const TAKES_AWAY: &str = "saturated-dependency";

/// Which state of which machine sends which file.
const SENT: [(&str, &str, &str); 12] = [
    ("incident-response", "StartEngage", "engage"),
    ("engage", "Notify", "notify-page"),
    ("capture-evidence", "Capture", "capture-evidence-warm"),
    ("incident-response", "StartMitigate", "mitigate"),
    ("mitigate", "Plan", "remediate-plan"),
    ("mitigate", "AskApproval", "notify-approval"),
    ("mitigate", "Apply", "remediate-apply"),
    ("mitigate", "Verify", "remediate-verify"),
    ("incident-response", "CancelMitigation", "remediate-cancel"),
    ("incident-response", "CaptureComplete", "capture-evidence-complete"),
    ("incident-response", "OpenPostmortem", "open-postmortem"),
    ("incident-response", "AnnounceResolved", "notify-resolved"),
];

/// The same for what is in force.
const SENT_IN_FORCE: [(&str, &str, &str); 3] = [
    ("incident-response", "InForce", "remediate-in-force"),
    ("mitigate", "Undo", "remediate-undo"),
    ("mitigate", "Announce", "notify-put-back"),
];

/// What `command` starts an execution with, where a person asks to have a change back.
const ASKED_BACK: &str = "mitigate-undo";

/// The files that no state sends: what comes from outside, triage's answer, and the first execution's input.
const OTHERS: [&str; 4] = ["signal", "triage", "incident-response", "signal-recovered"];

fn sent(scenario: &str) -> Vec<(&'static str, &'static str, &'static str)> {
    let in_force: &[_] = if scenario == TAKES_AWAY { &SENT_IN_FORCE } else { &[] };
    [&SENT, in_force].concat()
}

fn path(name: &str) -> PathBuf {
    Workspace::here().root().join(name)
}

fn json(name: &str) -> Value {
    let text = fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The numbers and names of a scenario's files, without their ending, in order.
fn files(scenario: &str) -> Vec<(usize, String)> {
    let folder = fs::read_dir(path(&format!("events/{scenario}"))).expect("the scenario has a folder");
    let name = |file: fs::DirEntry| file.file_name().to_string_lossy().trim_end_matches(".json").to_owned();
    let split = |name: String| {
        let (number, word) = name.split_once('-').unwrap_or_else(|| panic!("{name} has no number"));
        (number.parse().unwrap_or_else(|_| panic!("{name} has no number")), word.to_owned())
    };
    let mut files: Vec<_> = folder.map(|file| split(name(file.expect("the folder is readable")))).collect();
    files.sort();
    files
}

/// What a scenario's file has, by its name without the number.
fn golden(scenario: &str, word: &str) -> Value {
    let (number, _) = files(scenario).into_iter().find(|(_, name)| name == word).expect("the scenario has the file");
    json(&format!("events/{scenario}/{number}-{word}.json"))
}

/// The shipped plans, read with the kinds that this release has.
fn config() -> Config {
    let kinds = Kinds {
        mitigations: &remediate::KINDS.map(|kind| &kind.plan),
        channels: &notify::KINDS.map(|kind| &kind.plan),
        collectors: &capture_evidence::KINDS.map(|kind| &kind.plan),
    };
    read_dir(&path("response-plans"), &kinds).unwrap_or_else(|errors| panic!("{errors}"))
}

fn plans() -> Plans {
    Plans::load(&compile(&config(), "0.1.0").bytes, FALLBACK).expect("what was compiled loads")
}

#[test]
fn every_shipped_plan_has_its_runbook() {
    for plan in config().plans {
        let runbook = plan.runbook.unwrap_or_default();
        assert!(path(&runbook).is_file(), "{} has no runbook at `{runbook}`", plan.plan);
    }
}

#[test]
fn every_scenario_has_every_file_in_order() {
    let mut folders: Vec<_> = fs::read_dir(path("events"))
        .expect("there are events")
        .map(|folder| folder.expect("it is readable").file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    assert_eq!(folders, SCENARIOS);
    for scenario in SCENARIOS {
        assert!(stories::find(scenario).is_ok(), "{scenario} is no story of the demo");
        let files = files(scenario);
        assert!(files.iter().map(|(number, _)| *number).eq(0..files.len()), "{scenario}: {files:?}");
        let asked_back = (scenario == TAKES_AWAY).then_some(ASKED_BACK);
        let mut known: Vec<_> = sent(scenario).iter().map(|(.., word)| *word).chain(OTHERS).chain(asked_back).collect();
        let mut there: Vec<_> = files.iter().map(|(_, name)| name.as_str()).collect();
        known.sort_unstable();
        there.sort_unstable();
        assert_eq!(there, known, "{scenario}");
    }
}

#[test]
fn the_signal_opens_the_incident_of_the_other_files() {
    let plans = plans();
    for scenario in SCENARIOS {
        let signal = blackbox::read(&golden(scenario, "signal")).expect("the signal reads");
        let resolution = plans.resolve(&signal);
        let plan = &resolution.plan.plan;
        assert_eq!((plan.plan.as_str(), plan.incident_type.as_str()), (&*format!("checkout-{scenario}"), scenario));
        let group =
            GroupKey::new(&plan.plan, &plan.service, &plan.environment, signal.account.as_deref(), signal.drill);
        assert_eq!(decide(&signal, &Known::default()), Action::Open);
        let taken = triage::Taken {
            outcome: SignalOutcome::Incident,
            reason: resolution.why,
            signal_id: Some(signal.signal_id.clone()),
            incident_id: Some(incident_id(&group, &signal)),
            opening: Some(1),
        };
        let answer = triage::Output::Results { v: 1, results: vec![taken] };
        assert_eq!(serde_json::to_value(answer).expect("it is JSON"), golden(scenario, "triage"));
    }
}

#[test]
fn the_recovery_is_of_the_same_thing_and_later() {
    for scenario in SCENARIOS {
        let fired = blackbox::read(&golden(scenario, "signal")).expect("the signal reads");
        let recovered = blackbox::read(&golden(scenario, "signal-recovered")).expect("the recovery reads");
        assert_eq!(recovered.fingerprint, fired.fingerprint);
        assert_eq!(recovered.state, signal::State::Recovered);
        assert!(recovered.time > fired.time);
    }
}

#[test]
fn the_execution_input_is_byte_stable() {
    for scenario in SCENARIOS {
        let triaged = golden(scenario, "triage");
        let id = triaged["results"][0]["incident_id"].as_str().expect("an id");
        let input: Value = serde_json::from_str(&incident::execution_input(id, 1)).expect("it is JSON");
        assert_eq!(input, golden(scenario, "incident-response"));
    }
}

#[test]
fn each_file_is_what_its_state_sends() {
    for (scenario, (machine, state, word)) in
        SCENARIOS.iter().flat_map(|s| sent(s).into_iter().map(move |sent| (s, sent)))
    {
        let definition = json(&format!("statemachines/{machine}.asl.json"));
        let arguments = &definition["States"][state]["Arguments"];
        let sent = arguments.get("Payload").or_else(|| arguments.get("Input")).expect("a payload");
        let (id, file) = (golden(scenario, "incident-response")["incident_id"].clone(), golden(scenario, word));
        let filled = |value: &Value| match value.as_str() {
            Some("{% $id %}") => id.clone(),
            // The first opening, engagement, step, mitigation and pass.
            Some("{% $opening %}" | "{% $engagement %}" | "{% $step %}" | "{% $n %}" | "{% $pass %}") => 1.into(),
            Some("{% $announce %}") => "put-back".into(),
            Some("{% $reminder %}") => 0.into(),
            // An instant of the execution: the handler says whether it is one.
            Some("{% $held_from %}") => file["held_from"].clone(),
            _ => value.clone(),
        };
        let sent = sent.as_object().expect("an object");
        let filled = sent.iter().map(|(name, value)| (name.clone(), filled(value))).collect();
        assert_eq!(Value::Object(filled), file, "{machine}: {state} and {scenario}: {word}");
    }
}

#[test]
fn what_is_asked_back_goes_through_the_same_machine() {
    let (mut first, asked) = (golden(TAKES_AWAY, "mitigate"), golden(TAKES_AWAY, ASKED_BACK));
    first["undo"] = true.into();
    assert_eq!(asked, first);
}

#[test]
fn each_file_is_what_its_handler_reads() -> Result<()> {
    for (scenario, (.., word)) in SCENARIOS.iter().flat_map(|s| sent(s).into_iter().map(move |sent| (s, sent))) {
        let value = golden(scenario, word);
        let read = match word.split('-').next().unwrap_or_default() {
            "notify" => serde_json::from_value::<notify::Input>(value).map(drop),
            "remediate" => serde_json::from_value::<remediate::Input>(value).map(drop),
            "capture" => serde_json::from_value::<capture_evidence::Input>(value).map(drop),
            "open" => serde_json::from_value::<open_postmortem::Input>(value).map(drop),
            _ => continue, // An execution's input: no handler reads it.
        };
        read.with_context(|| format!("{scenario}: {word}"))?;
    }
    Ok(())
}
