//! What was told once and fires among several services becomes an incident, which pages: by the rules of the plan that it was
//! told under.

use incident::{Entry, Fires, Rise, ToldOnce, fires_still as is_last_known};
use incident_store::{Opening, Recorded, Taken, ToldLine};
use jiff::Timestamp;
use step::{StepError, VERSION};

use crate::notice::STEP;
use crate::{Ctx, Output};

/// Those of the list that fire still and belong to no incident, the first received first; one that cannot be read is logged
/// and stops no other.
pub(crate) async fn fires_still(ctx: &Ctx, lines: &[ToldLine]) -> Vec<Recorded> {
    let mut told = Vec::new();
    for line in lines {
        match look_at(ctx, line).await {
            Ok(recorded) => told.extend(recorded),
            Err(error) => log(&line.signal_id, &error),
        }
    }
    // Of a group the first makes the incident, in whatever order the index has them.
    told.sort_by(|a, b| (a.received_at, &a.signal.signal_id).cmp(&(b.received_at, &b.signal.signal_id)));
    told
}

async fn look_at(ctx: &Ctx, line: &ToldLine) -> Result<Option<Recorded>, StepError> {
    let recorded = ctx.store.recorded(&line.signal_id).await?.filter(|recorded| recorded.incident.is_none());
    let Some(recorded) = recorded else { return Ok(None) };
    let last = ctx.store.fingerprint(&recorded.signal.fingerprint).await?;
    Ok(last.is_some_and(|last| is_last_known(&recorded.signal, &last)).then_some(recorded))
}

/// Makes an incident of each that a rule finds worse, given all that fires; one that fails is logged and stops no other.
pub(crate) async fn promote(ctx: &Ctx, told: &[Recorded], fires: &[Fires], now: Timestamp, output: &mut Output) {
    for told in told.iter().filter_map(Recorded::told_once) {
        let Some(rise) = told.rise(fires, now) else { continue };
        match promote_one(ctx, told, &rise, now).await {
            Ok(promoted) => output.promoted += u32::from(promoted),
            Err(error) => log(&told.signal.signal_id, &error),
        }
    }
}

/// `false` where it may not become one, or changed meanwhile: the next sweep looks again.
async fn promote_one(ctx: &Ctx, told: ToldOnce<'_>, rise: &Rise, now: Timestamp) -> Result<bool, StepError> {
    let group = told.group();
    let Some(known) = ctx.store.look(told.signal, &group).await? else { return Ok(false) };
    if !told.may_be_promoted(&known, now) || ctx.store.open_already(&known).await?.is_some() {
        return Ok(false);
    }
    let opened = told.opened(&group, None, VERSION, now);
    let Rise { from, to, why, .. } = rise;
    let what = format!("raised from {from} to {to}: {why}; told once as {}", opened.title);
    let entry = Entry::new(now, STEP, &["opened", &opened.id, "1"], what);
    let opening = Opening { opened: &opened, group: &group };
    if ctx.store.promote(told, &known, opening, Some(rise), &entry).await? == Taken::LostRace {
        return Ok(false);
    }
    // Killed right here, the next sweep finds an incident without an execution.
    ctx.executions.start(&opened.id, 1, 1).await?;
    Ok(true)
}

fn log(signal_id: &str, failure: &StepError) {
    let (name, chain) = (failure.name(), format!("{:#}", failure.cause()));
    tracing::error!(signal_id, error.name = name, error.chain = chain, "what was told once could not be looked at");
}

#[cfg(test)]
#[path = "promote_test.rs"]
mod tests;
