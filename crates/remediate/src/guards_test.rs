use response_plan::Span;
use serde_json::json;

use super::*;
use crate::testing::{at, record};

const TARGET: &str = "arn:aws:lambda:eu-west-1:111122223333:function:checkout:live";

/// A ledger entry: version, minutes before now, whether it is good.
fn change(version: &str, minutes_ago: i64, good: bool) -> ChangeRecord {
    ChangeRecord {
        v: 1,
        id: format!("{version}-{minutes_ago}"),
        resource: TARGET.to_owned(),
        version: version.to_owned(),
        good,
        at: at(-60 * minutes_ago),
        by: "pipeline".to_owned(),
    }
}

struct Case {
    present: &'static str,
    split: bool,
    made_at: Option<i64>,
    ledger: Vec<ChangeRecord>,
    max_targets: u32,
}

fn case(ledger: Vec<ChangeRecord>) -> Case {
    Case { present: "2", split: false, made_at: None, ledger, max_targets: 1 }
}

#[track_caller]
fn check(case: &Case, expect: Result<&str, &str>) {
    let limits = Guards { change_within: Some(Span::seconds(3600)), max_targets: case.max_targets };
    let facts = Facts {
        target: TARGET,
        present: case.present,
        split: case.split,
        made_at: case.made_at.map(|minutes_ago| at(-60 * minutes_ago)),
        ledger: &case.ledger,
        limits: &limits,
        now: at(0),
    };
    match (decide(&facts), expect) {
        (Ok(version), Ok(expected)) => assert_eq!(version, expected),
        (Err(no), Err(part)) => assert!(no.contains(part), "`{no}` does not say `{part}`"),
        (got, expected) => panic!("{got:?}, expected {expected:?}"),
    }
}

#[test]
fn the_last_version_recorded_as_good_is_proposed() {
    check(&case(vec![change("2", 5, false), change("1", 600, true)]), Ok("1"));
    // Not the version before: 7 was live in between and never good.
    check(&case(vec![change("2", 5, false), change("7", 500, false), change("1", 600, true)]), Ok("1"));
    // The newest of the good ones.
    check(&case(vec![change("2", 5, false), change("4", 500, true), change("1", 600, true)]), Ok("4"));
    // The ledger does not know the present version, and Lambda says that it is young.
    check(&Case { made_at: Some(59), ..case(vec![change("1", 600, true)]) }, Ok("1"));
    // The same bad version, deployed twice, is one change.
    check(&case(vec![change("2", 5, false), change("2", 20, false), change("1", 600, true)]), Ok("1"));
}

#[test]
fn without_a_good_version_a_person_picks() {
    check(&case(vec![]), Err("is recorded as good; record one with `tourniquet change record`"));
    check(&case(vec![change("2", 5, false), change("1", 600, false)]), Err("is recorded as good; record one"));
    check(
        &case(vec![change("2", 5, true), change("1", 600, true)]),
        Err("already at the last version recorded as good, 2"),
    );
}

#[test]
fn an_old_change_is_not_taken_back() {
    let good = || change("1", 600, true);
    check(&case(vec![change("2", 60, false), good()]), Ok("1"));
    check(&case(vec![change("2", 61, false), good()]), Err("longer than 1h ago"));
    check(&Case { made_at: Some(61), ..case(vec![good()]) }, Err("longer than 1h ago"));
    // The ledger counts before the version's own age: an old version may have gone live just now, and the other way round.
    check(&Case { made_at: Some(600), ..case(vec![change("2", 5, false), good()]) }, Ok("1"));
    check(&Case { made_at: Some(5), ..case(vec![change("2", 61, false), good()]) }, Err("longer than 1h ago"));
    check(&case(vec![good()]), Err("changed to version 2 is not known"));
}

#[test]
fn several_changes_in_the_window_are_for_a_person() {
    let good = || change("1", 600, true);
    check(&case(vec![change("2", 5, false), change("3", 10, false), good()]), Err("(2, 3); a person picks"));
    // The present version counts although nobody recorded it.
    check(&Case { made_at: Some(5), ..case(vec![change("3", 10, false), good()]) }, Err("(2, 3); a person picks"));
    // Before the good version, and outside the window: not a cause.
    check(&case(vec![change("2", 5, false), change("1", 20, true), change("3", 30, false)]), Ok("1"));
    check(&case(vec![change("2", 5, false), change("3", 61, false), good()]), Ok("1"));
}

#[test]
fn what_the_kind_cannot_take_back_is_refused() {
    let ledger = || vec![change("2", 5, false), change("1", 600, true)];
    check(&Case { split: true, ..case(ledger()) }, Err("splits traffic"));
    check(&Case { max_targets: 0, ..case(ledger()) }, Err("raise `max_targets`"));
    check(&Case { max_targets: 3, ..case(ledger()) }, Ok("1"));
}

#[test]
fn the_brake_is_on_until_its_end_and_when_it_cannot_be_read() {
    let brake = |until| Brake { by: "ana".into(), reason: "release".into(), at: at(-60), until: at(until) };
    assert_eq!(brake_is_off(Ok(None), at(0)), Ok(()));
    assert_eq!(brake_is_off(Ok(Some(brake(0))), at(0)), Ok(()));
    assert!(brake_is_off(Ok(Some(brake(1))), at(0)).unwrap_err().contains("(release, by ana)"));
    assert!(brake_is_off(Err(StepError::transient("throttled")), at(0)).unwrap_err().contains("counts as on"));
    assert!(brake_is_off(Err(StepError::stuck("denied")), at(0)).unwrap_err().contains("counts as on"));
}

#[test]
fn only_an_alarm_that_fires_now_allows_a_change() {
    let alarm = |state| Some(Alarm { state, since: None });
    assert_eq!(fires(alarm(State::Firing)), Ok(()));
    assert_eq!(fires(alarm(State::Clear)).unwrap_err(), "the alarm is not firing now");
    assert_eq!(fires(alarm(State::Unknown)).unwrap_err(), "the alarm is not firing now");
    assert!(fires(None).unwrap_err().contains("does not exist"));
}

#[test]
fn an_alarm_that_cannot_be_read_before_the_change_says_no() {
    let alarm = |state| Ok(Some(Alarm { state, since: None }));
    assert_eq!(still_fires(alarm(State::Firing)).unwrap(), Ok(()));
    for (read, no) in [
        (alarm(State::Clear), "not firing now"),
        (alarm(State::Unknown), "not firing now"),
        (Ok(None), "does not exist"),
        (Err(StepError::stuck("the alarm could not be read")), "could not be read"),
        (Err(StepError::refused("the alarm is in account 1")), "in account 1"),
    ] {
        assert!(still_fires(read).unwrap().unwrap_err().contains(no), "{no}");
    }
    assert_eq!(still_fires(Err(StepError::transient("throttled"))).unwrap_err().name(), "Transient");
}

#[test]
fn an_incident_that_is_over_is_left_alone() {
    for status in Status::ALL {
        assert_eq!(is_under_way(status).is_ok(), matches!(status, Status::Open | Status::Mitigated), "{status}");
    }
}

#[test]
fn an_approval_is_for_one_plan_and_ends() {
    assert_eq!(approval_holds(&record(), at(0)), Ok(()));
    let expires = record().expires_at;
    assert!(approval_holds(&record(), expires).unwrap_err().contains("expired"));
    let other = MitigationRecord { desired: Some(json!({"function_version": "9"})), ..record() };
    assert!(approval_holds(&other, at(0)).unwrap_err().contains("hash differs"));
    let nobody = MitigationRecord { decided_by: None, ..record() };
    assert!(approval_holds(&nobody, at(0)).unwrap_err().contains("no approver"));
}

#[test]
fn a_name_that_moved_says_no() {
    assert_eq!(is_the_recorded(TARGET, TARGET), Ok(()));
    assert!(is_the_recorded("arn:another", TARGET).unwrap_err().starts_with("what the plan names is arn:another now"));
}

#[test]
fn a_lock_of_another_mitigation_says_no() {
    assert_eq!(lock_is_ours(Lock::Mine { fencing: 7 }), Ok(7));
    let held = Lock::Held { by: "inc-20261123-abcdef0123#1#1".into(), until: at(60) };
    assert!(lock_is_ours(held).unwrap_err().contains("inc-20261123-abcdef0123#1#1"));
}
