//! CodeDeploy: deployments, and what becomes of each instance in them.
//!
//! `FAILURE` fires; the next `SUCCESS` of the same deployment group (or of the same instance in it) recovers. `STOP` informs:
//! a person stopped it, or an alarm did, which fires by itself.

use crate::arn::{Arn, console};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::{Kind, Signal, State, Unread, outcome, shown};

pub(crate) const SOURCE: Source = Source {
    name: "codedeploy",
    rules: &[Rule {
        event: "CodeDeployEvents",
        pattern: r#"{
            "source": ["aws.codedeploy"],
            "detail-type": ["CodeDeploy Deployment State-change Notification"],
            "detail": { "state": ["FAILURE", "SUCCESS"] }
        }"#,
    }],
    reader: Reader::Event(&["aws.codedeploy"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    match event.detail_type {
        "CodeDeploy Deployment State-change Notification" => Some(deployment(event)),
        "CodeDeploy Instance State-change Notification" => Some(instance(event)),
        _ => None,
    }
}

fn deployment(event: &Event) -> Result<Signal, Unread> {
    let (state, ended) = state(event)?;
    let (group, arn) = group(event)?;
    let id = event.text("/deploymentId").unwrap_or("without id");
    let title = format!("Deployment {} of {} {ended}", shown(id), shown(&group));
    event.draft(Kind::Deployment, state, Thing::of(arn, &group), title).link(link(event)).signal()
}

/// An instance fails in a deployment, so its part is the group's and not the machine's alone.
fn instance(event: &Event) -> Result<Signal, Unread> {
    let (state, ended) = state(event)?;
    let (group, group_arn) = group(event)?;
    let id = event.text("/instanceId").ok_or_else(|| event.lacks("which instance it is"))?;
    let arn = event.resource("ec2", "instance/").or_else(|| event.resource("codedeploy", "instance"));
    let title = format!("Deployment {} on {} {ended}", shown(&group), shown(id));
    let draft = event.draft(Kind::Deployment, state, Thing::of(arn, id), title);
    draft.condition(format!("codedeploy/{group}")).also(group_arn).link(link(event)).signal()
}

fn state(event: &Event) -> Result<(State, String), Unread> {
    let word = event.text("/state").ok_or_else(|| event.lacks("its state"))?;
    Ok(match word {
        "FAILURE" => (State::Firing, "failed".to_owned()),
        "SUCCESS" => (State::Recovered, "succeeded".to_owned()),
        "START" => (State::Info, "has started".to_owned()),
        "READY" => (State::Info, "is ready to shift traffic".to_owned()),
        "STOP" => (State::Info, "was stopped".to_owned()),
        other => (outcome::of(other).unwrap_or(State::Info), format!("is in state {}", shown(other))),
    })
}

/// The deployment group: `application/group`, and its ARN.
fn group(event: &Event) -> Result<(String, Option<Arn>), Unread> {
    let (application, group) = (event.text("/application"), event.text("/deploymentGroup"));
    let (Some(application), Some(group)) = (application, group) else {
        return Err(event.lacks("which application and deployment group it is of"));
    };
    let name = format!("{application}/{group}");
    let arn = event.resource("codedeploy", "deploymentgroup:");
    let arn = arn.or_else(|| event.arn("codedeploy", &format!("deploymentgroup:{name}")));
    Ok((name, arn))
}

fn link(event: &Event) -> Option<String> {
    let (region, id) = (event.region()?, event.text("/deploymentId")?);
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    console(region, &format!("codesuite/codedeploy/deployments/{id}?region={region}")).filter(|_| plain)
}
