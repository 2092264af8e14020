//! Whole documents against golden files, and what no document may let through.

use std::path::Path;

use incident::Outcome;
use serde_json::json;

use crate::fixtures::{at, bad_deployment, bad_flag, self_healing, unknown};
use crate::{Answer, Answers, Facts, html, markdown};

/// Compares both forms with `golden/<name>.md` and `.html`. Where they differ on purpose, look at the new ones, which the
/// message names, and copy them over.
#[track_caller]
fn check_golden(name: &str, facts: &Facts) {
    let mut differ = Vec::new();
    for (extension, written) in [("md", markdown(facts)), ("html", html(facts))] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.{extension}"));
        if std::fs::read_to_string(&file).is_ok_and(|golden| golden == written) {
            continue;
        }
        let new = std::env::temp_dir().join(format!("postmortem-{name}.{extension}"));
        std::fs::write(&new, &written).unwrap();
        differ.push(format!("{} is not {}", new.display(), file.display()));
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn a_bad_deployment_that_was_rolled_back() {
    check_golden("bad-deployment", &bad_deployment());
}

#[test]
fn a_bad_flag_that_was_rolled_back() {
    check_golden("bad-flag", &bad_flag());
}

#[test]
fn an_incident_that_recovered_by_itself() {
    check_golden("self-healing", &self_healing());
}

#[test]
fn a_drill_of_which_next_to_nothing_is_known() {
    check_golden("unknown", &unknown());
    assert!(markdown(&unknown()).starts_with("# DRILL: "));
}

#[test]
fn what_takes_something_away_is_said_to_be_back_or_still_in_force() {
    let mut facts = bad_deployment();
    facts.mitigations[0].takes_away = true;
    let still = "It is still in force: nothing takes it back by itself.";
    assert_eq!(markdown(&facts).matches(still).count(), 2, "in the lead and in the record");
    for (by, words) in [(Some("ada"), "as ada asked"), (None, "not by the suite")] {
        facts.mitigations[0].put_back =
            serde_json::from_value(json!({"at": "2026-11-23T15:00:05Z", "by": by})).unwrap();
        let text = markdown(&facts);
        let back = format!("It was put back at 2026-11-23 15:00:05 UTC, {words}.");
        assert_eq!(text.replace('\u{a0}', " ").matches(&back).count(), 2, "{text}");
        assert!(!text.contains("still in force"), "{text}");
    }
}

/// `words` must all be in the answer; `None` for the words means that it is not known.
#[track_caller]
fn check(answer: &Answer, known: bool, words: &[&str]) {
    let text = answer.text.join("\n").replace('\u{a0}', " ");
    assert_eq!(answer.known, known, "{text}");
    assert_eq!(!known, text.starts_with("Not known. "), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn a_rollback_that_helped_names_trigger_and_control() {
    let answers = Answers::of(&bad_deployment());
    check(
        &answers.trigger,
        true,
        &["version 2 as the trigger", "13:58:40 UTC, 4 min 32 s before", "recorded by pipeline"],
    );
    check(&answers.went_well, true, &["2 min 12 s after it began", "ada acknowledged 1 min 50 s", "verified", "1 gap"]);
    check(&answers.slowed, true, &["from “mitigation applied” to “clear”: 2 min 37 s of 13 min 12 s"]);
    check(
        &answers.earlier,
        true,
        &["at most 2 min 12 s", "2 min 10 s passed until", "2 s in delivery", "up to 4 min 32 s"],
    );
    check(&answers.missing_control, true, &["staged shift", "version 2 behind checkout:live"]);
}

#[test]
fn a_flag_that_was_rolled_back_is_called_by_the_names_of_the_plan() {
    let mut facts = bad_flag();
    let answers = Answers::of(&facts);
    let moved =
        "after the profile flags of checkout in prod was moved from version 2 back to version 1, with proof of life";
    check(&answers.trigger, true, &[moved, "Version 2 went live at 2026-11-23 13:58:40 UTC", "recorded by pipeline"]);
    check(&answers.earlier, true, &["A check of version 2 as it went live"]);
    let control =
        ["AppConfig itself takes back", "still in effect 4 s after the first signal", "monitor of the environment"];
    check(&answers.missing_control, true, &control);
    // A plan that cannot be told leaves the ARN.
    facts.incident.opened.plan.plan.mitigations.clear();
    check(&Answers::of(&facts).trigger, true, &["configuration/c7d8e9f was moved from version 2"]);
}

#[test]
fn a_consumer_that_was_taken_out_of_the_way_had_no_limit() {
    let mut facts = bad_deployment();
    let mitigation = &mut facts.mitigations[0];
    (mitigation.kind, mitigation.takes_away) = ("disable-event-source-mapping".to_owned(), true);
    mitigation.summary = "switch off what feeds reindex from articles".to_owned();
    let answers = Answers::of(&facts);
    check(&answers.missing_control, true, &["A limit on what", "(switch off what feeds reindex from articles)"]);
    facts.mitigations[0].outcome = Some(Outcome::Ineffective);
    check(&Answers::of(&facts).missing_control, false, &["the records name no control"]);
}

#[test]
fn without_the_ledger_the_time_of_the_change_is_not_known() {
    let mut facts = bad_deployment();
    facts.changes.retain(|change| change.version != "2");
    let answers = Answers::of(&facts);
    check(&answers.trigger, true, &["went live is not known", "“tourniquet change record”"]);
    // A move to the same version after the signal is another one.
    facts.changes[0].version = "2".to_owned();
    facts.changes[0].at = at("14:30:00");
    check(&Answers::of(&facts).trigger, true, &["went live is not known"]);
}

#[test]
fn a_version_that_had_a_share_only_was_staged() {
    let mut facts = bad_deployment();
    facts.mitigations[0].prior = Some(json!({ "function_version": "2", "split": true }));
    check(&Answers::of(&facts).missing_control, false, &["only a share"]);
}

#[test]
fn a_mitigation_that_did_not_help_proves_no_trigger() {
    for (outcome, word) in [
        (Outcome::Ineffective, "changed nothing for the better"),
        (Outcome::Undone, "made and undone"),
        (Outcome::Refused, "was refused"),
        (Outcome::Rejected, "was rejected"),
        (Outcome::Expired, "expired"),
    ] {
        let mut facts = bad_deployment();
        facts.mitigations[0].outcome = Some(outcome);
        let answers = Answers::of(&facts);
        check(&answers.trigger, false, &[word]);
        check(&answers.missing_control, false, &[]);
        check(&answers.slowed, true, &[&format!("Mitigation 1 ended {outcome}.")]);
    }
}

#[test]
fn a_mitigation_without_an_outcome_proves_no_trigger() {
    let mut facts = bad_deployment();
    facts.mitigations[0].outcome = None;
    check(&Answers::of(&facts).trigger, false, &["was only shown"]);
    facts.mitigations[0].progress = incident::Progress::Applied;
    check(&Answers::of(&facts).trigger, false, &["has not ended"]);
    assert!(markdown(&facts).contains("still being verified"));
}

#[test]
fn an_onset_after_the_signal_is_a_wrong_clock() {
    let mut facts = bad_deployment();
    facts.incident.onset = Some(at("14:04:00"));
    check(&Answers::of(&facts).earlier, false, &["clocks"]);
    assert!(markdown(&facts).contains("negative"));
}

#[test]
fn what_the_plan_holds_is_not_slow() {
    let mut facts = self_healing();
    check(&Answers::of(&facts).slowed, true, &["from “onset” to “first signal”", "Nobody acknowledged; paged: ada."]);
    facts.incident.resolved_at = Some(at("14:15:10"));
    check(&Answers::of(&facts).slowed, true, &["beyond the 5m", ": 5 min of 14 min 10 s"]);
}

#[test]
fn with_nothing_on_record_nothing_is_claimed() {
    let answers = Answers::of(&unknown());
    for answer in [&answers.trigger, &answers.went_well, &answers.earlier, &answers.missing_control] {
        check(answer, false, &[]);
    }
    check(&answers.slowed, true, &["No page is on record"]);
}

#[test]
fn texts_of_others_stay_texts() {
    let hostile = "</title><script>alert(1)</script> | **b** [x](https://evil.example)\n# h `c` \u{202e}";
    let mut facts = bad_deployment();
    let title = |text: &mut String| *text = hostile.to_owned();
    title(&mut facts.incident.opened.title);
    title(&mut facts.incident.opened.signal.title);
    title(&mut facts.timeline[0].what);
    title(&mut facts.mitigations[0].summary);
    title(&mut facts.mitigations[0].target);
    title(&mut facts.pages[0].contact);
    facts.mitigations[0].prior = Some(json!({ "function_version": hostile }));
    facts.incident.acknowledged_by = Some(hostile.to_owned());
    facts.incident.opened.plan.plan.service = hostile.to_owned();
    facts.incident.opened.signal.link = Some("javascript:alert(1)".to_owned());
    facts.incident.opened.plan.plan.runbook = Some(format!("https://a.example/{hostile}"));

    let page = html(&facts);
    assert!(!page.contains("<script") && !page.contains("\u{202e}"));
    assert_eq!(page.matches("<a ").count(), 0, "neither address may become a link");

    let document = markdown(&facts);
    assert!(!document.contains("\u{202e}"));
    for line in document.lines() {
        assert!(!line.starts_with("# h") && !outside_code(line).contains("](https://"), "{line}");
        assert!(!outside_code(line).replace("\\<script", "").contains("<script"), "{line}");
    }
}

/// A line of Markdown without its code spans, which show what they hold as it is.
fn outside_code(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        outside += &rest[..at];
        if outside.ends_with('\\') {
            rest = &rest[at + 1..];
            continue;
        }
        let fence: String = rest[at..].chars().take_while(|c| *c == '`').collect();
        let inside = &rest[at + fence.len()..];
        let end = inside.find(&fence).unwrap();
        rest = &inside[end + fence.len()..];
    }
    outside + rest
}
