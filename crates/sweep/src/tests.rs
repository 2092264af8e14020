//! The handler over the real clients, with canned answers of the services.

use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use serde_json::json;

use super::*;

/// The answers of the services, in order: status, body.
pub(crate) fn ctx(answers: Vec<(u16, String)>) -> (Ctx, StaticReplayClient) {
    let event = |(status, body): (u16, String)| {
        let request = http::Request::builder().uri("http://localhost/").body(Vec::new().into()).unwrap();
        ReplayEvent::new(request, http::Response::builder().status(status).body(body.into()).unwrap())
    };
    let replay = StaticReplayClient::new(answers.into_iter().map(event).collect());
    let env = Env::from([
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_REGION", "eu-west-1"),
        ("TABLE", "incidents"),
        ("INCIDENT_RESPONSE", "arn:aws:states:eu-west-1:111122223333:stateMachine:incident-response"),
        ("ENGAGE", "arn:aws:states:eu-west-1:111122223333:stateMachine:engage"),
        ("MITIGATE", "arn:aws:states:eu-west-1:111122223333:stateMachine:mitigate"),
        ("SIGNALS", "https://sqs.eu-west-1.amazonaws.com/111122223333/signals"),
        ("FALLBACK_TOPIC", "arn:aws:sns:eu-west-1:111122223333:fallback"),
    ]);
    let config = step::aws::config(&env).unwrap().to_builder().http_client(replay.clone()).build();
    (Ctx::over(&config, &env).unwrap(), replay)
}

fn none() -> (u16, String) {
    (200, json!({"Items": []}).to_string())
}

pub(crate) fn gone() -> (u16, String) {
    (400, json!({"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no"}).to_string())
}

pub(crate) fn asked(replay: &StaticReplayClient) -> Vec<String> {
    replay.actual_requests().map(|r| r.headers().get("x-amz-target").unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn nothing_open_is_nothing_to_do() {
    let (ctx, _) = ctx([vec![none(); 2], vec![(200, "{}".to_owned())], vec![none(); 6]].concat());
    let output = handle(&ctx, Value::Null).await.unwrap();
    assert_eq!(
        serde_json::to_value(output).unwrap(),
        json!({
            "v": 1, "open": 0, "started": 0, "restarted": 0, "recovered": 0, "raised": 0, "promoted": 0, "paged": 0,
            "in_force": 0, "reminded": 0, "muted": 0, "unmuted": 0, "storm": 0, "in_storm": 0, "released": 0, "digests": 0,
        })
    );
}

#[tokio::test]
async fn a_list_that_cannot_be_read_stops_no_other_and_is_said() {
    let (ctx, replay) = ctx([vec![gone(), none(), (200, "{}".to_owned())], vec![none(); 6]].concat());
    let error = handle(&ctx, Value::Null).await.unwrap_err();
    assert_eq!(error.name(), "Stuck");
    let mut expect = ["DynamoDB_20120810.Query"; 9];
    expect[2] = "DynamoDB_20120810.GetItem"; // of the storm
    assert_eq!(asked(&replay), expect);
}

#[tokio::test]
async fn a_missing_execution_is_missing_and_a_started_one_is_no_failure() {
    let answer = |code: &str| (400, json!({"__type": code, "message": "m"}).to_string());
    let (ctx, replay) = ctx(vec![answer("ExecutionDoesNotExist"), answer("ExecutionAlreadyExists")]);
    assert_eq!(ctx.executions.describe("inc-20251123-0123456789-1-1").await.unwrap(), decide::Execution::Missing);
    ctx.executions.start("inc-20251123-0123456789", 1, 1).await.unwrap();
    let bodies: Vec<Value> =
        replay.actual_requests().map(|r| serde_json::from_slice(r.body().bytes().unwrap()).unwrap()).collect();
    assert_eq!(
        bodies[0]["executionArn"],
        "arn:aws:states:eu-west-1:111122223333:execution:incident-response:inc-20251123-0123456789-1-1"
    );
    assert_eq!(bodies[1]["name"], "inc-20251123-0123456789-1-1");
    assert_eq!(bodies[1]["input"], r#"{"v":1,"incident_id":"inc-20251123-0123456789","opening":1}"#);
}

#[tokio::test]
async fn an_ended_execution_says_how_and_when() {
    let body = json!({"executionArn": "a", "stateMachineArn": "m", "startDate": 1.0, "status": "ABORTED", "stopDate": 1763906400.5});
    let (ctx, _) = ctx(vec![(200, body.to_string())]);
    let expect = decide::Execution::Ended { how: "ABORTED".into(), at: Timestamp::from_second(1_763_906_400).ok() };
    assert_eq!(ctx.executions.describe("e").await.unwrap(), expect);
}

#[tokio::test]
async fn a_page_that_cannot_be_claimed_goes_out_all_the_same() {
    let published = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
                     <MessageId>m</MessageId></PublishResult></PublishResponse>";
    let (ctx, replay) = ctx(vec![gone(), (200, published.to_owned()), gone(), gone()]);
    let mut output = Output::default();
    let incident = samples::incident();
    assert!(notice::tell(&ctx, &incident, notice::Notice::Unpaged, samples::at(60), &mut output).await.unwrap());
    assert_eq!(output.paged, 1);
    let publish = replay.actual_requests().nth(1).unwrap();
    let body = String::from_utf8_lossy(publish.body().bytes().unwrap()).into_owned();
    assert!(body.contains("Action=Publish") && body.contains("may%20repeat"), "{body}");
}

/// What the table answers to a claim: another sweep has it, or it is sent.
fn claimed(by: Value) -> (u16, String) {
    let failed = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    (400, json!({"__type": failed, "message": "m", "Item": by}).to_string())
}

#[tokio::test]
async fn what_another_sweep_is_telling_is_not_told() {
    let incident = samples::incident();
    let held = || claimed(json!({"lease_until_ms": {"N": "1763906480000"}}));
    let sent = || claimed(json!({"sent_at": {"S": "2025-11-23T14:01:00Z"}}));
    for (claim, told) in [(held(), false), (sent(), true)] {
        let (ctx, replay) = ctx(vec![claim]);
        let mut output = Output::default();
        let answer = notice::tell(&ctx, &incident, notice::Notice::StillFires, samples::at(60), &mut output).await;
        assert_eq!((answer.unwrap(), output.paged), (told, 0));
        assert_eq!(asked(&replay), ["DynamoDB_20120810.UpdateItem"]);
    }
}

/// The item of an incident as the table has it.
pub(crate) fn stored(incident: &incident::Incident, more: Value) -> (u16, String) {
    let mut item = json!({
        "opened": {"S": serde_json::to_string(&incident.opened).unwrap()}, "severity": {"S": "SEV2"},
        "status": {"S": incident.status.as_str()}, "opening": {"N": "1"}, "run": {"N": incident.run.to_string()},
        "engagement": {"N": "1"}, "paged_at": {"S": samples::at(5)}, "woken_at": {"S": samples::at(5)},
    });
    for (name, value) in more.as_object().unwrap() {
        item[name] = value.clone();
    }
    (200, json!({"Item": item}).to_string())
}

#[tokio::test]
async fn nothing_follows_before_it_is_told() {
    let held = || claimed(json!({"lease_until_ms": {"N": "1763906480000"}}));
    let ended =
        json!({"executionArn": "a", "stateMachineArn": "m", "startDate": 1.0, "status": "FAILED", "stopDate": 1.0});
    for run in [1, 3] {
        let incident = incident::Incident { run, ..samples::incident() };
        let open = || stored(&incident, json!({}));
        let (ctx, replay) = ctx(vec![open(), (200, ended.to_string()), open(), held()]);
        let mut output = Output::default();
        let failures = repair::look_after(&ctx, incident.id(), samples::at(100), &mut output).await;
        assert!(failures.is_empty(), "{failures:?}");
        assert_eq!((output.restarted, output.paged), (0, 0));
        // The incident, its execution, the incident again, the claim; and neither the next run nor `stuck`.
        assert_eq!(asked(&replay).last().unwrap(), "DynamoDB_20120810.UpdateItem", "run {run}");
        assert_eq!(asked(&replay).len(), 4, "run {run}");
    }
}

/// Found by `cargo xtask faults --kills`: a sweep that was killed between the two writes had a second one skip a run.
#[tokio::test]
async fn a_run_that_another_sweep_has_raised_is_not_raised_again() {
    let ended =
        json!({"executionArn": "a", "stateMachineArn": "m", "startDate": 1.0, "status": "FAILED", "stopDate": 1.0});
    let at_run = |run| stored(&incident::Incident { run, ..samples::incident() }, json!({}));
    let (ctx, replay) = ctx(vec![at_run(1), (200, ended.to_string()), at_run(2)]);
    let mut output = Output::default();
    let failures = repair::look_after(&ctx, samples::incident().id(), samples::at(100), &mut output).await;
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!((output.restarted, output.paged, asked(&replay).len()), (0, 0, 3));
}

#[tokio::test]
async fn the_time_to_look_again_stays_until_it_is_told() {
    let incident = incident::Incident { status: Status::Resolved, ..samples::incident() };
    let again = json!({"recheck_at": {"S": samples::at(900)}, "still_firing": {"SS": ["f", "g"]}});
    let state = |state: &str| {
        let item = json!({"state": {"S": state}, "time": {"S": samples::at(0)}});
        (200, json!({"Item": item}).to_string())
    };
    let resolved = || stored(&incident, again.clone());
    let listed = json!({
        "id": {"S": incident.id()}, "title": {"S": "t"}, "severity": {"S": "SEV2"}, "status": {"S": "resolved"},
        "opened_at": {"S": samples::at(0)}, "resolved_at": {"S": step::now()}, "opening": {"N": "1"}, "run": {"N": "1"},
        "service": {"S": "s"}, "environment": {"S": "e"}, "owner": {"S": "o"}, "drill": {"BOOL": false},
    });
    let list = (200, json!({"Items": [listed]}).to_string());
    let held = claimed(json!({"lease_until_ms": {"N": "1763906480000"}}));
    let (ctx, replay) = ctx(vec![list.clone(), resolved(), state("recovered"), state("firing"), held]);
    recheck::look_again(&ctx, &mut Output::default()).await.unwrap();
    assert_eq!(asked(&replay).len(), 5, "the second one fires; another sweep tells it, and the time stays");
    let (ctx, replay) =
        self::ctx(vec![list, resolved(), state("recovered"), state("recovered"), (200, "{}".to_owned())]);
    recheck::look_again(&ctx, &mut Output::default()).await.unwrap();
    let last = replay.actual_requests().last().unwrap();
    assert!(String::from_utf8_lossy(last.body().bytes().unwrap()).contains("REMOVE recheck_at"));
}

/// Triage is lost for good after it wrote that a mitigated incident fires again, and before it started the page.
#[tokio::test]
async fn an_engagement_that_nobody_began_is_begun_and_told() {
    let incident = samples::incident();
    let refired = json!({"engagement": {"N": "2"}, "engaged_at": {"S": samples::at(600)}});
    let started = (200, json!({"executionArn": "a", "startDate": 1.0}).to_string());
    let running = json!({"executionArn": "a", "stateMachineArn": "m", "startDate": 1.0, "status": "RUNNING"});
    let done = || (200, "{}".to_owned());
    let (ctx, replay) = ctx(vec![stored(&incident, refired), started, done(), (200, running.to_string())]);
    let mut output = Output::default();
    let failures = repair::look_after(&ctx, incident.id(), samples::at(612), &mut output).await;
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!((output.started, output.paged), (1, 0));
    let start: Value =
        serde_json::from_slice(replay.actual_requests().nth(1).unwrap().body().bytes().unwrap()).unwrap();
    assert_eq!(start["name"], "inc-20251123-0123456789-1-2");
    assert_eq!(start["input"], r#"{"v":1,"incident_id":"inc-20251123-0123456789","opening":1,"engagement":2}"#);
    assert!(start["stateMachineArn"].as_str().is_some_and(|arn| arn.ends_with(":engage")), "{start}");
}

/// What is in force, by the index and by the record.
fn listed_in_force() -> [(u16, String); 2] {
    let key = json!({"pk": {"S": "INC#inc-20251123-0123456789"}, "sk": {"S": "MIT#1#1"}});
    let item = json!({"record": {"S": serde_json::to_string(&samples::in_force()).unwrap()}});
    [(200, json!({"Items": [key]}).to_string()), (200, json!({"Item": item}).to_string())]
}

#[tokio::test]
async fn a_reminder_is_started_by_a_name_of_its_own_and_then_recorded() {
    let status = |status| stored(&incident::Incident { status, ..samples::incident() }, json!({}));
    let [list, record] = listed_in_force();
    let started = (200, json!({"executionArn": "a", "startDate": 1.0}).to_string());
    let (ctx, replay) = ctx(vec![list, record, status(Status::Resolved), started, (200, "{}".to_owned())]);
    let mut output = Output::default();
    remind::remind(&ctx, samples::at(100 + 3600), &mut output).await.unwrap();
    assert_eq!((output.in_force, output.reminded, output.paged), (1, 1, 0));
    assert_eq!(asked(&replay)[3..], ["AWSStepFunctions.StartExecution", "DynamoDB_20120810.UpdateItem"]);
    let start: Value =
        serde_json::from_slice(replay.actual_requests().nth(3).unwrap().body().bytes().unwrap()).unwrap();
    assert_eq!(start["name"], "inc-20251123-0123456789-1-1-remind-1");
    assert_eq!(start["stateMachineArn"], "arn:aws:states:eu-west-1:111122223333:stateMachine:mitigate");
    let input = r#"{"v":1,"incident_id":"inc-20251123-0123456789","opening":1,"n":1,"reminder":1}"#;
    assert_eq!(start["input"], input);
}

#[tokio::test]
async fn nobody_is_reminded_before_the_time_or_while_it_fires() {
    for (second, then, calls) in [(100, None, 2), (100 + 3600, Some(samples::incident()), 3)] {
        let [list, record] = listed_in_force();
        let open = then.map(|incident| stored(&incident, json!({})));
        let (ctx, replay) = ctx([list, record].into_iter().chain(open).collect());
        let mut output = Output::default();
        remind::remind(&ctx, samples::at(second), &mut output).await.unwrap();
        assert_eq!((output.in_force, output.reminded), (1, 0));
        assert_eq!(asked(&replay).len(), calls);
    }
}

/// Two incidents of two services, the first of a plan that is worse where another service fires too.
#[tokio::test]
async fn what_several_services_make_worse_is_raised_and_paged_again() {
    let of = |service: &str, id: &str| {
        let mut incident = samples::incident();
        (incident.opened.id, incident.opened.plan.plan.service) = (id.to_owned(), service.to_owned());
        incident
    };
    let [mut one, two] = [of("checkout", "inc-20251123-0123456789"), of("search", "inc-20251123-ffffffffff")];
    let rule = json!({"when": {"distinct_services_at_least": 2, "within": "10m"}, "to": "SEV1"});
    one.opened.plan.plan.raise = vec![serde_json::from_value(rule).unwrap()];
    let line = |incident: &incident::Incident| IncidentLine {
        incident_id: incident.id().to_owned(),
        status: Status::Open,
        severity: "SEV2".into(),
        title: "t".into(),
        service: incident.plan().service.clone(),
        environment: "prod".into(),
        owner: "payments".into(),
        opened_at: samples::at(0),
        acknowledged_by: None,
        resolved_at: None,
    };
    let lines = [line(&one), line(&two)];
    let fires = json!({"opened_at": {"S": samples::at(0)}, "firing": {"SS": ["f"]}});
    let started = (200, json!({"executionArn": "a", "startDate": 1.0}).to_string());
    let answers = vec![stored(&one, fires.clone()), stored(&two, fires.clone()), (200, "{}".to_owned()), started];
    let (ctx, replay) = ctx(answers);
    let mut output = Output::default();
    rises::raise(&ctx, &lines, &[], samples::at(60), &mut output).await;
    assert_eq!(output.raised, 1);
    assert_eq!(asked(&replay)[2..], ["DynamoDB_20120810.TransactWriteItems", "AWSStepFunctions.StartExecution"]);
    let start: Value =
        serde_json::from_slice(replay.actual_requests().nth(3).unwrap().body().bytes().unwrap()).unwrap();
    assert_eq!(start["name"], "inc-20251123-0123456789-1-2");
    // One service alone is what its plan says, and nothing is read for it.
    let (ctx, replay) = self::ctx(vec![]);
    rises::raise(&ctx, &lines[..1], &[], samples::at(60), &mut output).await;
    assert_eq!((output.raised, asked(&replay).len()), (1, 0));
    // While the plan holds the page back the severity rises, and the page that comes says so.
    one.opened.plan.plan.hold_down = "5m".parse().unwrap();
    let unpaged = |incident: &incident::Incident| {
        let (status, body) = stored(incident, fires.clone());
        let mut item: Value = serde_json::from_str(&body).unwrap();
        item["Item"].as_object_mut().unwrap().retain(|name, _| name != "paged_at");
        (status, item.to_string())
    };
    let (ctx, replay) = self::ctx(vec![unpaged(&one), unpaged(&two), (200, "{}".to_owned())]);
    rises::raise(&ctx, &lines, &[], samples::at(60), &mut output).await;
    assert_eq!((output.raised, asked(&replay).len()), (2, 3));
}

/// Found by `cargo xtask faults --seed 5 --incidents 200`: triage failed each time after it had recorded the recovery and
/// before it handed it on, until the delivery was a dead letter, and the incident stayed open for ever.
#[tokio::test]
async fn a_recovery_that_triage_could_not_hand_on_is_handed_on() {
    let incident = samples::incident();
    let clear = json!({"clear_since": {"S": samples::at(60)}, "recovery_token": {"S": "token"}});
    let running = json!({"executionArn": "a", "stateMachineArn": "m", "startDate": 1.0, "status": "RUNNING"});
    let gone = (400, json!({"__type": "TaskTimedOut", "message": "m"}).to_string());
    for (answer, recovered, calls) in [((200, "{}".to_owned()), 1, 4), (gone, 0, 3)] {
        let done = (200, "{}".to_owned());
        let answers = vec![stored(&incident, clear.clone()), (200, running.to_string()), answer, done];
        let (ctx, replay) = ctx(answers);
        let mut output = Output::default();
        let failures = repair::look_after(&ctx, incident.id(), samples::at(100), &mut output).await;
        assert!(failures.is_empty(), "{failures:?}");
        assert_eq!((output.recovered, asked(&replay).len()), (recovered, calls));
        assert_eq!(asked(&replay)[2], "AWSStepFunctions.SendTaskSuccess");
    }
}
