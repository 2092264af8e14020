//! Undo: take the change back, if the target is still as apply left it: since verification saw things get worse, or since
//! a person asked for it after the mitigation had ended.

use incident::{MitigationRecord, Outcome, Progress};
use serde_json::Value;
use step::StepError;

use crate::apply::mutations_are_on;
use crate::mitigations::{Mitigation, Set};
use crate::wake::wake;
use crate::work::{LEASE, Work};
use crate::{Output, guards, put_back};

/// Where the target stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Exactly as apply left it.
    Left,
    /// As before: an earlier call took it back, or somebody else did.
    Prior,
    /// Neither: somebody changed it since, and theirs stays.
    Elsewhere,
}

const UNDONE: &str = "the service got worse after the change, which was taken back";

/// Takes an applied mitigation back.
pub(crate) async fn undo(work: &Work<'_>) -> Result<Output, StepError> {
    let record = work.record().await?;
    match record.progress {
        Progress::Applied => take_back(work, &record).await,
        Progress::Ended if record.undo.is_some() => put_back::as_asked(work, &record).await,
        Progress::Ended => {
            work.close(&record).await?;
            wake(&work.ctx.sfn, record.put_back_token.as_deref()).await?;
            Ok(Output::STOP)
        }
        _ => Err(StepError::rejected("nothing was applied, so there is nothing to take back")),
    }
}

async fn take_back(work: &Work<'_>, record: &MitigationRecord) -> Result<Output, StepError> {
    let (Some(prior), Some(left)) = (&record.prior, &record.left) else {
        return Err(StepError::stuck("the record of what was applied names no state to go back to"));
    };
    if let Err(no) = permit(work, record).await? {
        return leave(work, record, &no).await;
    }
    let mitigation = work.target(record).await?;
    let present = mitigation.read().await?;
    match found(&*mitigation, &present, prior, left) {
        Found::Left => match mitigation.set(prior, left).await? {
            Set::Done(_) => undone(work, record).await,
            // Moved between the look and the change, or by a try whose answer was lost: the retry looks again.
            Set::Moved => Err(StepError::transient("the target changed while it was taken back")),
        },
        Found::Prior => undone(work, record).await,
        Found::Elsewhere => leave(work, record, "somebody changed the target since").await,
    }
}

/// Whether the change may be taken back now, or the sentence that says no; the lock of the target is then ours.
pub(crate) async fn permit(work: &Work<'_>, record: &MitigationRecord) -> Result<Result<(), String>, StepError> {
    if let Err(no) = mutations_are_on(work).and(work.brake_is_off().await) {
        return Ok(Err(no));
    }
    let lock = work.ctx.store.lock(&record.target, &work.holder(), work.now, LEASE).await?;
    Ok(guards::lock_is_ours(lock).map(drop))
}

pub(crate) fn found(mitigation: &dyn Mitigation, present: &Value, prior: &Value, left: &Value) -> Found {
    if present == left {
        Found::Left
    } else if mitigation.is_at(present, prior) {
        Found::Prior
    } else {
        Found::Elsewhere
    }
}

async fn undone(work: &Work<'_>, record: &MitigationRecord) -> Result<Output, StepError> {
    work.end(record, Outcome::Undone, UNDONE).await?;
    // Where the incident waits for nothing but this, it goes on.
    wake(&work.ctx.sfn, work.record().await?.put_back_token.as_deref()).await?;
    Ok(Output::STOP)
}

/// The change stays in force: that is recorded as what it is, and a person is told.
async fn leave(work: &Work<'_>, record: &MitigationRecord, no: &str) -> Result<Output, StepError> {
    let why = format!("the service got worse after the change, which could not be taken back: {no}; act by hand");
    work.end(record, Outcome::Ineffective, why.as_str()).await?;
    Err(StepError::refused(why))
}

#[cfg(test)]
mod tests {
    use aws_types::SdkConfig;
    use serde_json::json;

    use super::*;
    use crate::guards::Place;
    use crate::mitigations::KINDS;

    #[tokio::test]
    async fn only_what_apply_left_is_taken_back() {
        let place = Place { partition: "aws".into(), account: "1".into(), region: "eu-west-1".into() };
        let with = [("function", "checkout"), ("alias", "live")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let config = SdkConfig::builder().behavior_version(aws_sdk_lambda::config::BehaviorVersion::latest()).build();
        let mitigation = KINDS[0].find(&config, &place, &with, "inc-20261123-0123456789").await.unwrap();
        let state = |version: &str, revision: &str| json!({"function_version": version, "revision_id": revision});
        let (prior, left) = (state("2", "rev-2"), state("1", "rev-3"));
        for (present, expect) in [
            (state("1", "rev-3"), Found::Left),
            (state("2", "rev-4"), Found::Prior),
            (state("1", "rev-4"), Found::Elsewhere),
            (state("3", "rev-4"), Found::Elsewhere),
            (json!({"function_version": "2", "revision_id": "rev-4", "split": true}), Found::Elsewhere),
            (json!(null), Found::Elsewhere),
        ] {
            assert_eq!(found(&*mitigation, &present, &prior, &left), expect, "{present}");
        }
    }
}
