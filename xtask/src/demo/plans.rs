//! The shipped plan with waits that fit a demo; what is shortened is said.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;

/// A wait that is shortened: in which file, how the shipped text reads, how the demo's reads, and what to say.
struct Shortened {
    file: &'static str,
    shipped: &'static str,
    demo: &'static str,
    says: &'static str,
}

const SHORTENED: [Shortened; 4] = [
    Shortened {
        file: "checkout-bad-deployment.yaml",
        shipped: "held_for: 5m",
        demo: "held_for: 8s",
        says: "clear period: 8 s instead of 5 min",
    },
    Shortened {
        file: "checkout-bad-deployment.yaml",
        shipped: "datapoints: 3\n",
        demo: "datapoints: 3\n      period: 5s\n",
        says: "proof of life: datapoints of 5 s instead of 1 min",
    },
    Shortened {
        file: "teams.yaml",
        shipped: "wait: 5m",
        demo: "wait: 6s",
        says: "escalation: 6 s after the first step instead of 5 min",
    },
    Shortened {
        file: "teams.yaml",
        shipped: "wait: 10m",
        demo: "wait: 6s",
        says: "escalation: 6 s after the second step instead of 10 min",
    },
];

/// Writes the demo's copy of the shipped plans and returns its folder, and the shortened waits in words.
///
/// Fails when the shipped text has changed so that a wait is not found: the demo is then to be told.
pub(super) fn shorten(workspace: &Workspace, into: &Path) -> Result<(PathBuf, Vec<&'static str>)> {
    let shipped = workspace.root().join("response-plans");
    let folder = into.join("plans");
    fs::create_dir_all(&folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    for file in ["checkout-bad-deployment.yaml", "teams.yaml"] {
        let path = shipped.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("Failed to read {}", path.display()))?;
        fs::write(folder.join(file), shortened(file, &text)?)?;
    }
    Ok((folder, SHORTENED.iter().map(|wait| wait.says).collect()))
}

fn shortened(file: &str, text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for wait in SHORTENED.iter().filter(|wait| wait.file == file) {
        ensure!(text.contains(wait.shipped), "`{}` is not in response-plans/{file} any more", wait.shipped);
        text = text.replace(wait.shipped, wait.demo);
    }
    Ok(text)
}
