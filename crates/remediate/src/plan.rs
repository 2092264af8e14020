//! Plan: look at the present state and record what would be changed, or why nothing is.

use incident::{MitigationRecord, Outcome, Progress, V};
use jiff::SignedDuration;
use response_plan::{Change, Mode};
use step::StepError;

use crate::mitigations::{self, Proposal};
use crate::work::{Work, plan_hash};
use crate::{Next, Output, guards};

/// How long an approval may be given and used.
const EXPIRES: SignedDuration = SignedDuration::from_mins(30);

/// How much of a target's ledger is looked at: far more than a window of changes holds.
const LEDGER: u32 = 50;

/// Records a plan once, and answers the same every time after.
pub(crate) async fn plan(work: &Work<'_>) -> Result<Output, StepError> {
    let (store, id, opening) = (&work.ctx.store, work.incident.id(), work.incident.opening);
    if let Some(record) = store.mitigation(id, opening, work.n).await? {
        return answer(work, &record).await;
    }
    if work.incident.plan().mitigations.is_empty() {
        let at = work.incident.opened.opened_at;
        work.note(at, "none", "the plan has no mitigation; a person finds the way out").await?;
        return Ok(Output::STOP);
    }
    let record = draft(work).await?;
    if store.plan_mitigation(&record).await? {
        answer(work, &record).await
    } else {
        answer(work, &work.record().await?).await
    }
}

/// The answer to a record, whoever wrote it.
async fn answer(work: &Work<'_>, record: &MitigationRecord) -> Result<Output, StepError> {
    if record.progress != Progress::Ended {
        work.note(record.planned_at, "planned", format!("planned, waits for approval: {}", record.summary)).await?;
        return Ok(Output::Next { next: Next::Approve, wait_s: 0 });
    }
    work.close(record).await?;
    match (record.outcome, &record.reason) {
        (Some(Outcome::Refused), Some(reason)) => Err(StepError::refused(reason)),
        _ => Ok(Output::STOP),
    }
}

/// The record of what is proposed, or of the guard that said no. What cannot be read says no; what may be readable soon
/// is tried again.
async fn draft(work: &Work<'_>) -> Result<MitigationRecord, StepError> {
    let held = held_back(work);
    match propose(work).await {
        Ok((choice, proposal)) => {
            let reason = held.map(|why| format!("{why}: would {}", proposal.summary));
            record(work, choice, Some(proposal), None, reason)
        }
        Err(error @ StepError::Transient(_)) => Err(error),
        Err(error) => {
            tracing::warn!(
                error.name = error.name(),
                error.chain = format!("{:#}", error.cause()),
                "no mitigation is proposed"
            );
            let (outcome, reason) = match held {
                Some(why) => (None, format!("{why}: would be refused: {error}")),
                None => (Some(Outcome::Refused), error.to_string()),
            };
            record(work, 0, None, outcome, Some(reason))
        }
    }
}

/// Why a plan would only be shown.
fn held_back(work: &Work<'_>) -> Option<&'static str> {
    why_only_shown(work.incident.opened.drill, work.incident.plan().mode, work.ctx.mutations)
}

fn why_only_shown(drill: bool, mode: Mode, mutations: bool) -> Option<&'static str> {
    match (drill, mode, mutations) {
        (true, ..) => Some("drill"),
        (_, Mode::Observe, _) => Some("observe"),
        (_, Mode::Act, false) => Some("Mutations is off"),
        (false, Mode::Act, true) => None,
    }
}

/// The first of the plan's mitigations whose guards hold, with its index.
async fn propose(work: &Work<'_>) -> Result<(u32, Proposal), StepError> {
    work.brake_is_off().await.map_err(StepError::refused)?;
    guards::is_under_way(work.incident.status).map_err(StepError::refused)?;
    let role = work.role().await?;
    guards::fires(role.opening_alarm(&work.incident).await?).map_err(StepError::refused)?;
    let mut said_no = Vec::new();
    for (choice, planned) in (0..).zip(&work.incident.plan().mitigations) {
        let mitigation = role.target(&planned.change);
        let ledger = work.ctx.store.changes(mitigation.target(), LEDGER).await?;
        match mitigation.plan(&ledger, &planned.guards, work.now).await {
            Ok(proposal) => return Ok((choice, proposal)),
            Err(error @ StepError::Transient(_)) => return Err(error),
            Err(no) => said_no.push(no.to_string()),
        }
    }
    Err(StepError::refused(said_no.join("; ")))
}

/// A record with a reason has ended when it is written: it was refused, or is only shown.
fn record(
    work: &Work<'_>,
    choice: u32,
    proposal: Option<Proposal>,
    outcome: Option<Outcome>,
    reason: Option<String>,
) -> Result<MitigationRecord, StepError> {
    let change = match work.incident.plan().mitigations.get(choice as usize) {
        Some(planned) => &planned.change,
        None => return Err(StepError::stuck(format!("the plan has no mitigation {choice}"))),
    };
    let target = target_of(work, change).unwrap_or_else(|| change.describe());
    let (summary, prior, desired) = match proposal {
        Some(Proposal { summary, prior, desired }) => (summary, Some(prior), Some(desired)),
        None => (change.describe(), None, None),
    };
    let ended = reason.is_some();
    Ok(MitigationRecord {
        v: V,
        incident_id: work.incident.id().to_owned(),
        opening: work.incident.opening,
        n: work.n,
        choice,
        kind: change.kind().to_owned(),
        plan_sha256: plan_hash(change.kind(), &target, prior.as_ref(), desired.as_ref()),
        target,
        summary,
        prior,
        desired,
        progress: if ended { Progress::Ended } else { Progress::Planned },
        outcome,
        reason,
        planned_at: work.now,
        expires_at: work.now + EXPIRES,
        decided_by: None,
        decided_at: None,
        approval_token: None,
        fencing: None,
        applying_at: None,
        applied_at: None,
        left: None,
        ended_at: ended.then_some(work.now),
    })
}

/// The target's ARN, as far as the incident tells where it is; nothing is asked of the network.
fn target_of(work: &Work<'_>, change: &Change) -> Option<String> {
    let place = guards::place(&work.incident, &work.ctx.partition).ok()?;
    Some(mitigations::of(change, &work.ctx.config, &place).target().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_made_only_where_everything_allows_it() {
        for (drill, mode, mutations, why) in [
            (false, Mode::Act, true, None),
            (false, Mode::Act, false, Some("Mutations is off")),
            (false, Mode::Observe, true, Some("observe")),
            (false, Mode::Observe, false, Some("observe")),
            (true, Mode::Act, true, Some("drill")),
        ] {
            assert_eq!(why_only_shown(drill, mode, mutations), why, "{drill} {mode:?} {mutations}");
        }
    }
}
