//! Executions: of the parent state machine, of the one that pages, and of the one that reminds of what is in force.

use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError as NotSent;
use aws_sdk_sfn::types::ExecutionStatus;
use aws_types::SdkConfig;
use incident::{Digest, MitigationRecord, Storm, V, engage_input, engage_name, execution_input, execution_name};
use jiff::Timestamp;
use step::{StepError, sdk_error};

use crate::decide::Execution;

/// The state machines.
#[derive(Debug)]
pub(crate) struct Executions {
    client: aws_sdk_sfn::Client,
    state_machine: String,
    /// The state machine `engage`.
    engage: String,
    /// The state machine `mitigate`.
    mitigate: String,
    /// What the ARN of every execution begins with.
    prefix: String,
}

impl Executions {
    /// `Stuck` where the ARN is none of a state machine.
    pub(crate) fn new(
        config: &SdkConfig,
        state_machine: String,
        engage: String,
        mitigate: String,
    ) -> Result<Self, StepError> {
        let prefix = prefix(&state_machine).ok_or_else(|| {
            StepError::stuck(format!("INCIDENT_RESPONSE is `{state_machine}`, which is no ARN of a state machine"))
        })?;
        Ok(Self { client: aws_sdk_sfn::Client::new(config), state_machine, engage, mitigate, prefix })
    }

    /// How an execution is.
    pub(crate) async fn describe(&self, name: &str) -> Result<Execution, StepError> {
        let arn = format!("{}{name}", self.prefix);
        match self.client.describe_execution().execution_arn(arn).send().await {
            Ok(found) => Ok(match found.status() {
                ended @ (ExecutionStatus::Succeeded
                | ExecutionStatus::Failed
                | ExecutionStatus::TimedOut
                | ExecutionStatus::Aborted) => {
                    let at = found.stop_date().and_then(|at| Timestamp::from_second(at.secs()).ok());
                    Execution::Ended { how: ended.as_str().to_owned(), at }
                }
                _ => Execution::Running,
            }),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => Ok(Execution::Missing),
            Err(e) => Err(sdk_error("the execution of an incident could not be looked at", e)),
        }
    }

    /// Starts an execution. One of that name is no failure: if it has ended, the next sweep sees it.
    pub(crate) async fn start(&self, id: &str, opening: u32, run: u32) -> Result<(), StepError> {
        self.start_one(&self.state_machine, execution_name(id, opening, run), execution_input(id, opening)).await
    }

    /// Starts the execution that pages in an engagement. One of that name is no failure: it pages, or has paged.
    pub(crate) async fn engage(&self, id: &str, opening: u32, engagement: u32) -> Result<(), StepError> {
        let (name, input) = (engage_name(id, opening, engagement), engage_input(id, opening, engagement));
        self.start_one(&self.engage, name, input).await
    }

    /// Starts an execution that reminds the owner once. One of that name did it, or does.
    pub(crate) async fn remind(&self, record: &MitigationRecord, count: u32) -> Result<(), StepError> {
        let MitigationRecord { incident_id, opening, n, .. } = record;
        let input =
            format!(r#"{{"v":{V},"incident_id":"{incident_id}","opening":{opening},"n":{n},"reminder":{count}}}"#);
        self.start_one(&self.mitigate, format!("{incident_id}-{opening}-{n}-remind-{count}"), input).await
    }

    /// Starts an execution that tells a digest for the `n`th time, so many hours after it was due. One of that name did it,
    /// or does.
    pub(crate) async fn tell_digest(&self, id: &str, n: u32, hours: i64) -> Result<(), StepError> {
        self.start_one(&self.engage, Digest::execution_name(id, n, hours), Digest::execution_input(id, n)).await
    }

    /// Starts the execution that pages an owner about what is theirs in a storm. One of that name pages, or has paged.
    pub(crate) async fn page_in_storm(&self, storm: &Storm, owner: &str) -> Result<(), StepError> {
        self.start_one(&self.engage, storm.page_name(owner), storm.page_input(owner)).await
    }

    /// Lets a wait go on; `false` where it is over already, or went on before.
    pub(crate) async fn complete(&self, token: &str) -> Result<bool, StepError> {
        match self.client.send_task_success().task_token(token).output("{}").send().await {
            Ok(_) => Ok(true),
            Err(e) => match e.as_service_error() {
                Some(NotSent::TaskDoesNotExist(_) | NotSent::TaskTimedOut(_) | NotSent::InvalidToken(_)) => Ok(false),
                _ => Err(sdk_error("the recovery of an incident could not be handed on", e)),
            },
        }
    }

    async fn start_one(&self, state_machine: &str, name: String, input: String) -> Result<(), StepError> {
        let start = self.client.start_execution().state_machine_arn(state_machine).name(name).input(input).send().await;
        match start {
            Ok(_) => Ok(()),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_already_exists()) => Ok(()),
            Err(e) => Err(sdk_error("the execution of an incident could not be started", e)),
        }
    }
}

/// `arn:…:stateMachine:name` → `arn:…:execution:name:`.
fn prefix(state_machine: &str) -> Option<String> {
    let (head, name) = state_machine.split_once(":stateMachine:")?;
    (head.starts_with("arn:") && !name.is_empty()).then(|| format!("{head}:execution:{name}:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_named_after_their_state_machine() {
        let arn = "arn:aws:states:eu-west-1:111122223333:stateMachine:incident-response";
        let expect = "arn:aws:states:eu-west-1:111122223333:execution:incident-response:";
        assert_eq!(prefix(arn).as_deref(), Some(expect));
        for none in ["", "incident-response", "arn:aws:states:eu-west-1:111122223333:activity:x"] {
            assert_eq!(prefix(none), None, "{none}");
        }
    }
}
