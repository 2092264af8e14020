//! What was told once becomes an incident, with the real clients over canned answers of the services.

use incident::Status;
use incident_store::IncidentLine;
use response_plan::{Engage, Severity};
use serde_json::{Value, json};

use super::*;
use crate::rises::raise;
use crate::samples::{self, at};
use crate::tests::{asked, ctx, gone};

const GET: &str = "DynamoDB_20120810.GetItem";
const LOOK: &str = "DynamoDB_20120810.TransactGetItems";
const WRITE: &str = "DynamoDB_20120810.TransactWriteItems";
const START: &str = "AWSStepFunctions.StartExecution";

type Answers = Vec<(u16, String)>;

fn line(service: &str, may_rise: bool) -> ToldLine {
    ToldLine { signal_id: service.into(), service: service.into(), may_rise }
}

fn item(item: Value) -> (u16, String) {
    (200, json!({"Item": item}).to_string())
}

/// The recorded signal of a service, received at a second, under a plan that is worse where two fire within ten minutes.
fn recorded(service: &str, second: i64, more: Value) -> (u16, String) {
    let mut plan = samples::incident().opened.plan;
    (plan.plan.service, plan.plan.engage, plan.plan.severity) = (service.into(), Engage::Notify, Severity::Sev4);
    let rule = json!({"when": {"distinct_services_at_least": 2, "within": "10m"}, "to": "SEV1"});
    plan.plan.raise = vec![serde_json::from_value(rule).unwrap()];
    let signal = json!({
        "source": "aws.cloudwatch", "detail_type": null, "kind": "alarm", "state": "firing", "account": null,
        "region": null, "time": at(0), "onset": null, "resources": [], "title": "slow", "reason": null, "link": null,
        "fingerprint": service, "signal_id": service, "drill": false, "event": {},
    });
    let mut stored = json!({
        "signal": {"S": signal.to_string()}, "received_at": {"S": at(second)}, "reason": {"S": "told once"},
        "plan": {"S": serde_json::to_string(&plan).unwrap()},
    });
    stored.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    item(stored)
}

fn state(state: &str) -> Value {
    json!({"state": {"S": state}, "time": {"S": at(0)}})
}

/// Two services that were told once and fire still, the latest first, as the index has them.
fn told() -> Answers {
    let fires = || item(state("firing"));
    vec![recorded("cart", 60, json!({})), fires(), recorded("search", 0, json!({})), fires()]
}

/// What is known of a signal that is to become an incident.
fn known(fingerprint: Value, pointer: Value, mutes: Value) -> (u16, String) {
    let of = |item: Value| if item.is_null() { json!({}) } else { json!({"Item": item}) };
    let responses = [json!({"Item": {"pk": {"S": "SIG"}}}), of(fingerprint), of(pointer), of(mutes)];
    (200, json!({"Responses": responses}).to_string())
}

fn free() -> (u16, String) {
    known(state("firing"), Value::Null, Value::Null)
}

fn done() -> (u16, String) {
    (200, "{}".to_owned())
}

fn started() -> (u16, String) {
    (200, json!({"executionArn": "a", "startDate": 1.0}).to_string())
}

/// What is promoted, and what was asked after the lists.
async fn swept(lines: &[ToldLine], answers: Answers) -> (u32, Vec<String>, Vec<Value>) {
    let (ctx, replay) = ctx(answers);
    let mut output = Output::default();
    raise(&ctx, &[], lines, at(120), &mut output).await;
    let bodies = replay.actual_requests().map(|r| serde_json::from_slice(r.body().bytes().unwrap()).unwrap()).collect();
    (output.promoted, asked(&replay), bodies)
}

fn both() -> [ToldLine; 2] {
    [line("cart", true), line("search", true)]
}

#[tokio::test]
async fn what_fires_beside_another_service_becomes_an_incident_that_pages() {
    let answers = [told(), vec![free(), done(), started(), free(), done(), started()]].concat();
    let (promoted, asked, bodies) = swept(&both(), answers).await;
    assert_eq!((promoted, &asked[4..]), (2, &[LOOK, WRITE, START, LOOK, WRITE, START].map(str::to_owned)[..]));
    let written = &bodies[5]["TransactItems"];
    let incident = &written[1]["Put"]["Item"];
    let opened: incident::Opened = serde_json::from_str(incident["opened"]["S"].as_str().unwrap()).unwrap();
    assert_eq!((opened.plan.plan.engage, opened.plan.plan.severity), (Engage::Page, Severity::Sev4));
    let first = (&incident["severity"]["S"], &incident["service"]["S"]);
    assert_eq!(first, (&json!("SEV1"), &json!("search")), "the first that was received is the first");
    let rise: Rise = serde_json::from_str(incident["raised"]["S"].as_str().unwrap()).unwrap();
    assert_eq!((rise.from, rise.why.as_str()), (Severity::Sev4, "2 services fire at once: cart, search"));
    let entry = &written[4]["Put"]["Item"]["what"]["S"];
    assert_eq!(entry, "raised from SEV4 to SEV1: 2 services fire at once: cart, search; told once as slow");
    assert_eq!(bodies[6]["name"], format!("{}-1-1", opened.id));
    assert!(bodies[6]["stateMachineArn"].as_str().is_some_and(|arn| arn.ends_with(":incident-response")));
}

#[tokio::test]
async fn nothing_is_read_for_one_service_or_where_no_rule_counts() {
    for lines in [vec![], vec![line("search", true)], vec![line("search", false), line("cart", false)]] {
        let (promoted, asked, _) = swept(&lines, told()).await;
        assert_eq!((promoted, asked.len()), (0, 0), "{lines:?}");
    }
}

#[tokio::test]
async fn what_recovered_or_is_of_an_incident_counts_for_nothing() {
    let search = || vec![recorded("search", 0, json!({})), item(state("firing"))];
    let of_incident = json!({"incident_id": {"S": samples::incident().id()}, "opening": {"N": "1"}});
    for (cart, calls) in [
        (vec![recorded("cart", 60, json!({})), item(state("recovered"))], 4),
        (vec![recorded("cart", 60, of_incident)], 3),
        (vec![done()], 3),
        (vec![gone()], 3),
        // Too far apart for the rule.
        (vec![recorded("cart", 601, json!({})), item(state("firing"))], 4),
    ] {
        // As much as both would ask for, if they were promoted.
        let more = vec![free(), done(), started(), free(), done(), started()];
        let (promoted, asked, _) = swept(&both(), [cart, search(), more].concat()).await;
        assert_eq!((promoted, asked), (0, vec![GET.to_owned(); calls]));
    }
}

#[tokio::test]
async fn an_incident_that_is_open_or_a_mute_or_a_recovery_leaves_it_told() {
    let open = json!({"incident_id": {"S": samples::incident().id()}, "opening": {"N": "1"}, "status": {"S": "open"}});
    let mute = json!([{"id": "m", "scope": {"plan": "p"}, "by": "ana", "reason": "r", "at": at(0), "until": at(121)}]);
    let mutes = json!({"mutes": {"S": mute.to_string()}, "rev": {"N": "1"}});
    let lost = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "message": "no",
        "CancellationReasons": [{"Code": "ConditionalCheckFailed"}],
    });
    for (seen, calls) in [
        (vec![known(state("firing"), open, Value::Null)], &[LOOK][..]),
        (vec![known(state("firing"), Value::Null, mutes)], &[LOOK]),
        (vec![known(state("recovered"), Value::Null, Value::Null)], &[LOOK]),
        (vec![free(), (400, lost.to_string())], &[LOOK, WRITE]),
        (vec![gone()], &[LOOK]),
    ] {
        let answers = [told(), seen, vec![free(), done(), started()]].concat();
        let (promoted, asked, _) = swept(&both(), answers).await;
        let expect = [&[GET; 4], calls, &[LOOK, WRITE, START]].concat();
        assert_eq!((promoted, asked), (1, expect.iter().map(|call| (*call).to_owned()).collect()), "the other is");
    }
}

#[tokio::test]
async fn what_was_told_once_makes_an_incident_worse_and_an_incident_what_was_told_once() {
    let mut incident = samples::incident();
    let rule = json!({"when": {"distinct_services_at_least": 2, "within": "10m"}, "to": "SEV1"});
    incident.opened.plan.plan.raise = vec![serde_json::from_value(rule).unwrap()];
    let stored = json!({
        "opened": {"S": serde_json::to_string(&incident.opened).unwrap()}, "severity": {"S": "SEV2"},
        "status": {"S": "open"}, "opening": {"N": "1"}, "run": {"N": "1"}, "engagement": {"N": "1"},
        "firing": {"SS": ["f"]},
    });
    let lines = [IncidentLine {
        incident_id: incident.id().to_owned(),
        status: Status::Open,
        severity: "SEV2".into(),
        title: "t".into(),
        service: "checkout".into(),
        environment: "prod".into(),
        owner: "payments".into(),
        opened_at: at(0),
        acknowledged_by: None,
        resolved_at: None,
    }];
    let told = vec![item(stored), recorded("search", 60, json!({})), item(state("firing"))];
    let (ctx, replay) = ctx([told, vec![done(), started(), free(), done(), started()]].concat());
    let mut output = Output::default();
    raise(&ctx, &lines, &[line("search", false)], at(120), &mut output).await;
    assert_eq!((output.raised, output.promoted), (1, 1));
    assert_eq!(asked(&replay), [GET, GET, GET, WRITE, START, LOOK, WRITE, START]);
}
