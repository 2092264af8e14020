//! Pages fail open: with DynamoDB or Step Functions out of reach, triage sends the page itself.

use jiff::{SignedDuration, Timestamp};
use response_plan::ResolvedPlan;
use signal::Signal;
use step::{StepError, sdk_error};

use crate::Ctx;

/// A process that paged a signal keeps still about it for so long, however often the delivery is retried.
const QUIET: SignedDuration = SignedDuration::from_mins(10);

/// SNS takes at most 100 ASCII characters as the subject of an e-mail.
const SUBJECT: usize = 100;

/// Pages the fallback topic about a signal that could not be handed on, and gives back the error of the delivery, which
/// is retried all the same. Where the page fails as well, that is part of the error.
pub(crate) async fn page(ctx: &Ctx, signal: &Signal, plan: &ResolvedPlan, error: StepError) -> StepError {
    let now = step::now();
    if !is_due(ctx, &signal.signal_id, now) {
        return error;
    }
    let publish = ctx.sns.publish().topic_arn(&ctx.fallback_topic);
    let publish = publish.subject(subject(signal, plan)).message(message(signal, plan, &error)).send().await;
    match publish {
        Ok(_) => {
            tracing::warn!(signal_id = signal.signal_id, "triage paged the fallback topic by itself");
            error
        }
        Err(failed) => {
            forget(ctx, &signal.signal_id);
            let failed = sdk_error("the fallback topic could not be reached either", failed);
            tracing::error!(error.chain = format!("{:#}", failed.cause()), "the fallback page failed");
            error.context("the signal could neither be recorded nor paged; it stays in the queue")
        }
    }
}

fn is_due(ctx: &Ctx, signal_id: &str, now: Timestamp) -> bool {
    let Ok(mut paged) = ctx.paged.lock() else { return true };
    paged.retain(|_, at| now.duration_since(*at) < QUIET);
    paged.insert(signal_id.to_owned(), now).is_none()
}

fn forget(ctx: &Ctx, signal_id: &str) {
    if let Ok(mut paged) = ctx.paged.lock() {
        paged.remove(signal_id);
    }
}

fn subject(signal: &Signal, plan: &ResolvedPlan) -> String {
    let drill = if signal.drill { "DRILL " } else { "" };
    let text = format!("{drill}{} {} (degraded)", plan.plan.severity, signal.title);
    text.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).take(SUBJECT).collect()
}

/// What a person needs when nothing else works; only text that we built.
fn message(signal: &Signal, plan: &ResolvedPlan, error: &StepError) -> String {
    let drill = if signal.drill { "DRILL: this is run on purpose.\n" } else { "" };
    let link = signal.link.as_deref().unwrap_or("no link is known");
    let resources = if signal.resources.is_empty() { "unknown".to_owned() } else { signal.resources.join(", ") };
    format!(
        "{drill}degraded, may repeat: {error}.\n\
         \n\
         {} {}\n\
         Service: {} ({}). Owner of the decision: {}.\n\
         Fires since: {}.\n\
         Resource: {resources}\n\
         Look: {link}\n\
         \n\
         There may be no incident record, no escalation and no mitigation for this. The delivery is retried; act as if it \
         were not.\n",
        plan.plan.severity, signal.title, plan.plan.service, plan.plan.environment, plan.plan.owner, signal.time,
    )
}
