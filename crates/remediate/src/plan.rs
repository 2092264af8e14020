//! Plan: look at the present state and record what would be changed, or why nothing is.

use incident::{MitigationRecord, Outcome, Progress, V};
use jiff::SignedDuration;
use response_plan::{Mitigation as Planned, Mode};
use step::StepError;

use crate::mitigations::{Proposal, kind_of};
use crate::roles::Role;
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
    let mut looked = Looked::default();
    match propose(work, &mut looked).await {
        Ok(proposed) => {
            let reason = held.map(|why| format!("{why}: would {}", proposed.proposal.summary));
            record(work, Ok(proposed), None, reason)
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
            record(work, Err(looked.first), outcome, Some(reason))
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

/// The mitigation that is proposed.
struct Proposed {
    /// Its index among the plan's.
    choice: u32,
    /// Its resource.
    target: String,
    proposal: Proposal,
}

/// What was found on the way to a proposal, whether there is one or not.
#[derive(Default)]
struct Looked {
    /// The last role that was assumed; those of its family use it again.
    role: Option<Role>,
    /// The resource of the first mitigation that has one.
    first: Option<String>,
}

/// The first of the plan's mitigations whose guards hold.
async fn propose(work: &Work<'_>, looked: &mut Looked) -> Result<Proposed, StepError> {
    work.brake_is_off().await.map_err(StepError::refused)?;
    guards::is_under_way(work.incident.status).map_err(StepError::refused)?;
    let mut said_no = Vec::new();
    for (choice, planned) in (0..).zip(&work.incident.plan().mitigations) {
        match propose_one(work, planned, looked).await {
            Ok(proposed) => return Ok(Proposed { choice, ..proposed }),
            Err(error @ StepError::Transient(_)) => return Err(error),
            Err(no) => said_no.push(no.to_string()),
        }
    }
    said_no.dedup(); // What is said of the alarm is the same for all.
    Err(StepError::refused(said_no.join("; ")))
}

/// What one mitigation would change, if its guards hold.
async fn propose_one(work: &Work<'_>, planned: &Planned, looked: &mut Looked) -> Result<Proposed, StepError> {
    if looked.role.as_ref().is_none_or(|role| !role.serves(planned)) {
        let role = work.role(planned).await?;
        guards::fires(role.opening_alarm(&work.incident).await?).map_err(StepError::refused)?;
        looked.role = Some(role);
    }
    let Some(role) = &looked.role else { return Err(StepError::stuck("no role was assumed")) };
    let mitigation = role.target(planned).await?;
    let target = mitigation.target().to_owned();
    looked.first.get_or_insert_with(|| target.clone());
    let ledger = work.ctx.store.changes(&target, LEDGER).await?;
    Ok(Proposed { choice: 0, target, proposal: mitigation.plan(&ledger, &planned.guards, work.now).await? })
}

/// A record with a reason has ended when it is written: it was refused, or is only shown. Where nothing is proposed it is
/// about the plan's first mitigation, and its resource where that was found.
fn record(
    work: &Work<'_>,
    proposed: Result<Proposed, Option<String>>,
    outcome: Option<Outcome>,
    reason: Option<String>,
) -> Result<MitigationRecord, StepError> {
    let choice = proposed.as_ref().map_or(0, |proposed| proposed.choice);
    let Some(planned) = work.incident.plan().mitigations.get(choice as usize) else {
        return Err(StepError::stuck(format!("the plan has no mitigation {choice}")));
    };
    let (target, summary, prior, desired) = match proposed {
        Ok(Proposed { target, proposal: Proposal { summary, prior, desired }, .. }) => {
            (target, summary, Some(prior), Some(desired))
        }
        Err(found) => (found.unwrap_or_else(|| planned.does.clone()), planned.does.clone(), None, None),
    };
    let ended = reason.is_some();
    Ok(MitigationRecord {
        v: V,
        incident_id: work.incident.id().to_owned(),
        opening: work.incident.opening,
        n: work.n,
        choice,
        kind: planned.kind.clone(),
        plan_sha256: plan_hash(&planned.kind, &target, prior.as_ref(), desired.as_ref()),
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
        takes_away: kind_of(planned).is_ok_and(|kind| kind.plan.takes_away),
        undo: None,
        put_back: None,
        put_back_token: None,
        reminded: 0,
    })
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
