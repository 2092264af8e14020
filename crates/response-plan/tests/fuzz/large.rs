//! Patterns that ask much of an event, and events of any size that are one kind of thing over and over.

use response_plan::Pattern;
use serde_json::{Value, json};

/// Many alternatives, stars, absences, combinations.
pub(crate) fn greedy() -> Vec<Pattern> {
    let many = |of: fn(usize) -> Value| (0..200).map(of).collect::<Vec<_>>();
    let patterns = [
        json!({"x": many(|n| json!(format!("a{n}")))}),
        json!({"x": many(|n| json!({"prefix": format!("a{n}")}))}),
        json!({"x": many(|n| json!({"suffix": format!("{n}b")}))}),
        json!({"x": [{"wildcard": format!("{}b", "*a".repeat(100))}, {"wildcard": "*aaaaaaaaaaaaaaaaaaab*b"}]}),
        json!({"x": [{"wildcard": format!("*{}*{}c", "ab".repeat(50), "b*a*".repeat(50))}]}),
        json!({"x": [{"anything-but": {"wildcard": [format!("{}*", "*a".repeat(100))]}}]}),
        json!({"x": [{"anything-but": many(|n| json!(format!("a{n}")))}]}),
        json!({"x": [{"equals-ignore-case": "a".repeat(1_000)}, {"suffix": {"equals-ignore-case": "AB"}}]}),
        json!({"x": [{"numeric": [">", 5, "<", 6]}, {"cidr": "10.0.0.0/8"}]}),
        json!({"x": {"a": [{"exists": false}], "b": [{"exists": false}, "c"], "c": [1], "x": {"a": [{"exists": false}]}}}),
        json!({"x": {"a": ["b"], "$or": (0..20).map(|n| json!({"x": {"a": [n]}, "c": [n]})).collect::<Value>()}}),
        json!({"$or": (0..20).map(|n| json!({"x": [n]})).collect::<Value>()}),
        json!({"x.a": {"b.c": [1]}, "x": {"a": {"d": [2], "b": {"e": [{"exists": false}]}}}}),
    ];
    patterns.map(|pattern| Pattern::from_value(&json!({ "detail": pattern })).unwrap()).into()
}

/// Details of events, of about so many bytes each, but for those that no list or text makes longer.
pub(crate) fn large(size: usize) -> Vec<Value> {
    let list = |item: Value| {
        let items = size / item.to_string().len();
        Value::from(vec![item; items])
    };
    let lists_in_lists = (0..100).fold(list(json!({"a": "b", "c": 2})), |inner, _| json!([inner]));
    let fields = |name: fn(usize) -> String| (0..size / 12).map(|n| (name(n), json!("b"))).collect::<Value>();
    vec![
        json!({"x": "a".repeat(size)}),
        json!({"x": "ab".repeat(size / 2)}),
        json!({"x": "ẞ".repeat(size / 3)}),
        json!({"x": list(json!("aaaaaaaa"))}),
        json!({"x": list(json!(7.5))}),
        json!({"x": (0..size / 7).map(|n| json!(n)).collect::<Value>()}),
        json!({"x": list(json!({"a": "b"}))}),
        json!({"x": list(json!({"a": "b", "x": [{"a": 1}, {"c": 2}]}))}),
        json!({"x": lists_in_lists}),
        json!({"x": (0..size / 2_200).map(|_| (0..110).fold(json!({"a": "b"}), |inner, _| json!({"a": "b", "x": [inner]}))).collect::<Value>()}),
        json!({"x": fields(|n| format!("a.{n}"))}),
        fields(|n| format!("x.a.{n}")),
        json!({"x.a": list(json!({"b.c": 2})), "x": {"a": list(json!({"b": {"c": 2}})), "a.b": list(json!({"c": 3}))}}),
    ]
}

/// Details of events of about so many bytes each, which have every `x` that plans want, and many a `y`, or the other way round.
pub(crate) fn pairs(size: usize) -> Vec<Value> {
    let many = |of: fn(usize) -> String| (0..size / 10).map(of).collect::<Value>();
    let few = |of: fn(usize) -> String| (0..20).map(of).collect::<Value>();
    vec![
        json!({"x": few(|n| format!("x{n}")), "y": many(|n| format!("z{n}-"))}),
        json!({"x": few(|n| format!("x{n}")), "y": many(|n| format!("y{}-{n}", n % 20))}),
        json!({"x": many(|n| format!("x{n}")), "y": few(|n| format!("y{n}-"))}),
        json!({"x": few(|n| format!("x{n}")), "y": "y1-".repeat(size / 3)}),
    ]
}

/// What plans want of `x`, one after the other by each operator.
pub(crate) fn wanted(n: usize) -> Value {
    match n % 10 {
        0 => json!("a".repeat(n)),
        1 => json!({"prefix": format!("{}b", "a".repeat(n))}),
        2 => json!({"suffix": format!("b{}", "a".repeat(n))}),
        3 => json!({"wildcard": format!("*{}b*", "a".repeat(n))}),
        4 => json!({"wildcard": format!("*{}*b", "ab".repeat(n))}),
        5 => json!({"equals-ignore-case": "A".repeat(n)}),
        6 => json!({"numeric": [">", n * 1_000]}),
        7 => json!({"numeric": [">=", n, "<", n * 2]}),
        8 => json!({"cidr": format!("10.0.{}.0/24", n % 256)}),
        _ => json!({"anything-but": format!("a{n}")}),
    }
}
