//! EC2: instances that start and stop, Spot capacity that is taken back, fleets that cannot be filled. What EC2 says of
//! volumes, snapshots and images goes to the reader of any event.
//!
//! - An instance that is `stopped` or `terminated` fires; `running` recovers; the ways between inform. No rule asks for
//!   them: where machines come and go, that is no news. Whoever wants it writes a rule.
//! - A Spot interruption warning fires (two minutes are left) and has no recovery event; a rebalance recommendation informs.
//! - A fleet's error fires under the fleet's ARN and the kind of error, and has no recovery event.

use crate::arn::{Arn, console};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::{Kind, Signal, State, Unread, shown};

pub(crate) const SOURCE: Source = Source {
    name: "ec2",
    rules: &[
        Rule {
            event: "SpotInterruptionEvents",
            pattern: r#"{
                "source": ["aws.ec2"],
                "detail-type": ["EC2 Spot Instance Interruption Warning"]
            }"#,
        },
        Rule {
            event: "FleetErrorEvents",
            pattern: r#"{
                "source": ["aws.ec2fleet", "aws.ec2spotfleet"],
                "detail-type": ["EC2 Fleet Error", "EC2 Spot Fleet Error"]
            }"#,
        },
    ],
    reader: Reader::Event(&["aws.ec2", "aws.ec2fleet", "aws.ec2spotfleet"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    match event.detail_type {
        "EC2 Instance State-change Notification" => Some(instance_state(event)),
        "EC2 Spot Instance Interruption Warning" | "EC2 Capacity Reservation Instance Interruption Warning" => {
            let action = event.text("/instance-action").unwrap_or("interrupt");
            Some(instance(event, "spot", State::Firing, &format!("is about to be taken by EC2 ({})", shown(action))))
        }
        "EC2 Instance Rebalance Recommendation" => {
            Some(instance(event, "rebalance", State::Info, "is at elevated risk of interruption"))
        }
        "EC2 Spot Instance Request Fulfillment" => {
            let request = event.text("/spot-instance-request-id").unwrap_or("without id");
            Some(instance(event, "spot-request", State::Info, &format!("fulfils Spot request {}", shown(request))))
        }
        name if name.starts_with("EC2 Fleet ") || name.starts_with("EC2 Spot Fleet ") => Some(fleet(event)),
        _ => None,
    }
}

fn instance_state(event: &Event) -> Result<Signal, Unread> {
    let word = event.text("/state").ok_or_else(|| event.lacks("its state"))?.to_ascii_lowercase();
    let state = match word.as_str() {
        "stopped" | "terminated" => State::Firing,
        "running" => State::Recovered,
        _ => State::Info,
    };
    let (id, arn) = instance_arn(event)?;
    let title = format!("Instance {} is {}", shown(&id), shown(&word));
    let link = link(event, &id);
    event.draft(Kind::Change, state, Thing::of(arn, &id), title).link(link).signal()
}

fn instance(event: &Event, condition: &str, state: State, says: &str) -> Result<Signal, Unread> {
    let (id, arn) = instance_arn(event)?;
    let title = format!("Instance {} {says}", shown(&id));
    let kind = if condition == "spot-request" { Kind::Change } else { Kind::Health };
    let link = link(event, &id);
    event.draft(kind, state, Thing::of(arn, &id), title).condition(condition).link(link).signal()
}

/// The instance's id, and its ARN in its own account, which need not be the envelope's. Some printers put a blank before the
/// id, and some documents a zone where the Region belongs.
fn instance_arn(event: &Event) -> Result<(String, Option<Arn>), Unread> {
    let named = event.resource("ec2", "instance/");
    let id = event.first(&["/instance-id", "/instance_id"]).map(str::to_owned);
    let id = id.or_else(|| Some(named.as_ref()?.resource.strip_prefix("instance/")?.trim().to_owned()));
    let id = id.ok_or_else(|| event.lacks("which instance it is"))?;
    let arn = match named {
        Some(named) => Some(named.sibling(format!("instance/{id}"))),
        None => event.arn("ec2", &format!("instance/{id}")),
    };
    Ok((id, arn))
}

fn fleet(event: &Event) -> Result<Signal, Unread> {
    let arn = event.resource("ec2", "fleet/").or_else(|| event.resource("ec2", "spot-fleet-request/"));
    let arn = arn.ok_or_else(|| event.lacks("which fleet it is, by its ARN"))?;
    let id = arn.resource.split('/').nth(1).unwrap_or(&arn.resource).to_owned();
    let what = event.text("/sub-type").unwrap_or("no sub-type");
    let failing = event.detail_type.ends_with("Error");
    let (kind, state) = if failing { (Kind::Failure, State::Firing) } else { (Kind::Change, State::Info) };
    let title = format!("Fleet {}: {}", shown(&id), shown(what));
    event.draft(kind, state, Thing::Arn(arn), title).condition(what).because(event.text("/description")).signal()
}

fn link(event: &Event, id: &str) -> Option<String> {
    let region = event.region()?;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    console(region, &format!("ec2/home?region={region}#InstanceDetails:instanceId={id}")).filter(|_| plain)
}
