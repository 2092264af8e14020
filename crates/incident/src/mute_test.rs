//! What is muted, by what, and what becomes of it afterwards.

use std::collections::BTreeMap;

use proptest::prelude::*;
use response_plan::catch_all;
use serde_json::json;

use super::*;
use crate::decision::{OpenPointer, decide};
use crate::record::Status;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_763_906_400 + second).unwrap()
}

fn plan() -> ResponsePlan {
    let plan = catch_all("arn:aws:sns:eu-west-1:111122223333:fallback").plan;
    ResponsePlan { plan: "checkout".into(), service: "shop".into(), environment: "prod".into(), ..plan }
}

fn mute(id: &str, scope: serde_json::Value, until: i64) -> Mute {
    let scope = serde_json::from_value(scope).unwrap();
    Mute { id: id.into(), scope, by: "ana".into(), reason: "r".into(), at: at(0), until: at(until), ended: None }
}

#[test]
fn everything_that_is_said_must_hold() {
    for (scope, is) in [
        (json!({"plan": "checkout"}), true),
        (json!({"plan": "check"}), false),
        (json!({"service": "shop"}), true),
        (json!({"service": "shop", "environment": "prod"}), true),
        (json!({"service": "shop", "environment": "test"}), false),
        (json!({"fingerprint": "f"}), true),
        (json!({"fingerprint": "g"}), false),
        (json!({"plan": "checkout", "fingerprint": "g"}), false),
        (json!({}), false),
    ] {
        assert_eq!(mute("m", scope.clone(), 60).scope.is_of(&plan(), "f"), is, "{scope}");
    }
    let scope = mute("m", json!({"service": "shop", "environment": "prod"}), 60).scope;
    assert_eq!(scope.to_string(), "service shop, environment prod");
}

#[test]
fn of_several_the_longest_counts_and_one_that_is_over_does_not() {
    let ended =
        Mute { ended: Some(MuteEnded { by: "bo".into(), at: at(1) }), ..mute("c", json!({"plan": "checkout"}), 90) };
    let mutes = [mute("a", json!({"plan": "checkout"}), 60), mute("b", json!({"service": "shop"}), 80), ended];
    let by_hand = |second| Muted::by_hand(&mutes, &plan(), "f", at(second)).map(|muted| muted.mute);
    assert_eq!(by_hand(0).as_deref(), Some("b"));
    assert_eq!(by_hand(79).as_deref(), Some("b"));
    assert_eq!(by_hand(80), None, "the end is the first moment that is not muted");

    let muted = Muted::by_hand(&mutes, &plan(), "f", at(0)).unwrap();
    assert!(!muted.is_over(&mutes, at(79)) && muted.is_over(&mutes, at(80)));
    assert!(muted.is_over(&mutes[..1], at(1)), "what is not among the mutes mutes nothing");
    let recurring = Muted { by: None, ..muted };
    assert!(!recurring.is_over(&[], at(79)) && recurring.is_over(&[], at(80)));
}

fn signal(state: State, second: i64) -> Signal {
    serde_json::from_value(json!({
        "source": "aws.cloudwatch", "detail_type": null, "kind": "alarm", "state": state, "account": null, "region": null,
        "time": at(second), "onset": null, "resources": [], "title": "t", "reason": null, "link": null,
        "fingerprint": "f", "signal_id": format!("s{second}"), "drill": false, "event": null,
    }))
    .unwrap()
}

fn muted() -> Muted {
    Muted { mute: "m".into(), by: Some("ana".into()), reason: "r".into(), until: at(600) }
}

/// What the table knows after a firing at second 0 was muted.
fn after_a_mute() -> Known {
    let fingerprint = FingerprintState { state: State::Firing, time: at(0), incident: None };
    let before = KnownSignal { muted: Some(muted()), ..KnownSignal::default() };
    Known { signal: Some(before), fingerprint: Some(fingerprint), ..Known::default() }
}

#[test]
fn a_mute_stops_what_would_open_and_nothing_else() {
    let muted_now = Known { muted: Some(muted()), ..Known::default() };
    let firing = signal(State::Firing, 0);
    assert_eq!(decide(&firing, &muted_now), Action::Mute { muted: muted(), recorded: false });
    let pointer = |status| OpenPointer {
        incident_id: "inc".into(),
        opening: 1,
        status,
        reopen_until: Some(at(60)).filter(|_| status == Status::Resolved),
        openings: vec![],
    };
    for status in Status::ALL {
        let known = Known { pointer: Some(pointer(status)), ..muted_now.clone() };
        let joins = matches!(decide(&firing, &known), Action::Join { .. });
        assert_eq!(joins, status.holds_group_key(), "{status}");
    }
    let elsewhere = Known { fires_in: Some(("other".into(), 1)), ..muted_now.clone() };
    assert!(matches!(decide(&firing, &elsewhere), Action::Join { .. }));
    // A recovery passes through.
    let fires = FingerprintState { state: State::Firing, time: at(0), incident: Some(("inc".into(), 1)) };
    let known = Known { fingerprint: Some(fires), ..muted_now.clone() };
    assert!(matches!(decide(&signal(State::Recovered, 5), &known), Action::Recover { .. }));
    // What is older than the last known state changes nothing, muted or not.
    let recovered = FingerprintState { state: State::Recovered, time: at(5), incident: None };
    let known = Known { fingerprint: Some(recovered), ..muted_now };
    assert!(matches!(decide(&firing, &known), Action::Ignore { newest: false, .. }));
}

#[test]
fn what_was_muted_opens_once_the_mute_is_over_and_only_while_it_fires() {
    let firing = signal(State::Firing, 0);
    assert_eq!(decide(&firing, &after_a_mute()), Action::Open);
    let still = Known { muted: Some(muted()), ..after_a_mute() };
    assert_eq!(decide(&firing, &still), Action::Mute { muted: muted(), recorded: true });
    let longer = Muted { mute: "n".into(), until: at(900), ..muted() };
    let known = Known { muted: Some(longer.clone()), ..after_a_mute() };
    assert_eq!(decide(&firing, &known), Action::Mute { muted: longer, recorded: false });

    let open = OpenPointer {
        incident_id: "inc".into(),
        opening: 1,
        status: Status::Open,
        reopen_until: None,
        openings: vec![],
    };
    let known = Known { pointer: Some(open), ..after_a_mute() };
    assert!(matches!(decide(&firing, &known), Action::Join { .. }), "another of its group fires by now");

    for (state, second, incident) in
        [(State::Recovered, 5, None), (State::Firing, 9, None), (State::Firing, 0, Some(("inc".to_owned(), 1)))]
    {
        let fingerprint = Some(FingerprintState { state, time: at(second), incident });
        let known = Known { fingerprint, ..after_a_mute() };
        assert_eq!(decide(&firing, &known), Action::Repeat { incident: None }, "{known:?}");
    }
    // Dropped, or opened in between.
    for incident in [None, Some(("inc".to_owned(), 1))] {
        let before = KnownSignal { incident: incident.clone(), ..KnownSignal::default() };
        let known = Known { signal: Some(before), ..after_a_mute() };
        assert_eq!(decide(&firing, &known), Action::Repeat { incident });
    }
}

#[test]
fn a_recovery_of_what_was_muted_says_so_and_is_the_newest() {
    let known = Known { signal: None, ..after_a_mute() };
    let Action::Ignore { reason, newest: true } = decide(&signal(State::Recovered, 5), &known) else { panic!() };
    assert_eq!(reason, "it recovers, and what fired was kept quiet");
}

#[test]
fn people_read_who_muted_it_and_until_when() {
    assert_eq!(muted().to_string(), "muted until 2025-11-23 14:10:00 UTC by ana, as m: r");
    let recurring = Muted { mute: "nightly".into(), by: None, ..muted() };
    assert_eq!(recurring.to_string(), "muted until 2025-11-23 14:10:00 UTC, as nightly in mutes.yaml says: r");
}

/// What the table has of one failing thing, in a group of its own.
#[derive(Default)]
struct Table {
    signals: BTreeMap<String, (Signal, KnownSignal)>,
    fingerprint: Option<FingerprintState>,
    is_open: bool,
}

impl Table {
    fn take(&mut self, signal: &Signal, muted: Option<Muted>) -> Action {
        let of = |status| OpenPointer {
            incident_id: "inc".into(),
            opening: 1,
            status,
            reopen_until: None,
            openings: vec![],
        };
        let before = self.signals.get(&signal.signal_id).map(|(_, known)| known.clone());
        let (fingerprint, pointer) = (self.fingerprint.clone(), self.is_open.then(|| of(Status::Open)));
        let action = decide(signal, &Known { signal: before, fingerprint, pointer, muted, ..Known::default() });
        let (incident, muted, newest) = match &action {
            Action::Repeat { .. } | Action::Mute { recorded: true, .. } => return action,
            Action::Mute { muted, .. } => (None, Some(muted.clone()), true),
            Action::Ignore { newest, .. } => (None, None, *newest),
            _ => (Some(("inc".to_owned(), 1)), None, true),
        };
        if newest {
            let state = FingerprintState { state: signal.state, time: signal.time, incident: incident.clone() };
            self.fingerprint = Some(state);
        }
        self.is_open = (self.is_open || incident.is_some()) && !matches!(action, Action::Recover { .. });
        self.signals.insert(signal.signal_id.clone(), (signal.clone(), KnownSignal { incident, muted, storm: None }));
        action
    }

    /// What `sweep` hands over once the mute is over.
    fn waiting(&self) -> Vec<Signal> {
        let waits = |known: &KnownSignal| known.muted.is_some();
        let still = |signal: &Signal| self.fingerprint.as_ref().is_none_or(|last| fires_still(signal, last));
        let all = self.signals.values().filter(|(signal, known)| waits(known) && still(signal));
        all.map(|(signal, _)| signal.clone()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes in whatever order, twice or not, muted or not: nothing opens under a mute, and once it is over and
    /// what waits was handed over, everything that fires belongs to an incident.
    #[test]
    fn no_firing_is_forgotten(
        events in prop::collection::vec((0_i64..12, any::<bool>()), 1..24),
        (from, long, sweeps) in (0_usize..24, 0_usize..24, 1_usize..4),
    ) {
        let mut table = Table::default();
        for (n, (second, fires)) in events.iter().enumerate() {
            let state = if *fires { State::Firing } else { State::Recovered };
            let signal = Signal { signal_id: format!("{second}-{fires}"), ..signal(state, *second) };
            let is_muted = (from..from + long).contains(&n);
            let action = table.take(&signal, is_muted.then(muted));
            prop_assert!(!(is_muted && action == Action::Open), "{signal:?}");
        }
        let last = table.fingerprint.clone();
        for _ in 0..sweeps {
            // Handed over twice, as queues do; and a sweep that comes later finds nothing more to do.
            for signal in table.waiting().into_iter().flat_map(|signal| [signal.clone(), signal]) {
                table.take(&signal, None);
            }
            prop_assert_eq!(table.waiting(), vec![]);
        }
        let (before, after) = (last.unwrap(), table.fingerprint.unwrap());
        prop_assert_eq!((before.state, before.time), (after.state, after.time));
        prop_assert!(after.state == State::Recovered || after.incident.is_some() && table.is_open, "{after:?}");
    }
}
