//! Purpose: every minute, repair what a lost delivery or a killed function left behind: an open incident without a living
//! execution gets one, a recovery that nobody handed on is, an engagement that pages nobody is begun and told to the
//! fallback topic, what a person resolved while it fired is looked at again, what several services that fire at once make
//! worse is raised and paged again, and becomes an incident where it was only told once, the owner is reminded of what is
//! in force and told of what opened no incident, and what a mute or a storm kept quiet is handed to triage again when it
//! fires still and that is over; a storm is found to be over.
//! Reads: incidents that are open, mitigated or resolved of late, the last state of what fired, what is in force, what is
//! muted, the storm that is on with its members, what was told once of late, digests, executions.
//! Writes: executions, `run`, the status `stuck`, severity and engagement, an incident of what was told once, `SENT#…`, the
//! timeline, which reminder was the last, that a muted signal waits no more; the fallback topic, the queue `signals`.
//! Undo: none. Retry: safe; each repair is found done by the next run, and a page may repeat, since a lost one is worse.

mod decide;
mod digests;
mod executions;
mod notice;
mod promote;
mod recheck;
mod remind;
mod repair;
mod rises;
#[cfg(test)]
mod samples;
mod storm;
mod unmute;

use std::collections::BTreeMap;

use aws_types::SdkConfig;
use incident::{Status, V};
use incident_store::{IncidentLine, Store};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use step::{Env, StepError};

use crate::executions::Executions;
use crate::unmute::Signals;

/// Nothing of the input is read: the schedule calls.
pub type Input = Value;

/// What was found and done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The version of this answer.
    pub v: u32,
    /// How many incidents are open or mitigated.
    pub open: u32,
    /// How many had no execution and got one.
    pub started: u32,
    /// How many had one that had ended, and got the next.
    pub restarted: u32,
    /// How many recoveries that nobody had handed on were.
    pub recovered: u32,
    /// How many are worse than they were.
    pub raised: u32,
    /// How many signals that were told once are incidents now, since several services fire at once.
    pub promoted: u32,
    /// How often the fallback topic was told.
    pub paged: u32,
    /// How many changes are in force that take something away.
    pub in_force: u32,
    /// Of how many of them the owner is being reminded.
    pub reminded: u32,
    /// How many signals a mute keeps quiet, or kept until now.
    pub muted: u32,
    /// How many of them triage has to decide upon again, since the mute is over.
    pub unmuted: u32,
    /// Whether a storm is on: 1, or 0.
    pub storm: u32,
    /// How many signals were found that wait for the end of a storm which is over.
    pub in_storm: u32,
    /// How many of them triage has to decide upon again, since the storm is over.
    pub released: u32,
    /// How many digests are due, and are being told.
    pub digests: u32,
}

/// What the function holds between invocations.
#[derive(Debug)]
pub struct Ctx {
    store: Store,
    executions: Executions,
    topics: aws_sdk_sns::Client,
    fallback_topic: String,
    signals: Signals,
}

impl Ctx {
    /// Clients and settings from the environment; no network is asked.
    ///
    /// # Errors
    /// `Stuck` where a variable is missing: the deployment has to be mended.
    pub fn new(env: &Env) -> Result<Self, StepError> {
        Self::over(&step::aws::config(env)?, env)
    }

    fn over(config: &SdkConfig, env: &Env) -> Result<Self, StepError> {
        Ok(Self {
            store: Store::new(config, env.get("TABLE")?),
            executions: Executions::new(
                config,
                env.get("INCIDENT_RESPONSE")?,
                env.get("ENGAGE")?,
                env.get("MITIGATE")?,
            )?,
            topics: aws_sdk_sns::Client::new(config),
            fallback_topic: env.get("FALLBACK_TOPIC")?,
            signals: Signals::new(config, env.get("SIGNALS")?),
        })
    }
}

/// Looks after every incident by itself: one that fails is logged and stops no other.
///
/// # Errors
/// What the store says where a list could not be read, after everything else was looked after.
pub async fn handle(ctx: &Ctx, _input: Input) -> Result<Output, StepError> {
    // Boxed, so that the depth of the futures stays within what the compiler computes.
    Box::pin(sweep(ctx)).await
}

async fn sweep(ctx: &Ctx) -> Result<Output, StepError> {
    let mut output = Output { v: V, ..Output::default() };
    let mut unlisted = None;
    let mut lines = BTreeMap::new();
    for status in [Status::Open, Status::Mitigated] {
        match every(ctx, status).await {
            Ok(some) => lines.extend(some.into_iter().map(|line| (line.incident_id.clone(), line))),
            Err(error) => unlisted = Some(error),
        }
    }
    // Before the incidents: after a storm there are many of them, and what waits must not wait for that.
    if let Err(error) = storm::look_after(ctx, lines.values(), step::now(), &mut output).await {
        unlisted = Some(error);
    }
    if let Err(error) = unmute::deliver_again(ctx, step::now(), &mut output).await {
        unlisted = Some(error);
    }
    for id in lines.keys() {
        let failures = repair::look_after(ctx, id, step::now(), &mut output).await;
        failures.iter().for_each(|failure| log(id, failure));
    }
    if let Err(error) = recheck::look_again(ctx, &mut output).await {
        unlisted = Some(error);
    }
    if let Err(error) = remind::remind(ctx, step::now(), &mut output).await {
        unlisted = Some(error);
    }
    if let Err(error) = digests::tell(ctx, step::now(), &mut output).await {
        unlisted = Some(error);
    }
    // The last: with many incidents at once it takes the longest.
    let told = ctx.store.told_lately(step::now()).await.unwrap_or_else(|error| {
        unlisted = Some(error);
        Vec::new()
    });
    rises::raise(ctx, &lines.into_values().collect::<Vec<_>>(), &told, step::now(), &mut output).await;
    unlisted.map_or(Ok(output), Err)
}

/// All incidents with a status.
async fn every(ctx: &Ctx, status: Status) -> Result<Vec<IncidentLine>, StepError> {
    let mut lines = Vec::new();
    let mut cursor = None;
    loop {
        let page = ctx.store.list(status, cursor.as_deref()).await?;
        lines.extend(page.incidents);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(lines);
        }
    }
}

fn log(id: &str, failure: &StepError) {
    let (name, chain) = (failure.name(), format!("{:#}", failure.cause()));
    tracing::error!(incident_id = id, error.name = name, error.chain = chain, "an incident could not be looked after");
}

/// The time of day as people read it, in UTC.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests;
