//! The people: some acknowledge what they are paged about, and all approve what they are asked to.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::history::History;
use crate::demo::{Operator, Received, Receiver};

/// How often they look.
const EVERY: Duration = Duration::from_millis(300);

/// What they type is tried so often: a plan may be read a moment before it is there.
const TRIES: u32 = 3;

/// Answers what comes, until told to stop.
pub(super) fn answer(history: &History, operator: &Operator<'_>, people: &Receiver, stop: &AtomicBool) {
    let mut typed = BTreeSet::new();
    thread::scope(|scope| {
        while !stop.load(Ordering::Relaxed) {
            for text in people.received().iter().filter_map(text) {
                let Some((verb, id)) = wanted(history, text) else { continue };
                if typed.insert((verb, id.to_owned())) {
                    let id = id.to_owned();
                    scope.spawn(move || type_in(operator, verb, &id));
                }
            }
            thread::sleep(EVERY);
        }
    });
}

/// What somebody types when they read this: a verb, and the incident.
fn wanted<'a>(history: &History, text: &'a str) -> Option<(&'static str, &'a str)> {
    if let Some(id) = after(text, "tourniquet approve ") {
        return Some(("approve", id));
    }
    let id = after(text, "tourniquet ack ")?;
    let story = history.stories.iter().find(|story| text.contains(&story.plan))?;
    story.is_acknowledged.then_some(("ack", id))
}

fn after<'a>(text: &'a str, command: &str) -> Option<&'a str> {
    text.split_once(command)?.1.split_whitespace().next()
}

/// A person who gets an error tries again, and then lets it be: the invariants say whether that was right.
fn type_in(operator: &Operator<'_>, verb: &str, id: &str) {
    let arguments: &[&str] =
        if verb == "approve" { &[verb, id, "--yes", "--no-wait"] } else { &[verb, id, "--no-wait"] };
    for _ in 0..TRIES {
        if operator.run(arguments).is_ok() {
            return;
        }
        thread::sleep(Duration::from_secs(1));
    }
}

fn text(received: &Received) -> Option<&str> {
    match received {
        Received::Slack { text, .. } => Some(text),
        Received::Topic { message, .. } => Some(message),
        Received::Refused { .. } => None,
    }
}
