//! Any other event in EventBridge's shape, by rule: for services that have no reader here, and for what AWS adds next year.
//! And what CloudTrail tells, as an event or as its bare record.
//!
//! - **State**: by the words of the detail's status, else of what happened, its categories or its severity, else of the
//!   detail type. What says nothing informs.
//! - **Kind**: by the service, else by the words of the detail type.
//! - **Failing thing**: what the detail says the event is about, else the first resource with an ARN, else the detail's own
//!   name; and what the detail type is about, without the words that tell a failure from a recovery. A finding has its own
//!   identity, or one that is closed would close its neighbours.

mod detail;
mod trail;

use crate::arn::Arn;
use crate::event::{Event, Thing};
use crate::source::{Reader, Source};
use crate::{Kind, Signal, State, Unread, outcome, shown};

pub(crate) const SOURCE: Source = Source { name: "eventbridge", rules: &[], reader: Reader::Payload(read) };

fn read(payload: &serde_json::Value) -> Option<Vec<Result<Signal, Unread>>> {
    let signal = match Event::of(payload) {
        Some(event) if event.detail_type.ends_with("via CloudTrail") => trail::read(&event),
        Some(event) => signal(&event),
        None => trail::read(&Event::of(&trail::event(payload)?)?),
    };
    Some(vec![signal])
}

fn signal(event: &Event) -> Result<Signal, Unread> {
    let status = detail::status(event);
    let state = state(event, status);
    let kind = kind(event, state);
    let is = status.map_or_else(String::new, |status| format!(" is {}", shown(status)));
    let arn = detail::arn(event);
    let finding = (kind == Kind::Finding).then(|| event.first(&["/id", "/findingId"])).flatten();
    let name = detail::name(event).or_else(|| Some(arn.as_ref()?.resource.rsplit([':', '/']).next()?.to_owned()));
    let name = name.or_else(|| detail::id(event)).unwrap_or_else(|| event.detail_type.to_owned());
    let called = event.text("/title").filter(|_| kind == Kind::Finding).unwrap_or(&name);
    let title = format!("{}: {}{is}", shown(event.detail_type), shown(called));
    let condition = condition(event, arn.as_ref(), finding);
    let thing = Thing::of(arn, finding.unwrap_or(&name));
    let draft = event
        .draft(kind, state, thing, title)
        .condition(condition)
        .also(detail::affected(event))
        .tagged_at(detail::TAGS);
    let place = (event.first(&["/awsAccountId", "/accountId"]), event.first(&["/awsRegion", "/region"]));
    draft.place(place.0, place.1).because(detail::reason(event)).signal()
}

/// What it is about the thing: one that has an ARN can have several findings, and fail several checks; a queue has many jobs.
fn condition(event: &Event, arn: Option<&Arn>, finding: Option<&str>) -> String {
    let own = arn.is_none_or(|arn| arn.resource.contains("finding/"));
    let of_arn =
        [event.text("/check-name"), event.text("/jobQueue").and(event.text("/jobName")), finding.filter(|_| !own)];
    let parts = of_arn.into_iter().flatten().filter(|_| arn.is_some());
    let parts = event.text("/event").into_iter().chain(parts);
    parts.fold(outcome::subject(event.detail_type), |condition, part| format!("{condition}/{part}"))
}

fn state(event: &Event, status: Option<&str>) -> State {
    let kind = kind(event, State::Info);
    let says = |words: &[&str]| outcome::has(event.detail_type, words);
    // A finding, an alarm or an outage that is active is not well, and an update that is available has not been made.
    let by_kind = |word: &str| match word {
        "ACTIVE" | "NEW" | "ALERT_CREATED" | "ALERT_UPDATED" => {
            matches!(kind, Kind::Finding | Kind::Alarm | Kind::Health).then_some(State::Firing)
        }
        "Available" => says(&["update"]).then_some(State::Info),
        _ => None,
    };
    if let Some(state) = status.and_then(|word| by_kind(word).or_else(|| outcome::of(word))) {
        return state;
    }
    if detail::is_categorised_as_failure(event) {
        return State::Firing;
    }
    let said = ["/eventType", "/messageType", "/notification-type", "/evictErrorMessage"];
    let mut said = said.iter().filter_map(|pointer| event.text(pointer));
    if let Some(state) = said.find_map(|word| by_kind(word).or_else(|| outcome::of(word))) {
        return state;
    }
    let severe = event.text("/severity").is_some_and(|word| matches!(word, "ERROR" | "FATAL" | "CRITICAL"));
    if severe {
        return State::Firing;
    }
    // A status that says nothing is an answer: the detail type names every outcome that it may have.
    if status.is_some() {
        return State::Info;
    }
    match outcome::of(event.detail_type) {
        Some(state) => state,
        None if says(&["open", "opened", "detected", "alert"]) => State::Firing,
        None if kind == Kind::Finding && says(&["finding"]) => State::Firing,
        None => State::Info,
    }
}

fn kind(event: &Event, state: State) -> Kind {
    let says = |words: &[&str]| outcome::has(event.detail_type, words);
    let limit =
        event.text("/check-name").is_some_and(|check| outcome::has(check, &["limit", "limits", "quota", "quotas"]));
    match by_source(event.source) {
        _ if limit => Kind::Quota,
        // Of what finds, a scan is a run.
        Some(kind) if !says(&["scan", "coverage"]) => kind,
        _ if says(&["finding", "findings", "compliance", "cve", "vulnerability", "threat"]) => Kind::Finding,
        _ if says(&["quota", "quotas", "limit", "limits", "throttling"]) => Kind::Quota,
        _ if says(&["budget", "cost", "spend", "savings"]) => Kind::Cost,
        _ if says(&["deployment", "deploy", "rollout"]) => Kind::Deployment,
        _ if says(&["alarm", "alert", "anomaly", "insight", "slo"]) => Kind::Alarm,
        _ if says(&["health", "maintenance", "retirement"]) => Kind::Health,
        _ if says(&["heartbeat", "watchdog"]) => Kind::Watchdog,
        _ if state != State::Info || says(RUNS) => Kind::Failure,
        _ if says(CHANGES) => Kind::Change,
        _ => Kind::Other,
    }
}

/// What can fail: an event of it is about a failure, or its end.
const RUNS: &[&str] = &[
    "build",
    "copy",
    "crawler",
    "execution",
    "experiment",
    "import",
    "invocation",
    "job",
    "query",
    "replication",
    "restore",
    "run",
    "scan",
    "snapshot",
    "snapshots",
    "step",
    "task",
    "training",
    "transform",
    "volume",
];

/// What somebody, or something, did.
const CHANGES: &[&str] = &[
    "action",
    "change",
    "changed",
    "created",
    "deleted",
    "deletion",
    "deregistered",
    "locked",
    "modified",
    "object",
    "registered",
    "removed",
    "rotation",
    "scheduled",
    "status",
    "unlocked",
    "updated",
];

fn by_source(source: &str) -> Option<Kind> {
    Some(match source.strip_prefix("aws.")? {
        "access-analyzer" | "config" | "detective" | "guardduty" | "inspector" | "inspector2" | "macie" | "macie2"
        | "securityhub" | "trustedadvisor" => Kind::Finding,
        "health" => Kind::Health,
        "budgets" | "ce" => Kind::Cost,
        "servicequotas" => Kind::Quota,
        "devops-guru" | "applicationinsights" | "application-signals" | "internetmonitor" => Kind::Alarm,
        "amplify" | "apprunner" | "proton" => Kind::Deployment,
        _ => return None,
    })
}
