//! Security Hub: one signal per finding of an event, imported or sent by a person's custom action.
//!
//! - A failed or warned-about control, and any other active finding that is more than informational, fires.
//! - A control that passes, and a finding whose workflow is resolved, recovers.
//! - What is archived, suppressed, not available or informational informs.
//!
//! A finding's id is the ARN that its product gave it, so that GuardDuty's own event of the same finding has the same
//! fingerprint.

use serde_json::{Value, json};

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::utc;
use crate::{Kind, Signal, State, Unread, shown, text};

pub(crate) const SOURCE: Source = Source {
    name: "securityhub",
    rules: &[
        Rule {
            event: "SecurityHubEvents",
            pattern: r#"{
                "source": ["aws.securityhub"],
                "detail-type": ["Security Hub Findings - Imported"],
                "detail": {
                    "findings": {
                        "RecordState": ["ACTIVE"],
                        "Workflow": { "Status": ["NEW", "NOTIFIED", "RESOLVED"] },
                        "Severity": { "Label": ["HIGH", "CRITICAL"] }
                    }
                }
            }"#,
        },
        Rule {
            event: "SecurityHubPassedEvents",
            pattern: r#"{
                "source": ["aws.securityhub"],
                "detail-type": ["Security Hub Findings - Imported"],
                "detail": { "findings": { "Compliance": { "Status": ["PASSED"] } } }
            }"#,
        },
        Rule {
            event: "SecurityHubActionEvents",
            pattern: r#"{
                "source": ["aws.securityhub"],
                "detail-type": ["Security Hub Findings - Custom Action"]
            }"#,
        },
    ],
    reader: Reader::Payload(read),
};

fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    let event = Event::of(payload)?;
    let ours = event.source == "aws.securityhub";
    if !ours {
        return None;
    }
    match event.detail_type {
        name if name.starts_with("Security Hub Findings") => {}
        "Security Hub Insight Results" => return Some(vec![insight(&event)]),
        _ => return None,
    }
    let findings = event.detail.get("findings").and_then(Value::as_array).filter(|findings| !findings.is_empty());
    let Some(findings) = findings else {
        return Some(vec![Err(event.lacks("any finding"))]);
    };
    if let [only] = findings.as_slice() {
        return Some(vec![finding(&event, only)]);
    }
    Some(findings.iter().map(|one| alone(&event, one)).collect())
}

/// One of several findings, in the event in which it would have come alone. Nothing else of the event is in it, or many
/// findings would each carry all that is beside them.
fn alone(event: &Event, one: &Value) -> Result<Signal, Unread> {
    let short = |pointer: &str| event.text(pointer).filter(|text| text.len() <= 1024);
    let payload = json!({
        "source": event.source, "detail-type": event.detail_type, "account": event.account(), "region": event.region(),
        "time": event.time().map(crate::to_second), "resources": [],
        "detail": {
            "actionName": short("/actionName"), "actionDescription": short("/actionDescription"), "findings": [one],
        },
    });
    Event::of(&payload).map_or_else(|| Err(event.lacks("any finding")), |alone| finding(&alone, one))
}

fn finding(event: &Event, finding: &Value) -> Result<Signal, Unread> {
    let id = text(finding, "/Id").ok_or_else(|| event.lacks("which finding it is, by its id"))?;
    let title = text(finding, "/Title").ok_or_else(|| event.lacks("the finding's title"))?;
    let arn = Arn::parse(id);
    let resources: Vec<&Value> = finding.get("Resources").and_then(Value::as_array).into_iter().flatten().collect();
    let on = resources.iter().find_map(|resource| text(resource, "/Id"));
    let (state, says) = state(finding);
    let severity = text(finding, "/Severity/Label").map_or_else(String::new, |label| format!(", {}", shown(label)));
    let on = on.map_or_else(String::new, |on| format!(" on {}", shown(on)));
    let title = format!("Security Hub finding {says}{severity}: {}{on}", shown(title));
    let account = text(finding, "/AwsAccountId");
    let region = text(finding, "/Region").or(resources.iter().find_map(|resource| text(resource, "/Region")));
    let also = resources.iter().filter_map(|resource| Arn::parse(text(resource, "/Id")?));
    let (updated, first) = (text(finding, "/UpdatedAt"), text(finding, "/FirstObservedAt"));
    let place = region.or(arn.as_ref().map(|arn| arn.region.as_str())).or(event.region());
    let link = place.and_then(|region| {
        console(region, &format!("securityhub/home?region={region}#/findings?search=Id%3D{}", percent_encoded(id)))
    });
    let draft = event.draft(Kind::Finding, state, Thing::of(arn, id), title).place(account, region).also(also);
    let draft = draft.at(updated.and_then(utc)).since(first.and_then(utc));
    let draft = draft.tagged(resources.iter().filter_map(|resource| resource.get("Tags")));
    draft.because(text(finding, "/Description")).link(link).signal()
}

fn state(finding: &Value) -> (State, &'static str) {
    let workflow = text(finding, "/Workflow/Status");
    match (text(finding, "/RecordState"), workflow, text(finding, "/Compliance/Status")) {
        (_, Some("SUPPRESSED"), _) => (State::Info, "suppressed"),
        (_, Some("RESOLVED"), _) => (State::Recovered, "resolved"),
        (_, _, Some("PASSED")) => (State::Recovered, "passed"),
        (Some("ARCHIVED"), _, _) => (State::Info, "archived"),
        (_, _, Some("FAILED")) => (State::Firing, "failed"),
        (_, _, Some("WARNING")) => (State::Firing, "warns"),
        (_, _, Some("NOT_AVAILABLE")) => (State::Info, "not available"),
        // "No issue was found", says the finding format.
        _ if text(finding, "/Severity/Label") == Some("INFORMATIONAL") => (State::Info, "informs"),
        _ => (State::Firing, "active"),
    }
}

/// What a person picked from an insight is for people to read.
fn insight(event: &Event) -> Result<Signal, Unread> {
    let name = event.text("/insightName").ok_or_else(|| event.lacks("which insight it is"))?;
    let arn = event.text("/insightArn").and_then(Arn::parse);
    let title = format!("Security Hub insight {}: results were sent", shown(name));
    event
        .draft(Kind::Finding, State::Info, Thing::of(arn, name), title)
        .because(event.text("/actionDescription"))
        .signal()
}
