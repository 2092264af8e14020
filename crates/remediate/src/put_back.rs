//! Putting back what a person asked for: a change that is in force is taken back, if the target is still as apply left it.
//! How the mitigation ended stays as it was. Killed at any point and run again, it finds out from record and target.

use incident::{MitigationRecord, PutBack, UndoRequest};
use serde_json::Value;
use step::StepError;

use crate::Output;
use crate::mitigations::{Mitigation, Set};
use crate::undo::{Found, found, permit};
use crate::wake::wake;
use crate::work::Work;

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Take it back.
    Change,
    /// It is as before already: by an earlier call of ours, or by somebody else.
    Settle,
    /// Change nothing, and say why.
    Refuse(String),
}

/// Does what was asked for.
pub(crate) async fn as_asked(work: &Work<'_>, record: &MitigationRecord) -> Result<Output, StepError> {
    if let Some(back) = &record.put_back {
        // An earlier call was cut off after it wrote that.
        put_back(work, record, back).await?;
        return Ok(Output::STOP);
    }
    let (Some(undo), Some(prior), Some(left)) = (&record.undo, &record.prior, &record.left) else {
        return Err(StepError::rejected("nothing is in force that somebody asked to take back"));
    };
    if !record.is_in_force() {
        return Err(StepError::rejected("the mitigation is not in force, so there is nothing to take back"));
    }
    let permit = permit(work, record).await?;
    let (mitigation, present) = match look(work, record).await {
        Ok(seen) => seen,
        Err(error @ StepError::Transient(_)) => return Err(error),
        Err(error) => return refuse(work, record, undo, error.to_string()).await,
    };
    match decide(found(&*mitigation, &present, prior, left), permit) {
        Step::Change => change(work, &*mitigation, record, undo, [prior, left]).await,
        Step::Settle => settle(work, record, undo).await,
        Step::Refuse(no) => refuse(work, record, undo, no).await,
    }
}

/// Looking needs no permit: that it is back is recorded whatever the guards say now.
fn decide(found: Found, permit: Result<(), String>) -> Step {
    match (found, permit) {
        (Found::Prior, _) => Step::Settle,
        (_, Err(no)) => Step::Refuse(no),
        (Found::Left, Ok(())) => Step::Change,
        (Found::Elsewhere, Ok(())) => {
            Step::Refuse("somebody changed the target since it was applied; put it back by hand".to_owned())
        }
    }
}

async fn look(work: &Work<'_>, record: &MitigationRecord) -> Result<(Box<dyn Mitigation>, Value), StepError> {
    let mitigation = work.target(record).await?;
    let present = mitigation.read().await?;
    Ok((mitigation, present))
}

async fn change(
    work: &Work<'_>,
    mitigation: &dyn Mitigation,
    record: &MitigationRecord,
    undo: &UndoRequest,
    [prior, left]: [&Value; 2],
) -> Result<Output, StepError> {
    let begun = UndoRequest { begun_at: undo.begun_at.or_else(|| Some(step::now())), ..undo.clone() };
    if !work.ctx.store.undo_came(record, &begun).await? {
        return Err(StepError::transient("the mitigation changed while it was taken back; read it again"));
    }
    let no = match mitigation.set(prior, left).await {
        Ok(Set::Done(_)) => return settle(work, record, &begun).await,
        // Moved between the look and the change, or by a try whose answer was lost: the retry looks again.
        Ok(Set::Moved) => return Err(StepError::transient("the target changed while it was taken back")),
        Err(error @ StepError::Transient(_)) => return Err(error),
        Err(error) => error.to_string(),
    };
    // The service said no. A lost answer to an earlier try is found by looking; anything else changed nothing.
    let present = mitigation.read().await?;
    match found(mitigation, &present, prior, left) {
        Found::Prior => settle(work, record, &begun).await,
        Found::Left | Found::Elsewhere => refuse(work, record, &begun, no).await,
    }
}

/// It is back: by us where a try of ours had begun, by somebody else where none had.
async fn settle(work: &Work<'_>, record: &MitigationRecord, undo: &UndoRequest) -> Result<Output, StepError> {
    let back = PutBack { at: step::now(), by: by_us(undo) };
    put_back(work, record, &back).await?;
    Ok(Output::STOP)
}

/// Who asked for a try of ours that had begun.
pub(crate) fn by_us(undo: &UndoRequest) -> Option<String> {
    undo.begun_at.is_some().then(|| undo.by.clone())
}

/// It stays in force: that is recorded with its reason, a person is told, and may ask again.
async fn refuse(
    work: &Work<'_>,
    record: &MitigationRecord,
    undo: &UndoRequest,
    no: String,
) -> Result<Output, StepError> {
    let refused = UndoRequest { refused: Some(no.clone()), ..undo.clone() };
    if !work.ctx.store.undo_came(record, &refused).await? {
        return Err(StepError::transient("the mitigation changed while it was taken back; read it again"));
    }
    let cause = format!("undo-refused-{}", undo.run);
    work.note(undo.at, &cause, format!("not put back, as {} asked: {no}", undo.by)).await?;
    work.ctx.store.unlock(&record.target, &work.holder()).await?;
    Err(StepError::refused(no))
}

/// Records that it is back, and does what follows; doing it twice does it once.
pub(crate) async fn put_back(work: &Work<'_>, record: &MitigationRecord, back: &PutBack) -> Result<(), StepError> {
    if !work.ctx.store.put_back(record, back).await? && record.put_back.is_none() {
        return Err(StepError::transient("somebody else recorded in the same moment that it is back; read it again"));
    }
    let what = match &back.by {
        Some(by) => format!("put back, as {by} asked: as before is again: {}", record.target),
        None => format!("put back, not by us: as before is again: {}", record.target),
    };
    work.note(back.at, "put-back", what).await?;
    work.ctx.store.unlock(&record.target, &work.holder()).await?;
    // The wait may have begun after the record was read: its token is read again.
    wake(&work.ctx.sfn, work.record().await?.put_back_token.as_deref()).await
}

#[cfg(test)]
#[path = "put_back_test.rs"]
mod tests;
