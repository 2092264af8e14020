//! What a person resolved while something fired: after 15 minutes, does it fire still?

use incident::Status;
use jiff::{SignedDuration, Timestamp};
use step::StepError;

use crate::decide::{is_recheck_due, rechecked, still_fires, to_recheck};
use crate::notice::tell;
use crate::{Ctx, Output, log};

/// The list does not say when to look again: what was resolved within this time is read.
const RECENT: SignedDuration = SignedDuration::from_hours(1);
/// The list is by time of opening: so many pages of 50 are searched for what was resolved of late.
const PAGES: u32 = 4;

/// Looks again at every incident whose time has come; one that fails is logged and stops no other.
///
/// # Errors
/// What the store says where the list could not be read.
pub(crate) async fn look_again(ctx: &Ctx, output: &mut Output) -> Result<(), StepError> {
    for id in resolved_of_late(ctx, step::now()).await? {
        if let Err(error) = recheck(ctx, &id, step::now(), output).await {
            log(&id, &error);
        }
    }
    Ok(())
}

async fn resolved_of_late(ctx: &Ctx, now: Timestamp) -> Result<Vec<String>, StepError> {
    let mut ids = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES {
        let page = ctx.store.list(Status::Resolved, cursor.as_deref()).await?;
        let of_late = page.incidents.into_iter().filter(|line| line.resolved_at.is_some_and(|at| at + RECENT > now));
        ids.extend(of_late.map(|line| line.incident_id));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(ids)
}

async fn recheck(ctx: &Ctx, id: &str, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let incident = ctx.store.load(id).await?;
    if !is_recheck_due(&incident, now) {
        return Ok(());
    }
    let mut fires = Vec::new();
    for fingerprint in to_recheck(&incident) {
        let last = ctx.store.fingerprint(fingerprint).await.inspect_err(|error| log(id, error));
        fires.push(last.ok().map(|last| still_fires(&incident, last.as_ref())));
    }
    if let Some(notice) = rechecked(&fires)
        && !tell(ctx, &incident, notice, now, output).await?
    {
        return Ok(()); // the time to look again stays: it is the only reminder
    }
    ctx.store.rechecked(id).await
}
