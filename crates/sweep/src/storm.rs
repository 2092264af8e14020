//! Storms: while one is on its incident is as bad as its worst member and every owner in it is paged; once it has calmed
//! down triage is told; and what still fires after that is handed to triage again, which decides upon it as if it came now.
//!
//! What triage does about a storm, killed right after it recorded a member, is made up for here.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use incident::{Incident, Rise, Storm, StormMember, groups, worst};
use incident_store::IncidentLine;
use jiff::{SignedDuration, Timestamp};
use response_plan::ResponsePlan;
use step::StepError;

use crate::unmute::{self, Duty};
use crate::{Ctx, Output, log, rises};

/// So many of what waits are handed on at the same time.
const SIDE_BY_SIDE: usize = 16;

/// Triage lets a storm begin right after it opened its incident: so long that is not left over.
const BEGINS: SignedDuration = SignedDuration::from_secs(30);

/// Looks after the storm that is on, or was; `open` are all incidents that are.
///
/// # Errors
/// What the store says where a list could not be read, or the last of what failed with the storm or one member: an alarm on
/// errors tells people that something stays quiet that should not.
pub(crate) async fn look_after(
    ctx: &Ctx,
    open: impl Iterator<Item = &IncidentLine>,
    now: Timestamp,
    output: &mut Output,
) -> Result<(), StepError> {
    // What cannot be read is no storm for what waits: triage, which reads it again, has the last word.
    let weather = ctx.store.weather().await;
    let storm = weather.as_ref().ok().and_then(|weather| weather.storm.as_ref());
    let mut failed = None;
    if let Some(storm) = storm {
        output.storm = 1;
        failed = of_a_storm(ctx, storm, now, output).await;
    }
    if weather.is_ok() {
        for line in open.filter(|line| ResponsePlan::is_service_of_storms(&line.service)) {
            if storm.is_none_or(|storm| storm.incident_id != line.incident_id) {
                failed = left_over(ctx, &line.incident_id, now).await.err().or(failed);
            }
        }
    }
    let released = release(ctx, storm, now, output).await;
    let failed = released.err().or(failed);
    weather.map(drop).and(failed.map_or(Ok(()), Err))
}

/// Each part by itself; the last failure, where one failed.
async fn of_a_storm(ctx: &Ctx, storm: &Storm, now: Timestamp, output: &mut Output) -> Option<StepError> {
    let (incident, members) = futures_util::join!(
        ctx.store.load(&storm.incident_id),
        ctx.store.storm_members(&storm.incident_id, Some(&storm.id), None)
    );
    let (incident, members) = match (incident, members) {
        (Ok(incident), Ok(members)) => (incident, members),
        (Err(error), _) | (_, Err(error)) => return Some(told(&storm.incident_id, error)),
    };
    let mut failed = None;
    // Started once: an execution of that name pages, or has paged.
    for owner in members.iter().map(|member| member.team.name.as_str()).collect::<BTreeSet<_>>() {
        if let Err(error) = ctx.executions.page_in_storm(storm, owner).await {
            failed = Some(told(incident.id(), error));
        }
    }
    if let Some(rise) = rise(&incident, &members, now) {
        match rises::apply(ctx, &incident, &rise).await {
            Ok(raised) => output.raised += u32::from(raised),
            Err(error) => failed = Some(told(incident.id(), error)),
        }
    }
    if is_over(storm, &incident, &members, now)
        && let Err(error) = ctx.signals.is_over(incident.id(), Some(&storm.id), now).await
    {
        failed = Some(told(incident.id(), error));
    }
    failed
}

fn told(id: &str, error: StepError) -> StepError {
    log(id, &error);
    error
}

/// An incident of a storm that never began, or is over already: whoever worked at it was killed.
async fn left_over(ctx: &Ctx, id: &str, now: Timestamp) -> Result<(), StepError> {
    let look = async {
        let incident = ctx.store.load(id).await?;
        let fires = incident.plan().is_of_a_storm() && !incident.firing.is_empty();
        let since = incident.fires_since.unwrap_or(incident.opened.opened_at);
        if fires && now >= since + BEGINS { ctx.signals.is_over(id, None, now).await } else { Ok(()) }
    };
    look.await.inspect_err(|error| log(id, error))
}

/// The rise that is due: a storm is as bad as the worst of its members.
fn rise(incident: &Incident, members: &[StormMember], now: Timestamp) -> Option<Rise> {
    let (to, member) = worst(members).filter(|(to, _)| incident.status.holds_group_key() && *to < incident.severity)?;
    let (incidents, signals) = (groups(members), members.len());
    let why = format!("the worst of its {incidents} incidents ({signals} signals) is {to}: {}", member.entry.title);
    Some(Rise { from: incident.severity, to, why, at: now })
}

/// Whether a storm is over: it has calmed down, or somebody has ended its incident.
fn is_over(storm: &Storm, incident: &Incident, members: &[StormMember], now: Timestamp) -> bool {
    incident.opening != storm.opening || !incident.status.holds_group_key() || storm.is_calm(members, now)
}

/// Hands on what waits for the end of a storm that is not on any more, and drops what has recovered. What waits since the
/// storm that is on began waits for that one.
async fn release(ctx: &Ctx, on: Option<&Storm>, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let ids = ctx.store.waiting_since_before(on.map(|storm| storm.since)).await?;
    let mut failed = None;
    for some in ids.chunks(SIDE_BY_SIDE) {
        let released = some.iter().map(|id| async move { (id, release_one(ctx, id, on, now).await) });
        for (id, released) in join_all(released).await {
            output.in_storm += 1;
            match released {
                Ok(released) => output.released += u32::from(released),
                Err(error) => {
                    unmute::log(id, &error);
                    failed = Some(error);
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Whether it was handed on.
async fn release_one(ctx: &Ctx, id: &str, on: Option<&Storm>, now: Timestamp) -> Result<bool, StepError> {
    let waits = ctx.store.waiting(id).await?.filter(|waits| on.is_none_or(|on| on.id != waits.storm));
    let Some(waits) = waits else { return Ok(false) };
    match unmute::duty(ctx, &waits.signal).await {
        Duty::Drop => ctx.store.drop_quiet(id, now).await.map(|()| false),
        Duty::Deliver => ctx.signals.deliver(id).await.map(|()| true),
    }
}

#[cfg(test)]
#[path = "storm_test.rs"]
mod tests;
