//! `cargo xtask faults`: a seeded history of incidents against a stack on which everything goes wrong, and what must hold
//! all the same.
//!
//! A seed decides what happens, when, through which door, and what goes wrong (`history`). A proxy makes calls of
//! functions fail and kills functions; what fails is delivered again. Then the faults end, the world settles, and the
//! invariants are judged (`judge`). What is shortened for it: the waits of the plans, and the time for which a queue
//! hides a message that failed.

mod customers;
mod history;
mod judge;
pub mod kills;
mod once_failed;
mod people;
mod plans;
mod play;
mod report;
mod stage;
mod wire;
mod world;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::json;

pub(crate) use self::stage::Stage;
use self::{
    customers::Customers,
    history::{History, MALFORMED},
    judge::{Verdict, judge},
    play::{Delivered, Play},
    world::{Bag, Incident, World},
};
pub use self::{once_failed::replay, report::Report};
use crate::{
    demo::{Operator, Receiver, TOKEN, scene},
    say::Progress,
    stack::{Options, Stack},
    workspace::Workspace,
};

/// Who signs what people do.
const OPERATOR: &str = "faults";

/// The contract of a page, from the service's return on.
const PAGE_WITHIN: Duration = Duration::from_secs(120);

/// By then everything has settled, or never will.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// How often the world is looked at while it settles.
const EVERY: Duration = Duration::from_secs(3);

/// The queues hide a message that failed for so long: longer than each function may take, and five tries fit into a run.
const VISIBILITY: [(&str, u32); 2] = [("SignalsQueue", 12), ("CommandsQueue", 35)];

/// Which run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What everything follows from; one is drawn where none is given.
    pub seed: Option<u64>,
    /// How many groups of alarms fire.
    pub incidents: usize,
}

/// Runs it on a stack of its own, and reports. An invariant that does not hold is in the report; fails only where the run
/// itself could not be made.
pub fn run(workspace: &Workspace, run: Run, progress: Progress) -> Result<Report> {
    let seed = run.seed.unwrap_or_else(|| fastrand::u64(0..1_000_000));
    let history = History::of(seed, run.incidents);
    let options = Options::private(workspace, "faults");
    fs::create_dir_all(&options.dir).with_context(|| format!("Failed to create {}", options.dir.display()))?;
    let dir = options.dir.clone();
    progress.note(format_args!("Seed {seed}, {} incidents; logs are in {}", run.incidents, dir.display()));
    let plans = plans::write(&history, &dir)?;
    let people = Receiver::start(TOKEN)?;
    let stack = scene::deploy(workspace, options, &plans, &people, progress)?;
    let report = on_stage(&history, &stack, &people, &dir, progress);
    let report = report.with_context(|| format!("The run with seed {seed} could not be made"))?;
    stack.stop()?;
    progress.note(report.table());
    Ok(report)
}

fn on_stage(history: &History, stack: &Stack, people: &Receiver, dir: &Path, progress: Progress) -> Result<Report> {
    let stage = Stage::start(stack)?;
    let operator = Operator::new(stack, OPERATOR);
    progress.step("services made, queues made quick", || {
        for (queue, seconds) in VISIBILITY {
            stage.ask("visibility", json!({"queue": stack.output(queue)?, "seconds": seconds}))?;
        }
        play::services(history, &stage, |resource, version, good| {
            let change = ["change", "record", "--resource", resource, "--version", version];
            operator.run(&[change.as_slice(), if good { &["--good"] } else { &[] }].concat()).map(drop)
        })
    })?;
    let (start, customers) = (this_second(), Customers::default());
    history.stories.iter().filter(|story| story.has_service).for_each(|story| customers.pay(&story.plan, 5));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| customers.pay_on(&stage, &stop));
        let answering = scope.spawn(|| people::answer(history, &operator, people, &stop));
        let ended = (|| -> Result<_> {
            let play = Play { history, stage: &stage, stack, start };
            let delivered = progress.step("history played, with faults", || play.play())?;
            let settling = Settling { history, stage: &stage, stack, people, start };
            let (world, settled) = progress.step("world settled, without faults", || settling.wait())?;
            Ok((delivered, world, settled))
        })();
        stop.store(true, Ordering::Relaxed);
        answering.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (delivered, mut world, settled) = ended?;
        // What there is to look at when an invariant did not hold.
        fs::write(dir.join("world.txt"), format!("{world:#?}"))?;
        fs::write(dir.join("table.json"), stage.ask("scan", json!({"table": stack.output("Table")?}))?.to_string())?;
        world.bags = progress.step("bags downloaded and verified", || bags(&operator, &world.incidents, dir))?;
        report(history, stack, &delivered, &world, settled, judge(history, start, &world))
    })
}

/// What is needed for waiting until all is well.
struct Settling<'a> {
    history: &'a History,
    stage: &'a Stage,
    stack: &'a Stack,
    people: &'a Receiver,
    start: Timestamp,
}

impl Settling<'_> {
    /// Looks until nothing is wrong any more, or for as long as it may take.
    fn wait(&self) -> Result<(World, Duration)> {
        let began = Instant::now();
        let mut in_time = None;
        loop {
            play::end_faults(&self.stack.proxy())?;
            let mut world = World::look(self.stage, self.stack, self.people, self.history)?;
            if began.elapsed() >= PAGE_WITHIN {
                let (messages, paged) = in_time.get_or_insert_with(|| (world.messages.len(), world.paged.clone()));
                (world.in_time, world.paged) = (*messages, paged.clone());
            }
            let verdicts = judge(self.history, self.start, &world);
            let elapsed = began.elapsed();
            if verdicts.iter().all(|verdict| verdict.violations.is_empty()) || elapsed > SETTLED_WITHIN {
                return Ok((world, elapsed));
            }
            thread::sleep(EVERY);
        }
    }
}

/// Downloads the bags of every incident by the command line, which judges them.
fn bags(operator: &Operator<'_>, incidents: &[Incident], dir: &Path) -> Result<Vec<Bag>> {
    let into = dir.join("evidence");
    if into.exists() {
        fs::remove_dir_all(&into).with_context(|| format!("Failed to empty {}", into.display()))?;
    }
    let into = into.to_str().context("The path of the checkout is not UTF-8")?;
    let with_bags = incidents.iter().filter(|incident| !incident.passes.is_empty());
    Ok(with_bags.map(|incident| bag(operator, incident, into)).collect())
}

fn bag(operator: &Operator<'_>, incident: &Incident, into: &str) -> Bag {
    let (sealed, incident) = (incident.passes.len(), incident.id.clone());
    // The error of a bag that does not verify has the verdicts, too.
    let (text, got) = match operator.run(&["evidence", "get", &incident, "--dir", into]) {
        Ok(got) => (String::new(), got),
        Err(error) => {
            let text = error.to_string();
            let object =
                text.find('{').and_then(|at| serde_json::Deserializer::from_str(&text[at..]).into_iter().next());
            let got = object.and_then(Result::ok).unwrap_or_default();
            (text, got)
        }
    };
    let verdicts = got["bags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let intact = verdicts.iter().filter(|bag| bag["intact"] == true).count();
    let problems = verdicts.iter().flat_map(|bag| bag["problems"].as_array().into_iter().flatten());
    let sentences: Vec<_> = problems.filter_map(|problem| problem["sentence"].as_str()).collect();
    let said = if sentences.is_empty() { text } else { sentences.join(" ") };
    Bag { incident, sealed, intact, said }
}

fn report(
    history: &History,
    stack: &Stack,
    delivered: &Delivered,
    world: &World,
    settled: Duration,
    invariants: Vec<Verdict>,
) -> Result<Report> {
    let log = stack.proxy().log()?;
    let (deliveries, redelivered) = delivered.counts();
    let mut mitigations: BTreeMap<String, usize> = BTreeMap::new();
    for mitigation in &world.mitigations {
        *mitigations.entry(mitigation.outcome.clone().unwrap_or_else(|| mitigation.progress.clone())).or_default() += 1;
    }
    let signals = world.letters.iter().filter(|(_, body)| !body.contains(MALFORMED));
    Ok(Report {
        v: 1,
        seed: history.seed,
        incidents: history.stories.len(),
        opened: world.incidents.len(),
        deliveries,
        redelivered,
        calls: log.calls.values().sum(),
        faults: log.faults,
        mitigations,
        dead_letters: signals.map(|(_, body)| body.chars().take(300).collect()).collect(),
        settled_s: settled.as_secs(),
        invariants,
    })
}

/// Now, as whole seconds: alarms tell their times so.
#[expect(clippy::disallowed_methods, reason = "a development tool has no step::now")]
fn this_second() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    Timestamp::from_second(since.cast_signed()).unwrap_or_default()
}
