//! Plan, then tags, then rules, then the fallback topic; and that nothing damaged stops a page.

use proptest::prelude::*;
use serde_json::{Value, json};
use signal::{Origin, Signal};

use crate::compile::{compile, plan_sha256};
use crate::pattern::Wildcard;
use crate::plans::{Plans, Resolution};
use crate::read::{Source, read};
use crate::samples::KINDS;

const TEAMS: &str = "\
contacts: { c: { sns: { topic: t } } }
teams:
  payments: { escalation: [{ contact: c, wait: 1m }] }
  data-platform: { escalation: [{ contact: c, wait: 1m }] }
  platform: { escalation: [{ contact: c, wait: 1m }] }
";

const OWNERS: &str = "\
rules:
  - { arn: 'arn:aws:rds:*:111122223333:cluster:orders-*', owner: data-platform, service: orders-db, environment: prod }
  - { arn: 'arn:aws:rds:*', owner: platform, service: databases }
";

const ORDERS: &str = "arn:aws:rds:eu-west-1:111122223333:cluster:orders-1";
const OTHER: &str = "arn:aws:rds:eu-west-1:111122223333:cluster:search";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:queue";

/// The compiled file of one plan for alarms, with these lines, or of none.
fn file(plan: Option<&str>, owners: Option<&str>) -> Value {
    let source = |file: &str, text: &str| Source { file: file.into(), bytes: text.into() };
    let mut sources = vec![source("teams.yaml", TEAMS)];
    sources.extend(owners.map(|owners| source("owners.yaml", owners)));
    sources.extend(plan.map(|lines| {
        let text = "plan: p\ntype: t\nmatch: { source: [aws.cloudwatch] }\nseverity: SEV2\n\
                    recovery: { by: signal, held_for: 5m }\n";
        source("p.yaml", &format!("{text}{lines}\n"))
    }));
    serde_json::from_slice(&compile(&read(&sources, &KINDS).unwrap(), "0.1.0").bytes).unwrap()
}

fn load(file: &Value) -> Plans {
    Plans::load(file.to_string().as_bytes(), "arn:aws:sns:eu-west-1:111122223333:fallback").unwrap()
}

fn signal(tags: &[(&str, &str)], resources: &[&str]) -> Signal {
    let event = json!({
        "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "account": "111122223333",
        "region": "eu-west-1", "time": "2026-03-01T10:05:12Z",
        "resources": ["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a"],
        "detail": {"alarmName": "a", "state": {"value": "ALARM", "timestamp": "2026-03-01T10:05:12.000+0000"}},
    });
    let mut signal = signal::read_value(&event, &Origin::default()).remove(0).unwrap();
    signal.tags = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    signal.resources = resources.iter().map(ToString::to_string).collect();
    signal
}

/// What is frozen fits together, whoever owns it.
#[track_caller]
fn sound(resolution: &Resolution) {
    let plan = &resolution.plan;
    assert_eq!(plan.team.name, plan.plan.owner);
    assert_eq!(resolution.owned, plan.plan.owner != "unowned");
    assert!(!plan.team.escalation.is_empty() && !plan.plan.service.is_empty() && !plan.plan.environment.is_empty());
    assert_eq!(plan.plan_sha256, plan_sha256(&plan.plan));
}

/// Owner, service and environment of an alarm, and why. `plan`: its lines; `None` where no plan matches.
#[track_caller]
fn check(plan: Option<&str>, tags: &[(&str, &str)], resources: &[&str], expect: [&str; 3], why: &str) {
    let resolution = load(&file(plan, Some(OWNERS))).resolve(&signal(tags, resources));
    sound(&resolution);
    let of = &resolution.plan.plan;
    assert_eq!([&*of.owner, &*of.service, &*of.environment], expect);
    assert_eq!((resolution.matched, &*of.plan), (plan.is_some(), if plan.is_some() { "p" } else { "catch-all" }));
    let before = if plan.is_some() { "matched by plan `p`" } else { "no plan matches, so the catch-all takes it" };
    assert_eq!(resolution.why, format!("{before}{why}"));
}

const BY_RULE: &str = "; owned by data-platform by the rule of owners.yaml line 2";
const BY_TAG: &str = "; owned by payments by the resource's tag `Owner`";
const NO_TEAM: &str = "; the resource's tag `Owner` names no team";
const NOBODY: &str = "; no tag or rule says whose it is, so the fallback topic is told";
const ALARM: &str = "a in eu-west-1";

#[test]
fn what_the_plan_says_counts_first() {
    let whole = Some("owner: platform\nservice: s\nenvironment: e");
    check(whole, &[], &[], ["platform", "s", "e"], "");
    let tags = [("Owner", "payments"), ("Service", "t"), ("Environment", "t")];
    check(whole, &tags, &[ORDERS], ["platform", "s", "e"], "");
    check(Some("owner: platform"), &tags, &[ORDERS], ["platform", "t", "t"], "");
    check(Some("owner: platform"), &[], &[ORDERS], ["platform", "orders-db", "prod"], "");
    check(Some("owner: platform"), &[], &[], ["platform", ALARM, "unknown"], "");
    check(Some("service: s\nenvironment: e"), &tags, &[ORDERS], ["payments", "s", "e"], BY_TAG);
}

#[test]
fn then_tags_then_rules_then_the_fallback_topic() {
    for plan in [Some(""), None] {
        let all = [("owner", "payments"), ("SERVICE", "checkout"), ("Environment", "live")];
        check(plan, &all, &[ORDERS], ["payments", "checkout", "live"], BY_TAG);
        check(plan, &[("Owner", "PayMents")], &[ORDERS], ["payments", "orders-db", "prod"], BY_TAG);
        check(plan, &[("team", "payments")], &[], ["payments", ALARM, "unknown"], &BY_TAG.replace("Owner", "Team"));
        check(plan, &[("Team", "platform"), ("Owner", "payments")], &[], ["payments", ALARM, "unknown"], BY_TAG);
        check(plan, &[("Owner", "platform"), ("owner", "payments")], &[], ["platform", ALARM, "unknown"], &{
            BY_TAG.replace("payments", "platform")
        });
        // A value that names nobody is passed over, and one that is no name is no service.
        check(plan, &[("Owner", "ada@example.org"), ("Team", "payments")], &[], ["payments", ALARM, "unknown"], &{
            BY_TAG.replace("Owner", "Team") + NO_TEAM
        });
        check(plan, &[("Owner", "nobody")], &[ORDERS], ["data-platform", "orders-db", "prod"], &{
            BY_RULE.to_owned() + NO_TEAM
        });
        check(plan, &[("Service", "a b")], &[ORDERS], ["data-platform", "orders-db", "prod"], BY_RULE);
        // The first resource that a rule is for.
        check(plan, &[], &[QUEUE, ORDERS], ["data-platform", "orders-db", "prod"], BY_RULE);
        let platform = BY_RULE.replace("data-platform", "platform").replace("line 2", "line 3");
        check(plan, &[], &[OTHER, ORDERS], ["platform", "databases", "unknown"], &platform);
    }
    check(Some(""), &[], &[QUEUE], ["unowned", ALARM, "unknown"], NOBODY);
    check(Some(""), &[("Service", "s")], &[], ["unowned", "s", "unknown"], NOBODY);
    check(Some(""), &[("Owner", "x")], &[], ["unowned", ALARM, "unknown"], &(NOBODY.to_owned() + NO_TEAM));
    check(None, &[], &[QUEUE], ["unowned", ALARM, "unknown"], "");
    // What nobody owns is not put together: each failing thing pages.
    check(None, &[("Service", "s"), ("Environment", "e")], &[], ["unowned", ALARM, "unknown"], "");
    check(None, &[("Owner", "x")], &[], ["unowned", ALARM, "unknown"], NO_TEAM);
}

#[test]
fn names_of_tags_can_be_chosen_and_have_defaults() {
    let owner = |owners: Option<&str>, tag| {
        load(&file(None, owners)).resolve(&signal(&[(tag, "payments")], &[])).plan.plan.owner
    };
    assert_eq!(owner(None, "Team"), "payments", "without the file, too");
    assert_eq!(owner(Some("tags: { owner: [squad] }\n"), "Squad"), "payments");
    assert_eq!(owner(Some("tags: { owner: [squad] }\n"), "Team"), "unowned");
    assert_eq!(owner(Some("tags: { owner: [] }\n"), "Team"), "unowned");
}

#[test]
fn an_owned_catch_all_changes_nothing_and_pages_its_owner() {
    let plan = load(&file(None, Some(OWNERS))).resolve(&signal(&[], &[ORDERS])).plan;
    assert_eq!((plan.plan.severity, plan.plan.mitigations.len()), (crate::Severity::Sev3, 0));
    assert_eq!(plan.team.escalation[0].contact.name, "c");
    assert_eq!(serde_json::from_value::<crate::ResolvedPlan>(json!(plan)).unwrap(), plan);
}

#[test]
fn only_the_first_resources_are_looked_up() {
    let plans = load(&file(None, Some(OWNERS)));
    let owner = |before: usize| {
        let mut resources = vec![QUEUE; before];
        resources.push(ORDERS);
        plans.resolve(&signal(&[], &resources)).plan.plan.owner
    };
    assert_eq!((&*owner(99), &*owner(100)), ("data-platform", "unowned"));
}

/// As if the damaged part were not there, and it is said.
#[track_caller]
fn damaged(damage: impl FnOnce(&mut Value), reason: &str) {
    let mut file = file(Some(""), Some(OWNERS));
    damage(&mut file);
    let plans = load(&file);
    let [disabled] = plans.disabled.as_slice() else { panic!("{:?}", plans.disabled) };
    assert_eq!(disabled.plan, "owners.yaml");
    assert!(disabled.reason.contains(reason), "{}", disabled.reason);
    let resolution = plans.resolve(&signal(&[], &[ORDERS]));
    sound(&resolution);
    assert_eq!((resolution.matched, resolution.owned), (true, false));
    assert!(resolution.why.ends_with("; disabled, since damaged: `owners.yaml`"), "{}", resolution.why);
    assert_eq!(plans.resolve(&signal(&[("Team", "payments")], &[])).plan.plan.owner, "payments");
}

#[test]
fn what_is_damaged_says_so_and_stops_no_page() {
    for owners in [json!(7), json!([7]), json!({"rules": 7}), json!({"tags": {"owner": 7}}), json!({"tags": {}})] {
        damaged(|file| file["owners"] = owners, "it is damaged (");
    }
    damaged(|file| file["owners"]["rules"][1]["arn"] = json!("a**b"), "two stars");
    damaged(|file| file["owners"]["rules"][0]["owner"] = json!(null), "it is damaged (");
    let rule = "of the rule in line 2: its owner";
    damaged(|file| file["teams"]["data-platform"] = json!(null), rule);
    damaged(|file| file["teams"]["data-platform"]["escalation"] = json!([]), rule);
    damaged(|file| file["owners"]["rules"][0]["owner"] = json!("gone"), "`gone` is not among the teams");
}

#[test]
fn lines_are_for_messages_alone() {
    for lines in [Value::Null, json!("x"), json!([2, "x"]), json!([])] {
        let mut file = file(None, Some(OWNERS));
        file["owner_lines"] = lines;
        let plans = load(&file);
        assert_eq!(plans.disabled, []);
        let why = plans.resolve(&signal(&[], &[ORDERS])).why;
        assert!(why.ends_with("; owned by data-platform by a rule of owners.yaml"), "{why}");
    }
}

#[test]
fn of_a_damaged_team_the_reason_is_said() {
    let mut file = file(Some(""), Some(OWNERS));
    file["teams"]["payments"] = json!(7);
    let why = load(&file).resolve(&signal(&[("Owner", "payments")], &[ORDERS])).why;
    let would =
        "; it would be owned by payments, whose record is damaged, by the resource's tag `Owner`, so the fallback";
    assert!(why.contains(would), "{why}");
}

/// The longest way to match, which no clever step shortens.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|n| naive(rest, &text[n..])),
        Some((c, rest)) => text.first() == Some(c) && naive(rest, &text[1..]),
    }
}

fn one_of(names: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(names)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stars_match_as_the_plainest_matcher_does(pattern in "([ab:]|\\*[ab:]){0,8}\\*?", text in "[ab:]{0,12}") {
        let expect = naive(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
        prop_assert_eq!(Wildcard::of(&pattern).unwrap().matches(&text), expect, "{} on {}", pattern, text);
    }

    #[test]
    fn plan_before_tags_before_rules_before_nobody(
        planned in prop::option::of(one_of(&["payments", "platform"])),
        is_matched in any::<bool>(),
        tags in prop::collection::vec((one_of(&["Owner", "team", "TEAM", "x"]), one_of(&["platform", "payments", "?"])), 0..4),
        resources in prop::collection::vec(one_of(&[ORDERS, OTHER, QUEUE]), 0..4),
    ) {
        let lines = planned.map_or(String::new(), |owner| format!("owner: {owner}"));
        let plans = load(&file(is_matched.then_some(&*lines), Some(OWNERS)));
        let signal = signal(&tags, &resources);
        let tagged = ["Owner", "TEAM", "team"].iter().filter_map(|name| signal.tags.get(*name));
        let by_tag = tagged.map(String::as_str).find(|value| *value != "?");
        let by_rule = resources.iter().find_map(|arn| match *arn {
            ORDERS => Some("data-platform"),
            OTHER => Some("platform"),
            _ => None,
        });
        let by_plan = planned.filter(|_| is_matched);
        let resolution = plans.resolve(&signal);
        sound(&resolution);
        prop_assert_eq!(&*resolution.plan.plan.owner, by_plan.or(by_tag).or(by_rule).unwrap_or("unowned"));
        prop_assert!(!resolution.why.contains('?'), "{}", resolution.why);
    }

    #[test]
    fn any_damage_pages_somebody(
        place in one_of(&["", "/tags", "/tags/owner", "/tags/owner/0", "/rules", "/rules/0", "/rules/0/arn", "/rules/1/owner"]),
        put in prop_oneof![
            Just(Value::Null), Just(json!({})), Just(json!([])), Just(json!([7])), any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ],
        plan in prop::option::of(Just("")),
    ) {
        let mut file = file(plan, Some(OWNERS));
        *file["owners"].pointer_mut(place).unwrap() = put;
        let plans = load(&file);
        prop_assert!(plans.disabled.iter().all(|disabled| disabled.plan == "owners.yaml"));
        sound(&plans.resolve(&signal(&[("Team", "payments")], &[ORDERS, QUEUE])));
        sound(&plans.resolve(&signal(&[], &[ORDERS, QUEUE])));
    }

    #[test]
    fn any_text_as_the_file(text in "[-a-z:{}\\[\\],&*!|>'\"#%@?<~ \n\t0-9.]{0,120}", at in 0..OWNERS.len(), put in ".{0,8}") {
        let mut cut = OWNERS.to_owned();
        if cut.is_char_boundary(at) {
            cut.insert_str(at, &put);
        }
        for text in [text, cut] {
            let sources = [("teams.yaml", TEAMS), ("owners.yaml", &*text)];
            let sources = sources.map(|(file, text)| Source { file: file.into(), bytes: text.into() });
            for error in read(&sources, &KINDS).err().into_iter().flat_map(|errors| errors.0) {
                prop_assert!(!error.message.is_empty() && !error.remedy.is_empty());
                prop_assert!(error.file == "owners.yaml", "{error}");
            }
        }
    }
}
