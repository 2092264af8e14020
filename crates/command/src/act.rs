//! Doing what is asked. Each verb is one conditional write; what comes after it (the timeline, the wake-up) is derived from
//! what was written, so that a delivery that was cut off is finished by the next.

use incident::{ChangeRecord, Entry, Incident, MitigationRecord, Progress, Status, V};
use incident_store::Brake;
use jiff::{SignedDuration, Timestamp};
use step::StepError;

use crate::Ctx;
use crate::decide::{self, Answer, Ruling, second};
use crate::declare::{Why, declare};
use crate::mute::{mute, unmute};
use crate::request::{Asked, Request};
use crate::undo::undo;
use crate::wake::{wake, wake_all};

/// The step that the timeline names.
pub(crate) const STEP: &str = "command";
/// How often a decision is made again after a lost race, before the message waits for its next delivery.
pub(crate) const ATTEMPTS: u32 = 3;

/// Does it. `sent_at` is when it was asked, the same at every delivery.
///
/// # Errors
/// `Rejected` where there is no such incident: that is the answer. Anything else: deliver it again.
pub(crate) async fn act(
    ctx: &Ctx,
    request: &Request,
    asked: Asked,
    sent_at: Timestamp,
    now: Timestamp,
) -> Result<Answer, StepError> {
    let by = &request.by;
    match asked {
        Asked::Acknowledge { incident_id } => acknowledge(ctx, &incident_id, by, sent_at, now).await,
        Asked::Approve { incident_id, n, plan_sha256 } => {
            let approve = |incident: &Incident, record| decide::approve(incident, record, &plan_sha256, by, now);
            rule(ctx, &incident_id, n, "approved", by, approve).await
        }
        Asked::Reject { incident_id, n, reason } => {
            let reject = |incident: &Incident, record| decide::reject(incident, record, &reason, by, now);
            rule(ctx, &incident_id, n, "rejected", by, reject).await
        }
        Asked::Undo { incident_id, n, reason } => undo(ctx, request, &incident_id, n, reason.as_deref(), now).await,
        Asked::Resolve { incident_id, reason } => resolve(ctx, &incident_id, reason.as_deref(), by, sent_at, now).await,
        Asked::Declare { signal_id, reason, severity } => {
            declare(ctx, &signal_id, &Why { by, reason: &reason, severity }, now).await
        }
        Asked::BrakeOn { reason, minutes } => {
            let until = now + SignedDuration::from_mins(minutes);
            let brake = Brake { by: by.clone(), reason, at: now, until };
            let set = ctx.store.set_brake(Some(&brake), sent_at).await?;
            Ok(decide::brake(set, format!("the brake is on until {}: nothing is changed", second(until))))
        }
        Asked::BrakeOff => {
            let set = ctx.store.set_brake(None, sent_at).await?;
            Ok(decide::brake(set, "the brake is off: what is approved is applied"))
        }
        Asked::Mute { scope, reason, minutes } => mute(ctx, request, scope, reason, minutes, sent_at, now).await,
        Asked::Unmute { id } => unmute(ctx, &id, by, now).await,
        Asked::Change { resource, version, good, at } => {
            let at = at.unwrap_or(sent_at);
            if at > now + SignedDuration::from_mins(5) {
                return Ok(Answer::no(format!(
                    "{} is in the future; a change is recorded once it is made",
                    second(at)
                )));
            }
            let answer = Answer::yes(format!("recorded: {resource} is at version {version} since {}", second(at)));
            let id = request.request_id.clone();
            ctx.store.record_change(&ChangeRecord { v: V, id, resource, version, good, at, by: by.clone() }).await?;
            Ok(answer)
        }
    }
}

/// The answer to what was asked of an opening that is over: a command that is late, or comes again, is not about the page
/// that goes out now.
fn opened_since(incident: &Incident, sent_at: Timestamp) -> Option<Answer> {
    let is_older = incident.opening > 1 && sent_at < incident.opened.opened_at;
    is_older.then(|| {
        Answer::no(format!("it is open again since {}; look, and ask again", second(incident.opened.opened_at)))
    })
}

async fn acknowledge(ctx: &Ctx, id: &str, by: &str, sent_at: Timestamp, now: Timestamp) -> Result<Answer, StepError> {
    let incident = ctx.store.load(id).await?;
    if let Some(no) = opened_since(&incident, sent_at) {
        return Ok(no);
    }
    if incident.acknowledged_at.is_none() {
        if !incident.status.holds_group_key() {
            return Ok(Answer::no(format!("the incident is {}; there is nothing to acknowledge", incident.status)));
        }
        if ctx.store.acknowledge(id, incident.opening, by, now).await? {
            note_acknowledged(ctx, id, incident.opening, by, now).await?;
            return Ok(Answer::yes(format!("acknowledged by {by}")));
        }
    }
    // Somebody was first: the same person, in a delivery that was cut off, or another.
    let incident = ctx.store.load(id).await?;
    match (incident.acknowledged_by.as_deref(), incident.acknowledged_at) {
        (Some(who), Some(at)) => {
            note_acknowledged(ctx, id, incident.opening, who, at).await?;
            Ok(Answer { done: who == by, text: format!("already acknowledged by {who} at {}", second(at)) })
        }
        _ => Err(StepError::transient("the incident changed while it was acknowledged")),
    }
}

async fn note_acknowledged(ctx: &Ctx, id: &str, opening: u32, by: &str, at: Timestamp) -> Result<(), StepError> {
    let key = ["acknowledged", id, &opening.to_string()];
    ctx.store.note(id, &Entry::new(at, STEP, &key, format!("acknowledged by {by}")).by(by)).await
}

/// Decides about a mitigation and writes the decision, which may lose a race and be made again.
async fn rule(
    ctx: &Ctx,
    id: &str,
    n: u32,
    word: &str,
    by: &str,
    decide: impl Fn(&Incident, MitigationRecord) -> Ruling,
) -> Result<Answer, StepError> {
    for _ in 0..ATTEMPTS {
        let Some((incident, record)) = named(ctx, id, n).await? else { return Ok(unknown(n)) };
        match decide(&incident, record) {
            Ruling::No(reason) => return Ok(Answer::no(reason)),
            Ruling::Ours(record) => return ruled(ctx, &record, word, by).await,
            Ruling::Write(record) => {
                if ctx.store.advance(Progress::Planned, &record).await? {
                    return ruled(ctx, &record, word, by).await;
                }
            }
        }
    }
    Err(StepError::transient("the mitigation changed each time that it was decided upon"))
}

/// The mitigation that a person named, of the incident's present opening; `None` where it has none of that number.
pub(crate) async fn named(ctx: &Ctx, id: &str, n: u32) -> Result<Option<(Incident, MitigationRecord)>, StepError> {
    let incident = ctx.store.load(id).await?;
    let record = ctx.store.mitigation(id, incident.opening, n).await?;
    Ok(record.map(|record| (incident, record)))
}

/// The answer where there is no such mitigation.
pub(crate) fn unknown(n: u32) -> Answer {
    Answer::no(format!("there is no mitigation {n} of this incident; `tourniquet show` lists them"))
}

/// What follows from a decision: the entry, and the state machine goes on.
async fn ruled(ctx: &Ctx, record: &MitigationRecord, word: &str, by: &str) -> Result<Answer, StepError> {
    let MitigationRecord { incident_id: id, opening, n, summary, .. } = record;
    let key = [word, id, &opening.to_string(), &n.to_string()];
    let what = format!("mitigation {n} {word} by {by}: {summary}");
    let at = record.decided_at.unwrap_or(record.planned_at);
    ctx.store.note(id, &Entry::new(at, STEP, &key, what).by(by)).await?;
    // Read again: the state machine may have begun to wait since.
    let token = ctx.store.mitigation(id, *opening, *n).await?.and_then(|now| now.approval_token);
    wake(ctx, token.as_deref()).await?;
    Ok(Answer::yes(format!("{word}: {summary}")))
}

async fn resolve(
    ctx: &Ctx,
    id: &str,
    reason: Option<&str>,
    by: &str,
    sent_at: Timestamp,
    now: Timestamp,
) -> Result<Answer, StepError> {
    for _ in 0..ATTEMPTS {
        let incident = ctx.store.load(id).await?;
        if let Some(no) = opened_since(&incident, sent_at) {
            return Ok(no);
        }
        match incident.status {
            Status::Open | Status::Mitigated | Status::Stuck => {}
            Status::Resolved if incident.resolved_by.as_deref() == Some(by) => return resolved(ctx, id, None).await,
            status => return Ok(Answer::no(format!("the incident is {status} already"))),
        }
        let recheck_at = match decide::recheck(&incident, reason, now) {
            Ok(recheck_at) => recheck_at,
            Err(asks) => return Ok(Answer::no(asks)),
        };
        if ctx.store.resolve_by_person(&incident, by, reason, now, recheck_at).await? {
            return resolved(ctx, id, incident.recovery_token).await;
        }
    }
    Err(StepError::transient("the incident changed each time that it was to be resolved"))
}

/// What follows from a person's resolution: the entry, and the state machine goes on.
async fn resolved(ctx: &Ctx, id: &str, token_before: Option<String>) -> Result<Answer, StepError> {
    // Read again: the state machine may have begun to wait since.
    let incident = ctx.store.load(id).await?;
    let by = incident.resolved_by.as_deref().unwrap_or("a person");
    let reason = incident.resolved_reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let again = incident.recheck_at.map(|at| format!("; if it still fires at {}, the page comes back", second(at)));
    let what = format!("resolved by {by}{reason}{}", again.unwrap_or_default());
    let key = ["resolved", id, &incident.opening.to_string()];
    let at = incident.resolved_at.unwrap_or(incident.opened.opened_at);
    ctx.store.note(id, &Entry::new(at, STEP, &key, what.clone()).by(by)).await?;
    let in_force = wake_all(ctx, &incident, token_before).await?;
    let in_force =
        in_force.iter().map(|record| format!("; still in force: {}; {}", record.summary, record.undo_command()));
    Ok(Answer::yes(what + &in_force.collect::<String>()))
}
