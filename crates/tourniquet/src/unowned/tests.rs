//! What the report says of incidents that nobody owns.

use super::*;

fn line_of(service: &str, id: &str, opened_at: &str) -> IncidentLine {
    serde_json::from_value(json!({
        "incident_id": id, "status": "resolved", "severity": "SEV3", "title": "t", "service": service,
        "environment": "unknown", "owner": "unowned", "opened_at": opened_at,
    }))
    .unwrap()
}

#[test]
fn incidents_of_one_thing_are_one_line() {
    let lines = vec![
        line_of("b", "inc-20261123-0000000003", "2026-11-23T16:00:00Z"),
        line_of("a", "inc-20261123-0000000002", "2026-11-23T15:00:00Z"),
        line_of("b", "inc-20261123-0000000001", "2026-11-23T14:00:00Z"),
    ];
    let groups = groups(lines);
    let ids: Vec<Vec<&str>> = groups.iter().map(|g| g.iter().map(|line| line.incident_id.as_str()).collect()).collect();
    assert_eq!(
        ids,
        [vec!["inc-20261123-0000000002"], vec!["inc-20261123-0000000003", "inc-20261123-0000000001"]],
        "the newest first"
    );
}

#[track_caller]
fn check(fingerprint: &str, resources: &[&str], expect: &str) {
    let signal: SignalSummary = serde_json::from_value(json!({
        "signal_id": "s", "fingerprint": fingerprint, "source": "aws.rds", "title": "t", "link": null,
        "resources": resources, "time": "2026-11-23T14:00:00Z",
    }))
    .unwrap();
    let shown = pattern(&signal);
    assert_eq!(shown, expect);
    // It is YAML that the reader of plans takes.
    let text =
        format!("plan: p\ntype: t\n{shown}\nservice: s\nenvironment: e\nowner: o\nseverity: SEV3\nengage: notify\n");
    let teams = "contacts: { c: { sns: { topic: t } } }\nteams: { o: { escalation: [{ contact: c, wait: 1m }] } }\n";
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("p.yaml"), text).unwrap();
    std::fs::write(dir.path().join("teams.yaml"), teams).unwrap();
    crate::plans::load(dir.path()).unwrap();
}

#[test]
fn a_plan_can_be_written_from_it() {
    let alarm = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:slow: \"queue\"";
    check(alarm, &[], r#"match: { source: ["aws.rds"], detail: { alarmName: ["slow: \"queue\""] } }"#);
    let db = "arn:aws:rds:eu-west-1:111122223333:db:orders";
    check(&format!("{db}#failover"), &[db], &format!(r#"match: {{ source: ["aws.rds"], resources: ["{db}"] }}"#));
    check("aws.rds/aws/1/eu-west-1/x", &[], r#"match: { source: ["aws.rds"] }"#);
}

#[test]
fn the_report_fits_and_says_what_to_write() {
    let thing = Thing {
        fingerprint: "f".into(),
        title: "a\u{1b}b".repeat(100),
        incidents: 2,
        first: "2026-11-23T14:00:00Z".parse().unwrap(),
        last: "2026-11-23T16:00:00Z".parse().unwrap(),
        incident_id: "inc-20261123-0123456789".into(),
        pattern: "match: { source: [\"s\"] }".into(),
    };
    let what = ReportOf { unowned: true, since: "7d".parse().unwrap() };
    let some = report(&[thing], &what);
    assert!(some.text.lines().all(|line| line.chars().count() <= 120), "{}", some.text);
    assert!(some.text.contains("2          2026-11-23 14:00:00Z  2026-11-23 16:00:00Z  a b"), "{}", some.text);
    assert!(some.text.ends_with("A plan needs one of these lines:\n  match: { source: [\"s\"] }\n"), "{}", some.text);
    assert_eq!(some.objects[0]["unowned"][0]["match"], "match: { source: [\"s\"] }");
    assert_eq!((&some.objects[0]["v"], &some.objects[0]["since"]), (&json!(1), &json!("7d")));
    assert_eq!(report(&[], &what).text, "everything of the last 7d has an owner\n");
}
