//! `cargo xtask cost`: what the suite costs, counted while the story of a bad deployment is told on a stack of its own.
//!
//! The proxy counts what functions ask for, the emulator DynamoDB's units and the functions' times, the histories of the
//! executions their transitions. That becomes `docs/cost-counted.json`, and with the price list and the template the part
//! of `docs/cost.md` between its marks.

mod counted;
mod histories;
mod idle;
mod incident;
mod page;
mod prices;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use serde_json::Value;

pub use self::{
    counted::Counted,
    page::{PAGE, figures, types},
    prices::Prices,
};
use self::{
    counted::{CLOUDWATCH, PUBLISH, Phase, SWEEP},
    page::placed,
};
use crate::{
    demo::{self, Stage, stories},
    say::Progress,
    stack::{Options, Stack},
    template::{self, write_whole},
    workspace::Workspace,
};

/// The story that is counted.
const STORY: &str = "bad-deployment";

/// How many runs of `sweep` are the idle minutes.
const SWEEPS: u64 = 2;

/// `sweep` runs every minute.
const MINUTE: Duration = Duration::from_secs(60);

/// Counts, on a stack of its own. Fails where the story does.
pub fn run(workspace: &Workspace, progress: Progress) -> Result<Counted> {
    let mut options = Options::private(workspace, "cost");
    let lines = options.dir.join("counted.ndjson");
    options.emulator.count_into = Some(lines.clone());
    fs::create_dir_all(&options.dir).with_context(|| format!("Failed to create {}", options.dir.display()))?;
    fs::write(&lines, "").with_context(|| format!("Failed to empty {}", lines.display()))?;
    let story = demo::Run::of(stories::find(STORY).map_err(anyhow::Error::msg)?, false)?;
    let mut counted = None;
    demo::run_on(workspace, options, story, progress, |stage| {
        let mut meter = Meter { stack: stage.stack, lines: &lines, read: 0 };
        let incident = incident(stage, &mut meter)?;
        let idle = progress.step("two idle minutes", || idle_minutes(&mut meter))?;
        counted = Some(Counted { v: 1, counted_on: today(), story: STORY.to_owned(), incident, idle });
        Ok(())
    })?;
    counted.context("Nothing was counted")
}

/// Writes the record, and the page with it. Fails by name on a call or a type of the template without a price; the record
/// is written then, and [`write_page`] goes on from it when the price is there.
pub fn write(workspace: &Workspace, counted: &Counted) -> Result<()> {
    counted.write(workspace.root())?;
    write_page(workspace)
}

/// Writes the figures of the page anew from the record, the price list and the template as they are.
pub fn write_page(workspace: &Workspace) -> Result<()> {
    let path = workspace.root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("Failed to read {PAGE}"))?;
    let counted = Counted::read(workspace.root())?;
    let figures = figures(&counted, &Prices::read()?, &template::read(workspace)?)?;
    write_whole(&path, placed(&page, &figures)?.as_bytes())
}

/// What the story made, from the start of the stack to the end of every execution.
fn incident(stage: &Stage<'_>, meter: &mut Meter<'_>) -> Result<Phase> {
    histories::ended(stage.stack)?;
    let mut phase = meter.take(|by| by != SWEEP)?;
    histories::add(stage.stack, &mut phase)?;
    signals(stage, &mut phase)?;
    phase.table_bytes = table_bytes(stage.stack)?;
    Ok(phase)
}

/// Adds what CloudWatch published: the messages of the alarm, which the topic of signals has one subscriber more for here.
///
/// The fallback topic is left out. Two of the suite's own alarms are sent there, and only here: the emulator counts the
/// errors of the broken service for functions that had none, where AWS keeps dimensions apart.
fn signals(stage: &Stage<'_>, phase: &mut Phase) -> Result<()> {
    let signals = stage.stack.output("SignalsTopic")?;
    let is_signal =
        |received: &demo::Received| matches!(received, demo::Received::Topic { topic, .. } if topic == signals);
    let times = stage.people.received().iter().filter(|received| is_signal(received)).count();
    phase.called(PUBLISH.to_owned(), CLOUDWATCH.to_owned(), u64::try_from(times)?);
    Ok(())
}

/// What the table holds.
fn table_bytes(stack: &Stack) -> Result<u64> {
    let described: Value = stack.aws().json(&["dynamodb", "describe-table", "--table-name", stack.output("Table")?])?;
    described["Table"]["TableSizeBytes"].as_u64().context("The table does not say how large it is")
}

/// The next runs of `sweep`, from the end of one to the end of another.
fn idle_minutes(meter: &mut Meter<'_>) -> Result<Phase> {
    meter.wait_for_sweeps(1)?;
    meter.take(|_| false)?;
    meter.wait_for_sweeps(SWEEPS)?;
    let phase = meter.take(|_| true)?;
    let others: Vec<_> = phase.invocations.keys().filter(|by| *by != SWEEP).collect();
    ensure!(others.is_empty(), "The minutes were not idle: {others:?} ran, too");
    Ok(phase)
}

/// Reads what was counted since it was last asked.
struct Meter<'a> {
    stack: &'a Stack,
    lines: &'a Path,
    read: usize,
}

impl Meter<'_> {
    fn take(&mut self, is_meant: impl Fn(&str) -> bool) -> Result<Phase> {
        let tallies = self.stack.proxy().tallies()?;
        let text = self.text()?;
        let lines = text[self.read..].lines().map(serde_json::from_str).collect::<Result<_, _>>();
        self.read = text.len();
        Phase::new(tallies, lines.context("The emulator counted something else than the tool knows")?, is_meant)
    }

    /// Waits until `sweep` has run so many times since what was last taken.
    fn wait_for_sweeps(&self, times: u64) -> Result<()> {
        let (began, patience) = (Instant::now(), MINUTE * u32::try_from(times + 1)?);
        while began.elapsed() < patience {
            let text = self.text()?;
            let lines = text[self.read..].lines();
            let runs = lines.filter(|line| line.contains(r#""invocation""#) && line.contains("-SweepFunction")).count();
            if u64::try_from(runs)? >= times {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        bail!("`sweep` did not run {times} times within {} s", patience.as_secs())
    }

    /// What the emulator has written, whole lines only.
    fn text(&self) -> Result<String> {
        let mut text =
            fs::read_to_string(self.lines).with_context(|| format!("Failed to read {}", self.lines.display()))?;
        text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        Ok(text)
    }
}

/// The day in UTC.
#[expect(clippy::disallowed_methods, reason = "a development tool has no step::now")]
fn today() -> String {
    Timestamp::now().strftime("%Y-%m-%d").to_string()
}
