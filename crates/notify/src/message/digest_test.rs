//! What a digest says, and how much of it at most.

use serde_json::json;

use super::*;
use crate::samples::{at, incident};

fn entry(name: &str, time: &str, severity: &str) -> DigestEntry {
    serde_json::from_value(json!({
        "signal_id": format!("{name:0>32}"), "fingerprint": name, "title": format!("Alarm {name} is firing"),
        "state": "firing", "time": at(time), "link": format!("https://console.example/{name}"), "severity": severity,
        "service": "checkout", "environment": "prod", "plan": "slow",
    }))
    .unwrap()
}

fn sample(drill: bool) -> Digest {
    Digest {
        id: "digest-payments-20261123T1415Z".into(),
        team: incident().opened.plan.team,
        drill,
        until: at("14:15:00"),
        entries: 3,
        told: 0,
    }
}

#[test]
fn it_names_each_failing_thing_once_the_worst_first() {
    let entries = [entry("a", "14:00:00", "SEV4"), entry("b", "14:01:00", "SEV3"), entry("a", "14:02:00", "SEV4")];
    let mut lines = lines(&entries);
    lines[1].recovered = Some(at("14:05:00"));
    let message = digest(&sample(false), 1, &lines, None, Mark::First);
    let ids = ["b", "a"].map(|name| format!("{name:0>32}"));
    let expect = format!(
        "Digest for payments: 2 things that opened no incident\n\n\
         SEV3: Alarm b is firing (checkout in prod), last at 2026-11-23 14:01:00 UTC; still firing as far as is known; \
         signal {}; https://console.example/b\n\
         SEV4: Alarm a is firing (checkout in prod), 2 times, last at 2026-11-23 14:02:00 UTC; recovered at 2026-11-23 \
         14:05:00 UTC; signal {}; https://console.example/a\n\n\
         Make one an incident: tourniquet declare --reason WHY --from {}\n\n\
         digest-payments-20261123T1415Z, until 2026-11-23 14:15:00 UTC\n",
        ids[0], ids[1], ids[0]
    );
    assert_eq!(message.text(), expect);
}

#[test]
fn it_says_what_it_is() {
    let mut only = entry("a", "14:00:00", "SEV5");
    only.state = State::Info;
    let entries = [only];
    let lines = lines(&entries);
    let title = |drill, n, mark| digest(&sample(drill), n, &lines, None, mark).title;
    assert_eq!(title(false, 1, Mark::First), "Digest for payments: 1 thing that opened no incident");
    let late = "Again (may repeat): Digest for payments: 1 thing that opened no incident, with what came late";
    assert_eq!(title(false, 2, Mark::Repeat), late);
    assert!(title(true, 1, Mark::First).starts_with("DRILL Digest"));
    assert!(title(true, 1, Mark::Repeat).starts_with("DRILL Again"));
    assert!(!digest(&sample(false), 1, &lines, None, Mark::First).text().contains("still firing"), "it only informs");
}

#[test]
fn a_flood_is_cut_and_counted() {
    let mut entries: Vec<_> = (0..10_000).map(|n| entry(&n.to_string(), "14:00:00", "SEV4")).collect();
    for entry in &mut entries {
        (entry.title, entry.link) = ("é".repeat(5_000), Some(format!("https://{}", "x".repeat(5_000))));
    }
    let message = digest(&sample(false), 1, &lines(&entries), Some("Europe/Berlin"), Mark::First);
    assert_eq!(message.facts.len(), MOST_LINES + 1);
    assert_eq!(message.facts[MOST_LINES].1, "9988 more, less severe or longer ago");
    let whole = |fact: &str| fact.chars().count() <= LINE && fact.contains("; signal 0") && !fact.contains("https");
    assert!(message.facts[..MOST_LINES].iter().all(|(_, fact)| whole(fact)), "{:?}", message.facts);
    assert!(message.text().len() < 16_000, "{}", message.text().len());
}
