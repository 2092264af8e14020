//! Anything may stand in a file and anything may come as an event: nothing panics, and errors stay readable.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::pattern::Pattern;
use crate::plans::Plans;
use crate::read::{Source, read, read_dir};
use crate::samples::{KINDS, PLAN, TEAMS};

/// Reads them as a plan and as teams. What is refused is shown on lines of a bearable length, within the file.
fn read_as_both(bytes: &[u8]) {
    let lines = String::from_utf8_lossy(bytes).lines().count() as u64 + 2;
    for (file, other, text) in [("a.yaml", "teams.yaml", TEAMS), ("teams.yaml", "a.yaml", PLAN)] {
        let sources =
            [Source { file: file.into(), bytes: bytes.into() }, Source { file: other.into(), bytes: text.into() }];
        for error in read(&sources, &KINDS).err().into_iter().flat_map(|errors| errors.0) {
            assert!(error.line <= lines.max(40), "{error}");
            assert!(!error.message.is_empty() && !error.remedy.is_empty());
            assert!(error.to_string().lines().all(|line| line.chars().count() < 600), "{error}");
        }
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("source".to_owned()),
        Just("detail".to_owned()),
        prop::sample::select(
            ["$or", "prefix", "suffix", "equals-ignore-case", "wildcard", "anything-but", "numeric"].as_slice()
        )
        .prop_map(str::to_owned),
        prop::sample::select(["cidr", "exists", "a.b", "a"].as_slice()).prop_map(str::to_owned),
        ".{0,4}"
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        prop::sample::select(["10.0.0.0/8", "*a*", ">", "<=", "::1"].as_slice()).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_as_both(&bytes);
        let _ = Plans::load(&bytes, "t");
    }

    #[test]
    fn any_text_of_yaml_signs(text in "[-a-z:{}\\[\\],&*!|>'\"#%@?<~ \n\t0-9.]{0,120}") {
        read_as_both(text.as_bytes());
    }

    #[test]
    fn any_damage_to_a_plan(at in 0..PLAN.len(), gone in 0usize..20, put in ".{0,8}", teams in any::<bool>()) {
        let mut bytes = if teams { TEAMS } else { PLAN }.as_bytes().to_vec();
        let at = at.min(bytes.len());
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, put.into_bytes());
        read_as_both(&bytes);
    }

    #[test]
    fn any_pattern_and_any_event(pattern in json_value(), event in json_value()) {
        if let Ok(pattern) = Pattern::from_value(&pattern) {
            pattern.matches(&event);
            prop_assert!(pattern.specificity().fields > 0);
        }
        if let Ok(pattern) = Pattern::from_value(&json!({ "detail": pattern })) {
            pattern.matches(&json!({ "detail": event }));
        }
        let shipped = json!({"source": ["aws.cloudwatch"], "detail": {"alarmName": [{"prefix": "checkout-"}]}});
        prop_assert!(!Pattern::from_value(&shipped).unwrap().matches(&event));
    }

    #[test]
    fn any_compiled_file(plan in json_value(), teams in json_value()) {
        let file = json!({"v": 1, "config_sha256": "", "plans": [plan], "teams": teams});
        if let Ok(plans) = Plans::load(file.to_string().as_bytes(), "t") {
            prop_assert_eq!(plans.disabled.len(), 1);
        }
    }
}

#[test]
fn bombs_and_depths_are_refused() {
    let aliases: String = (1..30).map(|n| format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1)).collect();
    read_as_both(format!("a0: &a0 [x]\n{aliases}").as_bytes());
    let inside = PLAN.replace("alarmName: [{ prefix: checkout- }]", &format!("alarmName: {}", "[".repeat(50_000)));
    read_as_both(inside.as_bytes());
    let deep = PLAN.replace("alarmName: [{ prefix: checkout- }]", &"{a: ".repeat(2_000));
    read_as_both(deep.as_bytes());
    read_as_both("x".repeat(300_000).as_bytes());
    read_as_both(format!("plan: {}", "x".repeat(200_000)).as_bytes());
    let event = (0..100).fold(json!("x"), |inner, _| json!([inner]));
    let pattern = Pattern::from_value(&json!({"source": ["x"]})).unwrap();
    assert!(pattern.matches(&json!({ "source": event })));
}

#[test]
fn lists_are_followed_as_deep_as_an_event_can_nest_them() {
    let pattern = Pattern::from_value(&json!({"detail": {"x": ["y"], "z": {"x": ["y"]}}})).unwrap();
    let event = |lists: usize| {
        let nest = |inner: Value| (0..lists).fold(inner, |inner, _| json!([inner]));
        json!({"detail": {"x": nest(json!("y")), "z": nest(json!({"x": "y"}))}})
    };
    assert!(pattern.matches(&event(100)));
    assert!(!pattern.matches(&event(2_000)), "so deep counts as empty, and overflows no stack");
}

#[test]
fn folders_are_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let message = |expect: &str| {
        let shown = read_dir(dir.path(), &KINDS).unwrap_err().to_string();
        assert!(shown.contains(expect), "{shown}");
    };
    message("teams.yaml:1:1: there is no teams.yaml");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("teams.yaml", TEAMS);
    write("README.md", "not a plan");
    assert!(read_dir(dir.path(), &KINDS).unwrap().plans.is_empty());
    write("a.yaml", PLAN);
    assert_eq!(read_dir(dir.path(), &KINDS).unwrap().plans.len(), 1);
    write("b.yml", PLAN);
    message("plans are files that end in .yaml");
    let gone = read_dir(&dir.path().join("gone"), &KINDS).unwrap_err().to_string();
    assert!(gone.contains("the folder cannot be read"), "{gone}");
}
