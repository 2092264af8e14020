//! `cargo xtask test`: every test, the same as in CI.

use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::{
    demo::{Receiver, TOKEN, scene},
    faults, plans,
    say::{self, Progress},
    stack::{Options, Running, STACK_VARIABLE},
    workspace::{BUILD_ONCE, Workspace},
};

/// The package of the tests that need a stack.
const BLACK_BOX: &str = "blackbox";

/// The team that owns a plan of `tests/plans/names` that names no other after a space.
const OWNER: &str = "testers";

/// The file that a plan of `tests/plans/names` is made from where it names no other as its third word.
const PLAN: &str = "plan";

/// Runs the tests of every crate, then the black-box tests on a stack of their own, which is ended whatever they say, and
/// then the seeds that once failed under faults.
///
/// `arguments` go to both test runs, such as a part of a test's name. A failure does not keep the other part from
/// running; the error names what failed. The table at the end has the seconds of each part.
pub fn run(workspace: &Workspace, arguments: &[String], progress: Progress) -> Result<()> {
    let workspace = &workspace.built_once();
    let mut parts = Parts::default();
    let (free, black_box) = programs(workspace)?;
    parts.run("tests of the crates", || {
        cargo_test(workspace, &[&["--lib", "--bins"], &test_options(&free)[..]].concat(), arguments, None)
    });
    if let Some((stack, _people)) = parts.run("local stack up", || stack_for_tests(workspace, "test", progress)) {
        parts.run("black-box tests", || {
            cargo_test(workspace, &test_options(&black_box), arguments, Some(&stack.record()))
        });
        parts.run("local stack down", || stack.stop());
    }
    // They have no names that arguments could choose.
    if arguments.is_empty() {
        parts.run("faults", || faults::replay(workspace, progress));
    }
    parts.close()
}

/// Starts the stack of the black-box tests and keeps it until Ctrl-C, so that one of them can be run again and again.
///
/// It stands beside the developer's stack and that of [`run`]. What it returns is the reason why it could not start.
pub fn keep_stack(workspace: &Workspace, progress: Progress) -> Result<Infallible> {
    let (stack, _people) = stack_for_tests(workspace, "for-tests", progress)?;
    say::answer(format_args!(
        "The stack of the black-box tests runs until Ctrl-C. In another terminal:\n  \
         {STACK_VARIABLE}={} cargo test --profile local --package {BLACK_BOX} --test <name>",
        stack.record().display()
    ))?;
    loop {
        // Ctrl-C ends this process at once, and the stack, which is tied to it, ends with it.
        std::thread::park();
    }
}

/// A stack with people at its channels, and a plan for each name in `tests/plans/names`.
fn stack_for_tests(workspace: &Workspace, verb: &str, progress: Progress) -> Result<(Running, Receiver)> {
    let options = Options::private(workspace, verb);
    let plans = plans_of_tests(workspace, &options.dir)?;
    let people = Receiver::start(TOKEN)?;
    Ok((scene::deploy(workspace, options, &plans, &people, progress)?, people))
}

fn plans_of_tests(workspace: &Workspace, into: &Path) -> Result<PathBuf> {
    let from = workspace.root().join("tests").join("plans");
    let read =
        |name: &str| fs::read_to_string(from.join(name)).with_context(|| format!("Failed to read tests/plans/{name}"));
    let names = read("names")?;
    let named = names.lines().map(|line| {
        let mut words = line.split(' ');
        let (name, owner) = (words.next().unwrap_or_default(), words.next().unwrap_or(OWNER));
        let plan = read(&format!("{}.yaml", words.next().unwrap_or(PLAN)))?;
        Ok((name.to_owned(), plan.replace("NAME", name).replace("OWNER", owner)))
    });
    plans::write(into, &read("teams.yaml")?, named.collect::<Result<Vec<_>>>()?)
}

/// The names of the test programs, beside the unit tests: those that need no stack, and those that do.
fn programs(workspace: &Workspace) -> Result<(Vec<String>, Vec<String>)> {
    let output = workspace.cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output();
    let metadata: Metadata = serde_json::from_slice(&output.context("Failed to start cargo")?.stdout)
        .context("Failed to read what cargo says of the packages")?;
    let (mut free, mut black_box) = (Vec::new(), Vec::new());
    for package in metadata.packages {
        let programs = package.targets.into_iter().filter(|target| target.kind.iter().any(|kind| kind == "test"));
        let list = if package.name == BLACK_BOX { &mut black_box } else { &mut free };
        list.extend(programs.map(|target| target.name));
    }
    Ok((free, black_box))
}

/// What `cargo metadata` says, in the parts that matter.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

fn test_options(names: &[String]) -> Vec<&str> {
    names.iter().flat_map(|name| ["--test", name]).collect()
}

fn cargo_test(workspace: &Workspace, which: &[&str], arguments: &[String], stack: Option<&Path>) -> Result<()> {
    let mut cargo = workspace.cargo();
    // Always of the whole workspace: another selection has other features, and is built anew.
    cargo.args(["test", "--profile", "local", "--no-fail-fast", "--workspace"]).args(which).args(arguments);
    cargo.env(BUILD_ONCE, "1");
    if let Some(record) = stack {
        // They wait far more than they work.
        cargo.env(STACK_VARIABLE, record).env("RUST_TEST_THREADS", "4");
    }
    if !cargo.status().context("Failed to start cargo")?.success() {
        bail!("cargo said why above");
    }
    Ok(())
}

/// What ran, for the table.
#[derive(Default)]
struct Parts {
    rows: Vec<(&'static str, Duration, bool)>,
}

impl Parts {
    fn run<T>(&mut self, name: &'static str, part: impl FnOnce() -> Result<T>) -> Option<T> {
        let began = Instant::now();
        let outcome = part();
        self.rows.push((name, began.elapsed(), outcome.is_ok()));
        outcome.map_err(|error| say::to_stderr(&format!("{name}: {error:#}"))).ok()
    }

    fn close(self) -> Result<()> {
        say::to_stderr(&self.table());
        let failed: Vec<_> = self.rows.iter().filter(|(_, _, passed)| !passed).map(|(name, ..)| *name).collect();
        if failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", failed.join(", "))
    }

    fn table(&self) -> String {
        let verdict = |passed| if passed { "passed" } else { "FAILED" };
        let row = |(name, took, passed): &_| format!("\n{}  {}  {name}", say::seconds(*took), verdict(*passed));
        self.rows.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_part_fails_the_whole_and_is_named() {
        let parts = |second| Parts {
            rows: vec![("first", Duration::from_millis(1500), true), ("second", Duration::from_secs(600), second)],
        };
        assert_eq!(parts(false).table(), "\n   1.5 s  passed  first\n 600.0 s  FAILED  second");
        assert_eq!(parts(false).close().unwrap_err().to_string(), "failed: second");
        assert!(parts(true).close().is_ok());
    }
}
