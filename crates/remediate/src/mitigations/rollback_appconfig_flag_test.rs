use aws_smithy_http_client::test_util::StaticReplayClient;
use jiff::SignedDuration;
use response_plan::Span;
use serde_json::json;

use super::*;
use crate::testing::{at, replay};

pub(super) const NO_ANSWER: &str = r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#;
const BAD_REQUEST: &str = r#"{"__type":"BadRequestException","Message":"it completed more than 72 hours ago"}"#;
const CONFLICT: &str = r#"{"__type":"ConflictException","Message":"deployment 8 is already in progress"}"#;
pub(super) const DEPLOYMENTS: &str = "/applications/app0001/environments/env0001/deployments";

fn plan() -> Arguments {
    [("application", "checkout"), ("environment", "prod"), ("profile", "flags")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

pub(super) fn target(config: &SdkConfig) -> RollbackAppconfigFlag {
    let ids = Ids { application: "app0001".into(), environment: "env0001".into(), profile: "pro0001".into() };
    let called = called(&plan());
    RollbackAppconfigFlag {
        deployments: Deployments { client: Client::new(config), ids, called },
        arn: "arn:aws:appconfig:eu-west-1:111122223333:application/app0001/environment/env0001/configuration/pro0001"
            .into(),
        strategy: STRATEGY.into(),
        incident: "inc-20261123-0123456789".into(),
    }
}

/// A deployment of the profile as AppConfig lists it; one that is complete took a minute.
pub(super) fn listed(number: i32, version: &str, state: &str, started_at: Timestamp) -> Value {
    let mut listed = json!({
        "DeploymentNumber": number, "ConfigurationProfileId": "pro0001", "ConfigurationName": "flags",
        "ConfigurationVersion": version, "State": state, "StartedAt": started_at.to_string(), "Type": "USER",
    });
    if state == "COMPLETE" {
        listed["CompletedAt"] = json!((started_at + SignedDuration::from_mins(1)).to_string());
    }
    listed
}

pub(super) fn page(listed: &[Value]) -> String {
    json!({ "Items": listed }).to_string()
}

/// Version 1 since long ago, and version 2 as deployment 7, in this state, since so many hours before the clock's now.
fn bad(state: &str, hours_ago: i64) -> String {
    let started_at = step::now() - SignedDuration::from_hours(hours_ago);
    page(&[listed(7, "2", state, started_at), listed(3, "1", "COMPLETE", at(-999_999))])
}

/// Somebody deployed version 3 in between.
fn moved_on() -> String {
    page(&[
        listed(8, "3", "DEPLOYING", step::now()),
        listed(7, "2", "COMPLETE", step::now()),
        listed(3, "1", "COMPLETE", at(0)),
    ])
}

pub(super) fn prior() -> Value {
    json!({"deployment": 7, "version": "2"})
}

pub(super) fn wanted() -> Value {
    json!({"version": "1"})
}

/// What was asked, as method and path.
pub(super) fn asked(http: &StaticReplayClient) -> Vec<String> {
    let path = |uri: &str| uri.split_once(".com").map_or(uri, |(_, path)| path).to_owned();
    http.actual_requests().map(|request| format!("{} {}", request.method(), path(request.uri()))).collect()
}

pub(super) fn look() -> String {
    format!("GET {DEPLOYMENTS}?max_results=50")
}

pub(super) fn body(http: &StaticReplayClient, nth: usize) -> Value {
    serde_json::from_slice(http.actual_requests().nth(nth).unwrap().body().bytes().unwrap()).unwrap()
}

#[tokio::test]
async fn the_target_is_the_configuration_by_its_ids() {
    let (_, config) = replay(&[
        (200, r#"{"Items":[{"Id":"app0001","Name":"checkout"}]}"#),
        (200, r#"{"Items":[{"Id":"env0001","Name":"prod"}]}"#),
        (200, r#"{"Items":[{"Id":"pro0001","Name":"flags"}]}"#),
    ]);
    let place = Place { partition: "aws".into(), account: "111122223333".into(), region: "eu-west-1".into() };
    let found = RollbackAppconfigFlag::find(&config, &place, &plan(), "inc-20261123-0123456789").await.unwrap();
    let expect = target(&config);
    assert_eq!(
        (found.target(), &found.deployments.called, &found.strategy, &found.incident),
        (expect.target(), &expect.deployments.called, &expect.strategy, &expect.incident)
    );
}

#[tokio::test]
async fn the_state_is_the_newest_deployment_and_the_version_that_it_leads_to() {
    for (state, version) in
        [("VALIDATING", "2"), ("DEPLOYING", "2"), ("BAKING", "2"), ("COMPLETE", "2"), ("ROLLING_BACK", "1")]
    {
        let (http, config) = replay(&[(200, &bad(state, 1))]);
        assert_eq!(target(&config).read().await.unwrap(), json!({"deployment": 7, "version": version}), "{state}");
        assert_eq!(asked(&http), [look()]);
    }
    let (_, config) = replay(&[(200, &page(&[]))]);
    assert_eq!(target(&config).read().await.unwrap(), json!({}));
}

#[tokio::test]
async fn what_is_under_way_or_young_is_taken_back_by_a_stop() {
    for (before, after) in [("DEPLOYING", "ROLLING_BACK"), ("BAKING", "ROLLED_BACK"), ("COMPLETE", "REVERTED")] {
        let (http, config) = replay(&[(200, &bad(before, 1)), (202, "{}"), (200, &bad(after, 1))]);
        let left = target(&config).set(&wanted(), &prior()).await.unwrap();
        assert_eq!(left, Set::Done(json!({"deployment": 7, "version": "1"})), "{before}");
        assert_eq!(asked(&http), [look(), format!("DELETE {DEPLOYMENTS}/7"), look()], "{before}");
        let stop = http.actual_requests().nth(1).unwrap();
        assert_eq!(stop.headers().get("Allow-Revert"), Some("true"), "{before}");
    }
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_deployed_over() {
    let (http, config) = replay(&[(200, &bad("COMPLETE", 73)), (201, r#"{"DeploymentNumber":8,"State":"DEPLOYING"}"#)]);
    let left = target(&config).set(&wanted(), &prior()).await.unwrap();
    assert_eq!(left, Set::Done(json!({"deployment": 8, "version": "1"})));
    assert_eq!(asked(&http), [look(), format!("POST {DEPLOYMENTS}")]);
    let expect = json!({
        "ConfigurationProfileId": "pro0001", "ConfigurationVersion": "1",
        "DeploymentStrategyId": "AppConfig.AllAtOnce",
        "Description": "Tourniquet, incident inc-20261123-0123456789: back to version 1",
        "LatestDeploymentNumber": 7,
    });
    assert_eq!(body(&http, 1), expect);
}

#[tokio::test]
async fn a_revert_that_appconfig_refuses_is_deployed_over() {
    let young = bad("COMPLETE", 1);
    let answers = [(200, &*young), (400, BAD_REQUEST), (200, &*young), (201, r#"{"DeploymentNumber":8}"#)];
    let (http, config) = replay(&answers);
    let left = target(&config).set(&wanted(), &prior()).await.unwrap();
    assert_eq!(left, Set::Done(json!({"deployment": 8, "version": "1"})));
    assert_eq!(asked(&http)[3], format!("POST {DEPLOYMENTS}"));
}

#[tokio::test]
async fn a_target_that_moved_is_an_answer() {
    let (young, moved, gone) = (bad("COMPLETE", 1), moved_on(), bad("REVERTED", 1));
    for (answers, why) in [
        (vec![(200, &*moved)], "before the call"),
        (vec![(200, &*gone)], "somebody took it back before the call"),
        (vec![(200, &*young), (400, BAD_REQUEST), (200, &*gone)], "somebody stopped it in the same moment"),
        (vec![(200, &*young), (400, BAD_REQUEST), (200, &*moved)], "somebody deployed in the same moment"),
        (vec![(200, &*young), (202, "{}"), (200, &*moved)], "somebody deployed between the look and the revert"),
    ] {
        let (http, config) = replay(&answers);
        assert_eq!(target(&config).set(&wanted(), &prior()).await.unwrap(), Set::Moved, "{why}");
        assert_eq!(asked(&http).len(), answers.len(), "{why}");
    }
}

#[tokio::test]
async fn a_conflict_is_somebody_elses_deployment() {
    let (old, moved) = (bad("COMPLETE", 73), moved_on());
    let (_, config) = replay(&[(200, &old), (409, CONFLICT), (200, &moved)]);
    assert_eq!(target(&config).set(&wanted(), &prior()).await.unwrap(), Set::Moved);
    // Of another profile in the same environment: it ends by itself.
    let (_, config) = replay(&[(200, &old), (409, CONFLICT), (200, &old)]);
    let error = target(&config).set(&wanted(), &prior()).await.unwrap_err();
    assert_eq!(error.name(), "Transient");
    assert!(error.to_string().contains("another deployment is under way"), "{error}");
}

#[tokio::test]
async fn what_is_under_way_from_elsewhere_is_waited_for() {
    let under_way = page(&[listed(7, "2", "DEPLOYING", at(0)), listed(3, "0", "COMPLETE", at(-999_999))]);
    let (http, config) = replay(&[(200, &under_way)]);
    let error = target(&config).set(&wanted(), &prior()).await.unwrap_err();
    assert_eq!(error.name(), "Transient");
    assert!(error.to_string().contains("deployment 7 is under way in the environment of flags"), "{error}");
    assert_eq!(asked(&http), [look()]);
}

#[tokio::test]
async fn a_no_is_an_error_with_a_remedy() {
    let (young, old) = (bad("COMPLETE", 1), bad("COMPLETE", 73));
    for (deployments, status, body, name, what) in [
        (&young, 403, NO_ANSWER, "Stuck", "deployment 7 of flags of checkout in prod could not be stopped"),
        (&young, 500, "{}", "Transient", "could not be stopped"),
        (&old, 400, BAD_REQUEST, "Stuck", "version 1 of flags of checkout in prod could not be deployed; it may have"),
        (&old, 429, r#"{"__type":"ThrottlingException"}"#, "Transient", "could not be deployed"),
    ] {
        let (_, config) = replay(&[(200, deployments), (status, body)]);
        let error = target(&config).set(&wanted(), &prior()).await.unwrap_err();
        assert_eq!(error.name(), name, "{body}");
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[tokio::test]
async fn without_a_version_or_a_deployment_nothing_is_sent() {
    for (wanted, from) in [(json!({}), prior()), (wanted(), json!({"version": "2"})), (json!(null), prior())] {
        let (http, config) = replay(&[]);
        assert_eq!(target(&config).set(&wanted, &from).await.unwrap_err().name(), "Stuck");
        assert_eq!(http.actual_requests().count(), 0);
    }
}

#[tokio::test]
async fn undo_goes_the_same_ways_from_what_apply_left() {
    // Apply stopped deployment 7: its version is deployed again.
    let left = json!({"deployment": 7, "version": "1"});
    let (http, config) = replay(&[(200, &bad("ROLLED_BACK", 1)), (201, r#"{"DeploymentNumber":8}"#)]);
    let undone = target(&config).set(&prior(), &left).await.unwrap();
    assert_eq!(undone, Set::Done(json!({"deployment": 8, "version": "2"})));
    assert_eq!(body(&http, 1)["ConfigurationVersion"], json!("2"));

    // Apply deployed version 1 over version 2: its deployment is taken back.
    let left = json!({"deployment": 8, "version": "1"});
    let deployments = |state| page(&[listed(8, "1", state, step::now()), listed(7, "2", "COMPLETE", at(-999_999))]);
    let (http, config) = replay(&[(200, &deployments("BAKING")), (202, "{}"), (200, &deployments("ROLLED_BACK"))]);
    let undone = target(&config).set(&prior(), &left).await.unwrap();
    assert_eq!(undone, Set::Done(json!({"deployment": 8, "version": "2"})));
    assert_eq!(asked(&http)[1], format!("DELETE {DEPLOYMENTS}/8"));
}

#[tokio::test]
async fn killed_right_after_the_call_the_change_is_found() {
    let started = |state| page(&[listed(8, "1", state, step::now()), listed(7, "2", "COMPLETE", at(-999_999))]);
    for found in [started("VALIDATING"), started("BAKING"), started("COMPLETE"), bad("ROLLING_BACK", 1)] {
        let (_, config) = replay(&[(200, &found)]);
        let target = target(&config);
        let present = target.read().await.unwrap();
        assert!(target.is_at(&present, &wanted()) && !target.is_at(&present, &prior()), "{found}");
        assert_ne!(present, prior());
    }
}

#[test]
fn only_the_wanted_version_is_where_it_should_be() {
    let (_, config) = replay(&[]);
    let target = target(&config);
    assert!(!target.is_at(&prior(), &wanted()));
    assert!(!target.is_at(&json!({"deployment": 7}), &json!({})));
    assert!(!target.is_at(&json!(null), &wanted()));
    assert!(target.is_at(&json!({"deployment": 12, "version": "1"}), &wanted()));
}

fn good(version: &str) -> ChangeRecord {
    let (id, by, resource) = ("c1".to_owned(), "pipeline".to_owned(), "arn".to_owned());
    ChangeRecord { v: 1, id, resource, version: version.to_owned(), good: true, at: at(-36_000), by }
}

async fn proposed(deployments: &[Value]) -> Result<Proposal, StepError> {
    let limits = Guards { change_within: Some(Span::seconds(3600)), max_targets: 1 };
    let (http, config) = replay(&[(200, &page(deployments))]);
    let answer = target(&config).plan(&[good("1")], &limits, at(0)).await;
    assert_eq!(asked(&http), [look()]);
    answer
}

#[tokio::test]
async fn the_plan_names_the_last_good_version_the_state_and_the_way() {
    let old = || listed(3, "1", "COMPLETE", at(-36_000));
    for (deployments, by) in [
        (vec![listed(7, "2", "DEPLOYING", at(-60)), old()], "by stopping deployment 7, which is under way"),
        (vec![listed(7, "2", "COMPLETE", at(-600)), old()], "by reverting deployment 7"),
        (vec![listed(7, "2", "COMPLETE", at(-600))], "by deploying it with AppConfig.AllAtOnce"),
    ] {
        let proposal = proposed(&deployments).await.unwrap();
        assert_eq!((&proposal.prior, &proposal.desired), (&prior(), &wanted()));
        let expect =
            "take flags of checkout in prod from version 2 back to version 1, the last recorded as good, ".to_owned();
        assert_eq!(proposal.summary, expect + by);
    }
}

#[tokio::test]
async fn what_is_no_likely_cause_or_leads_elsewhere_is_refused() {
    let old = || listed(3, "1", "COMPLETE", at(-36_000));
    let managed = || {
        let mut managed = listed(7, "2", "COMPLETE", at(-600));
        managed["Type"] = json!("MANAGED");
        managed
    };
    for (deployments, why) in [
        (vec![], "no version of flags of checkout in prod is in effect"),
        (vec![listed(7, "2", "ROLLED_BACK", at(-60))], "no version of flags of checkout in prod is in effect"),
        (vec![listed(7, "2", "ROLLED_BACK", at(-60)), old()], "already at the last version recorded as good, 1"),
        (vec![listed(7, "2", "COMPLETE", at(-3700)), old()], "longer than 1h ago"),
        // Nobody recorded version 3, and it may be the cause as well.
        (vec![listed(7, "2", "COMPLETE", at(-600)), listed(6, "3", "COMPLETE", at(-1200)), old()], "(2, 3)"),
        // Both serve, and a stop goes to neither: version 9 is not recorded as good.
        (
            vec![listed(7, "2", "DEPLOYING", at(-60)), listed(5, "9", "COMPLETE", at(-9000))],
            "did not come from version 1",
        ),
        (vec![managed(), old()], "deployment 7 was made by AppConfig itself"),
    ] {
        let no = proposed(&deployments).await.unwrap_err();
        assert_eq!(no.name(), "Refused", "{no}");
        assert!(no.to_string().contains(why), "{no}");
    }
    // What was taken back meanwhile is no cause any more, and what is older than the window neither.
    for between in [listed(6, "3", "REVERTED", at(-1200)), listed(6, "3", "COMPLETE", at(-4000))] {
        proposed(&[listed(7, "2", "COMPLETE", at(-600)), between, old()]).await.unwrap();
    }
}

#[test]
fn the_plans_words_are_looked_at_before_anything_is_asked() {
    let check = |field: &str, text: &str| {
        let field = KIND.plan.fields.iter().find(|known| known.name == field).unwrap();
        (field.check)(text).map_err(|(wrong, remedy)| format!("{wrong}; {remedy}"))
    };
    for (field, text) in [
        ("application", "checkout"),
        ("application", "Checkout (new)"),
        ("profile", &"f".repeat(128)),
        ("strategy", "AppConfig.Linear50PercentEvery30Seconds"),
        ("strategy", "ab12cd3"),
    ] {
        assert_eq!(check(field, text), Ok(()), "{field}: {text}");
    }
    for (field, text, why) in [
        ("application", "", "`` is no name in AppConfig; write 1 to 64 characters"),
        ("environment", &"e".repeat(65), "write 1 to 64 characters"),
        ("strategy", "all at once", "`all at once` is no deployment strategy; write its id, or `AppConfig.AllAtOnce`"),
        ("strategy", "ABCD", "is no deployment strategy"),
    ] {
        assert!(check(field, text).unwrap_err().contains(why), "{field}: {text}");
    }
    assert_eq!((KIND.plan.does)(&plan()), "roll flags of checkout in prod back to the last version recorded as good");
}
