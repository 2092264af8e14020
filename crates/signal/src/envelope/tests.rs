use serde_json::{Value, json};

use super::*;
use crate::{State, UnreadKind, read, sha256_hex};

const ARN: &str = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors";

fn event() -> Value {
    serde_json::from_str(include_str!("../../fixtures/cloudwatch-event-alarm.json")).unwrap()
}

fn forwarded() -> Value {
    serde_json::from_str(include_str!("../../fixtures/cloudwatch-forwarded.json")).unwrap()
}

fn drill() -> Value {
    serde_json::from_str(include_str!("../../fixtures/cloudwatch-drill.json")).unwrap()
}

fn hubs() -> Vec<String> {
    vec!["444455556666".to_owned()]
}

fn ours(payload: &Value) -> Vec<Result<Signal, Unread>> {
    crate::read_value(payload, &Origin { own_account: Some("111122223333"), hubs: &hubs() })
}

#[track_caller]
fn one(payload: &Value) -> Signal {
    let all = ours(payload);
    assert_eq!(all.len(), 1);
    all.into_iter().next().unwrap().unwrap()
}

#[track_caller]
fn refused(payload: &Value, kind: UnreadKind, expect: &str) {
    let all = ours(payload);
    assert_eq!(all.len(), 1, "{all:?}");
    let unread = all[0].clone().unwrap_err();
    assert_eq!(unread.kind, kind, "{unread}");
    assert!(unread.to_string().contains(expect), "{unread}");
}

/// SNS around a value.
fn notification(inner: &Value) -> Value {
    json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:signals", "Message": inner.to_string()})
}

#[test]
fn a_forwarded_event_is_the_original() {
    assert_eq!(one(&forwarded()), one(&event()));
    assert_eq!(one(&notification(&forwarded())), one(&event()));
}

#[test]
fn only_our_account_and_hubs_may_forward() {
    let mut foreign = forwarded();
    foreign["account"] = json!("777788889999");
    refused(&foreign, UnreadKind::Untrusted, "Account 777788889999 may not send tourniquet.forwarded events");
    foreign["account"] = json!(444455556666u64);
    refused(&foreign, UnreadKind::Untrusted, "Account unknown");
    let nobody = crate::read_value(&forwarded(), &Origin::default());
    assert_eq!(nobody[0].clone().unwrap_err().kind, UnreadKind::Untrusted);
    let mut own = forwarded();
    own["account"] = json!("111122223333");
    assert_eq!(one(&own), one(&event()));
    let mut nested = forwarded();
    nested["detail"] = foreign;
    refused(&nested, UnreadKind::Untrusted, "");
}

#[test]
fn a_drill_has_an_identity_of_its_own() {
    let (real, drill) = (one(&event()), one(&drill()));
    assert!(drill.drill && !real.drill);
    assert_eq!(drill.fingerprint, format!("drill:{ARN}"));
    assert_eq!(drill.signal_id, sha256_hex(&[&drill.fingerprint, "firing", "2026-03-01T10:05:12Z"])[..32]);
    assert_eq!(drill.event, real.event);
    assert_eq!(drill.resources, real.resources);
}

#[test]
fn a_drill_stays_one_however_it_is_wrapped() {
    let mut inside = forwarded();
    inside["detail"] = drill();
    assert_eq!(one(&inside), one(&drill()));
    let mut outside = drill();
    outside["detail"] = forwarded();
    assert_eq!(one(&outside), one(&drill()));
    let mut foreign = drill();
    foreign["account"] = json!("777788889999");
    refused(&foreign, UnreadKind::Untrusted, "tourniquet.drill");
}

#[test]
fn records_are_judged_one_by_one_and_in_order() {
    let ok: Value = serde_json::from_str(include_str!("../../fixtures/cloudwatch-event-ok.json")).unwrap();
    let all = ours(&json!({"Records": [
        {"EventSource": "aws:sns", "Sns": {"Message": event().to_string()}},
        {"EventSource": "aws:sns", "Sns": {"Message": "Hello"}},
        {"eventSource": "aws:s3", "s3": {}},
        {"eventSource": "aws:sqs", "body": notification(&ok).to_string()},
        {"EventSource": "aws:sns", "Sns": {"Message": {"AlarmName": "not a text"}}},
        7,
    ]}));
    let kinds: Vec<_> = all.iter().map(|one| one.as_ref().map(|s| s.state).map_err(|u| u.kind)).collect();
    let (malformed, unsupported) = (Err(UnreadKind::Malformed), Err(UnreadKind::Unsupported));
    assert_eq!(kinds, [Ok(State::Firing), malformed, unsupported, Ok(State::Recovered), malformed, unsupported]);
    refused(&json!({"Records": []}), UnreadKind::Malformed, "empty list of records");
}

#[test]
fn order_and_repetition_do_not_change_ids() {
    let events = [event(), forwarded(), drill(), notification(&event())];
    let id = |event: &Value| one(event).signal_id;
    let forth: Vec<_> = events.iter().map(id).collect();
    let mut back: Vec<_> = events.iter().rev().map(id).collect();
    back.reverse();
    assert_eq!(forth, back);
}

#[test]
fn four_envelopes_and_no_more() {
    let mut wrapped = event();
    for _ in 0..4 {
        wrapped = notification(&wrapped);
    }
    assert_eq!(one(&wrapped), one(&event()));
    refused(&notification(&wrapped), UnreadKind::Malformed, "wrapped more than 4 times");
}

#[test]
fn a_failed_invocation_holds_an_event_or_is_one() {
    let failed = |request: Value| {
        let mut record: Value =
            serde_json::from_str(include_str!("../../fixtures/lambda-record-exhausted.json")).unwrap();
        record["requestPayload"] = request;
        record
    };
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:invoices";
    // What triage gave up on is a signal still; what nobody knows says that the function fails.
    assert_eq!(one(&failed(event())), one(&event()));
    for request in
        [json!({"orders": [1]}), json!("orders"), Value::Null, json!({"Records": [{"eventSource": "aws:s3"}]})]
    {
        assert_eq!(one(&failed(request)).fingerprint, function);
    }
    // What triage refused is no failure of triage.
    let mut ours = failed(json!({"orders": [1]}));
    ours["responsePayload"] = json!({"errorType": "Rejected", "errorMessage": "Nothing here reads this payload."});
    refused(&ours, UnreadKind::Unsupported, "Nothing here reads");
    // An alarm that cannot be read is not lost behind that.
    let mut broken = event();
    broken["detail"] = json!({});
    refused(&failed(broken), UnreadKind::Malformed, "does not say its new state");
    let without =
        json!({"version": "1.0", "requestContext": {"functionArn": function}, "requestPayload": {"orders": [1]}});
    refused(&without, UnreadKind::Unsupported, "a request that waits for an answer");
}

#[test]
fn entries_for_a_bus_are_events() {
    let entry = |event: &Value| {
        json!({
            "Source": event["source"], "DetailType": event["detail-type"], "Time": event["time"],
            "Resources": event["resources"], "Detail": event["detail"].to_string(),
        })
    };
    let bare = json!({"Source": "acme.shop", "DetailType": "Order Export Failed", "Detail": "{\"name\":"});
    let all = ours(&json!([entry(&event()), bare]));
    assert_eq!(all[0].as_ref().unwrap().signal_id, one(&event()).signal_id);
    assert_eq!(all[1].as_ref().unwrap_err().kind, UnreadKind::Malformed);
    assert_eq!(ours(&json!({"Entries": [entry(&event())]})).len(), 1);
    refused(&json!([entry(&event()), 7]), UnreadKind::Malformed, "not a JSON object");
}

#[test]
fn packed_data_is_bounded() {
    let packed = |bytes: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packer, bytes).unwrap();
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, packer.finish().unwrap())
    };
    let data = |data: String| json!({"awslogs": {"data": data}});
    assert_eq!(one(&data(packed(event().to_string().as_bytes()))), one(&event()));
    let bomb = packed(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 128 << 10);
    refused(&data(bomb.clone()), UnreadKind::Malformed, "larger than 8 MiB");
    refused(&data(bomb[..1000].to_owned()), UnreadKind::Malformed, "not whole gzip");
    refused(&data("no base64".to_owned()), UnreadKind::Malformed, "not base64");
}

#[test]
fn what_is_not_ours_is_named() {
    refused(
        &json!({"source": "aws.health", "detail-type": "AWS Health Event", "detail": {}}),
        UnreadKind::Malformed,
        "The aws.health event AWS Health Event does not say its event type",
    );
    refused(
        &json!({"source": "acme.fridge", "detail-type": "Door Open", "detail": {}}),
        UnreadKind::Malformed,
        "The acme.fridge event Door Open does not say when it happened",
    );
    refused(
        &json!({"source": "acme.fridge", "detail": {}}),
        UnreadKind::Malformed,
        "acme.fridge event does not say its detail-type",
    );
    refused(&json!({"detail-type": "Door Open"}), UnreadKind::Malformed, "event Door Open does not say its source");
    refused(&json!({}), UnreadKind::Unsupported, "Nothing here reads this payload");
    refused(&json!({"httpMethod": "GET", "requestContext": {}}), UnreadKind::Unsupported, "a request that waits");
    refused(
        &json!({"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:signals", "Message": "…"}),
        UnreadKind::Unsupported,
        "SNS SubscriptionConfirmation",
    );
    let long = json!({"source": "x\n".repeat(500)});
    let reason = ours(&long)[0].clone().unwrap_err().reason;
    assert!(reason.len() < 250 && !reason.contains('\n'), "{reason}");
}

#[test]
fn bad_bytes_get_one_clear_refusal() {
    #[track_caller]
    fn check(bytes: &[u8], kind: UnreadKind, expect: &str) {
        let all = read(bytes, &Origin::default());
        assert_eq!(all.len(), 1);
        let unread = all[0].clone().unwrap_err();
        assert_eq!(unread.kind, kind, "{unread}");
        assert!(unread.reason.contains(expect), "{unread}");
    }
    check(b"", UnreadKind::Malformed, "not readable JSON from line 1, column 0");
    check(b"\xff\xfe{}", UnreadKind::Malformed, "not readable JSON");
    check(b"{\"source\": \"aws.cloudwatch\",", UnreadKind::Malformed, "not readable JSON");
    for not_an_object in ["null", "7", "\"AlarmName\"", "[{}]"] {
        check(not_an_object.as_bytes(), UnreadKind::Malformed, "not a JSON object");
    }
    check("x".repeat(256 * 1024).as_bytes(), UnreadKind::Malformed, "not readable JSON");
    let spaces = " ".repeat(MAX_BYTES - 1);
    check(format!("{spaces}{{}}").as_bytes(), UnreadKind::Malformed, "larger than 1 MiB");
    check(format!("{}{{}}", &spaces[1..]).as_bytes(), UnreadKind::Unsupported, "Nothing here reads");
    check(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).as_bytes(), UnreadKind::Malformed, "JSON");
}

#[test]
fn deep_nesting_is_refused_and_never_stored() {
    let deep = |levels: usize| {
        let mut alarm = event().to_string();
        alarm.pop();
        format!(r#"{alarm},"extra":{}1{}}}"#, r#"{"a":"#.repeat(levels), "}".repeat(levels))
    };
    assert!(read(deep(60).as_bytes(), &Origin::default())[0].is_ok());
    for levels in [100, 200] {
        assert!(read(deep(levels).as_bytes(), &Origin::default())[0].is_err());
    }
}
