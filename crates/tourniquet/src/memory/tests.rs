//! What the table in memory has to say that the decision asks for.

use std::path::Path;

use jiff::ToSpan;
use serde_json::{Value, json};

use super::*;
use crate::plans;

/// An alarm with a reason, by which two plans tell its events apart.
fn alarm(reason: &str, state: &str, minute: i64) -> Signal {
    let first: jiff::Timestamp = "2026-11-23T14:00:00Z".parse().unwrap();
    let mut event: Value = serde_json::from_str(include_str!("../triage/alarm.json")).unwrap();
    let time = first.checked_add(minute.minutes()).unwrap();
    event["detail"]["state"] = json!({"value": state, "reason": reason, "timestamp": time});
    read(event.to_string().as_bytes(), None).remove(0).unwrap()
}

/// A plan for every reason.
fn plans_by_reason(dir: &Path) -> Plans {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/triage/plans");
    std::fs::copy(shipped.join("teams.yaml"), dir.join("teams.yaml")).unwrap();
    let plan = std::fs::read_to_string(shipped.join("checkout.yaml")).unwrap();
    for reason in ["slow", "failing"] {
        let plan = plan.replace("plan: checkout-errors", &format!("plan: {reason}"));
        let plan = plan.replace("    alarmName:", &format!("    state: {{ reason: [{reason}] }}\n    alarmName:"));
        std::fs::write(dir.join(format!("{reason}.yaml")), plan).unwrap();
    }
    plans::load(dir).unwrap()
}

#[test]
fn what_fires_belongs_to_one_open_incident() {
    let dir = tempfile::tempdir().unwrap();
    let plans = plans_by_reason(dir.path());
    let mut memory = Memory::default();
    let mut take = |signal: &Signal| memory.take(&plans, signal);
    let opened = take(&alarm("slow", "ALARM", 0));
    assert_eq!((opened.action.clone(), opened.plan.plan.plan.as_str()), (Action::Open, "slow"));
    // The same alarm, by another plan: a recovery would otherwise clear only one of two.
    let again = take(&alarm("failing", "ALARM", 1));
    assert!(matches!(again.action, Action::Join { .. }), "{:?}", again.action);
    memory.resolve(&opened.group, None);
    let mut take = |signal: &Signal| memory.take(&plans, signal);
    assert_eq!(take(&alarm("failing", "ALARM", 2)).action, Action::Open, "that incident is over");
}

#[test]
fn what_is_muted_waits_for_the_end_of_the_window() {
    let dir = tempfile::tempdir().unwrap();
    let mutes = "mutes:\n  - name: nightly\n    service: checkout\n    reason: it is loaded\n    \
                 every: { from: \"14:00\", to: \"15:00\", time_zone: UTC }\n";
    std::fs::write(dir.path().join("mutes.yaml"), mutes).unwrap();
    let plans = plans_by_reason(dir.path());
    let mut memory = Memory::default();
    let fires = alarm("slow", "ALARM", 10);
    let muted = memory.take(&plans, &fires);
    let reason = "muted until 2026-11-23 15:00:00 UTC, as nightly in mutes.yaml says: it is loaded";
    assert_eq!((muted.outcome, muted.reason.as_str()), (SignalOutcome::Muted, reason));
    memory.forget_signals();
    assert!(matches!(memory.take(&plans, &fires).action, Action::Mute { recorded: true, .. }));
    let end = "2026-11-23T15:00:00Z".parse().unwrap();
    assert_eq!(memory.take_at(&plans, &fires, end).action, Action::Open);
    assert!(matches!(memory.take_at(&plans, &fires, end).action, Action::Repeat { incident: Some(_) }));
    // What opened goes on as ever, muted or not.
    assert!(matches!(memory.take(&plans, &alarm("failing", "ALARM", 20)).action, Action::Join { .. }));
    assert!(matches!(memory.take(&plans, &alarm("slow", "OK", 30)).action, Action::Recover { .. }));
    let drill = Signal { drill: true, fingerprint: "drill:f".into(), ..alarm("slow", "ALARM", 40) };
    assert_eq!(memory.take(&plans, &drill).action, Action::Open, "a drill is never muted");
}

#[test]
fn a_signal_comes_once() {
    let dir = tempfile::tempdir().unwrap();
    let plans = plans_by_reason(dir.path());
    let mut memory = Memory::default();
    let signal = alarm("slow", "ALARM", 0);
    assert_eq!(memory.take(&plans, &signal).outcome, SignalOutcome::Incident);
    let again = memory.take(&plans, &signal);
    assert!(matches!(again.action, Action::Repeat { incident: Some(_) }), "{:?}", again.action);
    assert_eq!(again.outcome, SignalOutcome::Attached);
}

#[test]
fn what_only_notifies_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/triage/plans");
    std::fs::copy(shipped.join("teams.yaml"), dir.path().join("teams.yaml")).unwrap();
    let plan = "plan: slow\ntype: slow\nmatch: { source: [aws.cloudwatch] }\nservice: checkout\nenvironment: prod\n\
                owner: payments\nseverity: SEV4\nengage: notify\n";
    std::fs::write(dir.path().join("slow.yaml"), plan).unwrap();
    let plans = plans::load(dir.path()).unwrap();
    let mut memory = Memory::default();
    for (state, minute, outcome) in [
        ("ALARM", 0, SignalOutcome::NotifyOnly),
        ("ALARM", 0, SignalOutcome::Ignored),
        ("OK", 1, SignalOutcome::Ignored),
        ("ALARM", 2, SignalOutcome::NotifyOnly),
        ("INSUFFICIENT_DATA", 3, SignalOutcome::NotifyOnly),
    ] {
        let verdict = memory.take(&plans, &alarm("slow", state, minute));
        assert_eq!(verdict.outcome, outcome, "{state} {minute}: {}", verdict.reason);
        if outcome == SignalOutcome::NotifyOnly {
            assert!(verdict.reason.ends_with("it is told once, in the digest of payments"), "{}", verdict.reason);
        }
    }
}
