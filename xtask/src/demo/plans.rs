//! The shipped plans with waits that fit a demo; what is shortened is said.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use super::stories::Story;
use crate::workspace::Workspace;

/// The file of the people who are told.
const TEAMS: &str = "teams.yaml";

/// A wait that is shortened: how the shipped text reads and how the demo's, and what to say.
#[derive(Debug)]
pub(super) struct Shortened {
    shipped: &'static str,
    demo: &'static str,
    pub(super) what: &'static str,
    pub(super) demo_wait: &'static str,
    pub(super) shipped_wait: &'static str,
}

/// The waits for people.
static OF_TEAMS: [Shortened; 2] = [
    Shortened {
        shipped: "wait: 5m",
        demo: "wait: 6s",
        what: "first escalation",
        demo_wait: "6 s",
        shipped_wait: "5 min",
    },
    Shortened {
        shipped: "wait: 10m",
        demo: "wait: 6s",
        what: "last escalation",
        demo_wait: "6 s",
        shipped_wait: "10 min",
    },
];

/// The waits of the story's plan.
static OF_PLAN: [Shortened; 2] = [
    Shortened {
        shipped: "datapoints: 3\n",
        demo: "datapoints: 3\n      period: 5s\n",
        what: "proof of life",
        demo_wait: "3 datapoints of 5 s",
        shipped_wait: "1 min",
    },
    // Longer than the proof of life takes, as shipped: verified first, resolved then.
    Shortened {
        shipped: "held_for: 5m",
        demo: "held_for: 15s",
        what: "clear period",
        demo_wait: "15 s",
        shipped_wait: "5 min",
    },
];

/// Writes the demo's copy of all shipped plans and returns its folder, and what was shortened for the story.
///
/// Fails when the shipped text has changed so that a wait is not found: the demo is then to be told.
pub(super) fn shorten(workspace: &Workspace, story: &Story, into: &Path) -> Result<(PathBuf, Vec<&'static Shortened>)> {
    let (shipped, folder) = (workspace.root().join("response-plans"), into.join("plans"));
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("Failed to empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    let files = fs::read_dir(&shipped).with_context(|| format!("Failed to read {}", shipped.display()))?;
    for file in files {
        let file = file?.file_name();
        fs::copy(shipped.join(&file), folder.join(&file))?;
    }
    change(&folder, TEAMS, &OF_TEAMS)?;
    change(&folder, story.plan, &OF_PLAN)?;
    Ok((folder, OF_TEAMS.iter().chain(&OF_PLAN).collect()))
}

/// Changes one file of the copy.
fn change(folder: &Path, file: &str, waits: &[Shortened]) -> Result<()> {
    let path = folder.join(file);
    let mut text = fs::read_to_string(&path).with_context(|| format!("Failed to read {}", path.display()))?;
    for wait in waits {
        ensure!(text.contains(wait.shipped), "`{}` is not in response-plans/{file} any more", wait.shipped);
        text = text.replace(wait.shipped, wait.demo);
    }
    fs::write(&path, text).with_context(|| format!("Failed to write {}", path.display()))
}
