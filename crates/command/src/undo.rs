//! Taking back a change that is in force, as a person asks: their wish is recorded, and an execution of `mitigate` does it.

use aws_sdk_sfn::types::ExecutionStatus;
use incident::{Entry, Incident, MitigationRecord, Progress, UndoRequest, V};
use jiff::Timestamp;
use step::{StepError, sdk_error};

use crate::act::{ATTEMPTS, STEP, named, unknown};
use crate::decide::{Answer, second};
use crate::request::Request;
use crate::{Ctx, Mitigate};

/// How the last try stands that somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nobody asked.
    Never,
    /// Asked for, and not begun: its command was cut off.
    Missing,
    /// Under way.
    Running,
    /// Over, and the change is in force still.
    Ended,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ruling {
    /// Record this wish, and start its execution.
    Ask(UndoRequest),
    /// It is recorded: start its execution, which may be there already.
    Start(UndoRequest),
    /// Nothing.
    No(String),
}

/// Asks for it: the record first, then the execution, whose name is the record's, so that a delivery that was cut off in
/// between is finished by the next.
///
/// # Errors
/// `Rejected` where there is no such incident: that is the answer. Anything else: deliver it again.
pub(crate) async fn undo(
    ctx: &Ctx,
    request: &Request,
    id: &str,
    n: u32,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Answer, StepError> {
    for _ in 0..ATTEMPTS {
        let Some((incident, record)) = named(ctx, id, n).await? else { return Ok(unknown(n)) };
        let last = last(&ctx.mitigate, &record).await?;
        match decide(&record, last, request, reason, now) {
            Ruling::No(reason) => return Ok(Answer::no(reason)),
            Ruling::Start(undo) => return started(ctx, &incident, &record, &undo).await,
            Ruling::Ask(undo) => {
                if ctx.store.ask_undo(&record, &undo).await? {
                    return started(ctx, &incident, &record, &undo).await;
                }
            }
        }
    }
    Err(StepError::transient("the mitigation changed each time that it was to be taken back"))
}

fn decide(record: &MitigationRecord, last: Last, request: &Request, reason: Option<&str>, now: Timestamp) -> Ruling {
    if let Some(ours) = record.undo.as_ref().filter(|undo| undo.request_id == request.request_id) {
        return Ruling::Start(ours.clone());
    }
    if let Some(no) = not_in_force(record) {
        return Ruling::No(no);
    }
    match (&record.undo, last) {
        (Some(undo), Last::Missing) => return Ruling::Start(undo.clone()),
        (Some(undo), Last::Running) => {
            return Ruling::No(format!("{} asked for it at {}, and it is under way", undo.by, second(undo.at)));
        }
        (_, Last::Never | Last::Ended) | (None, _) => {}
    }
    Ruling::Ask(UndoRequest {
        by: request.by.clone(),
        reason: reason.map(str::to_owned),
        at: now,
        request_id: request.request_id.clone(),
        run: record.undo.as_ref().map_or(1, |undo| undo.run + 1),
        begun_at: None,
        refused: None,
    })
}

/// Why there is nothing to take back.
fn not_in_force(record: &MitigationRecord) -> Option<String> {
    if let Some(back) = &record.put_back {
        return Some(format!("it is back since {}", second(back.at)));
    }
    match record.progress {
        Progress::Ended if record.is_in_force() => None,
        Progress::Ended => Some("nothing of it is in force: `tourniquet show` says how it ended".to_owned()),
        Progress::Applied => {
            Some("it is being verified, which may take it back; ask again when that has ended".to_owned())
        }
        Progress::Applying => Some("it is being applied, or stopped half-way: look at the target by hand".to_owned()),
        Progress::Planned | Progress::Approved => Some("it is not applied; `tourniquet reject` ends it".to_owned()),
    }
}

/// What follows from the wish: the entry, and the execution.
async fn started(
    ctx: &Ctx,
    incident: &Incident,
    record: &MitigationRecord,
    undo: &UndoRequest,
) -> Result<Answer, StepError> {
    let MitigationRecord { n, opening, target, .. } = record;
    let why = undo.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let key = ["undo", incident.id(), &opening.to_string(), &n.to_string(), &undo.run.to_string()];
    let what = format!("asked to take mitigation {n} back{why}: {target}");
    ctx.store.note(incident.id(), &Entry::new(undo.at, STEP, &key, what).by(&undo.by)).await?;
    start(&ctx.mitigate, record, undo.run).await?;
    Ok(Answer::yes(format!("asked for; `tourniquet show {}` says what comes of it", incident.id())))
}

async fn last(mitigate: &Mitigate, record: &MitigationRecord) -> Result<Last, StepError> {
    let Some(undo) = &record.undo else { return Ok(Last::Never) };
    let arn = format!("{}{}", mitigate.executions, record.undo_execution(undo.run));
    match mitigate.client.describe_execution().execution_arn(arn).send().await {
        Ok(found) => Ok(match found.status() {
            ExecutionStatus::Succeeded
            | ExecutionStatus::Failed
            | ExecutionStatus::TimedOut
            | ExecutionStatus::Aborted => Last::Ended,
            _ => Last::Running,
        }),
        Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => Ok(Last::Missing),
        Err(e) => Err(sdk_error("the execution that takes it back could not be looked at", e)),
    }
}

/// Starts it. One of that name is no failure: it does, or did, what is asked.
async fn start(mitigate: &Mitigate, record: &MitigationRecord, run: u32) -> Result<(), StepError> {
    let MitigationRecord { incident_id, opening, n, .. } = record;
    let input = format!(r#"{{"v":{V},"incident_id":"{incident_id}","opening":{opening},"n":{n},"undo":true}}"#);
    let start = mitigate.client.start_execution().state_machine_arn(&mitigate.state_machine);
    match start.name(record.undo_execution(run)).input(input).send().await {
        Ok(_) => Ok(()),
        Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_already_exists()) => Ok(()),
        Err(e) => Err(sdk_error("what takes it back could not be started", e)),
    }
}

#[cfg(test)]
#[path = "undo_test.rs"]
mod tests;
