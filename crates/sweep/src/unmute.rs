//! What a mute kept quiet: when the mute is over, or was taken back, what still fires is handed to triage again, which
//! decides upon it as if it came now.
//!
//! Nothing is written when a signal is handed over: triage writes what comes of it over what waits, so that a message that
//! is lost, or a sweep that is killed, is made up for by the next minute, and what comes twice is a repeat.

use aws_types::SdkConfig;
use incident::{FingerprintState, Mute, StormOver, Unmuted, V, fires_still};
use incident_store::MutedSignal;
use jiff::Timestamp;
use signal::Signal;
use step::{StepError, sdk_error};

use crate::{Ctx, Output};

/// The queue `signals`, through which triage takes what is not delivered by its source.
#[derive(Debug)]
pub(crate) struct Signals {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl Signals {
    pub(crate) fn new(config: &SdkConfig, url: String) -> Self {
        Self { client: aws_sdk_sqs::Client::new(config), url }
    }

    /// A signal that was kept quiet is decided upon again.
    pub(crate) async fn deliver(&self, signal_id: &str) -> Result<(), StepError> {
        self.send(&Unmuted { v: V, muted_signal: signal_id.to_owned() }).await
    }

    /// What an incident stands for is over: a storm, or none that ever began.
    pub(crate) async fn is_over(&self, incident_id: &str, storm: Option<&str>, at: Timestamp) -> Result<(), StepError> {
        self.send(&StormOver { v: V, storm_over: incident_id.to_owned(), storm: storm.map(str::to_owned), at }).await
    }

    async fn send(&self, message: &impl serde::Serialize) -> Result<(), StepError> {
        let body = serde_json::to_string(message).map_err(|e| StepError::Stuck(e.into()))?;
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(drop).map_err(|e| sdk_error("a message to triage could not be put into the queue", e))
    }
}

/// Looks at everything that waits; one that fails is logged and stops no other.
///
/// # Errors
/// What the store says where the list could not be read, or the last of what failed with one signal: an alarm on errors
/// tells people that something stays quiet that should not.
pub(crate) async fn deliver_again(ctx: &Ctx, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let waiting = ctx.store.muted_signals().await?;
    if waiting.is_empty() {
        return Ok(());
    }
    // Unreadable means not muted: triage, which reads them again, has the last word.
    let mutes = ctx.store.mutes().await.inspect_err(|error| log("-", error)).map(|read| read.mutes).unwrap_or_default();
    let mut failed = None;
    for waits in waiting {
        output.muted += 1;
        let signal_id = waits.as_ref().map_or("-", |waits| &waits.signal.signal_id).to_owned();
        let looked_at = match waits {
            Ok(waits) => look_at(ctx, &waits, &mutes, now, output).await,
            Err(error) => Err(error),
        };
        if let Err(error) = looked_at {
            log(&signal_id, &error);
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn look_at(
    ctx: &Ctx,
    waits: &MutedSignal,
    mutes: &[Mute],
    now: Timestamp,
    output: &mut Output,
) -> Result<(), StepError> {
    let signal = &waits.signal;
    match duty(ctx, signal).await {
        // At once, over or not, so that of each failing thing one waits at most.
        Duty::Drop => ctx.store.drop_quiet(&signal.signal_id, now).await,
        Duty::Deliver if !waits.muted.is_over(mutes, now) => Ok(()),
        Duty::Deliver => {
            output.unmuted += 1;
            ctx.signals.deliver(&signal.signal_id).await
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// It has recovered, or a later signal of its fingerprint waits in its place.
    Drop,
    /// Triage is to decide.
    Deliver,
}

/// What to do with a signal that nothing keeps quiet any more.
pub(crate) async fn duty(ctx: &Ctx, signal: &Signal) -> Duty {
    let last = ctx.store.fingerprint(&signal.fingerprint).await.inspect_err(|error| log(&signal.signal_id, error));
    duty_by(signal, last.ok().flatten().as_ref())
}

/// The same given the last state of its fingerprint. Where nothing is known of that, or it cannot be read, triage decides.
fn duty_by(signal: &Signal, last: Option<&FingerprintState>) -> Duty {
    if last.is_none_or(|last| fires_still(signal, last)) { Duty::Deliver } else { Duty::Drop }
}

pub(crate) fn log(signal_id: &str, failure: &StepError) {
    let (name, chain) = (failure.name(), format!("{:#}", failure.cause()));
    tracing::error!(signal_id, error.name = name, error.chain = chain, "what is kept quiet could not be looked at");
}

#[cfg(test)]
#[path = "unmute_test.rs"]
mod tests;
