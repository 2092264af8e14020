use incident::Status;
use response_plan::{Severity, Span, StormRule, catch_all};
use serde_json::{Value, json};
use signal::{Signal, State};

use super::*;
use crate::samples::{at, incident};
use crate::tests::{asked, ctx, gone, stored};

fn storm() -> Storm {
    let rule = StormRule { owner: "platform".into(), more_than: 3, within: Span::seconds(300) };
    Storm::new(&rule, (incident().id().to_owned(), 1), at(0))
}

fn signal(id: &str) -> Signal {
    serde_json::from_value(json!({
        "source": "aws.cloudwatch", "detail_type": null, "kind": "alarm", "state": "firing", "account": null,
        "region": null, "time": at(0), "onset": null, "resources": [], "title": "t", "reason": null, "link": null,
        "fingerprint": "f", "signal_id": id, "drill": false, "event": null,
    }))
    .unwrap()
}

fn member(group: &str, severity: Severity, second: i64) -> StormMember {
    let mut plan = catch_all("topic");
    plan.plan.severity = severity;
    StormMember::new(&storm(), &signal(group), &plan, group, at(second))
}

#[test]
fn a_storm_is_as_bad_as_its_worst_member() {
    let rises = |severity, status| {
        let members = [member("a", Severity::Sev3, 0), member("b", severity, 1), member("b", severity, 2)];
        rise(&Incident { status, ..incident() }, &members, at(60)).map(|rise| (rise.from, rise.to, rise.why))
    };
    let why = "the worst of its 2 incidents (3 signals) is SEV1: t".to_owned();
    assert_eq!(rises(Severity::Sev1, Status::Open), Some((Severity::Sev2, Severity::Sev1, why)));
    assert_eq!(rises(Severity::Sev2, Status::Open), None);
    assert_eq!(rises(Severity::Sev1, Status::Resolved), None);
    assert_eq!(rise(&incident(), &[], at(60)), None);
}

#[test]
fn it_is_over_when_it_is_calm_or_a_person_says_so() {
    let over =
        |status, opening, second| is_over(&storm(), &Incident { status, opening, ..incident() }, &[], at(second));
    assert!(!over(Status::Open, 1, 299) && over(Status::Open, 1, 300));
    assert!(over(Status::Resolved, 1, 1) && over(Status::Stuck, 1, 1) && !over(Status::Mitigated, 1, 1));
    assert!(over(Status::Open, 2, 1), "its incident stands for another");
}

fn item(value: Value) -> (u16, String) {
    (200, json!({"Item": value}).to_string())
}

fn text(value: Value) -> Value {
    json!({"S": value.to_string()})
}

fn on() -> (u16, String) {
    item(json!({"storm": text(json!(storm())), "id": {"S": storm().id}}))
}

fn off() -> (u16, String) {
    item(json!({"ended": {"S": at(0)}}))
}

/// The list of what waits, and the one item in it.
fn waiting() -> [(u16, String); 2] {
    let waits = json!({"status": {"S": "storm"}, "signal": text(json!(signal("a"))), "storm": {"S": storm().id}});
    [listed(), item(waits)]
}

fn listed() -> (u16, String) {
    (200, json!({"Items": [{"pk": {"S": "SIG#a"}, "sk": {"S": "META"}}]}).to_string())
}

fn last(state: State) -> (u16, String) {
    item(json!({"state": {"S": state.as_str()}, "time": {"S": at(0)}}))
}

fn sent() -> (u16, String) {
    (200, json!({"MessageId": "m", "MD5OfMessageBody": "x"}).to_string())
}

async fn swept(answers: Vec<(u16, String)>, open: &[IncidentLine], second: i64) -> (Vec<String>, Output, Vec<Value>) {
    let (ctx, replay) = ctx(answers);
    let mut output = Output::default();
    let _ = look_after(&ctx, open.iter(), at(second), &mut output).await;
    let bodies = replay.actual_requests().map(|r| serde_json::from_slice(r.body().bytes().unwrap()).unwrap()).collect();
    (asked(&replay), output, bodies)
}

#[tokio::test]
async fn what_waits_is_handed_on_when_its_storm_is_over() {
    for off in [off(), gone()] {
        let (asked, output, bodies) =
            swept([vec![off], waiting().into(), vec![last(State::Firing), sent()]].concat(), &[], 400).await;
        assert_eq!((output.storm, output.in_storm, output.released), (0, 1, 1), "{asked:?}");
        assert_eq!(bodies[4]["MessageBody"], r#"{"v":1,"muted_signal":"a"}"#);
    }
    let (asked, output, bodies) =
        swept([vec![off()], waiting().into(), vec![last(State::Recovered), (200, "{}".into())]].concat(), &[], 400)
            .await;
    assert_eq!((asked[4].as_str(), output.released), ("DynamoDB_20120810.UpdateItem", 0));
    assert_eq!(bodies[4]["Key"]["pk"]["S"], "SIG#a");
}

#[tokio::test]
async fn while_it_is_on_its_owners_are_paged_and_nothing_of_it_is_handed_on() {
    let members = json!({"Items": [{"member": text(json!(member("g", Severity::Sev3, 0)))}]}).to_string();
    let denied = || (400, json!({"__type": "AccessDeniedException", "message": "no"}).to_string());
    let started = || (200, json!({"executionArn": "a", "startDate": 0}).to_string());
    for (start, over) in [(started(), false), (started(), true), (denied(), true)] {
        let told = over.then(sent);
        let first = vec![on(), stored(&incident(), json!({})), (200, members.clone()), start];
        let answers = [first, told.into_iter().collect(), waiting().into()].concat();
        let (asked, output, bodies) = swept(answers, &[], if over { 300 } else { 200 }).await;
        assert_eq!((output.storm, output.in_storm, output.released), (1, 1, 0), "{asked:?}");
        assert_eq!(asked[3], "AWSStepFunctions.StartExecution");
        assert_eq!(bodies[3]["name"], json!(storm().page_name("unowned")));
        assert_eq!(bodies[3]["input"], json!(storm().page_input("unowned")));
        // A page that could not be started does not keep it from ending.
        let message = json!({"v": 1, "storm_over": incident().id(), "storm": storm().id, "at": at(300)}).to_string();
        assert_eq!(asked.contains(&"AmazonSQS.SendMessage".to_owned()), over, "{asked:?}");
        assert!(!over || bodies[4]["MessageBody"] == json!(message), "{}", bodies[4]);
        let listed = bodies.iter().find(|body| body["IndexName"] == "by-status").unwrap();
        assert_eq!(listed["ExpressionAttributeValues"][":before"]["S"], "2025-11-23T14:00:00.000Z");
    }
}

#[tokio::test]
async fn the_incident_of_a_storm_that_never_began_is_over() {
    let line = |service: &str| -> IncidentLine {
        serde_json::from_value(json!({
            "incident_id": incident().id(), "status": "open", "severity": "SEV2", "title": "t", "service": service,
            "environment": "e", "owner": "o", "opened_at": at(0), "acknowledged_by": null, "resolved_at": null,
        }))
        .unwrap()
    };
    let mut stands = incident();
    stands.opened.plan.plan.plan = "storm".to_owned();
    let firing = |stands: &Incident| stored(stands, json!({"firing": {"SS": ["f"]}}));
    let none = || (200, json!({"Items": []}).to_string());
    for (incident, service, second, told) in [
        (&stands, "many services", 30, true),
        (&stands, "many services", 29, false),
        (&incident(), "many services", 30, false),
    ] {
        let told_answer = told.then(sent);
        let answers = [vec![off(), firing(incident)], told_answer.into_iter().collect(), vec![none()]].concat();
        let (asked, _, bodies) = swept(answers, &[line(service), line("checkout")], second).await;
        assert_eq!(asked.contains(&"AmazonSQS.SendMessage".to_owned()), told, "{asked:?}");
        let message = json!({"v": 1, "storm_over": incident.id(), "storm": null, "at": at(30)}).to_string();
        assert!(!told || bodies[2]["MessageBody"] == json!(message), "{bodies:?}");
    }
}
