//! Golden texts: what people read, as whole files, so that a change of a word is seen as one.

use super::*;
use crate::samples::{at, incident, planned};
use incident::{PostmortemKeys, SealedPass, Status};

/// Compares with a file of `fixtures/`.
macro_rules! golden {
    ($message:expr, $name:literal) => {
        pretty_eq(&$message.text(), include_str!(concat!("../../fixtures/", $name, ".txt")), $name)
    };
}

#[track_caller]
fn pretty_eq(got: &str, expect: &str, name: &str) {
    assert!(got == expect, "fixtures/{name}.txt is:\n{expect}\nand the message is:\n{got}");
}

fn page_of(incident: &Incident, mark: Mark) -> Message {
    page(incident, 1, &incident.opened.plan.team.escalation[0], mark)
}

#[test]
fn pages() {
    let incident = incident();
    golden!(page_of(&incident, Mark::First), "page");
    golden!(page(&incident, 2, &incident.opened.plan.team.escalation[1], Mark::Repeat), "page-repeat-last-step");
    let mut drill = incident.clone();
    drill.opened.drill = true;
    golden!(page_of(&drill, Mark::Repeat), "page-drill");
    let mut bare = incident;
    bare.onset = None;
    let opened = &mut bare.opened;
    opened.degraded = Some("the plans could not be read".into());
    opened.signal.link = None;
    opened.signal.source = "aws.health".into();
    opened.plan.plan.mitigations.clear();
    opened.plan.plan.evidence.wanted = [("log_groups".to_owned(), Vec::new())].into();
    opened.plan.plan.runbook = None;
    opened.plan.plan.customer_facing = false;
    opened.plan.team.escalation[0].contact.time_zone = Some("Mars/Olympus".into());
    golden!(page_of(&bare, Mark::Degraded), "page-bare");
}

#[test]
fn the_way_out_says_what_the_plan_may_do() {
    let mut observed = incident();
    observed.opened.plan.plan.mode = Mode::Observe;
    let text = page_of(&observed, Mark::First).text();
    assert!(text.contains("as good; the plan only observes, so do it by hand\n"), "{text}");
}

#[test]
fn approvals() {
    let incident = incident();
    let contact = &incident.opened.plan.team.escalation[0].contact;
    golden!(approval(&incident, contact, &planned(), Mark::First), "approval");
}

#[test]
fn outcomes() {
    let incident = incident();
    let ended = |outcome, reason: &str| MitigationRecord {
        progress: Progress::Ended,
        outcome,
        reason: Some(reason.into()),
        ..planned()
    };
    let text = |record: Option<MitigationRecord>| mitigation(&incident, record.as_ref(), Mark::First).text();
    let all = [
        text(Some(ended(Some(Outcome::Verified), "errors stopped at 14:06 and orders reached 10"))),
        text(Some(ended(Some(Outcome::Unproven), "no order was seen within 5m"))),
        text(Some(ended(Some(Outcome::Ineffective), "the alarm still fires"))),
        text(Some(ended(Some(Outcome::Undone), "errors rose"))),
        text(Some(ended(Some(Outcome::Refused), "the brake is on"))),
        text(Some(ended(Some(Outcome::Rejected), "ada: we fix it forward"))),
        text(Some(ended(Some(Outcome::Expired), "nobody approved it by 14:32"))),
        text(Some(ended(Some(Outcome::Cancelled), "everything that fired is clear"))),
        text(Some(ended(None, "observe: the plan only observes"))),
        text(Some(planned())),
        text(Some(MitigationRecord { progress: Progress::Applying, ..planned() })),
        text(Some(MitigationRecord {
            applied_at: Some(at("14:05:00")),
            ..ended(Some(Outcome::Refused), "found version 3")
        })),
        text(None),
    ];
    pretty_eq(&all.join("----\n"), include_str!("../../fixtures/outcomes.txt"), "outcomes");
}

#[test]
fn resolutions() {
    let mut over = incident();
    over.status = Status::Resolved;
    over.firing.clear();
    (over.woken_at, over.acknowledged_at) = (Some(at("14:02:14")), Some(at("14:03:05")));
    (over.clear_since, over.resolved_at) = (Some(at("14:08:11")), Some(at("14:13:12")));
    let pass = |pass: &str, files, gaps| SealedPass {
        pass: pass.into(),
        prefix: format!("v1/incidents/inc-20261123-0123456789/1/{pass}/"),
        tag_manifest_sha256: "c".repeat(64),
        tag_version_ids: Default::default(),
        files,
        gaps,
        sealed_at: at("14:13:20"),
    };
    over.evidence = vec![pass("1-warm", 4, 1), pass("2-complete", 5, 0)];
    over.postmortem = Some(PostmortemKeys { markdown: "postmortem.md".into(), html: "postmortem.html".into() });
    golden!(resolved(&over, &[], Mark::First), "resolved");
    let mut by_person = incident();
    by_person.status = Status::Resolved;
    (by_person.resolved_at, by_person.resolved_by) = (Some(at("14:13:12")), Some("ada".into()));
    by_person.resolved_reason = Some("the campaign ended".into());
    golden!(resolved(&by_person, &[], Mark::First), "resolved-by-person");
}

#[test]
fn the_fallback_needs_no_record() {
    golden!(unreadable("inc-20261123-0123456789"), "unreadable");
}

#[test]
fn every_text_of_a_drill_begins_so() {
    let mut drill = incident();
    drill.opened.drill = true;
    let contact = drill.opened.plan.team.escalation[0].contact.clone();
    for mark in [Mark::First, Mark::Repeat, Mark::Degraded] {
        for message in [
            page_of(&drill, mark),
            approval(&drill, &contact, &planned(), mark),
            mitigation(&drill, Some(&planned()), mark),
            mitigation(&drill, None, mark),
            resolved(&drill, &[], mark),
        ] {
            assert!(message.text().starts_with("DRILL "), "{}", message.text());
        }
    }
}

#[test]
fn titles_stay_one_line_of_a_bearable_length() {
    let mut odd = incident();
    odd.opened.title = format!("a\nb\u{202e}c <!channel> {}", "x".repeat(10_000));
    let title = page_of(&odd, Mark::First).title;
    assert!(title.starts_with("[SEV2] a b c <!channel> xxx"), "{title}");
    assert_eq!((title.chars().count(), title.chars().last()), (TITLE, Some('…')));
}
