use super::*;

const PUT: Call<'_> = Call {
    name: String::new(),
    target: "DynamoDB_20120810.PutItem",
    method: "POST",
    path: "/?x=1",
    body: b"{\"TableName\":\"tourniquet\",\"Item\":{\"pk\":{\"S\":\"INC#1\"}}}",
};

fn rule(id: &str, when: &str, times: u32) -> Rule {
    let text = format!(r#"{{"id":"{id}","match":{when},"action":{{"fail":503}},"times":{times}}}"#);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn all_that_is_given_must_hold() {
    #[track_caller]
    fn check(when: &str, holds: bool) {
        assert_eq!(rule("r", when, 1).when.holds(&PUT), holds);
    }
    check(r#"{"target_contains":"PutItem"}"#, true);
    check(r#"{"target_contains":"GetItem"}"#, false);
    check(r#"{"target_contains":"PutItem","body_contains":"INC#1"}"#, true);
    check(r#"{"target_contains":"PutItem","body_contains":"INC#2"}"#, false);
    check(r#"{"body_contains":"INC#1","body_also_contains":["Item","tourniquet"]}"#, true);
    check(r#"{"body_contains":"INC#1","body_also_contains":["Item","INC#2"]}"#, false);
    check(r#"{"method":"post","path_contains":"x=1"}"#, true);
    check(r#"{"method":"PUT"}"#, false);
    check(r#"{"path_contains":"/bucket"}"#, false);
}

#[test]
fn a_rule_is_spent_after_its_times_and_every_call_is_counted() {
    let mut log = Log::default();
    log.arm(rule("r", r#"{"method":"POST"}"#, 2));
    let met = (0..4).filter(|_| log.meet(&PUT, || Some("triage")).is_some()).count();
    assert_eq!((met, log.armed.len(), log.calls.get("")), (2, 0, Some(&4)));

    log.arm(rule("r", r#"{"method":"POST"}"#, 1));
    let met = log.meet(&PUT, || Some("triage")).unwrap();
    log.give_back(met);
    assert_eq!(log.armed, [rule("r", r#"{"method":"POST"}"#, 1)]);
    assert!(log.disarm("r") && !log.disarm("r"));
}

#[test]
fn what_is_not_drawn_is_left_to_the_next_rule() {
    let mut log = Log::default();
    let random =
        r#"{"id":"r","match":{"method":"POST"},"action":{"random":{"seed":7,"throttle":500}},"times":1000000}"#;
    log.arm(serde_json::from_str(random).unwrap());
    log.arm(rule("next", r#"{"method":"POST"}"#, 1000));
    let met: Vec<_> = (0..1000).filter_map(|_| log.meet(&PUT, || Some("triage"))).collect();
    let throttled = met.iter().filter(|met| met.action == Action::Throttle(true) && met.id == "r").count();
    let failed = met.iter().filter(|met| met.action == Action::Fail(503) && met.id == "next").count();
    assert_eq!(throttled + failed, 1000);
    assert!((400..600).contains(&throttled), "{throttled}");
}

#[test]
fn every_fault_is_counted_by_its_kind() {
    let mut log = Log::default();
    for action in [Action::Fail(500), Action::Fail(503), Action::LoseAnswer(true)] {
        log.record(Entry { id: "r".to_owned(), call: String::new(), action, killed: None });
    }
    assert_eq!(log.faults, [("error".to_owned(), 2), ("lost-answer".to_owned(), 1)].into());
}

#[test]
fn only_functions_are_killed() {
    let kill = r#"{"id":"k","match":{"method":"POST"},"action":{"kill_after":true}}"#;
    let mut log = Log::default();
    log.arm(serde_json::from_str(kill).unwrap());
    assert_eq!(log.meet(&PUT, || None), None);
    assert_eq!(log.meet(&PUT, || Some("triage")).unwrap().action, Action::KillAfter(true));
    assert!(log.armed.is_empty());
}

#[test]
fn a_rule_that_cannot_work_is_refused() {
    #[track_caller]
    fn check(text: &str, fault: &str) {
        let rule: Rule = serde_json::from_str(text).unwrap();
        assert!(rule.fault().is_some_and(|said| said.contains(fault)), "{:?}", rule.fault());
    }
    check(r#"{"id":"r","match":{},"action":{"drop":true}}"#, "match");
    check(r#"{"id":"","match":{"method":"GET"},"action":{"drop":true}}"#, "id");
    check(r#"{"id":"a/b","match":{"method":"GET"},"action":{"drop":true}}"#, "id");
    check(r#"{"id":"r","match":{"method":"GET"},"action":{"drop":false}}"#, "only be true");
    check(r#"{"id":"r","match":{"method":"GET"},"action":{"fail":200}}"#, "400 to 599");
    check(r#"{"id":"r","match":{"method":"GET"},"action":{"drop":true},"times":0}"#, "times");
    check(r#"{"id":"r","match":{"method":"GET"},"action":{"hang":false}}"#, "only be true");
    check(r#"{"id":"r","match":{"method":"GET"},"action":{"random":{"seed":1,"error":600,"reset":500}}}"#, "per mille");
    assert_eq!(rule("r", r#"{"method":"GET"}"#, 3).fault(), None);
    let typo = r#"{"id":"r","match":{"target":"PutItem"},"action":{"drop":true}}"#;
    assert!(serde_json::from_str::<Rule>(typo).is_err());
}

#[test]
fn a_write_is_found_by_its_name_what_it_is_about_and_who_makes_it() {
    #[track_caller]
    fn check(when: &str, by: Option<&str>, met: bool) {
        let mut log = Log::default();
        log.arm(rule("r", when, 1));
        assert_eq!(log.meet(&Call { name: "dynamodb PutItem".to_owned(), ..PUT }, || by).is_some(), met);
    }
    let write = r#""write":"dynamodb PutItem INC#1""#;
    check(&format!("{{{write}}}"), None, true);
    check(r#"{"write":"dynamodb PutItem INC#2"}"#, None, false);
    check(&format!(r#"{{{write},"mentions":["INC#2","x=1"]}}"#), None, true);
    check(&format!(r#"{{{write},"mentions":["INC#2"]}}"#), None, false);
    check(&format!(r#"{{{write},"by":"Triage"}}"#), Some("tourniquet-TriageFunction-1"), true);
    check(&format!(r#"{{{write},"by":"Triage"}}"#), Some("tourniquet-NotifyFunction-1"), false);
    check(&format!(r#"{{{write},"by":"Triage"}}"#), None, false);
}

#[test]
fn writes_are_written_down_while_somebody_wants_them() {
    let mut log = Log::default();
    let write = || Written { by: "f".to_owned(), name: "sns Publish".to_owned(), text: String::new() };
    log.written(write());
    log.record_writes();
    log.written(write());
    assert_eq!(log.recorded(), [write()]);
    log.written(write());
    assert_eq!((log.is_recording(), log.recorded()), (false, vec![]));
}
