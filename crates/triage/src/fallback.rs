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

/// SNS takes 256 KiB, and a signal of that size has to be paged, too: so many of its resources are told.
const RESOURCES: usize = 5;

/// The longest line, in characters: a link to an alarm with the longest name that is read is whole.
const LINE: usize = 4_000;

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
    format!(
        "{drill}degraded, may repeat: {error}.\n\
         \n\
         {} {}\n\
         Service: {} ({}). Owner of the decision: {}.\n\
         Fires since: {}.\n\
         Resource: {}\n\
         Look: {}\n\
         \n\
         There may be no incident record, no escalation and no mitigation for this. The delivery is retried; act as if it \
         were not.\n",
        plan.plan.severity,
        line(&signal.title),
        plan.plan.service,
        plan.plan.environment,
        plan.plan.owner,
        signal.time,
        resources(signal),
        line(link),
    )
}

fn resources(signal: &Signal) -> String {
    let named: Vec<String> = signal.resources.iter().take(RESOURCES).map(|resource| line(resource)).collect();
    match signal.resources.len().saturating_sub(RESOURCES) {
        0 if named.is_empty() => "unknown".to_owned(),
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// One line, as long as anybody reads.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use response_plan::Plans;
    use serde_json::json;
    use signal::Origin;

    use super::*;

    #[track_caller]
    fn told(name: &str, others: &[String]) -> String {
        let arn = format!("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}");
        let resources: Vec<&str> = std::iter::once(arn.as_str()).chain(others.iter().map(String::as_str)).collect();
        let event = json!({
            "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "account": "111122223333",
            "region": "eu-west-1", "time": "2026-11-23T14:00:00Z", "resources": resources,
            "detail": {"alarmName": name, "state": {"value": "ALARM", "timestamp": "2026-11-23T14:00:00.000+0000"}},
        });
        let signal = signal::read_value(&event, &Origin::default()).remove(0).unwrap();
        let plan = Plans::empty("t").resolve(&signal).plan;
        message(&signal, &plan, &StepError::transient("the table is gone"))
    }

    #[test]
    fn a_page_fits_and_names_what_fails() {
        let page = told("checkout-errors", &[]);
        let resource = "Resource: arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors\n";
        assert!(page.starts_with("degraded, may repeat: the table is gone.\n") && page.contains(resource), "{page}");

        let others: Vec<String> = (0..20_000).map(|n| format!("arn:aws:ec2:::{n}\u{e9}{}", "x".repeat(100))).collect();
        let many = told(&"\u{e9}".repeat(512), &others);
        assert!(many.len() < 64 << 10, "{} bytes", many.len());
        assert!(many.contains(" and 19996 more\n") && many.contains(&format!("{}\n", "%C3%A9".repeat(512))), "{many}");
        assert!(told("one", &[format!("arn:{}", "x".repeat(300_000))]).len() < 64 << 10);
    }
}
