use response_plan::Span;
use serde_json::json;

use super::*;
use crate::testing::{at, replay};

const ALIAS: &str = r#"{"AliasArn":"arn:aws:lambda:eu-west-1:111122223333:function:checkout:live","Name":"live","FunctionVersion":"2","Description":"","RevisionId":"rev-2"}"#;
const MOVED: &str = r#"{"Name":"live","FunctionVersion":"1","RevisionId":"rev-3"}"#;
const SPLIT: &str = r#"{"Name":"live","FunctionVersion":"2","RevisionId":"rev-2","RoutingConfig":{"AdditionalVersionWeights":{"1":0.1}}}"#;
const NO_SPLIT: &str =
    r#"{"Name":"live","FunctionVersion":"2","RevisionId":"rev-2","RoutingConfig":{"AdditionalVersionWeights":{}}}"#;
const PRECONDITION: &str =
    r#"{"__type":"PreconditionFailedException","Type":"User","message":"The RevisionId provided does not match"}"#;

fn target(config: &SdkConfig) -> RollbackLambdaAlias {
    let place = Place { partition: "aws".into(), account: "111122223333".into(), region: "eu-west-1".into() };
    RollbackLambdaAlias::new(config, &place, "checkout", "live")
}

fn prior() -> Value {
    json!({"function_version": "2", "revision_id": "rev-2"})
}

fn good(version: &str) -> ChangeRecord {
    let resource = "arn:aws:lambda:eu-west-1:111122223333:function:checkout:live".to_owned();
    let (id, by) = ("c1".to_owned(), "pipeline".to_owned());
    ChangeRecord { v: 1, id, resource, version: version.to_owned(), good: true, at: at(-36_000), by }
}

fn limits() -> Guards {
    Guards { change_within: Some(Span::seconds(3600)), max_targets: 1 }
}

#[tokio::test]
async fn the_state_is_version_revision_and_whether_traffic_is_split() {
    for (body, state) in [
        (ALIAS, prior()),
        (NO_SPLIT, prior()),
        (SPLIT, json!({"function_version": "2", "revision_id": "rev-2", "split": true})),
    ] {
        let (http, config) = replay(&[(200, body)]);
        assert_eq!(target(&config).read().await.unwrap(), state, "{body}");
        let asked = http.actual_requests().next().unwrap().uri().to_owned();
        assert!(asked.ends_with("/2015-03-31/functions/checkout/aliases/live"), "{asked}");
    }
}

#[tokio::test]
async fn an_alias_that_cannot_be_read_is_named() {
    for (status, body, name) in [
        (404, r#"{"__type":"ResourceNotFoundException","Message":"Alias not found"}"#, "Stuck"),
        (403, r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#, "Stuck"),
        (429, r#"{"__type":"TooManyRequestsException","Message":"slow down"}"#, "Transient"),
        (200, "{}", "Stuck"),
    ] {
        let (_, config) = replay(&[(status, body)]);
        assert_eq!(target(&config).read().await.unwrap_err().name(), name, "{body}");
    }
}

#[tokio::test]
async fn the_alias_moves_only_from_the_revision_that_was_read() {
    let (http, config) = replay(&[(200, MOVED)]);
    let left = target(&config).set(&json!({"function_version": "1"}), &prior()).await.unwrap();
    assert_eq!(left, Set::Done(json!({"function_version": "1", "revision_id": "rev-3"})));
    let request = http.actual_requests().next().unwrap();
    assert_eq!(request.method(), "PUT");
    let sent: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
    assert_eq!(sent, json!({"FunctionVersion": "1", "RevisionId": "rev-2"}));
}

#[tokio::test]
async fn undo_goes_back_from_the_revision_that_apply_left() {
    let (http, config) = replay(&[(200, ALIAS)]);
    let left = json!({"function_version": "1", "revision_id": "rev-3"});
    assert_eq!(target(&config).set(&prior(), &left).await.unwrap(), Set::Done(prior()));
    let sent: Value = serde_json::from_slice(http.actual_requests().next().unwrap().body().bytes().unwrap()).unwrap();
    assert_eq!(sent, json!({"FunctionVersion": "2", "RevisionId": "rev-3"}));
}

#[tokio::test]
async fn another_revision_is_an_answer_and_a_no_is_an_error() {
    let to = json!({"function_version": "1"});
    let (_, config) = replay(&[(412, PRECONDITION)]);
    assert_eq!(target(&config).set(&to, &prior()).await.unwrap(), Set::Moved);
    for (status, body, name) in [
        (409, r#"{"__type":"ResourceConflictException","message":"an update is in progress"}"#, "Transient"),
        (500, r#"{"__type":"ServiceException","Message":"oops"}"#, "Transient"),
        (403, r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#, "Stuck"),
        (404, r#"{"__type":"ResourceNotFoundException","Message":"Function not found: checkout:1"}"#, "Stuck"),
    ] {
        let (_, config) = replay(&[(status, body)]);
        assert_eq!(target(&config).set(&to, &prior()).await.unwrap_err().name(), name, "{body}");
    }
}

#[tokio::test]
async fn without_a_revision_nothing_is_sent() {
    let (http, config) = replay(&[]);
    let error = target(&config).set(&json!({"function_version": "1"}), &json!({"function_version": "2"})).await;
    assert_eq!(error.unwrap_err().name(), "Stuck");
    assert_eq!(http.actual_requests().count(), 0);
}

#[tokio::test]
async fn the_plan_names_the_last_good_version_and_the_state_it_found() {
    let young = r#"{"FunctionName":"checkout","Version":"2","LastModified":"2026-11-23T09:55:00.000+0000"}"#;
    let (http, config) = replay(&[(200, ALIAS), (200, young)]);
    let ledger = [good("1")];
    let proposal = target(&config).plan(&ledger, &limits(), at(0)).await.unwrap();
    assert_eq!(proposal.prior, prior());
    assert_eq!(proposal.desired, json!({"function_version": "1"}));
    assert_eq!(proposal.summary, "move checkout:live from version 2 back to version 1, the last recorded as good");
    let asked = http.actual_requests().nth(1).unwrap().uri().to_owned();
    assert!(asked.ends_with("/functions/checkout/configuration?Qualifier=2"), "{asked}");
}

#[tokio::test]
async fn a_version_whose_age_cannot_be_read_is_not_taken_back() {
    for (modified, why) in [
        (r#"{"LastModified":"2026-11-23T08:00:00.000+0000"}"#, "longer than 1h ago"),
        (r#"{"LastModified":"yesterday"}"#, "is not known"),
        ("{}", "is not known"),
    ] {
        let (_, config) = replay(&[(200, ALIAS), (200, modified)]);
        let ledger = [good("1")];
        let no = target(&config).plan(&ledger, &limits(), at(0)).await.unwrap_err();
        assert_eq!(no.name(), "Refused");
        assert!(no.to_string().contains(why), "{modified}: {no}");
    }
}
