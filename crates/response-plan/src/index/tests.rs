//! The index leaves out no plan that matches.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Index;
use crate::pattern::Pattern;

/// Few letters, so that they meet, and such as are more, or fewer, in another case.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ab]{0,3}", 1 => "[aAbß]{0,3}|[sSßẞſ]{0,2}|[kKiıİ]{0,2}|[σςΣ]{0,2}"]
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..3, 0..3).prop_map(|(a, b)| format!("10.0.{a}.{b}")),
        (0..3, 0..3).prop_map(|(a, b)| format!("010.00.{a}.{b}")),
        (0..3, 0..3).prop_map(|(a, b)| format!("::ffff:a00:{a}0{b}")),
        (0..2, 0..2).prop_map(|(a, b)| format!("2001:db8:{a}::{b}")),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    let whole = prop_oneof![4 => -2_i64..4, 1 => Just(9_007_199_254_740_993)];
    prop_oneof![2 => whole.prop_map(Value::from), 1 => (-4_i32..8).prop_map(|half| json!(f64::from(half) / 2.0))]
}

fn numeric() -> impl Strategy<Value = Value> {
    let one = prop::sample::select([">", ">=", "<", "<=", "="].as_slice());
    prop_oneof![
        (one, number()).prop_map(|(is, n)| json!([is, n])),
        (0..2_usize, -2..2, 0..2_usize, 0..4).prop_map(|(low, n, high, more)| {
            let (low, high) = ([">", ">="][low], ["<", "<="][high]);
            json!([low, n, high, f64::from(n) + f64::from(more) / 2.0])
        }),
    ]
    .prop_map(|comparisons| json!({ "numeric": comparisons }))
}

fn wildcard() -> impl Strategy<Value = Value> {
    prop::collection::vec(text(), 1..4).prop_map(|parts| json!({"wildcard": parts.join("*")}))
}

fn cidr() -> impl Strategy<Value = Value> {
    (address(), 0..130).prop_map(|(address, bits)| json!({"cidr": format!("{address}/{bits}")}))
}

/// What a field may be, by each operator. Some are refused, and their plans left out.
fn alternatives() -> Vec<BoxedStrategy<Value>> {
    vec![
        text().prop_map(Value::from).boxed(),
        text().prop_map(|text| json!({ "prefix": text })).boxed(),
        text().prop_map(|text| json!({ "suffix": text })).boxed(),
        wildcard().boxed(),
        text().prop_map(|text| json!({ "equals-ignore-case": text })).boxed(),
        text().prop_map(|text| json!({ "prefix": { "equals-ignore-case": text } })).boxed(),
        text().prop_map(|text| json!({ "suffix": { "equals-ignore-case": text } })).boxed(),
        number().boxed(),
        numeric().boxed(),
        address().prop_map(Value::from).boxed(),
        cidr().boxed(),
        prop_oneof![any::<bool>().prop_map(Value::from), Just(Value::Null)].boxed(),
        text().prop_map(|text| json!({ "anything-but": text })).boxed(),
        any::<bool>().prop_map(|exists| json!({ "exists": exists })).boxed(),
    ]
}

fn alternative() -> impl Strategy<Value = Value> {
    prop::strategy::Union::new(alternatives())
}

fn list() -> impl Strategy<Value = Value> {
    prop_oneof![3 => alternative().prop_map(|one| json!([one])), 1 => prop::collection::vec(alternative(), 2..4).prop_map(Value::from)]
}

/// Patterns that differ by one operator alone, in one field.
fn alike() -> impl Strategy<Value = Vec<Pattern>> {
    let of_one = |one: BoxedStrategy<Value>| {
        let pattern = one.prop_filter_map("refused", |one| Pattern::from_value(&json!({"detail": {"x": [one]}})).ok());
        prop::collection::vec(pattern, 5..40).boxed()
    };
    prop::strategy::Union::new(alternatives().into_iter().map(of_one))
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
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        2 => number(),
        2 => address().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
    ];
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

/// Some plans and some events: the index finds the plans that trying each finds.
fn check(plans: &[(Pattern, Vec<String>)], events: &[(Value, Option<&str>)]) -> Result<(), TestCaseError> {
    let index = Index::of(plans.iter().map(|(pattern, accounts)| (pattern, accounts.as_slice())));
    for (event, account) in events {
        let matches = |(pattern, accounts): &(Pattern, Vec<String>)| {
            (accounts.is_empty() || account.is_some_and(|own| accounts.iter().any(|known| known == own)))
                && pattern.matches(event)
        };
        let scanned: Vec<usize> = (0..plans.len()).filter(|n| matches(&plans[*n])).collect();
        let mut found = index.candidates(event, *account);
        prop_assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
        found.retain(|n| matches(&plans[*n]));
        prop_assert_eq!(found, scanned);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_matches_is_found(
        plans in prop::collection::vec((pattern(), accounts()), 0..40),
        events in prop::collection::vec((event(), prop::option::of(prop_oneof![Just("1"), Just("2")])), 1..8),
    ) {
        check(&plans, &events)?;
    }

    #[test]
    fn plans_that_differ_by_one_operator_are_found(
        patterns in alike(),
        values in prop::collection::vec(event(), 1..20),
    ) {
        let plans: Vec<_> = patterns.into_iter().map(|pattern| (pattern, Vec::new())).collect();
        let events: Vec<_> = values.into_iter().map(|event| (event, None)).collect();
        check(&plans, &events)?;
    }
}

/// Of many plans that differ by that, an event for one meets it alone.
#[track_caller]
fn one_is_met(of: fn(usize) -> Value) {
    let pattern = |n| Pattern::from_value(&json!({"source": ["aws.cloudwatch"], "detail": {"x": [of(n)]}})).unwrap();
    let patterns: Vec<Pattern> = (0..2_000).map(pattern).collect();
    let index = Index::of(patterns.iter().map(|pattern| (pattern, &[][..])));
    for n in [0, 777, 1_998, 1_999] {
        let values = json!([format!("Service-{n}-errors"), n, format!("10.{}.{}.7", n >> 8, n & 255)]);
        let event = json!({"source": "aws.cloudwatch", "detail": {"x": values}});
        assert!(patterns[n].matches(&event));
        assert_eq!(index.candidates(&event, None), [n]);
    }
    assert!(index.candidates(&json!({"source": "aws.cloudwatch", "detail": {}}), None).is_empty());
}

#[test]
fn an_event_meets_few_plans_by_each_operator() {
    one_is_met(|n| json!(format!("Service-{n}-errors")));
    one_is_met(|n| json!({"prefix": format!("Service-{n}-")}));
    one_is_met(|n| json!({"suffix": format!("-{n}-errors")}));
    one_is_met(|n| json!({"wildcard": format!("Service-{n}-*")}));
    one_is_met(|n| json!({"wildcard": format!("S*-{n}-errors")}));
    one_is_met(|n| json!({"wildcard": format!("*-{n}-*")}));
    one_is_met(|n| json!({"wildcard": format!("Service*-{n}-*errors")}));
    one_is_met(|n| json!({"wildcard": format!("S*ervice*-{n}-*")}));
    one_is_met(|n| json!({"equals-ignore-case": format!("SERVICE-{n}-ERRORS")}));
    one_is_met(|n| json!({"prefix": {"equals-ignore-case": format!("SERVICE-{n}-")}}));
    one_is_met(|n| json!({"suffix": {"equals-ignore-case": format!("-{n}-ERRORS")}}));
    one_is_met(|n| json!(n));
    one_is_met(|n| json!({"numeric": ["=", n]}));
    one_is_met(|n| json!({"numeric": [">", n as f64 - 0.5, "<=", n]}));
    one_is_met(|n| json!({"cidr": format!("10.{}.{}.0/29", n >> 8, n & 255)}));
    one_is_met(|n| json!(format!("::ffff:a{:02x}:{:x}", n >> 8, (n & 255) << 8 | 7)));
    one_is_met(|n| match n % 4 {
        0 => json!({"prefix": format!("Service-{n}-")}),
        1 => json!({"numeric": ["=", n]}),
        2 => json!({"wildcard": format!("*-{n}-*")}),
        _ => json!({"cidr": format!("10.{}.{}.0/29", n >> 8, n & 255)}),
    });
}

/// Of plans, by a part of their pattern, an event whose detail is that meets this one alone.
#[track_caller]
fn one_is_met_by_detail(plans: usize, of: impl Fn(usize) -> Value, detail: Value, met: usize) {
    let patterns: Vec<Pattern> = (0..plans).map(|n| Pattern::from_value(&json!({"detail": of(n)})).unwrap()).collect();
    let index = Index::of(patterns.iter().map(|pattern| (pattern, &[][..])));
    assert_eq!(index.candidates(&json!({ "detail": detail }), None), [met]);
}

#[test]
fn plans_that_list_many_values_are_told_apart() {
    let of = |n: usize| json!({"x": (0..100).map(|m| format!("{n}-{m}")).collect::<Value>()});
    one_is_met_by_detail(200, of, json!({"x": "77-99"}), 77);
}

/// Each field is asked for by few of the plans.
#[test]
fn plans_that_ask_for_different_fields_are_told_apart() {
    let of = |n: usize| json!({format!("x{}", n % 20): [format!("{n}-")]});
    one_is_met_by_detail(2_000, of, json!({"x17": "777-"}), 777);
    let of =
        |n: usize| json!({"$or": (0..8).map(|m| json!({format!("x{m}"): [format!("{n}-{m}")]})).collect::<Value>()});
    one_is_met_by_detail(500, of, json!({"x5": "77-5", "x6": "none"}), 77);
    let of = |n: usize| json!({format!("x{}", n / 5): [format!("{}-", n % 5)]});
    one_is_met_by_detail(1_000, of, json!({"x77": "3-"}), 388);
}

/// Split by one field after the other, each plan would stand in all combinations of its values.
#[test]
fn lists_in_several_fields_do_not_multiply() {
    fn size(node: &super::Node) -> usize {
        let below = node.splits.iter().flat_map(|split| split.edges.iter().flat_map(super::Table::all));
        node.rest.len() + below.map(size).sum::<usize>()
    }
    let list = |n: usize| (0..40).map(|m| ((m * 7 + n) % 60).to_string() + "-").collect::<Value>();
    let pattern = |n: usize| json!({"detail": {"x": list(n), "y": list(n * 11), "z": list(n * 17)}});
    let patterns: Vec<Pattern> = (0..60).map(|n| Pattern::from_value(&pattern(n)).unwrap()).collect();
    let index = Index::of(patterns.iter().map(|pattern| (pattern, &[][..])));
    assert!(size(&index.root) <= 60 * 40 * 16, "{}", size(&index.root));
}

/// A field whose ranges all have the value tells nothing apart, and another is looked up instead.
#[test]
fn ranges_that_overlap_are_not_taken_for_different_ones() {
    let pattern = |n: usize| json!({"detail": {"a": [{"numeric": [">", n]}], "b": [{"prefix": format!("{n}-")}]}});
    let patterns: Vec<Pattern> = (0..500).map(|n| Pattern::from_value(&pattern(n)).unwrap()).collect();
    let index = Index::of(patterns.iter().map(|pattern| (pattern, &[][..])));
    assert_eq!(index.candidates(&json!({"detail": {"a": 1_000, "b": "7-x"}}), None), [7]);
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
