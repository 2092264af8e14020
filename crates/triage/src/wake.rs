//! An open incident has a living execution, and a recovery that is waited for is completed: looked after on every
//! delivery, the first and the repeated ones alike, since the one before may have been killed right here.

use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError;
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use incident::{Incident, SignalOutcome, Storm, engage_input, engage_name, execution_input, execution_name};
use step::{StepError, sdk_error};

use crate::{Ctx, Taken};

/// Looks after the incident that a signal belongs to, or last belonged to, whatever it says itself.
pub(crate) async fn look_after(ctx: &Ctx, taken: &Taken, incident: Option<&(String, u32)>) -> Result<(), StepError> {
    let Some((id, opening)) = incident else { return Ok(()) };
    let opening = *opening;
    if taken.outcome == SignalOutcome::Incident {
        // It has just been opened: its run is the first, and nothing has to be read.
        return start(ctx, &ctx.incident_response, &execution_name(id, opening, 1), &execution_input(id, opening))
            .await;
    }
    let incident = ctx.store.load(id).await?;
    if incident.opening != opening || !incident.status.holds_group_key() {
        return Ok(());
    }
    start_all(ctx, &incident).await?;
    complete_recovery(ctx, &incident).await
}

async fn start_all(ctx: &Ctx, incident: &Incident) -> Result<(), StepError> {
    let input = execution_input(incident.id(), incident.opening);
    start(ctx, &ctx.incident_response, &incident.execution_name(), &input).await?;
    if incident.engagement > 1 {
        // The parent engages once; what makes a mitigated incident open again begins the next engagement.
        let (id, opening, engagement) = (incident.id(), incident.opening, incident.engagement);
        let (name, input) = (engage_name(id, opening, engagement), engage_input(id, opening, engagement));
        start(ctx, &ctx.engage, &name, &input).await?;
    }
    Ok(())
}

/// Starts an execution. The same name with the same input is the same execution while it runs; one that has ended is
/// `sweep`'s to replace, which looks every minute.
async fn start(ctx: &Ctx, machine: &str, name: &str, input: &str) -> Result<(), StepError> {
    if !start_once(ctx, machine, name, input).await? {
        tracing::warn!(
            execution = name,
            "the execution has ended while its incident is open; sweep starts the next run"
        );
    }
    Ok(())
}

/// Sees that an owner is paged about what is theirs in a storm, once: the name is the storm's and the owner's. And that the
/// storm itself is looked after, since whoever began it may have been killed right after that.
pub(crate) async fn page_in_storm(ctx: &Ctx, storm: &Storm, owner: &str) -> Result<(), StepError> {
    let (id, opening) = (&storm.incident_id, storm.opening);
    let (name, input) = (execution_name(id, opening, 1), execution_input(id, opening));
    start_once(ctx, &ctx.incident_response, &name, &input).await?;
    start_once(ctx, &ctx.engage, &storm.page_name(owner), &storm.page_input(owner)).await.map(drop)
}

/// `false` where an execution of that name has ended.
async fn start_once(ctx: &Ctx, machine: &str, name: &str, input: &str) -> Result<bool, StepError> {
    let start = ctx.sfn.start_execution().state_machine_arn(machine).name(name).input(input).send().await;
    match start {
        Ok(_) => Ok(true),
        Err(e) if matches!(e.as_service_error(), Some(StartExecutionError::ExecutionAlreadyExists(_))) => Ok(false),
        Err(e) => Err(sdk_error("the incident's execution could not be started", e)),
    }
}

/// Where nothing fires and `AwaitRecovery` waits, it goes on. A token that is worth nothing any more was completed before.
async fn complete_recovery(ctx: &Ctx, incident: &Incident) -> Result<(), StepError> {
    let Some(token) = incident.recovery_token.as_ref().filter(|_| incident.firing.is_empty()) else { return Ok(()) };
    complete(ctx, token).await
}

/// Lets a wait go on. One that is over already is no error.
pub(crate) async fn complete(ctx: &Ctx, token: &str) -> Result<(), StepError> {
    match ctx.sfn.send_task_success().task_token(token).output("{}").send().await {
        Ok(_) => Ok(()),
        Err(e) => match e.as_service_error() {
            Some(
                SendTaskSuccessError::TaskDoesNotExist(_)
                | SendTaskSuccessError::TaskTimedOut(_)
                | SendTaskSuccessError::InvalidToken(_),
            ) => Ok(()),
            _ => Err(sdk_error("the recovery could not be handed on", e)),
        },
    }
}
