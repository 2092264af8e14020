//! Matching, and what a pattern may not say.

use serde_json::{Value, json};

use crate::pattern::{OPERATORS, Pattern};

#[track_caller]
fn check(pattern: Value, event: Value, expect: bool) {
    let pattern = Pattern::from_value(&pattern).unwrap();
    assert_eq!(pattern.matches(&event), expect, "{pattern:?} on {event}");
}

#[track_caller]
fn check_detail(pattern: Value, event: Value, expect: bool) {
    check(json!({ "detail": pattern }), json!({ "detail": event }), expect);
}

#[test]
fn matches_as_eventbridge_does() {
    check(json!({"source": ["aws.cloudwatch"]}), json!({"source": "aws.cloudwatch", "more": 1}), true);
    check(json!({"source": ["a", "b"]}), json!({"source": "b"}), true);
    check(json!({"source": ["a"]}), json!({"source": "A"}), false);
    check(json!({"source": ["a"], "region": ["r"]}), json!({"source": "a"}), false);
    check(json!({"resources": ["y"]}), json!({"resources": ["x", "y"]}), true);
    check(json!({"resources": [{"prefix": "arn:"}]}), json!({"resources": ["x", "arn:y"]}), true);
    check(json!({"resources": ["y"]}), json!({"resources": []}), false);
    check(json!({"source": ["a"]}), json!("a"), false);
    check(json!({"source": ["a"]}), Value::Null, false);

    check_detail(json!({"alarmName": [{"prefix": "checkout-"}]}), json!({"alarmName": "checkout-errors"}), true);
    check_detail(json!({"alarmName": [{"prefix": "checkout-"}]}), json!({"alarmName": "old-checkout-"}), false);
    check_detail(json!({"alarmName": ["x", {"prefix": "c"}]}), json!({"alarmName": "x"}), true);
    check_detail(json!({"n": [{"prefix": "1"}]}), json!({"n": 12}), false);
    check_detail(json!({"n": [300]}), json!({"n": 300.0}), true);
    check_detail(json!({"n": [300]}), json!({"n": "300"}), false);
    check_detail(json!({"n": [9_007_199_254_740_993_u64]}), json!({"n": 9_007_199_254_740_993_u64}), true);
    check_detail(json!({"n": [9_007_199_254_740_993_u64]}), json!({"n": 9_007_199_254_740_992_u64}), false);
    check_detail(json!({"b": [true]}), json!({"b": true}), true);
    check_detail(json!({"b": [true]}), json!({"b": "true"}), false);
    check_detail(json!({"gone": [null]}), json!({"gone": null}), true);
    check_detail(json!({"gone": [null]}), json!({}), false);
    check_detail(json!({"gone": [""]}), json!({"gone": ""}), true);
    check_detail(json!({"x": ["a"]}), json!({"x": {"a": "a"}}), false);
    check_detail(json!({"x": {"y": ["a"]}}), json!({"x": "a"}), false);
    check_detail(json!({"x": ["a"]}), json!({"x": [["b"], ["a"]]}), true);
    // Both fields must match in the same element.
    let both = json!({"items": {"a": [1], "b": [2]}});
    check_detail(both.clone(), json!({"items": [{"a": 0, "b": 2}, {"a": 1, "b": 2}]}), true);
    check_detail(both, json!({"items": [{"a": 1, "b": 0}, {"a": 0, "b": 2}]}), false);
}

#[test]
fn counts_the_fields_that_it_constrains() {
    let leaves = |pattern: Value| Pattern::from_value(&pattern).unwrap().leaves();
    assert_eq!(leaves(json!({"source": ["a", "b"]})), 1);
    assert_eq!(leaves(json!({"source": ["a"], "detail": {"x": [1], "y": {"z": [1, 2]}}})), 3);
}

#[track_caller]
fn refused(pattern: Value, expect: &str) {
    let errors = Pattern::from_value(&pattern).unwrap_err();
    assert!(errors.iter().any(|error| error.to_string().contains(expect)), "{errors:?}");
}

#[test]
fn refuses_what_it_would_not_honour() {
    for operator in OPERATORS.into_iter().filter(|name| *name != "prefix") {
        refused(
            json!({"detail": {"x": ["a", {operator: "y"}]}}),
            &format!("match.detail.x[1].{operator}: `{operator}` is not supported yet"),
        );
    }
    refused(json!({"$or": [{"source": ["a"]}]}), "match.$or: `$or` is not supported yet");
    refused(json!({"detail": {"$or": [{"x": ["a"]}]}}), "match.detail.$or: `$or` is not supported yet");
    refused(json!({"detail": {"x": [{"prefx": "a"}]}}), "`prefx` is not an operator; did you mean `prefix`?");
    refused(json!({"detail": {"x": [{"prefix": "a", "suffix": "b"}]}}), "`suffix` is not supported yet");
    refused(json!({"detail": {"x": [{"prefix": {"equals-ignore-case": "a"}}]}}), "`equals-ignore-case` is not");
    refused(json!({"detail": {"x": [{"prefix": 1}]}}), "match.detail.x[0].prefix: `prefix` is not text");
    refused(json!({"detail": {"x": {"prefix": "a"}}}), "write operators in a list: `[{ prefix: … }]`");
    refused(json!({"source": "aws.cloudwatch"}), "list what matches: `source: [aws.cloudwatch]`");
    refused(json!({"source": []}), "an empty list matches nothing");
    refused(json!({"detail": {"x": [[1]]}}), "match.detail.x[0]: a list in a list");
    refused(json!({"detail": {"x": [{}]}}), "an empty mapping matches nothing");
    refused(json!({"detail": {}}), "match.detail: an empty mapping constrains nothing");
    refused(json!({}), "match: an empty mapping constrains nothing");
    refused(json!(["source"]), "`match` is not a mapping");
    refused(json!({"detail_type": ["x"]}), "did you mean `detail-type`?");
    refused(json!({"id": ["x"]}), "no event has a field `id` at its top");
    refused(json!({"account": [111_122_223_333_u64]}), "`account` of an event is text");
    refused((0..40).fold(json!(["x"]), |inner, _| json!({ "detail": inner })), "nested too deeply");
}

#[test]
fn says_all_that_is_wrong_at_once() {
    let pattern = json!({"source": "a", "detail": {"x": [{"suffix": "s"}, {"exists": true}]}});
    assert_eq!(Pattern::from_value(&pattern).unwrap_err().len(), 3);
}
