//! Step Functions: executions.
//!
//! `FAILED`, `TIMED_OUT` and `ABORTED` fire under the state machine's ARN, since executions have new names; its next
//! execution that succeeds recovers.

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::epoch;
use crate::{Kind, Signal, State, Unread, outcome, shown};

pub(crate) const SOURCE: Source = Source {
    name: "stepfunctions",
    // The suite's own state machines page by alarms, without it.
    rules: &[Rule {
        event: "StepFunctionsEvents",
        pattern: r#"{
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {
                "stateMachineArn": [{ "anything-but": { "prefix": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-" } }],
                "status": ["FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED"]
            }
        }"#,
    }],
    reader: Reader::Event(&["aws.states"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    (event.detail_type == "Step Functions Execution Status Change").then(|| execution(event))
}

fn execution(event: &Event) -> Result<Signal, Unread> {
    let status = event.text("/status").ok_or_else(|| event.lacks("its status"))?;
    let (state, ended) = match status {
        "FAILED" => (State::Firing, "failed".to_owned()),
        "TIMED_OUT" => (State::Firing, "timed out".to_owned()),
        "ABORTED" => (State::Firing, "was aborted".to_owned()),
        "SUCCEEDED" => (State::Recovered, "succeeded".to_owned()),
        "RUNNING" => (State::Info, "is running".to_owned()),
        "PENDING_REDRIVE" => (State::Info, "waits to be redriven".to_owned()),
        other => (outcome::of(other).unwrap_or(State::Info), format!("is in state {}", shown(other))),
    };
    let execution = event.text("/executionArn").and_then(Arn::parse).or_else(|| event.resource("states", "execution:"));
    let machine = event.text("/stateMachineArn").and_then(Arn::parse);
    let machine = machine.or_else(|| {
        let execution = execution.as_ref()?;
        let name = execution.resource.split(':').nth(1)?;
        Some(execution.sibling(format!("stateMachine:{name}")))
    });
    let machine = machine.ok_or_else(|| event.lacks("which state machine it is, by its ARN"))?;
    let name = machine.resource.strip_prefix("stateMachine:").unwrap_or(&machine.resource);
    let run = event.text("/name").or(execution.as_ref().and_then(|arn| arn.resource.rsplit(':').next()));
    let title = format!("Execution {} of {} {ended}", shown(run.unwrap_or("without name")), shown(name));
    let ends = if state == State::Info { "startDate" } else { "stopDate" };
    let time = event.detail.get(ends).and_then(epoch);
    let reason = match (event.text("/error"), event.text("/cause")) {
        (Some(error), Some(cause)) => Some(format!("{error}: {cause}")),
        (one, other) => one.or(other).map(str::to_owned),
    };
    let link = execution.as_ref().and_then(link);
    let draft = event.draft(Kind::Failure, state, Thing::Arn(machine), title).at(time).also(execution);
    draft.because(reason).link(link).signal()
}

fn link(execution: &Arn) -> Option<String> {
    let (region, id) = (&execution.region, percent_encoded(&execution.to_string()));
    console(region, &format!("states/home?region={region}#/v2/executions/details/{id}"))
}
