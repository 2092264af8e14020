//! What it costs to do something: the bytes that it asks the allocator for, and the time that it takes.

use std::alloc::System;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The allocator counts for all threads, and so one test goes on at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The tests of this program wait for each other while they hold it.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What it answers, and all the bytes that it allocated meanwhile, kept or not: it held no more at any time.
pub(crate) fn allocated<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let region = Region::new(ALLOCATOR);
    let answer = work();
    (answer, region.change().bytes_allocated)
}

/// So many times the small input is the large one.
pub(crate) const TIMES: usize = 16;

/// So much is fast enough, however the small input does.
const FAST: Duration = Duration::from_millis(50);

/// The processor time of this thread, where the system tells it: what else the machine does does not count.
fn now() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let own = stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok());
    own.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The bytes and the time that so many turns of it need.
fn cost(work: &dyn Fn(), turns: usize) -> (usize, Duration) {
    let begun = now();
    let ((), bytes) = allocated(|| (0..turns).for_each(|_| work()));
    (bytes, now().saturating_sub(begun))
}

/// Whether the work with an input that is `TIMES` as large allocates, and takes, about as much as so many turns with the small
/// one. What grows with the square would take 16 times as much; four times is allowed, of the fastest of several turns.
pub(crate) fn in_proportion(small: impl Fn(), large: impl Fn()) -> Result<(), String> {
    let ((few, _), (many, took)) = (cost(&small, TIMES), cost(&large, 1));
    if many > few * 3 / 2 + (64 << 10) {
        return Err(format!("{few} bytes are allocated by {TIMES} small inputs, and {many} by one as large as all"));
    }
    if took <= FAST {
        return Ok(());
    }
    let fastest = |work: &dyn Fn(), turns| (0..3).map(|_| cost(work, turns).1).min().unwrap_or_default();
    let (few, many) = (fastest(&small, TIMES), fastest(&large, 1));
    let slow = many > FAST.max(few * 4);
    if slow { Err(format!("{TIMES} small inputs take {few:?}, and one as large as all {many:?}")) } else { Ok(()) }
}

/// Plays cases, the same ones every time: as many as `TOURNIQUET_FUZZ_RUNS` says (`runs` where it says nothing), from the seed
/// `TOURNIQUET_FUZZ_SEED` (1). The panic names the seed and the smallest case that was found to fail.
#[expect(clippy::disallowed_methods, reason = "a test has no step::Env")]
pub(crate) fn play<S: Strategy>(runs: u32, cases: &S, judge: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let seed = number("TOURNIQUET_FUZZ_SEED").unwrap_or(1);
    let runs = number("TOURNIQUET_FUZZ_RUNS").map_or(runs, |runs| u32::try_from(runs).expect("so many runs"));
    let config = Config {
        cases: runs,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    match TestRunner::new(config).run(cases, judge) {
        Ok(()) => {}
        Err(TestError::Abort(why)) => panic!("{why}"),
        Err(TestError::Fail(why, case)) => {
            panic!("{why}\nby TOURNIQUET_FUZZ_SEED={seed} TOURNIQUET_FUZZ_RUNS={runs}, and smallest by\n{case:?}")
        }
    }
}
