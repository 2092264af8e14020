//! The shipped plans with waits that fit a demo; what is shortened is said.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use super::Run;
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

/// How long the service has to show that it is alive, in a story's plan.
pub(super) static PROOF_OF_LIFE: Shortened = Shortened {
    shipped: "datapoints: 3\n",
    demo: "datapoints: 3\n      period: 5s\n",
    what: "proof of life",
    demo_wait: "3 datapoints of 5 s",
    shipped_wait: "1 min",
};

/// How long everything has to stay clear. Longer than the proof of life takes, as shipped: verified first, resolved then.
pub(super) static CLEAR_PERIOD: Shortened = Shortened {
    shipped: "held_for: 5m",
    demo: "held_for: 15s",
    what: "clear period",
    demo_wait: "15 s",
    shipped_wait: "5 min",
};

/// The same where what is in force keeps it from being resolved anyhow: it has to hold twice.
pub(super) static SHORT_CLEAR_PERIOD: Shortened = Shortened {
    shipped: "held_for: 5m",
    demo: "held_for: 6s",
    what: "clear period",
    demo_wait: "6 s",
    shipped_wait: "5 min",
};

/// The wait for a change to help, which is over before that where it does.
static PATIENCE: Shortened = Shortened {
    shipped: "verify_within: 10m",
    demo: "verify_within: 20s",
    what: "patience",
    demo_wait: "20 s",
    shipped_wait: "10 min",
};

/// Writes the demo's copy of all shipped plans, with the wrong target where that is told, and returns its folder, and what
/// was shortened.
///
/// Fails when the shipped text has changed so that it is not found: the demo is then to be told.
pub(super) fn shorten(workspace: &Workspace, run: Run, into: &Path) -> Result<(PathBuf, Vec<&'static Shortened>)> {
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
    let wrong = run.wrong_target();
    let of_plan: Vec<_> = run.story.waits.iter().copied().chain(wrong.map(|_| &PATIENCE)).collect();
    let texts = |waits: &[&Shortened]| waits.iter().map(|wait| (wait.shipped, wait.demo)).collect::<Vec<_>>();
    let of_teams: Vec<_> = OF_TEAMS.iter().collect();
    change(&folder, TEAMS, &texts(&of_teams))?;
    change(&folder, run.story.plan, &texts(&of_plan))?;
    if let Some(target) = wrong {
        change(&folder, run.story.plan, &[(target.shipped, target.wrong)])?;
    }
    Ok((folder, [of_teams, of_plan].concat()))
}

/// Puts other texts in the place of those that are in one file of the copy.
fn change(folder: &Path, file: &str, texts: &[(&str, &str)]) -> Result<()> {
    let path = folder.join(file);
    let mut text = fs::read_to_string(&path).with_context(|| format!("Failed to read {}", path.display()))?;
    for (shipped, other) in texts {
        ensure!(text.contains(shipped), "`{shipped}` is not in response-plans/{file} any more");
        text = text.replace(shipped, other);
    }
    fs::write(&path, text).with_context(|| format!("Failed to write {}", path.display()))
}
