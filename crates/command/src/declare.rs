//! Making an incident of a signal that was told once, as a person asks: under the plan that it was told under, but paged.

use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use incident::{Entry, execution_input, execution_name};
use incident_store::{Opening, Recorded, Taken};
use jiff::Timestamp;
use response_plan::Severity;
use step::{StepError, VERSION, sdk_error};

use crate::Ctx;
use crate::act::{ATTEMPTS, STEP};
use crate::decide::Answer;

/// Who makes an incident of it, and why.
pub(crate) struct Why<'a> {
    pub(crate) by: &'a str,
    pub(crate) reason: &'a str,
    /// How bad it is, where that is not what the plan says.
    pub(crate) severity: Option<Severity>,
}

/// Opens the incident and starts its execution, whose name is the incident's, so that a delivery that was cut off in
/// between is finished by the next: by then the signal belongs to the incident.
///
/// # Errors
/// `Transient` or `Stuck` where the table or Step Functions fails: deliver it again.
pub(crate) async fn declare(ctx: &Ctx, signal_id: &str, why: &Why<'_>, now: Timestamp) -> Result<Answer, StepError> {
    for _ in 0..ATTEMPTS {
        let Some(recorded) = ctx.store.recorded(signal_id).await? else { return Ok(unknown(signal_id)) };
        if let Some((id, opening)) = &recorded.incident {
            return started(ctx, id, *opening).await;
        }
        let Some(told) = recorded.told_once() else { return Ok(never_told(&recorded)) };
        let group = told.group();
        let Some(known) = ctx.store.look(told.signal, &group).await? else { continue };
        if let Some(id) = ctx.store.open_already(&known).await? {
            return Ok(Answer::no(format!(
                "its failing thing or its group has the open incident {id}; look at it with `tourniquet show {id}`"
            )));
        }
        let opened = told.opened(&group, why.severity, VERSION, now);
        let severity = opened.plan.plan.severity;
        let what = format!("declared as {severity} by {}: {}; told once as {}", why.by, why.reason, opened.title);
        let entry = Entry::new(now, STEP, &["opened", &opened.id, "1"], what).by(why.by);
        let opening = Opening { opened: &opened, group: &group };
        if ctx.store.promote(told, &known, opening, None, &entry).await? == Taken::Done {
            start(ctx, &opened.id, 1).await?;
            return Ok(Answer::yes(format!("declared: {} is open as {severity}, and is paged about", opened.id)));
        }
    }
    Err(StepError::transient("the records of the signal changed each time that an incident was to be made of it"))
}

fn unknown(signal_id: &str) -> Answer {
    Answer::no(format!("there is no signal {signal_id}; take its id from the digest, within 30 days of it"))
}

fn never_told(recorded: &Recorded) -> Answer {
    let reason = recorded.reason.as_deref().unwrap_or("it is of an older version");
    Answer::no(format!("the signal was not told in a digest ({reason}); only what was can be made an incident"))
}

/// It belongs to an incident: made by this very request, or otherwise.
async fn started(ctx: &Ctx, id: &str, opening: u32) -> Result<Answer, StepError> {
    let incident = ctx.store.load(id).await?;
    if incident.opening == opening && incident.run == 1 && incident.status.holds_group_key() {
        start(ctx, id, opening).await?;
    }
    Ok(Answer::yes(format!("the signal belongs to the incident {id}, which is {}", incident.status)))
}

/// One of that name is no failure: it runs, or `sweep` starts the next.
async fn start(ctx: &Ctx, id: &str, opening: u32) -> Result<(), StepError> {
    let start = ctx.states.start_execution().state_machine_arn(&ctx.incident_response);
    let start = start.name(execution_name(id, opening, 1)).input(execution_input(id, opening)).send().await;
    match start {
        Ok(_) => Ok(()),
        Err(e) if matches!(e.as_service_error(), Some(StartExecutionError::ExecutionAlreadyExists(_))) => Ok(()),
        Err(e) => Err(sdk_error("the incident's execution could not be started", e)),
    }
}

#[cfg(test)]
#[path = "declare_test.rs"]
mod tests;
