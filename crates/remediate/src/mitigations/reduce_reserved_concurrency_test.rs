use response_plan::Guards;
use serde_json::{Value, json};

use super::*;
use crate::mitigations::Set;
use crate::testing::{at, replay};

const NONE: &str = "{}";
const TEN: &str = r#"{"ReservedConcurrentExecutions":10}"#;
const TWO: &str = r#"{"ReservedConcurrentExecutions":2}"#;

fn target(config: &SdkConfig, to: u32) -> ReduceReservedConcurrency {
    let place = Place { partition: "aws".into(), account: "111122223333".into(), region: "eu-west-1".into() };
    ReduceReservedConcurrency::new(config, &place, "writer", to)
}

fn limits(max_targets: u32) -> Guards {
    Guards { change_within: None, max_targets }
}

fn reserved(reserved: Option<u32>) -> Value {
    json!({"reserved": reserved})
}

#[tokio::test]
async fn nothing_reserved_is_not_zero() {
    for (body, state) in [
        (NONE, json!({"reserved": null})),
        (r#"{"ReservedConcurrentExecutions":0}"#, json!({"reserved": 0})),
        (TEN, json!({"reserved": 10})),
    ] {
        let (http, config) = replay(&[(200, body)]);
        let target = target(&config, 2);
        assert_eq!(target.read().await.unwrap(), state);
        assert_eq!(target.target(), "arn:aws:lambda:eu-west-1:111122223333:function:writer");
        let asked = http.actual_requests().next().unwrap().uri().to_owned();
        assert!(asked.ends_with("/2019-09-30/functions/writer/concurrency"), "{asked}");
    }
    let target = target(&replay(&[]).1, 2);
    assert!(!target.is_at(&reserved(None), &reserved(Some(0))));
    assert!(!target.is_at(&json!({}), &reserved(None)), "a state that does not say is none");
    assert!(target.is_at(&reserved(None), &reserved(None)));
}

#[tokio::test]
async fn the_plan_reduces_and_never_raises() {
    for (body, to, summary) in [
        (TEN, 2, "reduce the reserved concurrency of writer from 10 to 2"),
        (TEN, 0, "reduce the reserved concurrency of writer from 10 to 0"),
        (NONE, 500, "reduce the reserved concurrency of writer from no limit of its own to 500"),
    ] {
        let (_, config) = replay(&[(200, body)]);
        let proposal = target(&config, to).plan(&[], &limits(1), at(0)).await.unwrap();
        assert_eq!((proposal.summary.as_str(), proposal.desired), (summary, reserved(Some(to))));
    }
    for (to, max_targets, part) in [(10, 1, "10 would not reduce it"), (11, 1, "would not"), (2, 0, "max_targets")] {
        let (_, config) = replay(&[(200, TEN)]);
        let no = target(&config, to).plan(&[], &limits(max_targets), at(0)).await.unwrap_err();
        assert!(no.name() == "Refused" && no.to_string().contains(part), "{no}");
    }
}

/// What was sent to change the function, and what came of it, where Lambda first answers the look and then the change.
async fn set(
    look: &str,
    change: (u16, &str),
    wanted: Option<u32>,
    from: Option<u32>,
) -> (Option<(String, String)>, Result<Set, String>) {
    let (http, config) = replay(&[(200, look), change]);
    let came = target(&config, 2).set(&reserved(wanted), &reserved(from)).await.map_err(|e| e.name().to_owned());
    let sent = http.actual_requests().nth(1).map(|request| {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        (request.method().to_owned(), body)
    });
    (sent, came)
}

#[tokio::test]
async fn less_is_reserved_and_given_back() {
    let put = |n: u32| Some(("PUT".to_owned(), format!(r#"{{"ReservedConcurrentExecutions":{n}}}"#)));
    let (sent, came) = set(TEN, (200, TWO), Some(2), Some(10)).await;
    assert_eq!((sent, came), (put(2), Ok(Set::Done(reserved(Some(2))))));
    let (sent, came) = set(TWO, (200, TEN), Some(10), Some(2)).await;
    assert_eq!((sent, came), (put(10), Ok(Set::Done(reserved(Some(10))))));
}

#[tokio::test]
async fn where_nothing_was_reserved_nothing_is_reserved_again() {
    let (sent, came) = set(TWO, (204, ""), None, Some(2)).await;
    assert_eq!(sent, Some(("DELETE".to_owned(), String::new())));
    assert_eq!(came, Ok(Set::Done(reserved(None))));
}

#[tokio::test]
async fn right_before_the_change_it_is_read_again() {
    // Another has changed it: nothing is sent.
    assert_eq!(set(TEN, (200, TWO), Some(2), None).await, (None, Ok(Set::Moved)));
    // It is so already.
    assert_eq!(set(TWO, (200, TWO), Some(2), Some(10)).await, (None, Ok(Set::Done(reserved(Some(2))))));
    assert_eq!(set(NONE, (204, ""), None, Some(2)).await, (None, Ok(Set::Done(reserved(None)))));
}

#[tokio::test]
async fn a_no_is_named() {
    for (status, code, name) in [
        (409, "ResourceConflictException", "Transient"),
        (429, "TooManyRequestsException", "Transient"),
        (500, "ServiceException", "Transient"),
        (400, "InvalidParameterValueException", "Stuck"),
        (403, "AccessDeniedException", "Stuck"),
        (404, "ResourceNotFoundException", "Stuck"),
    ] {
        let body = json!({"__type": code, "Message": "m"}).to_string();
        let (_, came) = set(TEN, (status, &body), Some(2), Some(10)).await;
        assert_eq!(came, Err(name.to_owned()), "{code}");
        let (_, came) = set(TWO, (status, &body), None, Some(2)).await;
        assert_eq!(came, Err(name.to_owned()), "{code}");
    }
    let (_, config) = replay(&[(200, r#"{"ReservedConcurrentExecutions":-1}"#)]);
    assert_eq!(target(&config, 2).read().await.unwrap_err().name(), "Stuck");
}

#[tokio::test]
async fn a_plan_says_how_many_are_left() {
    for good in ["0", "2", "1000000"] {
        assert_eq!(super::to(good), Ok(()), "{good}");
    }
    for wrong in ["", "-1", "1.5", "none", "1000001"] {
        assert!(super::to(wrong).unwrap_err().1.contains("whole number"), "{wrong}");
    }
    let with = |to: &str| [("function", "writer"), ("to", to)].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    assert_eq!(does(&with("2")), "reduce the reserved concurrency of writer to 2");
    let place = Place { partition: "aws".into(), account: "111122223333".into(), region: "eu-west-1".into() };
    let (_, config) = replay(&[]);
    let found = KIND.find(&config, &place, &with("2"), "inc-20261123-0123456789").await.unwrap();
    assert_eq!(found.target(), "arn:aws:lambda:eu-west-1:111122223333:function:writer");
    assert_eq!(
        KIND.find(&config, &place, &with("two"), "inc-20261123-0123456789").await.err().unwrap().name(),
        "Stuck"
    );
}
