//! What a story leaves behind: its one object, its bags, what people got, and its postmortem.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use blackbox::bags;
use serde_json::{Value, json};
use xtask::demo::{Received, Stage};

/// The same object for every story: these fields and no others, and every instant in UTC and in order.
pub(crate) fn check_shape(report: &Value, story: &str, wrong_target: bool) -> Result<()> {
    let all =
        "evidence incident_id measures mitigation owner postmortem scenario severity status timeline v wrong_target";
    assert_eq!(fields(report), all);
    assert_eq!(fields(&report["measures"]), "tta_s ttd_s tte_s ttm_s ttr_s");
    assert_eq!(fields(&report["evidence"]), "bag files gaps");
    assert_eq!((&report["v"], &report["scenario"]), (&json!(1), &json!(story)));
    assert_eq!(report["wrong_target"], wrong_target);
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

/// Which measures are known, each in a plausible number of seconds; the others are null.
#[track_caller]
pub(crate) fn check_measures(report: &Value, known: &[&str]) {
    for name in ["ttd_s", "tte_s", "tta_s", "ttm_s", "ttr_s"] {
        let measure = &report["measures"][name];
        if known.contains(&name) {
            assert!(measure.as_f64().is_some_and(|seconds| (0.0..120.0).contains(&seconds)), "{name}: {measure}");
        } else {
            assert_eq!(*measure, Value::Null, "{name}");
        }
    }
}

/// Entries of the timeline by step and beginning or part of what they say, in this order, others between them.
#[track_caller]
pub(crate) fn check_order(report: &Value, wanted: &[(&str, &str)]) {
    let mut entries = entries(report).iter();
    for (step, what) in wanted {
        let is_it = |entry: &Value| entry["step"] == *step && text(&entry["what"]).contains(what);
        assert!(entries.any(is_it), "`{step} {what}` is not there, or too early: {}", report["timeline"]);
    }
}

/// Every pass that there is, and no other, each accepted by the reference implementation; the last is the one reported.
pub(crate) fn check_bags(stage: &Stage<'_>, passes: &[&str]) -> Result<()> {
    let names = stage.bags.iter().filter_map(|bag| bag.file_name()?.to_str()).collect::<Vec<_>>();
    assert_eq!(names, passes);
    stage.bags.iter().try_for_each(|bag| bags::validate(stage.stack, bag))
}

/// Who deployed version 2 is in the bag, as CloudTrail told it.
#[track_caller]
pub(crate) fn check_changes(report: &Value) -> Result<()> {
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
pub(crate) fn check_people(stage: &Stage<'_>) {
    let received = stage.people.received();
    let refused: Vec<_> = received.iter().filter(|r| matches!(r, Received::Refused { .. })).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let pages = received.iter().filter(|r| matches!(r, Received::Slack { text, .. } if text.contains("step 1 of 2")));
    assert_eq!(pages.count(), 1, "{received:?}");
}

/// The signal that came twice came twice, and the second time changed nothing.
pub(crate) fn check_duplicate(stage: &Stage<'_>) -> Result<()> {
    let log = ["logs", "filter-log-events", "--log-group-name", "/aws/lambda/tourniquet"];
    let lines: Value = stage.stack.aws().json(&[&log[..], &["--filter-pattern", "\"signal taken\""]].concat())?;
    let events = lines["events"].as_array().context("no log")?.iter();
    let taken = events.filter_map(|event| serde_json::from_str::<Value>(event["message"].as_str()?).ok());
    let of_it: Vec<Value> = taken.filter(|line| line["incident_id"].is_string()).collect();
    let count = |field: &str, value: &str| of_it.iter().filter(|line| line[field] == value).count();
    assert_eq!((count("outcome", "Incident"), count("reason", "it came before")), (1, 1), "{of_it:?}");
    Ok(())
}

/// The wrong target was changed and did not help: it is open, nobody was told otherwise, and a channel that wakes has it.
#[track_caller]
pub(crate) fn check_in_vain(report: &Value, people: &[Received], kind: &str, target: &str) {
    assert_eq!((&report["status"], &report["postmortem"]), (&json!("open"), &Value::Null));
    assert_eq!(report["mitigation"], json!({"kind": kind, "target": target, "outcome": "ineffective"}));
    check_measures(report, &["ttd_s", "tte_s", "tta_s"]);
    check_order(
        report,
        &[
            ("command", "acknowledged by dana"),
            ("command", "approved by dana"),
            ("remediate", "applied"),
            ("remediate", "mitigation ineffective"),
            ("notify", "paged payments-on-call about what came of mitigation 1 by sns and slack"),
        ],
    );
    let woken = people.iter().filter(|received| match received {
        Received::Topic { topic, message, .. } => {
            topic.ends_with(":tourniquet-pages") && message.contains("Mitigation ineffective")
        }
        _ => false,
    });
    assert_eq!(woken.count(), 1, "{people:?}");
}

/// The postmortem answers the five questions, in both forms, each from facts or with "Not known".
#[track_caller]
pub(crate) fn check_postmortem(report: &Value, trigger: &str, control: &str) -> Result<()> {
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
