//! Several services that fire at once make an incident worse than its plan says, and an incident of what was told once:
//! looked at over all that goes on.

use std::collections::BTreeSet;

use incident::{Fires, Incident, Rise};
use incident_store::{IncidentLine, ToldLine};
use jiff::Timestamp;
use step::StepError;

use crate::notice::STEP;
use crate::{Ctx, Output, log, promote};

/// Raises what is due, and makes incidents of what was told once; one that fails is logged and stops no other.
pub(crate) async fn raise(ctx: &Ctx, lines: &[IncidentLine], told: &[ToldLine], now: Timestamp, output: &mut Output) {
    // Nothing rises before two services fire, and hardly ever do two: nothing is read for one.
    let services = lines.iter().map(|line| &line.service).chain(told.iter().map(|line| &line.service));
    if services.collect::<BTreeSet<_>>().len() < 2 {
        return;
    }
    let mut all = Vec::new();
    for line in lines {
        match ctx.store.load(&line.incident_id).await {
            Ok(incident) => all.push(incident),
            Err(error) => log(&line.incident_id, &error),
        }
    }
    // What was told once is read where a rule could count it.
    let is_counted = all.iter().any(Incident::may_rise) || told.iter().any(|line| line.may_rise);
    let told = if is_counted { promote::fires_still(ctx, told).await } else { Vec::new() };
    let of_told = told.iter().filter_map(|recorded| recorded.told_once()?.fires());
    let fires: Vec<_> = all.iter().filter_map(Incident::fires).chain(of_told).collect();
    for incident in &all {
        match raise_one(ctx, incident, &fires, now).await {
            Ok(raised) => output.raised += u32::from(raised),
            Err(error) => log(incident.id(), &error),
        }
    }
    // In a storm nothing more opens by itself: what is worse then is looked at when it is over.
    if output.storm == 0 {
        promote::promote(ctx, &told, &fires, now, output).await;
    }
}

async fn raise_one(ctx: &Ctx, incident: &Incident, all: &[Fires], now: Timestamp) -> Result<bool, StepError> {
    let Some(rise) = incident.rise(all, now) else { return Ok(false) };
    apply(ctx, incident, &rise).await
}

/// Raises an incident, whose owner is paged again; `false` where it changed meanwhile: the next sweep looks again.
pub(crate) async fn apply(ctx: &Ctx, incident: &Incident, rise: &Rise) -> Result<bool, StepError> {
    // While its plan holds the page back nobody knows of it: the page that comes says how bad it is.
    let engage = !incident.is_held_back();
    if !ctx.store.raise(incident, rise, engage, STEP).await? {
        return Ok(false);
    }
    if engage {
        // Killed right here, the next sweep finds an engagement that pages nobody.
        ctx.executions.engage(incident.id(), incident.opening, incident.engagement + 1).await?;
    }
    Ok(true)
}
