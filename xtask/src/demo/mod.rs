//! `cargo xtask demo`: one incident walks the whole loop, on the shipped template and the real binaries.
//!
//! Each story is one file in `stories/`; the service that it breaks is a Python program in `services/`. What they share
//! is here: the stack with people at its ends, the incident as it happens, what a person does, and the report.

mod acts;
mod again;
mod evidence;
mod operator;
mod plans;
mod receiver;
mod report;
pub mod scene;
mod service;
pub mod stories;
mod telling;
mod watch;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use self::{
    evidence::Fetched,
    plans::Shortened,
    stories::{Story, WrongTarget},
    telling::Telling,
};
pub use self::{
    operator::Operator,
    receiver::{Received, Receiver, TOKEN, received_at},
    report::Report,
    service::Service,
};
use crate::{
    say::Progress,
    stack::{Options, Stack},
    workspace::Workspace,
};

/// Who sits at the command line.
const OPERATOR: &str = "dana";

/// What is told: a story, as it should go or with a plan that names the wrong target.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    story: &'static Story,
    wrong: bool,
}

impl Run {
    /// A story; with `wrong_target` its negative control. The error says which stories have none.
    pub fn of(story: &'static Story, wrong_target: bool) -> Result<Self> {
        if wrong_target && story.wrong_target.is_none() {
            bail!("`{}` is not about a change that helps, so it has no wrong target", story.name);
        }
        Ok(Self { story, wrong: wrong_target })
    }

    /// The name of its folders.
    fn name(self) -> String {
        format!("{}{}", self.story.name, if self.wrong { "-wrong-target" } else { "" })
    }

    fn wrong_target(self) -> Option<&'static WrongTarget> {
        self.story.wrong_target.as_ref().filter(|_| self.wrong)
    }
}

/// What there is to look at when a story is told and its stack still runs.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// Somebody with the command line.
    pub operator: &'a Operator<'a>,
    /// What people got.
    pub people: &'a Receiver,
    /// The folder of all bags that were downloaded.
    pub bags: &'a [PathBuf],
}

/// Tells a story on a stack of its own and reports. Fails when the loop does not end as the story says, with the last
/// that was seen.
pub fn run(workspace: &Workspace, run: Run, progress: Progress) -> Result<Report> {
    run_and_look(workspace, run, progress, |_| Ok(()))
}

/// The same, with a look at the stage before the stack ends.
pub fn run_and_look(
    workspace: &Workspace,
    run: Run,
    progress: Progress,
    look: impl FnOnce(&Stage<'_>) -> Result<()>,
) -> Result<Report> {
    let options = Options::private(workspace, &format!("demo-{}", run.name()));
    run_on(workspace, options, run, progress, look)
}

/// The same, on a stack that is started as these options say.
pub fn run_on(
    workspace: &Workspace,
    options: Options,
    run: Run,
    progress: Progress,
    look: impl FnOnce(&Stage<'_>) -> Result<()>,
) -> Result<Report> {
    progress.note(format_args!("Tourniquet, {}: {}", run.story.name, run.story.says));
    if let Some(wrong) = run.wrong_target() {
        progress.note(format_args!(
            "This time the plan is wrong: it names {}. It is changed, and does not help.",
            wrong.says
        ));
    }
    progress.note("All of it runs on this machine, on an emulator of AWS: no account is asked.\n");
    fs::create_dir_all(&options.dir).with_context(|| format!("Failed to create {}", options.dir.display()))?;
    let logs = options.dir.join("emulator.log");
    let receiver = Receiver::start(TOKEN)?;
    let (plans, shortened) = plans::shorten(workspace, run, &options.dir)?;
    let stack = scene::deploy(workspace, options, &plans, &receiver, progress)?;
    let told = tell(workspace, run, &stack, &receiver, &shortened, progress).and_then(|(report, bags)| {
        let operator = Operator::new(&stack, OPERATOR);
        look(&Stage { stack: &stack, operator: &operator, people: &receiver, bags: &bags })?;
        Ok((report, bags))
    });
    let (report, bags) = told.with_context(|| format!("The demo failed; its log is {}", logs.display()))?;
    stack.stop()?;
    report.say(&bags, progress);
    Ok(report)
}

fn tell(
    workspace: &Workspace,
    run: Run,
    stack: &Stack,
    people: &Receiver,
    shortened: &[&'static Shortened],
    progress: Progress,
) -> Result<(Report, Vec<PathBuf>)> {
    let operator = Operator::new(stack, OPERATOR);
    let wrong_target = run.wrong;
    let telling = Telling { stack, operator: operator.clone(), people, wrong_target, shortened, progress };
    let shown = (run.story.tell)(&telling)?;
    check_once(&operator, &shown)?;
    let into = workspace.private_stack_dir("demo").join(run.name());
    if into.exists() {
        fs::remove_dir_all(&into).with_context(|| format!("Failed to empty {}", into.display()))?;
    }
    let fetched = Fetched::fetch(stack, &operator, &shown, &into)?;
    Ok((Report::new(run, &shown, &fetched), fetched.bags))
}

/// One signal by two doors: one incident, at most one mitigation.
fn check_once(operator: &Operator<'_>, shown: &Value) -> Result<()> {
    let count = |status: &str| -> Result<usize> {
        let listed = operator.run(&["incidents", "--status", status])?;
        Ok(listed["incidents"].as_array().map_or(0, Vec::len))
    };
    let incidents = count("open")? + count("mitigated")? + count("resolved")? + count("stuck")?;
    ensure!(incidents == 1, "{incidents} incidents opened for one alarm");
    let mitigations = shown["mitigations"].as_array().map_or(0, Vec::len);
    ensure!(mitigations <= 1, "{mitigations} mitigations for one incident");
    Ok(())
}
