//! Real payloads, where a collection of them lies beside the checkout: each gives signals or a reason, and docs/sources.md says
//! how many of which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{Origin, Signal, State, Unread, UnreadKind, read};

/// The tables of real payloads by source and by refusal.
const DOCS: &str = include_str!("../../../docs/sources.md");

/// Sources of which no event may be refused as one that nobody reads.
const COMPLETE: &[&str] = &[
    "aws.appconfig",
    "aws.arc-zonal-shift",
    "aws.autoscaling",
    "aws.cloudformation",
    "aws.cloudwatch",
    "aws.codedeploy",
    "aws.codepipeline",
    "aws.config",
    "aws.ec2",
    "aws.ecs",
    "aws.guardduty",
    "aws.health",
    "aws.rds",
    "aws.route53-recovery-readiness",
    "aws.securityhub",
    "aws.ssm",
    "aws.states",
    "aws.synthetics",
    "aws.xray",
    "lambda",
];

/// Where the collection lies, if it does.
pub(crate) fn corpus() -> Option<&'static str> {
    let corpus = option_env!("TOURNIQUET_EVENT_CORPUS")
        .unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/events"));
    let there = Path::new(corpus).is_dir();
    if !there {
        println!("skipped: no event corpus at {corpus}; set TOURNIQUET_EVENT_CORPUS to one");
    }
    there.then_some(corpus)
}

fn files(corpus: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    list(Path::new(corpus), &mut files);
    assert!(!files.is_empty(), "no payload in {corpus}");
    files
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

/// The cells of the table below a heading.
fn table(heading: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let section = DOCS.split(heading).nth(1).unwrap_or_else(|| panic!("no {heading} in docs/sources.md"));
    let lines = section.lines().skip_while(|line| !line.starts_with('|')).skip(2);
    lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

#[test]
fn every_real_payload_is_counted_in_the_documents() {
    let Some(corpus) = corpus() else { return };
    let files = files(corpus);
    let mut refusals: Vec<(&str, usize, usize)> =
        table("### Refusals").map(|cells| (cells[1].trim_matches('`'), cells[0].parse().unwrap(), 0)).collect();
    let mut sources: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for file in &files {
        let answers = read(&std::fs::read(file).unwrap(), &Origin::default());
        assert!(!answers.is_empty(), "{}", file.display());
        for answer in answers {
            count(file, answer, &mut sources, &mut refusals);
        }
    }
    for (part, expected, found) in refusals {
        assert_eq!(found, expected, "refusals with {part:?}");
    }
    let found: Vec<String> = sources
        .iter()
        .map(|(source, [firing, recovered, info])| format!("{source} {firing} {recovered} {info}"))
        .collect();
    let documented: Vec<String> = table("### Signals").map(|cells| cells.join(" ").replace('`', "")).collect();
    assert_eq!(documented, found, "\n{}\n", found.join("\n"));
    println!("{} files", files.len());
}

#[track_caller]
fn count(
    file: &Path,
    answer: Result<Signal, Unread>,
    sources: &mut BTreeMap<String, [usize; 3]>,
    refusals: &mut [(&str, usize, usize)],
) {
    match answer {
        Ok(signal) => {
            let place = match signal.state {
                State::Firing => 0,
                State::Recovered => 1,
                State::Info => 2,
            };
            sources.entry(signal.source).or_default()[place] += 1;
        }
        Err(unread) => {
            let of = refusals.iter_mut().find(|(part, ..)| unread.reason.contains(part));
            of.unwrap_or_else(|| panic!("{}: not in the table: {unread}", file.display())).2 += 1;
        }
    }
}

#[test]
fn no_event_of_a_complete_source_is_unsupported() {
    let Some(corpus) = corpus() else { return };
    for file in files(corpus) {
        let bytes = std::fs::read(&file).unwrap();
        let plain: String =
            String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_whitespace() && *c != '\\').collect();
        if COMPLETE.iter().any(|source| plain.contains(&format!("\"source\":\"{source}\""))) {
            for answer in read(&bytes, &Origin::default()) {
                let unsupported = answer.as_ref().err().filter(|unread| unread.kind == UnreadKind::Unsupported);
                assert!(unsupported.is_none(), "{}: {unsupported:?}", file.display());
            }
        }
    }
}

/// Told by other marks than the reader's: any payload that names an alarm and a change of its state.
#[test]
fn every_real_alarm_is_read() {
    /// The one that has no time of its transition: it was written for a test, and CloudWatch sends none such.
    const WITHOUT_TIME: &str = "sns-http-notification-sns-msg-cloudwatchalarm-conftest.json";
    let Some(corpus) = corpus() else { return };
    for file in files(corpus) {
        let text = std::fs::read_to_string(&file).unwrap();
        let message = text.contains("NewStateValue") && text.contains("OldStateValue");
        if !message && !text.contains("\"CloudWatch Alarm State Change\"") && !text.contains("\"alarmData\"") {
            continue;
        }
        for answer in read(text.as_bytes(), &Origin::default()) {
            match answer {
                Ok(signal) => assert!(signal.fingerprint.starts_with("arn:aws:cloudwatch:"), "{}", file.display()),
                Err(unread) => {
                    assert!(file.ends_with(WITHOUT_TIME), "{}: {unread}", file.display());
                    assert!(unread.reason.contains("time of its transition"), "{unread}");
                }
            }
        }
    }
}
