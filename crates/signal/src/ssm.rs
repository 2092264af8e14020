//! Systems Manager: commands, automations, associations, maintenance windows, compliance, inventory, parameters, calendars.
//!
//! What failed or timed out fires under what would have to work: the document, on its instance where one is named; the
//! automation's definition; the association; the maintenance window and its part. The next success of the same recovers, and
//! so does `compliant` after `non_compliant`. Changes of parameters, windows and calendars inform.

use crate::arn::{Arn, console};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::{Kind, Signal, State, Unread, outcome, shown};

pub(crate) const SOURCE: Source = Source {
    name: "ssm",
    rules: &[
        Rule {
            event: "SsmCommandEvents",
            pattern: r#"{
                "source": ["aws.ssm"],
                "detail-type": ["EC2 Command Status-change Notification"],
                "detail": { "status": ["Failed", "TimedOut", "Delivery Timed Out", "Execution Timed Out", "Success"] }
            }"#,
        },
        Rule {
            event: "SsmAutomationEvents",
            pattern: r#"{
                "source": ["aws.ssm"],
                "detail-type": ["EC2 Automation Execution Status-change Notification"],
                "detail": { "Status": ["Failed", "TimedOut", "Success"] }
            }"#,
        },
        Rule {
            event: "SsmAssociationEvents",
            pattern: r#"{
                "source": ["aws.ssm"],
                "detail-type": ["EC2 State Manager Association State Change"],
                "detail": { "status": ["Failed", "Success"] }
            }"#,
        },
        Rule {
            event: "MaintenanceWindowEvents",
            pattern: r#"{
                "source": ["aws.ssm"],
                "detail-type": ["Maintenance Window Execution State-change Notification"],
                "detail": { "status": ["FAILED", "TIMED_OUT", "SUCCESS"] }
            }"#,
        },
        Rule {
            event: "SsmComplianceEvents",
            pattern: r#"{
                "source": ["aws.ssm"],
                "detail-type": ["Configuration Compliance State Change"],
                "detail": { "compliance-status": ["non_compliant", "compliant"] }
            }"#,
        },
    ],
    reader: Reader::Event(&["aws.ssm"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    match event.detail_type {
        "EC2 Command Status-change Notification" => Some(command(event, None)),
        "EC2 Command Invocation Status-change Notification" => Some(command(event, event.text("/instance-id"))),
        "EC2 Automation Execution Status-change Notification" | "EC2 Automation Step Status-change Notification" => {
            Some(automation(event))
        }
        "EC2 State Manager Association State Change" => Some(association(event, None)),
        "EC2 State Manager Instance Association State Change" => Some(association(event, event.text("/instance-id"))),
        "Configuration Compliance State Change" => Some(compliance(event)),
        "Inventory Resource State Change" => Some(inventory(event)),
        "Parameter Store Change" => Some(parameter(event)),
        "Calendar State Change" => Some(calendar(event)),
        name if name.starts_with("Maintenance Window ") => Some(window(event)),
        _ => None,
    }
}

fn command(event: &Event, instance: Option<&str>) -> Result<Signal, Unread> {
    let document = event.text("/document-name").ok_or_else(|| event.lacks("which document it runs"))?;
    let word = status(event, "/status")?;
    let own = event.arn("ssm", &format!("document/{document}"));
    let Some(instance) = instance else {
        let title = format!("Command {} is {}", shown(document), shown(word));
        return event.draft(Kind::Failure, state(word), Thing::of(own, document), title).signal();
    };
    let title = format!("Command {} on {} is {}", shown(document), shown(instance), shown(word));
    let arn = event.arn("ec2", &format!("instance/{instance}"));
    event
        .draft(Kind::Failure, state(word), Thing::of(arn, instance), title)
        .condition(format!("command/{document}"))
        .signal()
}

fn automation(event: &Event) -> Result<Signal, Unread> {
    let name = event.text("/Definition").ok_or_else(|| event.lacks("which document it runs"))?;
    let word = status(event, "/Status")?;
    let step = event.text("/StepName");
    let of = step.map_or_else(String::new, |step| format!(": {}", shown(step)));
    let title = format!("Automation {}{of} is {}", shown(name), shown(word));
    // Each version of a definition has an ARN of its own, and repairs are new versions.
    let arn =
        event.resource("ssm", "automation-definition/").map(|arn| arn.sibling(format!("automation-definition/{name}")));
    let arn = arn.or_else(|| event.arn("ssm", &format!("automation-definition/{name}")));
    let execution = event.resource("ssm", "automation-execution/");
    let link = execution.as_ref().and_then(|arn| {
        let (region, id) = (&arn.region, arn.resource.split('/').nth(1)?);
        let plain = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        console(region, &format!("systems-manager/automation/execution/{id}?region={region}")).filter(|_| plain)
    });
    let mut draft = event.draft(Kind::Failure, state(word), Thing::of(arn, name), title);
    if let Some(step) = step {
        draft = draft.condition(step);
    }
    // Its own end is written in words whose time zone nobody states.
    draft.because(event.text("/FailureMessage")).link(link).signal()
}

fn association(event: &Event, instance: Option<&str>) -> Result<Signal, Unread> {
    let id = event.text("/association-id").ok_or_else(|| event.lacks("which association it is"))?;
    let word = status(event, "/status")?;
    let document = event.text("/document-name").unwrap_or(id);
    let own = event.arn("ssm", &format!("association/{id}"));
    let reason = event.first(&["/execution-summary", "/detailed-status", "/error-code"]);
    let Some(instance) = instance else {
        let title = format!("Association of {} is {}", shown(document), shown(word));
        return event.draft(Kind::Failure, state(word), Thing::of(own, id), title).because(reason).signal();
    };
    let title = format!("Association of {} on {} is {}", shown(document), shown(instance), shown(word));
    let arn = event.resource("ec2", "instance/").or_else(|| event.arn("ec2", &format!("instance/{instance}")));
    let draft = event.draft(Kind::Failure, state(word), Thing::of(arn, instance), title);
    draft.condition(format!("association/{id}")).also(own).because(reason).signal()
}

/// A window, its task, or its task on one target; or a change of the window itself.
fn window(event: &Event) -> Result<Signal, Unread> {
    let id = event.text("/window-id").ok_or_else(|| event.lacks("which window it is"))?;
    let word = status(event, "/status")?;
    let plain = event.detail_type.trim_end_matches(" Notification").trim_end_matches(" State-change");
    let runs = plain.contains("Execution") || plain.contains("Invocation");
    let (kind, state) = if runs { (Kind::Failure, state(word)) } else { (Kind::Change, State::Info) };
    let title = format!("{} {} is {}", shown(plain), shown(id), shown(word));
    let arn = event.resource("ssm", "maintenancewindow/");
    let arn = arn.or_else(|| event.arn("ssm", &format!("maintenancewindow/{id}")));
    let part = plain.trim_start_matches("Maintenance Window").trim().to_ascii_lowercase().replace(' ', "-");
    let condition = match event.text("/window-target-id") {
        Some(target) => format!("{part}/{target}"),
        None if part.is_empty() => "configuration".to_owned(),
        None => part,
    };
    event
        .draft(kind, state, Thing::of(arn, id), title)
        .condition(condition)
        .because(event.text("/status-details"))
        .signal()
}

fn compliance(event: &Event) -> Result<Signal, Unread> {
    let word = status(event, "/compliance-status")?;
    let state = match word {
        "non_compliant" => State::Firing,
        "compliant" => State::Recovered,
        other => outcome::of(other).unwrap_or(State::Info),
    };
    let (id, arn) = managed_instance(event)?;
    let kind = event.text("/compliance-type").unwrap_or("compliance");
    let severity = event.text("/severity").map_or_else(String::new, |severity| format!(" ({})", shown(severity)));
    let title = format!("Instance {id} is {} in {}{severity}", shown(word).replace('_', "-"), shown(kind));
    let condition = event.text("/patch-baseline-id").map_or_else(|| kind.to_owned(), |of| format!("{kind}/{of}"));
    event.draft(Kind::Finding, state, Thing::of(arn, &id), title).condition(condition).signal()
}

fn inventory(event: &Event) -> Result<Signal, Unread> {
    let word = status(event, "/action-status")?;
    let action = event.text("/action").unwrap_or("action");
    let kind = event.text("/type-name").unwrap_or("inventory");
    let title = format!("Inventory of {}: {} {}", shown(kind), shown(action), shown(word));
    let (thing, state) = match managed_instance(event) {
        Ok((id, arn)) => (Thing::of(arn, &id), state(word)),
        Err(_) => (Thing::Named(kind.to_owned()), state(word)),
    };
    let draft = event.draft(Kind::Failure, state, thing, title).condition(format!("inventory/{kind}"));
    draft.because(event.text("/action-reason")).signal()
}

fn parameter(event: &Event) -> Result<Signal, Unread> {
    let name = event.text("/name").ok_or_else(|| event.lacks("which parameter it is"))?;
    let arn = event.resource("ssm", "parameter/");
    let done = event.text("/operation").unwrap_or("Change").to_ascii_lowercase();
    let title = format!("Parameter {}: {}", shown(name), shown(&done));
    event.draft(Kind::Change, State::Info, Thing::of(arn, name), title).because(event.text("/exception")).signal()
}

fn calendar(event: &Event) -> Result<Signal, Unread> {
    let arn = event.resource("ssm", "document/").ok_or_else(|| event.lacks("which calendar it is, by its ARN"))?;
    let name = arn.resource.strip_prefix("document/").unwrap_or(&arn.resource).to_owned();
    let title = format!("Change calendar {} is {}", shown(&name), shown(status(event, "/state")?));
    event.draft(Kind::Change, State::Info, Thing::Arn(arn), title).signal()
}

fn managed_instance(event: &Event) -> Result<(String, Option<Arn>), Unread> {
    let id = event.text("/resource-id").ok_or_else(|| event.lacks("which instance it is"))?;
    let arn = event.resource("ssm", "managed-instance/");
    Ok((shown(id), arn.or_else(|| event.arn("ssm", &format!("managed-instance/{id}")))))
}

fn status<'a>(event: &Event<'a>, at: &str) -> Result<&'a str, Unread> {
    event.text(at).ok_or_else(|| event.lacks("its status"))
}

fn state(word: &str) -> State {
    match word {
        "Success" | "SUCCESS" => State::Recovered,
        "Cancelled" | "CANCELLED" | "Pending" | "InProgress" | "IN_PROGRESS" => State::Info,
        "Terminated" | "Undeliverable" => State::Firing,
        other => outcome::of(other).unwrap_or(State::Info),
    }
}
