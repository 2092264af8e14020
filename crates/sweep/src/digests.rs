//! Digests that have gathered: the owner is told, by an execution of `engage`.

use jiff::{SignedDuration, Timestamp};
use step::StepError;

use crate::{Ctx, Output};

/// Who received a signal just before the end may still be writing it: triage's time-out is 10 s.
const WRITTEN: SignedDuration = SignedDuration::from_secs(15);

/// Starts an execution for each digest that is due; one that fails is logged and stops no other. It stays due until notify
/// has recorded that it was told: the execution's name makes every further start of it nothing, for an hour, after which it
/// begins again, since an execution takes minutes. Claims keep what was sent from being sent again.
///
/// # Errors
/// What the store says where the list, or one of it, could not be read.
pub(crate) async fn tell(ctx: &Ctx, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let mut unread = None;
    for digest in ctx.store.due_digests(now - WRITTEN).await? {
        let digest = match digest {
            Ok(digest) => digest,
            Err(error) => {
                log("-", &error);
                unread = Some(error);
                continue;
            }
        };
        output.digests += 1;
        let hours = now.duration_since(digest.until).as_hours();
        if let Err(error) = ctx.executions.tell_digest(&digest.id, digest.told + 1, hours).await {
            log(&digest.id, &error);
        }
    }
    unread.map_or(Ok(()), Err)
}

fn log(digest: &str, failure: &StepError) {
    let (name, chain) = (failure.name(), format!("{:#}", failure.cause()));
    tracing::error!(digest, error.name = name, error.chain = chain, "a digest could not be told");
}
