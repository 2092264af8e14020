//! GuardDuty findings: as an event, and bare as the service exports them; in the spelling of the event (`accountId`) and in
//! that of the API (`AccountId`).
//!
//! A finding fires under its own ARN, again with each update, and has no recovery event: a person or a probe says that it is
//! over. Archived ones inform. The rule leaves out low severities (below 4).

use serde_json::{Value, json};

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::utc;
use crate::{Kind, Signal, State, Unread, shown, text};

pub(crate) const SOURCE: Source = Source {
    name: "guardduty",
    rules: &[Rule {
        event: "GuardDutyEvents",
        pattern: r#"{
            "source": ["aws.guardduty"],
            "detail-type": ["GuardDuty Finding"],
            "detail": { "severity": [{ "numeric": [">=", 4] }] }
        }"#,
    }],
    reader: Reader::Payload(read),
};

const NAME: &str = "aws.guardduty";
const FINDING: &str = "GuardDuty Finding";

fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    if let Some(event) = Event::of(payload) {
        return (event.source == NAME && event.detail_type == FINDING).then(|| vec![finding(&event)]);
    }
    let arn = text(payload, "/arn").or(text(payload, "/Arn"))?;
    if payload.get("detail").is_some() || Arn::parse(arn)?.service != "guardduty" {
        return None;
    }
    let event = json!({"source": NAME, "detail-type": FINDING, "resources": [], "detail": payload});
    Some(vec![finding(&Event::of(&event)?)])
}

fn finding(event: &Event) -> Result<Signal, Unread> {
    let kind = event.first(&["/type", "/Type"]).ok_or_else(|| event.lacks("which finding it is"))?;
    let arn = event.first(&["/arn", "/Arn"]).and_then(Arn::parse);
    let arn = arn.ok_or_else(|| event.lacks("which finding it is, by its ARN"))?;
    let service = event.detail.get("service").or(event.detail.get("Service")).unwrap_or(&Value::Null);
    let archived = service.get("archived").or(service.get("Archived")) == Some(&Value::Bool(true));
    let state = if archived { State::Info } else { State::Firing };
    let severity = event.detail.get("severity").or(event.detail.get("Severity"));
    let severity =
        severity.and_then(Value::as_f64).map_or_else(String::new, |severity| format!(" (severity {severity})"));
    let on = resource_name(event).map_or_else(String::new, |name| format!(" on {}", shown(name)));
    let title = format!("GuardDuty finding {}{on}{severity}", shown(kind));
    let account = event.first(&["/accountId", "/AccountId"]);
    let region = event.first(&["/region", "/Region"]);
    let also = resources(event, account.unwrap_or(&arn.account), region.unwrap_or(&arn.region));
    let link = link(&arn, region.unwrap_or(&arn.region));
    let onset = text(service, "/eventFirstSeen").or(text(service, "/EventFirstSeen"));
    let draft = event.draft(Kind::Finding, state, Thing::Arn(arn), title).place(account, region).also(also);
    let draft = draft.at(event.first(&["/updatedAt", "/UpdatedAt"]).and_then(utc)).since(onset.and_then(utc));
    draft
        .tagged_at(TAGS)
        .because(event.first(&["/description", "/Description", "/title", "/Title"]))
        .link(link)
        .signal()
}

/// Tags of what the finding is about, in both spellings.
const TAGS: &[&str] = &[
    "/resource/instanceDetails/tags",
    "/Resource/InstanceDetails/Tags",
    "/resource/s3BucketDetails/0/tags",
    "/Resource/S3BucketDetails/0/Tags",
    "/resource/rdsDbInstanceDetails/tags",
    "/Resource/RdsDbInstanceDetails/Tags",
    "/resource/eksClusterDetails/tags",
    "/resource/ecsClusterDetails/tags",
    "/resource/lambdaDetails/tags",
];

/// What the finding is about, in both spellings.
fn resource_name<'a>(event: &Event<'a>) -> Option<&'a str> {
    event.first(&[
        "/resource/instanceDetails/instanceId",
        "/Resource/InstanceDetails/InstanceId",
        "/resource/s3BucketDetails/0/name",
        "/Resource/S3BucketDetails/0/Name",
        "/resource/rdsDbInstanceDetails/dbInstanceIdentifier",
        "/Resource/RdsDbInstanceDetails/DbInstanceIdentifier",
        "/resource/eksClusterDetails/name",
        "/resource/ecsClusterDetails/name",
        "/resource/lambdaDetails/functionName",
        "/resource/accessKeyDetails/userName",
        "/Resource/AccessKeyDetails/UserName",
        "/resource/resourceType",
        "/Resource/ResourceType",
    ])
}

fn resources(event: &Event, account: &str, region: &str) -> Vec<Arn> {
    let instance = event.first(&["/resource/instanceDetails/instanceId", "/Resource/InstanceDetails/InstanceId"]);
    let instance = instance.and_then(|id| Arn::regional("ec2", region, account, &format!("instance/{id}")));
    let named = [
        "/resource/s3BucketDetails/0/arn",
        "/Resource/S3BucketDetails/0/Arn",
        "/resource/rdsDbInstanceDetails/dbInstanceArn",
        "/Resource/RdsDbInstanceDetails/DbInstanceArn",
        "/resource/eksClusterDetails/arn",
        "/resource/ecsClusterDetails/arn",
        "/resource/lambdaDetails/functionArn",
    ];
    let named = named.iter().filter_map(|pointer| Arn::parse(event.text(pointer)?));
    named.chain(instance).collect()
}

fn link(arn: &Arn, region: &str) -> Option<String> {
    let id = percent_encoded(arn.resource.rsplit('/').next()?);
    console(region, &format!("guardduty/home?region={region}#/findings?search=id%3D{id}"))
}
