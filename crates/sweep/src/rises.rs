//! Several services that fire at once make an incident worse than its plan says: looked at over all that goes on.

use std::collections::BTreeSet;

use incident::Incident;
use incident_store::IncidentLine;
use jiff::Timestamp;
use step::StepError;

use crate::notice::STEP;
use crate::{Ctx, Output, log};

/// Raises what is due; one that fails is logged and stops no other.
pub(crate) async fn raise(ctx: &Ctx, lines: &[IncidentLine], now: Timestamp, output: &mut Output) {
    // Nothing rises before two services fire, and hardly ever do two: nothing is read for one.
    if lines.iter().map(|line| &line.service).collect::<BTreeSet<_>>().len() < 2 {
        return;
    }
    let mut all = Vec::new();
    for line in lines {
        match ctx.store.load(&line.incident_id).await {
            Ok(incident) => all.push(incident),
            Err(error) => log(&line.incident_id, &error),
        }
    }
    for incident in &all {
        match raise_one(ctx, incident, &all, now).await {
            Ok(raised) => output.raised += u32::from(raised),
            Err(error) => log(incident.id(), &error),
        }
    }
}

async fn raise_one(ctx: &Ctx, incident: &Incident, all: &[Incident], now: Timestamp) -> Result<bool, StepError> {
    let Some(rise) = incident.rise(all, now) else { return Ok(false) };
    // While its plan holds the page back nobody knows of it: the page that comes says how bad it is.
    let engage = !incident.is_held_back();
    if !ctx.store.raise(incident, &rise, engage, STEP).await? {
        return Ok(false); // it changed meanwhile, and the next sweep looks again
    }
    if engage {
        // Killed right here, the next sweep finds an engagement that pages nobody.
        ctx.executions.engage(incident.id(), incident.opening, incident.engagement + 1).await?;
    }
    Ok(true)
}
