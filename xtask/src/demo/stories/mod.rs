//! The stories that the demo tells. A new one is one file here and one line in [`ALL`].

mod bad_deployment;
mod bad_flag;
mod braked;
mod saturated_dependency;
mod self_healing;

use anyhow::Result;
use serde_json::Value;

use super::{plans::Shortened, telling::Telling};

/// All of them.
pub static ALL: [&Story; 5] =
    [&bad_deployment::STORY, &bad_flag::STORY, &saturated_dependency::STORY, &braked::STORY, &self_healing::STORY];

/// One story: what breaks, what people do about it, and how it ends.
#[derive(Debug)]
pub struct Story {
    /// The name on the command line and in the report.
    pub name: &'static str,
    /// What happens in it, for whoever watches.
    pub(super) says: &'static str,
    /// The file of the shipped plan that it is about.
    pub(super) plan: &'static str,
    /// The plan's waits that are shortened.
    pub(super) waits: &'static [&'static Shortened],
    /// The plan's words for a target that does not help, in the stories about a change that does.
    pub(super) wrong_target: Option<WrongTarget>,
    /// Tells it to its end, and gives the incident as the command line shows it then. Fails where it ends otherwise.
    pub(super) tell: fn(&Telling<'_>) -> Result<Value>,
}

/// How the demo's copy of a plan is made to name another target: one that is really changed, and does not help.
#[derive(Debug)]
pub(super) struct WrongTarget {
    /// How the shipped plan reads.
    pub(super) shipped: &'static str,
    /// How the copy reads.
    pub(super) wrong: &'static str,
    /// What it names, for whoever watches.
    pub(super) says: &'static str,
}

/// The story of this name; the error names those that there are.
pub fn find(name: &str) -> Result<&'static Story, String> {
    let all = || ALL.map(|story| story.name).join(", ");
    ALL.into_iter()
        .find(|story| story.name == name)
        .ok_or_else(|| format!("`{name}` is no scenario; there are {}", all()))
}
