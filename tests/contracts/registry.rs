//! What the registries declare and the template has to say: parts of `template.yaml` between two marks, which
//! `cargo xtask template` writes anew.

use std::fmt::Write as _;
use std::fs;

use remediate::{Family, KINDS, Scope};
use step::Allow;

use crate::repository::{read, root};

/// Set by `cargo xtask template`: write the parts instead of judging them.
const WRITE: &str = "TOURNIQUET_WRITE_TEMPLATE";

/// What every family has to look at: the alarm that opened the incident, and the metric that is proof of life.
const LOOKS: Allow =
    Allow { actions: &["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"], resources: &["'*'"], condition: None };

/// The parts of the template, by the name in their marks.
fn parts() -> [(&'static str, String); 5] {
    let families = families();
    let all = |part: fn(&Family) -> String| families.iter().map(|family| part(family)).collect::<String>();
    [
        ("parameters of the families of mitigations", all(parameters)),
        ("rules of the families of mitigations", all(rule)),
        ("conditions of the families of mitigations", all(condition)),
        ("roles of the families of mitigations", all(role)),
        ("permissions of the channels", channels()),
    ]
}

fn channels() -> String {
    let mut text = String::new();
    for allow in merged(notify::KINDS.iter().flat_map(|kind| kind.allows)) {
        statement(&mut text, &allow, 12);
    }
    text
}

/// Each family once, in the order in which kinds name them.
fn families() -> Vec<&'static Family> {
    let mut families: Vec<&Family> = Vec::new();
    for kind in KINDS {
        if !families.iter().any(|family| family.name == kind.family.name) {
            families.push(kind.family);
        }
    }
    families
}

fn parameters(family: &Family) -> String {
    let Family { switch, about, scope: Scope { parameter, nothing, allowed, constraint, about: scope, .. }, .. } =
        family;
    format!(
        "  {switch}:\n    Type: String\n    AllowedValues: ['off', 'on']\n    Default: 'off'\n    Description: {about}\n  \
         {parameter}:\n    Type: String\n    Default: {nothing}\n    AllowedPattern: '{allowed}'\n    \
         ConstraintDescription: {constraint}\n    Description: >-\n      {scope}\n"
    )
}

fn rule(family: &Family) -> String {
    let Family { switch, scope: Scope { parameter, nothing, .. }, .. } = family;
    format!(
        "  {switch}NeedsTargets:\n    RuleCondition: !Equals [!Ref {switch}, 'on']\n    Assertions:\n      \
         - Assert: !Not [!Equals [!Ref {parameter}, '{nothing}']]\n        \
         AssertDescription: With {switch} on, {parameter} has to say what may be touched.\n"
    )
}

fn condition(family: &Family) -> String {
    format!("  {switch}IsOn: !Equals [!Ref {switch}, 'on']\n", switch = family.switch)
}

fn role(family: &Family) -> String {
    let Family { name, switch, .. } = family;
    let kinds = || KINDS.iter().filter(|kind| kind.family.name == *name);
    let mut text = format!(
        "  {switch}Role:\n    Type: AWS::IAM::Role # with the family off, too: what would be changed is looked at and shown\n    \
         Properties:\n      RoleName: tourniquet-mitigate-{name}\n      AssumeRolePolicyDocument:\n        \
         Version: '2012-10-17'\n        Statement:\n          - {{ Effect: Allow, Principal: {{ AWS: !GetAtt \
         RemediateFunctionRole.Arn }}, Action: sts:AssumeRole }}\n      Policies:\n        - PolicyName: \
         mitigate-{name}\n          PolicyDocument:\n            Version: '2012-10-17'\n            Statement:\n"
    );
    for allow in merged(kinds().flat_map(|kind| kind.looks).chain([&LOOKS])) {
        statement(&mut text, &allow, 14);
    }
    for allow in merged(kinds().flat_map(|kind| kind.changes)) {
        let _ = writeln!(text, "              - !If\n                - {switch}IsOn");
        statement(&mut text, &allow, 16);
        let _ = writeln!(text, "                - !Ref AWS::NoValue");
    }
    text + "\n"
}

/// Statements of the same resources under the same condition are one.
fn merged<'a>(all: impl Iterator<Item = &'a Allow>) -> Vec<(Vec<&'a str>, &'a Allow)> {
    let mut merged: Vec<(Vec<&str>, &Allow)> = Vec::new();
    for allow in all {
        let same = |other: &Allow| other.resources == allow.resources && other.condition == allow.condition;
        match merged.iter_mut().find(|(_, other)| same(other)) {
            Some((actions, _)) => actions.extend(allow.actions),
            None => merged.push((allow.actions.to_vec(), allow)),
        }
    }
    for (actions, _) in &mut merged {
        actions.sort_unstable();
        actions.dedup();
    }
    merged
}

fn statement(text: &mut String, (actions, allow): &(Vec<&str>, &Allow), indent: usize) {
    let (space, resources) = (" ".repeat(indent), allow.resources.join(", "));
    let _ = writeln!(text, "{space}- Effect: Allow\n{space}  Action: [{}]", actions.join(", "));
    let _ = writeln!(text, "{space}  Resource: [{resources}]");
    if let Some(condition) = allow.condition {
        let _ = writeln!(text, "{space}  Condition: {condition}");
    }
}

/// The template with its parts as they should be; or the part whose marks are not there.
fn written(template: &str, parts: &[(&str, String)]) -> Result<String, String> {
    let mut text = template.to_owned();
    for (name, part) in parts {
        let at = |mark: &str| text.find(mark).ok_or_else(|| format!("the template has no mark `{}`", mark.trim()));
        let begin = format!("# {name}: written by cargo xtask template\n");
        let (from, end) = (at(&begin)? + begin.len(), at(&format!("# {name}: end\n"))?);
        // The end's own indentation stays.
        let to = text[..end].trim_end_matches(' ').len();
        text.replace_range(from..to, part);
    }
    Ok(text)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test has no step::Env")]
fn the_template_says_what_the_registries_declare() {
    let template = read("template.yaml");
    let should = written(&template, &parts()).unwrap_or_else(|mark| panic!("{mark}"));
    if std::env::var_os(WRITE).is_some() {
        fs::write(root().join("template.yaml"), should).unwrap();
        return;
    }
    let line = template.lines().zip(should.lines()).position(|(is, should)| is != should);
    assert!(
        template == should,
        "template.yaml is not current from line {:?}: run cargo xtask template",
        line.map(|n| n + 1)
    );
}

#[test]
fn a_part_that_is_not_current_is_found() {
    let template = "a\n  # x: written by cargo xtask template\n  old\n  # x: end\nb\n";
    let new = written(template, &[("x", "  new\n".to_owned())]).unwrap();
    assert_eq!(new, template.replace("old", "new"));
    assert!(written("a\n", &[("x", String::new())]).unwrap_err().contains("# x: written by cargo xtask template"));
}
