//! Reads what the contracts are about.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of `Cargo.toml` and `template.yaml`.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path} cannot be read: {e}"))
}

/// `template.yaml` as JSON. Its short tags are dropped, so that `!Ref Table` is `"Table"` and
/// `!GetAtt Table.Arn` is `"Table.Arn"`.
pub(crate) fn template() -> Value {
    serde_saphyr::from_str(&read("template.yaml")).unwrap()
}

/// The template's resources of a type, by logical id, with their properties.
pub(crate) fn resources<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let all = template["Resources"].as_object().unwrap().iter();
    all.filter(|(_, resource)| resource["Type"] == kind).map(|(id, r)| (id.as_str(), &r["Properties"])).collect()
}

pub(crate) fn functions(template: &Value) -> BTreeMap<&str, &Value> {
    resources(template, "AWS::Serverless::Function")
}

/// One state machine: its properties in the template, and its definition.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) properties: Value,
    pub(crate) definition: Value,
}

impl Machine {
    /// Its tasks, by name.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = (&str, &Value)> {
        let states = self.definition["States"].as_object().unwrap().iter();
        states.filter(|(_, state)| state["Type"] == "Task").map(|(name, state)| (name.as_str(), state))
    }

    /// What `${Name}` in its definition stands for; empty where the template does not say.
    pub(crate) fn substituted(&self, value: &Value) -> &str {
        let name = value.as_str().and_then(|v| v.strip_prefix("${")?.strip_suffix('}')).unwrap_or_default();
        self.properties["DefinitionSubstitutions"][name].as_str().unwrap_or_default()
    }

    /// The service integration of a task, without the part that all share.
    pub(crate) fn integration(task: &Value) -> &str {
        task["Resource"].as_str().and_then(|r| r.strip_prefix("arn:aws:states:::")).unwrap_or_default()
    }
}

pub(crate) fn machines(template: &Value) -> Vec<Machine> {
    let machines = resources(template, "AWS::Serverless::StateMachine").into_iter();
    let read = machines.map(|(name, properties)| Machine {
        name: name.to_owned(),
        properties: properties.clone(),
        definition: serde_json::from_str(&read(text(&properties["DefinitionUri"]))).unwrap(),
    });
    read.collect()
}

/// The statements of a policy, those behind an `!If` included, which is an array here; each with whether it is behind one.
pub(crate) fn statements(policy: &Value) -> Vec<(&Value, bool)> {
    let mut all = Vec::new();
    for statement in policy.as_array().into_iter().flatten() {
        match statement {
            Value::Array(either) => all.extend(either.iter().filter(|s| s.is_object()).map(|s| (s, true))),
            plain => all.push((plain, false)),
        }
    }
    all
}

/// The actions and resources that statements allow, each pair once.
pub(crate) fn allowed(policy: &Value) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    for (statement, _) in statements(policy).into_iter().filter(|(s, _)| s["Effect"] == "Allow") {
        for action in one_or_many(&statement["Action"]) {
            for resource in one_or_many(&statement["Resource"]) {
                pairs.insert((action.to_owned(), resource.to_owned()));
            }
        }
    }
    pairs
}

/// What the inline policies of a function or state machine allow.
pub(crate) fn policies(properties: &Value) -> BTreeSet<(String, String)> {
    properties["Policies"].as_array().into_iter().flatten().flat_map(|policy| allowed(&policy["Statement"])).collect()
}

/// The packages in the `[dependencies]` of a crate.
pub(crate) fn dependencies(manifest: &str) -> BTreeSet<String> {
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| Some(line.split(['.', '=', ' ']).next()?.to_owned())).filter(|n| !n.is_empty()).collect()
}

/// The crate of a function, from its `CodeUri`.
pub(crate) fn crate_of(function: &Value) -> &str {
    text(&function["CodeUri"]).strip_prefix("crates/").unwrap_or_default().trim_end_matches('/')
}

pub(crate) fn one_or_many(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Fails with all the problems, a line each.
#[track_caller]
pub(crate) fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// Fails unless one of the problems says this.
#[track_caller]
pub(crate) fn found(problems: &[String], part: &str) {
    assert!(problems.iter().any(|problem| problem.contains(part)), "`{part}` is not in {problems:#?}");
}
