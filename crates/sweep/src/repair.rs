//! One incident that goes on: is its page out, does its execution live?

use incident::{Entry, Incident};
use jiff::Timestamp;
use step::StepError;

use crate::decide::{Duty, Execution, decide, is_unengaged, is_unpaged, missed_recovery};
use crate::notice::{Notice, STEP, tell};
use crate::{Ctx, Output};

/// Does what an incident needs. The page and the execution can fail apart: all that failed comes back.
pub(crate) async fn look_after(ctx: &Ctx, id: &str, now: Timestamp, output: &mut Output) -> Vec<StepError> {
    let incident = match ctx.store.load(id).await {
        Ok(incident) => incident,
        Err(error) => return vec![error],
    };
    if !incident.status.holds_group_key() {
        return Vec::new(); // the list follows the table within a moment
    }
    output.open += 1;
    let mut failures = Vec::new();
    if is_unengaged(&incident, now) {
        failures.extend(engage(ctx, &incident, now, output).await.err());
    }
    if is_unpaged(&incident, now) {
        failures.extend(tell(ctx, &incident, Notice::Unpaged, now, output).await.err());
    }
    failures.extend(keep_alive(ctx, &incident, now, output).await.err());
    if let Some(token) = missed_recovery(&incident, now) {
        failures.extend(hand_on(ctx, &incident, token, output).await.err());
    }
    failures
}

/// Lets the incident's execution go on with the recovery that it waits for.
async fn hand_on(ctx: &Ctx, incident: &Incident, token: &str, output: &mut Output) -> Result<(), StepError> {
    if ctx.executions.complete(token).await? {
        output.recovered += 1;
        let since = incident.clear_since.unwrap_or(incident.opened.opened_at);
        let entry =
            Entry::new(since, STEP, &["recovered", incident.id(), token], "its recovery was missed, and is handed on");
        ctx.store.note(incident.id(), &entry).await?;
    }
    Ok(())
}

async fn keep_alive(ctx: &Ctx, incident: &Incident, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let execution = ctx.executions.describe(&incident.execution_name()).await?;
    match (decide(incident, &execution, now), &execution) {
        (Duty::Nothing, _) => Ok(()),
        (Duty::Start, _) => start(ctx, incident, now, output).await,
        (duty, Execution::Ended { how, .. }) => {
            // Read again, now that it is known to have ended: that run may have resolved the incident.
            let before = incident;
            let incident = ctx.store.load(incident.id()).await?;
            match decide(&incident, &execution, now) {
                // What has ended is the run of then: another sweep may have raised it, and may not have started the next.
                _ if incident.execution_name() != before.execution_name() => Ok(()),
                again if again != duty => Ok(()),
                Duty::GiveUp => give_up(ctx, &incident, how, now, output).await,
                _ => restart(ctx, &incident, how, now, output).await,
            }
        }
        (duty, execution) => Err(StepError::stuck(format!("{execution:?} asks for {duty:?}"))),
    }
}

/// Triage may have been lost after it wrote that a mitigated incident fires again, and before it started the page.
async fn engage(ctx: &Ctx, incident: &Incident, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let (id, opening, engagement) = (incident.id(), incident.opening, incident.engagement);
    ctx.executions.engage(id, opening, engagement).await?;
    output.started += 1;
    let key = ["engaged", id, &opening.to_string(), &engagement.to_string()];
    let what = format!("engagement {engagement} had paged nobody; its execution is started, if it was not");
    let since = incident.engaged_at.unwrap_or(now);
    ctx.store.note(id, &Entry::new(since, STEP, &key, what)).await
}

async fn start(ctx: &Ctx, incident: &Incident, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let name = incident.execution_name();
    ctx.executions.start(incident.id(), incident.opening, incident.run).await?;
    output.started += 1;
    let what = format!("no execution served this incident; {name} is started");
    ctx.store.note(incident.id(), &Entry::new(now, STEP, &["started", &name], what)).await
}

async fn restart(
    ctx: &Ctx,
    incident: &Incident,
    how: &str,
    now: Timestamp,
    output: &mut Output,
) -> Result<(), StepError> {
    // Told first: a kill in between then repeats a page, and does not lose it. A topic that is gone stops no repair.
    let told = tell(ctx, incident, Notice::Restarted { how }, now, output).await;
    if matches!(told, Ok(false)) {
        return Ok(());
    }
    let (id, opening, run) = (incident.id(), incident.opening, incident.run + 1);
    if ctx.store.raise_run(id, opening, incident.run).await? {
        ctx.executions.start(id, opening, run).await?;
        output.restarted += 1;
        let what = format!("run {} ended ({how}); run {run} is started", incident.run);
        ctx.store.note(id, &Entry::new(now, STEP, &["restarted", id, &run.to_string()], what)).await?;
    }
    told.map(drop)
}

async fn give_up(
    ctx: &Ctx,
    incident: &Incident,
    how: &str,
    now: Timestamp,
    output: &mut Output,
) -> Result<(), StepError> {
    // Told first, and only then stuck: nobody looks at a stuck incident again by itself.
    if !tell(ctx, incident, Notice::GivenUp { how }, now, output).await? {
        return Ok(());
    }
    if ctx.store.stuck(incident, now).await? {
        let key = ["stuck", incident.id(), &incident.opening.to_string()];
        let what = format!("stuck: run {} ended ({how}), and a person has to resolve it", incident.run);
        ctx.store.note(incident.id(), &Entry::new(now, STEP, &key, what)).await?;
    }
    Ok(())
}
