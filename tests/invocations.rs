//! Each way in by itself, as far as the emulator goes: `docs/invocations.md` has the table. That they all bring the same
//! signal is shown in `deliveries.rs`, and what each does with bad input in `bad_deliveries.rs`.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail};
use blackbox::{PAGE_WITHIN, World, doors::Door, events::Alarm, incident_of, look::Told, read};
use incident::{Incident, Status};
use jiff::SignedDuration;
use serde_json::{Value, json};
use xtask::proxy::Action;

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// The schedule calls `sweep` every minute, and it looks at what has been open for 10 s.
const SWEPT_WITHIN: Duration = Duration::from_secs(150);

#[tokio::test]
async fn event_bridge_rule_takes_alarms_and_brings_them_to_triage() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("doors");
    let (rule, pattern) = alarm_rule(&world).await?;
    for state in ["ALARM", "OK", "INSUFFICIENT_DATA"] {
        let event = alarm.event(state, step::now()).to_string();
        let test = ["events", "test-event-pattern", "--event-pattern", &pattern, "--event", &event];
        assert_eq!(world.aws(&test).await?["Result"], true, "{state}");
    }
    let triage = world.stack.output("TriageFunction")?;
    let targets = world.aws(&["events", "list-targets-by-rule", "--rule", &rule]).await?;
    let [target] = targets["Targets"].as_array().map(Vec::as_slice).unwrap_or_default() else {
        bail!("not one target: {targets}")
    };
    assert_eq!(target["Arn"], triage);
    assert_eq!(target["DeadLetterConfig"]["Arn"], world.queue_arn("SignalsQueue").await?.as_str(), "{target}");

    // Nobody may put an event of an AWS service on the bus: a rule of the test's own hands the same target the same event.
    let event = alarm.event("ALARM", step::now());
    world.by_rule(&alarm.name, std::slice::from_ref(&event)).await?;
    world.status(&incident_of("doors", &event)?, Status::Open, SOON).await.map(drop)
}

/// The one deployed rule that takes alarms, and its pattern.
async fn alarm_rule(world: &World) -> Result<(String, String)> {
    let rules = world.aws(&["events", "list-rules"]).await?;
    let text = |rule: &Value, name: &str| rule[name].as_str().unwrap_or_default().to_owned();
    let all = rules["Rules"].as_array().into_iter().flatten();
    let mut rules = all.map(|rule| (text(rule, "Name"), text(rule, "EventPattern")));
    let takes =
        |pattern: &str| pattern.contains("\"aws.cloudwatch\"") && pattern.contains("\"CloudWatch Alarm State Change\"");
    rules.find(|(_, pattern)| takes(pattern)).context("no rule takes alarms")
}

#[tokio::test]
async fn event_bridge_rule_of_our_own_events_keeps_drills_apart() -> Result<()> {
    let world = World::get()?;
    let (alarm, at) = (Alarm::of_its_own("doors"), step::now());
    let real = incident_of("doors", &alarm.event("ALARM", at))?;
    Door::Rule.bring(&world, &alarm, "ALARM", at).await?;
    let mut event = alarm.forwarded("ALARM", at);
    event["source"] = "tourniquet.drill".into();
    world.put_event(&event).await?;
    let drill = incident_of("doors", &event)?;
    assert_ne!(drill, real);
    let incident = world.status(&drill, Status::Open, SOON).await?;
    assert!(incident.opened.drill && incident.firing.iter().all(|fingerprint| fingerprint.starts_with("drill:")));
    let paged = async || Ok((world.paged(&drill, 1)? == Told::ONCE).then_some(()));
    world.until(&format!("page of {drill}"), SOON, paged).await?;
    let words = world.words_about(&drill)?;
    assert!(words.iter().all(|text| text.contains("DRILL")), "every outward text says so: {words:?}");
    assert_eq!(world.store.load(&real).await?.firing, [alarm.arn()].into(), "the real one goes on alone");
    Ok(())
}

#[tokio::test]
async fn sns_subscription_brings_what_an_alarm_publishes() -> Result<()> {
    let world = World::get()?;
    let name = format!("published-{}", step::now().as_millisecond());
    let topic = world.stack.output("SignalsTopic")?;
    let metric = ["--namespace", "Test", "--metric-name", &name, "--statistic", "Sum", "--period", "60"];
    let when = ["--evaluation-periods", "1", "--threshold", "1", "--comparison-operator", "GreaterThanThreshold"];
    let tells = ["--alarm-actions", topic, "--ok-actions", topic];
    let put = ["cloudwatch", "put-metric-alarm", "--alarm-name", &name];
    world.aws(&[put.as_slice(), &metric, &when, &tells].concat()).await?;
    let turn = async |state| {
        let set =
            ["cloudwatch", "set-alarm-state", "--alarm-name", &name, "--state-reason", "r", "--state-value", state];
        world.aws(&set).await
    };
    turn("ALARM").await?;
    let opened = async || Ok(world.incidents_of(&name).await?.pop());
    let id = world.until(&format!("incident of {name}"), SOON, opened).await?;
    assert_eq!(world.store.load(&id).await?.plan().plan, "published");
    turn("OK").await?;
    world.status(&id, Status::Resolved, SOON).await?;
    assert_eq!(world.incidents_of(&name).await?, [id]);
    Ok(())
}

#[tokio::test]
async fn direct_alarm_action_is_allowed_and_opens_an_incident() -> Result<()> {
    let world = World::get()?;
    let triage = world.stack.output("TriageFunction")?;
    let (name, alias) = triage.rsplit_once(':').context("no alias")?;
    let policy = world.aws(&["lambda", "get-policy", "--function-name", name, "--qualifier", alias]).await?;
    let policy = policy["Policy"].as_str().unwrap_or_default();
    assert!(policy.contains("lambda.alarms.cloudwatch.amazonaws.com"), "{policy}");

    // CloudWatch invokes asynchronously; the emulator's alarms do not, so the test does it in its place.
    let alarm = Alarm::of_its_own("doors");
    let (fired, cleared) = (step::now() - SignedDuration::from_secs(5), step::now());
    world.invoke_later("TriageFunction", &alarm.action("ALARM", fired)).await?;
    let id = incident_of("doors", &alarm.event("ALARM", fired))?;
    world.status(&id, Status::Open, SOON).await?;
    world.invoke_later("TriageFunction", &alarm.action("OK", cleared)).await?;
    world.status(&id, Status::Resolved, SOON).await.map(drop)
}

#[tokio::test]
async fn sqs_queue_signals_takes_every_wrapping() -> Result<()> {
    let world = World::get()?;
    let (at, triage) = (step::now(), world.stack.output("TriageFunction")?);
    let alarms: Vec<Alarm> = (0..3).map(|_| Alarm::of_its_own("doors")).collect();
    // As EventBridge leaves it there, as SNS does, and as Lambda's on-failure destination does.
    let event = alarms[0].event("ALARM", at);
    let topic = world.stack.output("SignalsTopic")?;
    let message = alarms[1].message("ALARM", at).to_string();
    let notification = json!({"Type": "Notification", "MessageId": "m", "TopicArn": topic, "Message": message});
    let record = json!({
        "version": "1.0", "timestamp": "2026-11-23T14:00:00.000Z",
        "requestContext": {"requestId": "r", "functionArn": triage, "condition": "RetriesExhausted", "approximateInvokeCount": 1},
        "requestPayload": alarms[2].sns("ALARM", at),
        "responseContext": {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "Transient", "errorMessage": "the incident table could not be read"},
    });
    for body in [&event, &notification, &record] {
        world.send("SignalsQueue", &body.to_string()).await?;
    }
    for alarm in &alarms {
        world.status(&incident_of("doors", &alarm.event("ALARM", at))?, Status::Open, SOON).await?;
    }
    Ok(())
}

#[tokio::test]
async fn step_functions_task_calls_by_alias_and_gets_the_answer() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("doors");
    let event = alarm.event("ALARM", step::now());
    let id = incident_of("doors", &event)?;
    world.take(&event).await?;
    // Who runs while the incident is open, with a field that only its function's answer has.
    for (machine, functions, field) in [
        ("Engage", &["NotifyFunction"][..], "contact"),
        ("Mitigate", &["RemediateFunction", "NotifyFunction"], "contact"),
        ("CaptureEvidence", &["CaptureEvidenceFunction"], "prefix"),
    ] {
        let arn = world.stack.output(machine)?;
        let deployed = world.aws(&["stepfunctions", "describe-state-machine", "--state-machine-arn", arn]).await?;
        let definition = deployed["definition"].as_str().context("no definition")?;
        for function in functions {
            let alias = world.stack.output(function)?;
            assert!(alias.ends_with(":live") && definition.contains(alias), "{machine} and {function}: {definition}");
        }
        let execution = format!("{}:{id}-1-1", arn.replace(":stateMachine:", ":execution:"));
        let history = ["stepfunctions", "get-execution-history", "--execution-arn", &execution];
        let answered = async || match world.aws(&history).await {
            Ok(history) => Ok(answer_in(&history, field).map(|answer| (history, answer))),
            Err(_) => Ok(None), // It has not begun.
        };
        let (history, answer) = world.until(&format!("answer in {execution}"), SOON, answered).await?;
        assert!(answer["Payload"].is_object(), "{answer}");
        // In the account of the signal nothing may be read, and the error's own name reaches the machine.
        assert_eq!(history.to_string().contains(r#""error":"Refused""#), machine == "Mitigate", "{history}");
    }
    Ok(())
}

/// The output of the first task whose function answered with this field.
fn answer_in(history: &Value, field: &str) -> Option<Value> {
    let outputs = history["events"].as_array()?.iter().filter_map(|event| {
        let details = &event["taskSucceededEventDetails"];
        serde_json::from_str(details["output"].as_str()?).ok()
    });
    outputs.into_iter().find(|output: &Value| !output["Payload"][field].is_null())
}

#[tokio::test]
async fn lambda_on_failure_destination_brings_back_what_died() -> Result<()> {
    let world = World::get()?;
    let mut died = Vec::new();
    for door in [Door::Topic, Door::Forwarded, Door::Action] {
        let (alarm, at) = (Alarm::of_its_own("doors"), step::now());
        let event = alarm.event("ALARM", at);
        let id = incident_of("doors", &event)?;
        // Triage is killed once, when it has opened the incident and before it has started anything.
        let kill = world.fault_times("TransactWriteItems", &format!("INC#{id}"), Action::KillAfter(true), 1)?;
        match door {
            Door::Action => world.invoke_later("TriageFunction", &alarm.action("ALARM", at)).await?,
            _ => door.bring(&world, &alarm, "ALARM", at).await?,
        }
        died.push((door, kill, id, event));
    }
    for (door, kill, id, event) in died {
        let paged = async || Ok((world.paged(&id, 1)? == Told::ONCE).then_some(()));
        world.until(&format!("page of {id} by {door:?}"), PAGE_WITHIN, paged).await?;
        assert_eq!(kill.met()?, 1, "{door:?}");
        assert_eq!(world.executions("IncidentResponse", &id).await?.len(), 1, "{door:?}");
        let signal_id = read(&event)?.signal_id;
        let again = async || Ok(Some(world.taken(&signal_id).await?).filter(|taken| !taken.is_empty()));
        let taken = world.until(&format!("second delivery by {door:?}"), SOON, again).await?;
        let reasons: Vec<&str> = taken.iter().map(|taken| taken.reason.as_str()).collect();
        assert_eq!(reasons, ["it came before"], "{door:?}: who was killed said nothing");
    }
    Ok(())
}

#[tokio::test]
async fn aws_lambda_invoke_answers_or_takes_it_asynchronously() -> Result<()> {
    let world = World::get()?;
    let (alarm, other, at) = (Alarm::of_its_own("doors"), Alarm::of_its_own("doors"), step::now());
    let (status, answer) = invoked(&world, "RequestResponse", &alarm.event("ALARM", at)).await?;
    assert_eq!((&status["StatusCode"], &status["FunctionError"]), (&json!(200), &Value::Null), "{status}");
    let version = status["ExecutedVersion"].as_str().unwrap_or_default();
    assert!(version.parse::<u32>().is_ok(), "the alias has a version: {status}");
    assert_eq!(answer["results"][0]["outcome"], "incident", "{answer}");

    let (status, answer) = invoked(&world, "RequestResponse", &json!({"source": "acme.fridge", "detail": {}})).await?;
    assert_eq!(status["FunctionError"], "Unhandled", "{status}");
    assert_eq!(answer["errorType"], "Rejected", "{answer}");
    assert!(answer["errorMessage"].as_str().unwrap_or_default().contains("acme.fridge"), "{answer}");

    let (status, answer) = invoked(&world, "Event", &other.event("ALARM", at)).await?;
    assert_eq!((&status["StatusCode"], &answer), (&json!(202), &Value::Null), "{status}");
    world.status(&incident_of("doors", &other.event("ALARM", at))?, Status::Open, SOON).await.map(drop)
}

/// `aws lambda invoke`: what it says, and the answer that it wrote into its file.
async fn invoked(world: &World, how: &str, event: &Value) -> Result<(Value, Value)> {
    let triage = world.stack.output("TriageFunction")?;
    let file = world.stack.dir.join(format!("invoked-{}.json", step::now().as_nanosecond()));
    let path = file.to_str().context("the path is not UTF-8")?;
    let (event, invoke) = (event.to_string(), ["lambda", "invoke", "--function-name", triage]);
    let said = world.aws(&[invoke.as_slice(), &["--invocation-type", how, "--payload", &event, path]].concat()).await?;
    let written = fs::read(&file)?;
    Ok((said, if written.is_empty() { Value::Null } else { serde_json::from_slice(&written)? }))
}

#[tokio::test]
async fn schedule_lets_sweep_start_what_is_missing() -> Result<()> {
    let world = World::get()?;
    let event = Alarm::of_its_own("doors").event("ALARM", step::now());
    let id = incident_of("doors", &event)?;
    let gone = world.fault("StartExecution", &id, Action::Fail(503))?;
    // Invoked synchronously, it is tried by nobody again.
    let failed = world.take(&event).await.expect_err("its execution could be started").to_string();
    assert!(failed.contains("could not be started"), "{failed}");
    assert_eq!(world.executions("IncidentResponse", &id).await?, []);
    gone.end()?;
    let started = async || Ok(world.executions("IncidentResponse", &id).await?.pop());
    let (name, _) = world.until(&format!("execution of {id}"), SWEPT_WITHIN, started).await?;
    assert_eq!(name, format!("{id}-1-1"));
    let incident: Incident = world.store.load(&id).await.map_err(|error| anyhow!("{error}"))?;
    assert_eq!((incident.status, incident.run), (Status::Open, 1));
    Ok(())
}
