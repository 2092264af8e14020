//! What a story is told with.

use anyhow::Result;

use super::{again::again, operator::Operator, plans::Shortened, receiver::Receiver, service::Service, watch::Watch};
use crate::{say::Progress, stack::Stack};

/// A stack with people at its ends, and somebody who tells what happens on it.
#[derive(Debug)]
pub(super) struct Telling<'a> {
    pub(super) stack: &'a Stack,
    pub(super) operator: Operator<'a>,
    pub(super) people: &'a Receiver,
    /// Whether the plan names a target that does not help.
    pub(super) wrong_target: bool,
    pub(super) shortened: &'a [&'static Shortened],
    pub(super) progress: Progress,
}

impl<'a> Telling<'a> {
    /// Does one step that leads to the incident, and says what it was.
    pub(super) fn step<T>(&self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.progress.step(name, work)
    }

    /// Waits for the incident that the broken service opens, and brings its signal once more, by the other door.
    pub(super) fn incident(&self, service: &mut Service) -> Result<Watch<'a>> {
        self.progress.note("\nWaits of the plan, shortened for the demo:");
        for wait in self.shortened {
            self.progress.note(format_args!("  {:<17} {} instead of {}", wait.what, wait.demo_wait, wait.shipped_wait));
        }
        self.progress.note("\nThe incident as it happens, in UTC:");
        let mut watch = Watch::for_incident(self.operator.clone(), self.people, self.progress)?;
        watch.until("being opened", |shown| !shown["timeline"][0].is_null())?;
        again(&watch, self.stack.output("SignalsTopic")?, service)?;
        Ok(watch)
    }
}
