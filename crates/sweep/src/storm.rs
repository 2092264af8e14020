//! Storms: while one is on its incident is as bad as its worst member and every owner in it is paged; once it has calmed
//! down triage is told; and what still fires after that is handed to triage again, which decides upon it as if it came now.
//!
//! What triage does about a storm, killed right after it recorded a member, is made up for here.

use std::collections::BTreeSet;

use incident::{Incident, Rise, Storm, StormMember, groups, worst};
use incident_store::Waiting;
use jiff::Timestamp;
use step::StepError;

use crate::notice::STEP;
use crate::unmute::{self, Duty};
use crate::{Ctx, Output, log};

/// Looks after the storm that is on, or was.
///
/// # Errors
/// What the store says where a list could not be read, or the last of what failed with one member: an alarm on errors
/// tells people that something stays quiet that should not.
pub(crate) async fn look_after(ctx: &Ctx, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    // What cannot be read is no storm for what waits: triage, which reads it again, has the last word.
    let storm = ctx.store.storm().await;
    if let Ok(Some(storm)) = &storm {
        output.storm = 1;
        if let Err(error) = of_a_storm(ctx, storm, now).await {
            log(&storm.incident_id, &error);
        }
    }
    let on = storm.as_ref().ok().and_then(|storm| storm.as_ref()).map(|storm| storm.id.as_str());
    let released = release(ctx, on, now, output).await;
    storm.map(drop).and(released)
}

async fn of_a_storm(ctx: &Ctx, storm: &Storm, now: Timestamp) -> Result<(), StepError> {
    let incident = ctx.store.load(&storm.incident_id).await?;
    let members = ctx.store.storm_members(&storm.incident_id, Some(&storm.id), None).await?;
    // Started once: an execution of that name pages, or has paged.
    for owner in members.iter().map(|member| member.team.name.as_str()).collect::<BTreeSet<_>>() {
        ctx.executions.page_in_storm(storm, owner).await?;
    }
    if let Some(rise) = rise(&incident, &members, now) {
        let engage = !incident.is_held_back();
        if ctx.store.raise(&incident, &rise, engage, STEP).await? && engage {
            ctx.executions.engage(incident.id(), incident.opening, incident.engagement + 1).await?;
        }
    }
    if is_over(storm, &incident, &members, now) { ctx.signals.storm_is_over(&storm.id).await } else { Ok(()) }
}

/// The rise that is due: a storm is as bad as the worst of its members.
fn rise(incident: &Incident, members: &[StormMember], now: Timestamp) -> Option<Rise> {
    let (to, member) = worst(members).filter(|(to, _)| incident.status.holds_group_key() && *to < incident.severity)?;
    let why = format!("it has {to} among {} of {} incidents: {}", members.len(), groups(members), member.entry.title);
    Some(Rise { from: incident.severity, to, why, at: now })
}

/// Whether a storm is over: it has calmed down, or somebody has ended its incident.
fn is_over(storm: &Storm, incident: &Incident, members: &[StormMember], now: Timestamp) -> bool {
    incident.opening != storm.opening || !incident.status.holds_group_key() || storm.is_calm(members, now)
}

/// Hands on what waits for the end of a storm that is not on any more, and drops what has recovered.
async fn release(ctx: &Ctx, on: Option<&str>, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let mut failed = None;
    for waits in ctx.store.storm_signals().await? {
        output.in_storm += 1;
        let released = match waits {
            Ok(waits) if on == Some(waits.storm.as_str()) => Ok(()),
            Ok(waits) => release_one(ctx, &waits, now, output).await,
            Err(error) => Err(error),
        };
        if let Err(error) = released {
            unmute::log("-", &error);
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn release_one(ctx: &Ctx, waits: &Waiting, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let signal = &waits.signal;
    match unmute::duty(ctx, signal).await {
        Duty::Drop => ctx.store.drop_quiet(&signal.signal_id, now).await,
        Duty::Deliver => {
            output.released += 1;
            ctx.signals.deliver(&signal.signal_id).await
        }
    }
}

#[cfg(test)]
#[path = "storm_test.rs"]
mod tests;
