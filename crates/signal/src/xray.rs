//! X-Ray insights: an anomaly in the faults of a group of services.
//!
//! `ACTIVE` fires, again with each update; `CLOSED` recovers.

use serde_json::Value;

use crate::arn::{Arn, console};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::epoch;
use crate::{Kind, Signal, State, Unread, outcome, shown};

pub(crate) const SOURCE: Source = Source {
    name: "xray",
    rules: &[Rule {
        event: "InsightEvents",
        pattern: r#"{
            "source": ["aws.xray"],
            "detail-type": ["AWS X-Ray Insight Update"],
            "detail": { "State": ["ACTIVE", "CLOSED"] }
        }"#,
    }],
    reader: Reader::Event(&["aws.xray"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    (event.detail_type == "AWS X-Ray Insight Update").then(|| insight(event))
}

fn insight(event: &Event) -> Result<Signal, Unread> {
    let word = event.text("/State").ok_or_else(|| event.lacks("its state"))?;
    let state = match word {
        "ACTIVE" => State::Firing,
        "CLOSED" => State::Recovered,
        other => outcome::of(other).unwrap_or(State::Info),
    };
    let id = event.text("/InsightId").ok_or_else(|| event.lacks("which insight it is"))?;
    let group = event.text("/GroupARN").and_then(Arn::parse).or_else(|| event.resource("xray", "group/"));
    let cause =
        event.first(&["/RootCauseServiceId/Name", "/RootCauseServiceId/Names/0"]).unwrap_or("an unknown service");
    let title = format!(
        "X-Ray insight: faults of {} are {}",
        shown(cause),
        if state == State::Recovered { "over" } else { "anomalous" }
    );
    let time = |at: &str| event.detail.pointer(at).filter(|time| !time.is_null()).and_then(epoch);
    let ended = time("/EndTime").filter(|_| state == State::Recovered);
    let link = event.region().and_then(|region| {
        let plain = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        console(region, &format!("xray/home?region={region}#/insights/{id}")).filter(|_| plain)
    });
    let thing = Thing::of(group, id);
    let draft = event.draft(Kind::Alarm, state, thing, title).condition(format!("insight/{id}"));
    let draft = draft
        .at(ended.or_else(|| time("/Event/EventTime")))
        .since(time("/StartTime").filter(|_| state == State::Firing));
    let summary = event.first(&["/Summary", "/Event/Summary"]);
    draft.because(summary.map(str::to_owned).or_else(|| categories(event))).link(link).signal()
}

fn categories(event: &Event) -> Option<String> {
    let listed = event.detail.get("Categories").or(event.detail.get("Category"))?.as_array()?;
    Some(listed.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
}
