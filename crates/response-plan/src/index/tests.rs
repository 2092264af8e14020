//! The index leaves out no plan that matches.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Index;
use crate::pattern::Pattern;

fn text() -> impl Strategy<Value = String> {
    "[ab]{0,3}"
}

fn alternative() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text().prop_map(Value::from),
        2 => text().prop_map(|text| json!({ "prefix": text })),
        2 => text().prop_map(|text| json!({ "suffix": text })),
        2 => (text(), text()).prop_map(|(a, b)| json!({"wildcard": format!("{a}*{b}")})),
        1 => text().prop_map(|text| json!({ "anything-but": text })),
        1 => text().prop_map(|text| json!({ "equals-ignore-case": text })),
        1 => any::<bool>().prop_map(|exists| json!({ "exists": exists })),
        1 => (0..3).prop_map(Value::from),
    ]
}

fn list() -> impl Strategy<Value = Value> {
    prop::collection::vec(alternative(), 1..3).prop_map(Value::from)
}

fn fields() -> impl Strategy<Value = Value> {
    let fields = prop::collection::btree_map("[xyz]|x\\.y", list(), 1..3);
    (fields, prop::option::of(prop::collection::vec(list(), 2..4))).prop_map(|(fields, or)| {
        let mut fields = json!(fields);
        if let Some(or) = or {
            fields["$or"] = or.into_iter().map(|list| json!({ "w": list })).collect();
        }
        fields
    })
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let read = |detail: Value| Pattern::from_value(&json!({ "detail": detail })).ok();
    prop_oneof![fields(), fields().prop_map(|inner| json!({ "x": inner }))].prop_filter_map("a path twice", read)
}

fn event() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![4 => text().prop_map(Value::from), 1 => (0..3).prop_map(Value::from), 1 => Just(Value::Null)];
    let value = leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[wxyz]|x\\.y", inner, 0..3).prop_map(|fields| json!(fields)),
        ]
    });
    prop::collection::btree_map("[wxyz]|x\\.y", value, 0..4).prop_map(|fields| json!({ "detail": fields }))
}

fn accounts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[12]", 0..2)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_matches_is_found(
        plans in prop::collection::vec((pattern(), accounts()), 0..40),
        events in prop::collection::vec((event(), prop::option::of("[12]")), 1..8),
    ) {
        let index = Index::of(plans.iter().map(|(pattern, accounts)| (pattern, accounts.as_slice())));
        for (event, account) in events {
            let matches = |(pattern, accounts): &(Pattern, Vec<String>)| {
                (accounts.is_empty() || account.as_ref().is_some_and(|own| accounts.contains(own))) && pattern.matches(&event)
            };
            let scanned: Vec<usize> = (0..plans.len()).filter(|n| matches(&plans[*n])).collect();
            let mut found = index.candidates(&event, account.as_deref());
            prop_assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
            found.retain(|n| matches(&plans[*n]));
            prop_assert_eq!(found, scanned);
        }
    }
}

#[test]
fn an_event_meets_few_plans() {
    let patterns: Vec<Pattern> = (0..2_000)
        .map(|n| {
            let name = match n % 4 {
                0 => json!({"prefix": format!("service-{n}-")}),
                1 => json!(format!("service-{n}-errors")),
                2 => json!({"suffix": format!("-{n}-errors")}),
                _ => json!({"wildcard": format!("service-{n}-*")}),
            };
            Pattern::from_value(&json!({"source": ["aws.cloudwatch"], "detail": {"alarmName": [name]}})).unwrap()
        })
        .collect();
    let index = Index::of(patterns.iter().map(|pattern| (pattern, &[][..])));
    for n in [0, 777, 1_998, 1_999] {
        let event = json!({"source": "aws.cloudwatch", "detail": {"alarmName": format!("service-{n}-errors")}});
        assert_eq!(index.candidates(&event, None), [n]);
    }
    assert!(index.candidates(&json!({"source": "aws.cloudwatch", "detail": {}}), None).is_empty());
}

#[test]
fn plans_that_two_fields_tell_apart_are_few_too() {
    let pattern = |n: usize| json!({"source": [format!("s{}", n / 40)], "detail": {"alarmName": [{"prefix": format!("{}-", n % 40)}]}});
    let patterns: Vec<Pattern> = (0..1_600).map(|n| Pattern::from_value(&pattern(n)).unwrap()).collect();
    let index = Index::of(patterns.iter().map(|pattern| (pattern, &[][..])));
    let event = json!({"source": "s7", "detail": {"alarmName": "13-errors"}});
    assert_eq!(index.candidates(&event, None), [7 * 40 + 13]);
    let accounts: Vec<[String; 1]> = (0..1_600).map(|n| [format!("{}", n / 40)]).collect();
    let plain = |n: usize| Pattern::from_value(&json!({"detail": {"alarmName": [format!("{}", n % 40)]}})).unwrap();
    let patterns: Vec<Pattern> = (0..1_600).map(plain).collect();
    let index = Index::of(patterns.iter().zip(&accounts).map(|(pattern, accounts)| (pattern, accounts.as_slice())));
    assert_eq!(index.candidates(&json!({"detail": {"alarmName": "13"}}), Some("7")), [7 * 40 + 13]);
}
