use super::{
    super::world::{Bag, Execution, Last, Signal},
    *,
};

const ID: &str = "inc-20261123-0123456789";
const START: i64 = 1_800_000_000;

/// One alarm of one plan fired in the first second and was clear in the tenth.
fn history() -> History {
    let transition = |state, at_s| Transition { alarm: "checkout-faults-000-0".to_owned(), state, at_s };
    let story = Story {
        plan: "checkout-faults-000".to_owned(),
        has_service: true,
        is_acknowledged: false,
        transitions: vec![transition(State::Alarm, 1), transition(State::Ok, 10)],
    };
    let troubles = vec![(0, super::super::history::Trouble::Malformed)];
    History { seed: 1, stories: vec![story], deliveries: Vec::new(), troubles }
}

/// The world as it should be after that.
fn good() -> World {
    let arn = alarm_arn("checkout-faults-000-0");
    let signal = |state: &str, at| Signal {
        fingerprint: arn.clone(),
        state: state.to_owned(),
        at: START + at,
        incident: Some(ID.to_owned()),
        reason: None,
    };
    World {
        incidents: vec![Incident {
            id: ID.to_owned(),
            status: "resolved".to_owned(),
            group: "g".to_owned(),
            opening: 1,
            run: 1,
            engagement: 1,
            firing: BTreeSet::new(),
            passes: ["1_warm".to_owned(), "2_complete".to_owned()].into(),
            has_postmortem: true,
        }],
        signals: vec![signal("firing", 1), signal("recovered", 10)],
        last: [(arn.clone(), Last { state: "recovered".to_owned(), at: START + 10 })].into(),
        pointers: [("g".to_owned(), (ID.to_owned(), "resolved".to_owned()))].into(),
        paged: [(ID.to_owned(), 1)].into(),
        mitigations: vec![Mitigation {
            incident: ID.to_owned(),
            target: "arn:aws:lambda:us-east-1:1:function:checkout-faults-000:live".to_owned(),
            progress: "ended".to_owned(),
            outcome: Some("unproven".to_owned()),
            reason: None,
            desired: Some("1".to_owned()),
            prior: Some("2".to_owned()),
        }],
        executions: vec![Execution { machine: MACHINES[0], name: format!("{ID}-1-1"), status: "SUCCEEDED".to_owned() }],
        messages: vec![format!("Take it: tourniquet ack {ID}")],
        in_time: 1,
        letters: vec![("SignalsDeadLetterQueue", format!("{{\"{MALFORMED}\""))],
        queued: 0,
        bags: vec![Bag { incident: ID.to_owned(), sealed: 2, intact: 2, said: String::new() }],
        moves: [("checkout-faults-000".to_owned(), 1)].into(),
        aliases: [("checkout-faults-000".to_owned(), "1".to_owned())].into(),
    }
}

/// With this change, exactly one invariant does not hold, and one of its sentences has this text; none where it is empty.
#[track_caller]
fn check(change: impl FnOnce(&mut World), sentence: &str) {
    let mut world = good();
    change(&mut world);
    let verdicts = judge(&history(), Timestamp::from_second(START).unwrap(), &world);
    let wrong: Vec<_> = verdicts.iter().filter(|verdict| !verdict.violations.is_empty()).collect();
    if sentence.is_empty() {
        assert!(wrong.is_empty(), "{wrong:?}");
    } else {
        let said: Vec<_> = wrong.iter().flat_map(|verdict| &verdict.violations).collect();
        assert!(said.iter().any(|violation| violation.contains(sentence)), "{said:?}");
        assert_eq!(wrong.len(), 1, "{said:?}");
    }
}

fn message(text: &str) -> impl FnOnce(&mut World) {
    move |world| world.messages.push(text.to_owned())
}

#[test]
fn a_good_world_holds() {
    check(|_| {}, "");
    check(message("anything"), "");
}

#[test]
fn every_firing_is_paged_or_has_a_reason() {
    check(|w| w.messages.clear(), "nobody was paged");
    check(|w| w.in_time = 0, "nobody was paged");
    check(|w| w.messages = vec![format!("{ID} is resolved")], "");
    check(|w| w.signals[0].incident = None, "without a reason");
    let ignored = |w: &mut World| {
        w.messages.clear();
        (w.signals[0].incident, w.signals[0].reason) = (None, Some("it is older".to_owned()));
    };
    check(ignored, "");
    check(|w| _ = w.signals.remove(0), "neither recorded nor kept");
    let letter = || ("SignalsDeadLetterQueue", alarm_arn("checkout-faults-000-0"));
    let kept = |w: &mut World| {
        w.signals.remove(0);
        w.letters.push(letter());
    };
    check(kept, "nobody was paged about it");
    let told = |w: &mut World| {
        kept(w);
        w.messages.push("degraded: checkout-faults-000-0 fires".to_owned());
        w.in_time = 2;
    };
    check(told, "");
}

#[test]
fn what_fires_again_is_paged_again() {
    let refired = |paged: bool| {
        move |w: &mut World| {
            let Incident { status, engagement, firing, .. } = &mut w.incidents[0];
            (*status, *engagement) = ("open".to_owned(), 2);
            firing.insert(alarm_arn("checkout-faults-000-0"));
            w.paged.extend(paged.then(|| (ID.to_owned(), 2)));
        }
    };
    // An open incident disagrees with the history, so the invariant is asked alone.
    for (paged, wrong) in [(true, 0), (false, 1)] {
        let (mut world, history) = (good(), history());
        refired(paged)(&mut world);
        let judged = Judged { history: &history, start: Timestamp::from_second(START).unwrap(), world: &world };
        assert_eq!(judged.pages().violations.len(), wrong, "{:?}", judged.pages());
    }
}

#[test]
fn one_incident_is_open_in_a_group() {
    // Two open ones disagree with the world as well, so the invariant is asked alone.
    let mut world = good();
    world.incidents[0].status = "open".to_owned();
    world.incidents.push(Incident { id: "inc-20261123-ffffffffff".to_owned(), ..world.incidents[0].clone() });
    let history = history();
    let judged = Judged { history: &history, start: Timestamp::from_second(START).unwrap(), world: &world };
    assert_eq!(judged.groups().violations.len(), 1);
    world.incidents[1].status = "resolved".to_owned();
    let judged = Judged { history: &history, start: Timestamp::from_second(START).unwrap(), world: &world };
    assert_eq!(judged.groups().violations.len(), 0);
}

#[test]
fn a_mitigation_is_applied_once() {
    let moved = |times| move |w: &mut World| _ = w.moves.insert("checkout-faults-000".to_owned(), times);
    check(moved(2), "moved 2 times");
    check(moved(0), "");
    let undone = |w: &mut World| {
        moved(2)(w);
        w.mitigations[0].outcome = Some("undone".to_owned());
        w.aliases.insert("checkout-faults-000".to_owned(), "2".to_owned());
    };
    check(undone, "");
}

#[test]
fn record_and_world_agree() {
    let alarm = || alarm_arn("checkout-faults-000-0");
    check(|w| w.last.clear(), "nothing is recorded of it");
    check(|w| w.last.values_mut().for_each(|last| last.at = START + 1), "its record says");
    check(|w| w.last.values_mut().for_each(|last| last.state = "firing".to_owned()), "its record says");
    check(|w| _ = w.incidents[0].firing.insert(alarm()), "still fires in");
    check(|w| w.incidents[0].status = "stuck".to_owned(), "nobody asked for");
    check(|w| w.pointers.clear(), "no pointer");
    check(|w| _ = w.pointers.insert("g".to_owned(), (ID.to_owned(), "open".to_owned())), "pointer says open");
    check(|w| w.queued = 1, "still wait");
    check(|w| w.mitigations[0].progress = "applied".to_owned(), "still applied");
    check(|w| _ = w.aliases.insert("checkout-faults-000".to_owned(), "2".to_owned()), "is at 2, not 1");
    check(|w| w.mitigations[0].reason = Some(format!("another mitigation ({ID}#1#1) holds it")), "its own lock");
    let open = |w: &mut World| {
        w.incidents[0].status = "open".to_owned();
        w.executions[0].status = "RUNNING".to_owned();
        w.pointers.insert("g".to_owned(), (ID.to_owned(), "open".to_owned()));
    };
    check(open, "nothing of it fires");
}

#[test]
fn executions_end_or_are_told_of() {
    check(|w| w.executions.clear(), "never started");
    check(|w| w.executions[0].status = "RUNNING".to_owned(), "runs on");
    check(|w| w.executions[0].status = "FAILED".to_owned(), "nobody was told");
    let told = |w: &mut World| {
        w.executions[0].status = "FAILED".to_owned();
        w.messages.push(format!("execution {ID}-1-1 ended FAILED"));
    };
    check(told, "");
}

#[test]
fn bags_verify_and_none_is_missing() {
    check(|w| w.bags[0].intact = 1, "1 of 2 bags");
    check(|w| w.incidents[0].passes.clear(), "lacks a pass");
    check(|w| w.incidents[0].has_postmortem = false, "lacks a pass");
    let told = |w: &mut World| {
        w.incidents[0].passes.clear();
        w.messages.push(format!("Pass 1 of the evidence of incident {ID} was not captured."));
    };
    check(told, "");
}

#[test]
fn dead_letters_are_explained() {
    check(|w| w.letters.clear(), "1 messages could not be read, and 0");
    check(|w| w.letters.push(("CommandsDeadLetterQueue", "{}".to_owned())), "no explanation");
    check(|w| w.letters.push(("SignalsDeadLetterQueue", "{}".to_owned())), "no explanation");
    check(|w| w.letters.push(("SignalsDeadLetterQueue", alarm_arn("checkout-faults-000-0"))), "");
}
