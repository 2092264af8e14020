//! What state machines did, from the histories of their executions.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::counted::{Phase, STATE_MACHINES};
use crate::stack::Stack;

/// The outputs of the stack that are state machines, and their names.
const MACHINES: [(&str, &str); 4] = [
    ("IncidentResponse", "incident-response"),
    ("Engage", "engage"),
    ("Mitigate", "mitigate"),
    ("CaptureEvidence", "capture-evidence"),
];

/// The last page is sent after the incident is resolved; nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until no execution runs any more.
pub(super) fn ended(stack: &Stack) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let mut running = 0;
        for (output, _) in MACHINES {
            running += executions(stack, output, &["--status-filter", "RUNNING"])?.len();
        }
        if running == 0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    bail!("An execution still runs {} s after the story has ended", PATIENCE.as_secs())
}

/// Adds transitions and the calls that state machines make themselves.
pub(super) fn add(stack: &Stack, phase: &mut Phase) -> Result<()> {
    for (output, machine) in MACHINES {
        for execution in executions(stack, output, &[])? {
            let read = ["stepfunctions", "get-execution-history", "--max-items", "5000", "--execution-arn", &execution];
            let history: Value = stack.aws().json(&read)?;
            let events = history["events"].as_array().context("A history has no events")?;
            *phase.transitions.entry(machine.to_owned()).or_default() += transitions(events);
            for call in calls(events) {
                phase.called(call, STATE_MACHINES.to_owned(), 1);
            }
        }
    }
    Ok(())
}

fn executions(stack: &Stack, output: &str, filter: &[&str]) -> Result<Vec<String>> {
    let list = ["stepfunctions", "list-executions", "--state-machine-arn", stack.output(output)?];
    let listed: Value = stack.aws().json(&[&list, filter].concat())?;
    let executions = listed["executions"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(executions.iter().filter_map(|execution| execution["executionArn"].as_str().map(str::to_owned)).collect())
}

/// States that were entered. A task that is tried again is another transition, and is not entered again.
fn transitions(events: &[Value]) -> u64 {
    let count =
        |is: &dyn Fn(&str) -> bool| events.iter().filter(|event| event["type"].as_str().is_some_and(is)).count();
    let entered = count(&|kind| kind.ends_with("StateEntered"));
    let again = count(&|kind| kind == "TaskScheduled").saturating_sub(count(&|kind| kind == "TaskStateEntered"));
    u64::try_from(entered + again).unwrap_or(u64::MAX)
}

/// What was called, by service and operation. AWS tells the two apart; the emulator has the whole ARN for the operation.
fn calls(events: &[Value]) -> impl Iterator<Item = String> {
    events.iter().filter_map(|event| {
        let scheduled = &event["taskScheduledEventDetails"];
        let (service, operation) = (scheduled["resourceType"].as_str()?, scheduled["resource"].as_str()?);
        let call =
            operation.strip_prefix("arn:aws:states:::").map_or_else(|| format!("{service}:{operation}"), str::to_owned);
        Some(format!("state machine: {call}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_repeated_task_is_a_transition_and_a_call_more() {
        let scheduled = |operation: &str| {
            let details = json!({"resourceType": "lambda", "resource": operation});
            json!({"type": "TaskScheduled", "taskScheduledEventDetails": details})
        };
        let events = [
            json!({"type": "ExecutionStarted"}),
            json!({"type": "ChoiceStateEntered"}),
            json!({"type": "TaskStateEntered"}),
            scheduled("invoke"),
            json!({"type": "TaskFailed"}),
            scheduled("arn:aws:states:::lambda:invoke"),
            json!({"type": "SucceedStateEntered"}),
        ];
        assert_eq!(transitions(&events), 4);
        assert_eq!(calls(&events).collect::<Vec<_>>(), ["state machine: lambda:invoke"; 2]);
    }
}
