//! The tags of each source that carries some, against a table written by reading the fixtures.

use std::path::Path;

use serde_json::{Value, json};

use crate::corpus_test::corpus;
use crate::{Origin, Signal, read, tags};

/// File, and the tags of its first signal.
const FIXTURES: &[(&str, &[(&str, &str)])] = &[
    (
        "alertmanager-firing",
        &[
            ("account_id", "111122223333"),
            ("alertname", "HighErrorRate"),
            ("instance", "checkout:9090"),
            ("job", "checkout"),
            ("region", "eu-west-1"),
            ("severity", "page"),
        ],
    ),
    ("config-item-change", &[("Team", "payments")]),
    ("datadog-partner", &[("aws_account", "111122223333"), ("region", "eu-west-1")]),
    ("datadog-triggered", &[("env", "live"), ("service", "checkout")]),
    ("eventbridge-inspector", &[("Team", "payments")]),
    ("generic-firing", &[("Team", "payments")]),
    ("grafana-firing", &[("alertname", "Orders missing"), ("grafana_folder", "shop"), ("service", "checkout")]),
    ("guardduty-archived", &[("Team", "payments")]),
    ("health-issue-open", &[("Environment", "live"), ("Team", "payments")]),
    ("rds-failover-started", &[("Team", "payments")]),
    ("securityhub-failed", &[("Owner", "payments")]),
    ("sentry-issue-alert", &[("environment", "live"), ("team", "payments")]),
    // No payload of these carries any.
    ("cloudwatch-event-alarm", &[]),
    ("autoscaling-launch-unsuccessful", &[]),
    ("sentry-metric-critical", &[]),
];

/// The same, of payloads that are not ours to keep: some of their tags.
const CORPUS: &[(&str, &str, &str)] = &[
    ("aws-aws-lambda-dotnet/batch-job-state-change-event.json", "Service", "Batch"),
    (
        "cloudforet-io-plugin-aws-sns-mon-webhook/sns-http-notification-eb-aws-health-event-test-phd-event-api-2.json",
        "app",
        "my-app",
    ),
    (
        "blu371ck-guardduty-soar/unauthorizedaccess-ec2-rdpbruteforce.json",
        "GeneratedFindingInstanceTag1",
        "GeneratedFindingInstanceValue1",
    ),
    (
        "blu371ck-guardduty-soar/discovery-rds-tor-ip-caller.json",
        "GeneratedFindingRDSDBInstanceTag1",
        "GeneratedFindingRDSDBInstanceValue1",
    ),
    ("keephq-keep/sentry-browser-timeout.json", "environment", "production"),
    ("target-goalert/alertmanager-grafana-webhook-prometheusalertmanager.json", "monitor", "codelab-monitor"),
];

fn signals(path: &Path) -> Vec<Signal> {
    read(&std::fs::read(path).unwrap(), &Origin::default()).into_iter().filter_map(Result::ok).collect()
}

#[test]
fn tags_of_a_payload_come_through() {
    for (name, expect) in FIXTURES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/{name}.json"));
        let signals = signals(&path);
        let found: Vec<(&str, &str)> = signals[0].tags.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(found, *expect, "{name}");
    }
}

#[test]
fn tags_of_real_payloads_come_through() {
    let Some(corpus) = corpus() else { return };
    for (file, name, value) in CORPUS {
        let signals = signals(&Path::new(corpus).join(file));
        let found = signals.iter().any(|signal| signal.tags.get(*name).is_some_and(|found| found == value));
        assert!(found, "{file}: {:?}", signals.iter().map(|signal| &signal.tags).collect::<Vec<_>>());
    }
}

#[track_caller]
fn check(places: &[Value], expect: &[(&str, &str)]) {
    let found = tags::of(places);
    assert_eq!(found.iter().map(|(name, value)| (&**name, &**value)).collect::<Vec<_>>(), expect, "{places:?}");
}

#[test]
fn every_shape_is_read_and_no_other() {
    let one: &[(&str, &str)] = &[("Team", "a")];
    check(&[json!({"Team": "a", "n": 1, "o": {"x": "y"}, "empty": ""})], one);
    check(&[json!([{"Key": "Team", "Value": "a"}, {"Key": "x"}, 7])], one);
    check(&[json!([{"key": "Team", "value": "a"}])], one);
    check(&[json!([["Team", "a"], ["x"], ["x", 1], ["x", "y", "z"]])], one);
    check(&[json!([" Team : a ", "monitor"])], one);
    check(&[json!("Team:a,monitor")], one);
    check(&[json!("url:https://a,Team:a")], &[("Team", "a"), ("url", "https://a")]);
    check(&[json!({"Team": "a"}), json!({"Team": "b", "x": "y"})], &[("Team", "a"), ("x", "y")]);
    for none in [Value::Null, json!(true), json!(7), json!("a"), json!({"a\nb": "c"}), json!({"a": "b\u{7}c"})] {
        check(&[none], &[]);
    }
}

#[test]
fn count_and_size_are_bounded() {
    let long = |n: usize| "ä".repeat(n);
    check(&[json!({long(129): "a"})], &[]);
    check(&[json!({"a": long(257)})], &[]);
    assert_eq!(tags::of(&[json!({ long(128): long(256) })]).len(), 1);
    let many: Value = (0..5_000).map(|n| json!([format!("tag-{n}"), "v"])).collect();
    assert_eq!(tags::of(&[many]).len(), 100);
    let large: Value = (0..100).map(|n| json!([format!("tag-{n}"), "v".repeat(256)])).collect();
    let kept = tags::of(&[large]);
    let bytes: usize = kept.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(bytes <= 8 * 1024 && kept.len() == 31, "{} tags of {bytes} bytes", kept.len());
}

#[test]
fn records_of_earlier_releases_have_none() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cloudwatch-event-alarm.json");
    let signal = signals(&path).remove(0);
    let record = json!(signal);
    assert!(record.get("tags").is_none(), "what has none is recorded as before");
    assert_eq!(serde_json::from_value::<Signal>(record).unwrap(), signal);
}
