//! Real payloads, where a collection of them lies beside the checkout: none panics, and every alarm gives a signal.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Origin, Signal, Unread, read};

/// The one alarm there that has no time of its transition: it was written for a test, and CloudWatch sends none such.
const WITHOUT_TIME: &str = "sns-http-notification-sns-msg-cloudwatchalarm-conftest.json";

#[test]
fn every_real_alarm_is_read() {
    let corpus = option_env!("TOURNIQUET_EVENT_CORPUS")
        .unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/events"));
    let mut files = Vec::new();
    list(Path::new(corpus), &mut files);
    if files.is_empty() {
        println!("skipped: no event corpus at {corpus}; set TOURNIQUET_EVENT_CORPUS to one");
        return;
    }
    let mut alarms = 0;
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let answers = read(&bytes, &Origin::default());
        assert!(!answers.is_empty(), "{}", file.display());
        if serde_json::from_slice(&bytes).is_ok_and(|payload: Value| is_alarm(&payload)) {
            alarms += 1;
            judge(file, &answers);
        } else {
            assert!(answers.iter().all(Result::is_err), "{} is no alarm: {answers:?}", file.display());
        }
    }
    assert!(alarms > 0, "no alarm among {} files of {corpus}", files.len());
    println!("{alarms} alarms among {} files", files.len());
}

#[track_caller]
fn judge(file: &Path, answers: &[Result<Signal, Unread>]) {
    for answer in answers {
        match answer {
            Ok(signal) => assert!(signal.fingerprint.starts_with("arn:aws:cloudwatch:"), "{}", file.display()),
            Err(unread) => {
                assert!(file.ends_with(WITHOUT_TIME), "{}: {unread}", file.display());
                assert!(unread.reason.contains("time of its transition"), "{unread}");
            }
        }
    }
}

/// Told by other marks than the reader's: any payload that names an alarm and a change of its state.
fn is_alarm(payload: &Value) -> bool {
    let text = payload.to_string();
    let state_change = payload["detail-type"] == "CloudWatch Alarm State Change";
    let message = text.contains("NewStateValue") && text.contains("OldStateValue");
    state_change || message || payload.get("alarmData").is_some()
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
