//! The demo is what it says: its three stories end as promised, and what it prints is there and holds.

use std::{
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result};
use blackbox::bags;
use serde_json::{Value, json};
use xtask::{
    demo::{Received, Stage, run_and_look, stories},
    say::Progress,
    workspace::Workspace,
};

/// Two demos at once would be too much for a small machine.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a story, looks at what every story has to leave behind, and returns its one object.
fn play(story: &str, serves: &str, passes: &[&str]) -> Result<Value> {
    let mut alias = Value::Null;
    let told = stories::find(story).map_err(anyhow::Error::msg)?;
    let report = run_and_look(&Workspace::here(), told, Progress::new(true), |stage| {
        alias = stage.stack.aws().json(&["lambda", "get-alias", "--function-name", "checkout", "--name", "live"])?;
        check_bags(stage, passes)?;
        check_people(stage);
        check_duplicate(stage)
    })?;
    assert_eq!(alias["FunctionVersion"], serves);
    let report = serde_json::to_value(report)?;
    check_shape(&report, story)?;
    let bag = text(&report["evidence"]["bag"]);
    assert!(passes.last().is_some_and(|last| bag.ends_with(&format!("/1/{last}"))), "{bag}");
    Ok(report)
}

#[test]
fn a_bad_deployment_is_rolled_back_and_verified() -> Result<()> {
    let _one = alone();
    let report = play("bad-deployment", "1", &["1-warm", "2-complete"])?;
    assert_eq!(report["status"], "resolved");
    let target = "arn:aws:lambda:us-east-1:000000000000:function:checkout:live";
    let mitigation = json!({"kind": "rollback-lambda-alias", "target": target, "outcome": "verified"});
    assert_eq!(report["mitigation"], mitigation);
    check_measures(&report, ["ttd_s", "tte_s", "tta_s", "ttm_s", "ttr_s"], []);
    check_order(
        &report,
        &[
            // Made by the emulator's administrator, as everything that is not the suite's.
            ("capture-evidence", "changed before the first signal: UpdateAlias20150331 on checkout by test,"),
            ("triage", "opened as SEV2"),
            ("notify", "paged payments-on-call by sns and slack (step 1)"),
            ("command", "acknowledged by dana"),
            ("command", "approved by dana"),
            ("remediate", "applied"),
            ("triage", "clear since"),
            ("remediate", "mitigation verified"),
            ("incident-response", "resolved"),
        ],
    );
    check_changes(&report)?;
    check_postmortem(&report, "version 2", "staged shift of traffic")
}

#[test]
fn self_healing_needs_no_mitigation() -> Result<()> {
    let _one = alone();
    let report = play("self-healing", "2", &["1-warm", "2-complete"])?;
    assert_eq!((&report["status"], &report["mitigation"]), (&json!("resolved"), &Value::Null));
    check_measures(&report, ["ttd_s", "tte_s", "tta_s", "ttr_s"], ["ttm_s"]);
    check_order(
        &report,
        &[
            ("remediate", "planned, waits for approval"),
            ("triage", "clear since"),
            ("remediate", "mitigation cancelled"),
        ],
    );
    check_postmortem(&report, "Not known.", "Not known.")
}

#[test]
fn with_the_brake_on_nothing_is_changed_and_it_escalates() -> Result<()> {
    let _one = alone();
    let report = play("braked", "2", &["1-warm"])?;
    assert_eq!((&report["status"], &report["postmortem"]), (&json!("open"), &Value::Null));
    assert_eq!(report["mitigation"]["outcome"], "refused");
    check_measures(&report, ["ttd_s", "tte_s"], ["tta_s", "ttm_s", "ttr_s"]);
    check_order(
        &report,
        &[
            ("notify", "paged payments-on-call by sns and slack (step 1)"),
            ("notify", "paged payments-lead by sns and slack (step 2)"),
        ],
    );
    Ok(())
}

/// The same object for every story: these fields and no others, and every instant in UTC and in order.
fn check_shape(report: &Value, story: &str) -> Result<()> {
    let all = "evidence incident_id measures mitigation owner postmortem scenario severity status timeline v";
    assert_eq!(fields(report), all);
    assert_eq!(fields(&report["measures"]), "tta_s ttd_s tte_s ttm_s ttr_s");
    assert_eq!(fields(&report["evidence"]), "bag files gaps");
    assert_eq!((&report["v"], &report["scenario"]), (&json!(1), &json!(story)));
    assert_eq!((&report["severity"], &report["owner"]), (&json!("SEV2"), &json!("payments")));
    assert!(incident::is_incident_id(text(&report["incident_id"])), "{report}");
    assert!(report["evidence"]["files"].as_u64() >= Some(5), "{}", report["evidence"]);
    // What CloudTrail may not have had yet is a gap of every bag.
    assert_eq!(report["evidence"]["gaps"], 1);
    let mut before = jiff::Timestamp::MIN;
    for entry in entries(report) {
        assert_eq!(fields(entry), "at step what");
        let at = text(&entry["at"]).parse()?;
        assert!(before <= at && text(&entry["at"]).ends_with('Z'), "{entry} comes after {before}");
        before = at;
    }
    Ok(())
}

/// The names of an object's fields, in alphabetical order.
fn fields(object: &Value) -> String {
    let mut names: Vec<_> = object.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.join(" ")
}

fn entries(report: &Value) -> &[Value] {
    report["timeline"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Which measures are known, each in a plausible number of seconds, and which are null.
#[track_caller]
fn check_measures<const K: usize, const N: usize>(report: &Value, known: [&str; K], null: [&str; N]) {
    for name in known {
        let seconds = report["measures"][name].as_f64();
        assert!(seconds.is_some_and(|seconds| (0.0..120.0).contains(&seconds)), "{name}: {seconds:?}");
    }
    for name in null {
        assert_eq!(report["measures"][name], Value::Null, "{name}");
    }
}

/// Entries of the timeline by step and beginning or part of what they say, in this order, others between them.
#[track_caller]
fn check_order(report: &Value, wanted: &[(&str, &str)]) {
    let mut entries = entries(report).iter();
    for (step, what) in wanted {
        let is_it = |entry: &Value| entry["step"] == *step && text(&entry["what"]).contains(what);
        assert!(entries.any(is_it), "`{step} {what}` is not there, or too early: {}", report["timeline"]);
    }
}

/// Every pass that there is, and no other, each accepted by the reference implementation.
fn check_bags(stage: &Stage<'_>, passes: &[&str]) -> Result<()> {
    let names = stage.bags.iter().filter_map(|bag| bag.file_name()?.to_str()).collect::<Vec<_>>();
    assert_eq!(names, passes);
    stage.bags.iter().try_for_each(|bag| bags::validate(stage.stack, bag))
}

/// Who deployed version 2 is in the bag, as CloudTrail told it.
#[track_caller]
fn check_changes(report: &Value) -> Result<()> {
    let file = Path::new(text(&report["evidence"]["bag"])).join("data/changes/cloudtrail.json");
    let changes: Value = serde_json::from_slice(&fs::read(file)?)?;
    let events = changes["Lookups"][0]["Events"].as_array().context("nothing was looked up")?;
    let is_it = |event: &&Value| {
        let details: Value = serde_json::from_str(text(&event["CloudTrailEvent"])).unwrap_or_default();
        event["EventName"] == "UpdateAlias20150331" && details["requestParameters"]["FunctionVersion"] == "2"
    };
    let event = events.iter().find(is_it).with_context(|| format!("the deployment is not there: {changes}"))?;
    assert_eq!((&event["Username"], &event["ReadOnly"]), (&json!("test"), &json!("false")));
    Ok(())
}

/// Slack would have taken everything, and each step was told once.
#[track_caller]
fn check_people(stage: &Stage<'_>) {
    let received = stage.people.received();
    let refused: Vec<_> = received.iter().filter(|r| matches!(r, Received::Refused { .. })).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let pages = received.iter().filter(|r| matches!(r, Received::Slack { text, .. } if text.contains("step 1 of 2")));
    assert_eq!(pages.count(), 1, "{received:?}");
}

/// The signal that came twice came twice, and the second time changed nothing.
fn check_duplicate(stage: &Stage<'_>) -> Result<()> {
    let log = ["logs", "filter-log-events", "--log-group-name", "/aws/lambda/tourniquet"];
    let lines: Value = stage.stack.aws().json(&[&log[..], &["--filter-pattern", "\"signal taken\""]].concat())?;
    let events = lines["events"].as_array().context("no log")?.iter();
    let taken = events.filter_map(|event| serde_json::from_str::<Value>(event["message"].as_str()?).ok());
    let of_it: Vec<Value> = taken.filter(|line| line["incident_id"].is_string()).collect();
    let count = |field: &str, value: &str| of_it.iter().filter(|line| line[field] == value).count();
    assert_eq!((count("outcome", "Incident"), count("reason", "it came before")), (1, 1), "{of_it:?}");
    Ok(())
}

/// The postmortem answers the five questions, in both forms, each from facts or with "Not known".
#[track_caller]
fn check_postmortem(report: &Value, trigger: &str, control: &str) -> Result<()> {
    let path = |form: &str| report["postmortem"][form].as_str().map(Path::new).context("no postmortem");
    let (markdown, page) = (fs::read_to_string(path("markdown")?)?, fs::read_to_string(path("html")?)?);
    for (question, part) in [
        ("What triggered it?", trigger),
        ("What went well?", "It was detected"),
        ("Where did it slow?", "The longest stretch"),
        ("What would have detected it earlier?", "a faster signal could have gained at most"),
        ("Which control was missing?", control),
    ] {
        let answer = markdown.split(&format!("### {question}\n")).nth(1).context("a question is missing")?;
        let answer = answer.split("\n#").next().unwrap_or_default();
        assert!(answer.contains(part), "{question} {answer}");
        assert!(page.contains(question) && page.contains(part), "the page has no {question}");
    }
    assert!(page.starts_with("<!DOCTYPE html>"), "{}", &page[..100]);
    Ok(())
}
