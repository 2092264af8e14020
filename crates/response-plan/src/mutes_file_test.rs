//! What the reader of `mutes.yaml` accepts and refuses, and what the compiled file makes of it.

use serde_json::{Value, json};
use signal::Signal;

use crate::compile::compile;
use crate::error::PlanErrors;
use crate::mutes::Day;
use crate::plan::ResponsePlan;
use crate::plans::Plans;
use crate::read::{Config, Source, read};
use crate::samples::{KINDS, PLAN, TEAMS};

const MUTES: &str = include_str!("../fixtures/mutes.yaml");

fn read_with(mutes: Option<&str>) -> Result<Config, PlanErrors> {
    let source = |file: &str, text: &str| Source { file: file.into(), bytes: text.into() };
    let mut sources = vec![source("p/a.yaml", PLAN), source("p/teams.yaml", TEAMS)];
    sources.extend(mutes.map(|mutes| source("p/mutes.yaml", mutes)));
    read(&sources, &KINDS)
}

/// The fixture with the first of some text replaced is refused at a place, with a remedy.
#[track_caller]
fn refused(text: &str, by: &str, place: &str, message: &str, remedy: &str) {
    assert!(MUTES.contains(text), "{text}");
    let errors = read_with(Some(&MUTES.replacen(text, by, 1))).unwrap_err();
    let [error] = errors.0.as_slice() else { panic!("one error expected:\n{errors}") };
    let shown = error.to_string();
    assert!(shown.starts_with(&format!("p/mutes.yaml:{place}: ")), "not at {place}:\n{shown}");
    assert!(error.message.contains(message) && error.remedy.contains(remedy), "{shown}");
}

#[test]
fn the_mutes_are_read_by_name() {
    let config = read_with(Some(MUTES)).unwrap();
    let [backups, nightly] = config.mutes.as_slice() else { panic!("{:?}", config.mutes) };
    assert_eq!((backups.name.as_str(), nightly.name.as_str()), ("backups", "nightly-load"));
    assert_eq!(nightly.every.days, [Day::Sat, Day::Sun]);
    assert_eq!(
        (nightly.every.from.to_string().as_str(), nightly.every.until.map(|day| day.to_string()).as_deref()),
        ("02:00:00", Some("2027-03-31"))
    );
    assert_eq!((nightly.service.as_deref(), nightly.environment.as_deref()), (Some("checkout"), Some("prod")));
    assert_eq!(backups.pattern.as_ref().unwrap()["source"], json!(["aws.cloudwatch"]));
    assert_eq!(read_with(Some("mutes: []\n")).unwrap(), read_with(None).unwrap());
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    refused(
        "service: checkout",
        "service: chekcout",
        "4:14",
        "no plan has the service `chekcout`",
        "did you mean `checkout`?",
    );
    refused("service: checkout", "plan: basket", "4:11", "no plan has the plan `basket`", "a plan beside this file");
    refused(
        "environment: prod",
        "enviroment: prod",
        "5:5",
        "`enviroment` is not a field here",
        "did you mean `environment`?",
    );
    refused("[sat, sun]", "[sat, sunday]", "6:26", "`sunday` is no value of `days`", "`sun`");
    refused("\"02:00\"", "\"2:00\"", "6:38", "`2:00` is no time of day", "in quotation marks");
    refused("\"02:00\"", "\"24:00\"", "6:38", "`24:00` is no time of day", "in quotation marks");
    refused("Europe/Berlin", "Europe/Bern", "6:71", "`Europe/Bern` is no time zone", "IANA name");
    refused("2027-03-31", "soon", "8:12", "`soon` is no day", "the last day");
    refused("name: backups", "name: nightly-load", "9:11", "is also the name of a mute above", "its own name");
    refused("suffix: -disk", "sufix: -disk", "10:64", "sufix", "suffix");
    refused(
        "    match: { source: [aws.cloudwatch], detail: { alarmName: [{ suffix: -disk }] } }\n",
        "",
        "9:11",
        "nothing says what is muted",
        "at least one of",
    );
    refused("to: \"01:30\"", "to: \"23:00\"", "11:33", "this is muted for ever", "name the days");
    refused("    reason: every disk is busy while it is backed up\n", "", "11:5", "`reason` is missing", "say why");
}

fn signal(name: &str) -> Signal {
    let event = json!({
        "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "account": "111122223333",
        "region": "eu-west-1", "time": "2026-11-28T02:00:00Z",
        "resources": [format!("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}")],
        "detail": {"alarmName": name, "state": {"value": "ALARM", "timestamp": "2026-11-28T02:00:00.000+0000"}},
    });
    signal::read_value(&event, &signal::Origin::default()).remove(0).unwrap()
}

fn loaded(change: impl FnOnce(&mut Value)) -> Plans {
    let compiled = compile(&read_with(Some(MUTES)).unwrap(), "0.1.0");
    let mut file: Value = serde_json::from_slice(&compiled.bytes).unwrap();
    change(&mut file);
    Plans::load(file.to_string().as_bytes(), "fallback").unwrap()
}

/// Until when a signal of this alarm is muted, and by what.
fn muted(plans: &Plans, alarm: &str, now: &str) -> Option<(String, String)> {
    let signal = signal(alarm);
    let plan: ResponsePlan = plans.resolve(&signal).plan.plan;
    let muted = plans.muted(&plan, &signal, now.parse().unwrap())?;
    Some((muted.name, muted.until.to_string()))
}

#[test]
fn the_compiled_file_mutes_what_was_written() {
    let plans = loaded(|_| ());
    assert_eq!(plans.disabled_mutes, []);
    let nightly = |until: &str| Some(("nightly-load".to_owned(), until.to_owned()));
    assert_eq!(muted(&plans, "checkout-errors", "2026-11-28T02:00:00Z"), nightly("2026-11-28T03:00:00Z"));
    assert_eq!(muted(&plans, "checkout-errors", "2026-11-28T03:00:00Z"), None);
    assert_eq!(muted(&plans, "basket-errors", "2026-11-28T02:00:00Z"), None, "another service");
    assert_eq!(muted(&plans, "checkout-errors", "2027-04-03T01:00:00Z"), None, "it ended with March");
    let backups = Some(("backups".to_owned(), "2026-11-28T01:30:00Z".to_owned()));
    assert_eq!(muted(&plans, "basket-disk", "2026-11-27T23:00:00Z"), backups);
    // Both: the one that lasts longest.
    assert_eq!(muted(&plans, "checkout-disk", "2026-11-28T01:00:00Z"), nightly("2026-11-28T03:00:00Z"));
}

/// Unreadable means not muted, and spoils nothing else.
#[test]
fn a_damaged_mute_mutes_nothing_alone() {
    let plans = loaded(|file| file["mutes"][1]["every"]["time_zone"] = json!("Europe/Bern"));
    assert_eq!(plans.disabled_mutes.iter().map(|left| left.plan.as_str()).collect::<Vec<_>>(), ["nightly-load"]);
    assert!(plans.disabled_mutes[0].reason.contains("the time zone `Europe/Bern` is not known"));
    assert_eq!(muted(&plans, "checkout-errors", "2026-11-28T02:00:00Z"), None);
    assert!(muted(&plans, "basket-disk", "2026-11-27T23:00:00Z").is_some());
    for damaged in [json!({}), json!("?"), json!([7])] {
        let plans = loaded(|file| file["mutes"] = damaged.clone());
        assert_eq!((plans.disabled_mutes.len(), plans.names().count()), (1, 1), "{damaged}");
        assert_eq!(muted(&plans, "basket-disk", "2026-11-27T23:00:00Z"), None);
    }
}

/// A file of a release that knew no mutes loads as before, and one without mutes is the same as then.
#[test]
fn a_compiled_file_without_mutes_is_as_it_was() {
    let compiled = compile(&read_with(None).unwrap(), "0.1.0");
    let file: Value = serde_json::from_slice(&compiled.bytes).unwrap();
    let fields: Vec<&String> = file.as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 5, "{fields:?}");
    assert!(file.get("mutes").is_none());
    let plans = Plans::load(&compiled.bytes, "fallback").unwrap();
    assert_eq!((plans.names().count(), plans.disabled_mutes.len()), (1, 0));
    assert_eq!(muted(&plans, "checkout-errors", "2026-11-28T02:00:00Z"), None);
    let with = compile(&read_with(Some(MUTES)).unwrap(), "0.1.0");
    assert_ne!(with.config_sha256, compiled.config_sha256);
}
