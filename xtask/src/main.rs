//! `cargo xtask <verb>`: wiring of the development tool.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use xtask::{
    bench, build, cost, daemon,
    demo::{
        self,
        stories::{self, Story},
    },
    faults, sam_local,
    say::{self, Progress},
    stack::{self, Options, Stack},
    suite, template, tools,
    workspace::Workspace,
};

/// The development tool of Tourniquet.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    /// Print the answer as one JSON object, and no progress.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start the local stack, or build and deploy again on the running one; it runs until `down`.
    Up {
        /// Multiply every wait of the state machines by this.
        #[arg(long, value_name = "FACTOR")]
        wait_scale: Option<f64>,
        /// A parameter of the template.
        #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
        parameters: Vec<(String, String)>,
        /// A variable that every function gets.
        #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
        environment: Vec<(String, String)>,
        /// Start the stack of the black-box tests instead, and keep it until Ctrl-C.
        #[arg(long, conflicts_with_all = ["wait_scale", "parameters", "environment"])]
        for_tests: bool,
    },
    /// End the local stack.
    Down,
    /// One incident walks the whole loop, on a stack of its own: from a bad deployment to the postmortem.
    Demo {
        /// Which story: bad-deployment, bad-flag, saturated-dependency, braked or self-healing.
        #[arg(long, default_value = "bad-deployment", value_parser = stories::find)]
        scenario: &'static Story,
        /// Let the plan name another target, which is changed and does not help: it stays open, and a person is paged.
        #[arg(long)]
        wrong_target: bool,
    },
    /// Incidents under faults, on a stack of its own: everything goes wrong, and what must hold is checked.
    Faults {
        /// What everything follows from; one is drawn, and said, where none is given.
        #[arg(long)]
        seed: Option<u64>,
        /// How many groups of alarms fire.
        #[arg(long, default_value_t = 20)]
        incidents: usize,
        /// Kill each function after each of its writes instead, one in each of as many incidents as there are writes.
        #[arg(long, conflicts_with_all = ["seed", "incidents"])]
        kills: bool,
        /// With --kills: how many incidents go on side by side.
        #[arg(long, default_value_t = 8, requires = "kills")]
        at_once: usize,
        /// With --kills: only after writes that have this text in their name; may be given several times.
        #[arg(long, value_name = "TEXT", requires = "kills")]
        only: Vec<String>,
    },
    /// What the suite costs: counted while one incident walks the loop on a stack of its own, and in two idle minutes.
    Cost {
        /// Write `docs/cost-counted.json` and the figures of `docs/cost.md` as well.
        #[arg(long)]
        write: bool,
        /// Write the figures anew from what was counted before: after a change of the template or of the price list.
        #[arg(long, conflicts_with = "write")]
        page: bool,
    },
    /// Run every test, the same as CI.
    Test {
        /// Handed to `cargo test`, such as a part of a test's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure, in ratios within one run.
    #[command(subcommand)]
    Bench(Bench),
    /// Build every function with SAM and run each in a container against a local stack, to its answer.
    SamLocal {
        /// Play the golden files of this folder of `events` alone.
        #[arg(long)]
        scenario: Option<String>,
        /// Make everything ready for calls by hand instead, and keep it until Ctrl-C.
        #[arg(long, conflicts_with = "scenario")]
        keep: bool,
    },
    /// Install the emulator and the AWS command line under `target/tools`, and say where they are.
    Tools {
        /// Install SAM and cargo-lambda instead.
        #[arg(long)]
        sam: bool,
    },
    /// Build the functions and the command line with the profile `local`.
    Build,
    /// Write anew what the registries declare into `template.yaml`: parameters, roles, rules.
    Template {
        /// Write `target/local/template.yaml` instead, with paths to what was built.
        #[arg(long)]
        local: bool,
    },
    /// The process behind a stack; `up` starts it.
    #[command(hide = true)]
    StackDaemon { dir: PathBuf },
}

#[derive(Subcommand)]
enum Bench {
    /// Triage: an event, its start-up, and a storm through a stack of its own.
    Triage {
        /// How many events of 50 failing things the storm has.
        #[arg(long, default_value_t = 10_000)]
        events: u32,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::to_stderr(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { json, verb }: Arguments) -> Result<()> {
    let workspace = Workspace::here();
    let progress = Progress::new(json);
    match verb {
        Verb::Up { for_tests: true, .. } => match suite::keep_stack(&workspace, progress)? {},
        Verb::Up { wait_scale, parameters, environment, for_tests: false } => {
            let mut options = Options::developer(&workspace);
            options.parameters.extend(parameters);
            options.emulator.wait_scale = wait_scale;
            options.emulator.environment.extend(environment);
            let running = stack::up(&workspace, &options, progress)?;
            show(&running, json)
        }
        Verb::Down => {
            let record = workspace.stack_dir().join("stack.json");
            if !record.exists() {
                bail!("no local stack is running: `cargo xtask up` starts one");
            }
            let stack = Stack::load(&record)?;
            progress.step("local stack ended", || stack.stop())
        }
        Verb::Demo { scenario, wrong_target } => {
            let report = demo::run(&workspace, demo::Run::of(scenario, wrong_target)?, progress)?;
            if json { say::answer(serde_json::to_string(&report)?) } else { Ok(()) }
        }
        Verb::Faults { kills: true, at_once, only, .. } => {
            let report = faults::kills::run(&workspace, at_once, &only, progress)?;
            if json {
                say::answer(serde_json::to_string(&report)?)?;
            }
            if report.held() { Ok(()) } else { bail!("Something does not hold once a function is killed: see above") }
        }
        Verb::Faults { seed, incidents, .. } => {
            let report = faults::run(&workspace, faults::Run { seed, incidents }, progress)?;
            if json {
                say::answer(serde_json::to_string(&report)?)?;
            }
            if report.held() {
                return Ok(());
            }
            bail!("An invariant did not hold. The same again: {}", report.replay())
        }
        Verb::Cost { page: true, .. } => cost::write_page(&workspace),
        Verb::Cost { write, page: false } => {
            let counted = cost::run(&workspace, progress)?;
            if write {
                cost::write(&workspace, &counted)?;
            }
            if json {
                return say::answer(serde_json::to_string(&counted)?);
            }
            say::answer(cost::figures(&counted, &cost::Prices::read()?, &template::read(&workspace)?)?)
        }
        Verb::Test { arguments } => suite::run(&workspace, &arguments, progress),
        Verb::Bench(Bench::Triage { events }) => {
            let report = bench::triage(&workspace, events, progress)?;
            if json { say::answer(serde_json::to_string(&report)?) } else { say::answer(report.table()) }
        }
        Verb::SamLocal { keep: true, .. } => match sam_local::keep(&workspace, progress)? {},
        Verb::SamLocal { scenario, keep: false } => {
            sam_local::run(&workspace, scenario.as_deref(), progress)?.close(json)
        }
        Verb::Tools { sam: true } => say::answer(sam_local::install(&workspace, progress)?.display()),
        Verb::Tools { sam: false } => say::answer(tools::install(&workspace, progress)?.bin().display()),
        Verb::Build => build::all(&workspace, progress).map(drop),
        Verb::Template { local: true } => {
            template::write(&workspace)?;
            say::answer(workspace.local_template().display())
        }
        Verb::Template { local: false } => {
            template::write_registries(&workspace)?;
            say::answer(workspace.template().display())
        }
        Verb::StackDaemon { dir } => daemon::run(&dir),
    }
}

/// Says what a developer needs to talk to the stack.
fn show(stack: &Stack, json: bool) -> Result<()> {
    if json {
        return say::answer(serde_json::to_string(stack)?);
    }
    for (name, value) in stack.environment() {
        say::answer(format_args!("export {name}={value}"))?;
    }
    for (name, value) in &stack.outputs {
        say::answer(format_args!("# {name}: {value}"))?;
    }
    say::answer(format_args!("# logs: {}; functions go through {}", stack.dir.display(), stack.proxy_endpoint))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
