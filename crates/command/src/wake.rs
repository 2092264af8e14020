//! Waking the state machine that waits for a person.

use incident::{CommandRecord, Incident, MitigationRecord, Verb};
use step::{StepError, sdk_error};

use crate::Ctx;
use crate::request::Request;

/// Completes a wait; one that is over, or was never there, is no failure.
pub(crate) async fn wake(ctx: &Ctx, token: Option<&str>) -> Result<(), StepError> {
    let Some(token) = token else { return Ok(()) };
    match ctx.states.send_task_success().task_token(token).output("{}").send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(is_over) => Ok(()),
        Err(error) => Err(sdk_error("the state machine that waits could not be woken", error)),
    }
}

/// Wakes the state machine of an incident wherever it waits: for recovery, or for what is in force to be put back. Returns
/// what is in force and keeps its status from being better than `mitigated`, but for a person's word.
pub(crate) async fn wake_all(
    ctx: &Ctx,
    incident: &Incident,
    token_before: Option<String>,
) -> Result<Vec<MitigationRecord>, StepError> {
    wake(ctx, incident.recovery_token.as_deref()).await?;
    // Also where another waits now: the incident may have been opened again since.
    wake(ctx, token_before.filter(|before| incident.recovery_token.as_ref() != Some(before)).as_deref()).await?;
    let mut holding = ctx.store.mitigations(incident.id(), incident.opening).await?;
    for record in &holding {
        wake(ctx, record.put_back_token.as_deref()).await?;
    }
    holding.retain(MitigationRecord::holds);
    Ok(holding)
}

/// A request that is answered came again: nothing is done, but what waits for it is woken.
pub(crate) async fn again(ctx: &Ctx, request: &Request, record: &CommandRecord) -> Result<(), StepError> {
    tracing::info!(command = request.request_id, "the command came again, and is answered already");
    let Some(id) = record.incident_id.as_deref().filter(|_| record.done) else { return Ok(()) };
    match record.verb {
        Some(Verb::Approve | Verb::Reject) => {
            let incident = ctx.store.load(id).await?;
            for decided in ctx.store.mitigations(id, incident.opening).await? {
                if decided.decided_by.as_deref() == Some(&record.by) {
                    wake(ctx, decided.approval_token.as_deref()).await?;
                }
            }
            Ok(())
        }
        Some(Verb::Resolve) => {
            let incident = ctx.store.load(id).await?;
            if incident.status.holds_group_key() {
                return Ok(());
            }
            wake_all(ctx, &incident, None).await.map(drop)
        }
        Some(
            Verb::Acknowledge
            | Verb::Undo
            | Verb::Declare
            | Verb::Brake
            | Verb::Mute
            | Verb::Unmute
            | Verb::ChangeRecord,
        )
        | None => Ok(()),
    }
}

fn is_over(error: &aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError) -> bool {
    error.is_task_timed_out() || error.is_task_does_not_exist() || error.is_invalid_token()
}
