//! Purpose: answer what broke, who owns the decision and how bad it is, for any signal, and see that somebody learns of
//! it.
//! Reads: the compiled response plans, the signal's records, whether it storms. Writes: the signal, the incident, its
//! timeline; what opens, that a storm is on or over, its members.
//! Starts: the incident's execution, in a storm that which pages an owner. Completes: a recovery that is waited for.
//! Undo: none; what it writes is a record. Retry: safe, every delivery of a signal after the first changes nothing, and
//! looks after what the first began.

mod door;
mod fallback;
mod storm;
mod take;
mod wake;

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use incident::{Place, SignalOutcome, V};
use incident_store::Store;
use jiff::Timestamp;
use response_plan::Plans;
use serde::Serialize;
use serde_json::Value;
use signal::Origin;
use step::{Env, StepError};

/// What triage works with; nothing here asks the network before the first event.
pub struct Ctx {
    store: Store,
    sfn: aws_sdk_sfn::Client,
    sns: aws_sdk_sns::Client,
    plans: Plans,
    /// Why the plans could not be read, where they could not: every incident then runs on the catch-all, and says so.
    degraded: Option<String>,
    own_account: Option<String>,
    place: Place,
    fallback_topic: String,
    incident_response: String,
    engage: String,
    /// Signals that this process paged by itself, and when: a retry does not page again at once.
    paged: Mutex<HashMap<String, Timestamp>>,
    /// The pages to owners in storms that this process has started: a few for each storm.
    paged_in_storms: Mutex<HashSet<String>>,
}

/// What became of one signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// What became of it.
    pub outcome: SignalOutcome,
    /// Why, in one sentence.
    pub reason: String,
    /// The signal, where it could be read.
    pub signal_id: Option<String>,
    /// The incident that it belongs to.
    pub incident_id: Option<String>,
    /// Its opening.
    pub opening: Option<u32>,
}

/// What triage answers: SQS gets the messages that failed, everybody else what became of each signal.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// The failed messages of a batch.
    Batch(aws_lambda_events::sqs::SqsBatchResponse),
    /// What became of each signal.
    Results {
        /// The version of this answer.
        v: u32,
        /// One for each signal, in order.
        results: Vec<Taken>,
    },
}

impl Ctx {
    /// Wires triage up. Plans that cannot be read do not stop it.
    ///
    /// # Errors
    /// `Stuck` where the deployment lacks a variable without which nobody could be told.
    pub fn new(env: &Env) -> Result<Self, StepError> {
        let config = step::aws::with_patience(&step::aws::config(env)?, Duration::from_secs(2), Duration::from_secs(3));
        let fallback_topic = env.get("FALLBACK_TOPIC")?;
        let (plans, degraded) = read_plans(env, &fallback_topic);
        Ok(Self {
            store: Store::new(&config, env.find("TABLE").unwrap_or_else(|| "TABLE-is-not-set".to_owned())),
            sfn: aws_sdk_sfn::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            plans,
            degraded,
            own_account: env.find("OWN_ACCOUNT"),
            place: place(env),
            fallback_topic,
            incident_response: env.find("INCIDENT_RESPONSE").unwrap_or_default(),
            engage: env.find("ENGAGE").unwrap_or_default(),
            paged: Mutex::default(),
            paged_in_storms: Mutex::default(),
        })
    }

    fn origin(&self) -> Origin<'_> {
        Origin { own_account: self.own_account.as_deref(), hubs: &[] }
    }
}

/// Where this stack is; it only names storms, and so nothing fails for it.
fn place(env: &Env) -> Place {
    let named = |name: &str| env.find(name).unwrap_or_else(|| "unknown".to_owned());
    Place { partition: named("PARTITION"), account: named("OWN_ACCOUNT"), region: named("AWS_REGION") }
}

fn read_plans(env: &Env, fallback_topic: &str) -> (Plans, Option<String>) {
    let path = env.find("TOURNIQUET_PLANS").unwrap_or_else(|| "/opt/plans.json".to_owned());
    let read = std::fs::read(&path).map_err(|e| e.to_string());
    match read.and_then(|bytes| Plans::load(&bytes, fallback_topic).map_err(|e| e.to_string())) {
        Ok(plans) => {
            for left_out in &plans.disabled {
                let (plan, reason) = (&left_out.plan, &left_out.reason);
                tracing::error!(
                    plan,
                    reason,
                    "a response plan, or owners.yaml, is disabled; the catch-all owns what it would match"
                );
            }
            for left_out in &plans.disabled_mutes {
                let (mute, reason) = (&left_out.plan, &left_out.reason);
                tracing::error!(mute, reason, "a recurring mute is disabled; it mutes nothing");
            }
            (plans, None)
        }
        Err(reason) => {
            tracing::error!(path, reason, "the response plans cannot be read; everything goes to the catch-all");
            (Plans::empty(fallback_topic), Some("the response plans could not be read".to_owned()))
        }
    }
}

/// Takes an event through any door. One bad signal never spoils its siblings: the others are done first.
///
/// # Errors
/// `Rejected` for what cannot be read, `Transient` and `Stuck` for what could not be recorded; the delivery is then
/// retried and kept in the queue `signals` and its dead letters. Where a page was due, it went to the fallback topic.
pub async fn handle(ctx: &Ctx, event: Value) -> Result<Output, StepError> {
    let received = step::now();
    match door::open(event) {
        door::Delivery::Batch(messages) => Ok(Output::Batch(batch(ctx, messages, received).await)),
        door::Delivery::Event(event) => {
            let (results, failed) = take::all(ctx, signal::read_value(&event, &ctx.origin()), received).await;
            failed.map_or(Ok(Output::Results { v: V, results }), Err)
        }
    }
}

/// Takes one message of the queue, of a source or of `sweep`; the error where it failed.
async fn message_taken(ctx: &Ctx, body: &str, received: Timestamp) -> Option<StepError> {
    if let Some(over) = door::storm_over(body) {
        return storm::end(ctx, &over, received).await.err();
    }
    let (_, failed) = match door::unmuted(body) {
        Some(signal_id) => take::again(ctx, &signal_id, received).await,
        None => take::all(ctx, signal::read(body.as_bytes(), &ctx.origin()), received).await,
    };
    failed
}

async fn batch(
    ctx: &Ctx,
    messages: Vec<aws_lambda_events::sqs::SqsMessage>,
    received: Timestamp,
) -> aws_lambda_events::sqs::SqsBatchResponse {
    // At once, since one that hangs must not keep the others from being paged.
    let taken = futures_util::future::join_all(messages.into_iter().map(async |message| {
        let body = message.body.unwrap_or_default();
        let error = message_taken(ctx, &body, received).await?;
        let (name, chain) = (error.name(), format!("{:#}", error.cause()));
        tracing::error!(error.name = name, error.chain = chain, message_id = message.message_id, "a message failed");
        Some(message.message_id.unwrap_or_default())
    }));
    let mut answer = aws_lambda_events::sqs::SqsBatchResponse::default();
    for message_id in taken.await.into_iter().flatten() {
        answer.add_failure(message_id);
    }
    answer
}
