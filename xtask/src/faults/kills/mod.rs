//! `cargo xtask faults --kills`: triage, every task of the state machines, `command` and `sweep` are killed after every
//! single write, in turn.
//!
//! Undisturbed incidents go each of the ways in which an incident can go (`story`), while the proxy writes down what
//! functions write. Each different write is then the end of the function that makes it, in an incident of its own that
//! goes the same way (`walk`), and which has to end as if nothing had happened (`judge`). A write that is not met is as bad
//! as one after which things go wrong.

mod act;
mod judge;
mod look;
mod report;
mod story;
mod walk;
mod writes;

use std::{
    fs,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

pub use self::report::Report;
use self::{
    judge::{Ended, judge},
    report::Killed,
    story::Story,
    walk::Walk,
    writes::{Seen, Target, targets},
};
use super::{VISIBILITY, bag, customers::Customers, plans, stage::Stage, world::World};
use crate::{
    demo::{Operator, Receiver, TOKEN, scene},
    say::Progress,
    stack::{Options, Stack},
    workspace::Workspace,
};

/// Plans are compiled before it is known how many writes there are.
const PLANS: usize = 300;

/// What incidents happen on.
struct Ground<'a> {
    stage: &'a Stage,
    stack: &'a Stack,
    people: &'a Receiver,
    operator: &'a Operator<'a>,
    customers: &'a Customers,
    /// The folder of downloaded bags.
    evidence: &'a str,
}

/// An incident to be played.
struct Part<'a> {
    name: String,
    story: Story,
    kill: Option<&'a Target>,
}

/// What came of one.
struct Played {
    seen: Seen,
    wrong: Vec<String>,
    took: Duration,
}

/// Runs it on a stack of its own, with so many incidents side by side, and reports. Where `only` has texts, functions are
/// killed after those writes alone whose names have one of them. What does not hold is in the report; fails only where the
/// run itself could not be made.
pub fn run(workspace: &Workspace, at_once: usize, only: &[String], progress: Progress) -> Result<Report> {
    let began = Instant::now();
    let options = Options::private(workspace, "kills");
    let dir = options.dir.clone();
    fs::create_dir_all(&dir).with_context(|| format!("Failed to create {}", dir.display()))?;
    progress.note(format_args!("Logs are in {}", dir.display()));
    let names: Vec<String> = (0..PLANS).map(name).collect();
    let plans = plans::write_services(&names, &dir)?;
    let people = Receiver::start(TOKEN)?;
    let stack = scene::deploy(workspace, options, &plans, &people, progress)?;
    let stage = Stage::start(&stack)?;
    for (queue, seconds) in VISIBILITY {
        stage.ask("visibility", json!({"queue": stack.output(queue)?, "seconds": seconds}))?;
    }
    let evidence = dir.join("evidence");
    if evidence.exists() {
        fs::remove_dir_all(&evidence).with_context(|| format!("Failed to empty {}", evidence.display()))?;
    }
    let (operator, customers) = (Operator::new(&stack, super::OPERATOR), Customers::default());
    let evidence = evidence.to_str().context("The path of the checkout is not UTF-8")?;
    let ground =
        Ground { stage: &stage, stack: &stack, people: &people, operator: &operator, customers: &customers, evidence };
    let stop = AtomicBool::new(false);
    let report = thread::scope(|scope| {
        scope.spawn(|| customers.pay_on(&stage, &stop));
        let report = on_ground(&ground, at_once, only, progress);
        stop.store(true, Ordering::Relaxed);
        report
    });
    let report = Report { seconds: began.elapsed().as_secs(), ..report? };
    fs::write(dir.join("report.json"), serde_json::to_string_pretty(&report)?)?;
    stack.stop()?;
    progress.note(report.table());
    Ok(report)
}

fn on_ground(ground: &Ground<'_>, at_once: usize, only: &[String], progress: Progress) -> Result<Report> {
    let proxy = ground.stack.proxy();
    let undisturbed: Vec<_> =
        Story::ALL.into_iter().enumerate().map(|(n, story)| Part { name: name(n), story, kill: None }).collect();
    proxy.record()?;
    let seen = progress
        .step("incidents of each kind walked undisturbed", || Ok(play_all(ground, &undisturbed, at_once, progress)))?;
    let written = proxy.recorded()?;
    let mut wrong: Vec<String> = seen
        .iter()
        .zip(&undisturbed)
        .flat_map(|(played, part)| {
            played
                .wrong
                .iter()
                .map(|sentence| format!("undisturbed, {} ({}): {sentence}", part.story.word(), part.name))
        })
        .collect();
    let incidents: Vec<Seen> = seen.into_iter().map(|played| played.seen).collect();
    let (mut targets, of_nobody) = targets(&written, &incidents);
    targets.retain(|target| only.is_empty() || only.iter().any(|text| target.write.contains(text)));
    wrong.extend(of_nobody.into_iter().map(|write| format!("a write belongs to no incident: {write}")));
    let (first, last) = (Story::ALL.len(), Story::ALL.len() + targets.len());
    if last > PLANS {
        bail!("There are {} writes, and plans for {PLANS} incidents: raise PLANS", targets.len());
    }
    // Where the undisturbed ones go wrong already, a kill says nothing.
    let parts: Vec<_> = if wrong.is_empty() {
        targets
            .iter()
            .zip(first..)
            .map(|(target, n)| Part { name: name(n), story: target.story, kill: Some(target) })
            .collect()
    } else {
        Vec::new()
    };
    progress.note(format_args!("{} different writes are to be killed after", targets.len()));
    let played =
        progress.step("functions killed after each write", || Ok(play_all(ground, &parts, at_once, progress)))?;
    wrong.extend(one_incident_each(ground, undisturbed.len() + parts.len())?);
    let killed = parts.iter().zip(targets.iter()).zip(played).map(|((part, target), played)| Killed {
        function: target.function.clone(),
        write: target.write.clone(),
        story: part.story.word(),
        name: part.name.clone(),
        wrong: played.wrong,
        seconds: played.took.as_secs(),
    });
    Ok(Report { v: 1, undisturbed: undisturbed.len(), wrong, killed: killed.collect(), seconds: 0 })
}

/// Plays incidents, so many side by side, and says what came of each as it ends.
fn play_all(ground: &Ground<'_>, parts: &[Part<'_>], at_once: usize, progress: Progress) -> Vec<Played> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let played: Mutex<Vec<Option<Played>>> = Mutex::new(parts.iter().map(|_| None).collect());
    thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            scope.spawn(|| {
                while let Some((n, part)) = {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    parts.get(n).map(|part| (n, part))
                } {
                    let one = play(ground, part);
                    let count = done.fetch_add(1, Ordering::Relaxed) + 1;
                    progress.note(line(count, parts.len(), part, &one));
                    lock(&played)[n] = Some(one);
                }
            });
        }
    });
    played.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

fn line(count: usize, all: usize, part: &Part<'_>, played: &Played) -> String {
    let word = if played.wrong.is_empty() { "held    " } else { "VIOLATED" };
    let what = part.kill.map_or_else(|| "undisturbed".to_owned(), |kill| format!("{} {}", kill.function, kill.write));
    let seconds = played.took.as_secs();
    let wrong: String = played.wrong.iter().map(|sentence| format!("\n            {sentence}")).collect();
    format!("{count:>4}/{all}  {seconds:>4} s  {word}  {}  {what}  ({}){wrong}", part.story.word(), part.name)
}

fn play(ground: &Ground<'_>, part: &Part<'_>) -> Played {
    let began = Instant::now();
    let mut walk = Walk::new(ground, part.story, &part.name, part.kill);
    let gone = walk.go();
    let ended = ended(ground, &walk);
    let mut wrong: Vec<String> = gone.err().map(|error| format!("{error:#}")).into_iter().collect();
    match ended {
        Ok(ended) => wrong.extend(judge(part.story, &ended)),
        Err(error) => wrong.push(format!("its end could not be seen: {error:#}")),
    }
    let mentions = walk.names().into_iter().chain(walk.tokens).collect();
    Played { seen: Seen { story: part.story, mentions }, wrong, took: began.elapsed() }
}

/// What there is at the end of an incident.
fn ended(ground: &Ground<'_>, walk: &Walk<'_>) -> Result<Ended> {
    let mut world = World::default();
    let items = walk.items()?;
    items.iter().for_each(|item| world.take(item));
    let incident = world.incidents.pop();
    let meta = walk.meta()?;
    let engagement = meta["engagement"]["N"].as_str().and_then(|n| n.parse().ok()).unwrap_or_default();
    let mut executions = Vec::new();
    if let Some(incident) = incident.as_ref().filter(|_| walk.story.end().is_closed) {
        let capture =
            [("CaptureEvidence", 1), ("CaptureEvidence", 2), ("Mitigate", 1), ("IncidentResponse", incident.run)];
        for (machine, n) in capture {
            let name = format!("{}-1-{n}", incident.id);
            let how: Value = walk.execution(machine, &name)?;
            executions.push((format!("{machine} {name}"), how.as_str().unwrap_or("missing").to_owned()));
        }
    }
    let path = format!("/functions/{}/aliases/", walk.name);
    let changes = ground.stack.proxy().log()?.changes;
    let moves =
        changes.iter().filter(|(call, _)| call.starts_with("lambda PUT") && call.contains(&path)).map(|(_, n)| n);
    Ok(Ended {
        paged: walk.paged,
        killed: walk.kill.map(|_| walk.was_killed()).transpose()?,
        engagement,
        mitigations: world.mitigations,
        alias: walk.alias()?,
        moves: moves.sum(),
        bag: incident.as_ref().map(|incident| bag(ground.operator, incident, ground.evidence)).unwrap_or_default(),
        incident,
        executions,
    })
}

/// Every alarm fires in one incident only, however often its signals came.
fn one_incident_each(ground: &Ground<'_>, played: usize) -> Result<Option<String>> {
    let mut world = World::default();
    let items = ground.stage.ask("scan", json!({"table": ground.stack.output("Table")?}))?;
    items.as_array().into_iter().flatten().for_each(|item| world.take(item));
    let opened = world.incidents.len();
    Ok((opened != played).then(|| format!("{played} alarms fired, and {opened} incidents were opened")))
}

/// What the stack lets be changed is named so.
fn name(n: usize) -> String {
    format!("checkout-kill-{n:03}")
}

/// What a panic elsewhere left behind is still whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
