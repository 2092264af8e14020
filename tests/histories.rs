//! Properties of triage over histories that a seed decides: two alarms of one group, whose states are delivered late, in any
//! order, more than once, several at the same time, or never, against the emulator's DynamoDB.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use blackbox::{PAGE_WITHIN, World, events::Alarm, look::Told, read};
use fastrand::Rng;
use futures_util::future::try_join_all;
use incident::Status;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// So many histories, each of a group of its own.
const HISTORIES: u64 = 10;

/// At most so many deliveries at the same time.
const AT_ONCE: usize = 4;

/// A delivery that fails is made again, as every door does; each of these has to be taken in the end.
const TRIES: u32 = 5;

/// One state that an alarm came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Transition {
    alarm: usize,
    state: &'static str,
    /// In seconds after the start.
    second: i64,
}

/// What happens to a group: everything that is delivered, in order, in handfuls at once.
#[derive(Debug, Clone)]
struct History {
    handfuls: Vec<Vec<Transition>>,
    /// Where a drill of the first alarm comes in between.
    drill_before: Option<usize>,
}

impl History {
    fn of(rng: &mut Rng) -> Self {
        let mut deliveries = Vec::new();
        for alarm in 0..2 {
            for transition in life(rng, alarm) {
                // A recovery may be lost; what fires is delivered at least once, or nobody could know of it.
                let least = if transition.state == "OK" { 0 } else { 1 };
                deliveries.extend(vec![transition; rng.usize(least..=3)]);
            }
        }
        match rng.u8(0..3) {
            0 => rng.shuffle(&mut deliveries),
            // Nearly in order: neighbours change places.
            1 => {
                deliveries.sort_by_key(|transition| transition.second);
                (1..deliveries.len()).filter(|_| rng.bool()).for_each(|n| deliveries.swap(n - 1, n));
            }
            _ => deliveries.sort_by_key(|transition| transition.second),
        }
        let mut handfuls = Vec::new();
        while !deliveries.is_empty() {
            let rest = deliveries.split_off(rng.usize(1..=AT_ONCE).min(deliveries.len()));
            handfuls.push(std::mem::replace(&mut deliveries, rest));
        }
        let drill_before = rng.bool().then(|| rng.usize(0..handfuls.len()));
        Self { handfuls, drill_before }
    }

    fn delivered(&self) -> impl Iterator<Item = &Transition> {
        self.handfuls.iter().flatten()
    }

    /// The alarms whose newest delivered state says that they fire, whatever came when.
    fn fires(&self) -> BTreeSet<usize> {
        let mut newest = BTreeMap::new();
        for transition in self.delivered().filter(|transition| transition.state != "INSUFFICIENT_DATA") {
            let known = newest.entry(transition.alarm).or_insert(transition);
            if transition.second > known.second {
                *known = transition;
            }
        }
        newest.into_iter().filter(|(_, transition)| transition.state == "ALARM").map(|(alarm, _)| alarm).collect()
    }

    /// A firing opens an incident where it is the newest state of its alarm. Of those that come at once any may be the first:
    /// one that is newer than all before may open it, and one that is newer than its neighbours too must.
    fn opens(&self) -> Opens {
        let mut newest = [i64::MIN; 2];
        let (mut may, mut must) = (false, false);
        for handful in &self.handfuls {
            let before = newest;
            for transition in handful.iter().filter(|transition| transition.state != "INSUFFICIENT_DATA") {
                newest[transition.alarm] = newest[transition.alarm].max(transition.second);
            }
            for transition in handful.iter().filter(|transition| transition.state == "ALARM") {
                may |= transition.second > before[transition.alarm];
                must |= transition.second > before[transition.alarm] && transition.second == newest[transition.alarm];
            }
        }
        match (may, must) {
            (_, true) => Opens::Always,
            (true, false) => Opens::Perhaps,
            (false, false) => Opens::Never,
        }
    }
}

/// What a history says of whether an incident opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opens {
    Never,
    /// It depends on which of those that come at once is first.
    Perhaps,
    Always,
}

/// What one alarm goes through: it fires and clears, and sometimes has too few data to say.
fn life(rng: &mut Rng, alarm: usize) -> Vec<Transition> {
    let mut second = rng.i64(0..5);
    let mut states = Vec::new();
    for _ in 0..rng.usize(1..=3) {
        for state in ["ALARM", "INSUFFICIENT_DATA", "OK"] {
            if state != "INSUFFICIENT_DATA" || rng.u8(0..4) == 0 {
                states.push(Transition { alarm, state, second });
                second += rng.i64(1..20);
            }
        }
    }
    if rng.bool() {
        states.pop();
    }
    states
}

#[tokio::test]
async fn whatever_comes_in_whatever_order_the_group_has_one_incident_that_is_right() -> Result<()> {
    let world = World::get()?;
    let seed = step::Env::read().find("TOURNIQUET_SEED").map(|seed| seed.parse()).transpose()?;
    let seed = seed.unwrap_or_else(|| fastrand::u64(0..1_000_000));
    for nth in 0..HISTORIES {
        let history = History::of(&mut Rng::with_seed(seed.wrapping_add(nth)));
        let played = play(&world, &history).await;
        played.with_context(|| format!("history {nth} of TOURNIQUET_SEED={seed}: {history:?}"))?;
    }
    Ok(())
}

async fn play(world: &World, history: &History) -> Result<()> {
    let first = Alarm::of_its_own("histories");
    let alarms = [first.clone(), first.sister("two")];
    let start = step::now() - SignedDuration::from_mins(5);
    let at = |second: i64| start + SignedDuration::from_secs(second);
    let event = |transition: &Transition| alarms[transition.alarm].event(transition.state, at(transition.second));
    for (nth, handful) in history.handfuls.iter().enumerate() {
        if history.drill_before == Some(nth) {
            drill(world, &first, at(500)).await?;
        }
        let events: Vec<_> = handful.iter().map(event).collect();
        try_join_all(events.iter().map(|event| deliver(world, event))).await?;
    }

    let incidents = real(world, &first.name).await?;
    let expect = match history.opens() {
        Opens::Never => 0..=0,
        Opens::Perhaps => 0..=1,
        Opens::Always => 1..=1,
    };
    ensure!(expect.contains(&incidents.len()), "{:?} and {incidents:?}", history.opens());
    let fires: BTreeSet<_> = history.fires().into_iter().map(|alarm| alarms[alarm].arn()).collect();
    let [id] = incidents.as_slice() else { return quiet(world, &first.name) };
    let incident = world.store.load(id).await?;
    assert_eq!((incident.status, &incident.firing), (Status::Open, &fires), "one clears and another fires: open");
    ensure!(incident.clear_since.is_some() || !fires.is_empty(), "nothing fires, and nothing says since when");

    // Everything was recorded once: once more, each changes nothing.
    for transition in history.delivered() {
        let taken = deliver(world, &event(transition)).await?;
        ensure!(taken["reason"] == "it came before", "{transition:?}: {taken}");
    }
    assert_eq!(world.store.load(id).await?.firing, fires);
    assert_eq!(real(world, &first.name).await?, incidents);
    let paged = async || Ok(Some(world.paged(id, 1)?).filter(|told| told.topic > 0 && told.slack > 0));
    assert_eq!(world.until(&format!("page of {id}"), PAGE_WITHIN, paged).await?, Told::ONCE);
    clear(world, &alarms).await
}

/// What fires to the end is cleared, so that it burdens no other test for long.
async fn clear(world: &World, alarms: &[Alarm]) -> Result<()> {
    for alarm in alarms {
        deliver(world, &alarm.event("OK", step::now())).await?;
    }
    Ok(())
}

/// Delivers until it is taken: what became of it.
async fn deliver(world: &World, event: &Value) -> Result<Value> {
    let mut failed = None;
    for _ in 0..TRIES {
        match world.take(event).await {
            Ok(taken) => return Ok(taken),
            Err(error) => failed = Some(error),
        }
    }
    bail!("not taken in {TRIES} deliveries: {failed:?}")
}

/// A drill of the same alarm is an incident of its own, and leaves the real one alone.
async fn drill(world: &World, alarm: &Alarm, at: Timestamp) -> Result<()> {
    let mut event = alarm.forwarded("ALARM", at);
    event["source"] = "tourniquet.drill".into();
    let taken = deliver(world, &event).await?;
    ensure!(taken["outcome"] == "incident" && read(&event)?.drill, "{taken}");
    let id = taken["incident_id"].as_str().context("no incident")?;
    ensure!(world.store.load(id).await?.opened.drill, "{id}");
    let mut over = alarm.forwarded("OK", at + SignedDuration::from_secs(1));
    over["source"] = "tourniquet.drill".into();
    deliver(world, &over).await.map(drop)
}

/// The incidents of a group that are no drill.
async fn real(world: &World, alarm: &str) -> Result<Vec<String>> {
    let mut real = Vec::new();
    for id in world.incidents_of(alarm).await? {
        if !world.store.load(&id).await?.opened.drill {
            real.push(id);
        }
    }
    Ok(real)
}

/// Of what is older than a recovery nobody hears; of a drill of it people may.
fn quiet(world: &World, alarm: &str) -> Result<()> {
    let told = world.words_about(alarm)?;
    ensure!(told.iter().all(|words| words.contains("DRILL")), "{told:?}");
    Ok(())
}
