//! Application Recovery Controller: zonal shifts, readiness checks, Region switch. (Route 53's own health checks speak
//! through CloudWatch alarms; their ARNs stand among an alarm's resources.)
//!
//! - An autoshift in progress fires, since AWS sees an impaired zone; its completion recovers.
//! - A practice run that failed or was interrupted fires; one that succeeded recovers.
//! - Shifts that people or experiments start inform.
//! - A readiness status of `NOT_READY` fires, `READY` recovers, the others inform.
//! - A plan execution or step that failed fires; one that is complete recovers. A plan's evaluation warning fires.

use crate::arn::Arn;
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::{Kind, Signal, State, Unread, outcome, shown};

pub(crate) const SOURCE: Source = Source {
    name: "arc",
    rules: &[
        Rule {
            event: "ZonalShiftEvents",
            pattern: r#"{
                "source": ["aws.arc-zonal-shift"],
                "detail-type": [
                    "Autoshift In Progress", "Autoshift Completed",
                    "Practice Run Failed", "Practice Run Interrupted", "Practice Run Succeeded"
                ]
            }"#,
        },
        Rule {
            event: "ReadinessEvents",
            pattern: r#"{
                "source": ["aws.route53-recovery-readiness"],
                "detail-type": [
                    "Route 53 Application Recovery Controller recovery group readiness status change",
                    "Route 53 Application Recovery Controller cell readiness status change",
                    "Route 53 Application Recovery Controller readiness check status change"
                ],
                "detail": { "new-state": { "readiness-status": ["NOT_READY", "READY"] } }
            }"#,
        },
        Rule {
            event: "RegionSwitchEvents",
            pattern: r#"{
                "source": ["aws.arc-region-switch"],
                "detail-type": ["ARC Region Switch Plan Execution", "ARC Region Switch Plan Evaluation"]
            }"#,
        },
    ],
    reader: Reader::Event(
        &[
            "aws.arc-zonal-shift",
            "aws.route53-recovery-readiness",
            "route53-recovery-readiness.amazonaws.com",
            "aws.arc-region-switch",
        ],
        read,
    ),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    match event.source {
        "aws.arc-zonal-shift" => zonal_shift(event),
        "aws.arc-region-switch" => Some(region_switch(event)),
        _ => event.detail.get("new-state").map(|_| readiness(event)),
    }
}

fn zonal_shift(event: &Event) -> Option<Result<Signal, Unread>> {
    let (kind, condition, state, says) = match event.detail_type {
        "Autoshift In Progress" => (Kind::Health, "autoshift", State::Firing, "AWS shifts traffic away from zone"),
        "Autoshift Completed" => {
            (Kind::Health, "autoshift", State::Recovered, "AWS has ended its shift away from zone")
        }
        "Practice Run Failed" => (Kind::Failure, "practice-run", State::Firing, "Practice run failed for zone"),
        "Practice Run Interrupted" => {
            (Kind::Failure, "practice-run", State::Firing, "Practice run was interrupted for zone")
        }
        "Practice Run Succeeded" => {
            (Kind::Failure, "practice-run", State::Recovered, "Practice run succeeded for zone")
        }
        "Practice Run Started" => (Kind::Change, "practice-run", State::Info, "Practice run has started for zone"),
        name if name.starts_with("FIS Experiment Autoshift") => {
            (Kind::Change, "experiment", State::Info, "An experiment shifts traffic away from zone")
        }
        name if name.starts_with("Manual Shift") => {
            (Kind::Change, "manual-shift", State::Info, "Somebody shifts traffic away from zone")
        }
        _ => return None,
    };
    let zone = event.text("/metadata/awayFrom").unwrap_or("unknown");
    let resource = event.resources().into_iter().find(|name| !name.trim().is_empty());
    let arn = resource.and_then(Arn::parse);
    let of = resource.map_or_else(String::new, |name| format!(" of {}", shown(name)));
    let title = format!("{says} {}{of}", shown(zone));
    let thing = Thing::of(arn, resource.unwrap_or("all-resources"));
    let draft = event.draft(kind, state, thing, title).condition(format!("{condition}/{zone}"));
    Some(draft.because(event.first(&["/data/additionalFailureInfo", "/metadata/notes"])).signal())
}

fn readiness(event: &Event) -> Result<Signal, Unread> {
    let word = event.text("/new-state/readiness-status").ok_or_else(|| event.lacks("the new status"))?;
    let state = match word {
        "NOT_READY" => State::Firing,
        "READY" => State::Recovered,
        _ => State::Info,
    };
    let arn = event.resource("route53-recovery-readiness", "");
    let names = ["/recovery-group-name", "/cell-name", "/readiness-check-name"];
    let name = event.first(&names).or(arn.as_ref().map(|arn| arn.resource.as_str()));
    let name = name.ok_or_else(|| event.lacks("what it is about"))?.to_owned();
    let title = format!("Readiness of {} is {}", shown(&name), shown(word));
    event.draft(Kind::Failure, state, Thing::of(arn, &name), title).condition("readiness").signal()
}

fn region_switch(event: &Event) -> Result<Signal, Unread> {
    let arn =
        event.resource("arc-region-switch", "plan/").ok_or_else(|| event.lacks("which plan it is, by its ARN"))?;
    let plan = arn.resource.strip_prefix("plan/").unwrap_or(&arn.resource).to_owned();
    if let Some(warning) = event.text("/metadata/warning") {
        let title = format!("Region switch plan {} has an evaluation warning", shown(&plan));
        let draft = event.draft(Kind::Failure, State::Firing, Thing::Arn(arn), title);
        return draft.condition("evaluation").because(Some(warning)).signal();
    }
    let what = event.text("/eventType").unwrap_or(event.detail_type);
    let state = outcome::of(what).unwrap_or(State::Info);
    let step = event.text("/stepDetails/stepName");
    let of = step.map_or_else(String::new, |step| format!(" (step {})", shown(step)));
    let title = format!("Region switch plan {}: {}{of}", shown(&plan), shown(what));
    let condition = step.map_or_else(|| "execution".to_owned(), |step| format!("execution/{step}"));
    let draft = event.draft(Kind::Failure, state, Thing::Arn(arn), title).condition(condition);
    draft.because(event.text("/executionAction")).signal()
}
