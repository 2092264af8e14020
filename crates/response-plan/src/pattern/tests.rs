//! Matching, and what a pattern may not say.

use serde_json::{Value, json};

use crate::pattern::{Pattern, Specificity};

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
fn what_a_list_holds_must_be_found_in_one_element_of_it() {
    let absent = json!([{"exists": false}]);
    let items = |pattern: Value, items: Value, expect| check_detail(json!({"i": pattern}), json!({"i": items}), expect);
    items(json!({"a": [1], "c": {"d": [2]}}), json!([{"a": 1}, [{"a": 1, "c": [{"d": 3}, {"d": 2}]}]]), true);
    items(json!({"a": [1], "c": {"d": [2]}}), json!([[{"a": 1}, {"c": {"d": 2}}]]), false);
    items(json!({"c": {"d": [2], "e": [3]}}), json!([{"c": [{"d": 2}, {"e": 3}]}, {"c": [{"d": 2}]}]), false);
    // A field beside a `$or` and one of its alternatives are about the same list.
    let either = json!({"i": {"a": [1]}, "$or": [{"i": {"b": [2]}}, {"i": {"c": [3]}}]});
    check_detail(either.clone(), json!({"i": [{"a": 1}, {"b": 2}]}), false);
    check_detail(either, json!({"i": [{"b": 2}, {"a": 1, "c": 3}]}), true);
    // What comes after the field that picks the element may be missing in that element, and what comes before in all.
    items(json!({"a": [1], "b": absent}), json!([{"a": 0, "b": 2}, {"a": 1}]), true);
    items(json!({"a": absent, "b": [1]}), json!([{"a": 0, "b": 2}, {"b": 1}]), false);
    items(json!({"a": absent, "b": [1]}), json!([{"c": 0}, {"b": 1}]), true);
    items(json!({"a": absent, "b": absent}), json!([{"c": 0}, {"d": 1}]), true);
    items(json!({"a": absent, "b": absent}), json!([{"c": 0}, {"b": 1}]), false);
    items(json!({"a": ["x", {"exists": false}], "b": [1]}), json!([{"a": "x", "b": 1}, {"a": "y"}]), true);
    items(json!({"a": ["x", {"exists": false}], "b": [1]}), json!([{"b": 1}, {"a": "y"}]), false);
    items(json!({"a": absent}), json!([]), true);
    items(json!({"a": absent}), json!("text"), true);
}

#[test]
fn nested_names_and_dots_are_the_same() {
    check_detail(json!({"a.b": [1]}), json!({"a": {"b": 1}}), true);
    check_detail(json!({"a": {"b": [1]}}), json!({"a.b": 1}), true);
    check_detail(json!({"a": {"b": {"c": [1], "d": [2]}}}), json!({"a.b": {"c": 1}, "a": {"b.d": 2}}), true);
    check_detail(json!({"labels": {"app.io/name": ["x"]}}), json!({"labels": {"app": "y", "app.io/name": "x"}}), true);
    check_detail(json!({"a": {"b": {"c": [1]}}}), json!({"a.b": [{"c": 2}], "a": {"b": [{"c": 1}]}}), true);
    check_detail(json!({"a": {"b": [{"exists": false}]}}), json!({"a.b": 1}), false);
    check_detail(json!({"a": {"b": [{"exists": false}]}}), json!({"a.bc": 1, "b.a": 2}), true);
    check(json!({"detail.state": ["x"]}), json!({"detail": {"state": "x"}}), true);
}

#[test]
fn says_how_narrow_it_is() {
    let of = |pattern: Value| {
        let Specificity { fields, exact, characters } = Pattern::from_value(&pattern).unwrap().specificity();
        (fields, exact, characters)
    };
    assert_eq!(of(json!({"source": ["a", "b"]})), (1, 1, 0));
    assert_eq!(of(json!({"source": ["a"], "detail": {"x": [1], "y": {"z": [1, {"prefix": "ab"}]}}})), (3, 2, 2));
    assert_eq!(of(json!({"source": [{"prefix": "abc"}, {"suffix": "ö"}]})), (1, 0, 1));
    assert_eq!(of(json!({"source": [{"wildcard": "a*bc*"}]})), (1, 0, 3));
    assert_eq!(of(json!({"source": [{"equals-ignore-case": "A"}, {"wildcard": "b"}]})), (1, 1, 0));
    assert_eq!(of(json!({"source": [{"prefix": {"equals-ignore-case": "ab"}}]})), (1, 0, 2));
    for wide in [json!({"exists": true}), json!({"exists": false}), json!({"anything-but": "abc"})] {
        assert_eq!(of(json!({"source": ["a", wide]})), (1, 0, 0));
    }
    let either = json!({"source": ["a"], "$or": [{"region": ["b"], "account": ["c"]}, {"region": [{"prefix": "d"}]}]});
    assert_eq!(of(either), (2, 1, 1));
    assert!(Specificity { fields: 2, exact: 0, characters: 0 } > Specificity { fields: 1, exact: 1, characters: 9 });
    assert!(Specificity { fields: 2, exact: 1, characters: 0 } > Specificity { fields: 2, exact: 0, characters: 9 });
}

#[track_caller]
fn refused(pattern: Value, expect: &str) {
    let errors = Pattern::from_value(&pattern).unwrap_err();
    assert!(errors.iter().any(|error| error.to_string().contains(expect)), "{errors:?}");
}

#[track_caller]
fn refused_in_list(item: Value, expect: &str) {
    refused(json!({"detail": {"x": ["a", item]}}), &format!("match.detail.x[1]{expect}"));
}

#[test]
fn refuses_operators_that_it_would_not_honour() {
    refused_in_list(json!({"prefx": "a"}), ".prefx: `prefx` is not an operator; did you mean `prefix`?");
    refused_in_list(json!({"regex": "a"}), ".regex: `regex` is not an operator; write a value or one of `prefix`");
    refused_in_list(json!({"PREFIX": "a"}), ".PREFIX: `PREFIX` is not an operator; did you mean `prefix`?");
    refused_in_list(json!({"$or": [{"y": [1]}, {"z": [1]}]}), ".$or: `$or` is not an operator");
    refused_in_list(json!({"prefix": "a", "suffix": "b"}), ": several operators stand in one mapping");
    refused_in_list(json!({}), ": an empty mapping matches nothing");
    refused_in_list(json!([1]), ": a list in a list");
    refused_in_list(json!({"prefix": 1}), ".prefix: `prefix` is not text");
    refused_in_list(json!({"suffix": ["a", "b"]}), ".suffix: `suffix` is not text");
    refused_in_list(json!({"prefix": {"wildcard": "a"}}), ".prefix.wildcard: `wildcard` is not an operator that can");
    refused_in_list(
        json!({"suffix": {"equals-ignore-case": 1}}),
        ".suffix.equals-ignore-case: `equals-ignore-case` is",
    );
    refused_in_list(json!({"equals-ignore-case": ["a"]}), ".equals-ignore-case: `equals-ignore-case` is not text");
    refused_in_list(json!({"wildcard": "a**b"}), ".wildcard: two stars follow each other; write one");
    refused_in_list(json!({"wildcard": r"a\b"}), ".wildcard: a backslash stands before a plain character");
    refused_in_list(json!({"exists": "true"}), ".exists: `exists` is neither true nor false");
    refused_in_list(json!({"cidr": "10.0.0.0/33"}), ".cidr: an address has fewer bits");
    refused_in_list(json!({"cidr": "10.0.0.1/32"}), ".cidr: EventBridge takes no block of one address");
    refused_in_list(json!({"cidr": 10}), ".cidr: `cidr` is not text");
    refused_in_list(json!({"numeric": 10}), ".numeric: `numeric` is not a list");
    refused_in_list(json!({"numeric": [">", 5, "<"]}), ".numeric: `numeric` is not a list of comparisons");
    refused_in_list(json!({"numeric": [">", "5"]}), ".numeric: `numeric` is not a list of comparisons");
    refused_in_list(json!({"numeric": [">", 5, "<", 1]}), ".numeric: the range ends before it begins");
    refused_in_list(json!({"anything-but": []}), ".anything-but: an empty list leaves nothing out");
    refused_in_list(json!({"anything-but": ["a", 1]}), ".anything-but: not all of these are texts");
    refused_in_list(json!({"anything-but": null}), ".anything-but: not all of these are texts");
    refused_in_list(json!({"anything-but": 9_007_199_254_740_993_u64}), ".anything-but: no number of such a size");
    refused_in_list(
        json!({"anything-but": {"cidr": "a"}}),
        ".anything-but.cidr: `cidr` is not an operator that can stand",
    );
    refused_in_list(json!({"anything-but": {"prefix": ["a", ""]}}), ".anything-but.prefix: every text begins");
    refused_in_list(json!({"anything-but": {"wildcard": ["a", "b**"]}}), ".anything-but.wildcard: two stars");
}

#[test]
fn refuses_what_it_would_not_honour() {
    refused(json!({"$or": [{"source": ["a"]}]}), "match.$or: `$or` has fewer than two alternatives");
    refused(json!({"$or": {"source": ["a"]}}), "match.$or: `$or` has fewer than two alternatives");
    refused(json!({"$or": [{"source": ["a"]}, ["b"]]}), "match.$or[1]: an alternative of `$or` is not a mapping");
    refused(json!({"$or": [{"source": ["a"]}, {"sauce": ["b"]}]}), "match.$or[1].sauce: no event has a field `sauce`");
    let operator = json!({"detail": {"$or": [{"x": [1]}, {"y": {"prefix": ["a"]}}]}});
    refused(operator, "match.detail.$or[1].y.prefix: `prefix` stands where a field is expected");
    let twice = json!({"detail": {"x": [1], "$or": [{"x": [2]}, {"y": [1]}]}});
    refused(twice, "`detail.x` is asked for twice; write all that it may be in one list");
    refused(json!({"detail": {"a": {"b": [1]}, "a.b": [2]}}), "`detail.a.b` is asked for twice");
    let ors = |n: usize| json!({"$or": (0..n).map(|m| json!({"x": [m]})).collect::<Vec<_>>()});
    refused(json!({"detail": ors(1_001)}), "match.detail.$or: the alternatives make too many combinations");
    refused(json!({"detail": {"a": ors(40), "b": ors(40)}}), "match.detail.b: the alternatives make too many");
    refused(json!({"detail": {"x": {"prefix": "a"}}}), "write operators in a list: `[{ prefix: … }]`");
    refused(json!({"detail": {"x": {"anything-but": ["a"]}}}), "`anything-but` stands where a field is expected");
    refused(json!({"detail": {"x": {"numeric": [">", 5]}}}), "`numeric` stands where a field is expected");
    refused(json!({"source": "aws.cloudwatch"}), "list what matches: `source: [aws.cloudwatch]`");
    refused(json!({"source": []}), "an empty list matches nothing");
    refused(json!({"detail": {}}), "match.detail: an empty mapping constrains nothing");
    refused(json!({}), "match: an empty mapping constrains nothing");
    refused(json!(["source"]), "`match` is not a mapping");
    refused(json!({"detail_type": ["x"]}), "did you mean `detail-type`?");
    refused(json!({"id": ["x"]}), "no event has a field `id` at its top");
    refused(json!({"account": [111_122_223_333_u64]}), "`account` of an event is text");
    refused(json!({"account": [{"numeric": [">", 1]}]}), "`account` of an event is text");
    refused((0..40).fold(json!(["x"]), |inner, _| json!({ "detail": inner })), "nested too deeply");
    refused(json!({"detail": {"a.".repeat(70): ["x"]}}), "the name holds too many dots");
    assert!(Pattern::from_value(&json!({"detail": {"a": ors(30), "b": ors(30)}})).is_ok());
    assert!(Pattern::from_value(&json!({"detail": {"requestParameters": {"prefix": ["logs/"]}}})).is_ok());
}

#[test]
fn says_all_that_is_wrong_at_once() {
    let pattern = json!({"source": "a", "detail": {"x": [{"sufix": "s"}, {"exists": 1}], "$or": [{}, {"y": []}]}});
    assert_eq!(Pattern::from_value(&pattern).unwrap_err().len(), 5);
}
