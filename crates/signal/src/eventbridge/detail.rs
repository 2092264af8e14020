//! Where details keep what every event has: each service under names of its own.

use serde_json::Value;

use crate::arn::Arn;
use crate::event::Event;
use crate::text;

/// The status of what the event is about: the word of a field that is called so. An alarm's is an object around it.
pub(super) fn status<'a>(event: &Event<'a>) -> Option<&'a str> {
    let fields = event.detail.as_object()?;
    let plain = ["state", "status", "result", "outcome"];
    let exact = plain.iter().find_map(|name| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
    if let Some(word) = exact.and_then(|(_, value)| word(value)) {
        return Some(word);
    }
    let words = fields.iter().filter_map(|(key, value)| Some((key.to_ascii_lowercase(), word(value)?)));
    let words = words.filter(|(key, _)| (key.ends_with("status") || key.ends_with("state")) && !is_former(key));
    // Two maps of the same fields may list them in different orders.
    words.min().map(|(_, word)| word)
}

fn word(value: &Value) -> Option<&str> {
    match value {
        Value::String(word) => Some(word.trim()).filter(|word| !word.is_empty() && word.len() <= 200),
        Value::Object(_) => text(value, "/value").or(text(value, "/status")).or(text(value, "/name")),
        _ => None,
    }
}

fn is_former(key: &str) -> bool {
    ["previous", "prev", "old", "last", "desired", "secondary"].iter().any(|word| key.starts_with(word))
}

/// What the detail says it is about; else the first resource with a sound ARN; else an ARN of the same service in the detail.
/// A run has a new name each time, and what runs keeps its own: so that the next run can recover.
pub(super) fn arn(event: &Event) -> Option<Arn> {
    let named = |at: &str| event.text(at).and_then(Arn::parse);
    let about = ["/findingArn", "/resourceArn", "/resource_id", "/jobQueue"];
    if let Some(arn) = about.iter().find_map(|at| named(at)) {
        return Some(arn);
    }
    if let Some(arn) = event.resources().into_iter().find_map(Arn::parse) {
        let project = || Some(format!("project/{}", arn.resource.strip_prefix("build/")?.split(':').next()?));
        let project = (arn.service == "codebuild").then(project).flatten();
        return Some(project.map_or_else(|| arn.clone(), |project| arn.sibling(project)));
    }
    let fields = event.detail.as_object()?;
    let service = event.source.strip_prefix("aws.").unwrap_or(event.source);
    let arns = fields.iter().filter(|(key, _)| key.to_ascii_lowercase().ends_with("arn"));
    let arns = arns.filter_map(|(key, value)| Some((key, Arn::parse(value.as_str()?)?)));
    arns.filter(|(_, arn)| arn.service == service).min_by_key(|(key, _)| *key).map(|(_, arn)| arn)
}

/// What a finding is about.
pub(super) fn affected(event: &Event) -> impl Iterator<Item = Arn> {
    let at = ["/resource", "/resourcesAffected/s3Bucket/arn"];
    at.into_iter().filter_map(|at| Arn::parse(event.text(at)?))
}

/// Where details keep the tags of what they are about: of jobs and the like, then of what Inspector and Macie found it in.
pub(super) const TAGS: &[&str] = &["/tags", "/Tags", "/resources/0/tags", "/resourcesAffected/s3Bucket/tags"];

/// What the detail calls the thing: a field that is called a name.
pub(super) fn name(event: &Event) -> Option<String> {
    let exact = event.first(&["/name", "/Name", "/jobName", "/check-name", "/resource", "/bucket/name", "/object/key"]);
    exact.map(str::to_owned).or_else(|| ending(event, "name"))
}

/// What the detail calls the thing where it has no name.
pub(super) fn id(event: &Event) -> Option<String> {
    event.text("/id").map(str::to_owned).or_else(|| ending(event, "id"))
}

/// The field that is called so, and is of the thing: not of an account, of a vault that it lies in, of who asked or told.
fn ending(event: &Event, end: &str) -> Option<String> {
    let plain =
        |value: &Value| Some(value.as_str()?.trim().to_owned()).filter(|name| !name.is_empty() && name.len() <= 300);
    let other = ["account", "vault", "request", "event", "principal", "correlation", "trace"];
    let fields = event.detail.as_object()?.iter().map(|(key, value)| (key.to_ascii_lowercase(), value));
    let named = fields.filter(|(key, _)| key.ends_with(end) && !other.iter().any(|word| key.contains(word)));
    named.filter_map(|(key, value)| Some((key, plain(value)?))).min().map(|(_, name)| name)
}

/// RDS and its likes list what an event is about.
pub(super) fn is_categorised_as_failure(event: &Event) -> bool {
    let categories = event.detail.get("EventCategories").or(event.detail.get("eventCategories"));
    let categories = categories.and_then(Value::as_array).into_iter().flatten();
    categories.filter_map(Value::as_str).any(|category| matches!(category, "failure" | "low storage"))
}

/// The source's words about it.
pub(super) fn reason<'a>(event: &Event<'a>) -> Option<&'a str> {
    event.first(&[
        "/message",
        "/Message",
        "/detailMessage",
        "/statusMessage",
        "/statusReason",
        "/status-reason",
        "/FailureReason",
        "/errorMessage",
        "/ErrorMessage",
        "/cause",
        "/reason",
        "/description",
        "/Description",
        "/evictErrorMessage",
        "/trigger/description",
    ])
}
