use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::{Origin, UnreadKind, read_value};

const ARN: &str = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors";
const OWN: Origin = Origin { own_account: Some("111122223333"), hubs: &[] };

fn event() -> Value {
    serde_json::from_str(include_str!("../../fixtures/cloudwatch-event-alarm.json")).unwrap()
}

#[track_caller]
fn one(payload: &Value) -> Result<Signal, Unread> {
    let mut all = read_value(payload, &OWN);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn fixture(text: &str) -> Signal {
    one(&serde_json::from_str(text).unwrap()).unwrap()
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

#[test]
fn an_event_in_our_words() {
    let signal = one(&event()).unwrap();
    assert_eq!(signal.fingerprint, ARN);
    assert_eq!(signal.signal_id, "59f271910463c239182606d5ccf3b6ed");
    assert_eq!((signal.kind, signal.state, signal.drill), (Kind::Alarm, State::Firing, false));
    assert_eq!(signal.source, "aws.cloudwatch");
    assert_eq!(signal.detail_type.as_deref(), Some("CloudWatch Alarm State Change"));
    assert_eq!(signal.account.as_deref(), Some("111122223333"));
    assert_eq!(signal.region.as_deref(), Some("eu-west-1"));
    assert_eq!(signal.time, at("2026-03-01T10:05:12.345Z"));
    assert_eq!(signal.onset, Some(at("2026-03-01T10:02:00Z")));
    assert_eq!(signal.resources, [ARN]);
    assert_eq!(signal.title, "Alarm checkout-errors is firing");
    assert!(signal.reason.unwrap().starts_with("Threshold Crossed: 2 out of the last 3 datapoints"));
    let link =
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/checkout-errors";
    assert_eq!(signal.link.as_deref(), Some(link));
    assert_eq!(signal.event["detail"], event()["detail"]);
    assert_eq!(signal.event["time"], "2026-03-01T10:05:12Z");
}

#[test]
fn every_door_gives_the_same_signal() {
    let expected = one(&event()).unwrap();
    for (door, text) in [
        ("SNS to Lambda", include_str!("../../fixtures/cloudwatch-sns-lambda.json")),
        ("SNS envelope", include_str!("../../fixtures/cloudwatch-sns-envelope.json")),
        ("bare SNS message", include_str!("../../fixtures/cloudwatch-sns-message.json")),
        ("event in SNS", include_str!("../../fixtures/cloudwatch-sns-event.json")),
        ("alarm action", include_str!("../../fixtures/cloudwatch-action.json")),
        ("failed invocation", include_str!("../../fixtures/cloudwatch-failed-invocation.json")),
    ] {
        let signal = fixture(text);
        assert_eq!(signal.signal_id, expected.signal_id, "{door}");
        assert_eq!(signal.time, expected.time, "{door}");
        assert_eq!(signal.reason, expected.reason, "{door}");
        // What SNS does not carry, or carries less of, is all that may differ.
        let detail = &signal.event["detail"];
        assert_eq!(detail["alarmName"], "checkout-errors", "{door}");
        assert_eq!(detail["state"]["value"], "ALARM", "{door}");
        assert_eq!(detail["previousState"]["value"], "OK", "{door}");
        let of = |event: &Value| event["detail"]["configuration"]["metrics"][0]["metricStat"].clone();
        assert_eq!(of(&signal.event), of(&expected.event), "{door}");
        let bare = |mut signal: Signal| {
            signal.onset = None;
            signal.event["detail"] = Value::Null;
            signal
        };
        assert_eq!(bare(signal), bare(expected.clone()), "{door}");
    }
}

#[test]
fn an_sns_message_without_arn_and_fraction_is_the_same_signal() {
    let signal = fixture(include_str!("../../fixtures/cloudwatch-sns-no-arn.json"));
    let expected = one(&event()).unwrap();
    assert_eq!((signal.fingerprint, signal.signal_id), (expected.fingerprint, expected.signal_id));
}

#[test]
fn states_follow_the_alarm() {
    let ok = fixture(include_str!("../../fixtures/cloudwatch-event-ok.json"));
    assert_eq!(
        (ok.state, ok.onset, ok.title.as_str()),
        (State::Recovered, None, "Alarm checkout-errors has recovered")
    );
    assert_eq!(ok.fingerprint, ARN);
    let missing = fixture(include_str!("../../fixtures/cloudwatch-event-insufficient-data.json"));
    assert_eq!((missing.state, missing.onset), (State::Info, None));
    assert_ne!(ok.signal_id, missing.signal_id);
}

#[test]
fn metric_math_keeps_expression_and_metrics() {
    let signal = fixture(include_str!("../../fixtures/cloudwatch-sns-metric-math.json"));
    let metrics = &signal.event["detail"]["configuration"]["metrics"];
    assert_eq!(
        metrics[0],
        json!({"id": "rate", "expression": "errors / invocations", "label": "Error rate", "returnData": true})
    );
    assert_eq!(metrics[1]["metricStat"]["metric"]["name"], "Errors");
    assert_eq!(metrics[1]["metricStat"]["metric"]["dimensions"], json!({"FunctionName": "checkout"}));
    assert_eq!(metrics.as_array().unwrap().len(), 3);
    assert_eq!(signal.event["detail"]["configuration"].get("description"), None);
}

#[test]
fn the_best_effort_source_is_the_same_alarm() {
    let mut copy = event();
    copy["source"] = json!("aws.monitoring");
    copy["time"] = json!("2026-03-01T10:09:59Z");
    assert_eq!(one(&copy), one(&event()));
}

#[test]
fn odd_envelopes_are_read() {
    let expected = one(&event()).unwrap();
    let mut bare = event();
    bare["resources"] = json!(ARN);
    assert_eq!(one(&bare).unwrap(), expected);
    bare["resources"] = json!([]);
    assert_eq!(one(&bare).unwrap(), expected);
    let mut other = event();
    other["resources"] = json!(["arn:aws:lambda:eu-west-1:111122223333:function:checkout", ARN, 7, "i-0", "arn:\n"]);
    assert_eq!(one(&other).unwrap().resources, [ARN, "arn:aws:lambda:eu-west-1:111122223333:function:checkout"]);
    let mut elsewhere = event();
    let arn = "arn:aws-cn:cloudwatch:cn-north-1:999988887777:alarm:a b/ü: c";
    elsewhere["resources"] = json!([arn]);
    let signal = one(&elsewhere).unwrap();
    assert_eq!((signal.fingerprint.as_str(), signal.account.as_deref()), (arn, Some("999988887777")));
    assert!(
        signal
            .link
            .unwrap()
            .ends_with("console.amazonaws.cn/cloudwatch/home?region=cn-north-1#alarmsV2:alarm/a%20b%2F%C3%BC%3A%20c")
    );
}

#[test]
fn what_an_alarm_must_say() {
    #[track_caller]
    fn check(pointer: &str, value: Value, expect: &str) {
        let mut broken = event();
        *broken.pointer_mut(pointer).unwrap() = value;
        let unread = one(&broken).unwrap_err();
        assert_eq!(unread.kind, UnreadKind::Malformed);
        assert!(unread.reason.contains(expect), "{unread}");
    }
    check("/detail", Value::Null, "its new state");
    check("/detail", json!([1]), "its new state");
    check("/detail/state", json!("ALARM"), "its new state");
    check("/detail/state/value", json!("BROKEN\n<b>"), "unknown state BROKEN<b>");
    check("/detail/state/timestamp", Value::Null, "time of its transition");
    check("/detail/state/timestamp", json!("2026-03-01T10:05:12"), "time of its transition");
    check("/detail/state/timestamp", json!("yesterday"), "time of its transition");
}

#[test]
fn an_identity_cannot_hold_a_line_feed() {
    let mut broken = event();
    broken["resources"] = json!([format!("{ARN}\nfiring")]);
    broken["detail"]["alarmName"] = json!("checkout\nfiring");
    assert_eq!(one(&broken).unwrap_err().kind, UnreadKind::Malformed);
}

#[test]
fn an_onset_after_the_transition_is_none() {
    let mut odd = event();
    odd["detail"]["state"]["reasonData"] = json!(r#"{"startDate":"2026-03-01T11:00:00Z","recentDatapoints":[1]}"#);
    assert_eq!(one(&odd).unwrap().onset, None);
}

#[test]
fn other_events_of_the_source_are_not_guessed() {
    let mut contributor = event();
    contributor["detail-type"] = json!("CloudWatch Alarm Contributor State Change");
    contributor["detail"]["alarmContributor"] = json!({"attributes": {"QueueName": "orders"}});
    let unread = one(&contributor).unwrap_err();
    assert_eq!(unread.kind, UnreadKind::Malformed);
    assert!(unread.reason.contains("which contributor it is"), "{unread}");
    let mut nameless = event();
    nameless["detail-type"] = json!("CloudWatch Alarm Configuration Change");
    nameless["detail"] = json!({"operation": "delete"});
    assert!(one(&nameless).unwrap_err().reason.contains("the alarm's name"));
}

#[test]
fn a_series_of_an_alarm_is_a_condition_of_it() {
    let event = fixture(include_str!("../../fixtures/cloudwatch-contributor-alarm.json"));
    let message = fixture(include_str!("../../fixtures/cloudwatch-sns-contributor.json"));
    assert_eq!((&event.fingerprint, &event.signal_id), (&message.fingerprint, &message.signal_id));
    assert_eq!(event.event["detail"]["alarmContributor"], message.event["detail"]["alarmContributor"]);
    assert_eq!(event.detail_type, message.detail_type);
    assert_eq!(event.resources, ["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:queues-old"]);
}

#[test]
fn a_composite_alarm_names_the_alarms_below_it() {
    let below = |name: &str| format!("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-{name}");
    let event = fixture(include_str!("../../fixtures/cloudwatch-event-composite.json"));
    assert_eq!(event.resources, [below("down"), below("latency"), below("errors")]);
    assert_eq!(event.onset, Some(at("2026-03-01T10:03:40.002Z")));
    assert_eq!(event, fixture(include_str!("../../fixtures/cloudwatch-action-composite.json")));
    let message = fixture(include_str!("../../fixtures/cloudwatch-sns-composite.json"));
    assert_eq!(event.signal_id, message.signal_id);
    // What the event has no place for stays.
    assert!(message.event["detail"]["TriggeringChildren"].is_array());
}

#[test]
fn what_an_alarm_watches_is_a_resource() {
    let of = |text: &str| fixture(text).resources[1].clone();
    let slo = of(include_str!("../../fixtures/cloudwatch-event-slo.json"));
    assert_eq!(slo, "arn:aws:application-signals:eu-west-1:111122223333:slo/checkout-availability");
    let check = of(include_str!("../../fixtures/cloudwatch-event-health-check.json"));
    assert_eq!(check, "arn:aws:route53:::healthcheck/0a1b2c3d-1111-4222-8333-944455556666");
}

#[test]
fn everything_that_came_reaches_plans() {
    let mut muted = event();
    muted["detail"]["muteDetail"] =
        json!({"mutedByArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm-mute-rule:m"});
    assert_eq!(one(&muted).unwrap().event["detail"], muted["detail"]);
    let message: Value = serde_json::from_str(include_str!("../../fixtures/cloudwatch-sns-message.json")).unwrap();
    let configuration = &one(&message).unwrap().event["detail"]["configuration"];
    assert_eq!(configuration["threshold"], 5.0);
    assert_eq!(configuration["alarmActions"], message["AlarmActions"]);
}

#[test]
fn a_signal_survives_its_own_json() {
    let signal = one(&event()).unwrap();
    let text = serde_json::to_string(&signal).unwrap();
    assert!(text.contains(r#""kind":"alarm","state":"firing""#), "{text}");
    assert_eq!(serde_json::from_str::<Signal>(&text).unwrap(), signal);
}
