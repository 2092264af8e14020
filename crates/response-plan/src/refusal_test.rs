//! What the reader accepts and what it refuses, with the words and the places.

use crate::error::PlanErrors;
use crate::plan::Channel;
use crate::read::{Config, Source, read};
use crate::samples::{KINDS, PLAN, TEAMS};

pub(crate) fn read_both(plan: &str, teams: &str) -> Result<Config, PlanErrors> {
    let source = |file: &str, text: &str| Source { file: file.into(), bytes: text.into() };
    read(&[source("p/a.yaml", plan), source("p/teams.yaml", teams)], &KINDS)
}

fn read_all(sources: &[Source]) -> Result<Config, PlanErrors> {
    read(sources, &KINDS)
}

/// The text with one line, found by how it begins, replaced.
#[track_caller]
fn with(text: &str, begins: &str, line: &str) -> String {
    assert_eq!(text.lines().filter(|l| l.trim_start().starts_with(begins)).count(), 1, "one line begins with {begins}");
    let changed = text.lines().map(|l| if l.trim_start().starts_with(begins) { line } else { l });
    changed.collect::<Vec<_>>().join("\n") + "\n"
}

#[track_caller]
pub(crate) fn says(result: Result<Config, PlanErrors>, place: &str, message: &str, remedy: &str) {
    let errors = result.unwrap_err();
    let [error] = errors.0.as_slice() else { panic!("one error expected:\n{errors}") };
    let shown = error.to_string();
    assert!(shown.starts_with(&format!("{place}: ")), "not at {place}:\n{shown}");
    assert!(error.message.contains(message), "not `{message}`:\n{shown}");
    assert!(error.remedy.contains(remedy), "not `{remedy}`:\n{shown}");
}

/// The shipped plan with one line replaced.
#[track_caller]
pub(crate) fn refused(begins: &str, line: &str, place: &str, message: &str, remedy: &str) {
    says(read_both(&with(PLAN, begins, line), TEAMS), &format!("p/a.yaml:{place}"), message, remedy);
}

/// The shipped teams with one line replaced.
#[track_caller]
fn refused_team(begins: &str, line: &str, place: &str, message: &str, remedy: &str) {
    let plan = with(PLAN, "owner:", "owner: other");
    let teams = with(TEAMS, begins, line) + "  other: { escalation: [{ contact: payments-lead, wait: 1m }] }\n";
    says(read_both(&plan, &teams), &format!("p/teams.yaml:{place}"), message, remedy);
}

#[test]
fn the_shipped_plan_and_its_forms_are_accepted() {
    let config = read_both(PLAN, TEAMS).unwrap();
    assert_eq!(config.plans.len(), 1);
    let same = |begins, line| assert_eq!(read_both(&with(PLAN, begins, line), TEAMS).unwrap(), config, "{line}");
    same("severity:", "severity: { default: SEV2 }");
    same("engage:", "hold_down: 0s");
    same("engage:", "reopen_within: 0s");
    same("datapoints:", "      datapoints: 3\n      period: 60s\n    verify_within: 10m");
    let accounts = read_both(&with(PLAN, "engage:", "accounts: [\"111122223333\", 011122223333]"), TEAMS).unwrap();
    assert_eq!(accounts.plans[0].accounts, ["111122223333", "011122223333"]);
}

#[test]
fn a_rule_that_raises_says_when_and_to_what() {
    let raise = |rule: &str| format!("severity: {{ default: SEV2, raise: [{{ {rule} }}] }}");
    let rule = "when: { distinct_services_at_least: 2, within: 10m }, to: SEV1";
    let read = read_both(&with(PLAN, "severity:", &raise(rule)), TEAMS).unwrap();
    let when = crate::RaiseWhen { distinct_services_at_least: 2, within: "10m".parse().unwrap() };
    assert_eq!(read.plans[0].raise, [crate::Raise { when, to: crate::Severity::Sev1 }]);
    for (from, to, place, message, remedy) in [
        ("least: 2", "least: 1", "13:74", "`distinct_services_at_least: 1`", "write at least 2"),
        ("10m", "0s", "13:85", "`within: 0s`", "such as `within: 10m`"),
        ("10m", "2h", "13:85", "`within: 2h`", "up to 1h"),
        ("SEV1", "SEV2", "13:96", "`to: SEV2` is no worse than the default, SEV2", "such as SEV1"),
        ("SEV1", "SEV0", "13:96", "`SEV0` is no value of `to`", "SEV"),
        (", to: SEV1", "", "13:38", "`to` is missing", "say what it rises to"),
        (", within: 10m", "", "13:46", "`within` is missing", "say within which time"),
        ("within: 10m", "within: 10m, accounts: 2", "13:90", "accounts", ""),
    ] {
        refused("severity:", &raise(&rule.replace(from, to)), place, message, remedy);
    }
}

#[test]
fn what_comes_later_is_refused_by_name() {
    let later = "is not supported yet";
    for (field, shown) in [
        ("second_team: { owner: x }", "second_team"),
        ("flapping: { at: 3 }", "flapping"),
        ("storm: 10", "storm"),
        ("digest: daily", "digest"),
    ] {
        refused("engage:", field, "14:1", &format!("`{shown}` {later}"), "remove it");
    }
    for field in ["mutes", "mute"] {
        let line = format!("{field}: []");
        refused("engage:", &line, "14:1", &format!("`{field}` is not a field here"), "write it into mutes.yaml beside");
    }
    refused("engage:", "hold_down: 45m", "14:12", "`hold_down: 45m` is longer than 15m", "the alarm itself");
    refused("engage:", "reopen_within: 2d", "14:16", "`reopen_within: 2d` is longer than 1d", "a new incident");
    let none = "a plan that only notifies proposes no mitigations";
    refused("engage:", "engage: notify", "17:5", none, "write `engage: page`");
    for by in ["probe", "metric", "quiet"] {
        let line = format!("recovery: {{ by: {by}, held_for: 5m }}");
        refused("recovery:", &line, "24:17", &format!("`recovery.by: {by}` {later}"), "`signal` or `person`");
    }
    for approval in ["auto", "two-person"] {
        let line = format!("    approval: {approval}");
        refused("approval:", &line, "18:15", &format!("`approval: {approval}` {later}"), "write `owner`");
    }
    refused("before:", "  dashboards: [checkout]", "26:3", "`evidence.dashboards` is not supported yet", "remove it");
    refused("before:", "  traces: fault", "26:3", "`evidence.traces` is not supported yet", "remove it");
    for kind in ["ssm-automation: { document: Drain }", "disable-flag: { flag: x }", "scale: { to: 3 }"] {
        let name = kind.split(':').next().unwrap();
        let line = format!("  - {kind}");
        refused("- rollback", &line, "17:5", &format!("there is no mitigation `{name}`"), "`rollback-lambda-alias`");
    }
    refused_team(
        "- { contact: payments-l",
        "    schedule: weekly",
        "16:5",
        "`schedule` is not supported yet",
        "remove",
    );
}

#[test]
fn operators_are_refused_where_they_stand() {
    for (operator, place, message, remedy) in [
        ("sufix: x", "8:29", "`sufix` is not an operator", "did you mean `suffix`?"),
        ("regex: x", "8:29", "`regex` is not an operator", "`anything-but`"),
        ("numeric: ['>', x]", "8:29", "`numeric` is not a list of comparisons", "{ numeric: ['>', 0, '<=', 5] }"),
        ("wildcard: 'x**'", "8:29", "two stars follow each other", "write one"),
        ("cidr: 10.0.0.0", "8:29", "this is no block of addresses", "10.0.0.0/8"),
        ("prefix: { sufix: x }", "8:39", "`sufix` is not an operator that can stand here", "`equals-ignore-case`"),
        ("anything-but: { prefx: x }", "8:45", "`prefx` is not an operator", "did you mean `prefix`?"),
        ("anything-but: [x, 1]", "8:29", "not all of these are texts", "[a, b]"),
    ] {
        let line = format!("    alarmName: [checkout, {{ {operator} }}]");
        refused("alarmName:", &line, place, message, remedy);
    }
    for operator in [
        "suffix: x",
        "anything-but: { wildcard: ['*-test', 'x-*'] }",
        "numeric: ['>', 1, <=, 2.5]",
        "exists: false",
        "wildcard: 'x*'",
        "cidr: 10.0.0.0/8",
        "prefix: { equals-ignore-case: X }",
        "equals-ignore-case: X",
    ] {
        let line = format!("    alarmName: [checkout, {{ {operator} }}]");
        assert!(read_both(&with(PLAN, "alarmName:", &line), TEAMS).is_ok(), "{operator}");
    }
    refused("alarmName:", "    $or: [{ alarmName: [x] }]", "8:5", "fewer than two alternatives", "write `$or: [{ … }");
    let twice = "    alarmName: [x]\n    $or: [{ n: [1] }, { alarmName: [y] }]";
    refused("alarmName:", twice, "8:5", "`detail.alarmName` is asked for twice", "in one list");
    refused("source:", "  source: aws.cloudwatch", "5:3", "outside a list", "`source: [aws.cloudwatch]`");
    refused("source:", "  account: [111122223333]", "5:3", "`account` of an event is text", "quotation marks");
    refused("alarmName:", "    n: [.nan]", "8:9", "no event holds such a number", "finite");
}

#[test]
fn what_is_missing_or_mistyped_is_said() {
    refused("owner:", "onwer: payments", "12:1", "`onwer` is not a field here", "did you mean `owner`?");
    refused("owner:", "owner: paiments", "12:8", "there is no team `paiments`", "did you mean `payments`?");
    refused("engage:", "colour: red", "14:1", "`colour` is not a field here", "`plan`, `type`");
    refused("severity:", "severity: SEV6", "13:11", "`SEV6` is no value of `severity`", "did you mean `SEV1`?");
    refused("severity:", "severity: [SEV2]", "13:1", "a severity such as SEV2", "");
    refused("mode:", "mode: obsrve", "15:7", "`obsrve` is no value of `mode`", "did you mean `observe`?");
    refused("recovery:", "", "2:7", "must say when the incident counts as recovered", "held_for: 5m");
    refused("recovery:", "recovery: { by: signal, held_for: 5 }", "24:35", "`5` is not a length of time", "write a");
    refused("type:", "", "28:1", "`type` is missing", "`type: bad-deployment`");
    refused("service:", "environment: prod", "10:1", "`environment` stands here twice", "keep one");
    refused("service:", "service: a b", "9:10", "`a b` cannot be a name", "letters");
    refused("service:", "service: { a: 1 }", "9:10", "text is expected here", "");
    refused("plan:", "plan: catch-all", "2:7", "built in", "another name");
    refused("customer_facing:", "customer_facing: yes", "11:18", "neither true nor false", "true or false");
    refused("engage:", "accounts: [12]", "14:12", "this is no account id", "12 digits");
    refused("- rollback", "  -", "18:5", "does not say what to do", "rollback-lambda-alias");
    refused("guards:", "    guards: { max_targets: 1 }", "19:13", "`change_within` is missing", "change_within: 60m");
    refused("guards:", "    guards: { change_within: 1h, max_targets: 0 }", "19:47", "nothing can ever be done", "1");
    refused("datapoints:", "      datapoints: 30", "23:19", "30 datapoints of 1m do not fit into 10m", "verify_within");
    let long = "      datapoints: 3\n    verify_within: 11m";
    refused("datapoints:", long, "24:20", "`verify_within: 11m` is too long", "write 10m or less");
    refused("datapoints:", "      datapoints: 0", "23:19", "no datapoint proves nothing", "3");
    let period = "      datapoints: 3\n      period: 45s";
    refused("datapoints:", period, "24:15", "no period of 45s", "whole minutes");
    refused("at_least:", "      at_least: .inf", "22:17", "no datapoint reaches", "10");
    refused(
        "- rollback",
        "  - rollback-lambda-alias: { function: checkout, alias: '7' }",
        "17:57",
        "`7` is no alias",
        "bare name",
    );
    refused("type:", "type: [", "3:7", "text is expected here", "write text");
    refused("type:", "type: '", "3:7", "unclosed quote", "correct the YAML");
    refused("type:", "type:", "3:5", "the value is missing", "write it");
    refused("at_least:", "      at_least: many", "22:17", "this is not a number", "");
    says(read_both("", TEAMS), "p/a.yaml:1:1", "the file is empty", "delete the file");
    says(read_both("- a\n", TEAMS), "p/a.yaml:1:1", "a mapping is expected here", "");
    says(read_both(&format!("{PLAN}---\na: 1\n"), TEAMS), "p/a.yaml:30:1", "second document", "one plan a file");
}

#[test]
fn a_kind_is_read_by_its_own_declaration() {
    let begins = "- rollback";
    let line = |kind: &str| format!("  - {kind}");
    let near = line("rolback-lambda-alias: { function: checkout, alias: live }");
    refused(begins, &near, "17:5", "no mitigation `rolback-lambda-alias`", "did you mean `rollback-lambda-alias`?");
    let near = line("rollback-lambda-alias: { funktion: checkout, function: x, alias: live }");
    refused(begins, &near, "17:30", "`funktion` is not a field here", "did you mean `function`?");
    let without = line("rollback-lambda-alias: { function: checkout }");
    refused(
        begins,
        &without,
        "17:28",
        "`alias` is missing in `rollback-lambda-alias`",
        "name the alias: `alias: live`",
    );
    refused(begins, &line("rollback-lambda-alias: checkout"), "17:28", "a mapping is expected", "alias: live }`");
    refused(begins, &line("rollback-lambda-alias: { function: [x], alias: live }"), "17:40", "text is expected", "");
    refused(begins, &line("rollback-lambda-alias: { function: , alias: live }"), "17:38", "the value is missing", "");
    let both = line("rollback-lambda-alias: { function: a, alias: b }\n    reduce: { function: a }");
    refused(begins, &both, "18:5", "one mitigation does two things", "an entry of its own");
    refused(begins, &line("reduce: { function: a }"), "19:30", "`change_within` means nothing here", "remove it");
    let plan =
        with(&with(PLAN, begins, &line("reduce: { function: a, to: 0 }")), "guards:", "    guards: { max_targets: 1 }");
    let read = read_both(&plan, TEAMS).unwrap();
    let mitigation = &read.plans[0].mitigations[0];
    assert_eq!((mitigation.kind.as_str(), mitigation.does.as_str()), ("reduce", "do something to a"));
    assert_eq!((mitigation.with["to"].as_str(), mitigation.guards.change_within), ("0", None));
}

#[test]
fn teams_are_checked() {
    let contact = |rest: &str| format!("  payments-lead: {rest}\n  spare:");
    let lead = "payments-lead:";
    refused_team(
        lead,
        &contact("{ time_zone: Europe/Berlin }"),
        "7:18",
        "how `payments-lead` can be reached",
        "sns: { topic",
    );
    refused_team(lead, &contact("{ snss: { topic: a } }"), "7:20", "there is no channel `snss`", "did you mean `sns`?");
    refused_team(lead, &contact("{ email: a@example.org }"), "7:20", "`email` is not supported yet", "remove it");
    refused_team(lead, &contact("{ time_zone: ../x, sns: { topic: a } }"), "7:31", "no time zone", "IANA");
    refused_team(lead, &contact("{ slack: { channel: C0 } }"), "7:27", "`token` is missing", "name the secret");
    let step = "- { contact: payments-l";
    refused_team(
        step,
        "      - { contact: payment-lead, wait: 1m }",
        "16:20",
        "no contact `payment-lead`",
        "payments-lead",
    );
    refused_team(step, "      - { contact: payments-lead }", "16:11", "`wait` is missing", "wait: 5m");
    refused_team(
        step,
        "  'a b': { escalation: [{ contact: payments-lead, wait: 1m }] }",
        "16:10",
        "cannot be a name",
        "",
    );
    refused_team(step, "  empty: { escalation: [] }", "16:24", "an escalation of 0 steps", "1 to 10");
    let steps = "      - { contact: payments-lead, wait: 1m }\n".repeat(10);
    refused_team(step, &steps, "15:7", "an escalation of 11 steps", "1 to 10");
}

#[test]
fn a_token_is_refused_and_never_shown() {
    for token in ["xoxb-123-Secret", "XOXP-1-Secret", "xapp-1-Secret"] {
        let line = format!("  payments-lead: {{ slack: {{ channel: C0, token: {token} }} }}\n  spare:");
        refused_team("payments-lead:", &line, "7:49", "a token stands in the file", "write the name of a secret");
        let unknown = line.replace("token:", "tocken:");
        let shown = read_both(PLAN, &with(TEAMS, "payments-lead:", &unknown)).unwrap_err().to_string();
        assert!(!shown.contains(token), "{shown}");
    }
}

#[test]
fn a_routing_key_is_refused_and_never_shown() {
    let key = "R0123456789abcdefghijklmnopqrstu";
    let line = format!("  payments-lead: {{ slack: {{ channel: C0, token: {key} }} }}\n  spare:");
    refused_team("payments-lead:", &line, "7:49", "a token stands in the file", "write the name of a secret");
    let shown = read_both(PLAN, &with(TEAMS, "payments-lead:", &line)).unwrap_err().to_string();
    assert!(shown.contains(&"*".repeat(32)) && !shown.contains(key), "{shown}");
}

#[test]
fn channels_come_in_the_order_of_their_kinds() {
    let line = "  payments-lead: { slack: { channel: C0, token: tourniquet/slack }, sns: { topic: a } }\n  spare:";
    let config = read_both(PLAN, &with(TEAMS, "payments-lead:", line)).unwrap();
    let channels = &config.teams["payments"].escalation[1].contact.channels;
    let slack = Channel::new("slack", false, [("channel", "C0"), ("token", "tourniquet/slack")]);
    assert_eq!(channels[..], [Channel::new("sns", true, [("topic", "a")]), slack]);
    let compiled = serde_json::json!(channels);
    assert_eq!(compiled[0], serde_json::json!({"sns": {"topic": "a"}, "wakes": true}));
    assert_eq!(serde_json::from_value::<Vec<Channel>>(compiled).unwrap(), *channels);
    assert!(serde_json::from_str::<Channel>(r#"{"sns": {}, "slack": {}}"#).is_err());
}

#[test]
fn the_errors_of_all_files_are_shown_together() {
    let source = |file: &str, text: &str| Source { file: file.into(), bytes: text.into() };
    let errors = read_all(&[
        source("p/a.yaml", &with(&with(PLAN, "severity:", "severity: bad"), "mode:", "mode: bad")),
        source("p/b.yaml", "plan: ["),
        source("p/c.yml", PLAN),
        source("p/d.yaml", PLAN),
        source("p/mutes.yaml", PLAN),
        source("p/teams.yaml", "team: {}"),
        Source { file: "p/x.yaml".into(), bytes: vec![b'a', 0xff] },
    ])
    .unwrap_err();
    let shown: Vec<String> = errors.0.iter().map(|e| format!("{}:{}", e.file, e.line)).collect();
    let expect = [
        "p/a.yaml:13",
        "p/a.yaml:15",
        "p/b.yaml:1",
        "p/c.yml:1",
        "p/d.yaml:2",
        "p/mutes.yaml:2",
        "p/teams.yaml:1",
        "p/x.yaml:1",
    ];
    for place in expect {
        assert!(shown.iter().any(|s| s == place), "{place} is missing:\n{errors}");
    }
}
