//! What to say of a payload that no reader knows.

use serde_json::Value;

use crate::{Unread, shown, text};

/// Says what it was that no reader knows.
pub(super) fn refusal(payload: &Value) -> Unread {
    let part = |pointer| text(payload, pointer).map(shown);
    if let Some(kind) = part("/Type").filter(|_| payload.get("TopicArn").is_some()) {
        return Unread::unsupported(format!("An SNS {kind} carries no event: answer it where you subscribe."));
    }
    if is_request(payload) {
        return Unread::unsupported(
            "The payload is a request that waits for an answer, and no event: send it to the function that answers it.",
        );
    }
    match (part("/source"), part("/detail-type")) {
        (Some(source), None) if payload.get("detail").is_some() => Unread::malformed(format!(
            "The {source} event does not say its detail-type: deliver it as its source sent it."
        )),
        (None, Some(detail_type)) => Unread::malformed(format!(
            "The event {detail_type} does not say its source: deliver it as its source sent it."
        )),
        _ => Unread::unsupported(
            "Nothing here reads this payload: it is no event, and no webhook that is known; docs/sources.md has one for all.",
        ),
    }
}

/// HTTP requests, custom resources, jobs of pipelines and deployments, rotations of secrets, clicks in Slack.
fn is_request(payload: &Value) -> bool {
    let marks = [
        "requestContext",
        "ResponseURL",
        "CodePipeline.job",
        "LifecycleEventHookExecutionId",
        "ClientRequestToken",
        "getObjectContext",
        "trigger_id",
        "response_url",
        "api_app_id",
    ];
    marks.iter().any(|mark| payload.get(mark).is_some())
}
