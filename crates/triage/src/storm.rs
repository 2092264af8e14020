//! Storms: from so many new incidents on, what would open one more is told together with the others.
//!
//! The storm is an incident like any other, opened by a signal of our own that fires when it begins and recovers when `sweep`
//! finds that it is over. Pages fail open: where it cannot be known whether it storms, or the storm cannot be opened, the
//! incident is opened as if there were none.

use std::time::Duration;

use incident::{Known, SignalOutcome, Storm, StormMember, is_storm, storm_signal};
use incident_store::{Taken as Written, Weather};
use jiff::Timestamp;
use response_plan::{Severity, Storms};
use signal::{Signal, State};
use step::StepError;

use crate::take::{self, Judged, Recorded};
use crate::{Ctx, Taken, wake};

/// How long to wait for a storm that somebody else begins, in milliseconds, a look after each: less than triage has for a
/// signal.
const PAUSES: [u64; 5] = [50, 100, 200, 400, 800];

/// The storm that takes what would open an incident; `None` where it opens one. Drills are no storm and in none, and what
/// waited for the end of one is not new.
pub(crate) async fn taken_by(
    ctx: &Ctx,
    signal: &Signal,
    judged: &Judged,
    known: &Known,
    received: Timestamp,
) -> Option<Storm> {
    let storms = ctx.plans.storms().filter(|_| !signal.drill && !judged.is_storm)?;
    let waited = known.signal.as_ref().is_some_and(|before| before.storm.is_some());
    let found = if waited { ctx.store.storm().await } else { look_out(ctx, storms, judged, received).await };
    found.unwrap_or_else(|error| {
        let (name, chain) = (error.name(), format!("{:#}", error.cause()));
        tracing::error!(
            error.name = name,
            error.chain = chain,
            "whether it storms is not known; the incident opens by itself"
        );
        None
    })
}

/// Counts what opens, and begins a storm where it is too much.
async fn look_out(
    ctx: &Ctx,
    storms: &Storms,
    judged: &Judged,
    received: Timestamp,
) -> Result<Option<Storm>, StepError> {
    let openings = match ctx.store.count_opening(judged.group.hash(), &storms.rule, received).await? {
        Weather::Storm(storm) => return Ok(Some(storm)),
        Weather::Fair(openings) => openings,
    };
    if !is_storm(&storms.rule, openings, received) {
        return Ok(None);
    }
    let storm = if ctx.store.claim_storm(received).await? {
        Box::pin(begin(ctx, storms, judged.plan.plan.severity, received)).await?
    } else {
        begun_by_another(ctx).await?
    };
    Ok(Some(storm))
}

/// The storm that somebody else is beginning right now.
async fn begun_by_another(ctx: &Ctx) -> Result<Storm, StepError> {
    for pause in PAUSES {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if let Some(storm) = ctx.store.storm().await? {
            return Ok(storm);
        }
    }
    Err(StepError::transient("a storm was to begin, and whoever began it has not come to an end"))
}

/// Opens the storm's incident, and from then on it is on. Where whoever claimed this was killed in between, the next one
/// finds the incident and begins the storm with it.
async fn begin(ctx: &Ctx, storms: &Storms, severity: Severity, received: Timestamp) -> Result<Storm, StepError> {
    let signal = storm_signal(&storms.rule, &ctx.place, State::Firing, received);
    let judged = Judged::of_a_storm(ctx.plans.of_a_storm(storms, severity), &signal);
    let (taken, incident) = take::record(ctx, &signal, &judged, received).await?;
    let incident = incident.ok_or_else(|| StepError::stuck("the storm's own signal belongs to no incident"))?;
    wake::look_after(ctx, &taken, Some(&incident)).await?;
    let storm = Storm::new(&storms.rule, incident, received);
    if ctx.store.begin_storm(&storm).await? {
        tracing::warn!(storm = storm.id, incident_id = storm.incident_id, "a storm began");
        return Ok(storm);
    }
    let on = ctx.store.storm().await?;
    on.ok_or_else(|| StepError::transient("the storm that began at the same time has ended; look again"))
}

/// Makes it a member, and sees that its owner is paged about all of theirs; `None` where somebody else was faster.
pub(crate) async fn join(
    ctx: &Ctx,
    signal: &Signal,
    judged: &Judged,
    known: &Known,
    storm: &Storm,
    received: Timestamp,
) -> Result<Option<Recorded>, StepError> {
    let is_member = known.signal.as_ref().is_some_and(|before| before.storm.as_ref() == Some(&storm.id));
    if !is_member {
        let member = StormMember::new(storm, signal, &judged.plan, judged.group.hash(), received);
        if ctx.store.join_storm(signal, known, storm, &member).await? != Written::Done {
            return Ok(None);
        }
    }
    // On every delivery, since the one before may have been killed right here.
    let owner = &judged.plan.team.name;
    wake::page_in_storm(ctx, storm, owner).await?;
    let taken = Taken {
        outcome: SignalOutcome::Attached,
        reason: format!("part of the storm {}, of which {owner} is told all of theirs at once", storm.id),
        signal_id: Some(signal.signal_id.clone()),
        incident_id: Some(storm.incident_id.clone()),
        opening: Some(storm.opening),
    };
    Ok(Some((taken, None)))
}

/// A storm is over, as `sweep` found: its incident recovers, and what opens from now on opens by itself again.
pub(crate) async fn end(ctx: &Ctx, id: &str, received: Timestamp) -> Result<(), StepError> {
    let Some(storm) = ctx.store.storm().await?.filter(|storm| storm.id == id) else { return Ok(()) };
    let plan = ctx.store.load(&storm.incident_id).await?.opened.plan;
    let signal = storm_signal(&storm.rule, &ctx.place, State::Recovered, received);
    let judged = Judged::of_a_storm(plan, &signal);
    let (taken, incident) = take::record(ctx, &signal, &judged, received).await?;
    wake::look_after(ctx, &taken, incident.as_ref()).await?;
    ctx.store.end_storm(id).await?;
    tracing::warn!(storm = id, "a storm is over");
    Ok(())
}
