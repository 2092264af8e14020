//! Purpose: tell people. A page wakes someone until they acknowledge; an announcement asks for an approval, or says what
//! came of a mitigation, which wakes them once where a change did not help, or that the incident is resolved, or reminds
//! of what is in force. A digest tells an owner once of what opened no incident, and wakes nobody. In a storm each owner is
//! paged once, about all of theirs.
//! Reads: the incident, its mitigation, the digest with its entries, the members of a storm, secrets of channels. Writes: SNS, Slack, PagerDuty, webhooks, `SENT#…`, `TOLD#…`,
//! the timeline, that a digest was told.
//! Undo: none, what was said was said. Retry: safe; what a channel accepted is not sent again, and what was claimed by a
//! run that died is sent again, marked as a repeat: a lost page is worse than a repeated one.

mod announce;
mod channels;
mod delivery;
mod digest;
mod fallback;
mod hold;
mod input;
mod message;
mod page;
#[cfg(test)]
mod samples;
mod secret;
mod storm;
mod text;

use incident_store::Store;
use jiff::SignedDuration;
use serde::Serialize;
use step::{Env, StepError};

use crate::channels::Channels;
pub use crate::channels::{KINDS, Kind};
use crate::fallback::Told;
pub use crate::input::{Announcement, Input, OfDigest, OfIncident, OfStorm, What};

/// What the state machine goes on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The escalation step, from 1; 0 for an announcement.
    pub step: u32,
    /// Who was told; absent where nobody was due.
    pub contact: Option<String>,
    /// The channels that accepted it, now or in an earlier run.
    pub accepted: Vec<String>,
    /// The channels that did not; the timeline has each one's reason.
    pub failed: Vec<String>,
    /// How long to wait for an acknowledgement, in seconds.
    pub wait_s: u64,
    /// Whether there is nobody left to escalate to.
    pub last: bool,
    /// Whether the plan holds it back: ask for the same again after `wait_s`.
    pub held: bool,
}

impl Output {
    /// Nobody is due.
    fn nobody(step: u32) -> Self {
        Self { step, contact: None, accepted: Vec::new(), failed: Vec::new(), wait_s: 0, last: true, held: false }
    }

    /// Not yet: the plan holds it back.
    fn held(step: u32, wait: SignedDuration) -> Self {
        // Rounded up: at its end it is over.
        let wait_s = u64::try_from((wait.as_millis() + 999) / 1_000).unwrap_or(1).max(1);
        Self { wait_s, last: false, held: true, ..Self::nobody(step) }
    }
}

/// What the function holds between invocations.
#[derive(Debug)]
pub struct Ctx {
    store: Store,
    channels: Channels,
    told: Told,
}

impl Ctx {
    /// Clients and settings from the environment; no network is asked.
    ///
    /// # Errors
    /// `Stuck` where a variable is missing: the deployment has to be mended.
    pub fn new(env: &Env) -> Result<Self, StepError> {
        let config = step::aws::config(env)?;
        let store = Store::new(&config, env.get("TABLE")?);
        Ok(Self { store, channels: Channels::new(&config, env)?, told: Told::default() })
    }
}

/// Tells whoever is due.
///
/// It is no error where one channel that wakes accepts and another does not, where nobody is due any more, or where the
/// record of an accepted page could not be written.
///
/// # Errors
/// `Transient` where no channel accepted it, or none that wakes where it is to wake somebody who has one; `Rejected` for an
/// unknown incident; what the store says where the incident could not be read, after the fallback topic was told once in
/// its place.
pub async fn handle(ctx: &Ctx, input: Input) -> Result<Output, StepError> {
    let input = match input {
        Input::Incident(input) => input,
        Input::Digest(input) => return digest::tell(ctx, &input).await,
        Input::Storm(input) => return storm::page(ctx, &input).await,
    };
    let incident = fallback::load(ctx, &input).await?;
    match input.what {
        What::Page { engagement, step } => page::page(ctx, &incident, input.opening, engagement, step).await,
        What::Announce { announce, n } => {
            announce::announce(ctx, &incident, input.opening, announce, n, input.reminder).await
        }
    }
}
