//! Apply: make the approved change, once. Killed at any point and run again, it finds out from the record and the target
//! how far it came.

use incident::{MitigationRecord, Outcome, Progress};
use serde_json::Value;
use step::StepError;

use crate::mitigations::{Mitigation, Set};
use crate::work::{LEASE, Work};
use crate::{Next, Output, guards, verify};

/// What there is to do with a mitigation that is approved, or that an earlier call began to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Make the change.
    Change,
    /// The target is as wanted already: record it.
    Settle,
    /// Change nothing, and say why.
    Refuse(String),
    /// Touch nothing more: the target is neither as it was nor as it should be.
    Stuck(String),
}

/// Where the target stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Exactly as when it was planned.
    Prior,
    /// As wanted.
    Desired,
    /// Neither.
    Elsewhere,
}

/// Goes on from where the record stands.
pub(crate) async fn apply(work: &Work<'_>) -> Result<Output, StepError> {
    let record = work.record().await?;
    match record.progress {
        Progress::Planned => {
            let early = work.now < record.expires_at;
            let why = if early { "the wait for an approval ended early" } else { "nobody approved it in time" };
            work.end(&record, Outcome::Expired, why).await?;
            Ok(Output::STOP)
        }
        Progress::Approved | Progress::Applying => change(work, record).await,
        Progress::Applied => applied(work, &record).await,
        Progress::Ended => {
            work.close(&record).await?;
            match (record.outcome, record.reason) {
                (Some(Outcome::Refused), Some(reason)) => Err(StepError::refused(reason)),
                _ => Ok(Output::STOP),
            }
        }
    }
}

/// The whole decision, once the target was read. `permit` is what brake, approval, lock, incident and alarm say.
pub(crate) fn decide(progress: Progress, found: Found, permit: Result<(), String>) -> Step {
    match (progress, found, permit) {
        // It may have been this call's own predecessor: the change is recorded whatever the guards say now.
        (Progress::Applying, Found::Desired, _) => Step::Settle,
        (Progress::Applying, Found::Elsewhere, _) => Step::Stuck(
            "the target is neither as it was nor as it should be after a change that was cut short; look at it by hand"
                .into(),
        ),
        (_, _, Err(no)) => Step::Refuse(no),
        (Progress::Approved, Found::Elsewhere, Ok(())) => {
            Step::Refuse("the target changed since it was planned; nothing was changed, act by hand".into())
        }
        (Progress::Approved, Found::Desired, Ok(())) => Step::Settle,
        (Progress::Approved | Progress::Applying, Found::Prior, Ok(())) => Step::Change,
        (Progress::Planned | Progress::Applied | Progress::Ended, _, Ok(())) => {
            Step::Stuck("a mitigation that is not approved cannot be applied".into())
        }
    }
}

/// Whether the record says first that the change begins now. A change that was cut short before it was made begins again:
/// nothing that cleared in between is its doing.
fn begins(progress: Progress, step: &Step) -> bool {
    match step {
        Step::Change => true,
        Step::Settle => progress == Progress::Approved,
        Step::Refuse(_) | Step::Stuck(_) => false,
    }
}

async fn change(work: &Work<'_>, mut record: MitigationRecord) -> Result<Output, StepError> {
    let (permit, fencing) = match permit(work, &record).await? {
        Ok(fencing) => (Ok(()), Some(fencing)),
        Err(no) if record.progress == Progress::Approved => return work.refuse(&record, no).await,
        Err(no) => (Err(no), record.fencing),
    };
    let (mitigation, present, fires) = match read(work, &record).await {
        Ok(read) => read,
        Err(StepError::Stuck(e) | StepError::Refused(e)) if record.progress == Progress::Approved => {
            // What cannot be read is not changed.
            return work.refuse(&record, e.to_string()).await;
        }
        Err(error) => return Err(error),
    };
    let step = decide(record.progress, found(&*mitigation, &record, &present), permit.and(fires));
    if begins(record.progress, &step) {
        record = begin(work, record, fencing).await?;
    }
    match step {
        Step::Change => make(work, &*mitigation, record).await,
        Step::Settle => settle(work, record, present, "already so").await,
        Step::Refuse(no) => work.refuse(&record, no).await,
        Step::Stuck(why) => stuck(work, why).await,
    }
}

/// Whether the change may be made now: the fencing number of the lock, or the sentence that says no.
async fn permit(work: &Work<'_>, record: &MitigationRecord) -> Result<Result<u64, String>, StepError> {
    let allowed = mutations_are_on(work)
        .and(guards::is_under_way(work.incident.status))
        .and(guards::approval_holds(record, work.now))
        .and(work.brake_is_off().await);
    if let Err(no) = allowed {
        return Ok(Err(no));
    }
    let lock = work.ctx.store.lock(&record.target, &work.holder(), work.now, LEASE).await?;
    Ok(guards::lock_is_ours(lock))
}

pub(crate) fn mutations_are_on(work: &Work<'_>) -> Result<(), String> {
    if work.ctx.mutations { Ok(()) } else { Err("Mutations is off; the stack's parameter turns it on".to_owned()) }
}

/// The target with its present state, and whether the opening alarm still fires: an approval may be half an hour old.
async fn read(
    work: &Work<'_>,
    record: &MitigationRecord,
) -> Result<(Box<dyn Mitigation>, Value, Result<(), String>), StepError> {
    let planned = work.planned(record)?;
    let role = work.role(planned).await?;
    let fires = guards::still_fires(role.opening_alarm(&work.incident).await)?;
    let mitigation = role.target_again(planned, &record.target).await?;
    let present = mitigation.read().await?;
    Ok((mitigation, present, fires))
}

/// Stores the prior state as the one that the change goes from: from here on it may have happened.
async fn begin(work: &Work<'_>, record: MitigationRecord, fencing: Option<u64>) -> Result<MitigationRecord, StepError> {
    let (from, applying_at) = (record.progress, Some(step::now()));
    let applying = MitigationRecord { progress: Progress::Applying, fencing, applying_at, ..record };
    work.advance(from, &applying).await?;
    if from == Progress::Approved {
        work.note(work.now, "applying", format!("approved, the target is locked: {}", applying.summary)).await?;
    }
    Ok(applying)
}

async fn make(work: &Work<'_>, mitigation: &dyn Mitigation, record: MitigationRecord) -> Result<Output, StepError> {
    let (Some(prior), Some(desired)) = (&record.prior, &record.desired) else {
        return stuck(work, "the record names no state to go from or to".into()).await;
    };
    let why = match mitigation.set(desired, prior).await {
        Ok(Set::Done(left)) => return settle(work, record, left, "done").await,
        Ok(Set::Moved) => "somebody else changed the target in the same moment; look at it, and act by hand".to_owned(),
        Err(error @ StepError::Transient(_)) => return Err(error),
        Err(error) => error.to_string(),
    };
    // The service said no. A lost answer to an earlier try is found by looking; anything else changed nothing.
    let present = mitigation.read().await?;
    match found(mitigation, &record, &present) {
        Found::Desired => settle(work, record, present, "already so").await,
        Found::Prior | Found::Elsewhere => work.refuse(&record, why).await,
    }
}

async fn settle(work: &Work<'_>, record: MitigationRecord, left: Value, how: &str) -> Result<Output, StepError> {
    // The call began before the change did: the instant of the record must not be earlier than the change.
    let applied_at = Some(step::now());
    let done = MitigationRecord { progress: Progress::Applied, applied_at, left: Some(left), ..record };
    work.advance(Progress::Applying, &done).await?;
    tracing::info!(how, "the target is as wanted");
    applied(work, &done).await
}

async fn applied(work: &Work<'_>, record: &MitigationRecord) -> Result<Output, StepError> {
    let at = record.applied_at.unwrap_or(record.planned_at);
    work.note(at, "applied", format!("applied: {}", record.summary)).await?;
    Ok(Output::Next { next: Next::Verify, wait_s: verify::wait_s(work.planned(record)?) })
}

async fn stuck<T>(work: &Work<'_>, why: String) -> Result<T, StepError> {
    work.note(work.now, "stuck", why.as_str()).await?;
    Err(StepError::stuck(why))
}

fn found(mitigation: &dyn Mitigation, record: &MitigationRecord, present: &Value) -> Found {
    if record.prior.as_ref() == Some(present) {
        Found::Prior
    } else if record.desired.as_ref().is_some_and(|desired| mitigation.is_at(present, desired)) {
        Found::Desired
    } else {
        Found::Elsewhere
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: Result<(), &str> = Err("the brake is on");

    #[track_caller]
    fn check(progress: Progress, found: Found, permit: Result<(), &str>, expect: &str) {
        let step = decide(progress, found, permit.map_err(str::to_owned));
        let told = match step {
            Step::Change => "change".to_owned(),
            Step::Settle => "settle".to_owned(),
            Step::Refuse(why) => format!("refuse: {why}"),
            Step::Stuck(why) => format!("stuck: {why}"),
        };
        assert!(told.starts_with(expect), "{progress:?} {found:?} {permit:?}: {told}, expected {expect}");
    }

    #[test]
    fn an_approved_change_is_made_from_the_planned_state_only() {
        check(Progress::Approved, Found::Prior, Ok(()), "change");
        check(Progress::Approved, Found::Desired, Ok(()), "settle");
        check(Progress::Approved, Found::Elsewhere, Ok(()), "refuse: the target changed since it was planned");
        for found in [Found::Prior, Found::Desired, Found::Elsewhere] {
            check(Progress::Approved, found, NO, "refuse: the brake is on");
        }
    }

    #[test]
    fn killed_before_the_change_it_is_made_again_if_it_still_may() {
        check(Progress::Applying, Found::Prior, Ok(()), "change");
        check(Progress::Applying, Found::Prior, NO, "refuse: the brake is on");
    }

    #[test]
    fn killed_after_the_change_it_is_recorded_whatever_the_guards_say_now() {
        check(Progress::Applying, Found::Desired, Ok(()), "settle");
        check(Progress::Applying, Found::Desired, NO, "settle");
    }

    #[test]
    fn a_change_begins_right_before_it_is_made() {
        for (progress, step, expect) in [
            (Progress::Approved, Step::Change, true),
            (Progress::Approved, Step::Settle, true),
            (Progress::Applying, Step::Change, true),
            // It was made after the first beginning: when is not known any better.
            (Progress::Applying, Step::Settle, false),
            (Progress::Approved, Step::Refuse("no".into()), false),
            (Progress::Applying, Step::Stuck("moved".into()), false),
        ] {
            assert_eq!(begins(progress, &step), expect, "{progress:?} {step:?}");
        }
    }

    #[test]
    fn killed_and_moved_by_someone_else_nothing_more_is_touched() {
        check(Progress::Applying, Found::Elsewhere, Ok(()), "stuck: the target is neither");
        check(Progress::Applying, Found::Elsewhere, NO, "stuck: the target is neither");
    }

    #[test]
    fn nothing_but_an_approved_mitigation_is_ever_applied() {
        for progress in [Progress::Planned, Progress::Applied, Progress::Ended] {
            for found in [Found::Prior, Found::Desired, Found::Elsewhere] {
                check(progress, found, Ok(()), "stuck: a mitigation that is not approved");
            }
        }
    }
}
