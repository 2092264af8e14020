//! An owner that is paged in a storm, over canned answers of the table and of the channels.

use aws_smithy_http_client::test_util::StaticReplayClient;
use incident::{Storm, StormMember};
use response_plan::{Span, StormRule};
use serde_json::{Value, json};

use super::*;
use crate::samples::{at, bodies, canned, ctx, incident, secret_holds, sns_accepts};

const DONE: (u16, &str) = (200, "{}");
const POSTED: (u16, &str) = (200, r#"{"ok":true,"ts":"1"}"#);

fn on() -> Storm {
    let rule = StormRule { owner: "platform".into(), more_than: 20, within: Span::seconds(300) };
    Storm::new(&rule, (incident().id().to_owned(), 1), at("14:00:00"))
}

fn of() -> OfStorm {
    OfStorm { incident_id: incident().id().into(), storm: on().id, owner: "payments".into() }
}

fn stored() -> String {
    let incident = incident();
    let item = json!({
        "opened": {"S": serde_json::to_string(&incident.opened).unwrap()}, "severity": {"S": "SEV2"},
        "status": {"S": "open"}, "opening": {"N": "1"}, "run": {"N": "1"}, "engagement": {"N": "1"},
    });
    json!({"Item": item}).to_string()
}

fn members(groups: &[&str]) -> String {
    let member = |group: &&str| {
        let entry = json!({
            "signal_id": group.repeat(32), "fingerprint": group, "title": format!("Alarm {group}"), "state": "firing",
            "time": "2026-11-23T14:05:00Z", "link": null, "severity": "SEV1", "service": "s", "environment": "e",
            "plan": "p",
        });
        let (team, received_at) = (incident().opened.plan.team, at("14:05:01"));
        let entry = serde_json::from_value(entry).unwrap();
        let member = StormMember { storm: on().id, group: (*group).to_owned(), entry, team, received_at };
        json!({"member": {"S": serde_json::to_string(&member).unwrap()}})
    };
    json!({"Items": groups.iter().map(member).collect::<Vec<_>>()}).to_string()
}

#[tokio::test]
async fn an_owner_is_paged_once_about_all_of_theirs() {
    let (stored, members) = (stored(), members(&["a", "b"]));
    // The incident, the members, two states, two claims, two records, the timeline.
    let answers = [(200, stored.as_str()), (200, members.as_str())].into_iter().chain([DONE; 7]);
    let (table, sns): (StaticReplayClient, _) = (canned(answers), canned([(200, sns_accepts())]));
    let (slack, secret) = (canned([POSTED]), secret_holds("xoxb-1"));
    let ctx = ctx(&table, &sns, &canned([(200, secret.as_str())]), &slack);
    let output = page(&ctx, &of()).await.unwrap();
    assert_eq!(
        (output.accepted, output.contact.as_deref()),
        (vec!["sns".into(), "slack".into()], Some("payments-on-call"))
    );
    let topic = bodies(&sns).remove(0);
    assert!(topic.contains("SEV1") && topic.contains("Alarm+a") | topic.contains("Alarm%20a"), "{topic}");
    let asked: Vec<Value> = bodies(&table).iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(asked[1]["ExpressionAttributeValues"][":sk"]["S"], format!("MEMBER#{}#payments#", on().id));
    let claimed = asked[4]["Key"]["sk"]["S"].as_str().unwrap();
    assert!(claimed.contains(&format!("payments-on-call/{}/payments", on().id)), "{claimed}");
}

#[tokio::test]
async fn who_has_nothing_in_it_is_not_paged() {
    let (stored, members) = (stored(), members(&[]));
    let table: StaticReplayClient = canned([(200, stored.as_str()), (200, members.as_str())]);
    let ctx = ctx(&table, &canned([DONE; 0]), &canned([DONE; 0]), &canned([DONE; 0]));
    assert_eq!(page(&ctx, &of()).await.unwrap_err().name(), "Rejected");
}
