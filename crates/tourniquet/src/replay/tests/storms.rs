//! Histories with storms in them.

use super::*;

/// The plans `after`, with a rule of storms where there is one.
fn plans(rule: Option<&str>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in fs::read_dir(here("after")).unwrap().map(|file| file.unwrap()) {
        fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    if let Some(rule) = rule {
        let teams = fs::read_to_string(here("after/teams.yaml")).unwrap();
        fs::write(dir.path().join("teams.yaml"), format!("{teams}storm: {rule}\n")).unwrap();
    }
    dir
}

/// What a history comes to under a rule.
fn comes_to(lines: &[String], rule: Option<&str>) -> Value {
    let (dir, file) = (plans(rule), written(lines));
    let what = Replay { file: file.path().to_owned(), plans: dir.path().to_owned(), against: None, account: None };
    run(&what).unwrap().objects[0]["plans"].clone()
}

const RULE: &str = "{ owner: platform, more_than: 2, within: 5m }";

/// Two of nobody's open by themselves; then the queue, five more of nobody's, the shop and its search come at once.
fn region_down() -> Vec<String> {
    let lost = |n: i64| alarm(&format!("lost-{n}"), 10 * n, true);
    let mut lines: Vec<String> = (0..2).chain(3..8).map(lost).collect();
    for (name, second, fires) in [
        ("queue-depth", 20, true),
        ("checkout-errors", 80, true),
        ("checkout-latency", 85, true),
        ("search-latency", 90, true),
        ("search-latency", 95, false),
        ("search-latency", 150, true),
        ("search-latency", 155, false),
        ("checkout-errors", 900, false),
        ("checkout-latency", 900, false),
        ("queue-depth", 910, false),
    ] {
        lines.push(alarm(name, second, fires));
    }
    lines.extend((0..2).chain(3..8).map(|n| alarm(&format!("lost-{n}"), 200 + n, false)));
    lines
}

#[test]
fn a_storm_comes_to_what_stands_in_its_golden_file() {
    let (dir, before, file) = (plans(Some(RULE)), plans(None), written(&region_down()));
    let (path, against) = (dir.path().to_owned(), Some(before.path().to_owned()));
    let report = run(&Replay { file: file.path().to_owned(), plans: path, against, account: None }).unwrap();
    let named = [(file.path(), "storm.ndjson"), (dir.path(), "storms"), (before.path(), "none")];
    let text = named.iter().fold(report.text, |text, (path, name)| text.replace(&path.display().to_string(), name));
    golden("storm.txt", &text);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let plays = &report.objects[0]["plans"];
    let storm = &plays["incidents"][2];
    assert_eq!(
        (&storm["owner"], &storm["type"], &storm["severity"]),
        (&json!("platform"), &json!("storm"), &json!("SEV1"))
    );
    let expect = json!([{
        "id": "storm-20261118T110700Z", "incident_id": storm["id"],
        "began": "2026-11-18T11:07:00Z", "over": "2026-11-18T11:13:00Z",
        "incidents": 8, "signals": 10,
        "owners": [
            {"owner": "payments", "incidents": 2, "signals": 4},
            {"owner": "platform", "incidents": 1, "signals": 1},
            {"owner": "unowned", "incidents": 5, "signals": 5},
        ],
    }]);
    assert_eq!(plays["storms"], expect);
    assert_eq!(report.objects[0]["against"]["difference"]["storms"], json!({"before": 0, "after": 1}));
}

/// Pages by team.
fn pages(plays: &Value) -> Value {
    let pages = plays["pages"].as_array().unwrap().iter().map(|of| (of["team"].to_string(), of["pages"].clone()));
    Value::Object(pages.map(|(team, n)| (team.trim_matches('"').to_owned(), n)).collect())
}

/// When incidents of a service opened, to the minute.
fn opened(plays: &Value, service: &str) -> Vec<String> {
    let incidents = plays["incidents"].as_array().unwrap().iter().filter(|incident| incident["service"] == service);
    incidents.map(|incident| incident["opened"].as_str().unwrap()[11..19].to_owned()).collect()
}

/// One more than makes a storm; `more` is what comes with it.
fn with(more: &[String]) -> Vec<String> {
    let storm = [("lost-1", 0), ("lost-2", 1), ("lost-3", 2)].map(|(name, second)| alarm(name, second, true));
    [storm.as_slice(), more].concat()
}

#[test]
fn what_comes_twice_is_a_member_once() {
    let lines = with(&[alarm("queue-depth", 3, true), alarm("queue-depth", 3, true)]);
    let plays = comes_to(&lines, Some(RULE));
    assert_eq!(
        (&plays["storms"][0]["signals"], &plays["outcomes"]),
        (&json!(2), &json!({"incident": 2, "attached": 3}))
    );
    // One page for the queue in the storm, one for the storm, and one for the queue when it is over.
    assert_eq!((pages(&plays)["platform"].clone(), opened(&plays, "queue")), (json!(3), vec!["11:11:42".to_owned()]));
}

#[test]
fn a_drill_is_in_no_storm_and_makes_none() {
    let drill = |name: &str, second: i64| {
        let detail: Value = serde_json::from_str(&alarm(name, second, true)).unwrap();
        json!({"source": "tourniquet.drill", "account": "111122223333", "detail": detail}).to_string()
    };
    let plays = comes_to(&with(&[drill("queue-depth", 3)]), Some(RULE));
    assert_eq!((opened(&plays, "queue"), &plays["storms"][0]["signals"]), (vec!["11:06:43".to_owned()], &json!(1)));
    let drills = ["queue-depth", "search-latency", "checkout-errors"].map(|name| drill(name, 0));
    assert_eq!(comes_to(&drills, Some(RULE))["storms"], json!([]));
}

#[test]
fn what_is_muted_is_no_member_until_the_mute_ends() {
    let dir = plans(Some(RULE));
    let mutes = "mutes:\n  - name: noon\n    service: queue\n    reason: it is drained\n    \
                 every: { from: \"11:00\", to: \"11:10\", time_zone: UTC }\n";
    fs::write(dir.path().join("mutes.yaml"), mutes).unwrap();
    let file = written(&with(&[alarm("queue-depth", 3, true)]));
    let what = Replay { file: file.path().to_owned(), plans: dir.path().to_owned(), against: None, account: None };
    let plays = run(&what).unwrap().objects[0]["plans"].clone();
    assert_eq!(plays["outcomes"], json!({"incident": 2, "attached": 1, "muted": 1}));
    // The storm is on at 11:10, and over at 11:11:42.
    assert_eq!((&plays["storms"][0]["signals"], opened(&plays, "queue")), (&json!(2), vec!["11:11:42".to_owned()]));
}

#[test]
fn what_flaps_holds_no_storm_on() {
    let flaps =
        ["a", "b", "c"].map(|name| [(3, true), (200, false), (250, true)].map(|(at, fires)| alarm(name, at, fires)));
    let plays = comes_to(&with(&flaps.concat()), Some(RULE));
    let storm = &plays["storms"][0];
    // At 302 the three are new, at 362 they are not.
    let expect = (&json!("2026-11-18T11:12:42Z"), &json!(4), &json!(7));
    assert_eq!((&storm["over"], &storm["incidents"], &storm["signals"]), expect);
}

#[test]
fn what_a_storm_held_begins_no_other_and_what_is_new_does() {
    // The first is over at 302, and what fires on then opens, which counts for nothing.
    let held = ["d", "e", "f"].map(|name| alarm(name, 1, true));
    let plays =
        comes_to(&with(&[held.as_slice(), &[alarm("a", 500, true), alarm("b", 501, true)]].concat()), Some(RULE));
    assert_eq!(plays["storms"].as_array().unwrap().len(), 1, "{}", plays["storms"]);
    let plays = comes_to(&with(&["a", "b", "c"].map(|name| alarm(name, 500, true))), Some(RULE));
    let storms = plays["storms"].as_array().unwrap();
    assert_eq!((storms.len(), opened(&plays, "many services").len()), (2, 2), "{storms:?}");
    let expect = (&json!("2026-11-18T11:11:42Z"), &json!("2026-11-18T11:15:00Z"));
    assert_eq!((&storms[0]["over"], &storms[1]["began"]), expect);
    // Of the three that come then the first two open.
    assert_eq!((&storms[1]["incidents"], pages(&plays)["platform"].clone()), (&json!(1), json!(2)));
}

#[test]
fn a_storm_at_the_end_of_time_ends_the_replay() {
    let lines: Vec<String> = ["a", "b", "c"].map(|name| alarm(name, 253_402_207_000 - 1_795_000_000, true)).to_vec();
    assert_eq!(comes_to(&lines, Some(RULE))["outcomes"], json!({"incident": 2, "attached": 1}));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever comes: no incident opens while a storm is on but its own; every signal is told of once; what fires in the end
    /// has its incident as it had without storms; and where nothing is a storm nothing changes.
    #[test]
    fn a_storm_loses_nothing(
        lines in prop::collection::btree_map(0_i64..3_000, (0_usize..5, any::<bool>()), 0..60)
            .prop_map(|events| events.into_iter().map(|(at, (thing, fires))| event(at, thing, fires)).collect::<Vec<_>>())
    ) {
        let without = comes_to(&lines, None);
        let never = comes_to(&lines, Some("{ owner: platform, more_than: 1000, within: 60m }"));
        prop_assert_eq!(&never, &without);

        let plays = comes_to(&lines, Some("{ owner: platform, more_than: 2, within: 10m }"));
        let outcomes = plays["outcomes"].as_object().unwrap();
        prop_assert_eq!(outcomes.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), lines.len() as u64);
        let (incidents, storms) = (plays["incidents"].as_array().unwrap(), plays["storms"].as_array().unwrap());
        let at = |time: &Value| time.as_str().map(|time| time.parse::<Timestamp>().unwrap());
        for storm in storms {
            let during = |incident: &&Value| at(&incident["opened"]) >= at(&storm["began"]) && at(&incident["opened"]) < at(&storm["over"]);
            let opened: Vec<_> = incidents.iter().filter(during).map(|incident| &incident["id"]).collect();
            prop_assert!(opened.is_empty() || opened == [&storm["incident_id"]], "{} in {}", opened.len(), storm);
            let sum = |of: &str| storm["owners"].as_array().unwrap().iter().map(|o| o[of].as_u64().unwrap()).sum::<u64>();
            prop_assert_eq!((json!(sum("incidents")), json!(sum("signals"))), (storm["incidents"].clone(), storm["signals"].clone()));
        }
        let firing = |plays: &Value| {
            let all = plays["incidents"].as_array().unwrap().iter().filter(|incident| incident["resolved"].is_null());
            all.map(|incident| incident["service"].to_string()).collect::<std::collections::BTreeSet<_>>()
        };
        prop_assert_eq!(firing(&plays), firing(&without));
    }
}
