//! Undo: take the change back, if the target is still as apply left it.

use incident::{MitigationRecord, Outcome, Progress};
use serde_json::Value;
use step::StepError;

use crate::Output;
use crate::apply::mutations_are_on;
use crate::guards;
use crate::mitigations::{Mitigation, Set};
use crate::work::{LEASE, Work};

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Take it back.
    Change,
    /// It is as before already: an earlier call did it.
    Settle,
    /// Somebody changed it since: theirs stays.
    Refuse,
}

const UNDONE: &str = "the service got worse after the change, which was taken back";

/// Takes an applied mitigation back.
pub(crate) async fn undo(work: &Work<'_>) -> Result<Output, StepError> {
    let record = work.record().await?;
    match record.progress {
        Progress::Applied => take_back(work, &record).await,
        Progress::Ended => {
            work.close(&record).await?;
            Ok(Output::STOP)
        }
        _ => Err(StepError::rejected("nothing was applied, so there is nothing to take back")),
    }
}

async fn take_back(work: &Work<'_>, record: &MitigationRecord) -> Result<Output, StepError> {
    let (Some(prior), Some(left)) = (&record.prior, &record.left) else {
        return Err(StepError::stuck("the record of what was applied names no state to go back to"));
    };
    let allowed = mutations_are_on(work).and(work.brake_is_off().await);
    if let Err(no) = allowed {
        return leave(work, record, &no).await;
    }
    let lock = work.ctx.store.lock(&record.target, &work.holder(), work.now, LEASE).await?;
    if let Err(no) = guards::lock_is_ours(lock) {
        return leave(work, record, &no).await;
    }
    let planned = work.planned(record)?;
    let mitigation = work.role(planned).await?.target_again(planned, &record.target).await?;
    let present = mitigation.read().await?;
    match decide(&*mitigation, &present, prior, left) {
        Step::Change => match mitigation.set(prior, left).await? {
            Set::Done(_) => undone(work, record).await,
            // Moved between the look and the change, or by a try whose answer was lost: the retry looks again.
            Set::Moved => Err(StepError::transient("the target changed while it was taken back")),
        },
        Step::Settle => undone(work, record).await,
        Step::Refuse => leave(work, record, "somebody changed the target since").await,
    }
}

fn decide(mitigation: &dyn Mitigation, present: &Value, prior: &Value, left: &Value) -> Step {
    if present == left {
        Step::Change
    } else if mitigation.is_at(present, prior) {
        Step::Settle
    } else {
        Step::Refuse
    }
}

async fn undone(work: &Work<'_>, record: &MitigationRecord) -> Result<Output, StepError> {
    work.end(record, Outcome::Undone, UNDONE).await?;
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
        for (present, step) in [
            (state("1", "rev-3"), Step::Change),
            (state("2", "rev-4"), Step::Settle),
            (state("1", "rev-4"), Step::Refuse),
            (state("3", "rev-4"), Step::Refuse),
            (json!({"function_version": "2", "revision_id": "rev-4", "split": true}), Step::Refuse),
            (json!(null), Step::Refuse),
        ] {
            assert_eq!(decide(&*mitigation, &present, &prior, &left), step, "{present}");
        }
    }
}
