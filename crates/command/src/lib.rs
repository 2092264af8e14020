//! Purpose: do what a person asked for through the queue `commands`, once, and record the answer that they wait for.
//! Reads: the incident, its mitigation, `CMD#…`. Writes: `CMD#…`, the acknowledgement, the decision about a mitigation,
//! the resolution, the wish to take a change back, the incident that is made of a signal, the brake, the mutes, the ledger of
//! changes, the timeline; wakes the state machine that waits, and starts those that take back and that serve an incident.
//! Undo: none; a person asks for the opposite. Retry: safe; a request that is answered is not done again, and one that was
//! cut off finds its own traces and goes on from there.

mod act;
mod decide;
mod declare;
#[cfg(test)]
mod hostile_test;
mod mute;
mod request;
#[cfg(test)]
mod samples;
mod undo;
mod wake;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_types::SdkConfig;
use incident::{CommandRecord, V};
use incident_store::Store;
use jiff::Timestamp;
use step::{Env, StepError};

use crate::decide::Answer;
use crate::request::Request;

/// A batch of messages; the body of each is an [`incident::Command`].
pub type Input = SqsEvent;

/// The messages that are to be delivered again.
pub type Output = SqsBatchResponse;

/// What the function holds between invocations.
#[derive(Debug)]
pub struct Ctx {
    store: Store,
    states: aws_sdk_sfn::Client,
    mitigate: Mitigate,
    /// The state machine that walks an incident through the loop.
    incident_response: String,
}

/// The state machine `mitigate`.
#[derive(Debug)]
pub(crate) struct Mitigate {
    pub(crate) client: aws_sdk_sfn::Client,
    pub(crate) state_machine: String,
    /// What the ARN of every execution begins with.
    pub(crate) executions: String,
}

impl Ctx {
    /// Clients and settings from the environment; no network is asked.
    ///
    /// # Errors
    /// `Stuck` where a variable is missing: the deployment has to be mended.
    pub fn new(env: &Env) -> Result<Self, StepError> {
        Self::over(&step::aws::config(env)?, env.get("TABLE")?, env.get("MITIGATE")?, env.get("INCIDENT_RESPONSE")?)
    }

    fn over(
        config: &SdkConfig,
        table: String,
        state_machine: String,
        incident_response: String,
    ) -> Result<Self, StepError> {
        let states = aws_sdk_sfn::Client::new(config);
        let executions = state_machine.replacen(":stateMachine:", ":execution:", 1) + ":";
        if !state_machine.contains(":stateMachine:") {
            return Err(StepError::stuck(format!("MITIGATE is `{state_machine}`, which is no ARN of a state machine")));
        }
        let mitigate = Mitigate { client: states.clone(), state_machine, executions };
        Ok(Self { store: Store::new(config, table), states, mitigate, incident_response })
    }
}

/// Takes each command by itself: one that fails is delivered again alone.
///
/// A command that asks for what cannot be, or for what nobody here does, is no failure: it is answered. What does not even
/// name its request has nobody to answer to: it is delivered again until it is a dead letter, which is kept, and about
/// which an alarm tells.
///
/// # Errors
/// None: what fails is named in the answer.
pub async fn handle(ctx: &Ctx, input: Input) -> Result<Output, StepError> {
    let mut output = Output::default();
    for message in &input.records {
        // Boxed, so that the depth of the futures stays within what the compiler computes.
        if let Err(error) = Box::pin(take(ctx, message, step::now())).await {
            let (name, chain) = (error.name(), format!("{:#}", error.cause()));
            tracing::error!(error.name = name, error.chain = chain, "a command failed and is delivered again");
            output.add_failure(message.message_id.clone().unwrap_or_default());
        }
    }
    Ok(output)
}

/// Reads, does and answers one command.
async fn take(ctx: &Ctx, message: &SqsMessage, now: Timestamp) -> Result<(), StepError> {
    let read = request::read(message.body.as_deref().unwrap_or_default());
    let (request, asked) = read.map_err(|reason| {
        StepError::rejected(reason).context("a message of the queue is no command; look at it in the dead-letter queue")
    })?;
    if let Some(record) = ctx.store.command(&request.request_id).await? {
        return wake::again(ctx, &request, &record).await;
    }
    let answer = match asked {
        Ok(asked) => act::act(ctx, &request, asked, sent_at(message).unwrap_or(now), now).await,
        Err(reason) => Ok(Answer::no(reason)),
    };
    let answer = match answer {
        Err(StepError::Rejected(reason)) => Answer::no(reason.to_string()),
        other => other?,
    };
    record(ctx, request, answer, now).await
}

async fn record(ctx: &Ctx, request: Request, answer: Answer, at: Timestamp) -> Result<(), StepError> {
    let Request { request_id, verb, incident_id, by } = request;
    let Answer { done, text: answer } = answer;
    let record = CommandRecord { v: V, request_id, verb, incident_id, done, answer, by, at };
    tracing::info!(
        command = record.request_id,
        incident_id = record.incident_id,
        done,
        answer = record.answer,
        "a command is answered"
    );
    ctx.store.answer_command(&record).await.map(drop)
}

/// When the message was put into the queue: the same at every delivery.
fn sent_at(message: &SqsMessage) -> Option<Timestamp> {
    let millis = message.attributes.get("SentTimestamp")?.parse().ok()?;
    Timestamp::from_millisecond(millis).ok()
}

#[cfg(test)]
mod tests;
