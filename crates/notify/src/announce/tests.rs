use super::*;
use crate::samples::{at, bodies, canned, claimed, ctx, incident, planned, secret_holds, sns_accepts};
use incident::Outcome;
use serde_json::{Value, json};

#[test]
fn what_is_due() {
    let (incident, planned) = (incident(), planned());
    let ended = MitigationRecord { progress: Progress::Ended, ..planned.clone() };
    assert!(due(&incident, 1, Announcement::Approval, Some(&planned)));
    assert!(!due(&incident, 1, Announcement::Approval, Some(&ended)), "somebody decided in the meantime");
    assert!(!due(&incident, 1, Announcement::Approval, None));
    assert!(due(&incident, 1, Announcement::Mitigation, Some(&ended)));
    assert!(due(&incident, 1, Announcement::Mitigation, None), "it failed before it was recorded");
    assert!(!due(&incident, 1, Announcement::Resolved, None), "it is open");
    let mut without = incident.clone();
    without.opened.plan.plan.mitigations.clear();
    assert!(!due(&without, 1, Announcement::Mitigation, None));
    let resolved = Incident { resolved_at: Some(at("14:20:00")), ..incident };
    assert!(due(&resolved, 1, Announcement::Resolved, None));
    assert!(!due(&resolved, 2, Announcement::Resolved, None), "of another opening");
}

#[test]
fn the_end_is_noted_once_at_its_own_time() {
    let open = incident();
    assert_eq!(resolution(&open, 1, Announcement::Resolved), None);
    let resolved = Incident { resolved_at: Some(at("14:20:00")), ..open };
    let entry = resolution(&resolved, 1, Announcement::Resolved).unwrap();
    assert_eq!(entry, resolution(&resolved, 1, Announcement::Resolved).unwrap());
    assert_eq!(
        (entry.at, entry.what.as_str()),
        (at("14:20:00"), "resolved: everything that fired stayed clear for 5m")
    );
    assert_eq!(resolution(&resolved, 1, Announcement::Mitigation), None);
    let by_person = Incident { resolved_by: Some("ada".into()), ..resolved };
    assert_eq!(resolution(&by_person, 1, Announcement::Resolved), None);
}

#[tokio::test]
async fn a_change_that_did_not_help_has_to_wake_somebody() {
    let left = MitigationRecord { outcome: Some(Outcome::Ineffective), applied_at: Some(at("14:03:00")), ..planned() };
    let helped = MitigationRecord { outcome: Some(Outcome::Verified), ..left.clone() };
    let channels = json!([{"sns": {"topic": "t"}, "wakes": true}, {"slack": {"channel": "C0PAYMENTS", "token": "tourniquet/slack"}}]);
    let incident = escalating(&[("first", channels)]);
    let first = &incident.opened.plan.team.escalation[0].contact;
    for (record, topic, expect) in [
        (&left, (200, sns_accepts()), Ok("paged first about what came of mitigation 1 by sns and slack")),
        (&left, (403, "<ErrorResponse/>"), Err("no channel that wakes accepted it: could not page first")),
        (&helped, (200, sns_accepts()), Ok("told first what came of mitigation 1 by sns and slack")),
        (&helped, (403, "<ErrorResponse/>"), Ok("told first what came of mitigation 1 by slack")),
    ] {
        let (table, secret) = (canned([claimed(); 20]), secret_holds("xoxb-1"));
        let (sns, slack) = (canned([topic]), canned([(200, r#"{"ok":true,"ts":"1"}"#)]));
        let ctx = ctx(&table, &sns, &canned([(200, secret.as_str())]), &slack);
        let said =
            say(&ctx, &incident, Announcement::Mitigation, (1, "mitigation"), std::slice::from_ref(record), first)
                .await;
        match (said, expect) {
            (Ok(_), Ok(noted)) => assert!(bodies(&table).join("\n").contains(noted), "{:?}", bodies(&table)),
            (Err(error), Err(sentence)) => {
                assert!(error.name() == "Transient" && error.to_string().starts_with(sentence), "{error}");
            }
            (said, expect) => panic!("{said:?} instead of {expect:?}"),
        }
    }
}

/// The sample, whose escalation has contacts with these channels.
fn escalating(steps: &[(&str, Value)]) -> Incident {
    let mut incident = incident();
    let step = |(name, channels): &(&str, Value)| {
        let contact = json!({"name": name, "time_zone": null, "channels": channels});
        serde_json::from_value(json!({"contact": contact, "wait": "5m"})).unwrap()
    };
    incident.opened.plan.team.escalation = steps.iter().map(step).collect();
    incident.resolved_at = Some(at("14:20:00"));
    incident
}

fn pagerduty(secret: &str) -> Value {
    json!({"pagerduty": {"routing_key": secret}, "wakes": true})
}

#[test]
fn every_service_that_may_have_been_alerted_is_closed_once() {
    let (sns, a, b, c) =
        (json!({"sns": {"topic": "t"}, "wakes": true}), pagerduty("a"), pagerduty("b"), pagerduty("c"));
    let incident = escalating(&[
        ("first", json!([sns, a])),
        ("second", json!([a, b, sns])),
        ("first", json!([sns, a])),
        ("third", json!([b, c])),
    ]);
    let of = |(contact, channels): (&Contact, Vec<Channel>)| (contact.name.clone(), json!(channels));
    let expect = [("second".to_owned(), json!([b])), ("third".to_owned(), json!([c]))];
    assert_eq!(alerted(&incident).into_iter().map(of).collect::<Vec<_>>(), expect);
}

#[tokio::test]
async fn the_end_closes_the_alerts_of_everybody() {
    let steps = [("first", json!([{"sns": {"topic": "t"}, "wakes": true}])), ("second", json!([pagerduty("s")]))];
    let incident = escalating(&steps);
    let (table, sns) = (canned([claimed(); 20]), canned([(200, sns_accepts())]));
    let secret = secret_holds("second-key");
    let outside = canned([(202, "{}")]);
    let ctx = ctx(&table, &sns, &canned([(200, secret.as_str())]), &outside);
    let output = announce(&ctx, &incident, 1, Announcement::Resolved, 0, 0).await.unwrap();
    assert_eq!((output.contact.as_deref(), output.accepted), (Some("first"), vec!["sns".to_owned()]));
    let event: Value = serde_json::from_str(&bodies(&outside)[0]).unwrap();
    let dedup_key = "inc-20261123-0123456789-1-1";
    assert_eq!(event, json!({"routing_key": "second-key", "event_action": "resolve", "dedup_key": dedup_key}));
    let written = bodies(&table).join("\n");
    assert!(written.contains("closed the alerts of second by pagerduty"), "{written}");
    assert!(written.contains("TOLD#1#0#second/resolved#pagerduty"), "{written}");
    assert!(!written.contains("second-key"));
}

#[tokio::test]
async fn an_alert_that_stays_open_is_tried_again() {
    let steps = [("first", json!([{"sns": {"topic": "t"}, "wakes": true}])), ("second", json!([pagerduty("s")]))];
    let (table, sns) = (canned([claimed(); 20]), canned([(200, sns_accepts())]));
    let secret = secret_holds("second-key");
    let ctx = ctx(&table, &sns, &canned([(200, secret.as_str())]), &canned([(500, "")]));
    let error = announce(&ctx, &escalating(&steps), 1, Announcement::Resolved, 0, 0).await.unwrap_err();
    let sentence = "no channel accepted it: could not close the alerts of second";
    assert_eq!((error.name(), error.to_string().as_str()), ("Transient", sentence));
    assert_eq!(bodies(&sns).len(), 1, "the first contact is told all the same");
}

#[tokio::test]
async fn pagerduty_is_not_asked_for_an_approval() {
    for (more, asked) in [(vec![json!({"sns": {"topic": "t"}, "wakes": true})], true), (vec![], false)] {
        let mut channels = vec![pagerduty("s")];
        channels.extend(more);
        let incident = escalating(&[("first", json!(channels))]);
        let (table, sns, outside) = (canned([claimed(); 20]), canned([(200, sns_accepts())]), canned([]));
        let ctx = ctx(&table, &sns, &canned([]), &outside);
        let first = &incident.opened.plan.team.escalation[0].contact;
        let came = say(&ctx, &incident, Announcement::Approval, (1, "approval"), &[planned()], first).await;
        assert_eq!((bodies(&sns).len(), bodies(&outside).len()), (usize::from(asked), 0));
        match came {
            Ok(output) => assert_eq!(output.accepted, ["sns"]),
            Err(error) => assert_eq!(
                (error.name(), error.to_string().as_str()),
                (
                    "Refused",
                    "could not ask first to approve mitigation 1: PagerDuty is no chat; give them `sns` or `slack` in teams.yaml too"
                )
            ),
        }
    }
}

#[test]
fn each_try_and_each_reminder_is_told_of_by_itself() {
    let undo = |run: u32| {
        let undo = json!({"by": "ada", "reason": null, "at": at("15:00:00"), "request_id": "r", "run": run});
        MitigationRecord { undo: serde_json::from_value(undo).unwrap(), ..planned() }
    };
    for (what, reminder, record, expect) in [
        (Announcement::PutBack, 0, undo(1), "put-back"),
        (Announcement::PutBack, 0, undo(2), "put-back-2"),
        (Announcement::InForce, 1, planned(), "in-force"),
        (Announcement::InForce, 2, planned(), "in-force-2"),
        (Announcement::Mitigation, 0, undo(2), "mitigation"),
    ] {
        assert_eq!(word(what, reminder, Some(&record)), expect);
    }
}

#[test]
fn what_is_back_is_not_reminded_of() {
    let incident = incident();
    let left = Some(json!({"enabled": false}));
    let force = MitigationRecord { progress: Progress::Ended, left, takes_away: true, ..planned() };
    assert!(due(&incident, 1, Announcement::InForce, Some(&force)));
    assert!(!due(&incident, 1, Announcement::InForce, Some(&planned())));
    assert!(!due(&incident, 1, Announcement::InForce, None));
    assert!(!due(&incident, 1, Announcement::PutBack, Some(&force)), "nobody asked");
    let put_back = serde_json::from_value(json!({"at": at("15:00:00"), "by": null})).unwrap();
    assert!(!due(&incident, 1, Announcement::InForce, Some(&MitigationRecord { put_back, ..force })));
}
