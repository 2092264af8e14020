//! EC2 Auto Scaling: launches, terminations, instance refreshes, lifecycle hooks.
//!
//! An unsuccessful launch, termination or refresh fires under the group's ARN and which of these it was; the next successful
//! one of the same group recovers. Lifecycle hooks and what is under way inform.

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, outcome, shown};

pub(crate) const SOURCE: Source = Source {
    name: "autoscaling",
    rules: &[Rule {
        event: "AutoScalingEvents",
        pattern: r#"{
            "source": ["aws.autoscaling"],
            "detail-type": [
                "EC2 Instance Launch Unsuccessful", "EC2 Instance Launch Successful",
                "EC2 Instance Terminate Unsuccessful", "EC2 Instance Terminate Successful",
                "EC2 Auto Scaling Instance Refresh Failed", "EC2 Auto Scaling Instance Refresh Succeeded"
            ]
        }"#,
    }],
    reader: Reader::Event(&["aws.autoscaling"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    event.detail.get("AutoScalingGroupName").is_some().then(|| group(event))
}

fn group(event: &Event) -> Result<Signal, Unread> {
    let name = event.text("/AutoScalingGroupName").ok_or_else(|| event.lacks("which group it is"))?;
    let (kind, condition, state, title) = said(event, &shown(name));
    let arn = event.resource("autoscaling", "autoScalingGroup:");
    let place = arn.as_ref().map(|arn| (arn.region.clone(), arn.account.clone()));
    let place = place.or_else(|| Some((event.region()?.to_owned(), event.account()?.to_owned())));
    let instance = event.text("/EC2InstanceId").filter(|id| id.starts_with("i-"));
    let instance = instance
        .zip(place)
        .and_then(|(id, (region, account))| Arn::regional("ec2", &region, &account, &format!("instance/{id}")));
    let region = arn.as_ref().map(|arn| arn.region.as_str()).or(event.region());
    let link = region.and_then(|region| {
        let name = percent_encoded(name);
        console(region, &format!("ec2/home?region={region}#AutoScalingGroupDetails:id={name};view=activity"))
    });
    let draft = event.draft(kind, state, Thing::of(arn, name), title).condition(condition).also(instance);
    let time = event.text("/EndTime").and_then(instant);
    draft.at(time).because(event.first(&["/StatusMessage", "/Cause", "/Description"])).link(link).signal()
}

fn said(event: &Event, name: &str) -> (Kind, &'static str, State, String) {
    let instance = event.text("/EC2InstanceId").map_or_else(String::new, |id| format!(" {}", shown(id)));
    match event.detail_type {
        "EC2 Instance Launch Unsuccessful" => {
            (Kind::Failure, "launch", State::Firing, format!("Group {name} could not launch an instance"))
        }
        "EC2 Instance Launch Successful" => {
            (Kind::Failure, "launch", State::Recovered, format!("Group {name} launched instance{instance}"))
        }
        "EC2 Instance Terminate Unsuccessful" => {
            (Kind::Failure, "terminate", State::Firing, format!("Group {name} could not terminate instance{instance}"))
        }
        "EC2 Instance Terminate Successful" => {
            (Kind::Failure, "terminate", State::Recovered, format!("Group {name} terminated instance{instance}"))
        }
        "EC2 Instance-launch Lifecycle Action" => {
            (Kind::Change, "launch-hook", State::Info, format!("Group {name} is launching instance{instance}"))
        }
        "EC2 Instance-terminate Lifecycle Action" => {
            (Kind::Change, "terminate-hook", State::Info, format!("Group {name} is terminating instance{instance}"))
        }
        refresh => {
            let stage = refresh.rsplit("Instance Refresh").next().unwrap_or(refresh).trim();
            let state = match stage {
                "Failed" | "Rollback Failed" | "Rollback Started" => State::Firing,
                // What was rolled back is what somebody wanted to have.
                "Rollback Succeeded" => State::Firing,
                "Succeeded" => State::Recovered,
                "Started" | "Cancelled" | "Checkpoint Reached" => State::Info,
                other => outcome::of(other).unwrap_or(State::Info),
            };
            (Kind::Deployment, "instance-refresh", state, format!("Instance refresh of group {name}: {}", shown(stage)))
        }
    }
}
