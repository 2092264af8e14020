//! Loading and resolving.

use serde_json::{Value, json};
use signal::{Origin, Signal, sha256_hex};

use crate::compile::compile;
use crate::plan::{Channel, Mode, Severity};
use crate::plans::{Plans, Resolution, catch_all};
use crate::read::{Source, read};
use crate::samples::{KINDS, PLAN, TEAMS};

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:fallback";

/// The compiled file of the shipped plan in variants: name, what takes the place of `detail` in its pattern, accounts.
fn file(variants: &[(&str, &str, &str)]) -> Value {
    let mut sources = vec![Source { file: "teams.yaml".into(), bytes: TEAMS.into() }];
    for (name, detail, accounts) in variants {
        let text = PLAN
            .replace("checkout-bad-deployment\ntype", &format!("{name}\ntype"))
            .replace("  detail:\n    alarmName: [{ prefix: checkout- }]\n", detail)
            .replace("customer_facing: true\n", &format!("customer_facing: true\naccounts: [{accounts}]\n"));
        sources.push(Source { file: format!("{name}.yaml"), bytes: text.into() });
    }
    serde_json::from_slice(&compile(&read(&sources, &KINDS).unwrap(), "0.1.0").bytes).unwrap()
}

#[track_caller]
fn load(file: &Value) -> Plans {
    Plans::load(file.to_string().as_bytes(), TOPIC).unwrap()
}

fn alarm(name: &str, account: &str) -> Signal {
    let event = json!({
        "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "account": account,
        "region": "eu-west-1", "time": "2026-03-01T10:05:12Z",
        "resources": [format!("arn:aws:cloudwatch:eu-west-1:{account}:alarm:{name}")],
        "detail": {"alarmName": name, "state": {"value": "ALARM", "timestamp": "2026-03-01T10:05:12.000+0000"}},
    });
    signal::read_value(&event, &Origin::default()).remove(0).unwrap()
}

fn resolve(variants: &[(&str, &str, &str)], signal: &Signal) -> Resolution {
    let plans = load(&file(variants));
    assert_eq!(plans.disabled, []);
    plans.resolve(signal)
}

const SHIPPED: (&str, &str, &str) = ("shipped", "  detail: { alarmName: [{ prefix: checkout- }] }\n", "");
const ANY_ALARM: (&str, &str, &str) = ("any-alarm", "", "");
const OTHER_ANY: (&str, &str, &str) = ("another-any", "", "");
const ONE_ACCOUNT: (&str, &str, &str) = ("one-account", "", "\"111122223333\"");

#[track_caller]
fn check(variants: &[(&str, &str, &str)], name: &str, account: &str, expect: &str, why: &str) {
    let resolution = resolve(variants, &alarm(name, account));
    assert_eq!(resolution.plan.plan.plan, expect);
    assert_eq!(resolution.matched, expect != "catch-all");
    assert!(resolution.why.contains(why), "{}", resolution.why);
}

#[test]
fn the_most_specific_plan_wins() {
    let (ours, other) = ("111122223333", "999988887777");
    check(&[SHIPPED], "checkout-errors", ours, "shipped", "matched by plan `shipped`");
    check(&[SHIPPED], "search-errors", ours, "catch-all", "no plan matches");
    check(&[], "checkout-errors", ours, "catch-all", "no plan matches");
    check(
        &[ANY_ALARM, SHIPPED],
        "checkout-errors",
        ours,
        "shipped",
        "over `any-alarm` because it constrains 3 fields, and that 2",
    );
    check(&[ANY_ALARM, SHIPPED], "search-errors", ours, "any-alarm", "matched by plan `any-alarm`");
    check(
        &[ANY_ALARM, OTHER_ANY],
        "x",
        ours,
        "another-any",
        "because of plans that are equally specific the first by name is taken",
    );
    check(&[ANY_ALARM, ONE_ACCOUNT], "x", ours, "one-account", "because it constrains 3 fields, and that 2");
    check(&[ANY_ALARM, ONE_ACCOUNT], "x", other, "any-alarm", "matched by plan `any-alarm`");
    check(&[ONE_ACCOUNT], "x", other, "catch-all", "no plan matches");
    let mut nowhere = alarm("x", ours);
    nowhere.account = None;
    assert!(!resolve(&[ONE_ACCOUNT], &nowhere).matched);
}

#[test]
fn of_as_many_fields_the_narrower_wins() {
    let detail = |of: &str| format!("  detail: {{ alarmName: [{of}] }}\n");
    let exact = detail("checkout-errors, checkout-latency");
    let (long, short, tail) =
        (detail("{ prefix: checkout-e }"), detail("{ prefix: check }"), detail("{ suffix: errors }"));
    let wins = |other: (&str, &str), why: &str| {
        let variants = [("a-short", short.as_str(), ""), ("z-best", other.1, ""), ("m-tail", tail.as_str(), "")];
        check(&variants, "checkout-errors", "111122223333", "z-best", why);
    };
    wins(
        ("z-best", &exact),
        "matched by plan `z-best`, over `m-tail` because it gives exact values for 3 fields, and that",
    );
    wins(("z-best", &long), "over `m-tail` because it spells out 10 characters where that does 6; also over `a-short`");
    let many: Vec<(String, String)> = (0..7).map(|n| (format!("plan-{n}"), short.clone())).collect();
    let many: Vec<_> = many.iter().map(|(name, detail)| (name.as_str(), detail.as_str(), "")).collect();
    check(&many, "checkout-errors", "111122223333", "plan-0", "; also over `plan-2`, `plan-3`, `plan-4` and 2 more");
}

#[test]
fn a_resolved_plan_is_complete() {
    let file = file(&[SHIPPED]);
    let Resolution { plan, .. } = load(&file).resolve(&alarm("checkout-errors", "111122223333"));
    assert_eq!(json!(plan.config_sha256), file["config_sha256"]);
    assert_eq!(json!(plan.plan_sha256), file["plans"][0]["plan_sha256"]);
    assert_eq!(plan.team.name, plan.plan.owner);
    assert_eq!(plan.team.escalation.len(), 2);
    assert_eq!(plan.plan.severity, Severity::Sev2);
    assert_eq!(plan.plan.mode, Mode::Act);
    let again = serde_json::from_value(json!(plan)).unwrap();
    assert_eq!(plan, again, "what an incident freezes reads back");
}

/// Of two plans, one damaged: it is left out, and the other goes on.
#[track_caller]
fn damaged(damage: impl FnOnce(&mut Value), plan: &str, reason: &str) {
    let mut file = file(&[SHIPPED, ANY_ALARM]);
    damage(&mut file);
    let plans = load(&file);
    let [disabled] = plans.disabled.as_slice() else { panic!("{:?}", plans.disabled) };
    assert_eq!(disabled.plan, plan);
    assert!(disabled.reason.contains(reason), "{}", disabled.reason);
    assert_eq!(plans.names().collect::<Vec<_>>(), ["any-alarm"]);
    assert_eq!(plans.resolve(&alarm("checkout-errors", "111122223333")).plan.plan.plan, "any-alarm");
    let mut unknown = alarm("x", "111122223333");
    unknown.event = json!({});
    let resolution = plans.resolve(&unknown);
    assert!(!resolution.matched);
    assert!(resolution.why.contains(&format!("disabled, since damaged: `{plan}`")), "{}", resolution.why);
}

#[test]
fn a_damaged_plan_is_left_out_alone() {
    damaged(|file| file["plans"][1]["severity"] = json!("SEV9"), "shipped", "SEV9");
    damaged(|file| file["plans"][1]["recovery"] = Value::Null, "shipped", "damaged");
    damaged(|file| file["plans"][1]["mitigations"][0]["approval"] = json!("auto"), "shipped", "auto");
    damaged(|file| file["plans"][1]["match"] = json!({"detail": {"x": [{"sufix": "y"}]}}), "shipped", "`sufix`");
    damaged(|file| file["plans"][1]["match"] = json!({}), "shipped", "constrains nothing");
    damaged(|file| file["plans"][1]["owner"] = json!("nobody"), "shipped", "`nobody` is not among the teams");
    damaged(|file| file["plans"][1] = json!(7), "number 2", "damaged");
}

#[test]
fn a_damaged_team_takes_its_plans_with_it() {
    for team in [json!({"name": "payments"}), json!({"name": "payments", "escalation": []}), Value::Null] {
        let mut file = file(&[SHIPPED]);
        file["teams"]["payments"] = team;
        let plans = load(&file);
        assert_eq!(plans.disabled.len(), 1);
        assert!(plans.disabled[0].reason.contains("its owner"), "{:?}", plans.disabled);
    }
}

#[track_caller]
fn unusable(bytes: &[u8], part: &str) {
    let message = Plans::load(bytes, TOPIC).unwrap_err().to_string();
    assert!(message.contains(part) && message.contains("plans build"), "{message}");
}

#[test]
fn a_file_that_is_none_is_an_error() {
    unusable(b"", "not JSON");
    unusable(b"\xff\xfe", "not JSON");
    unusable(b"[]", "no version");
    unusable(b"{}", "no version");
    unusable(br#"{"v":2}"#, "of version 2");
    unusable(br#"{"v":1}"#, "damaged");
    unusable(br#"{"v":1,"config_sha256":"","plans":{},"teams":{}}"#, "damaged");
}

#[test]
fn unknown_fields_of_a_later_version_are_ignored() {
    let mut file = file(&[SHIPPED]);
    file["indexed"] = json!(true);
    file["plans"][0]["new"] = json!({"x": 1});
    assert_eq!(load(&file).names().collect::<Vec<_>>(), ["shipped"]);
}

#[test]
fn the_catch_all_pages_the_fallback_and_changes_nothing() {
    let plan = Plans::empty(TOPIC).resolve(&alarm("x", "111122223333")).plan;
    assert_eq!(plan.team, catch_all(TOPIC).team);
    assert_eq!(plan.team.escalation[0].contact.channels, [Channel::new("sns", true, [("topic", TOPIC)])]);
    assert_eq!(plan.team.escalation[0].wait.to_string(), "5m");
    assert_eq!((plan.plan.severity, plan.plan.mode), (Severity::Sev3, Mode::Observe));
    assert!(plan.plan.mitigations.is_empty());
    assert_eq!(plan.config_sha256, sha256_hex(&[]));
    let loaded = load(&file(&[SHIPPED])).resolve(&alarm("x", "111122223333")).plan;
    assert_eq!(loaded.plan_sha256, plan.plan_sha256);
    assert_ne!(loaded.config_sha256, plan.config_sha256);
}

#[test]
fn two_things_that_nobody_owns_are_two_services() {
    let service = |name: &str| Plans::empty(TOPIC).resolve(&alarm(name, "111122223333")).plan.plan.service;
    assert_eq!(service("prod/checkout/5xx"), "prod/checkout/5xx in eu-west-1");
    assert_eq!(service("prod/search/5xx"), "prod/search/5xx in eu-west-1");
}
