//! Lambda: an asynchronous invocation, or a batch of a stream, that its function gave up on, as destinations tell it: by
//! SQS or SNS the bare record, by EventBridge an event around it.
//!
//! A failure fires under the function's ARN; an invocation that a success destination reports recovers. The rule asks for
//! failures alone: successes come with every invocation.

use serde_json::{Value, json};

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, shown, text};

pub(crate) const SOURCE: Source = Source {
    name: "lambda",
    rules: &[Rule {
        event: "LambdaFailureEvents",
        pattern: r#"{
            "source": ["lambda"],
            "detail-type": ["Lambda Function Invocation Result - Failure"]
        }"#,
    }],
    reader: Reader::Payload(read),
};

const NAME: &str = "lambda";
const FAILURE: &str = "Lambda Function Invocation Result - Failure";
const SUCCESS: &str = "Lambda Function Invocation Result - Success";

/// Reads a destination's record, bare or as an event.
fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    if let Some(event) = Event::of(payload).filter(|event| event.source == NAME) {
        return matches!(event.detail_type, FAILURE | SUCCESS).then(|| vec![record(&event)]);
    }
    let condition = text(payload, "/requestContext/condition")?;
    text(payload, "/requestContext/functionArn")?;
    let detail_type = if condition == "Success" { SUCCESS } else { FAILURE };
    let event = json!({
        "source": NAME, "detail-type": detail_type, "time": text(payload, "/timestamp"), "resources": [],
        "detail": payload,
    });
    Some(vec![record(&Event::of(&event)?)])
}

fn record(event: &Event) -> Result<Signal, Unread> {
    let written = event.text("/requestContext/functionArn").ok_or_else(|| event.lacks("which function it is"))?;
    let mut arn = Arn::parse(written).ok_or_else(|| event.lacks("which function it is, by its ARN"))?;
    if let Some(unqualified) = arn.resource.strip_suffix(":$LATEST") {
        arn.resource = unqualified.to_owned();
    }
    let name = arn.resource.strip_prefix("function:").unwrap_or(&arn.resource).to_owned();
    let condition = event.text("/requestContext/condition").unwrap_or_default();
    let (state, title) = match condition {
        "Success" => (State::Recovered, format!("Function {} succeeded", shown(&name))),
        "EventAgeExceeded" => {
            (State::Firing, format!("Function {} left an event lying until it was too old", shown(&name)))
        }
        _ => (State::Firing, format!("Function {} gave up on {}", shown(&name), what(event))),
    };
    let (kind, message) = (event.text("/responsePayload/errorType"), event.text("/responsePayload/errorMessage"));
    let reason = match (kind, message) {
        (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
        (one, other) => one.or(other).or(event.text("/responseContext/functionError")).map(str::to_owned),
    };
    let stream = event.first(&["/KinesisBatchInfo/streamArn", "/DDBStreamBatchInfo/streamArn"]).and_then(Arn::parse);
    let link = link(&arn);
    let draft =
        event.draft(Kind::Failure, state, Thing::Arn(arn), title).at(event.text("/timestamp").and_then(instant));
    draft.also(stream).because(reason).link(link).signal()
}

fn what(event: &Event) -> &'static str {
    match event.detail {
        Value::Object(fields) if fields.contains_key("KinesisBatchInfo") => "a batch of a Kinesis stream",
        Value::Object(fields) if fields.contains_key("DDBStreamBatchInfo") => "a batch of a DynamoDB stream",
        _ => "an event",
    }
}

fn link(arn: &Arn) -> Option<String> {
    let name = arn.resource.split(':').nth(1)?;
    let (region, name) = (&arn.region, percent_encoded(name));
    console(region, &format!("lambda/home?region={region}#/functions/{name}?tab=monitoring"))
}
