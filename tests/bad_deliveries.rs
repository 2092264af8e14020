//! Bad input through each door of `docs/invocations.md`: it is refused in a sentence under its name, it is kept, and it
//! pages where a page was due. What triage and the queue `signals` do with what is no event at all is in `bad_input.rs`.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use blackbox::{PAGE_WITHIN, World, events::Alarm};
use serde_json::{Value, json};

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// The form of an incident's id, and no incident's.
const NOBODYS: &str = "inc-20200101-0123456789";

/// Where a door has what an alarm is known by, its state, and the time of that state.
struct Shape {
    known_by: [&'static str; 2],
    state: &'static str,
    time: &'static str,
}

const EVENT: Shape = Shape {
    known_by: ["/resources", "/detail/alarmName"],
    state: "/detail/state/value",
    time: "/detail/state/timestamp",
};
const ACTION: Shape = Shape {
    known_by: ["/alarmArn", "/alarmData/alarmName"],
    state: "/alarmData/state/value",
    time: "/alarmData/state/timestamp",
};
const MESSAGE: Shape =
    Shape { known_by: ["/AlarmArn", "/AlarmName"], state: "/NewStateValue", time: "/StateChangeTime" };

/// A value in so many lists.
fn deep(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

/// An alarm as nobody can read it, once for each way to damage it, under a name of its own, with a part of what is said.
fn damaged(shape: &Shape, whole: fn(&Alarm) -> Value) -> Vec<(Alarm, Value, &'static str)> {
    let ways: [(&[&str], Value, &str); 6] = [
        (&shape.known_by, Value::Null, "does not say the alarm's ARN"),
        (&[shape.state], json!("PANIC"), "unknown state PANIC"),
        (&[shape.state], json!(7), "does not say its new state"),
        (&[shape.time], json!(17), "does not say the time of its transition"),
        (&[shape.time], json!("yesterday"), "does not say the time of its transition"),
        (&[shape.time], deep(100), ""),
    ];
    let damage = |(places, value, part): (&[&str], Value, &'static str)| {
        let alarm = Alarm::of_its_own("bad-input");
        let mut event = whole(&alarm);
        for place in places {
            *event.pointer_mut(place).unwrap_or(&mut Value::Null) = value.clone();
        }
        event["test"] = alarm.name.clone().into();
        (alarm, event, part)
    };
    ways.into_iter().map(damage).collect()
}

/// Waits for the record of a failed invocation in the queue where nothing is lost: what was sent is in it unchanged, at
/// this place, beside the error that the function gave.
async fn kept(world: &World, which: &str, mark: &str, at: &str, sent: &Value, error: (&str, &str)) -> Result<()> {
    let record = async || {
        let records = world.kept(mark)?.into_iter().filter_map(|body| serde_json::from_str::<Value>(&body).ok());
        Ok(records.into_iter().find(|record| record["requestPayload"].pointer(at) == Some(sent)))
    };
    let record = world.until(&format!("record of {which}: {}", error.1), SOON, record).await?;
    check_error(which, &record["responsePayload"], error);
    Ok(())
}

/// The error under the name, as a sentence for people.
#[track_caller]
fn check_error(which: &str, error: &Value, (name, part): (&str, &str)) {
    let sentence = error["errorMessage"].as_str().unwrap_or_default();
    assert_eq!(error["errorType"], name, "{which}: {error}");
    assert!(!sentence.is_empty() && sentence.contains(part), "{which}: `{part}` is not in: {sentence}");
    assert!(sentence.chars().count() < 400 && !sentence.contains("::"), "{which}: no sentence for people: {sentence}");
}

#[tokio::test]
async fn event_bridge_rules_keep_what_triage_refuses() -> Result<()> {
    let world = World::get()?;
    for (alarm, event, part) in damaged(&EVENT, |alarm| alarm.event("ALARM", step::now())) {
        let error = ("Rejected", part);
        world.by_rule(&alarm.name, std::slice::from_ref(&event)).await?;
        kept(&world, "the rule", &alarm.name, "", &event, error).await?;
        let mut forwarded = alarm.forwarded("ALARM", step::now());
        forwarded["detail"] = event.clone();
        world.put_event(&forwarded).await?;
        kept(&world, "the rule of our own events", &alarm.name, "/detail", &event, error).await?;
    }
    Ok(())
}

/// A message that names a test.
type Text = fn(&str) -> String;

#[tokio::test]
async fn sns_subscription_keeps_what_triage_refuses() -> Result<()> {
    let world = World::get()?;
    let bad = damaged(&MESSAGE, |alarm| alarm.message("ALARM", step::now()));
    let mut messages: Vec<_> =
        bad.into_iter().map(|(alarm, message, part)| (alarm.name, message.to_string(), part)).collect();
    let name = || Alarm::of_its_own("bad-input").name;
    let texts: [(Text, &str); 4] = [
        (|name| format!("{name} is no JSON {{"), "not readable JSON"),
        (|name| json!([name]).to_string(), "not a JSON object"),
        (|name| json!({ name: deep(200) }).to_string(), "not readable JSON"),
        (|name| json!({ name: "x".repeat(200 << 10) }).to_string(), "Nothing here reads"),
    ];
    messages.extend(texts.map(|(text, part)| {
        let name = name();
        (name.clone(), text(&name), part)
    }));
    for (name, message, part) in messages {
        world.publish("SignalsTopic", &message).await?;
        let error = ("Rejected", part);
        kept(&world, "the topic", &name, "/Records/0/Sns/Message", &message.into(), error).await?;
    }
    Ok(())
}

#[tokio::test]
async fn direct_alarm_action_keeps_what_triage_refuses() -> Result<()> {
    let world = World::get()?;
    for (alarm, event, part) in damaged(&ACTION, |alarm| alarm.action("ALARM", step::now())) {
        world.invoke_later("TriageFunction", &event).await?;
        kept(&world, "the alarm's action", &alarm.name, "", &event, ("Rejected", part)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_alarm_too_large_for_the_table_is_paged_and_kept() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("bad-input");
    let mut event = alarm.event("ALARM", step::now());
    event["detail"]["state"]["reason"] = "x".repeat(500 << 10).into();
    world.invoke_later("TriageFunction", &event).await?;
    let cried = async || Ok(world.cried(&alarm.name)?.pop());
    let page = world.until("page by triage itself", PAGE_WITHIN, cried).await?;
    assert!(page.starts_with("degraded, may repeat: the incident table could not be written"), "{page}");
    kept(&world, "a large alarm", &alarm.name, "", &event, ("Stuck", "could not be written")).await
}

/// The functions that state machines call, each with an input that it reads.
fn steps() -> [(&'static str, Value); 5] {
    let of = |more: Value| {
        let mut input = json!({"v": 1, "incident_id": NOBODYS, "opening": 1});
        for (name, value) in more.as_object().into_iter().flatten() {
            input[name] = value.clone();
        }
        input
    };
    [
        ("NotifyFunction", of(json!({"engagement": 1, "step": 1}))),
        ("NotifyFunction", of(json!({"announce": "approval"}))),
        ("CaptureEvidenceFunction", of(json!({"pass": 1}))),
        ("RemediateFunction", of(json!({"n": 1, "action": "plan"}))),
        ("OpenPostmortemFunction", of(json!({}))),
    ]
}

#[tokio::test]
async fn step_functions_tasks_are_told_what_is_wrong_with_their_input() -> Result<()> {
    let world = World::get()?;
    for (function, input) in steps() {
        let mut bad = vec![Value::Null, json!([1]), json!(7), json!("help"), json!({}), deep(100), deep(200)];
        for name in input.as_object().into_iter().flatten().map(|(name, _)| name) {
            let with = |value: Value| {
                let mut bad = input.clone();
                bad[name] = value;
                bad
            };
            let values = [Value::Null, json!({}), json!(-1), json!(1_u64 << 40), json!("explode"), deep(100)];
            bad.extend(values.map(with));
            // A version that nobody knows, and numbers that count from one.
            bad.extend([0, 2].map(|number| with(json!(number))).into_iter().filter(|_| name == "v"));
        }
        let mut large = input.clone();
        large["junk"] = "x".repeat(5 << 20).into();
        bad.push(large);
        for bad in bad {
            let which = format!("{function} with {:.200}", bad.to_string());
            let answer = world.invoke(function, bad.to_string().as_bytes()).await?;
            let Err((name, sentence)) = answer else { panic!("{which}: {answer:?}") };
            check_error(&which, &json!({"errorType": name, "errorMessage": sentence}), ("Rejected", ""));
        }
    }
    Ok(())
}

#[tokio::test]
async fn state_machines_page_about_an_input_that_they_cannot_read() -> Result<()> {
    let world = World::get()?;
    for machine in ["IncidentResponse", "Engage", "Mitigate", "CaptureEvidence"] {
        let arn = world.stack.output(machine)?;
        for input in ["{}", "[1]", r#"{"v": 1, "incident": "inc-1"}"#] {
            let name = format!("bad-input-{}", step::now().as_nanosecond());
            let start = ["stepfunctions", "start-execution", "--state-machine-arn", arn, "--name", &name];
            world.aws(&[start.as_slice(), &["--input", input]].concat()).await?;
            let cried = async || Ok(world.cried(&name)?.pop());
            let page = world.until(&format!("page about {machine} with {input}"), PAGE_WITHIN, cried).await?;
            ensure!(page.contains("ended FAILED") && page.contains(arn), "{page}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn sqs_queue_commands_answers_whatever_names_its_request() -> Result<()> {
    let world = World::get()?;
    let whole = json!({"v": 1, "incident_id": NOBODYS, "verb": "acknowledge", "args": {}, "claimed_by": "ana"});
    let cases = [
        ("verb", json!("dance"), "`dance` is nothing that can be asked of version"),
        ("verb", json!({"acknowledge": null}), "does not say what is asked"),
        ("v", json!(2), "not of version 1"),
        ("v", json!("1"), "not of version 1"),
        ("args", json!({"hours": 2}), "an argument `hours`"),
        ("args", json!("now"), "the arguments of the command are no object"),
        ("args", deep(100), "the arguments of the command are no object"),
        ("args", json!({"junk": "x".repeat(200 << 10)}), "an argument `junk`"),
        ("claimed_by", Value::Null, "does not say who asks"),
        ("incident_id", json!(7), "names no incident"),
        ("incident_id", json!("INC#x"), "names no incident"),
    ];
    for (n, (field, value, part)) in cases.into_iter().enumerate() {
        let request_id = format!("bad-input-{}-{n}", step::now().as_nanosecond());
        let mut message = whole.clone();
        message[field] = value;
        message["request_id"] = request_id.clone().into();
        world.send("CommandsQueue", &message.to_string()).await?;
        let answered = async || Ok(world.store.command(&request_id).await?);
        let record = world.until(&format!("answer to {field}: {part}"), SOON, answered).await?;
        ensure!(!record.done && record.answer.contains(part), "{record:?}");
        ensure!(record.verb.is_none() == (field == "verb"), "{record:?}");
    }
    Ok(())
}

#[tokio::test]
async fn sqs_queue_commands_keeps_what_names_no_request_as_dead_letters() -> Result<()> {
    let world = World::get()?;
    let queue = world.impatient("commands", "CommandsQueue", "CommandFunction").await?;
    let command = |id: Value| json!({"v": 1, "request_id": id, "verb": "brake", "args": {"on": true, "reason": "r"}, "claimed_by": "ana"});
    let mut too_deep = command(json!("bad-input-deep"));
    too_deep["args"] = deep(200);
    let ids = [json!(7), json!(""), json!("a b"), json!("x".repeat(129)), Value::Null, json!(["r"])];
    let mut bad: Vec<String> = ids.into_iter().map(|id| command(id).to_string()).collect();
    bad.extend(["no JSON {".to_owned(), "[1]".to_owned(), "null".to_owned(), too_deep.to_string()]);
    for body in &bad {
        queue.send(&world, body).await?;
    }
    // One that is right goes through all the same.
    let right = json!({
        "v": 1, "request_id": format!("bad-input-{}", step::now().as_nanosecond()), "incident_id": NOBODYS,
        "verb": "acknowledge", "claimed_by": "ana",
    });
    queue.send(&world, &right.to_string()).await?;
    let id = right["request_id"].as_str().context("no id")?;
    let answered = async || Ok(world.store.command(id).await?);
    let record = world.until("answer among what cannot be read", SOON, answered).await?;
    ensure!(record.answer.contains("there is no incident"), "{record:?}");

    queue.all_dead(&world, &bad, SOON).await
}

#[tokio::test]
async fn the_schedule_needs_no_input() -> Result<()> {
    let world = World::get()?;
    for input in [Value::Null, json!([1]), json!("help"), json!({"v": 2}), deep(100)] {
        let answer = world.invoke("SweepFunction", input.to_string().as_bytes()).await?;
        assert_eq!(answer.map(|answer| answer["v"].clone()), Ok(json!(1)), "{input}");
    }
    // What is no list of messages is no batch of the queue, and says so.
    for input in [Value::Null, json!({}), json!({"Records": "x"}), json!({"Records": [7]})] {
        let answer = world.invoke("CommandFunction", input.to_string().as_bytes()).await?;
        let Err((name, sentence)) = answer else { panic!("command with {input}: {answer:?}") };
        check_error(
            "command",
            &json!({"errorType": name, "errorMessage": sentence}),
            ("Rejected", "not what this step reads"),
        );
    }
    Ok(())
}
