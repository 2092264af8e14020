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
