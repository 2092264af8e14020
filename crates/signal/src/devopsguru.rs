//! DevOps Guru insights: as an event, and as the bare message of its SNS topic, whose fields begin with capitals.
//!
//! A new insight fires, and so does one whose severity rises; one that is closed recovers. What is added to an insight (an
//! anomaly, a recommendation) informs.

use serde_json::{Map, Value, json};

use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::epoch;
use crate::{Kind, Signal, State, Unread, shown, text};

pub(crate) const SOURCE: Source = Source {
    name: "devopsguru",
    rules: &[Rule {
        event: "DevOpsGuruEvents",
        pattern: r#"{
            "source": ["aws.devops-guru"],
            "detail-type": ["DevOps Guru New Insight Open", "DevOps Guru Insight Severity Upgraded", "DevOps Guru Insight Closed"]
        }"#,
    }],
    reader: Reader::Payload(read),
};

const NAME: &str = "aws.devops-guru";

fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    if let Some(event) = Event::of(payload) {
        let ours = event.source == NAME && event.text("/insightId").is_some();
        return ours.then(|| vec![insight(&event)]);
    }
    text(payload, "/InsightId")?;
    let detail_type = match text(payload, "/MessageType")? {
        "NEW_INSIGHT" => "DevOps Guru New Insight Open",
        "SEVERITY_UPGRADED" => "DevOps Guru Insight Severity Upgraded",
        "CLOSED_INSIGHT" => "DevOps Guru Insight Closed",
        "NEW_RECOMMENDATION" => "DevOps Guru New Recommendation Created",
        _ => "DevOps Guru New Anomaly Association",
    };
    let event = json!({"source": NAME, "detail-type": detail_type, "resources": [], "detail": as_in_an_event(payload)});
    Some(vec![insight(&Event::of(&event)?)])
}

/// The message under the names that the event has for its fields.
fn as_in_an_event(message: &Value) -> Map<String, Value> {
    let renamed = |name: &String| {
        let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
        format!("{}{rest}", first.to_ascii_lowercase())
    };
    message.as_object().into_iter().flatten().map(|(name, value)| (renamed(name), value.clone())).collect()
}

fn insight(event: &Event) -> Result<Signal, Unread> {
    let id = event.text("/insightId").ok_or_else(|| event.lacks("which insight it is"))?;
    let time = |name: &str| event.detail.get(name).and_then(epoch);
    let (state, is, told) = match event.detail_type {
        "DevOps Guru New Insight Open" => (State::Firing, "is open", time("startTime")),
        "DevOps Guru Insight Severity Upgraded" => (State::Firing, "is more severe", event.time()),
        "DevOps Guru Insight Closed" => (State::Recovered, "is closed", time("endTime").or(event.time())),
        "DevOps Guru New Recommendation Created" => (State::Info, "has a recommendation", event.time()),
        _ => (State::Info, "has one more anomaly", event.time()),
    };
    let severity = event.text("/insightSeverity").map_or_else(String::new, |word| format!(" ({})", shown(word)));
    let about = event.first(&["/insightName", "/insightDescription"]).unwrap_or(id);
    let title = format!("DevOps Guru insight {is}{severity}: {}", shown(about));
    let draft = event.draft(Kind::Alarm, state, Thing::Named(format!("insight/{id}")), title);
    let draft = draft.place(event.text("/accountId"), event.text("/region")).at(told.or_else(|| time("startTime")));
    draft.because(event.first(&["/insightDescription", "/insightName"])).signal()
}
