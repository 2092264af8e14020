//! Digests that have gathered: the owner is told, by an execution of `engage`.

use jiff::{SignedDuration, Timestamp};
use step::StepError;

use crate::{Ctx, Output, log};

/// Who received a signal just before the end may still be writing it: triage's time-out is 10 s.
const WRITTEN: SignedDuration = SignedDuration::from_secs(15);

/// Starts an execution for each digest that is due; one that fails is logged and stops no other. It stays due until notify
/// has recorded that it was told, and the execution's name makes every further start of it nothing.
///
/// # Errors
/// What the store says where the list could not be read.
pub(crate) async fn tell(ctx: &Ctx, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    for digest in ctx.store.due_digests(now - WRITTEN).await? {
        output.digests += 1;
        if let Err(error) = ctx.executions.tell_digest(&digest.id, digest.told + 1).await {
            log(&digest.id, &error);
        }
    }
    Ok(())
}
