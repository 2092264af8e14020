//! The schemas in `docs` judge files as the reader of plans does, by somebody else's validator and YAML reader.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use response_plan::{Kinds, Source, read as read_plans};
use xtask::say::Progress;
use xtask::tools;
use xtask::workspace::Workspace;

use crate::repository::{found, none, read, root};

const PLANS: &str = "docs/response-plan.schema.json";
const TEAMS: &str = "docs/teams.schema.json";
const OWNERS: &str = "docs/owners.schema.json";
const MUTES: &str = "docs/mutes.schema.json";
const PLAN: &str = "response-plans/checkout-bad-deployment.yaml";

/// Installed once, whichever test comes first: they run side by side.
static PYTHON: LazyLock<PathBuf> =
    LazyLock::new(|| tools::install(&Workspace::here(), Progress::new(true)).unwrap().python());

/// What is wrong with each of the files by the schema.
fn judged(schema: &str, files: &[PathBuf]) -> Vec<Vec<String>> {
    let script = root().join("tests/contracts/validate.py");
    let said = Command::new(&*PYTHON).arg(script).arg(root().join(schema)).args(files).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let lines = String::from_utf8(said.stdout).unwrap();
    let judged: Vec<_> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(judged.len(), files.len());
    judged
}

/// The YAML files of a folder: the plans, and `teams.yaml`. None has `owners.yaml`, which need not be there.
fn folder(name: &str) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries = fs::read_dir(root().join(name)).unwrap().map(|entry| entry.unwrap().path());
    let yaml = entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    yaml.partition(|path| !path.ends_with("teams.yaml"))
}

#[test]
fn every_plan_of_the_repository_is_valid() {
    let (mut plans, mut teams) = folder("response-plans");
    let more = folder("tests/plans");
    plans.extend(more.0);
    teams.extend(more.1);
    assert!(plans.len() >= 6 && teams.len() == 2, "{plans:?} {teams:?}");
    for (schema, files) in [(PLANS, plans), (TEAMS, teams)] {
        let judged = judged(schema, &files);
        let shown = files.iter().zip(&judged).filter(|(_, wrong)| !wrong.is_empty());
        none(&shown.map(|(file, wrong)| format!("{}: {wrong:?}", file.display())).collect::<Vec<_>>());
    }
}

/// The plans that people get first show their editor the way to the schema.
#[test]
fn shipped_plans_name_their_schema() {
    let (plans, teams) = folder("response-plans");
    for (schema, files) in [(PLANS, plans), (TEAMS, teams)] {
        for file in files {
            let first = format!("# yaml-language-server: $schema=../{schema}");
            assert_eq!(fs::read_to_string(&file).unwrap().lines().next(), Some(&*first), "{}", file.display());
        }
    }
}

/// Whether the plan's own reader takes it, beside the shipped teams.
fn is_taken(file: &str, text: &str) -> bool {
    let kinds = Kinds {
        mitigations: &remediate::KINDS.map(|kind| &kind.plan),
        channels: &notify::KINDS.map(|kind| &kind.plan),
        collectors: &capture_evidence::KINDS.map(|kind| &kind.plan),
    };
    let source = |file: &str, text: &str| Source { file: file.to_owned(), bytes: text.into() };
    let mut sources = vec![source(file, text)];
    if file == "mutes.yaml" {
        sources.push(source("plan.yaml", &read(PLAN)));
    }
    if file != "teams.yaml" {
        sources.push(source("teams.yaml", &read("response-plans/teams.yaml")));
    }
    read_plans(&sources, &kinds).is_ok()
}

/// Judges the file with one line replaced, for each of the lines; both, the schema and the reader, must say the same.
fn check(schema: &str, file: &str, lines: &[(&str, &str, Option<&str>)]) {
    let text = read(file);
    let name = Path::new(file).file_name().unwrap().to_str().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (n, (begins, line, wrong)) in lines.iter().enumerate() {
        assert_eq!(text.lines().filter(|l| l.trim_start().starts_with(begins)).count(), 1, "{begins}");
        let changed = text.lines().map(|l| if l.trim_start().starts_with(begins) { line } else { l });
        let changed = changed.collect::<Vec<_>>().join("\n") + "\n";
        assert_eq!(is_taken(name, &changed), wrong.is_none(), "the reader, of `{line}`");
        files.push(dir.path().join(format!("{n}.yaml")));
        fs::write(&files[n], changed).unwrap();
    }
    for ((_, line, wrong), judged) in lines.iter().zip(judged(schema, &files)) {
        match wrong {
            Some(part) => found(&judged, part),
            None => assert!(judged.is_empty(), "the schema, of `{line}`: {judged:?}"),
        }
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let rollback = "  - rollback-lambda-alias: { function: checkout, alias: live }";
    let both = format!("{rollback}\n    reduce-reserved-concurrency: {{ function: checkout, to: 1 }}");
    check(
        PLANS,
        PLAN,
        &[
            ("owner:", "onwer: payments", Some("'onwer' was unexpected")),
            ("type:", "", Some("'type' is a required property")),
            ("recovery:", "", Some("'recovery' is a required property")),
            ("severity:", "severity: SEV6", Some("'SEV6' is not")),
            ("severity:", "severity: { default: high }", Some("is not valid under any")),
            ("service:", "service: [checkout]", Some("is not of type 'string', 'number'")),
            ("service:", "service: a b", Some("'a b' does not match")),
            ("customer_facing:", "customer_facing: yes", Some("'yes' is not of type 'boolean'")),
            ("mode:", "mode: on", Some("'on' is not one of")),
            ("engage:", "accounts: [\"12\"]", Some("'12' does not match")),
            ("- rollback", "  - rollback-lambda: { function: checkout }", Some("'rollback-lambda' was unexpected")),
            ("- rollback", "  - rollback-lambda-alias: { function: checkout }", Some("'alias' is a required")),
            ("- rollback", "  - rollback-lambda-alias: { name: c, function: c, alias: l }", Some("'name' was unexp")),
            ("- rollback", "  - rollback-lambda-alias: checkout", Some("is not of type 'object'")),
            ("- rollback", &both, Some("is valid under each of")),
            ("guards:", "    guards: { max_targets: 1 }", Some("'change_within' is a required property")),
            ("guards:", "    guards: { change_within: 1h, max_targets: 0 }", Some("0 is less than the minimum")),
            ("at_least:", "      at_least: many", Some("'many' is not of type 'number'")),
            ("recovery:", "recovery: { by: signal, held_for: 5 }", Some("5 is not of type 'string'")),
            ("recovery:", "recovery: { by: signal, held_for: 5min }", Some("'5min' does not match")),
            ("alarmName:", "    alarmName: checkout", Some("'checkout' is not of type 'array', 'object'")),
            ("alarmName:", "    alarmName: [{ sufix: x }]", Some("'sufix' was unexpected")),
            ("alarmName:", "    alarmName: [{ prefix: a, suffix: b }]", Some("has too many properties")),
            ("alarmName:", "    alarmName: [[a]]", Some("is not of type")),
            ("alarmName:", "    $or: [{ alarmName: [x] }]", Some("is too short")),
            ("source:", "  sorce: [aws.cloudwatch]", Some("'sorce'")),
            ("source:", "  account: [111122223333]", Some("is not of type 'string', 'object'")),
        ],
    );
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let operators = "    alarmName: [a, 1, true, null, { prefix: a }, { suffix: { equals-ignore-case: a } }, { wildcard: 'a*' }, \
                     { anything-but: [a, b] }, { anything-but: 3 }, { anything-but: { wildcard: ['a*', b] } }, \
                     { equals-ignore-case: on }, { numeric: ['>', 0, '<=', 5.5] }, { cidr: '10.0.0.0/8' }, { exists: false }]";
    check(
        PLANS,
        PLAN,
        &[
            ("service:", "service: checkout", None),
            ("owner:", "", None),
            ("service:", "", None),
            ("environment:", "", None),
            ("severity:", "severity: { default: SEV1 }", None),
            // Words that are not what they are in YAML 1.1.
            ("environment:", "environment: no", None),
            ("environment:", "environment: off", None),
            ("service:", "service: 404", None),
            ("type:", "type: 012", None),
            ("engage:", "accounts: [\"011122223333\", 011122223333]", None),
            ("engage:", "hold_down: 0s", None),
            ("recovery:", "recovery: { by: person, held_for: 0s }", None),
            ("datapoints:", "      datapoints: 1\n      period: 30s", None),
            ("- rollback", "  - rollback-lambda-alias: { function: 404, alias: live }", None),
            ("alarmName:", operators, None),
            ("alarmName:", "    $or: [{ a: [x] }, { b: { c.d: [y] }, $or: [{ e: [1] }, { f: [null] }] }]", None),
            ("source:", "  detail.a.b: [1]\n  account: [\"111122223333\"]\n  resources: [{ prefix: 'arn:' }]", None),
            ("source:", "  $or: [{ source: [a] }, { detail.x: [y] }]", None),
        ],
    );
}

#[test]
fn the_schema_of_teams_says_the_same_as_its_reader() {
    let steps = "      - { contact: payments-on-call, wait: 5m }\n".repeat(10);
    check(
        TEAMS,
        "response-plans/teams.yaml",
        &[
            ("payments-lead:", "  payments-lead:\n    time_zone: Europe/Berlin", None),
            ("payments-lead:", "  payments-lead:\n    time_zone: ../Berlin", Some("does not match")),
            ("payments-lead:", "  payments-lead: { time_zone: UTC }\n  spare:", Some("is not valid under any")),
            ("payments-lead:", "  payments-lead: { sns: { topic: a }, snss: { topic: a } }\n  spare:", Some("'snss'")),
            ("payments-lead:", "  payments-lead: { slack: { channel: C0 } }\n  spare:", Some("'token' is a required")),
            ("payments-lead:", "  'a b': { sns: { topic: a } }\n  payments-lead:", Some("'a b' does not match")),
            ("- { contact: payments-o", "      - { contact: payments-on-call, wait: 5 }", Some("5 is not of type")),
            ("- { contact: payments-o", "      - { contact: payments-on-call }", Some("'wait' is a required")),
            ("- { contact: payments-o", &steps, Some("is too long")),
        ],
    );
}

#[test]
fn the_schema_of_owners_says_the_same_as_its_reader() {
    let rule = |rule: &str| format!("  - {rule}");
    let many = format!("  owner: [{}]", ["a"; 11].join(", "));
    let (pattern, service) =
        (rule("{ arn: 'rds:*', owner: payments }"), rule("{ arn: '*', owner: payments, service: a b }"));
    let (arn, owner) = (rule("{ owner: payments }"), rule("{ arn: 'arn:aws:s3:::a' }"));
    let least = rule("{ arn: 'arn:aws:s3:::a', owner: payments }");
    let unknown = rule("{ arn: '*', owner: payments, team: payments }");
    check(
        OWNERS,
        "crates/response-plan/fixtures/owners.yaml",
        &[
            ("environment:", "", None),
            ("environment:", "  service: [404, app.kubernetes.io/name]", None),
            ("owner: [", "  owner: []", None),
            ("- { arn", &least, None),
            ("owner: [", "  owner: Owner", Some("is not of type 'array'")),
            ("owner: [", "  owners: [Owner]", Some("'owners' was unexpected")),
            ("owner: [", "  owner: ['']", Some("does not match")),
            ("owner: [", &many, Some("is too long")),
            ("- { arn", &pattern, Some("'rds:*' does not match")),
            ("- { arn", &service, Some("'a b' does not match")),
            ("- { arn", &arn, Some("'arn' is a required property")),
            ("- { arn", &owner, Some("'owner' is a required property")),
            ("- { arn", &unknown, Some("'team' was unexpected")),
        ],
    );
}

#[test]
fn the_schema_of_mutes_says_the_same_as_its_reader() {
    let every = |what: &str| format!("    every: {{ {what}, time_zone: UTC }}");
    let (no_end, early) = (every("from: \"23:00\""), every("from: \"1:00\", to: \"02:00\""));
    let (late, days) = (every("from: \"24:00\", to: \"02:00\""), every("days: [son], from: \"01:00\", to: \"02:00\""));
    let whole = every("days: [sun], from: \"00:00\", to: \"00:00\"");
    check(
        MUTES,
        "crates/response-plan/fixtures/mutes.yaml",
        &[
            ("every: { from", &whole, None),
            ("until:", "", None),
            ("match:", "    plan: checkout-bad-deployment", None),
            ("match:", "    match: { detail: { alarmName: [{ sufix: -disk }] } }", Some("'sufix' was unexpected")),
            ("match:", "", Some("is not valid under any")),
            ("service:", "    service: a b", Some("'a b' does not match")),
            ("environment:", "    enviroment: prod", Some("'enviroment' was unexpected")),
            ("until:", "    until: soon", Some("'soon' does not match")),
            ("every: { from", &no_end, Some("'to' is a required property")),
            ("every: { from", &early, Some("'1:00' does not match")),
            ("every: { from", &late, Some("'24:00' does not match")),
            ("every: { from", &days, Some("'son' is not one of")),
            ("reason: every", "    reason: [a, b]", Some("is not of type")),
            ("mutes:", "mute:", Some("'mute' was unexpected")),
        ],
    );
}
