//! The demo is what it says: its stories end as promised, each that changes something with its negative control, and what
//! it prints is there and holds.

mod checks;
mod turn;

use std::fs;

use anyhow::Result;
use serde_json::{Value, json};
use xtask::{
    aws::{ACCOUNT, REGION},
    demo::{Received, Run, Stage, run_and_look, stories},
    say::Progress,
    workspace::Workspace,
};

use self::{
    checks::{
        check_bags, check_changes, check_duplicate, check_in_vain, check_measures, check_order, check_people,
        check_postmortem, check_shape,
    },
    turn::Turn,
};

/// The five measures of an incident that was acknowledged, mitigated and resolved.
const ALL_MEASURES: [&str; 5] = ["ttd_s", "tte_s", "tta_s", "ttm_s", "ttr_s"];

/// The passes of an incident that is over.
const BOTH: [&str; 2] = ["1-warm", "2-complete"];

/// The way of an incident that a change ends.
const WAY: [(&str, &str); 8] = [
    ("triage", "opened as SEV2"),
    ("notify", "paged payments-on-call by sns and slack (step 1)"),
    ("command", "acknowledged by dana"),
    ("command", "approved by dana"),
    ("remediate", "applied"),
    ("triage", "clear since"),
    ("remediate", "mitigation verified"),
    ("incident-response", "resolved"),
];

/// Tells a story, looks at what every story has to leave behind and at what its service really does then, and returns its
/// one object and what people got.
fn play(
    story: &str,
    wrong_target: bool,
    passes: &[&str],
    look: impl FnOnce(&Stage<'_>) -> Result<()>,
) -> Result<(Value, Vec<Received>)> {
    let _turn = Turn::wait();
    let run = Run::of(stories::find(story).map_err(anyhow::Error::msg)?, wrong_target)?;
    let mut people = Vec::new();
    let report = run_and_look(&Workspace::here(), run, Progress::new(true), |stage| {
        look(stage)?;
        check_bags(stage, passes)?;
        check_people(stage);
        people = stage.people.received();
        check_duplicate(stage)
    })?;
    let report = serde_json::to_value(report)?;
    check_shape(&report, story, wrong_target)?;
    let bag = report["evidence"]["bag"].as_str().unwrap_or_default();
    assert!(passes.last().is_some_and(|last| bag.ends_with(&format!("/1/{last}"))), "{bag}");
    Ok((report, people))
}

/// Which version an alias of checkout really serves.
fn serves(stage: &Stage<'_>, alias: &str, version: &str) -> Result<()> {
    let get = ["lambda", "get-alias", "--function-name", "checkout", "--name", alias];
    assert_eq!(stage.stack.aws().json::<Value>(&get)?["FunctionVersion"], version, "{alias}");
    Ok(())
}

fn alias_arn(alias: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:checkout:{alias}")
}

#[test]
fn a_bad_deployment_is_rolled_back_and_verified() -> Result<()> {
    let (report, _) = play("bad-deployment", false, &BOTH, |stage| serves(stage, "live", "1"))?;
    assert_eq!(report["status"], "resolved");
    let mitigation = json!({"kind": "rollback-lambda-alias", "target": alias_arn("live"), "outcome": "verified"});
    assert_eq!(report["mitigation"], mitigation);
    check_measures(&report, &ALL_MEASURES);
    // Made by the emulator's administrator, as everything that is not the suite's.
    let change = ("capture-evidence", "changed before the first signal: UpdateAlias20150331 on checkout by test,");
    check_order(&report, &[&[change], &WAY[..]].concat());
    check_changes(&report)?;
    check_postmortem(&report, "version 2", "staged shift of traffic")
}

#[test]
fn a_rollback_of_another_alias_leaves_it_open_and_pages() -> Result<()> {
    let (report, people) = play("bad-deployment", true, &BOTH[..1], |stage| {
        serves(stage, "live", "2")?;
        serves(stage, "canary", "1")
    })?;
    check_in_vain(&report, &people, "rollback-lambda-alias", &alias_arn("canary"));
    Ok(())
}

/// Fails unless AppConfig serves the one flag of a profile as this, to an application that asks now.
fn flag_is(stage: &Stage<'_>, profile: &str, flag: &str, on: bool) -> Result<()> {
    let aws = stage.stack.aws();
    let names = ["--application-identifier", "checkout", "--environment-identifier", "prod"];
    let start = ["appconfigdata", "start-configuration-session", "--configuration-profile-identifier", profile];
    let token: Value = aws.json(&[&start[..], &names].concat())?;
    let token = token["InitialConfigurationToken"].as_str().unwrap_or_default();
    let served = stage.bags[0].with_file_name(format!("{profile}.json"));
    let into = served.to_str().unwrap_or_default();
    aws.run(&["appconfigdata", "get-latest-configuration", "--configuration-token", token, into])?;
    let served: Value = serde_json::from_slice(&fs::read(&served)?)?;
    assert_eq!(served[flag]["enabled"], on, "{profile}: {served}");
    Ok(())
}

#[test]
fn a_bad_flag_is_rolled_back_and_verified() -> Result<()> {
    let (report, _) = play("bad-flag", false, &BOTH, |stage| flag_is(stage, "flags", "express", false))?;
    assert_eq!(report["status"], "resolved");
    assert_eq!(report["mitigation"]["kind"], "rollback-appconfig-flag");
    assert_eq!(report["mitigation"]["outcome"], "verified");
    check_measures(&report, &ALL_MEASURES);
    check_order(&report, &WAY);
    check_postmortem(&report, "the profile flags of checkout in prod", "AppConfig itself takes back")
}

#[test]
fn a_rollback_of_another_flag_leaves_it_open_and_pages() -> Result<()> {
    let mut target = String::new();
    let (report, people) = play("bad-flag", true, &BOTH[..1], |stage| {
        flag_is(stage, "flags", "express", true)?;
        flag_is(stage, "banners", "sale", false)?;
        target = profile_arn(stage, "banners")?;
        Ok(())
    })?;
    check_in_vain(&report, &people, "rollback-appconfig-flag", &target);
    Ok(())
}

/// What is deployed of a profile, as the ledger names it.
fn profile_arn(stage: &Stage<'_>, profile: &str) -> Result<String> {
    let aws = stage.stack.aws();
    let id_of = |answer: &Value, name: &str| {
        let found = answer["Items"].as_array().into_iter().flatten().find(|item| item["Name"] == name);
        found.and_then(|item| item["Id"].as_str()).unwrap_or_default().to_owned()
    };
    let application = id_of(&aws.json(&["appconfig", "list-applications"])?, "checkout");
    let list = |what: &str| aws.json::<Value>(&["appconfig", what, "--application-id", &application]);
    let environment = id_of(&list("list-environments")?, "prod");
    let profile = id_of(&list("list-configuration-profiles")?, profile);
    let below = format!("application/{application}/environment/{environment}/configuration/{profile}");
    Ok(format!("arn:aws:appconfig:{REGION}:{ACCOUNT}:{below}"))
}

/// The state of the one mapping of a consumer, in Lambda's word, and its ARN.
fn mapping(stage: &Stage<'_>, consumer: &str) -> Result<(String, String)> {
    let list = ["lambda", "list-event-source-mappings", "--function-name", consumer];
    let all: Value = stage.stack.aws().json(&list)?;
    let of = |name: &str| all["EventSourceMappings"][0][name].as_str().unwrap_or_default().to_owned();
    Ok((of("State"), of("EventSourceMappingArn")))
}

#[test]
fn a_consumer_is_taken_out_of_the_way_until_it_is_put_back() -> Result<()> {
    let mut target = String::new();
    let (report, people) = play("saturated-dependency", false, &BOTH, |stage| {
        let (state, arn) = mapping(stage, "checkout-reindex")?;
        target = arn;
        assert_eq!(state, "Enabled");
        Ok(())
    })?;
    assert_eq!(report["status"], "resolved");
    let mitigation = json!({"kind": "disable-event-source-mapping", "target": target, "outcome": "verified"});
    assert_eq!(report["mitigation"], mitigation);
    check_measures(&report, &ALL_MEASURES);
    let (ttm, ttr) = (report["measures"]["ttm_s"].as_f64(), report["measures"]["ttr_s"].as_f64());
    assert!(ttm < ttr, "it was well again only with the consumer at work: {ttm:?}, {ttr:?}");
    let put_back = [
        ("remediate", "clear, and not resolved: still in force"),
        ("command", "asked to take mitigation 1 back"),
        ("remediate", "put back, as dana (claimed) asked"),
        ("incident-response", "resolved"),
    ];
    check_order(&report, &WAY[..6]);
    check_order(&report, &put_back);
    let told = people.iter().filter(|received| match received {
        Received::Slack { text, .. } => text.contains("] Put back: "),
        _ => false,
    });
    assert_eq!(told.count(), 1, "{people:?}");
    check_postmortem(&report, "checkout-reindex", "A limit on what the consumer takes")
}

#[test]
fn another_consumer_out_of_the_way_leaves_it_open_and_pages() -> Result<()> {
    let mut target = String::new();
    let (report, people) = play("saturated-dependency", true, &BOTH[..1], |stage| {
        assert_eq!(mapping(stage, "checkout-reindex")?.0, "Enabled");
        let (state, arn) = mapping(stage, "checkout-receipts")?;
        target = arn;
        assert_eq!(state, "Disabled");
        Ok(())
    })?;
    check_in_vain(&report, &people, "disable-event-source-mapping", &target);
    Ok(())
}

#[test]
fn self_healing_needs_no_mitigation() -> Result<()> {
    let (report, _) = play("self-healing", false, &BOTH, |stage| serves(stage, "live", "2"))?;
    assert_eq!((&report["status"], &report["mitigation"]), (&json!("resolved"), &Value::Null));
    check_measures(&report, &["ttd_s", "tte_s", "tta_s", "ttr_s"]);
    check_order(
        &report,
        &[
            ("remediate", "planned, waits for approval"),
            ("triage", "clear since"),
            ("remediate", "mitigation cancelled"),
        ],
    );
    check_postmortem(&report, "Not known.", "Not known.")
}

#[test]
fn with_the_brake_on_nothing_is_changed_and_it_escalates() -> Result<()> {
    let (report, _) = play("braked", false, &BOTH[..1], |stage| serves(stage, "live", "2"))?;
    assert_eq!((&report["status"], &report["postmortem"]), (&json!("open"), &Value::Null));
    assert_eq!(report["mitigation"]["outcome"], "refused");
    check_measures(&report, &["ttd_s", "tte_s"]);
    check_order(
        &report,
        &[
            ("notify", "paged payments-on-call by sns and slack (step 1)"),
            ("notify", "paged payments-lead by sns and slack (step 2)"),
        ],
    );
    Ok(())
}

#[test]
fn what_has_no_wrong_target_says_so() {
    let told = Run::of(stories::find("braked").unwrap(), true).unwrap_err();
    assert_eq!(told.to_string(), "`braked` is not about a change that helps, so it has no wrong target");
    assert!(stories::find("sabotage").unwrap_err().contains("bad-deployment"));
}
