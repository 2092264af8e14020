//! Verify: is the opening condition clear, and is the service alive? Without both it is never called verified.

use incident::{MitigationRecord, Outcome, Progress};
use jiff::{SignedDuration, Timestamp};
use response_plan::{Mitigation as Planned, Span};
use step::StepError;

use crate::alarm::{Alarm, State};
use crate::metrics::Proof;
use crate::work::{LEASE, Work};
use crate::{Next, Output, metrics};

/// The opening condition, seen from after the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// Clear since the change.
    Clear,
    /// Clear, and was so before the change: it cannot have been the change's doing.
    ClearBefore,
    /// It fires still, or again.
    Firing,
    /// Too few data to say, or the alarm is gone.
    Unknown,
}

/// What verification says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// Too early to say.
    Again,
    /// It ended like this, for this reason.
    Ended(Outcome, &'static str),
    /// The service got worse: take it back.
    Undo,
}

/// Looks once.
pub(crate) async fn verify(work: &Work<'_>) -> Result<Output, StepError> {
    let record = work.record().await?;
    match (record.progress, record.applied_at) {
        (Progress::Applied, Some(applied_at)) => look(work, &record, applied_at).await,
        (Progress::Ended, _) => {
            work.close(&record).await?;
            Ok(Output::STOP)
        }
        _ => Err(StepError::rejected("nothing was applied, so there is nothing to verify")),
    }
}

/// How long to wait before the next look: half a period, within reason.
pub(crate) fn wait_s(planned: &Planned) -> u64 {
    planned.healthy_when.as_ref().map_or(10, |wanted| (wanted.period.as_secs() / 2).clamp(5, 30))
}

async fn look(work: &Work<'_>, record: &MitigationRecord, applied_at: Timestamp) -> Result<Output, StepError> {
    let planned = work.planned(record)?;
    // Nobody else may touch the target while it is looked at. A lease that was lost changes nothing about what is seen.
    work.ctx.store.lock(&record.target, &work.holder(), work.now, LEASE).await?;
    let (condition, proof) = observe(work, planned, record.applying_at, applied_at).await?;
    let elapsed = work.now.duration_since(applied_at);
    tracing::info!(?condition, ?proof, elapsed_s = elapsed.as_secs(), "looked whether the mitigation helped");
    match judge(condition, proof, elapsed, planned.verify_within) {
        Verdict::Again => Ok(Output::Next { next: Next::Again, wait_s: wait_s(planned) }),
        Verdict::Undo => Ok(Output::Next { next: Next::Undo, wait_s: 0 }),
        Verdict::Ended(outcome, reason) => {
            if outcome == Outcome::Verified {
                // Before the record ends: a call that is killed in between looks again and comes back here.
                work.ctx.store.mitigated(work.incident.id(), work.incident.opening, work.now).await?;
            }
            work.end(record, outcome, reason).await?;
            Ok(Output::STOP)
        }
    }
}

/// A change that was cut short is recorded late: the condition may have cleared before `applied_at` and after the change,
/// while datapoints count from where the change is certain.
async fn observe(
    work: &Work<'_>,
    planned: &Planned,
    applying_at: Option<Timestamp>,
    applied_at: Timestamp,
) -> Result<(Condition, Proof), StepError> {
    let role = work.role(planned).await?;
    let condition = condition(role.opening_alarm(&work.incident).await?, applying_at.unwrap_or(applied_at));
    let Some(wanted) = &planned.healthy_when else { return Ok((condition, Proof::NotAsked)) };
    let sums = metrics::read(&role.config, wanted, applied_at, work.now).await?;
    Ok((condition, metrics::judge(&sums, wanted, applied_at, work.now)))
}

/// Times are compared by the second, since not every answer has a fraction.
fn condition(alarm: Option<Alarm>, changed_at: Timestamp) -> Condition {
    match alarm {
        Some(Alarm { state: State::Clear, since: Some(since) }) if since.as_second() >= changed_at.as_second() => {
            Condition::Clear
        }
        Some(Alarm { state: State::Clear, .. }) => Condition::ClearBefore,
        Some(Alarm { state: State::Firing, .. }) => Condition::Firing,
        Some(Alarm { state: State::Unknown, .. }) | None => Condition::Unknown,
    }
}

fn judge(condition: Condition, proof: Proof, elapsed: SignedDuration, verify_within: Span) -> Verdict {
    let time_is_up = elapsed >= verify_within.signed();
    match (condition, proof) {
        (Condition::Clear, Proof::Proven) => {
            Verdict::Ended(Outcome::Verified, "the alarm is clear since the change, and the service is alive")
        }
        (Condition::Clear, Proof::NotAsked) => Verdict::Ended(
            Outcome::Unproven,
            "the alarm is clear; the plan names no proof of life, so look at the service",
        ),
        (Condition::ClearBefore, Proof::NotAsked | Proof::Proven) => {
            Verdict::Ended(Outcome::Unproven, "the alarm was clear before the change was made; look at the service")
        }
        (Condition::Clear | Condition::ClearBefore, _) if time_is_up => {
            Verdict::Ended(Outcome::Unproven, "the alarm is clear, but the service gave no proof of life; look at it")
        }
        (Condition::Firing, Proof::Worse) if time_is_up => Verdict::Undo,
        (Condition::Firing, _) if time_is_up => Verdict::Ended(
            Outcome::Ineffective,
            "the alarm did not clear after the change, which is left as it is; act by hand",
        ),
        // Nothing is taken back on a guess.
        (Condition::Unknown, Proof::Worse) if time_is_up => Verdict::Ended(
            Outcome::Ineffective,
            "the service got worse after the change and the alarm does not tell; the change is left as it is, act by hand",
        ),
        (Condition::Unknown, _) if time_is_up => Verdict::Ended(
            Outcome::Unproven,
            "the alarm does not tell: it has no data, or is gone; the change is left as it is, look at the service",
        ),
        _ => Verdict::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[track_caller]
    fn check(condition: Condition, proof: Proof, in_time: &str, out_of_time: &str) {
        for (elapsed, expect) in [(299, in_time), (300, out_of_time)] {
            let told = match judge(condition, proof, SignedDuration::from_secs(elapsed), Span::seconds(300)) {
                Verdict::Again => "again",
                Verdict::Undo => "undo",
                Verdict::Ended(outcome, _) => outcome.as_str(),
            };
            assert_eq!(told, expect, "{condition:?} {proof:?} after {elapsed} s");
        }
    }

    #[test]
    fn the_verdict_needs_both_or_time() {
        check(Condition::Clear, Proof::Proven, "verified", "verified");
        check(Condition::Clear, Proof::NotYet, "again", "unproven");
        check(Condition::Clear, Proof::Worse, "again", "unproven");
        check(Condition::Clear, Proof::NotAsked, "unproven", "unproven");
        check(Condition::ClearBefore, Proof::Proven, "unproven", "unproven");
        check(Condition::ClearBefore, Proof::NotYet, "again", "unproven");
        check(Condition::ClearBefore, Proof::Worse, "again", "unproven");
        check(Condition::ClearBefore, Proof::NotAsked, "unproven", "unproven");
        check(Condition::Firing, Proof::Proven, "again", "ineffective");
        check(Condition::Firing, Proof::NotYet, "again", "ineffective");
        check(Condition::Firing, Proof::Worse, "again", "undo");
        check(Condition::Firing, Proof::NotAsked, "again", "ineffective");
    }

    #[test]
    fn what_the_alarm_does_not_tell_is_no_ground_to_take_anything_back() {
        check(Condition::Unknown, Proof::Proven, "again", "unproven");
        check(Condition::Unknown, Proof::NotYet, "again", "unproven");
        check(Condition::Unknown, Proof::Worse, "again", "ineffective");
        check(Condition::Unknown, Proof::NotAsked, "again", "unproven");
    }

    #[test]
    fn clear_counts_from_the_change_on() {
        let alarm = |state, since: Option<i64>| Some(Alarm { state, since: since.map(at) });
        for (read, expect) in [
            (alarm(State::Clear, Some(1)), Condition::Clear),
            (alarm(State::Clear, Some(0)), Condition::Clear),
            (alarm(State::Clear, Some(-1)), Condition::ClearBefore),
            (alarm(State::Clear, None), Condition::ClearBefore),
            (alarm(State::Firing, Some(1)), Condition::Firing),
            (alarm(State::Unknown, Some(1)), Condition::Unknown),
            (None, Condition::Unknown),
        ] {
            assert_eq!(condition(read, at(0)), expect, "{read:?}");
        }
    }
}
