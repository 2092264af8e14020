use response_plan::Guards;
use serde_json::{Value, json};

use super::*;
use crate::mitigations::Set;
use crate::testing::{at, replay};

const ID: &str = "14e0db71-5d35-4eb5-b481-8945cf9d10c2";
const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:event-source-mapping:14e0db71-5d35-4eb5-b481-8945cf9d10c2";

/// A page of mappings: id and what each feeds.
fn listed(mappings: &[(&str, &str)], next: Option<&str>) -> String {
    let mapping = |(uuid, function): &(&str, &str)| {
        let function = format!("arn:aws:lambda:eu-west-1:111122223333:function:{function}");
        json!({"UUID": uuid, "FunctionArn": function, "State": "Enabled"})
    };
    json!({"EventSourceMappings": mappings.iter().map(mapping).collect::<Vec<_>>(), "NextMarker": next}).to_string()
}

fn in_state(state: &str) -> String {
    json!({"UUID": ID, "State": state, "BatchSize": 10}).to_string()
}

async fn find(config: &SdkConfig, source: &str) -> Result<DisableEventSourceMapping, StepError> {
    let place = Place { partition: "aws".into(), account: "111122223333".into(), region: "eu-west-1".into() };
    DisableEventSourceMapping::find(config, &place, "writer", source).await
}

/// The target of the tests, and what Lambda answers to what is asked of it.
async fn target(
    answers: &[(u16, &str)],
) -> (aws_smithy_http_client::test_util::StaticReplayClient, DisableEventSourceMapping) {
    let found = listed(&[(ID, "writer")], None);
    let (http, config) = replay(&[&[(200, found.as_str())], answers].concat());
    (http, find(&config, "orders").await.unwrap())
}

fn limits(max_targets: u32) -> Guards {
    Guards { change_within: None, max_targets }
}

#[tokio::test]
async fn the_mapping_of_a_queue_is_found_by_name_and_by_arn() {
    for (source, arn) in [
        ("orders", "arn%3Aaws%3Asqs%3Aeu-west-1%3A111122223333%3Aorders"),
        (
            "arn:aws:kinesis:eu-west-1:111122223333:stream/orders",
            "arn%3Aaws%3Akinesis%3Aeu-west-1%3A111122223333%3Astream%2Forders",
        ),
    ] {
        let others = [("other", "reader"), (ID, "writer:live"), ("third", "writer-of-mails")];
        let (http, config) = replay(&[(200, &listed(&others, None))]);
        let found = find(&config, source).await.unwrap();
        assert_eq!((found.target(), found.uuid.as_str()), (ARN, ID));
        let asked = http.actual_requests().next().unwrap().uri().to_owned();
        assert!(asked.ends_with(&format!("/2015-03-31/event-source-mappings?EventSourceArn={arn}")), "{asked}");
    }
}

#[tokio::test]
async fn every_page_is_read() {
    let pages = [listed(&[("other", "reader")], Some("next")), listed(&[(ID, "writer")], Some(""))];
    let (http, config) = replay(&[(200, &pages[0]), (200, &pages[1])]);
    assert_eq!(find(&config, "orders").await.unwrap().target(), ARN);
    let asked = http.actual_requests().nth(1).unwrap().uri().to_owned();
    assert!(asked.contains("Marker=next"), "{asked}");
}

#[tokio::test]
async fn none_or_several_are_a_persons_to_pick() {
    for (mappings, part) in [
        (&[("other", "reader")][..], "should feed writer from orders, and there is none"),
        (&[(ID, "writer"), ("other", "writer:live")], "and there are 2"),
    ] {
        let (_, config) = replay(&[(200, &listed(mappings, None))]);
        let no = find(&config, "orders").await.map(|_| ()).unwrap_err();
        assert!(no.name() == "Refused" && no.to_string().contains(part), "{no}");
    }
    for (status, body, name) in [
        (429, r#"{"__type":"TooManyRequestsException","Message":"slow down"}"#, "Transient"),
        (403, r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#, "Stuck"),
    ] {
        let (_, config) = replay(&[(status, body)]);
        assert_eq!(find(&config, "orders").await.map(|_| ()).unwrap_err().name(), name);
    }
}

#[tokio::test]
async fn on_the_way_counts_as_there() {
    for (state, read) in [
        ("Enabled", Ok(true)),
        ("Enabling", Ok(true)),
        ("Disabled", Ok(false)),
        ("Disabling", Ok(false)),
        ("Creating", Err("Transient")),
        ("Updating", Err("Transient")),
        ("Deleting", Err("Stuck")),
        ("Dancing", Err("Stuck")),
    ] {
        let (http, target) = target(&[(200, &in_state(state))]).await;
        let expect = read.map(|enabled| json!({"enabled": enabled}));
        assert_eq!(target.read().await.map_err(|e| e.name()), expect, "{state}");
        let asked = http.actual_requests().nth(1).unwrap().uri().to_owned();
        assert!(asked.ends_with(&format!("/event-source-mappings/{ID}")), "{asked}");
    }
    let (_, target) = target(&[(200, "{}")]).await;
    assert_eq!(target.read().await.unwrap_err().name(), "Stuck");
}

#[tokio::test]
async fn the_plan_switches_off_what_is_on() {
    let (_, target) = target(&[(200, &in_state("Enabled"))]).await;
    let proposal = target.plan(&[], &limits(1), at(0)).await.unwrap();
    assert_eq!((proposal.prior, proposal.desired), (json!({"enabled": true}), json!({"enabled": false})));
    assert_eq!(proposal.summary, format!("switch off what feeds writer from orders (event source mapping {ID})"));
}

#[tokio::test]
async fn what_is_off_already_or_not_allowed_is_refused() {
    for (state, max_targets, part) in [("Disabled", 1, "is off already"), ("Enabled", 0, "max_targets")] {
        let (_, target) = target(&[(200, &in_state(state))]).await;
        let no = target.plan(&[], &limits(max_targets), at(0)).await.unwrap_err();
        assert!(no.name() == "Refused" && no.to_string().contains(part), "{no}");
    }
}

#[tokio::test]
async fn it_is_switched_off_and_on_again() {
    for (was, answer, wanted) in [("Enabled", "Disabling", false), ("Disabled", "Enabling", true)] {
        let (http, target) = target(&[(200, &in_state(was)), (202, &in_state(answer))]).await;
        let (to, from) = (json!({"enabled": wanted}), json!({"enabled": !wanted}));
        assert_eq!(target.set(&to, &from).await.unwrap(), Set::Done(to.clone()));
        let request = http.actual_requests().nth(2).unwrap();
        let sent: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        assert_eq!((request.method(), sent), ("PUT", json!({"Enabled": wanted})));
        assert!(target.is_at(&to, &to) && !target.is_at(&from, &to));
    }
}

#[tokio::test]
async fn already_so_is_success_without_a_change() {
    let (http, target) = target(&[(200, &in_state("Disabling"))]).await;
    let off = json!({"enabled": false});
    assert_eq!(target.set(&off, &json!({"enabled": true})).await.unwrap(), Set::Done(off));
    assert_eq!(http.actual_requests().count(), 2, "the list, and the look right before");
}

#[tokio::test]
async fn a_mapping_that_is_being_changed_is_tried_again() {
    for (status, code, name) in [
        (400, "ResourceInUseException", "Transient"),
        (409, "ResourceConflictException", "Transient"),
        (500, "ServiceException", "Transient"),
        (403, "AccessDeniedException", "Stuck"),
        (404, "ResourceNotFoundException", "Stuck"),
    ] {
        let body = json!({"__type": code, "Message": "m"}).to_string();
        let (_, target) = target(&[(200, &in_state("Enabled")), (status, &body)]).await;
        let error = target.set(&json!({"enabled": false}), &json!({"enabled": true})).await.unwrap_err();
        assert_eq!(error.name(), name, "{code}");
    }
}

#[tokio::test]
async fn a_stored_state_that_does_not_read_changes_nothing() {
    let (http, target) = target(&[]).await;
    for wrong in [json!(null), json!({}), json!({"enabled": "yes"})] {
        assert_eq!(target.set(&wrong, &json!({"enabled": true})).await.unwrap_err().name(), "Stuck", "{wrong}");
        assert!(!target.is_at(&wrong, &wrong), "{wrong}");
    }
    assert_eq!(http.actual_requests().count(), 1, "the list alone");
}

#[test]
fn a_source_is_a_queue_or_an_arn() {
    for good in ["orders", "orders.fifo", "arn:aws:kinesis:eu-west-1:111122223333:stream/orders"] {
        assert_eq!(source(good), Ok(()), "{good}");
    }
    for wrong in ["", "my orders", "https://sqs.eu-west-1.amazonaws.com/1/orders", "arn:aws:sqs", "arn:aws:sqs:::"] {
        let (message, remedy) = source(wrong).unwrap_err();
        assert!(message.contains("is no queue") && remedy.contains("bare name"), "{wrong}");
    }
    assert_eq!(
        does(&[("function", "writer"), ("source", "orders")].map(|(k, v)| (k.into(), v.into())).into()),
        "switch off what feeds writer from orders"
    );
}

#[tokio::test]
async fn the_registry_finds_it_by_its_arguments() {
    let (_, config) = replay(&[(200, &listed(&[(ID, "writer")], None))]);
    let place = Place { partition: "aws".into(), account: "111122223333".into(), region: "eu-west-1".into() };
    let with = [("function", "writer"), ("source", "orders")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    assert_eq!(KIND.find(&config, &place, &with, "inc-20261123-0123456789").await.unwrap().target(), ARN);
    assert_eq!(
        KIND.find(&config, &place, &Arguments::new(), "inc-20261123-0123456789").await.err().unwrap().name(),
        "Stuck"
    );
}
