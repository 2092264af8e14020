//! What a mute kept quiet: when the mute is over, or was taken back, what still fires is handed to triage again, which
//! decides upon it as if it came now.
//!
//! Nothing is written when a signal is handed over: triage writes what comes of it over what waits, so that a message that
//! is lost, or a sweep that is killed, is made up for by the next minute, and what comes twice is a repeat.

use aws_types::SdkConfig;
use incident::{FingerprintState, Mute, Unmuted, V, fires_still};
use incident_store::MutedSignal;
use jiff::Timestamp;
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

    async fn deliver(&self, signal_id: &str) -> Result<(), StepError> {
        let message = Unmuted { v: V, muted_signal: signal_id.to_owned() };
        let body = serde_json::to_string(&message).map_err(|e| StepError::Stuck(e.into()))?;
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(drop).map_err(|e| sdk_error("a signal that was muted could not be put into the queue", e))
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
    let last = ctx.store.fingerprint(&signal.fingerprint).await.inspect_err(|error| log(&signal.signal_id, error));
    match duty(waits, last.ok().flatten().as_ref()) {
        // At once, over or not, so that of each failing thing one waits at most.
        Duty::Drop => ctx.store.drop_muted(&signal.signal_id, now).await,
        Duty::Deliver if !waits.muted.is_over(mutes, now) => Ok(()),
        Duty::Deliver => {
            output.unmuted += 1;
            ctx.signals.deliver(&signal.signal_id).await
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Duty {
    /// It has recovered, or a later signal of its fingerprint waits in its place.
    Drop,
    /// Triage is to decide.
    Deliver,
}

/// What to do with a signal whose mute is over. Where nothing is known of its fingerprint, or it cannot be read, triage
/// decides.
fn duty(waits: &MutedSignal, last: Option<&FingerprintState>) -> Duty {
    if last.is_none_or(|last| fires_still(&waits.signal, last)) { Duty::Deliver } else { Duty::Drop }
}

fn log(signal_id: &str, failure: &StepError) {
    let (name, chain) = (failure.name(), format!("{:#}", failure.cause()));
    tracing::error!(signal_id, error.name = name, error.chain = chain, "what is muted could not be looked at");
}

#[cfg(test)]
#[path = "unmute_test.rs"]
mod tests;
