//! Windows by the clock on the wall, across midnight and across the days on which the clocks are changed.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;

fn window(days: &[Day], from: &str, to: &str, zone: &str) -> Window {
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    Window { days: days.to_vec(), from, to, time_zone: zone.to_owned(), until: None }
}

fn zone(window: &Window) -> TimeZone {
    TimeZone::get(&window.time_zone).unwrap()
}

/// Until when it is muted at an instant: `None` where it is not.
#[track_caller]
fn check(window: &Window, now: &str, expect: Option<&str>) {
    let until = window.until(&zone(window), now.parse().unwrap());
    assert_eq!(until.map(|at| at.to_string()).as_deref(), expect, "{now}");
}

#[test]
fn a_window_of_the_day() {
    let nightly = window(&[Day::Sat, Day::Sun], "02:00", "04:00", "Europe/Berlin");
    check(&nightly, "2026-11-28T00:59:59Z", None); // Saturday, 01:59:59
    check(&nightly, "2026-11-28T01:00:00Z", Some("2026-11-28T03:00:00Z"));
    check(&nightly, "2026-11-28T02:59:59Z", Some("2026-11-28T03:00:00Z"));
    check(&nightly, "2026-11-28T03:00:00Z", None);
    check(&nightly, "2026-11-29T02:00:00Z", Some("2026-11-29T03:00:00Z"));
    check(&nightly, "2026-11-27T02:00:00Z", None); // Friday
}

#[test]
fn across_midnight_the_day_is_that_of_the_beginning() {
    let friday = window(&[Day::Fri], "22:00", "06:00", "Europe/Berlin");
    check(&friday, "2026-11-27T20:59:59Z", None);
    check(&friday, "2026-11-27T21:00:00Z", Some("2026-11-28T05:00:00Z"));
    check(&friday, "2026-11-28T04:59:59Z", Some("2026-11-28T05:00:00Z"));
    check(&friday, "2026-11-28T05:00:00Z", None);
    check(&friday, "2026-11-27T04:00:00Z", None); // Friday, 05:00: Thursday's has no window
    check(&friday, "2026-11-28T22:00:00Z", None);
}

#[test]
fn whole_days_that_follow_each_other_are_one() {
    let weekend = window(&[Day::Sat, Day::Sun], "00:00", "00:00", "UTC");
    check(&weekend, "2026-11-27T23:59:59Z", None);
    check(&weekend, "2026-11-28T00:00:00Z", Some("2026-11-30T00:00:00Z"));
    check(&weekend, "2026-11-29T23:59:59Z", Some("2026-11-30T00:00:00Z"));
    let last = Window { until: Some("2026-11-28".parse().unwrap()), ..weekend };
    check(&last, "2026-11-28T12:00:00Z", Some("2026-11-29T00:00:00Z"));
    check(&last, "2026-11-29T12:00:00Z", None);
}

/// 2026-03-29 in Berlin: from 02:00 the clocks show 03:00, at 01:00 UTC.
#[test]
fn what_the_clocks_leave_out_mutes_nothing() {
    let never = window(&[], "02:00", "03:00", "Europe/Berlin");
    for now in ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"] {
        check(&never, now, None);
    }
    let begins_in_it = window(&[], "02:30", "04:00", "Europe/Berlin");
    check(&begins_in_it, "2026-03-29T00:59:59Z", None);
    check(&begins_in_it, "2026-03-29T01:00:00Z", Some("2026-03-29T02:00:00Z")); // 03:00 to 04:00
    let ends_in_it = window(&[], "01:00", "02:30", "Europe/Berlin");
    check(&ends_in_it, "2026-03-29T00:30:00Z", Some("2026-03-29T01:00:00Z"));
    check(&ends_in_it, "2026-03-29T01:00:00Z", None);
    let across = window(&[], "01:00", "04:00", "Europe/Berlin");
    check(&across, "2026-03-29T00:00:00Z", Some("2026-03-29T02:00:00Z"));
}

/// 2026-10-25 in Berlin: after 02:59:59 the clocks show 02:00 again, at 01:00 UTC.
#[test]
fn what_the_clocks_show_twice_is_muted_twice() {
    let twice = window(&[], "02:00", "03:00", "Europe/Berlin");
    check(&twice, "2026-10-24T23:59:59Z", None);
    check(&twice, "2026-10-25T00:00:00Z", Some("2026-10-25T02:00:00Z"));
    check(&twice, "2026-10-25T01:59:59Z", Some("2026-10-25T02:00:00Z"));
    check(&twice, "2026-10-25T02:00:00Z", None);
    let with_a_break = window(&[], "01:00", "02:30", "Europe/Berlin");
    check(&with_a_break, "2026-10-24T23:30:00Z", Some("2026-10-25T00:30:00Z"));
    check(&with_a_break, "2026-10-25T00:45:00Z", None);
    check(&with_a_break, "2026-10-25T01:10:00Z", Some("2026-10-25T01:30:00Z"));
}

fn any_window() -> impl Strategy<Value = Window> {
    let zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"];
    let days = prop::sample::subsequence(vec![Day::Mon, Day::Wed, Day::Thu, Day::Sat, Day::Sun], 0..=5);
    let clock = |minutes: i64| Time::midnight().wrapping_add(SignedDuration::from_mins(minutes));
    (days, 0..1_440_i64, 0..1_440_i64, prop::sample::select(zones.to_vec())).prop_map(move |(days, from, to, zone)| {
        Window { days, from: clock(from), to: clock(to), time_zone: zone.to_owned(), until: None }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the clocks do: it is muted until the end that is said, at every instant before, and not at that instant.
    #[test]
    fn it_is_muted_until_the_end_that_is_said(window in any_window(), second in 1_767_225_600..1_830_297_600_i64, step in 61..5_000_i64) {
        let zone = zone(&window);
        let now = Timestamp::from_second(second).unwrap();
        let shows = |at: Timestamp| window.shows(zone.to_datetime(at));
        match window.until(&zone, now) {
            None => prop_assert!(!shows(now)),
            Some(until) => {
                prop_assert!(shows(now) && now < until);
                // Every day from midnight to midnight never ends: then it is only said that it lasts.
                let for_ever = window.days.is_empty() && window.from == window.to;
                prop_assert!(for_ever || !shows(until), "{until}");
                let mut at = now;
                while at < until {
                    prop_assert!(shows(at), "{at} is before {until}");
                    at += SignedDuration::from_secs(step);
                }
            }
        }
    }
}
