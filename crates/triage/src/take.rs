//! One signal: look, decide, act, and see that what it began lives.

use std::time::Duration;

use incident::{Action, GroupKey, Incident, Opened, SignalOutcome, SignalSummary, decide, incident_id};
use incident_store::{Opening, Taken as Written};
use jiff::Timestamp;
use response_plan::ResolvedPlan;
use signal::{Signal, State, Unread};
use step::StepError;

use crate::{Ctx, Taken, fallback, wake};

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

/// Takes one signal. Where it cannot be recorded or its execution cannot be started, and it fires, triage pages by itself
/// before it fails.
async fn one(ctx: &Ctx, signal: &Signal, received: Timestamp) -> Result<Taken, StepError> {
    let judged = Judged::new(ctx, signal);
    let taken = async {
        let taken = record(ctx, signal, &judged, received).await?;
        wake::look_after(ctx, signal, &taken).await?;
        Ok(taken)
    };
    match taken.await {
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
        Err(error) if signal.state == State::Firing => Err(fallback::page(ctx, signal, &judged.plan, error).await),
        Err(error) => Err(error),
    }
}

/// What the plans say of a signal.
struct Judged {
    plan: ResolvedPlan,
    why: String,
    group: GroupKey,
}

impl Judged {
    fn new(ctx: &Ctx, signal: &Signal) -> Self {
        let resolution = ctx.plans.resolve(signal);
        let mut plan = resolution.plan;
        if !resolution.matched {
            // Nobody owns it, so nobody knows what belongs together: each failing thing is an incident of its own.
            plan.plan.service = name_of(signal);
        }
        let of = &plan.plan;
        let group =
            GroupKey::new(&of.plan, &of.service, &of.environment, signal.account.as_deref(), signal.drill);
        Self { why: resolution.why, group, plan }
    }

    fn opened(&self, ctx: &Ctx, signal: &Signal, received: Timestamp) -> Opened {
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
            degraded: ctx.degraded.clone(),
        }
    }
}

/// The failing thing's own name and where it is.
fn name_of(signal: &Signal) -> String {
    let name = signal.fingerprint.rsplit([':', '/']).next().unwrap_or_default();
    format!("{name} in {}", signal.region.as_deref().unwrap_or("an unknown Region"))
}

async fn record(ctx: &Ctx, signal: &Signal, judged: &Judged, received: Timestamp) -> Result<Taken, StepError> {
    for attempt in 0..TRIES {
        // Others were faster: let them finish. Deliveries at once are few, so a short, growing pause is enough.
        tokio::time::sleep(Duration::from_millis(u64::from(attempt * attempt) * 15)).await;
        if let Some(taken) = try_record(ctx, signal, judged, received).await? {
            return Ok(taken);
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
) -> Result<Option<Taken>, StepError> {
    let store = &ctx.store;
    let known = store.look(signal, &judged.group).await?;
    let taken = |outcome, reason: String, incident: Option<(String, u32)>| Taken {
        outcome,
        reason,
        signal_id: Some(signal.signal_id.clone()),
        opening: incident.as_ref().map(|(_, opening)| *opening),
        incident_id: incident.map(|(id, _)| id),
    };
    let (written, taken) = match decide(signal, &known) {
        Action::Repeat { incident } => {
            let outcome = if incident.is_some() { SignalOutcome::Attached } else { SignalOutcome::Ignored };
            (Written::Done, taken(outcome, "it came before".to_owned(), incident))
        }
        Action::Open => {
            let opened = judged.opened(ctx, signal, received);
            let opening = Opening { opened: &opened, group: &judged.group };
            let written = store.open(signal, &known, opening).await?;
            (written, taken(SignalOutcome::Incident, judged.why.clone(), Some((opened.id, 1))))
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
        Action::Ignore { reason, newest } => {
            let written = store.ignore(signal, &known, &reason, newest, received).await?;
            (written, taken(SignalOutcome::Ignored, reason, None))
        }
    };
    Ok((written == Written::Done).then_some(taken))
}

/// The group's incident, unless it was resolved since the pointer was read.
async fn open_incident(ctx: &Ctx, id: &str) -> Result<Option<Incident>, StepError> {
    let incident = ctx.store.load(id).await?;
    Ok(incident.status.holds_group_key().then_some(incident))
}
