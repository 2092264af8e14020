//! ECS: what a service reports, its deployments, its tasks.
//!
//! - **Service actions** of type `ERROR` and `WARN` fire under the service's ARN; `SERVICE_STEADY_STATE` recovers.
//! - **Deployments** that failed fire under the service's ARN and `#deployment`; one that completes recovers, the one that
//!   the circuit breaker rolls back to included.
//! - **Tasks** of a service that fail to start, or stop for a reason of their own, fire under the service's ARN, since the
//!   steady state says when its tasks are back. Tasks of no service fire under their cluster and family, and recover when
//!   one of the family ends with exit code 0. What the scheduler or a person stops informs.

use serde_json::Value;

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, shown, text};

pub(crate) const SOURCE: Source = Source {
    name: "ecs",
    rules: &[
        Rule {
            event: "EcsServiceEvents",
            pattern: r#"{
                "source": ["aws.ecs"],
                "detail-type": ["ECS Service Action"],
                "detail": { "eventType": ["WARN", "ERROR"] }
            }"#,
        },
        Rule {
            event: "EcsServiceSteadyEvents",
            pattern: r#"{
                "source": ["aws.ecs"],
                "detail-type": ["ECS Service Action"],
                "detail": { "eventName": ["SERVICE_STEADY_STATE"] }
            }"#,
        },
        Rule {
            event: "EcsDeploymentEvents",
            pattern: r#"{
                "source": ["aws.ecs"],
                "detail-type": ["ECS Deployment State Change"],
                "detail": { "eventName": ["SERVICE_DEPLOYMENT_FAILED", "SERVICE_DEPLOYMENT_COMPLETED"] }
            }"#,
        },
        Rule {
            event: "EcsTaskEvents",
            pattern: r#"{
                "source": ["aws.ecs"],
                "detail-type": ["ECS Task State Change"],
                "detail": { "lastStatus": ["STOPPED"], "stopCode": ["TaskFailedToStart", "EssentialContainerExited"] }
            }"#,
        },
        Rule {
            event: "EcsTaskHealthEvents",
            pattern: r#"{
                "source": ["aws.ecs"],
                "detail-type": ["ECS Task State Change"],
                "detail": { "lastStatus": ["STOPPED"], "stoppedReason": [{ "prefix": "Task failed " }] }
            }"#,
        },
    ],
    reader: Reader::Event(&["aws.ecs"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    match event.detail_type {
        "ECS Service Action" => Some(service_action(event)),
        "ECS Deployment State Change" => Some(deployment(event)),
        "ECS Task State Change" => Some(task(event)),
        "ECS Container Instance State Change" => Some(container_instance(event)),
        _ => None,
    }
}

fn service_action(event: &Event) -> Result<Signal, Unread> {
    let name = event.text("/eventName").ok_or_else(|| event.lacks("its event name"))?;
    let state = match (name, event.text("/eventType")) {
        ("SERVICE_STEADY_STATE", _) => State::Recovered,
        (_, Some("ERROR" | "WARN")) => State::Firing,
        _ => State::Info,
    };
    let service = service(event)?;
    let title = format!("Service {}: {}", shown(service_name(&service)), shown(name));
    let link = link(&service);
    let draft = event.draft(Kind::Failure, state, Thing::Arn(service), title);
    let draft = draft.at(event.text("/createdAt").and_then(instant)).because(event.text("/reason"));
    draft.also(event.text("/clusterArn").and_then(Arn::parse)).link(link).signal()
}

fn deployment(event: &Event) -> Result<Signal, Unread> {
    let name = event.text("/eventName").ok_or_else(|| event.lacks("its event name"))?;
    let (state, done) = match name {
        "SERVICE_DEPLOYMENT_FAILED" => (State::Firing, "failed"),
        "SERVICE_DEPLOYMENT_COMPLETED" => (State::Recovered, "is complete"),
        _ if event.text("/eventType") == Some("ERROR") => (State::Firing, "failed"),
        _ => (State::Info, "is in progress"),
    };
    let service = service(event)?;
    let id = event.text("/deploymentId").unwrap_or("without id");
    let title = format!("Deployment {} of service {} {done}", shown(id), shown(service_name(&service)));
    let link = link(&service);
    let draft = event.draft(Kind::Deployment, state, Thing::Arn(service), title).condition("deployment");
    draft.at(event.text("/updatedAt").and_then(instant)).because(event.text("/reason")).link(link).signal()
}

fn task(event: &Event) -> Result<Signal, Unread> {
    let task = event.text("/taskArn").and_then(Arn::parse).or_else(|| event.resource("ecs", "task/"));
    let task = task.ok_or_else(|| event.lacks("which task it is, by its ARN"))?;
    let status = event.text("/lastStatus").ok_or_else(|| event.lacks("its status"))?;
    let group = event.text("/group").unwrap_or_default();
    let cluster = event.text("/clusterArn").and_then(Arn::parse);
    let of_service = group.strip_prefix("service:");
    let state = if status == "STOPPED" { stopped(event, of_service.is_some()) } else { State::Info };
    let service = of_service.zip(cluster.as_ref()).map(|(name, cluster)| {
        cluster.sibling(format!("service/{}/{name}", cluster.resource.strip_prefix("cluster/").unwrap_or_default()))
    });
    let (thing, condition) = match (service, cluster) {
        (Some(service), _) => (service, None),
        (None, Some(cluster)) if !group.is_empty() => (cluster, Some(group)),
        _ => (task.clone(), None),
    };
    let id = task.resource.rsplit('/').next().unwrap_or(&task.resource);
    let of = if group.is_empty() { String::new() } else { format!(" of {}", shown(group)) };
    let title = match state {
        State::Firing => format!("Task {}{of} failed: {}", shown(id), how(event)),
        _ => format!("Task {}{of} is {}", shown(id), shown(status)),
    };
    let link = link(&thing);
    let mut draft = event.draft(Kind::Failure, state, Thing::Arn(thing), title).also([task]);
    if let Some(condition) = condition {
        draft = draft.condition(condition);
    }
    let time = event.first(&["/stoppedAt", "/updatedAt"]).and_then(instant);
    draft.at(time).because(Some(why(event))).link(link).signal()
}

/// Whether a stopped task stopped for a reason of its own.
fn stopped(event: &Event, of_service: bool) -> State {
    let codes: Vec<i64> =
        containers(event).iter().filter_map(|container| container.get("exitCode")?.as_i64()).collect();
    let failed = codes.iter().any(|code| *code != 0);
    match event.text("/stopCode") {
        Some("TaskFailedToStart") => State::Firing,
        Some("EssentialContainerExited") | None if failed => State::Firing,
        // Batch work that has ended well. A service whose container ends is replaced, and its steady state speaks.
        Some("EssentialContainerExited") if !codes.is_empty() && !of_service => State::Recovered,
        // The scheduler stops what failed its health checks, too.
        _ if event.text("/stoppedReason").is_some_and(|reason| reason.starts_with("Task failed ")) => State::Firing,
        _ => State::Info,
    }
}

/// How it stopped, in words that hold nothing of the container's own.
fn how(event: &Event) -> String {
    let code = match event.text("/stopCode") {
        Some("ServiceSchedulerInitiated") => "its health checks failed".to_owned(),
        Some(code) => shown(code),
        None => "it stopped".to_owned(),
    };
    containers(event).iter().find_map(exit).map_or_else(|| code.clone(), |exit| format!("{code}, {exit}"))
}

/// What the task and its containers say, the first of them that says something.
fn why(event: &Event) -> String {
    let said = containers(event).iter().find_map(|container| {
        let name = text(container, "/name").unwrap_or("a container");
        text(container, "/reason").map(|reason| format!("{name}: {reason}")).or_else(|| exit(container))
    });
    let reason = event.first(&["/stoppedReason", "/stopCode"]).map(str::to_owned);
    match (reason, said) {
        (Some(reason), Some(said)) => format!("{reason} ({said})"),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

fn exit(container: &Value) -> Option<String> {
    let code = container.get("exitCode").and_then(Value::as_i64).filter(|code| *code != 0)?;
    Some(format!("{} exited with code {code}", shown(text(container, "/name").unwrap_or("a container"))))
}

fn containers<'a>(event: &Event<'a>) -> &'a [Value] {
    event.detail.get("containers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

/// Agents come and go in normal operation.
fn container_instance(event: &Event) -> Result<Signal, Unread> {
    let arn = event.text("/containerInstanceArn").and_then(Arn::parse);
    let arn = arn.or_else(|| event.resource("ecs", "container-instance/"));
    let arn = arn.ok_or_else(|| event.lacks("which container instance it is, by its ARN"))?;
    let id = arn.resource.rsplit('/').next().unwrap_or(&arn.resource);
    let connected = match event.detail.get("agentConnected").and_then(Value::as_bool) {
        Some(true) => "its agent connected",
        Some(false) => "its agent not connected",
        None => "its agent unknown",
    };
    let status = event.text("/status").unwrap_or("in an unknown status");
    let title = format!("Container instance {} is {}, {connected}", shown(id), shown(status));
    let draft = event.draft(Kind::Change, State::Info, Thing::Arn(arn), title);
    draft.at(event.text("/updatedAt").and_then(instant)).because(event.text("/statusReason")).signal()
}

fn service(event: &Event) -> Result<Arn, Unread> {
    event.resource("ecs", "service/").ok_or_else(|| event.lacks("which service it is, by its ARN"))
}

/// `cluster/service`, as far as the ARN has it.
fn service_name(service: &Arn) -> &str {
    service.resource.strip_prefix("service/").unwrap_or(&service.resource)
}

fn link(arn: &Arn) -> Option<String> {
    let region = &arn.region;
    let parts: Vec<String> = arn.resource.split('/').map(percent_encoded).collect();
    let page = match parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["service", cluster, service] => format!("clusters/{cluster}/services/{service}/health"),
        ["cluster", cluster] => format!("clusters/{cluster}/tasks"),
        _ => return None,
    };
    console(region, &format!("ecs/v2/{page}?region={region}"))
}
