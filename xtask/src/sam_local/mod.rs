//! `cargo xtask sam-local`: every function built by `sam build` and run by `sam local invoke`, each to its answer.
//!
//! The functions run in containers, as Lambda runs them; what they call is the local stack, which listens on loopback. Their state machine is one that waits, so that nothing but the containers moves the incidents.

mod check;
mod engine;
mod image;
mod invoke;
mod place;
mod relay;
mod sam;
mod scenario;

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

use self::{
    check::World,
    place::{Place, folder},
    sam::Sam,
    scenario::{Call, Scenario},
};
use crate::{
    say::{self, Progress},
    workspace::Workspace,
};

/// What was invoked and how it went.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this report.
    pub v: u32,
    /// Whether the functions ran in a stand-in for Lambda's base image.
    pub stand_in: bool,
    /// Each invocation, in order.
    pub calls: Vec<Called>,
    /// Each golden file that no function got.
    pub left: Vec<Left>,
}

/// A golden file that no function got.
#[derive(Clone, Debug, Serialize)]
pub struct Left {
    /// The scenario, a folder of `events`.
    pub scenario: String,
    /// The file, without its ending.
    pub event: String,
    /// Why: it …
    pub why: &'static str,
}

/// One invocation.
#[derive(Clone, Debug, Serialize)]
pub struct Called {
    /// The scenario, a folder of `events`.
    pub scenario: String,
    /// The function.
    pub function: &'static str,
    /// The event's file, without its ending.
    pub event: String,
    /// How long it took, the container's start included.
    pub seconds: f64,
    /// What is wrong with it; nothing, if all is well.
    pub wrong: Option<String>,
}

/// Plays the golden files of one scenario or of each: every function is invoked, and its answer checked. Everything that
/// was started is ended again.
///
/// Fails with the remedy where this machine cannot do it; an answer that is wrong is in the report.
pub fn run(workspace: &Workspace, scenario: Option<&str>, progress: Progress) -> Result<Report> {
    let scenarios = Scenario::find(&workspace.root().join("events"), scenario)?;
    let place = Place::make(workspace, progress)?;
    let made = folder(workspace).join("events");
    let (mut calls, mut left) = (Vec::new(), Vec::new());
    for (number, scenario) in (1..).zip(&scenarios) {
        let file = |(event, why)| Left { scenario: scenario.name.clone(), event, why };
        left.extend(scenario.left()?.into_iter().map(file));
        let world = World::new(&place.stack, &place.people, scenario, number)?;
        for call in scenario.calls(&made.join(&scenario.name), number)? {
            let called = invoke(&place, scenario, call, &world, progress);
            let opened = called.wrong.is_none() || calls.iter().any(|c: &Called| c.scenario == scenario.name);
            calls.push(called);
            if !opened {
                // Without the incident that the first one opens, none of the others has anything to say.
                break;
            }
        }
    }
    let stand_in = place.stand_in;
    place.leave(progress)?;
    Ok(Report { v: 1, stand_in, calls, left })
}

/// Makes everything ready for calls by hand, says how to make one, and keeps it until Ctrl-C. What it returns is the
/// reason why it could not start.
pub fn keep(workspace: &Workspace, progress: Progress) -> Result<Infallible> {
    let place = Place::make(workspace, progress)?;
    say::answer("All is ready until Ctrl-C. In another terminal:")?;
    for (name, value) in place.environment() {
        say::answer(format_args!("export {name}={value}"))?;
    }
    let (sam, settings) = (place.sam.program(), place.built.settings());
    say::answer(format_args!(
        "{} local invoke TriageFunction --config-file {} --event events/bad-deployment/0-signal.json",
        sam.display(),
        settings.display()
    ))?;
    loop {
        // Ctrl-C ends this process at once, and engine and stack, which are tied to it, end with it.
        std::thread::park();
    }
}

/// Installs SAM and cargo-lambda, once, and returns the command line's path: whoever needs SAM takes this one.
pub fn install(workspace: &Workspace, progress: Progress) -> Result<std::path::PathBuf> {
    Ok(Sam::install(workspace, progress)?.program())
}

impl Report {
    /// Shows the table, and fails where an answer is wrong.
    pub fn close(&self, json: bool) -> Result<()> {
        if json {
            say::answer(serde_json::to_string(self)?)?;
        } else {
            say::to_stderr(&self.table());
        }
        let wrong = self.calls.iter().filter(|call| call.wrong.is_some()).count();
        if wrong > 0 {
            bail!("{wrong} of {} invocations went wrong", self.calls.len());
        }
        Ok(())
    }

    fn table(&self) -> String {
        let row = |call: &Called| {
            let seconds = say::seconds(Duration::from_secs_f64(call.seconds));
            let verdict = call.wrong.as_ref().map_or("answer ok".to_owned(), |wrong| format!("WRONG: {wrong}"));
            let event = format!("{}/{}", call.scenario, call.event);
            format!("\n{seconds}  {:<24}{event:<44}{verdict}", call.function)
        };
        let left = |left: &Left| format!("\n          {}/{} is left out: it {}", left.scenario, left.event, left.why);
        self.calls.iter().map(row).chain(self.left.iter().map(left)).collect()
    }
}

fn invoke(place: &Place, scenario: &Scenario, call: Call, world: &World<'_>, progress: Progress) -> Called {
    let Call { function, event, path, check } = call;
    let began = Instant::now();
    let name = format!("{function} answers {}/{event}", scenario.name);
    let done = progress.step(&name, || {
        let (answer, log) = place.built.invoke(&place.sam, &place.engine, function, &path)?;
        check(&answer, world).with_context(|| format!("{log}\n{answer}"))
    });
    Called {
        scenario: scenario.name.clone(),
        function,
        event,
        seconds: began.elapsed().as_secs_f64(),
        // What is wrong comes first, what was logged after it.
        wrong: done.err().map(|error| error.chain().map(ToString::to_string).rev().collect::<Vec<_>>().join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_answer_fails_the_whole_and_is_told() {
        let call = |wrong: Option<&str>| Called {
            scenario: "bad-deployment".to_owned(),
            function: "SweepFunction",
            event: "every-minute".to_owned(),
            seconds: 1.5,
            wrong: wrong.map(str::to_owned),
        };
        let left = Left { scenario: "bad-deployment".to_owned(), event: "3-engage".to_owned(), why: "is an input" };
        let report =
            |second| Report { v: 1, stand_in: true, calls: vec![call(None), call(second)], left: vec![left.clone()] };
        assert!(report(None).close(false).is_ok());
        let failed = report(Some("the answer is 1, not 2"));
        assert_eq!(failed.close(false).unwrap_err().to_string(), "1 of 2 invocations went wrong");
        assert_eq!(
            failed.table(),
            "\n   1.5 s  SweepFunction           bad-deployment/every-minute                 answer ok\
             \n   1.5 s  SweepFunction           bad-deployment/every-minute                 WRONG: the answer is 1, not 2\
             \n          bad-deployment/3-engage is left out: it is an input"
        );
    }
}
