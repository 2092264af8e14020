//! Cost Anomaly Detection: as an event, and as the bare message of its SNS topic.
//!
//! An anomaly fires under its monitor's ARN and its own id, and has no recovery event.

use serde_json::{Value, json};

use crate::arn::Arn;
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, shown, text};

pub(crate) const SOURCE: Source = Source {
    name: "cost",
    rules: &[Rule {
        event: "CostAnomalyEvents",
        pattern: r#"{
            "source": ["aws.ce"],
            "detail-type": ["Anomaly Detected"]
        }"#,
    }],
    reader: Reader::Payload(read),
};

const NAME: &str = "aws.ce";
const ANOMALY: &str = "Anomaly Detected";

fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    if let Some(event) = Event::of(payload) {
        return (event.source == NAME && event.detail_type == ANOMALY).then(|| vec![anomaly(&event)]);
    }
    text(payload, "/anomalyId")?;
    text(payload, "/monitorArn")?;
    let event = json!({"source": NAME, "detail-type": ANOMALY, "resources": [], "detail": payload});
    Some(vec![anomaly(&Event::of(&event)?)])
}

fn anomaly(event: &Event) -> Result<Signal, Unread> {
    let id = event.text("/anomalyId").ok_or_else(|| event.lacks("which anomaly it is"))?;
    let arn = event.text("/monitorArn").map(|arn| arn.replace(": ", ":"));
    let arn = arn.as_deref().and_then(Arn::parse).or_else(|| event.resource("ce", "anomalymonitor/"));
    let impact = event.detail.pointer("/impact/totalImpact").and_then(Value::as_f64);
    let impact = impact.map_or_else(String::new, |dollars| format!(" of ${dollars:.2}"));
    let monitor = event.first(&["/monitorName", "/dimensionValue"]).unwrap_or("a monitor");
    let title = format!("Cost anomaly{impact} seen by {}", shown(monitor));
    let started = event.text("/anomalyStartDate").and_then(instant);
    let cause = event.text("/rootCauses/0/service").map(|service| {
        let usage = event.text("/rootCauses/0/usageType").unwrap_or_default();
        format!("{service} {usage}").trim().to_owned()
    });
    let draft = event.draft(Kind::Cost, State::Firing, Thing::of(arn, id), title).condition(id);
    let draft = draft.place(event.text("/accountId"), None).since(started);
    // The message carries no time of its own: the day up to which the anomaly is known is the best there is.
    let known = event.text("/anomalyEndDate").and_then(instant).filter(|_| event.time().is_none());
    draft.at(known).because(cause).signal()
}
