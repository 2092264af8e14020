//! Bad input gets a clear error under its name, is kept, and pages where a page was due.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use blackbox::{
    PAGE_WITHIN, World,
    events::Alarm,
    incident_of,
    people::{self, Said},
};
use incident::{Status, Verb};
use serde_json::{Value, json};

/// What happens by itself happens within this time, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// The form of an incident's id, and no incident's.
const NOBODYS: &str = "inc-20200101-0123456789";

/// An output of the stack that names a function, and an input for it about an incident.
type Step = (&'static str, fn(&str) -> Value);

/// The handlers that work on an incident, each with an input for one.
const STEPS: [Step; 4] = [
    ("NotifyFunction", |id| json!({"v": 1, "incident_id": id, "opening": 1, "engagement": 1, "step": 1})),
    ("CaptureEvidenceFunction", |id| json!({"v": 1, "incident_id": id, "opening": 1, "pass": 1})),
    ("RemediateFunction", |id| json!({"v": 1, "incident_id": id, "opening": 1, "n": 1, "action": "plan"})),
    ("OpenPostmortemFunction", |id| json!({"v": 1, "incident_id": id, "opening": 1})),
];

/// What no source sends, with a part of what is said of it.
fn unreadable() -> Vec<(&'static str, String, &'static str)> {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100), close.repeat(100));
    let junk = json!({"junk": "x".repeat(256 * 1024 - 12)}).to_string();
    assert_eq!(junk.len(), 256 * 1024 - 1);
    let unknown = json!({"source": "acme.fridge", "detail-type": "Door Open", "detail": {}}).to_string();
    let late =
        json!({"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": {}}).to_string();
    vec![
        ("not an object", "[1, 2]".to_owned(), "not a JSON object"),
        ("a text", "\"help\"".to_owned(), "not a JSON object"),
        ("nothing", "null".to_owned(), "not a JSON object"),
        ("100 lists deep", deep("[", "]"), "not a JSON object"),
        ("100 objects deep", deep("{\"a\":", "}"), "nested more than"),
        ("256 KiB of junk", junk, "Nothing here reads"),
        ("an unknown source", unknown, "acme.fridge"),
        ("an alarm without a name", late, "does not say the alarm's ARN"),
    ]
}

/// The error under the name, as a sentence for people.
#[track_caller]
fn check_error(which: &str, answer: Result<Value, (String, String)>, name: &str, part: &str) {
    let Err((got, sentence)) = answer else { panic!("{which}: {answer:?}") };
    assert_eq!(got, name, "{which}: {sentence}");
    assert!(sentence.contains(part), "{which}: `{part}` is not in: {sentence}");
    assert!(sentence.chars().count() < 400 && !sentence.contains("::"), "{which}: no sentence for people: {sentence}");
}

#[tokio::test]
async fn what_cannot_be_read_is_rejected_with_a_sentence() -> Result<()> {
    let world = World::get()?;
    for (which, payload, part) in unreadable() {
        check_error(which, world.invoke("TriageFunction", payload.as_bytes()).await?, "Rejected", part);
        // The same as an alarm's message that SNS hands on.
        let mut event = Alarm::new("bad-input-sns").sns("ALARM", step::now());
        event["Records"][0]["Sns"]["Message"] = payload.into();
        let answer = world.invoke("TriageFunction", event.to_string().as_bytes()).await?;
        let (name, sentence) = answer.expect_err(which);
        assert_eq!(name, "Rejected", "{which} by SNS: {sentence}");
    }
    // On AWS the service itself refuses what is no JSON; the emulator hands the function an empty object.
    let answer = world.invoke("TriageFunction", b"not { JSON").await;
    check_error("no JSON", answer?, "Rejected", "Nothing here reads");
    Ok(())
}

#[tokio::test]
async fn a_bad_message_fails_alone() -> Result<()> {
    let world = World::get()?;
    let alarm = Alarm::of_its_own("bad-input");
    let good = alarm.event("ALARM", step::now());
    let mut bodies: Vec<String> = unreadable().into_iter().map(|(_, body, _)| body).collect();
    bodies.push("no JSON {".to_owned());
    bodies.insert(4, good.to_string());
    let message =
        |(n, body): (usize, &String)| json!({"eventSource": "aws:sqs", "messageId": format!("m{n}"), "body": body});
    let batch = json!({"Records": bodies.iter().enumerate().map(message).collect::<Vec<_>>()});

    let answer =
        world.invoke("TriageFunction", batch.to_string().as_bytes()).await?.map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let failed: Vec<&str> = answer["batchItemFailures"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|f| f["itemIdentifier"].as_str())
        .collect();
    let expected: Vec<String> = (0..bodies.len()).filter(|n| *n != 4).map(|n| format!("m{n}")).collect();
    assert_eq!(failed, expected);
    assert_eq!(world.store.load(&incident_of("bad-input", &good)?).await?.status, Status::Open);
    Ok(())
}

#[tokio::test]
async fn what_nobody_can_read_ends_in_the_dead_letter_queue() -> Result<()> {
    let world = World::get()?;
    let queue = world.impatient("signals", "SignalsQueue", "TriageFunction").await?;
    let alarm = Alarm::of_its_own("bad-input");
    let good = alarm.event("ALARM", step::now());
    let mut bad: Vec<String> = unreadable().into_iter().map(|(_, body, _)| body).collect();
    bad.push("no JSON {".to_owned());
    for body in bad.iter().chain([&good.to_string()]) {
        queue.send(&world, body).await?;
    }

    world.status(&incident_of("bad-input", &good)?, Status::Open, SOON).await?;
    queue.all_dead(&world, &bad, SOON).await
}

#[tokio::test]
async fn what_direct_delivery_cannot_hand_over_comes_through_the_queue() -> Result<()> {
    let world = World::get()?;
    let name = "blackbox-triage-no-table";
    world.copy("TriageFunction", name, &[("TABLE", Some("there-is-no-such-table"))]).await?;
    // As the template has it for triage; the emulator honours it for what is invoked without an alias.
    let queue = world.queue_arn("SignalsQueue").await?;
    let destination = json!({"OnFailure": {"Destination": queue}}).to_string();
    let configure =
        ["lambda", "put-function-event-invoke-config", "--function-name", name, "--maximum-retry-attempts", "0"];
    world.aws(&[configure.as_slice(), &["--destination-config", &destination]].concat()).await?;

    let alarm = Alarm::of_its_own("bad-input");
    let event = alarm.event("ALARM", step::now());
    let client = aws_sdk_lambda::Client::new(&world.config);
    let payload = aws_sdk_lambda::primitives::Blob::new(event.to_string());
    let asynchronous = aws_sdk_lambda::types::InvocationType::Event;
    client.invoke().function_name(name).invocation_type(asynchronous).payload(payload).send().await?;

    let cried = async || Ok(world.cried(&alarm.name)?.pop());
    let page = world.until("page by triage itself", PAGE_WITHIN, cried).await?;
    assert!(page.contains("degraded, may repeat: the incident table could not be read"), "{page}");
    let id = incident_of("bad-input", &event)?;
    world.status(&id, Status::Open, SOON).await?;
    assert_eq!(world.incidents_of(&alarm.name).await?, [id]);
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_not_there_is_said_by_every_step() -> Result<()> {
    let world = World::get()?;
    for (function, input) in STEPS {
        let name = format!("blackbox-no-table-{function}");
        world.copy(function, &name, &[("TABLE", Some("there-is-no-such-table"))]).await?;
        let answer = world.invoke_named(&name, input(NOBODYS).to_string().as_bytes()).await?;
        check_error(&name, answer, "Stuck", "could not be read");
    }
    let (sweep, command) = ("blackbox-no-table-SweepFunction", "blackbox-no-table-CommandFunction");
    world.copy("SweepFunction", sweep, &[("TABLE", Some("there-is-no-such-table"))]).await?;
    check_error(sweep, world.invoke_named(sweep, b"{}").await?, "Stuck", "could not be read");
    // What a person asked for waits in the queue.
    world.copy("CommandFunction", command, &[("TABLE", Some("there-is-no-such-table"))]).await?;
    let ask = people::command("ana", Verb::Acknowledge, Some(NOBODYS), json!({}));
    let batch =
        json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m1", "body": serde_json::to_string(&ask)?}]});
    let answer = world.invoke_named(command, batch.to_string().as_bytes()).await?;
    assert_eq!(answer, Ok(json!({"batchItemFailures": [{"itemIdentifier": "m1"}]})));
    // A page that cannot know whom to wake goes to the fallback topic.
    let cried = async || Ok(world.cried(NOBODYS)?.into_iter().find(|message| message.contains("cannot be read")));
    world.until("page in place of the one that could not be sent", PAGE_WITHIN, cried).await.map(drop)
}

#[tokio::test]
async fn a_missing_variable_is_named() -> Result<()> {
    let world = World::get()?;
    // Without the table triage can still page, and does.
    world.copy("TriageFunction", "blackbox-triage-no-variable", &[("TABLE", None)]).await?;
    let alarm = Alarm::of_its_own("bad-input");
    let event = alarm.event("ALARM", step::now()).to_string();
    let answer = world.invoke_named("blackbox-triage-no-variable", event.as_bytes()).await?;
    check_error("triage", answer, "Stuck", "the incident table could not be read");
    let cried = async || Ok(world.cried(&alarm.name)?.pop());
    let page = world.until("page by triage itself", PAGE_WITHIN, cried).await?;
    assert!(page.contains("degraded, may repeat"), "{page}");

    let others: [Step; 2] = [("SweepFunction", |_| json!({})), ("CommandFunction", |_| json!({"Records": []}))];
    for (function, input) in STEPS.into_iter().chain(others) {
        let name = format!("blackbox-no-variable-{function}");
        world.copy(function, &name, &[("TABLE", None)]).await?;
        let answer = world.invoke_named(&name, input(NOBODYS).to_string().as_bytes()).await?;
        // It does not start, so that the error has the runtime's name: state machines take it as they take a crash.
        let (error, sentence) = answer.expect_err(function);
        let said = sentence.contains("TABLE is not set; the function's Environment in template.yaml gives it");
        assert!(said && error.starts_with("Runtime."), "{name}: {error}: {sentence}");
    }
    Ok(())
}

#[tokio::test]
async fn an_incident_that_does_not_exist_is_rejected_by_every_step() -> Result<()> {
    let world = World::get()?;
    for (function, input) in STEPS {
        for id in [NOBODYS, "inc-1", "", "INC#x"] {
            let answer = world.invoke(function, input(id).to_string().as_bytes()).await?;
            check_error(&format!("{function} for `{id}`"), answer, "Rejected", "no incident");
        }
        let mut without = input(NOBODYS);
        without.as_object_mut().context("no object")?.remove("incident_id");
        let answer = world.invoke(function, without.to_string().as_bytes()).await?;
        check_error(&format!("{function} without an id"), answer, "Rejected", "the input is not what this step reads");
    }
    for id in [NOBODYS, "inc-1"] {
        let ask = people::command("ana", Verb::Acknowledge, Some(id), json!({}));
        let answer = world.ask(&ask).await?;
        let part = if id == NOBODYS { "there is no incident" } else { "names no incident" };
        ensure!(!answer.done && answer.answer.contains(part), "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_command_line_says_what_is_wrong() -> Result<()> {
    let world = World::get()?;
    let ack_unknown = world.tourniquet(&["ack", NOBODYS]).await?;
    check_said(&ack_unknown, 1, "there is no incident");
    check_said(&world.tourniquet(&["ack", "inc-1"]).await?, 2, "`inc-1` is no incident id");
    check_said(&world.tourniquet(&["show", "inc-1"]).await?, 2, "no incident");
    check_said(&world.tourniquet(&["show", NOBODYS]).await?, 2, "there is no incident");
    check_said(&world.tourniquet(&["evidence", "get", NOBODYS]).await?, 2, "there is no incident");
    check_said(&world.tourniquet(&["--table", "there-is-no-such-table", "incidents"]).await?, 2, "output Table");
    check_said(&world.tourniquet(&["triage", "/there/is/no/file.json"]).await?, 2, "/there/is/no/file.json");
    Ok(())
}

#[tokio::test]
async fn a_plan_with_a_typo_is_found_with_file_line_and_column() -> Result<()> {
    let world = World::get()?;
    let dir = world.stack.dir.join("typo");
    fs::create_dir_all(&dir)?;
    let plans = world.stack.dir.join("plans");
    fs::copy(plans.join("teams.yaml"), dir.join("teams.yaml"))?;
    let plan = fs::read_to_string(plans.join("bad-input.yaml"))?;
    fs::write(dir.join("good.yaml"), &plan)?;
    let path = dir.to_str().context("the path is not UTF-8")?;
    check_said(&world.tourniquet(&["plans", "check", path]).await?, 0, "nothing wrong");

    let line = plan.lines().position(|line| line.starts_with("severity:")).context("no severity")? + 1;
    fs::write(dir.join("good.yaml"), plan.replace("severity:", "severty:"))?;
    let said = world.tourniquet(&["plans", "check", path]).await?;
    check_said(&said, 1, &format!("good.yaml:{line}:1"));
    check_said(&said, 1, "severity");
    let out = dir.join("plans.json");
    let build = ["plans", "build", path, "--output", out.to_str().context("the path is not UTF-8")?];
    check_said(&world.tourniquet(&build).await?, 1, &format!("good.yaml:{line}:1"));
    ensure!(!out.exists(), "a plan with a typo was compiled");
    Ok(())
}

#[track_caller]
fn check_said(said: &Said, exit: i32, part: &str) {
    let text = format!("{}{}", said.output, said.error);
    assert!(said.exit == Some(exit) && text.contains(part), "{exit} and `{part}` were expected: {said:?}");
}
