//! Plans made for real events, and those events changed: the plan that is chosen is the one that trying each chooses, and what
//! that costs is in proportion to the event. The same ones every time; others by `TOURNIQUET_FUZZ_SEED`, more by
//! `TOURNIQUET_FUZZ_RUNS`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what cannot be made or read is a failed test")]

#[path = "../../../signal/tests/fuzz/change.rs"]
mod change;
mod large;
mod made;
#[path = "../../../signal/tests/fuzz/work.rs"]
mod work;

use std::cmp::Reverse;
use std::hint::black_box;

use proptest::prelude::*;
use proptest::sample::Index;
use response_plan::{Pattern, Plans, ResponsePlan, catch_all};
use serde_json::{Value, json};
use signal::{Origin, Signal, read};

use change::{Changes, LARGEST, changes};
use large::{greedy, large, pairs, wanted};
use made::{Made, load, made};
use work::{TIMES, allocated, alone, in_proportion, play};

/// For each byte of an event so many may be allocated while its plan is found: its values are gone through by their paths, and
/// its texts folded, once for each field that plans are found by. It is twice the most that was seen.
const BYTES_PER_BYTE: usize = 75;

/// And so many however short it is: the plan that is chosen is read.
const BYTES: usize = 40 << 10;

/// The signals that the fixtures of all sources give.
fn signals() -> Vec<Signal> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../signal/fixtures")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let origin = Origin { own_account: Some("444455556666"), hubs: &[] };
    files.iter().flat_map(|path| read(&std::fs::read(path).unwrap(), &origin)).flatten().collect()
}

/// What a plan that has a pattern, and accounts, is ordered by: the first that matches is taken.
type Order<'p> = (Reverse<(usize, usize, usize)>, &'p str);

/// The plan that trying each chooses.
fn tried<'p>(plans: &'p [ResponsePlan], patterns: &[Pattern], signal: &Signal) -> Option<&'p str> {
    let order = |(plan, pattern): (&'p ResponsePlan, &Pattern)| -> Option<Order<'p>> {
        let accounts = &plan.accounts;
        let ours = accounts.is_empty() || signal.account.as_ref().is_some_and(|own| accounts.contains(own));
        let (of, more) = (pattern.specificity(), usize::from(!accounts.is_empty()));
        let narrow = Reverse((of.fields + more, of.exact + more, of.characters));
        (ours && pattern.matches(&signal.event)).then_some((narrow, plan.plan.as_str()))
    };
    plans.iter().zip(patterns).filter_map(order).min().map(|(_, name)| name)
}

/// Whether no more was allocated than finding the plan of the signal may take.
fn in_bounds(signal: &Signal, allocated: usize) -> Result<(), TestCaseError> {
    let size = signal.event.to_string().len();
    prop_assert!(allocated <= size * BYTES_PER_BYTE + BYTES, "{allocated} bytes are allocated for {size}");
    Ok(())
}

fn check(plans: &[ResponsePlan], patterns: &[Pattern], loaded: &Plans, signal: &Signal) -> Result<(), TestCaseError> {
    let (resolution, allocated) = allocated(|| loaded.resolve(signal));
    let chosen = resolution.matched.then_some(resolution.plan.plan.plan.as_str());
    prop_assert_eq!(chosen, tried(plans, patterns, signal), "by {}", signal.event);
    in_bounds(signal, allocated)
}

#[test]
fn whatever_the_event_is_the_plan_is_the_one_that_trying_each_finds() {
    let _alone = alone();
    let signals = signals();
    assert!(signals.len() > 100, "only {} signals", signals.len());
    let case = (prop::collection::vec(made(), 1..12), any::<Index>(), changes());
    play(1_000, &case, |(made, which, changes): (Vec<Made>, Index, Changes)| {
        let own = |made: &Made| &signals[made.signal.index(signals.len())];
        let plans: Vec<_> = made.iter().enumerate().map(|(number, made)| made.plan(own(made), number)).collect();
        let patterns: Vec<_> = plans.iter().map(|plan| Pattern::from_value(&plan.pattern).unwrap()).collect();
        let loaded = load(&plans);
        prop_assert_eq!(&loaded.disabled, &[]);
        for ((made, plan), pattern) in made.iter().zip(&plans).zip(&patterns) {
            prop_assert!(pattern.matches(&own(made).event), "{} on {}", plan.pattern, own(made).event);
            check(&plans, &patterns, &loaded, own(made))?;
        }
        let chosen = own(&made[which.index(made.len())]);
        let event = serde_json::from_slice(&changes.of(&chosen.event)).unwrap_or_default();
        check(&plans, &patterns, &loaded, &Signal { event, ..chosen.clone() })
    });
}

#[test]
fn whatever_a_pattern_is_it_is_refused_or_matched() {
    let _alone = alone();
    let signals = signals();
    let rows = include_str!("../../fixtures/event-patterns.json");
    let rows: Vec<Value> = serde_json::from_str(rows).unwrap();
    let patterns: Vec<Value> = rows.iter().map(|row| json!({"detail": row["pattern"]})).collect();
    play(2_000, &(prop::sample::select(patterns), changes(), any::<Index>()), |(pattern, changes, which)| {
        let Ok(pattern) = serde_json::from_slice(&changes.of(&pattern)) else { return Ok(()) };
        match Pattern::from_value(&pattern) {
            Ok(pattern) => {
                pattern.matches(&signals[which.index(signals.len())].event);
                prop_assert!(pattern.specificity().fields > 0);
            }
            Err(wrong) => prop_assert!(wrong.iter().all(|one| !one.message.is_empty() && !one.remedy.is_empty())),
        }
        Ok(())
    });
}

fn both<T>(of: impl Fn(usize) -> Vec<T>) -> impl Iterator<Item = (T, T)> {
    of(LARGEST / TIMES).into_iter().zip(of(LARGEST))
}

#[test]
fn the_greediest_patterns_cost_no_more_than_the_length_of_the_event() {
    let _alone = alone();
    let patterns = greedy();
    let events = |size| large(size).into_iter().map(|detail| json!({ "detail": detail })).collect();
    for (row, (small, large)) in both(events).enumerate() {
        for (n, pattern) in patterns.iter().enumerate() {
            in_proportion(|| _ = black_box(pattern.matches(&small)), || _ = black_box(pattern.matches(&large)))
                .unwrap_or_else(|why| panic!("pattern {n} on event {row}: {why}"));
        }
    }
}

#[test]
fn finding_the_plan_costs_no_more_than_the_length_of_the_event() {
    let _alone = alone();
    let of = catch_all("topic").plan;
    let plan = |n: usize| ResponsePlan {
        plan: format!("plan-{n}"),
        pattern: json!({"source": ["a"], "detail": {"x": [wanted(n)]}}),
        ..of.clone()
    };
    // Those that one field tells apart, and those that two do, one after the other.
    let pair = |n: usize| ResponsePlan {
        plan: format!("pair-{n}"),
        pattern: json!({"detail": {"x": [format!("x{}", n / 20)], "y": [{"prefix": format!("y{}-", n % 20)}]}}),
        ..of.clone()
    };
    let loaded = load(&(1..150).map(plan).chain((0..400).map(pair)).collect::<Vec<_>>());
    assert_eq!(loaded.disabled, []);
    let signal = signals().remove(0);
    let signals = |size| {
        let of = |detail| Signal { event: json!({"source": "a", "detail": detail}), ..signal.clone() };
        large(size).into_iter().chain(pairs(size)).map(of).collect()
    };
    for (row, (small, large)) in both(signals).enumerate() {
        in_bounds(&large, allocated(|| drop(loaded.resolve(&large))).1)
            .unwrap_or_else(|why| panic!("event {row}: {why}"));
        in_proportion(|| drop(loaded.resolve(&small)), || drop(loaded.resolve(&large)))
            .unwrap_or_else(|why| panic!("event {row}: {why}"));
    }
}
