//! A history written by hand, and what it comes to; and histories that nobody wrote.

mod storms;

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/replay").join(name)
}

fn play(file: &Path, against: Option<&str>) -> Report {
    let (plans, against) = (here("after"), against.map(here));
    run(&Replay { file: file.to_owned(), plans, against, account: None }).unwrap()
}

/// Without where this crate is.
fn local(text: &str) -> String {
    text.replace(&format!("{}/", here("").parent().unwrap().join("replay").display()), "")
}

#[track_caller]
fn golden(name: &str, shown: &str) {
    let expect = fs::read_to_string(here("golden").join(name)).unwrap_or_default();
    assert!(shown == expect, "golden/{name} is not what is shown:\n{shown}");
}

#[test]
fn a_history_comes_to_what_stands_in_the_golden_files() {
    let report = play(&here("history.ndjson"), Some("before"));
    let text = local(&report.text);
    golden("text.txt", &text);
    // The order of an object's fields is that of a feature of the build.
    let answer: Value = serde_json::from_str(&local(&report.objects[0].to_string())).unwrap();
    let expect: Value = serde_json::from_str(&fs::read_to_string(here("golden/answer.json")).unwrap()).unwrap();
    assert_eq!(answer, expect);
    assert!(report.wrong, "a line was not readable");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn the_same_plans_change_nothing() {
    let report = play(&here("history.ndjson"), Some("after"));
    assert!(report.text.contains("nothing changes"), "{}", report.text);
    let difference = &report.objects[0]["against"]["difference"];
    for list in ["only_before", "only_after", "changed"] {
        assert_eq!(difference[list], json!([]), "{list}");
    }
}

fn written(lines: &[String]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), lines.join("\n")).unwrap();
    file
}

/// The lines of the history by hand, from the first to the last that reads.
fn lines() -> Vec<String> {
    let lines = fs::read_to_string(here("history.ndjson")).unwrap();
    lines.lines().filter(|line| line.starts_with("{\"version\"")).map(str::to_owned).collect()
}

/// What it comes to, whatever the file is called.
fn outcome(lines: &[String]) -> Value {
    play(written(lines).path(), None).objects[0]["plans"].clone()
}

#[test]
fn the_order_of_the_lines_does_not_matter() {
    let mut lines = lines();
    let in_order = outcome(&lines);
    lines.reverse();
    let report = play(written(&lines).path(), None);
    assert_eq!(report.objects[0]["plans"], in_order);
    assert_eq!(report.objects[0]["history"]["in_order"], false);
    assert!(report.text.contains("not in the order of time"), "{}", report.text);
}

#[test]
fn a_batch_is_as_good_as_its_records() {
    let lines = lines();
    let record = |line: &String| json!({"eventSource": "aws:sqs", "messageId": "m", "body": line});
    let batch = |lines: &[String]| json!({"Records": lines.iter().map(record).collect::<Vec<_>>()}).to_string();
    let mixed = [batch(&lines[..9]), batch(&lines[9..])];
    assert_eq!(outcome(&mixed), outcome(&lines));
    let between: Vec<String> =
        [0, 1].map(|odd| lines.iter().skip(odd).step_by(2).cloned().collect::<Vec<_>>()).map(|l| batch(&l)).to_vec();
    assert_eq!(outcome(&between), outcome(&lines), "the times of two batches lie between each other");
}

#[test]
fn what_is_no_history_is_said() {
    let nothing = play(written(&[]).path(), Some("before"));
    assert!(!nothing.wrong && nothing.text.contains("0 lines, 0 signals"), "{}", nothing.text);
    let pretty: Vec<String> = ["[", "  {", "  }", "]"].map(str::to_owned).to_vec();
    let report = play(written(&pretty).path(), None);
    assert!(report.wrong && report.text.contains("jq -c"), "{}", report.text);
    assert!(report.text.contains("line 4: "), "{}", report.text);
    let many = vec!["{".to_owned(); 150];
    let report = play(written(&many).path(), None);
    assert_eq!((&report.objects[0]["history"]["unread"], named(&report)), (&json!(150), 100));
    assert!(report.text.contains("and 140 more"), "{}", report.text);
    let refused = |file: &Path| {
        let what = Replay { file: file.to_owned(), plans: here("after"), against: None, account: None };
        format!("{:#}", run(&what).unwrap_err())
    };
    assert!(refused(&here("nowhere")).contains("check that it is there"));
    assert!(refused(&here("after")).contains("no file that can be read twice"));
}

fn named(report: &Report) -> usize {
    report.objects[0]["history"]["first_unread"].as_array().unwrap().len()
}

/// One event of a generated history.
fn event(second: i64, thing: usize, fires: bool) -> String {
    alarm(["checkout-errors", "checkout-latency", "search-latency", "queue-depth", "unknown"][thing], second, fires)
}

/// An alarm's event; the first second is 11:06:40.
fn alarm(name: &str, second: i64, fires: bool) -> String {
    let time = Timestamp::from_second(1_795_000_000 + second).unwrap().to_string();
    let mut event: Value = serde_json::from_str(&lines()[0]).unwrap();
    event["resources"][0] = format!("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}").into();
    event["detail"]["alarmName"] = name.into();
    event["detail"]["state"] = json!({"value": if fires { "ALARM" } else { "OK" }, "timestamp": time});
    event.to_string()
}

#[test]
fn what_is_held_back_is_paged_when_it_fires_on_and_what_comes_back_opens_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let plan = fs::read_to_string(here("after/search-latency.yaml")).unwrap() + "hold_down: 2m\nreopen_within: 30m\n";
    fs::write(dir.path().join("search.yaml"), plan).unwrap();
    fs::copy(here("after/teams.yaml"), dir.path().join("teams.yaml")).unwrap();
    let comes_to = |events: &[(i64, bool)]| {
        let lines: Vec<String> = events.iter().map(|(at, fires)| event(*at, 2, *fires)).collect();
        let (file, plans) = (written(&lines), dir.path().to_owned());
        let what = Replay { file: file.path().to_owned(), plans, against: None, account: None };
        run(&what).unwrap().objects[0]["plans"].clone()
    };
    let pages =
        |plays: &Value| plays["pages"].as_array().unwrap().iter().map(|team| team["pages"].clone()).collect::<Vec<_>>();

    let quiet = comes_to(&[(0, true), (60, false)]);
    assert_eq!((pages(&quiet), quiet["incidents"].as_array().unwrap().len()), (vec![], 1));
    assert_eq!(pages(&comes_to(&[(0, true)])), [1]);
    assert_eq!(pages(&comes_to(&[(0, true), (60, false), (200, true)])), [1], "clear at the end of it, then not");

    // Resolved after 5 minutes, and again within 30: one incident, two openings, each with a page of its own.
    let again = comes_to(&[(0, true), (300, false), (900, true), (1_200, false), (4_000, true)]);
    let ids: Vec<&str> = again["incidents"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap()).collect();
    assert_eq!((ids[0] == ids[1], ids[1] == ids[2], ids.len()), (true, false, 3));
    assert_eq!(pages(&again), [3]);
}

#[test]
fn what_is_muted_opens_nothing_and_what_fires_on_afterwards_does() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["search-latency.yaml", "teams.yaml"] {
        fs::copy(here("after").join(file), dir.path().join(file)).unwrap();
    }
    let mutes = "mutes:\n  - name: noon\n    service: search\n    reason: it is loaded\n    \
                 every: { from: \"11:00\", to: \"12:00\", time_zone: UTC }\n";
    fs::write(dir.path().join("mutes.yaml"), mutes).unwrap();
    let comes_to = |events: &[(i64, bool)]| {
        let lines: Vec<String> = events.iter().map(|(at, fires)| event(*at, 2, *fires)).collect();
        let (file, plans) = (written(&lines), dir.path().to_owned());
        let what = Replay { file: file.path().to_owned(), plans, against: None, account: None };
        let plays = run(&what).unwrap().objects[0]["plans"].clone();
        let opened = plays["incidents"].as_array().unwrap().iter().map(|i| i["opened"].as_str().unwrap().to_owned());
        (plays["outcomes"].clone(), opened.collect::<Vec<_>>())
    };
    assert_eq!(comes_to(&[(0, true), (60, false)]), (json!({"muted": 1, "ignored": 1}), vec![]));
    let at_noon = vec!["2026-11-18T12:00:00Z".to_owned()];
    assert_eq!(comes_to(&[(0, true)]), (json!({"muted": 1}), at_noon.clone()));
    let (outcomes, opened) = comes_to(&[(0, true), (60, false), (120, true), (4_000, false)]);
    assert_eq!(
        (outcomes, opened),
        (json!({"muted": 2, "ignored": 1, "attached": 1}), at_noon),
        "it fires by the second"
    );
    let (outcomes, opened) = comes_to(&[(3_199, true), (3_190, false), (3_200, true)]);
    assert_eq!((outcomes["muted"].as_u64(), opened.len()), (Some(1), 1), "it joins what opened at noon");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever the order of the lines: the same incidents; of a group one at a time, each resolved after it was clear for
    /// as long as the plan says, and never while something of it fires.
    #[test]
    fn a_shuffled_history_gives_the_same_incidents(
        (in_order, shuffled) in prop::collection::btree_map(0_i64..6_000, (0_usize..5, any::<bool>()), 0..40)
            .prop_map(|events| events.into_iter().map(|(at, (thing, fires))| event(at, thing, fires)).collect::<Vec<_>>())
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle()))
    ) {
        let expect = outcome(&in_order);
        prop_assert_eq!(&outcome(&shuffled), &expect);
        let at = |time: &Value| time.as_str().map(|time| time.parse::<Timestamp>().unwrap());
        let incidents = expect["incidents"].as_array().unwrap();
        for (n, incident) in incidents.iter().enumerate() {
            let (opened, resolved) = (at(&incident["opened"]).unwrap(), at(&incident["resolved"]));
            prop_assert!(resolved.is_none_or(|resolved| resolved.duration_since(opened).as_secs() > 300));
            for later in incidents[n + 1..].iter().filter(|later| later["service"] == incident["service"]) {
                prop_assert!(resolved.is_some_and(|resolved| resolved <= at(&later["opened"]).unwrap()));
            }
        }
    }
}
