//! AWS Config: compliance with its rules, changes of resources, and its own deliveries; as an event, as the bare message of
//! its SNS topic, which has the same fields, and as what it asks a rule of one's own about.
//!
//! `NON_COMPLIANT` fires under the rule's ARN and the resource; `COMPLIANT` recovers, and so does `NOT_APPLICABLE`, which says
//! that the rule no longer holds for the resource. A delivery that failed fires. The rest informs.

use serde_json::{Value, json};

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, shown, text};

pub(crate) const SOURCE: Source = Source {
    name: "config",
    rules: &[Rule {
        event: "ConfigRuleEvents",
        pattern: r#"{
            "source": ["aws.config"],
            "detail-type": ["Config Rules Compliance Change"],
            "detail": {
                "messageType": ["ComplianceChangeNotification"],
                "newEvaluationResult": { "complianceType": ["NON_COMPLIANT", "COMPLIANT", "NOT_APPLICABLE"] }
            }
        }"#,
    }],
    reader: Reader::Payload(read),
};

const NAME: &str = "aws.config";

fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    if let Some(event) = Event::of(payload) {
        let ours = event.source == NAME && event.text("/messageType").is_some();
        return ours.then(|| vec![message(&event)]);
    }
    if let Some(invocation) = text(payload, "/invokingEvent").filter(|_| payload.get("configRuleName").is_some()) {
        return Some(vec![evaluation(payload, invocation)]);
    }
    text(payload, "/recordVersion")?;
    Some(vec![message(&Event::of(&event(payload.clone())?)?)])
}

/// The event that a bare message would have come as.
fn event(message: Value) -> Option<Value> {
    let detail_type = match text(&message, "/messageType")? {
        "ComplianceChangeNotification" => "Config Rules Compliance Change",
        "ConfigurationItemChangeNotification" | "OversizedConfigurationItemChangeNotification" => {
            "Config Configuration Item Change"
        }
        name if name.starts_with("ConfigurationHistoryDelivery") => "Config Configuration History Delivery Status",
        name if name.starts_with("ConfigurationSnapshotDelivery") => "Config Configuration Snapshot Delivery Status",
        name if name.starts_with("ConfigRulesEvaluation") => "Config Rules Re-evaluation Status",
        _ => "Config Notification",
    };
    Some(json!({"source": NAME, "detail-type": detail_type, "resources": [], "detail": message}))
}

/// What Config hands to a function that evaluates a rule of one's own: the message that the rule is asked about.
fn evaluation(invocation: &Value, message: &str) -> Result<Signal, Unread> {
    let unreadable =
        || Unread::malformed("The Config rule's invoking event is not readable: deliver it as Config sent it.");
    let mut asked: Value = serde_json::from_str(message).map_err(|_| unreadable())?;
    let fields = asked.as_object_mut().ok_or_else(unreadable)?;
    for (name, known) in [("awsAccountId", "accountId"), ("configRuleName", "configRuleName")] {
        if let Some(value) = invocation.get(known).filter(|_| !fields.contains_key(name)) {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    let event = event(asked).ok_or_else(unreadable)?;
    Event::of(&event).map_or_else(|| Err(unreadable()), |event| self::message(&event))
}

fn message(event: &Event) -> Result<Signal, Unread> {
    if event.detail.get("newEvaluationResult").is_some() { compliance(event) } else { other(event) }
}

fn compliance(event: &Event) -> Result<Signal, Unread> {
    let result = "/newEvaluationResult";
    let word = event.text(&format!("{result}/complianceType")).ok_or_else(|| event.lacks("the new compliance"))?;
    let (state, is) = match word {
        "NON_COMPLIANT" => (State::Firing, "violates"),
        "COMPLIANT" => (State::Recovered, "complies with"),
        "NOT_APPLICABLE" => (State::Recovered, "is no longer subject to"),
        _ => (State::Info, "cannot be judged by"),
    };
    let rule = event.text("/configRuleName").ok_or_else(|| event.lacks("which rule it is"))?;
    let (kind, id) = (event.text("/resourceType").unwrap_or("resource"), event.text("/resourceId"));
    let id = id.ok_or_else(|| event.lacks("which resource it is"))?;
    let (account, region) = (event.text("/awsAccountId"), event.text("/awsRegion"));
    let arn = event.text("/configRuleARN").and_then(Arn::parse);
    let title = format!("{} {} {is} Config rule {}", shown(kind), shown(id), shown(rule));
    let time = event.first(&["/newEvaluationResult/resultRecordedTime", "/notificationCreationTime"]);
    let link = region.and_then(|region| {
        console(region, &format!("config/home?region={region}#/rules/details?configRuleName={}", percent_encoded(rule)))
    });
    let draft = event.draft(Kind::Finding, state, Thing::of(arn, rule), title).condition(format!("{kind}/{id}"));
    let draft = draft.place(account, region).at(time.and_then(instant));
    draft.because(event.text("/newEvaluationResult/annotation")).link(link).signal()
}

/// Changes of resources, deliveries of snapshots and histories, evaluations.
fn other(event: &Event) -> Result<Signal, Unread> {
    let what = event.text("/messageType").ok_or_else(|| event.lacks("its message type"))?;
    let failed = what.ends_with("Failed");
    let state = if failed { State::Firing } else { State::Info };
    let item = ["/configurationItem", "/configurationItemSummary"].into_iter().find_map(|at| event.detail.pointer(at));
    let of = |name: &str| item.and_then(|item| text(item, name));
    let arn = of("/ARN").and_then(Arn::parse);
    let name = of("/resourceId").or(event.first(&["/configRuleName", "/configRuleNames/0", "/configSnapshotId"]));
    let name = name.unwrap_or("AWS Config");
    let kind = match (failed, item.is_some()) {
        (true, _) => Kind::Failure,
        (false, true) => Kind::Change,
        (false, false) => Kind::Other,
    };
    let title = format!("Config: {} of {}", shown(what), shown(name));
    let account = event.text("/awsAccountId").or(of("/awsAccountId"));
    let region = event.text("/awsRegion").or(of("/awsRegion"));
    let draft = event.draft(kind, state, Thing::of(arn, name), title).condition(format!("config/{what}"));
    let time = event.text("/notificationCreationTime").or(of("/configurationItemCaptureTime")).and_then(instant);
    let reason = event.first(&["/s3DeliverySummary/errorMessage", "/configurationItemDiff/changeType"]);
    draft.place(account, region).at(time).tagged_at(&["/configurationItem/tags"]).because(reason).signal()
}
