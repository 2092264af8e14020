//! What the reader of `owners.yaml` takes and what it refuses, with the words and the places.

use super::*;
use crate::compile::compile;
use crate::error::PlanErrors;
use crate::plans::Plans;
use crate::read::{Config, Source, read};
use crate::samples::{KINDS, OWNERS, PLAN, TEAMS};

fn read_with(owners: &str) -> Result<Config, PlanErrors> {
    let source = |file: &str, text: &str| Source { file: file.into(), bytes: text.into() };
    read(&[source("p/a.yaml", PLAN), source("p/owners.yaml", owners), source("p/teams.yaml", TEAMS)], &KINDS)
}

/// The fixture with one line replaced.
#[track_caller]
fn refused(line: usize, with: &str, place: &str, message: &str, remedy: &str) {
    let text: Vec<&str> = OWNERS.lines().enumerate().map(|(n, old)| if n + 1 == line { with } else { old }).collect();
    refused_all(&(text.join("\n") + "\n"), place, message, remedy);
}

#[track_caller]
fn refused_all(text: &str, place: &str, message: &str, remedy: &str) {
    let errors = read_with(text).unwrap_err();
    let [error] = errors.0.as_slice() else { panic!("one error expected:\n{errors}") };
    let shown = error.to_string();
    assert!(shown.starts_with(&format!("p/owners.yaml:{place}: ")), "not at {place}:\n{shown}");
    assert!(error.message.contains(message) && error.remedy.contains(remedy), "{shown}");
}

#[test]
fn the_fixture_is_read() {
    let owners = read_with(OWNERS).unwrap().owners.unwrap();
    assert_eq!(owners.tags.owner, ["Owner", "Squad"]);
    assert_eq!(owners.tags.service, ["Service"], "what is left out is as without the file");
    assert_eq!(owners.tags.environment, ["Stage"]);
    let [first, second] = owners.rules.as_slice() else { panic!("{:?}", owners.rules) };
    assert_eq!((first.line, second.line), (6, 7));
    assert_eq!((first.service.as_deref(), first.environment.as_deref()), (Some("orders-db"), Some("prod")));
    assert_eq!((second.owner.as_str(), &second.service, &second.environment), ("payments", &None, &None));
}

#[test]
fn less_is_enough() {
    let read = |text: &str| read_with(text).unwrap().owners.unwrap();
    assert_eq!((read("{}\n"), read("")), (Owners::default(), Owners::default()));
    assert_eq!(read("tags: { owner: [] }\n").tags.owner, [""; 0], "no tag is asked");
    assert_eq!(read("rules:\n  - { arn: '*', owner: payments }\n").rules.len(), 1);
}

#[test]
fn what_is_wrong_is_said() {
    let rule = |arn: &str| format!("  - {{ arn: \"{arn}\", owner: payments }}");
    refused(2, "tag:", "2:1", "`tag` is not a field here", "did you mean `tags`?");
    refused(3, "  team: [Owner]", "3:3", "`team` is not a field here", "`owner`");
    refused(3, "  owner: Owner", "3:10", "list", "");
    refused(3, "  owner: ['']", "3:11", "no name of a tag", "at most 128");
    refused(3, "  owner: [a, b, c, d, e, f, g, h, i, j, k]", "3:10", "11 names", "in use");
    refused(6, "  - { arn: '*', ownr: payments }", "6:17", "`ownr` is not a field here", "did you mean `owner`?");
    refused(6, "  - { arn: '*' }", "6:7", "`owner` is missing", "`owner: payments`");
    refused(6, "  - { owner: payments }", "6:7", "`arn` is missing", "`arn: ");
    refused(6, "  - { arn: '*', owner: paiments }", "6:24", "no team `paiments`", "did you mean `payments`?");
    refused(6, "  - { arn: '*', owner: payments, service: a b }", "6:43", "`a b` cannot be a name", "letters");
    refused(6, &rule("rds:*"), "6:12", "no ARN begins so", "arn:aws:rds:");
    refused(6, &rule("arn:aws:rds:orders"), "6:12", "no whole ARN", "arn:aws:rds:");
    refused(6, &rule("arn:aws:rds:**"), "6:12", "two stars", "write one");
    refused(6, &rule("*:111122223333:*"), "7:10", "the rule of line 6", "keep one");
    refused(6, &rule(""), "6:12", "this is no pattern of ARNs", "one line");
    let many: String = (0..1_001).map(|n| format!("  - {{ arn: 'arn:aws:s3:::b{n}', owner: payments }}\n")).collect();
    refused_all(&format!("rules:\n{many}"), "1002:5", "more than 1000 rules", "tag the resources");
}

#[test]
fn the_file_changes_the_hash_and_its_lines_do_not() {
    let compiled = |text: &str| compile(&read_with(text).unwrap(), "0.1.0");
    let one = compiled(OWNERS);
    let commented = compiled(&OWNERS.replace("rules:", "# a comment\nrules:"));
    assert_eq!(one.config_sha256, commented.config_sha256);
    let other = compiled(&OWNERS.replace("orders-db", "orders"));
    assert_ne!(one.config_sha256, other.config_sha256);
    assert_eq!(Plans::load(&one.bytes, "t").unwrap().config_sha256, one.config_sha256);
}

#[test]
fn without_the_file_what_is_compiled_is_as_before() {
    let sources = [("p/a.yaml", PLAN), ("p/teams.yaml", TEAMS)];
    let sources = sources.map(|(file, text)| Source { file: file.into(), bytes: text.into() });
    let file: serde_json::Value =
        serde_json::from_slice(&compile(&read(&sources, &KINDS).unwrap(), "0.1.0").bytes).unwrap();
    let fields: Vec<&String> = file.as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 5, "{fields:?}");
    assert!(file.get("owners").is_none() && file.get("owner_lines").is_none());
}
