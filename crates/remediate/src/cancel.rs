//! Cancel: recovery came first. What waits for approval ends, and the state machine that waits is woken; what is being
//! applied runs to its end.

use incident::{Outcome, Progress};
use step::StepError;

use crate::Output;
use crate::wake::wake;
use crate::work::Work;

const CANCELLED: &str = "everything that fired recovered before anyone approved it";

/// Ends a mitigation that waits for approval; says whether everything is settled.
pub(crate) async fn cancel(work: &Work<'_>) -> Result<Output, StepError> {
    let (store, id, opening) = (&work.ctx.store, work.incident.id(), work.incident.opening);
    let Some(record) = store.mitigation(id, opening, work.n).await? else {
        return Ok(Output::Settled { settled: true });
    };
    match record.progress {
        Progress::Planned => {
            work.end(&record, Outcome::Cancelled, CANCELLED).await?;
            // The wait may have begun after the record was read: its token is read again.
            wake(&work.ctx.sfn, work.record().await?.approval_token.as_deref()).await?;
        }
        Progress::Ended if record.outcome == Some(Outcome::Cancelled) => {
            work.close(&record).await?;
            wake(&work.ctx.sfn, record.approval_token.as_deref()).await?;
        }
        Progress::Ended => {}
        Progress::Approved | Progress::Applying | Progress::Applied => return Ok(Output::Settled { settled: false }),
    }
    Ok(Output::Settled { settled: true })
}
