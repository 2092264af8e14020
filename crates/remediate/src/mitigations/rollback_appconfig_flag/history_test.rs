use serde_json::json;

use super::*;
use crate::testing::at;

/// A deployment that started so many minutes before now, and took one.
fn deployment(number: i32, version: &str, stage: Stage, minutes_ago: i64) -> Deployment {
    let completed_at = (stage == Stage::Complete).then(|| at(-60 * (minutes_ago - 1)));
    let started_at = Some(at(-60 * minutes_ago));
    Deployment { number, version: version.to_owned(), stage, managed: false, started_at, completed_at }
}

fn history(deployments: impl IntoIterator<Item = Deployment>) -> History {
    let mut history = History::default();
    deployments.into_iter().for_each(|deployment| history.add(deployment));
    history
}

#[track_caller]
fn check(deployments: impl IntoIterator<Item = Deployment>, state: Value, ways: &[(&str, Way)]) {
    let history = history(deployments);
    assert_eq!(history.state().write().unwrap(), state);
    assert_eq!(State::of(&state).unwrap(), history.state());
    for (wanted, way) in ways {
        assert_eq!(history.way(wanted, at(0)), *way, "to {wanted} from {state}");
    }
}

#[test]
fn a_deployment_under_way_is_stopped_where_that_leads_to_the_wanted_version() {
    let under_way = || deployment(7, "2", Stage::UnderWay, 5);
    let state = json!({"deployment": 7, "version": "2"});
    check(
        [under_way(), deployment(3, "1", Stage::Complete, 900)],
        state.clone(),
        &[("1", Way::Stop(7)), ("0", Way::Blocked(7))],
    );
    check([under_way()], state, &[("1", Way::Blocked(7))]);
}

#[test]
fn a_complete_deployment_is_reverted_where_that_leads_to_the_wanted_version() {
    check(
        [deployment(7, "2", Stage::Complete, 5), deployment(3, "1", Stage::Complete, 900)],
        json!({"deployment": 7, "version": "2"}),
        &[("1", Way::Revert(7)), ("0", Way::Deploy)],
    );
    check([deployment(7, "2", Stage::Complete, 5)], json!({"deployment": 7, "version": "2"}), &[("1", Way::Deploy)]);
    check([], json!({}), &[("1", Way::Deploy)]);
}

#[test]
fn a_deployment_is_reverted_until_72_hours_after_its_end() {
    for (minutes, way) in
        [(72 * 60, Way::Revert(7)), (72 * 60 + 1, Way::Revert(7)), (72 * 60 + 2, Way::Deploy), (99_999, Way::Deploy)]
    {
        let old = [deployment(7, "2", Stage::Complete, minutes), deployment(3, "1", Stage::Complete, 999_999)];
        assert_eq!(history(old).way("1", at(0)), way, "completed {} minutes ago", minutes - 1);
    }
    let undated = Deployment { completed_at: None, ..deployment(7, "2", Stage::Complete, 99_999) };
    assert_eq!(history([undated, deployment(3, "1", Stage::Complete, 999_999)]).way("1", at(0)), Way::Revert(7));
}

#[test]
fn what_was_taken_back_left_the_version_before_it_in_effect() {
    // The list may come in any order.
    check(
        [
            deployment(3, "1", Stage::Complete, 900),
            deployment(7, "2", Stage::Complete, 60),
            deployment(8, "3", Stage::Back, 5),
        ],
        json!({"deployment": 8, "version": "2"}),
        // The revert of an older deployment is not AppConfig's offer.
        &[("1", Way::Deploy), ("3", Way::Deploy)],
    );
    // The way back from a deployment passes over those that were taken back before it.
    check(
        [
            deployment(9, "4", Stage::Complete, 5),
            deployment(8, "3", Stage::Back, 60),
            deployment(7, "2", Stage::Complete, 90),
        ],
        json!({"deployment": 9, "version": "4"}),
        &[("2", Way::Revert(9)), ("3", Way::Deploy)],
    );
    check([deployment(7, "2", Stage::Back, 5)], json!({"deployment": 7}), &[("2", Way::Deploy)]);
}

#[test]
fn older_deployments_are_read_until_they_tell_no_more() {
    let newest = || deployment(7, "2", Stage::UnderWay, 5);
    let before = || deployment(3, "1", Stage::Complete, 900);
    assert!(!history([]).tells(None));
    assert!(!history([newest()]).tells(None));
    assert!(!history([newest(), deployment(6, "3", Stage::Back, 50)]).tells(None));
    assert!(history([newest(), before()]).tells(None));
    assert!(history([newest(), before()]).tells(Some(at(-60 * 899))));
    assert!(!history([newest(), before()]).tells(Some(at(-60 * 900))));
}

#[test]
fn every_state_of_a_deployment_is_known_by_its_stage() {
    let listed = |state: &str| {
        let summary = DeploymentSummary::builder().deployment_number(7).configuration_version("2");
        summary.state(DeploymentState::from(state)).build()
    };
    for (state, stage) in [
        ("VALIDATING", Stage::UnderWay),
        ("DEPLOYING", Stage::UnderWay),
        ("BAKING", Stage::UnderWay),
        ("COMPLETE", Stage::Complete),
        ("ROLLING_BACK", Stage::Back),
        ("ROLLED_BACK", Stage::Back),
        ("REVERTED", Stage::Back),
    ] {
        assert_eq!(Deployment::read(&listed(state)).unwrap().stage, stage, "{state}");
    }
    let unknown = Deployment::read(&listed("PAUSED")).unwrap_err();
    assert_eq!(unknown.name(), "Stuck");
    assert!(unknown.to_string().contains("deployment 7 is in a state that this release does not know (PAUSED)"));
    let stateless = DeploymentSummary::builder().deployment_number(7).configuration_version("2").build();
    assert_eq!(Deployment::read(&stateless).unwrap_err().name(), "Stuck");
    let nameless = DeploymentSummary::builder().deployment_number(7).state(DeploymentState::Complete).build();
    assert!(Deployment::read(&nameless).unwrap_err().to_string().contains("no version"));
}
