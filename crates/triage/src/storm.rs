//! Storms: from so many new incidents on, what would open one more is told together with the others.
//!
//! The storm is an incident like any other, opened by a signal of our own that fires when it begins and recovers when `sweep`
//! finds that it is over. Pages fail open: where it cannot be known whether it storms, or the storm cannot be opened, the
//! incident is opened as if there were none.

use std::time::Duration;

use incident::{Known, SignalOutcome, Storm, StormMember, StormOver, is_storm, storm_signal, storm_title};
use incident_store::{Taken as Written, Weather};
use jiff::{SignedDuration, Timestamp};
use response_plan::{Severity, Storms};
use signal::{Signal, State};
use step::StepError;

use crate::take::{self, Judged, Recorded};
use crate::{Ctx, Taken, wake};

/// How long to wait for a storm that somebody else begins, in milliseconds, a look after each: longer than a claim holds.
const PAUSES: [u64; 5] = [50, 100, 200, 400, 600];

/// How often it is tried to begin one. With the pauses it is less than triage has for a signal.
const CLAIMS: u32 = 2;

/// An older word that a storm is over is not believed: `sweep` says it anew every minute, and it may have flared up since.
const FRESH: SignedDuration = SignedDuration::from_secs(45);

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
    let found = look_out(ctx, storms, judged, waited, received).await;
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

/// Counts what opens, unless it `waited` for the end of a storm, and begins a storm where it is too much.
async fn look_out(
    ctx: &Ctx,
    storms: &Storms,
    judged: &Judged,
    waited: bool,
    received: Timestamp,
) -> Result<Option<Storm>, StepError> {
    let Weather { storm, ended } = ctx.store.weather().await?;
    if storm.is_some() || waited {
        return Ok(storm);
    }
    let openings = match ctx.store.count_opening(judged.group.hash(), &storms.rule, received).await {
        Ok(openings) => openings,
        // It may be too much already: then somebody else begins the storm.
        Err(error) => return ctx.store.weather().await?.storm.map(Some).ok_or(error),
    };
    let new = openings.into_iter().filter(|at| ended.is_none_or(|ended| *at > ended));
    if !is_storm(&storms.rule, new, received) {
        return Ok(None);
    }
    // Whoever claimed it may have been killed: then the next one does.
    for _ in 0..CLAIMS {
        let now = step::now();
        if ctx.store.claim_storm(now).await? {
            let begun = Box::pin(begin(ctx, storms, judged.plan.plan.severity, received)).await;
            if begun.is_err() {
                // Or it ends by itself.
                let _ = ctx.store.unclaim_storm(now).await;
            }
            return begun.map(Some);
        }
        if let Some(storm) = begun_by_another(ctx).await? {
            return Ok(Some(storm));
        }
    }
    Err(StepError::transient("a storm was to begin, and whoever began it has not come to an end"))
}

/// The storm that somebody else is beginning right now; `None` where that takes longer than it should.
async fn begun_by_another(ctx: &Ctx) -> Result<Option<Storm>, StepError> {
    for pause in PAUSES {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let storm = ctx.store.weather().await?.storm;
        if storm.is_some() {
            return Ok(storm);
        }
    }
    Ok(None)
}

/// Opens the storm's incident, and from then on it is on. Where whoever claimed this was killed in between, the next one
/// finds the incident and begins the storm with it; where none comes, `sweep` ends the incident.
async fn begin(ctx: &Ctx, storms: &Storms, severity: Severity, received: Timestamp) -> Result<Storm, StepError> {
    let signal = storm_signal(&storm_title(&storms.rule), &ctx.place, State::Firing, received);
    let judged = Judged::of_a_storm(ctx.plans.of_a_storm(storms, severity), &signal);
    let (taken, incident) = take::record(ctx, &signal, &judged, received).await?;
    let incident = incident.ok_or_else(|| StepError::stuck("the storm's own signal belongs to no incident"))?;
    let stands = ctx.store.load(&incident.0).await?;
    if !stands.status.holds_group_key() || !stands.firing.contains(&signal.fingerprint) {
        return Err(StepError::transient("the incident of the storm before is over, and that of this one is not open"));
    }
    let storm = Storm::new(&storms.rule, incident.clone(), received);
    let storm = if ctx.store.begin_storm(&storm).await? {
        storm
    } else {
        let on = ctx.store.weather().await?.storm;
        on.ok_or_else(|| StepError::transient("a storm that began at the same time is over; look again"))?
    };
    tracing::warn!(storm = storm.id, incident_id = storm.incident_id, "a storm is on");
    if let Err(error) = wake::look_after(ctx, &taken, Some(&incident)).await {
        // It is on, and `sweep` starts what is missing within the minute.
        tracing::error!(error.chain = format!("{:#}", error.cause()), "the storm's execution was not started");
    }
    Ok(storm)
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
    // On every delivery, since the one before may have been killed right here; by this process once.
    let owner = &judged.plan.team.name;
    let name = storm.page_name(owner);
    if !ctx.paged_in_storms.lock().is_ok_and(|paged| paged.contains(&name)) {
        wake::page_in_storm(ctx, storm, owner).await?;
        if let Ok(mut paged) = ctx.paged_in_storms.lock() {
            paged.insert(name);
        }
    }
    let taken = Taken {
        outcome: SignalOutcome::Attached,
        reason: format!("part of the storm {}, of which {owner} is told all of theirs at once", storm.id),
        signal_id: Some(signal.signal_id.clone()),
        incident_id: Some(storm.incident_id.clone()),
        opening: Some(storm.opening),
    };
    Ok(Some((taken, None)))
}

/// What an incident stands for is over, as `sweep` found: what opens from now on opens by itself again, and it recovers.
/// Killed in between, it stands for no storm, which `sweep` finds.
pub(crate) async fn end(ctx: &Ctx, over: &StormOver, received: Timestamp) -> Result<(), StepError> {
    if let Some(id) = over.storm.as_ref().filter(|_| received.duration_since(over.at) < FRESH) {
        ctx.store.end_storm(id, received).await?;
    }
    let on = ctx.store.weather().await?.storm;
    if on.is_some_and(|on| on.incident_id == over.storm_over) {
        return Ok(()); // it is on again, or still
    }
    let incident = ctx.store.load(&over.storm_over).await?;
    let signal = storm_signal(&incident.opened.title, &ctx.place, State::Recovered, received);
    let last = ctx.store.fingerprint(&signal.fingerprint).await?.and_then(|last| last.incident);
    if last.is_none_or(|(id, opening)| id != over.storm_over || opening != incident.opening) {
        return Ok(()); // the storm's signal is another's by now: this one has recovered
    }
    let judged = Judged::of_a_storm(incident.opened.plan, &signal);
    let (taken, incident) = take::record(ctx, &signal, &judged, received).await?;
    wake::look_after(ctx, &taken, incident.as_ref()).await?;
    tracing::warn!(incident_id = over.storm_over, "a storm is over");
    Ok(())
}
