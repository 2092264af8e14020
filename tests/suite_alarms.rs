//! The pager survives what it watches: the alarms of the suite on itself go to the fallback topic, with none of our code in
//! between. The metrics are put by hand; that AWS emits them is AWS's own documentation.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use blackbox::World;
use serde_json::{Value, json};

/// An alarm's message is a call away.
const SOON: Duration = Duration::from_secs(30);

/// What the names of the suite's own alarms begin with.
const OWN: &str = "tourniquet-suite-";

#[tokio::test]
async fn each_alarm_of_the_suite_reaches_the_fallback_topic() -> Result<()> {
    let world = World::get()?;
    let fallback = world.stack.output("FallbackTopic")?;
    let described = world.aws(&["cloudwatch", "describe-alarms", "--alarm-name-prefix", OWN]).await?;
    let alarms = described["MetricAlarms"].as_array().context("no alarms")?;
    let name = |alarm: &Value| alarm["AlarmName"].as_str().unwrap_or_default().to_owned();
    let names: Vec<String> = alarms.iter().map(name).collect();
    for machine in ["incident-response", "engage", "mitigate", "capture-evidence"] {
        for end in ["failed", "timed-out", "aborted"] {
            ensure!(names.contains(&format!("{OWN}{machine}-{end}")), "no alarm on {machine} {end}: {names:?}");
        }
    }
    for of in [
        "triage-errors",
        "triage-throttles",
        "triage-event-age",
        "signals-age",
        "signals-dead-letters",
        "commands-dead-letters",
    ] {
        ensure!(names.contains(&format!("{OWN}{of}")), "no alarm {of}: {names:?}");
    }
    for alarm in alarms {
        let name = name(alarm);
        assert_eq!(alarm["AlarmActions"], json!([fallback]), "{name}");
        // Anything else on this stack may have put it into alarm before.
        let quiet = ["--state-value", "OK", "--state-reason", "before the test"];
        world.aws(&[["cloudwatch", "set-alarm-state", "--alarm-name", &name].as_slice(), &quiet].concat()).await?;
        let before = messages_of(&world, &name)?.len();
        let datum = json!([{"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"], "Value": alarm["Threshold"]}]);
        let namespace = alarm["Namespace"].as_str().context("no namespace")?;
        let put = ["cloudwatch", "put-metric-data", "--namespace", namespace, "--metric-data"];
        world.aws(&[put.as_slice(), &[datum.to_string().as_str()]].concat()).await?;
        let more = async || Ok(messages_of(&world, &name)?.into_iter().nth(before));
        let message = world.until(&format!("message of {name}"), SOON, more).await?;
        assert_eq!(message["NewStateValue"], "ALARM", "{message}");
        let says = message["AlarmDescription"].as_str().unwrap_or_default();
        assert!(!says.is_empty(), "{name} does not say what to do");
    }
    // The machinery that may be broken is not asked to tell of itself.
    assert_eq!(world.incidents_of(OWN).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn the_fallback_topic_and_the_rule_keep_our_own_code_out() -> Result<()> {
    let world = World::get()?;
    let fallback = world.stack.output("FallbackTopic")?;
    let subscribed = world.aws(&["sns", "list-subscriptions-by-topic", "--topic-arn", fallback]).await?;
    let subscribed = subscribed["Subscriptions"].as_array().context("no subscriptions")?;
    let protocols: Vec<&str> = subscribed.iter().filter_map(|to| to["Protocol"].as_str()).collect();
    ensure!(!protocols.is_empty() && !protocols.contains(&"lambda"), "{protocols:?}");

    let triage = world.stack.output("TriageFunction")?;
    let rules = world.aws(&["events", "list-rules"]).await?;
    let patterns = rules["Rules"].as_array().into_iter().flatten().filter_map(|rule| rule["EventPattern"].as_str());
    let takes = |pattern: &&str| {
        pattern.contains("\"aws.cloudwatch\"") && pattern.contains("\"CloudWatch Alarm State Change\"")
    };
    let alarms: Vec<&str> = patterns.filter(takes).collect();
    ensure!(alarms.len() == 1, "one rule brings alarms to {triage}: {alarms:?}");
    for (name, matches) in [("checkout-errors", true), ("tourniquet-suite-triage-errors", false)] {
        let event = json!({
            "id": "1", "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
            "account": world.stack.account, "region": world.stack.region, "time": "2026-11-23T14:00:00Z", "resources": [],
            "detail": {"alarmName": name, "state": {"value": "ALARM"}},
        });
        let test = ["events", "test-event-pattern", "--event-pattern", alarms[0], "--event"];
        let tested = world.aws(&[test.as_slice(), &[event.to_string().as_str()]].concat()).await?;
        assert_eq!(tested["Result"], matches, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failed_execution_is_told_by_a_rule() -> Result<()> {
    let world = World::get()?;
    // An execution that no incident has: what it reads is not there, so it is stopped here at the latest.
    let name = format!("inc-20261123-0000000000-{}", step::now().as_millisecond());
    let machine = world.stack.output("Engage")?;
    let input = json!({"v": 1, "incident_id": "inc-20261123-0000000000", "opening": 1, "engagement": 1}).to_string();
    let start =
        ["stepfunctions", "start-execution", "--state-machine-arn", machine, "--name", &name, "--input", &input];
    let started = world.aws(&start).await?;
    let execution = started["executionArn"].as_str().context("no execution")?;
    world.aws(&["stepfunctions", "stop-execution", "--execution-arn", execution]).await?;

    let told = async || Ok(world.cried(&name)?.into_iter().next());
    let message = world.until(&format!("word of {name}"), SOON, told).await?;
    assert!(message.contains("ended ABORTED") && message.contains(machine), "{message}");
    Ok(())
}

/// The messages of one alarm at the fallback topic.
fn messages_of(world: &World, alarm: &str) -> Result<Vec<Value>> {
    let messages = world.cried(alarm)?;
    let read = messages.iter().filter_map(|message| serde_json::from_str::<Value>(message).ok());
    Ok(read.filter(|message| message["AlarmName"] == alarm).collect())
}
