//! Signature = permission: the SDK crates that a function depends on are the services that its role allows.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::repository::{
    allowed, crate_of, dependencies, found, functions, none, one_or_many, policies, read, resources, statements,
    template, text,
};

/// The crate that reaches a service, by the prefix of its IAM actions.
fn crate_for(action: &str) -> String {
    match action.split(':').next().unwrap_or_default() {
        "dynamodb" => "incident-store".to_owned(), // the only crate that may name aws-sdk-dynamodb
        "states" => "aws-sdk-sfn".to_owned(),
        "logs" => "aws-sdk-cloudwatchlogs".to_owned(),
        service => format!("aws-sdk-{service}"),
    }
}

/// The crates that reach what a function's own policy allows, and the policies of the roles that it may assume. What
/// its event sources, its logs and its on-failure destination need comes from SAM, and takes no code of ours.
fn reached(template: &Value, function: &Value) -> BTreeSet<String> {
    let mut crates = BTreeSet::new();
    for (action, resource) in policies(function) {
        crates.insert(crate_for(&action));
        if action == "sts:AssumeRole" {
            let actions = assumed(template, &resource).into_iter();
            crates.extend(actions.map(|action| crate_for(&action)));
        }
    }
    crates
}

/// The actions of the template's roles that have a name of the pattern.
fn assumed(template: &Value, pattern: &str) -> BTreeSet<String> {
    granted(template, pattern).into_iter().map(|(action, _)| action).collect()
}

/// The same, each with what it is allowed on.
fn granted(template: &Value, pattern: &str) -> BTreeSet<(String, String)> {
    let pattern = pattern.rsplit('/').next().unwrap_or_default();
    let is = |name: &str| pattern.strip_suffix('*').map_or(name == pattern, |prefix| name.starts_with(prefix));
    let roles = resources(template, "AWS::IAM::Role").into_values().filter(|role| is(text(&role["RoleName"])));
    let policies = roles.flat_map(|role| role["Policies"].as_array().into_iter().flatten());
    policies.flat_map(|p| allowed(&p["PolicyDocument"]["Statement"])).collect()
}

fn problems(template: &Value, name: &str, manifest: &str) -> Vec<String> {
    let function = functions(template)[name];
    let sdks = |n: &String| n.starts_with("aws-sdk-") || n == "incident-store";
    let (reached, named) = (reached(template, function), dependencies(manifest));
    let named: BTreeSet<_> = named.into_iter().filter(sdks).collect();
    let idle = reached.difference(&named).map(|n| format!("{name}: the policy allows what only {n} reaches"));
    let missing = named.difference(&reached).map(|n| format!("{name}: the policy allows nothing that {n} reaches"));
    idle.chain(missing).collect()
}

/// Actions are named one by one, and the table is never read as a whole.
fn broad(template: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, function) in functions(template) {
        let assumed = resources(template, "AWS::IAM::Role").into_values();
        let assumed = assumed.flat_map(|role| role["Policies"].as_array().into_iter().flatten());
        let assumed = assumed.flat_map(|p| allowed(&p["PolicyDocument"]["Statement"]));
        for (action, _) in policies(function).into_iter().chain(assumed) {
            if action.contains('*') || action == "dynamodb:Scan" {
                problems.push(format!("{name}: {action} is too broad"));
            }
        }
    }
    problems
}

/// `ForAllValues` is true of a request that does not have the key at all: a second condition has to ask for it. From
/// loopback addresses come the local stack's requests alone, whose emulator does not know every key.
fn vacuous(template: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, function) in functions(template) {
        let policies = function["Policies"].as_array().into_iter().flatten();
        for (statement, _) in policies.flat_map(|policy| statements(&policy["Statement"])) {
            let local = statement["Condition"]["IpAddress"]["aws:SourceIp"] == "127.0.0.0/8";
            let conditions = statement["Condition"].as_object().into_iter().flatten();
            for (_, keys) in conditions.filter(|(operator, _)| operator.starts_with("ForAllValues:") && !local) {
                let asked = |key: &String| statement["Condition"]["Null"][key] == "false";
                let open = keys.as_object().into_iter().flatten().filter(|(key, _)| !asked(key));
                problems.extend(open.map(|(key, _)| format!("{name}: without {key} the condition holds")));
            }
        }
    }
    problems
}

/// What changes the world stands behind the parameter of its family; to look at it is always allowed.
fn unconditional(template: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let looks = |action: &str| ["Get", "List", "Describe"].iter().any(|verb| verb_of(action, verb));
    for (name, role) in resources(template, "AWS::IAM::Role") {
        let policies = role["Policies"].as_array().into_iter().flatten();
        for (statement, behind_if) in policies.flat_map(|p| statements(&p["PolicyDocument"]["Statement"])) {
            let changes = one_or_many(&statement["Action"]).into_iter().filter(|action| !looks(action));
            if text(&role["RoleName"]).starts_with("tourniquet-mitigate-") && !behind_if {
                problems.extend(changes.map(|action| format!("{name}: {action} is allowed with the family off")));
            }
        }
    }
    problems
}

/// The role that evidence is read with allows what collectors declare and nothing else, and all of that only looks.
fn evidence(template: &Value, declared: &BTreeSet<(String, String)>) -> Vec<String> {
    let looks = |action: &str| ["Describe", "Filter", "Get", "List", "Lookup"].iter().any(|verb| verb_of(action, verb));
    let role = "tourniquet-read-evidence";
    let granted = granted(template, role);
    let undeclared = granted.difference(declared);
    let undeclared = undeclared.map(|(action, on)| format!("{role}: no collector declares {action} on {on}"));
    let missing = declared.difference(&granted);
    let missing = missing.map(|(action, on)| format!("{role}: {action} on {on} is declared and not allowed"));
    let changes = declared.iter().filter(|(action, _)| !looks(action));
    let changes = changes.map(|(action, _)| format!("{role}: {action} does more than look"));
    undeclared.chain(missing).chain(changes).collect()
}

/// What all collectors declare, without the short tags of the template's values.
fn declared() -> BTreeSet<(String, String)> {
    let plain = |value: &str| value.trim_start_matches("!Sub ").trim_matches('\'').to_owned();
    let allows = capture_evidence::KINDS.iter().flat_map(|kind| kind.allows);
    let pairs = allows.flat_map(|allow| allow.actions.iter().map(move |action| (action, allow.resources)));
    pairs.flat_map(|(action, on)| on.iter().map(move |on| ((*action).to_owned(), plain(on)))).collect()
}

/// Whether an action begins with the verb, behind its service.
fn verb_of(action: &str, verb: &str) -> bool {
    action.contains(&format!(":{verb}"))
}

fn manifest(template: &Value, name: &str) -> String {
    read(&format!("crates/{}/Cargo.toml", crate_of(functions(template)[name])))
}

#[test]
fn dependencies_equal_policies() {
    let template = template();
    let check = |name: &&str| problems(&template, name, &manifest(&template, name));
    none(&functions(&template).keys().flat_map(check).collect::<Vec<_>>());
}

#[test]
fn no_permission_is_broad() {
    none(&broad(&template()));
}

#[test]
fn no_condition_is_vacuous() {
    none(&vacuous(&template()));
}

#[test]
fn evidence_is_read_with_what_collectors_declare() {
    none(&evidence(&template(), &declared()));
}

#[test]
fn families_are_off_until_a_parameter_says_otherwise() {
    let template = template();
    none(&unconditional(&template));
    let update = ("lambda:UpdateAlias".to_owned(), "MitigateLambdaFunctions".to_owned());
    let role = &template["Resources"]["MitigateLambdaRole"]["Properties"]["Policies"][0]["PolicyDocument"];
    assert!(allowed(&role["Statement"]).contains(&update));
    assert!(template["Resources"]["MitigateLambdaRole"].get("Condition").is_none(), "what is only shown is read, too");
}

#[test]
fn each_check_finds_what_it_is_for() {
    let template = template();
    let notify = manifest(&template, "NotifyFunction");
    let more = notify.replace("[dependencies]\n", "[dependencies]\naws-sdk-s3.workspace = true\n");
    found(&problems(&template, "NotifyFunction", &more), "allows nothing that aws-sdk-s3 reaches");
    let direct = notify.replace("incident-store.workspace", "aws-sdk-dynamodb.workspace");
    found(&problems(&template, "NotifyFunction", &direct), "allows nothing that aws-sdk-dynamodb reaches");
    found(&problems(&template, "NotifyFunction", &direct), "allows what only incident-store reaches");
    let less = notify.replace("aws-sdk-sns.workspace = true\n", "");
    found(&problems(&template, "NotifyFunction", &less), "allows what only aws-sdk-sns reaches");

    // Through the roles that it may assume.
    let remediate = manifest(&template, "RemediateFunction").replace("aws-sdk-lambda.workspace = true\n", "");
    found(&problems(&template, "RemediateFunction", &remediate), "allows what only aws-sdk-lambda reaches");

    let mut broken = template;
    let statement = json!({ "Effect": "Allow", "Action": ["s3:*", "dynamodb:Scan"], "Resource": "*" });
    broken["Resources"]["NotifyFunction"]["Properties"]["Policies"][0]["Statement"][0] = statement;
    found(&broad(&broken), "NotifyFunction: s3:* is too broad");
    found(&broad(&broken), "NotifyFunction: dynamodb:Scan is too broad");

    let condition = json!({ "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["CONTROL#brake"] } });
    let statement = json!({ "Effect": "Allow", "Action": "dynamodb:DeleteItem", "Condition": condition });
    broken["Resources"]["CommandFunction"]["Properties"]["Policies"][0]["Statement"][0] = statement;
    found(&vacuous(&broken), "CommandFunction: without dynamodb:LeadingKeys the condition holds");
    let statement = json!({ "Effect": "Allow", "Action": ["lambda:GetAlias", "lambda:UpdateAlias"], "Resource": "*" });
    broken["Resources"]["MitigateLambdaRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0] =
        statement;
    found(&unconditional(&broken), "MitigateLambdaRole: lambda:UpdateAlias is allowed with the family off");

    let mut wider = declared();
    wider.retain(|(action, _)| action != "logs:FilterLogEvents");
    wider.insert(("logs:FilterLogEvents".to_owned(), "*".to_owned()));
    wider.insert(("logs:PutRetentionPolicy".to_owned(), "*".to_owned()));
    let problems = evidence(&broken, &wider);
    found(&problems, "tourniquet-read-evidence: no collector declares logs:FilterLogEvents on arn:");
    found(&problems, "tourniquet-read-evidence: logs:FilterLogEvents on * is declared and not allowed");
    found(&problems, "tourniquet-read-evidence: logs:PutRetentionPolicy does more than look");
}
