//! State machines call functions that exist, and name errors that can happen.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use step::StepError;

use crate::repository::{Machine, crate_of, found, functions, machines, none, one_or_many, read, root, template, text};

/// What may pass by itself, whichever function is called.
const RETRIED: [&str; 9] = [
    "Transient",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
];

/// What may pass by itself when a child is started, and is never raised by the child that ran: that one is States.TaskFailed.
const START: [&str; 5] = [
    "StepFunctions.ExecutionLimitExceeded",
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.ThrottlingException",
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.SdkClientException",
];

const PREDEFINED: [&str; 3] = ["States.ALL", "States.TaskFailed", "States.Timeout"];

/// The errors that a service's own model names, in the one integration that raises them. Step Functions gives a child
/// that exists its long name, the local stack's emulator its short one.
const MODELLED: [(&str, &[&str]); 4] = [
    ("states:startExecution", EXISTS),
    ("states:startExecution.sync:2", EXISTS),
    ("aws-sdk:dynamodb:updateItem.waitForTaskToken", &["DynamoDb.ConditionalCheckFailedException"]),
    ("aws-sdk:dynamodb:transactWriteItems", &["DynamoDb.TransactionCanceledException"]),
];
const EXISTS: &[&str] = &["StepFunctions.ExecutionAlreadyExistsException", "ExecutionAlreadyExists"];

/// Tasks call functions of the template by their alias; functions are crates of the workspace with a binary, called by
/// a task or by an event; one name through all layers.
fn calls(machines: &[Machine], template: &Value, workspace: &str) -> Vec<String> {
    let (mut problems, mut called) = (Vec::new(), BTreeSet::new());
    let functions = functions(template);
    for machine in machines {
        for (state, task) in machine.tasks().filter(|(_, task)| Machine::integration(task) == "lambda:invoke") {
            let name = machine.substituted(&task["Arguments"]["FunctionName"]).strip_suffix("Aliaslive");
            match name.filter(|name| functions.contains_key(name)) {
                Some(name) => drop(called.insert(name.to_owned())),
                None => problems.push(format!("{}.{state} calls no function of the template by alias", machine.name)),
            }
        }
    }
    for (name, function) in functions {
        let (krate, member) = (crate_of(function), format!("\"crates/{}\"", crate_of(function)));
        if !workspace.contains(&member) || !root().join("crates").join(krate).join("src/main.rs").is_file() {
            problems.push(format!("{name} has no crate of the workspace with a main.rs: {}", function["CodeUri"]));
        }
        if kebab(name) != format!("{krate}-function") {
            problems.push(format!("{name} and its crate {krate} have different names"));
        }
        if !called.contains(name) && function["Events"].is_null() {
            problems.push(format!("{name} is called by no task and no event"));
        }
    }
    problems
}

/// `${…}` of the definitions and `DefinitionSubstitutions` are the same; no Parallel, in which one branch's failure
/// stops the others; every `Next` leads somewhere; time-outs are numbers.
fn shape(machine: &Machine) -> Vec<String> {
    let mut problems = Vec::new();
    let definition = machine.definition.to_string();
    let used: BTreeSet<_> = definition.split("${").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    let given = machine.properties["DefinitionSubstitutions"].as_object().unwrap();
    for name in used.symmetric_difference(&given.keys().map(String::as_str).collect()) {
        problems.push(format!("{}: {name} is given or used, and not both", machine.name));
    }
    let states = machine.definition["States"].as_object().unwrap();
    for (name, state) in states {
        let at = format!("{}.{name}", machine.name);
        if state["Type"] == "Parallel" {
            problems.push(format!("{at} is a Parallel: start child executions instead"));
        }
        if state["Type"] == "Task" && !state["TimeoutSeconds"].is_u64() {
            problems.push(format!("{at} has no time-out in numbers"));
        }
        let lists = [&state["Catch"], &state["Choices"]].into_iter().filter_map(Value::as_array).flatten();
        let nexts = lists.map(|rule| &rule["Next"]).chain([&state["Next"], &state["Default"]]);
        for next in nexts.filter_map(Value::as_str).filter(|next| !states.contains_key(*next)) {
            problems.push(format!("{at} goes to {next}, which is no state"));
        }
    }
    problems
}

/// A task waits longer than its function may take: else the state machine calls it again while it still works.
fn time_outs(machine: &Machine, template: &Value) -> Vec<String> {
    let (mut problems, functions) = (Vec::new(), functions(template));
    let usual = &template["Globals"]["Function"]["Timeout"];
    for (state, task) in machine.tasks().filter(|(_, task)| Machine::integration(task) == "lambda:invoke") {
        let name = machine.substituted(&task["Arguments"]["FunctionName"]);
        let Some(function) = functions.get(name.strip_suffix("Aliaslive").unwrap_or(name)) else { continue };
        let longest = function["Timeout"].as_u64().or(usual.as_u64());
        let waits = task["TimeoutSeconds"].as_u64();
        if longest.is_none() || waits <= longest {
            let (waits, longest) = (waits.unwrap_or_default(), longest.unwrap_or_default());
            problems.push(format!("{}.{state} waits {waits} s for {name}, which may take {longest} s", machine.name));
        }
    }
    problems
}

/// Names in `Retry` and `Catch` can be raised there; `States.ALL` is caught last; what passes by itself is retried.
fn errors(machine: &Machine) -> Vec<String> {
    let mut problems = Vec::new();
    for (state, task) in machine.tasks() {
        let at = format!("{}.{state}", machine.name);
        let (retry, catch) = (list(&task["Retry"]), list(&task["Catch"]));
        let known = names_of(Machine::integration(task));
        for name in retry.iter().chain(&catch).flat_map(|rule| one_or_many(&rule["ErrorEquals"])) {
            if !known.contains(name) {
                problems.push(format!("{at} names {name}, which it cannot meet"));
            }
        }
        if catch.last().is_none_or(|rule| rule["ErrorEquals"] != json!(["States.ALL"])) {
            problems.push(format!("{at} does not catch States.ALL last"));
        }
        if retry.iter().any(|rule| rule["JitterStrategy"] != "FULL") {
            problems.push(format!("{at} retries without full jitter"));
        }
        if Machine::integration(task) == "states:startExecution.sync:2" {
            let of_start = |name: &&str| START.contains(name);
            if !retry.iter().flat_map(|rule| one_or_many(&rule["ErrorEquals"])).all(|name| of_start(&name)) {
                problems.push(format!("{at} would start a child again that failed"));
            }
        }
        let wanted: BTreeSet<_> = RETRIED.into();
        let whole = |rule: &&Value| one_or_many(&rule["ErrorEquals"]).into_iter().collect::<BTreeSet<_>>() == wanted;
        if Machine::integration(task) == "lambda:invoke" && !retry.iter().any(whole) {
            problems.push(format!("{at} does not retry all that passes by itself"));
        }
    }
    problems
}

fn names_of(integration: &str) -> BTreeSet<&'static str> {
    let modelled = MODELLED.iter().filter(|(of, _)| *of == integration).flat_map(|(_, names)| names.iter().copied());
    let mut names: BTreeSet<_> = PREDEFINED.into_iter().chain(modelled).collect();
    if integration == "lambda:invoke" {
        let ours = [StepError::rejected(""), StepError::transient(""), StepError::refused(""), StepError::stuck("")];
        names.extend(ours.iter().map(StepError::name).chain(RETRIED));
    }
    if integration == "states:startExecution.sync:2" {
        names.extend(START);
    }
    names
}

fn list(rules: &Value) -> Vec<&Value> {
    rules.as_array().into_iter().flatten().collect()
}

fn kebab(name: &str) -> String {
    let dashed =
        name.chars().enumerate().map(|(i, c)| if i > 0 && c.is_uppercase() { format!("-{c}") } else { c.into() });
    dashed.collect::<String>().to_lowercase()
}

#[test]
fn tasks_are_functions_and_functions_are_crates() {
    let template = template();
    none(&calls(&machines(&template), &template, &read("Cargo.toml")));
}

#[test]
fn every_definition_is_deployed() {
    let template = template();
    let deployed: BTreeSet<_> =
        machines(&template).iter().map(|m| text(&m.properties["DefinitionUri"]).to_owned()).collect();
    let files = std::fs::read_dir(root().join("statemachines")).unwrap();
    let there: BTreeSet<_> = files.map(|f| format!("statemachines/{}", f.unwrap().file_name().display())).collect();
    assert_eq!(deployed, there);
}

#[test]
fn definitions_are_whole() {
    none(&machines(&template()).iter().flat_map(shape).collect::<Vec<_>>());
}

#[test]
fn tasks_outlast_their_functions() {
    let template = template();
    none(&machines(&template).iter().flat_map(|machine| time_outs(machine, &template)).collect::<Vec<_>>());
}

#[test]
fn error_names_are_an_api() {
    none(&machines(&template()).iter().flat_map(errors).collect::<Vec<_>>());
}

#[test]
fn each_check_finds_what_it_is_for() {
    let template = template();
    let engage = machines(&template).into_iter().find(|m| m.name == "Engage").unwrap();
    #[track_caller]
    fn check(engage: &Machine, state: &str, change: Value, problems: impl Fn(&Machine) -> Vec<String>, part: &str) {
        let mut broken = engage.clone();
        for (key, value) in change.as_object().unwrap() {
            broken.definition["States"][state][key] = value.clone();
        }
        found(&problems(&broken), part);
    }
    let all = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Done" }]);
    check(&engage, "Notify", json!({ "Retry": [] }), errors, "does not retry all");
    check(&engage, "Notify", json!({ "Catch": [] }), errors, "does not catch States.ALL last");
    check(&engage, "Notify", json!({ "Retry": [{ "ErrorEquals": RETRIED }] }), errors, "without full jitter");
    let misspelt = json!([{ "ErrorEquals": ["Transiant"] }]);
    check(&engage, "Notify", json!({ "Catch": misspelt }), errors, "Transiant, which it cannot meet");
    let elsewhere = json!({ "Retry": [{ "ErrorEquals": ["DynamoDb.ConditionalCheckFailedException"] }], "Catch": all });
    check(&engage, "ReadIncident", elsewhere, errors, "ConditionalCheckFailedException, which it cannot meet");
    check(&engage, "Notify", json!({ "Type": "Parallel" }), shape, "is a Parallel");
    check(&engage, "Notify", json!({ "Next": "Nowhere" }), shape, "Nowhere, which is no state");
    check(&engage, "Notify", json!({ "TimeoutSeconds": "{% 5 %}" }), shape, "no time-out in numbers");
    check(&engage, "ReadIncident", json!({ "Arguments": { "TableName": "${Other}" } }), shape, "Table is given");

    let parent = machines(&template).into_iter().find(|m| m.name == "IncidentResponse").unwrap();
    let again = json!({ "Retry": [{ "ErrorEquals": ["States.TaskFailed"], "JitterStrategy": "FULL" }] });
    check(&parent, "CaptureComplete", again, errors, "would start a child again that failed");
    let late = |machine: &Machine| time_outs(machine, &template);
    check(&engage, "Notify", json!({ "TimeoutSeconds": 1 }), late, "Notify waits 1 s for NotifyFunctionAliaslive");
    let call = |machine: &Machine| calls(std::slice::from_ref(machine), &template, &read("Cargo.toml"));
    check(&engage, "Notify", json!({ "Arguments": { "FunctionName": "${Other}" } }), call, "calls no function");
    check(&engage, "Done", json!({}), call, "RemediateFunction is called by no task");
    let mut moved = template.clone();
    moved["Resources"]["NotifyFunction"]["Properties"]["CodeUri"] = json!("crates/notifier/");
    let problems = calls(&machines(&template), &moved, &read("Cargo.toml"));
    found(&problems, "NotifyFunction has no crate");
    found(&problems, "different names");
}
