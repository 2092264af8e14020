//! CloudFormation: stacks, the resources in them, stack sets, drift.
//!
//! What failed or is rolled back fires, since what somebody deployed is not there; the next completed creation, update or
//! import of the same stack recovers. A deletion is no recovery: it informs, unless it fails.

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::{Kind, Signal, State, Unread, outcome, shown};

pub(crate) const SOURCE: Source = Source {
    name: "cloudformation",
    rules: &[Rule {
        event: "CloudFormationEvents",
        pattern: r#"{
            "source": ["aws.cloudformation"],
            "detail-type": ["CloudFormation Stack Status Change"],
            "detail": {
                "stack-id": [{ "anything-but": { "prefix": "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/${AWS::StackName}/" } }],
                "status-details": {
                    "status": [
                        "CREATE_FAILED", "DELETE_FAILED", "UPDATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED",
                        "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "IMPORT_ROLLBACK_COMPLETE",
                        "IMPORT_ROLLBACK_FAILED", "CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"
                    ]
                }
            }
        }"#,
    }],
    reader: Reader::Event(&["aws.cloudformation"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    match event.detail_type {
        "CloudFormation Stack Status Change" => Some(stack(event)),
        "CloudFormation Resource Status Change" => Some(resource(event)),
        "CloudFormation Drift Detection Status Change" => Some(drift(event)),
        "CloudFormation StackSet Status Change" => Some(set(event, "", State::Info)),
        "CloudFormation StackSet Operation Status Change" => Some(operation(event)),
        "CloudFormation StackSet StackInstance Status Change" => Some(instance(event)),
        _ => None,
    }
}

fn stack(event: &Event) -> Result<Signal, Unread> {
    let status = status(event)?;
    let (arn, name) = stack_arn(event)?;
    let title = format!("Stack {} is {}", shown(&name), shown(status));
    let link = link(&arn);
    let draft = event.draft(Kind::Deployment, state(status), Thing::Arn(arn), title);
    draft.because(event.text("/status-details/status-reason")).link(link).signal()
}

fn resource(event: &Event) -> Result<Signal, Unread> {
    let status = status(event)?;
    let (arn, name) = stack_arn(event)?;
    let logical = event.text("/logical-resource-id").ok_or_else(|| event.lacks("which resource it is"))?;
    let title = format!("{} in stack {} is {}", shown(logical), shown(&name), shown(status));
    let physical = event.text("/physical-resource-id").and_then(Arn::parse);
    let link = link(&arn);
    let draft = event.draft(Kind::Deployment, state(status), Thing::Arn(arn), title).condition(logical);
    draft.also(physical).because(event.text("/status-details/status-reason")).link(link).signal()
}

/// That the world is no longer as the template says is worth knowing, and no failure.
fn drift(event: &Event) -> Result<Signal, Unread> {
    let (arn, name) = stack_arn(event)?;
    let drift = event.first(&["/status-details/stack-drift-status", "/status-details/detection-status"]);
    let title = format!("Stack {} is {}", shown(&name), shown(drift.unwrap_or("checked for drift")));
    let link = link(&arn);
    event.draft(Kind::Change, State::Info, Thing::Arn(arn), title).condition("drift").link(link).signal()
}

fn operation(event: &Event) -> Result<Signal, Unread> {
    let state = match status(event)? {
        "FAILED" => State::Firing,
        "SUCCEEDED" => State::Recovered,
        _ => State::Info,
    };
    set(event, "An operation on stack", state)
}

fn set(event: &Event, what: &str, state: State) -> Result<Signal, Unread> {
    let status = status(event)?;
    let arn =
        event.text("/stack-set-arn").and_then(Arn::parse).or_else(|| event.resource("cloudformation", "stackset/"));
    let arn = arn.ok_or_else(|| event.lacks("which stack set it is, by its ARN"))?;
    let what = if what.is_empty() { "Stack" } else { what };
    let title = format!("{what} set {} is {}", shown(&set_name(&arn)), shown(status));
    event.draft(Kind::Deployment, state, Thing::Arn(arn), title).because(reason(event)).signal()
}

/// One stack of a set: the failing thing is the stack, in its own account and Region.
fn instance(event: &Event) -> Result<Signal, Unread> {
    let status = status(event)?;
    let state = match (status, event.text("/status-details/detailed-status")) {
        ("INOPERABLE", _) | (_, Some("FAILED" | "INOPERABLE")) => State::Firing,
        ("CURRENT", _) => State::Recovered,
        _ => State::Info,
    };
    let set = event.text("/stack-set-arn").and_then(Arn::parse);
    let Some((arn, name)) = stack_arn(event).ok() else {
        return self::set(event, "A stack of", state);
    };
    let title = format!("Stack {} of its set is {}", shown(&name), shown(status));
    let link = link(&arn);
    let draft = event.draft(Kind::Deployment, state, Thing::Arn(arn), title).condition("stackset").also(set);
    draft.because(reason(event)).link(link).signal()
}

fn state(status: &str) -> State {
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => State::Recovered,
        _ if status.contains("ROLLBACK") || status.ends_with("_FAILED") => State::Firing,
        _ if status.starts_with("DELETE_") => State::Info,
        other => outcome::of(other).unwrap_or(State::Info),
    }
}

fn status<'a>(event: &Event<'a>) -> Result<&'a str, Unread> {
    event.text("/status-details/status").ok_or_else(|| event.lacks("its status"))
}

fn reason<'a>(event: &Event<'a>) -> Option<&'a str> {
    event.text("/status-details/status-reason")
}

/// The stack, and the name in its ARN.
fn stack_arn(event: &Event) -> Result<(Arn, String), Unread> {
    let arn = event.text("/stack-id").and_then(Arn::parse).or_else(|| event.resource("cloudformation", "stack/"));
    let arn = arn.ok_or_else(|| event.lacks("which stack it is, by its ARN"))?;
    let name = arn.resource.split('/').nth(1).unwrap_or(&arn.resource).to_owned();
    Ok((arn, name))
}

fn set_name(arn: &Arn) -> String {
    let name = arn.resource.strip_prefix("stackset/").unwrap_or(&arn.resource);
    name.split(':').next().unwrap_or(name).to_owned()
}

fn link(stack: &Arn) -> Option<String> {
    let (region, id) = (&stack.region, percent_encoded(&stack.to_string()));
    console(region, &format!("cloudformation/home?region={region}#/stacks/events?stackId={id}"))
}
