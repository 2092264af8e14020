//! What is in force, whatever became of its incident: the owner is reminded, after an hour and then every day, since
//! nothing takes it back by itself.

use incident::{MitigationRecord, Status};
use jiff::{SignedDuration, Timestamp};
use step::StepError;

use crate::{Ctx, Output, log};

/// So long after the mitigation ended the first reminder is due.
const FIRST: SignedDuration = SignedDuration::from_hours(1);
/// And from then on one each.
const EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Reminds of everything that is due; one that fails is logged and stops no other.
///
/// # Errors
/// What the store says where the list could not be read.
pub(crate) async fn remind(ctx: &Ctx, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    for record in ctx.store.in_force().await? {
        output.in_force += 1;
        if let Err(error) = remind_of(ctx, &record, now, output).await {
            log(&record.incident_id, &error);
        }
    }
    Ok(())
}

async fn remind_of(ctx: &Ctx, record: &MitigationRecord, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let Some(count) = due(record, now) else { return Ok(()) };
    if !may_disturb(ctx.store.load(&record.incident_id).await?.status) {
        return Ok(());
    }
    // The execution first: killed in between, the next sweep starts it again, which its name makes once.
    ctx.executions.remind(record, count).await?;
    ctx.store.reminded(record, count).await?;
    output.reminded += 1;
    Ok(())
}

/// The number of the reminder that is due, if one is. Those that were missed are not made up for.
fn due(record: &MitigationRecord, now: Timestamp) -> Option<u32> {
    let waited = now.duration_since(record.ended_at?);
    if waited < FIRST {
        return None;
    }
    let count = 1 + u32::try_from((waited - FIRST).as_secs() / EVERY.as_secs()).ok()?;
    (count > record.reminded).then_some(count)
}

/// While something fires, people are at work on it, and know.
fn may_disturb(status: Status) -> bool {
    status != Status::Open
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, in_force};

    #[test]
    fn the_first_after_an_hour_then_one_a_day() {
        const HOUR: i64 = 3600;
        for (waited, reminded, expect) in [
            (0, 0, None),
            (HOUR - 1, 0, None),
            (HOUR, 0, Some(1)),
            (HOUR, 1, None),
            (25 * HOUR - 1, 1, None),
            (25 * HOUR, 1, Some(2)),
            (25 * HOUR, 2, None),
            // Nobody looked for days.
            (100 * HOUR, 1, Some(5)),
        ] {
            let record = MitigationRecord { reminded, ..in_force() };
            assert_eq!(due(&record, at(100 + waited)), expect, "{waited} s, {reminded}");
        }
        let verified_yet = MitigationRecord { ended_at: None, ..in_force() };
        assert_eq!(due(&verified_yet, at(1_000_000)), None);
    }

    #[test]
    fn nobody_is_reminded_while_something_fires() {
        for status in Status::ALL {
            assert_eq!(may_disturb(status), status != Status::Open, "{status}");
        }
    }
}
