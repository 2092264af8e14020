//! What the registries declare and the template has to say: parts of `template.yaml` between two marks, which
//! `cargo xtask template` writes anew.

use std::fmt::Write as _;
use std::fs;

use remediate::{Family, KINDS, Scope};
use serde_json::Value;
use signal::{Rule, SOURCES, Source};
use step::Allow;

use crate::repository::{found, none, read, root};

/// Set by `cargo xtask template`: write the parts instead of judging them.
const WRITE: &str = "TOURNIQUET_WRITE_TEMPLATE";

/// Says what plans can tell each collector.
const PLANS: &str = "docs/response-plans.md";

/// What every family has to look at: the alarm that opened the incident, and the metric that is proof of life.
const LOOKS: Allow =
    Allow { actions: &["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"], resources: &["'*'"], condition: None };

/// The source that is always let in: what an account has by itself pages nobody, but its alarms are meant to.
const ALWAYS: &str = "cloudwatch";

/// Sources whose rules are in the template. A team writes the others itself, from the patterns that each declares: a rule
/// takes half a kilobyte of the policy of triage's alias, which holds 20 (Lambda's quota for a resource-based policy), and
/// more of a template that is to be deployed without a bucket (51,200 bytes).
const IN_TEMPLATE: [&str; 3] = [ALWAYS, "health", "codedeploy"];

/// The parts of the template, by the name in their marks.
fn parts() -> [(&'static str, String); 8] {
    let families = families();
    let all = |part: fn(&Family) -> String| families.iter().map(|family| part(family)).collect::<String>();
    [
        ("parameters of the families of mitigations", all(parameters)),
        ("rules of the families of mitigations", all(rule)),
        ("conditions of the families of mitigations", all(condition)),
        ("roles of the families of mitigations", all(role)),
        ("permissions of the channels", statements(notify::KINDS.iter().flat_map(|kind| kind.allows), 12)),
        ("permissions of the collectors", statements(capture_evidence::KINDS.iter().flat_map(|kind| kind.allows), 14)),
        ("parameters of the sources", sources().map(switch).collect()),
        ("rules of the sources", sources().map(rules).collect()),
    ]
}

fn statements<'a>(allows: impl Iterator<Item = &'a Allow>, indent: usize) -> String {
    let mut text = String::new();
    for allow in merged(allows) {
        statement(&mut text, &allow, indent);
    }
    text
}

fn sources() -> impl Iterator<Item = &'static Source> {
    SOURCES.iter().copied().filter(|source| IN_TEMPLATE.contains(&source.name))
}

/// The parameter that lets the events of a source in; alarms always come in.
fn switch(source: &Source) -> String {
    if source.rules.is_empty() || source.name == ALWAYS {
        return String::new();
    }
    let (name, parameter) = (source.name, parameter(source));
    format!(
        "  {parameter}:\n    Type: String\n    AllowedValues: [ENABLED, DISABLED]\n    Default: DISABLED\n    \
         Description: Whether events of {name} come in by a rule. Write a plan for them first, for what no plan matches pages.\n"
    )
}

/// `SourceCodedeploy`: logical names are letters and digits.
fn parameter(source: &Source) -> String {
    let (first, rest) = source.name.split_at(1);
    format!("Source{}{rest}", first.to_uppercase())
}

fn rules(source: &Source) -> String {
    source.rules.iter().map(|rule| event(source, rule)).collect()
}

fn event(source: &Source, rule: &Rule) -> String {
    let pattern: Value = serde_json::from_str(rule.pattern).unwrap_or_else(|e| panic!("{}: {e}", rule.event));
    let mut text = format!("        {}:\n          Type: EventBridgeRule\n          Properties:\n", rule.event);
    if source.name != ALWAYS {
        let _ = writeln!(text, "            State: !Ref {}", parameter(source));
    }
    text.push_str("            Pattern:\n");
    for (field, wanted) in pattern.as_object().into_iter().flatten() {
        let _ = writeln!(text, "              {field}: {}", flow(wanted));
    }
    text + "            RetryPolicy: { MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 60 }\n            \
            DeadLetterConfig: { Arn: !GetAtt SignalsQueue.Arn }\n"
}

/// A value as YAML in one line; what only a deployment knows is put in by it.
fn flow(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {}", flow(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::String(text) if text.contains("${") => format!("!Sub '{text}'"),
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        plain => plain.to_string(),
    }
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
    text += &statements(kinds().flat_map(|kind| kind.looks).chain([&LOOKS]), 14);
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

/// Collectors without a row in the page about plans, and fields that their row does not name.
fn unsaid(page: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for kind in capture_evidence::KINDS.map(|kind| kind.plan) {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", kind.name))).unwrap_or_default();
        if row.is_empty() {
            problems.push(format!("{PLANS}: no row says what the collector {} keeps", kind.name));
        }
        let fields = kind.fields.iter().filter(|field| !row.contains(&format!("`{}`", field.name)));
        problems.extend(fields.map(|field| format!("{PLANS}: the row of {} lacks {}", kind.name, field.name)));
    }
    problems
}

#[test]
fn the_page_about_plans_has_every_collector() {
    let page = read(PLANS);
    none(&unsaid(&page));
    found(&unsaid(&page.replace("| `changes` |", "| `change` |")), "no row says what the collector changes keeps");
    found(&unsaid(&page.replace("`log_groups` |", "|")), "the row of logs lacks log_groups");
}

#[test]
fn a_part_that_is_not_current_is_found() {
    let template = "a\n  # x: written by cargo xtask template\n  old\n  # x: end\nb\n";
    let new = written(template, &[("x", "  new\n".to_owned())]).unwrap();
    assert_eq!(new, template.replace("old", "new"));
    assert!(written("a\n", &[("x", String::new())]).unwrap_err().contains("# x: written by cargo xtask template"));
}
