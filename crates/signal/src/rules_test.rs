//! The rules that bring a source's events to triage: sound, and for the states that matter alone.

use std::collections::HashSet;

use serde_json::Value;

use crate::{Origin, SOURCES, State, read_value};

/// What a deployment puts in place of what stands in `${…}`.
fn filled(pattern: &str) -> Value {
    let filled = pattern.replace("${AWS::StackName}", "tourniquet").replace("${AWS::Partition}", "aws");
    let filled = filled.replace("${AWS::Region}", "eu-west-1").replace("${AWS::AccountId}", "111122223333");
    assert!(!filled.contains("${"), "{filled}");
    serde_json::from_str(&filled).unwrap()
}

/// As much of EventBridge's matching as the patterns here use.
fn matches(pattern: &Value, event: &Value) -> bool {
    match (pattern, event) {
        (Value::Object(fields), Value::Array(items)) => {
            items.iter().any(|item| matches(&Value::Object(fields.clone()), item))
        }
        (Value::Object(fields), _) => {
            fields.iter().all(|(name, pattern)| event.get(name).is_some_and(|field| matches(pattern, field)))
        }
        (Value::Array(any), Value::Array(items)) => items.iter().any(|item| any.iter().any(|one| is(one, item))),
        (Value::Array(any), _) => any.iter().any(|one| is(one, event)),
        _ => panic!("no pattern: {pattern}"),
    }
}

fn is(one: &Value, value: &Value) -> bool {
    let begins = |prefix: &Value| value.as_str().unwrap().starts_with(prefix.as_str().unwrap());
    match one {
        Value::Object(operator) => match operator.iter().next().unwrap() {
            (name, prefix) if name == "prefix" => begins(prefix),
            (name, inner) if name == "anything-but" => !begins(&inner["prefix"]),
            (name, bound) if name == "numeric" && bound[0] == ">=" => value.as_f64() >= bound[1].as_f64(),
            other => panic!("an operator that this test does not know: {other:?}"),
        },
        _ => one == value,
    }
}

#[test]
fn every_pattern_is_sound() {
    let mut names = HashSet::new();
    let mut events = HashSet::new();
    for source in SOURCES {
        assert!(
            names.insert(source.name)
                && source.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()),
            "{}",
            source.name
        );
        for rule in source.rules {
            assert!(
                events.insert(rule.event) && rule.event.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{}",
                rule.event
            );
            let pattern = filled(rule.pattern);
            assert!(pattern.to_string().len() < 2048, "{}", rule.event);
            for field in ["source", "detail-type"] {
                assert!(
                    pattern[field].as_array().is_some_and(|any| !any.is_empty()),
                    "{} names no {field}",
                    rule.event
                );
            }
        }
    }
    // The name stands in the template, in alarms and in what people wrote down.
    assert!(events.contains("AlarmEvents"));
}

/// Of what a source sends, a rule takes what fires and what recovers.
#[test]
fn rules_take_what_fires_and_what_recovers() {
    let mut taken = HashSet::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(source) = SOURCES.iter().find(|source| name.starts_with(&format!("{}-", source.name))) else {
            continue;
        };
        let event: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let ours = event["source"].as_str().is_some_and(|source| source.starts_with("tourniquet."));
        if !name.ends_with(".json") || event.get("detail-type").is_none() || ours || source.rules.is_empty() {
            continue;
        }
        let by = source.rules.iter().filter(|rule| matches(&filled(rule.pattern), &event));
        let by: Vec<_> = by.map(|rule| rule.event).collect();
        taken.extend(by.iter().copied());
        let states: Vec<_> =
            read_value(&event, &Origin::default()).into_iter().flatten().map(|signal| signal.state).collect();
        let matters = states.iter().any(|state| *state != State::Info);
        let expected =
            if NOT_BY_RULE.contains(&name.as_str()) { false } else { matters || BY_RULE.contains(&name.as_str()) };
        assert_eq!(!by.is_empty(), expected, "{name} is taken by {by:?}");
    }
    let rules: HashSet<_> = SOURCES.iter().flat_map(|source| source.rules).map(|rule| rule.event).collect();
    let untried: Vec<_> = rules.difference(&taken).collect();
    assert!(untried.is_empty(), "no fixture is taken by {untried:?}");
}

/// What fires or recovers and comes too often, or in pieces of what comes whole: for people who write a rule.
const NOT_BY_RULE: &[&str] = &[
    "cloudformation-resource-failed.json",
    "cloudformation-stackset-instance-failed.json",
    "codedeploy-instance-failure.json",
    "codepipeline-action-failed.json",
    "ec2-running.json",
    "ec2-stopped.json",
    "health-scheduled.json",
    "lambda-event-success.json",
    "ssm-command-invocation.json",
];

/// What informs, and is wanted: missing data is told of, and archived findings close nothing.
const BY_RULE: &[&str] = &["cloudwatch-event-insufficient-data.json", "guardduty-archived.json"];

#[test]
fn our_own_alarms_are_not_taken() {
    let mut event: Value = serde_json::from_str(include_str!("../fixtures/cloudwatch-event-alarm.json")).unwrap();
    let rule = SOURCES[0].rules.iter().find(|rule| rule.event == "AlarmEvents").unwrap();
    assert!(matches(&filled(rule.pattern), &event));
    event["detail"]["alarmName"] = "tourniquet-suite-errors".into();
    assert!(!matches(&filled(rule.pattern), &event));
}
