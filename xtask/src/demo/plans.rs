//! The shipped plan with waits that fit a demo; what is shortened is said.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;

/// A wait that is shortened: in which file, how the shipped text reads and how the demo's, and what to say.
#[derive(Debug)]
pub(super) struct Shortened {
    file: &'static str,
    shipped: &'static str,
    demo: &'static str,
    pub(super) what: &'static str,
    pub(super) demo_wait: &'static str,
    pub(super) shipped_wait: &'static str,
}

const SHORTENED: [Shortened; 4] = [
    Shortened {
        file: "teams.yaml",
        shipped: "wait: 5m",
        demo: "wait: 6s",
        what: "first escalation",
        demo_wait: "6 s",
        shipped_wait: "5 min",
    },
    Shortened {
        file: "teams.yaml",
        shipped: "wait: 10m",
        demo: "wait: 6s",
        what: "last escalation",
        demo_wait: "6 s",
        shipped_wait: "10 min",
    },
    Shortened {
        file: "checkout-bad-deployment.yaml",
        shipped: "datapoints: 3\n",
        demo: "datapoints: 3\n      period: 5s\n",
        what: "proof of life",
        demo_wait: "3 datapoints of 5 s",
        shipped_wait: "1 min",
    },
    // Longer than the proof of life takes, as shipped: verified first, resolved then.
    Shortened {
        file: "checkout-bad-deployment.yaml",
        shipped: "held_for: 5m",
        demo: "held_for: 15s",
        what: "clear period",
        demo_wait: "15 s",
        shipped_wait: "5 min",
    },
];

/// Writes the demo's copy of the shipped plans and returns its folder, and what was shortened.
///
/// Fails when the shipped text has changed so that a wait is not found: the demo is then to be told.
pub(super) fn shorten(workspace: &Workspace, into: &Path) -> Result<(PathBuf, [Shortened; 4])> {
    let shipped = workspace.root().join("response-plans");
    let folder = into.join("plans");
    fs::create_dir_all(&folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    for file in ["checkout-bad-deployment.yaml", "teams.yaml"] {
        let path = shipped.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("Failed to read {}", path.display()))?;
        fs::write(folder.join(file), shortened(file, &text)?)?;
    }
    Ok((folder, SHORTENED))
}

fn shortened(file: &str, text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for wait in SHORTENED.iter().filter(|wait| wait.file == file) {
        ensure!(text.contains(wait.shipped), "`{}` is not in response-plans/{file} any more", wait.shipped);
        text = text.replace(wait.shipped, wait.demo);
    }
    Ok(text)
}
