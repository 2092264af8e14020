//! One signal: look, decide, act, and see that what it began lives.

use std::time::Duration;

use incident::{
    Action, GroupKey, Incident, Known, Muted, Opened, SignalOutcome, SignalSummary, decide, incident_id, is_flapping,
};
use incident_store::{Opening, Taken as Written};
use jiff::Timestamp;
use response_plan::{Engage, ResolvedPlan};
use signal::{Signal, State, Unread};
use step::StepError;

use crate::{Ctx, Taken, fallback, storm, wake};

/// How long recording and starting may take together. With the page that follows it is below triage's time-out.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a lost race is tried again: as many deliveries of one group at once as that are seen in order.
const TRIES: u32 = 8;

/// Takes all signals of a payload; the first failure is told after all are done.
pub(crate) async fn all(
    ctx: &Ctx,
    signals: Vec<Result<Signal, Unread>>,
    received: Timestamp,
) -> (Vec<Taken>, Option<StepError>) {
    let mut results = Vec::new();
    let mut failed = None;
    for signal in signals {
        let taken = match signal {
            Ok(signal) => one(ctx, &signal, received).await,
            Err(unread) => Err(StepError::Rejected(unread.into())),
        };
        match taken {
            Ok(taken) => results.push(taken),
            Err(error) => _ = failed.get_or_insert(error),
        }
    }
    (results, failed)
}

/// Takes a recorded signal again, which a mute or a storm kept quiet until now.
pub(crate) async fn again(ctx: &Ctx, signal_id: &str, received: Timestamp) -> (Vec<Taken>, Option<StepError>) {
    let taken = match ctx.store.recorded_signal(signal_id).await {
        Ok(Some(signal)) => one(ctx, &signal, received).await,
        Ok(None) => Err(StepError::rejected(format!("no signal {signal_id} is recorded; nothing can be said of it"))),
        Err(error) => Err(error),
    };
    match taken {
        Ok(taken) => (vec![taken], None),
        Err(error) => (Vec::new(), Some(error)),
    }
}

/// Takes one signal. Where it cannot be recorded or its execution cannot be started, and it fires, triage pages by itself
/// before it fails.
async fn one(ctx: &Ctx, signal: &Signal, received: Timestamp) -> Result<Taken, StepError> {
    let judged = Judged::new(ctx, signal);
    let recorded = async {
        let (taken, incident) = record(ctx, signal, &judged, received).await?;
        wake::look_after(ctx, &taken, incident.as_ref()).await?;
        Ok(taken)
    };
    // What hangs is as bad as what fails: the page has to be out before Lambda's own time-out ends the function.
    let recorded = tokio::time::timeout(PATIENCE, recorded).await;
    let slow = |_| StepError::transient(format!("the signal could not be recorded within {} s", PATIENCE.as_secs()));
    match recorded.map_err(slow).flatten() {
        Ok(taken) => {
            tracing::info!(
                signal_id = taken.signal_id,
                incident_id = taken.incident_id,
                outcome = ?taken.outcome,
                reason = taken.reason,
                plan = judged.plan.plan.plan,
                "signal taken"
            );
            Ok(taken)
        }
        // Nobody is woken by what is told in a digest: it waits in the queue.
        Err(error) if signal.state == State::Firing && judged.plan.plan.engage == Engage::Page => {
            Err(fallback::page(ctx, signal, &judged.plan, error).await)
        }
        Err(error) => Err(error),
    }
}

/// What the plans say of a signal.
pub(crate) struct Judged {
    pub(crate) plan: ResolvedPlan,
    why: String,
    pub(crate) group: GroupKey,
    /// Whether the signal stands for a storm.
    pub(crate) is_storm: bool,
}

impl Judged {
    fn new(ctx: &Ctx, signal: &Signal) -> Self {
        let resolution = ctx.plans.resolve(signal);
        Self::under(resolution.plan, resolution.why, signal)
    }

    /// The same for a storm, which is under the plan that is compiled in.
    pub(crate) fn of_a_storm(plan: ResolvedPlan, signal: &Signal) -> Self {
        Self { is_storm: true, ..Self::under(plan, "a storm".to_owned(), signal) }
    }

    fn under(plan: ResolvedPlan, why: String, signal: &Signal) -> Self {
        let of = &plan.plan;
        let group = GroupKey::new(&of.plan, &of.service, &of.environment, signal.account.as_deref(), signal.drill);
        Self { why, group, plan, is_storm: false }
    }

    /// What mutes the signal now, by hand or recurring: of several what lasts longest. Drills and storms are never muted.
    fn muted(&self, ctx: &Ctx, signal: &Signal, known: &Known, now: Timestamp) -> Option<Muted> {
        if signal.drill || self.is_storm {
            return None;
        }
        let plan = &self.plan.plan;
        let by_hand = Muted::by_hand(&known.mutes, plan, &signal.fingerprint, now);
        let recurring = ctx.plans.muted(plan, signal, now).map(Muted::from);
        by_hand.into_iter().chain(recurring).max_by_key(|muted| muted.until)
    }

    fn opened(&self, ctx: &Ctx, signal: &Signal, known: &Known, received: Timestamp) -> Opened {
        Opened {
            id: incident_id(&self.group, signal),
            title: signal.title.clone(),
            plan: self.plan.clone(),
            version: step::VERSION.to_owned(),
            group_key: self.group.readable().to_owned(),
            drill: signal.drill,
            account: signal.account.clone(),
            region: signal.region.clone(),
            signal: SignalSummary::from(signal),
            opened_at: received,
            onset: signal.onset,
            flapping: is_flapping(known.pointer.as_ref(), signal.time),
            degraded: ctx.degraded.clone(),
        }
    }
}

/// What an incident is opened with that is open again: by another signal, with what it was frozen with at first.
fn open_again(before: &Incident, signal: &Signal, known: &Known, received: Timestamp) -> Opened {
    Opened {
        title: signal.title.clone(),
        signal: SignalSummary::from(signal),
        opened_at: received,
        onset: signal.onset,
        flapping: is_flapping(known.pointer.as_ref(), signal.time),
        ..before.opened.clone()
    }
}

/// What became of a signal, and the incident to look after.
pub(crate) type Recorded = (Taken, Option<(String, u32)>);

pub(crate) async fn record(
    ctx: &Ctx,
    signal: &Signal,
    judged: &Judged,
    received: Timestamp,
) -> Result<Recorded, StepError> {
    for attempt in 0..TRIES {
        // Others were faster: let them finish. Deliveries at once are few, so a short, growing pause is enough.
        tokio::time::sleep(Duration::from_millis(u64::from(attempt * attempt) * 15)).await;
        if let Some(recorded) = try_record(ctx, signal, judged, received).await? {
            return Ok(recorded);
        }
    }
    Err(StepError::transient(format!("the records of {} changed {TRIES} times while it was taken", signal.fingerprint)))
}

/// One attempt; `None` where somebody else was faster.
async fn try_record(
    ctx: &Ctx,
    signal: &Signal,
    judged: &Judged,
    received: Timestamp,
) -> Result<Option<Recorded>, StepError> {
    let store = &ctx.store;
    let Some(mut known) = store.look(signal, &judged.group).await? else { return Ok(None) };
    known.muted = judged.muted(ctx, signal, &known, received);
    let taken = |outcome, reason: String, incident: Option<(String, u32)>| {
        let taken = Taken {
            outcome,
            reason,
            signal_id: Some(signal.signal_id.clone()),
            opening: incident.as_ref().map(|(_, opening)| *opening),
            incident_id: incident.as_ref().map(|(id, _)| id.clone()),
        };
        (taken, incident)
    };
    let action = decide(signal, &known).under(judged.plan.plan.engage, signal);
    if matches!(action, Action::Open | Action::Reopen { .. })
        && let Some(storm) = storm::taken_by(ctx, signal, judged, &known, received).await
    {
        return storm::join(ctx, signal, judged, &known, &storm, received).await;
    }
    let (written, recorded) = match action {
        Action::Repeat { incident } => {
            let outcome = if incident.is_some() { SignalOutcome::Attached } else { SignalOutcome::Ignored };
            (Written::Done, taken(outcome, "it came before".to_owned(), incident))
        }
        Action::Open => {
            let opened = judged.opened(ctx, signal, &known, received);
            let opening = Opening { opened: &opened, group: &judged.group };
            let written = store.open(signal, &known, opening).await?;
            (written, taken(SignalOutcome::Incident, judged.why.clone(), Some((opened.id, 1))))
        }
        Action::Reopen { incident_id, opening } => {
            let before = store.load(&incident_id).await?;
            if before.opening + 1 != opening {
                return Ok(None);
            }
            let opened = open_again(&before, signal, &known, received);
            let of = Opening { opened: &opened, group: &judged.group };
            // Whoever still waits for the end of the opening before goes on first: that one is over in any case.
            if let Some(token) = before.recovery_token.as_deref() {
                wake::complete(ctx, token).await?;
            }
            let written = store.reopen(signal, &known, &before, of).await?;
            let reason = format!("it was resolved less than {} ago: open again", before.plan().reopen_within);
            (written, taken(SignalOutcome::Incident, reason, Some((incident_id, opening))))
        }
        Action::Join { incident_id, .. } => {
            let Some(incident) = open_incident(ctx, &incident_id).await? else { return Ok(None) };
            let written = store.join(signal, &known, &incident, received).await?;
            let joined = (incident_id, incident.opening);
            (written, taken(SignalOutcome::Attached, "it joins the group's open incident".to_owned(), Some(joined)))
        }
        Action::Recover { incident_id, .. } => {
            let incident = store.load(&incident_id).await?;
            let written = store.recover(signal, &known, &incident, received).await?;
            let reason = "what fired has recovered".to_owned();
            (written, taken(SignalOutcome::Attached, reason, Some((incident_id, incident.opening))))
        }
        Action::Inform { incident_id, .. } => {
            let Some(incident) = open_incident(ctx, &incident_id).await? else { return Ok(None) };
            let written = store.inform(signal, &incident, received).await?;
            let reason = "the incident's own mitigation caused it".to_owned();
            (written, taken(SignalOutcome::Attached, reason, Some((incident_id, incident.opening))))
        }
        Action::Mute { muted, recorded: true } => (Written::Done, taken(SignalOutcome::Muted, muted.to_string(), None)),
        Action::Mute { muted, recorded: false } => {
            let written = store.mute(signal, &known, &muted, received).await?;
            (written, taken(SignalOutcome::Muted, muted.to_string(), None))
        }
        Action::NotifyOnly { newest } => {
            let reason = format!("{}: it is told once, in the digest of {}", judged.why, judged.plan.plan.owner);
            let written = store.notify_only(signal, &known, (&judged.plan, reason.as_str()), newest, received).await?;
            (written, taken(SignalOutcome::NotifyOnly, reason, None))
        }
        Action::Ignore { reason, newest } => {
            let written = store.ignore(signal, &known, &reason, newest, received).await?;
            let (ignored, _) = taken(SignalOutcome::Ignored, reason, None);
            (written, (ignored, known.fingerprint.and_then(|last| last.incident)))
        }
    };
    Ok((written == Written::Done).then_some(recorded))
}

/// The group's incident, unless it was resolved since the pointer was read.
async fn open_incident(ctx: &Ctx, id: &str) -> Result<Option<Incident>, StepError> {
    let incident = ctx.store.load(id).await?;
    Ok(incident.status.holds_group_key().then_some(incident))
}
