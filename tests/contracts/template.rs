//! Rules of the template itself: what comes in, what is off, and what watches us.

use serde_json::{Value, json};

use crate::repository::{found, functions, none, one_or_many, resources, template, text};

/// EventBridge's limit of a pattern, as it counts it.
const PATTERN_LENGTH: usize = 2_048;

/// Every pattern with the name of its rule.
fn patterns(template: &Value) -> Vec<(String, &Value)> {
    let mut patterns = Vec::new();
    for (name, function) in functions(template) {
        for (event, rule) in function["Events"].as_object().into_iter().flatten() {
            if let Some(pattern) = rule["Properties"].get("Pattern") {
                patterns.push((format!("{name}.{event}"), pattern));
            }
        }
    }
    let rules = resources(template, "AWS::Events::Rule").into_iter();
    patterns.extend(rules.map(|(name, rule)| (name.to_owned(), &rule["EventPattern"])));
    patterns
}

/// A pattern as it may be deployed: with the longest name of a stack, and whole ARNs.
fn deployed(template: &Value, pattern: &Value) -> Value {
    match pattern {
        Value::String(text) if template["Resources"].get(text).is_some() => json!("arn".repeat(70)),
        Value::String(text) => json!(text.replace("${AWS::StackName}", &"s".repeat(128))),
        Value::Array(items) => items.iter().map(|item| deployed(template, item)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), deployed(template, value))).collect(),
        other => other.clone(),
    }
}

fn rules(template: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, pattern) in patterns(template) {
        if deployed(template, pattern).to_string().len() >= PATTERN_LENGTH {
            problems.push(format!("{name}: the pattern is too long"));
        }
        let types = pattern["detail-type"].as_array().filter(|types| !types.is_empty());
        if types.is_none_or(|types| !types.iter().all(Value::is_string)) {
            problems.push(format!("{name}: the pattern names no detail-type"));
        }
    }
    problems
}

/// The suite's own alarms go to the fallback topic alone, no function stands behind it, and triage never sees them.
fn own_alarms(template: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let intake = &functions(template)["TriageFunction"]["Events"]["AlarmEvents"]["Properties"]["Pattern"];
    let excluded = text(&intake["detail"]["alarmName"][0]["anything-but"]["prefix"]);
    for (name, alarm) in resources(template, "AWS::CloudWatch::Alarm") {
        if excluded.is_empty() || !text(&alarm["AlarmName"]).starts_with(excluded) {
            problems.push(format!("{name}: triage would take our own alarm"));
        }
        if one_or_many(&alarm["AlarmActions"]) != ["FallbackTopic"] {
            problems.push(format!("{name}: does not go straight to the fallback topic"));
        }
    }
    for (name, function) in functions(template) {
        for (_, event) in function["Events"].as_object().into_iter().flatten() {
            if event["Properties"]["Topic"] == "FallbackTopic" {
                problems.push(format!("{name}: stands behind the fallback topic"));
            }
        }
    }
    problems
}

/// What changes the world is off until someone says otherwise.
fn switches(template: &Value) -> Vec<String> {
    let parameters = template["Parameters"].as_object().unwrap().iter();
    let switches = parameters.filter(|(name, p)| *name == "Mutations" || p["AllowedValues"] == json!(["off", "on"]));
    switches.filter(|(_, p)| p["Default"] != "off").map(|(name, _)| format!("{name} is not off by default")).collect()
}

/// SAM publishes a new version, and so reaches the alias, when its hash of the function changes. It hashes the names of
/// parameters and not their values, and a layer only where that layer says so.
fn stale(template: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let parameters = template["Parameters"].as_object().unwrap();
    let shared = &template["Globals"]["Function"]["Environment"]["Variables"];
    for (name, function) in functions(template) {
        let own = &function["Environment"]["Variables"];
        let values = [shared, own].into_iter().filter_map(Value::as_object).flatten().map(|(_, value)| text(value));
        for value in values {
            let of = |parameter: &&String| value == *parameter || value.contains(&format!("${{{parameter}}}"));
            for parameter in parameters.keys().filter(of) {
                if !text(&function["VersionDescription"]).contains(&format!("${{{parameter}}}")) {
                    problems.push(format!("{name}: the alias would keep the old {parameter}"));
                }
            }
        }
        if !own.is_null() && function["AutoPublishAliasAllProperties"] != true {
            problems.push(format!("{name}: the alias would keep old variables"));
        }
        let layers = resources(template, "AWS::Serverless::LayerVersion");
        for layer in one_or_many(&function["Layers"]).into_iter().filter_map(|layer| layers.get_key_value(layer)) {
            if layer.1["PublishLambdaVersion"] != true {
                problems.push(format!("{name}: the alias would keep the old {}", layer.0));
            }
        }
    }
    problems
}

#[test]
fn the_alias_gets_what_is_deployed() {
    none(&stale(&template()));
}

#[test]
fn alarms_may_call_triage_as_their_action() {
    let template = template();
    let permission = &resources(&template, "AWS::Lambda::Permission")["AlarmsMayInvokeTriage"];
    assert_eq!(permission["FunctionName"], "TriageFunctionAliaslive");
    assert_eq!(permission["Principal"], "lambda.alarms.cloudwatch.amazonaws.com");
    assert_eq!(permission["SourceAccount"], "AWS::AccountId");
    let alarms = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*";
    assert_eq!(permission["SourceArn"], alarms);
}

#[test]
fn rules_are_short_and_name_what_they_want() {
    let template = template();
    assert_eq!(patterns(&template).len(), 6);
    none(&rules(&template));
}

#[test]
fn the_pager_survives_what_it_watches() {
    let template = template();
    assert!(resources(&template, "AWS::CloudWatch::Alarm").len() >= 18);
    none(&own_alarms(&template));
}

#[test]
fn nothing_is_changed_by_default() {
    none(&switches(&template()));
}

#[test]
fn the_fallback_has_to_be_given() {
    assert!(template()["Parameters"]["FallbackEndpoint"].get("Default").is_none());
}

#[test]
fn each_check_finds_what_it_is_for() {
    #[track_caller]
    fn check(pointer: &str, value: Value, problems: fn(&Value) -> Vec<String>, part: &str) {
        let mut broken = template();
        *broken.pointer_mut(pointer).unwrap() = value;
        found(&problems(&broken), part);
    }
    let own = "/Resources/TriageFunction/Properties/Events/OwnEvents/Properties/Pattern";
    check(&format!("{own}/detail-type"), json!([]), rules, "OwnEvents: the pattern names no detail-type");
    check(&format!("{own}/source"), json!(["s".repeat(2_000)]), rules, "OwnEvents: the pattern is too long");
    let failed = "/Resources/ExecutionsFailed/Properties/EventPattern/detail-type";
    check(failed, json!([{ "exists": true }]), rules, "ExecutionsFailed: the pattern names no detail-type");
    check("/Parameters/Mutations/Default", json!("on"), switches, "Mutations is not off");
    check("/Parameters/MitigateLambda/Default", json!("on"), switches, "MitigateLambda is not off");
    let alarm = "/Resources/EngageFailedAlarm/Properties";
    check(&format!("{alarm}/AlarmName"), json!("engage-failed"), own_alarms, "would take our own alarm");
    check(&format!("{alarm}/AlarmActions"), json!(["SignalsTopic"]), own_alarms, "does not go straight");
    let functions = "/Resources/RemediateFunction/Properties";
    let fixed = json!("mutations");
    check(
        &format!("{functions}/VersionDescription"),
        fixed,
        stale,
        "RemediateFunction: the alias would keep the old Mutations",
    );
    check(&format!("{functions}/AutoPublishAliasAllProperties"), json!(false), stale, "would keep old variables");
    let layer = "/Resources/PlansLayer/Properties/PublishLambdaVersion";
    check(layer, json!(false), stale, "TriageFunction: the alias would keep the old PlansLayer");
    let topic = "/Resources/TriageFunction/Properties/Events/AlarmTopic/Properties/Topic";
    check(topic, json!("FallbackTopic"), own_alarms, "TriageFunction: stands behind");
}
