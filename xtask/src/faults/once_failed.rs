//! Seeds under which an invariant once did not hold. What each found is mended and has a unit test of its own; the seeds
//! are played on by `cargo xtask test`, since the next such mistake will be another one.

use anyhow::{Result, bail};

use super::{Run, run};
use crate::{say::Progress, workspace::Workspace};

/// A seed, with so many incidents.
struct Failed {
    seed: u64,
    incidents: usize,
}

/// All of them are played, so that they have to be few: each takes more than a minute.
const ONCE_FAILED: [Failed; 1] = [
    // A mitigation refused itself: the answer to the call that took its lock was lost, and its own lock was in its way.
    // It failed with the histories of then, which had no service that fires again.
    Failed { seed: 11, incidents: 10 },
];

/// Plays each, on a stack of its own. Fails with how to play the one that does not hold again.
pub fn replay(workspace: &Workspace, progress: Progress) -> Result<()> {
    for Failed { seed, incidents } in ONCE_FAILED {
        let report = run(workspace, Run { seed: Some(seed), incidents }, progress)?;
        if !report.held() {
            bail!("An invariant does not hold. The same again: {}", report.replay());
        }
    }
    Ok(())
}
