use proptest::prelude::*;
use response_plan::{Span, catch_all};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn rule() -> StormRule {
    StormRule { owner: "platform".into(), more_than: 3, within: Span::seconds(300) }
}

fn storm() -> Storm {
    Storm::new(&rule(), ("inc-20270115-0123456789".into(), 1), at(0))
}

fn member(group: &str, second: i64, severity: Severity) -> StormMember {
    let mut plan = catch_all("topic");
    plan.plan.severity = severity;
    let signal = storm_signal(&storm_title(&rule()), &place(), State::Firing, at(second));
    StormMember::new(&storm(), &signal, &plan, group, at(second))
}

fn place() -> Place {
    Place { partition: "aws".into(), account: "111122223333".into(), region: "eu-west-1".into() }
}

#[test]
fn more_than_so_many_within_so_long_are_a_storm() {
    for (seconds, now, expect) in [
        (&[0, 1, 2][..], 3, false),
        (&[0, 1, 2, 3], 3, true),
        (&[0, 1, 2, 3], 299, true),
        (&[0, 1, 2, 3], 300, false),
        (&[0, 0, 0, 0], 0, true),
        (&[-300, 1, 2, 3], 3, false),
        (&[], 0, false),
    ] {
        assert_eq!(is_storm(&rule(), seconds.iter().copied().map(at), at(now)), expect, "{seconds:?} at {now}");
    }
    // A history may hold any time.
    let (first, last) = (Timestamp::MIN, Timestamp::MAX);
    assert!(is_storm(&rule(), [last; 4], last) && !is_storm(&rule(), [first; 4], last));
}

#[test]
fn it_is_calm_once_a_whole_time_brought_no_more() {
    let of = |times: &[(&str, i64)]| -> Vec<_> {
        times.iter().map(|(group, second)| member(group, *second, Severity::Sev3)).collect()
    };
    let few = of(&[("a", 0), ("b", 1), ("c", 2)]);
    for (now, expect) in [(0, false), (299, false), (300, true), (9_000, true)] {
        assert_eq!(storm().is_calm(&few, at(now)), expect, "at {now}");
    }
    let many = of(&[("a", 100), ("b", 101), ("c", 102), ("d", 103)]);
    for (now, expect) in [(300, false), (399, false), (400, true)] {
        assert_eq!(storm().is_calm(&many, at(now)), expect, "at {now}");
    }
    // What fires again in one group is no incident more.
    assert!(storm().is_calm(&of(&[("a", 100), ("a", 101), ("a", 102), ("b", 103)]), at(300)));
    // Nor does what flaps hold it on.
    let flaps = [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("d", 299), ("a", 299), ("b", 299), ("c", 299)];
    assert!(storm().is_calm(&of(&flaps), at(400)));
}

#[test]
fn members_are_counted_by_what_would_be_incidents() {
    let members = [member("a", 0, Severity::Sev3), member("b", 1, Severity::Sev1), member("a", 2, Severity::Sev1)];
    assert_eq!(groups(&members), 2);
    let (severity, first) = worst(&members).unwrap();
    assert_eq!((severity, first.received_at), (Severity::Sev1, at(1)));
    assert_eq!(worst(&[]), None);
}

#[test]
fn names_are_stable_and_fit() {
    let (storm, long) = (storm(), "x".repeat(64));
    assert_eq!(storm.id, "storm-20270115T080000Z");
    assert_eq!(storm.page_name("payments"), "storm-20270115T080000Z-payments");
    assert!(storm.page_name(&long).len() <= 80);
    let input: serde_json::Value = serde_json::from_str(&storm.page_input("payments")).unwrap();
    assert_eq!((&input["storm"], &input["owner"]), (&storm.id.clone().into(), &"payments".into()));
    let fires = storm_signal(&storm_title(&rule()), &place(), State::Firing, at(0));
    let clears = storm_signal(&storm_title(&rule()), &place(), State::Recovered, at(0));
    assert_eq!(fires.title, "Storm: more than 3 new incidents within 5m");
    assert_eq!(fires.fingerprint, "tourniquet.storm/aws/111122223333/eu-west-1/storm");
    assert_eq!(fires.fingerprint, clears.fingerprint);
    assert_ne!(fires.signal_id, clears.signal_id);
}

proptest! {
    /// The order in which openings are listed changes nothing, and one more never ends a storm.
    #[test]
    fn one_more_never_ends_a_storm(seconds in prop::collection::vec(0_i64..400, 0..12), more in 0_i64..400) {
        let before = is_storm(&rule(), seconds.iter().copied().map(at), at(400));
        let after = is_storm(&rule(), seconds.iter().rev().copied().chain([more]).map(at), at(400));
        prop_assert!(after || !before);
    }
}
