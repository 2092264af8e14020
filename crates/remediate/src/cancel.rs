//! Cancel: recovery came first. What waits for approval ends, and the state machine that waits is woken; what is being
//! applied runs to its end.

use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError;
use incident::{MitigationRecord, Outcome, Progress};
use step::{StepError, sdk_error};

use crate::Output;
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
            wake(&work.ctx.sfn, &work.record().await?).await?;
        }
        Progress::Ended if record.outcome == Some(Outcome::Cancelled) => {
            work.close(&record).await?;
            wake(&work.ctx.sfn, &record).await?;
        }
        Progress::Ended => {}
        Progress::Approved | Progress::Applying | Progress::Applied => return Ok(Output::Settled { settled: false }),
    }
    Ok(Output::Settled { settled: true })
}

/// Completes the wait for approval. A wait that is over, or that never was, is no error.
async fn wake(sfn: &aws_sdk_sfn::Client, record: &MitigationRecord) -> Result<(), StepError> {
    let Some(token) = &record.approval_token else { return Ok(()) };
    let Err(error) = sfn.send_task_success().task_token(token).output("{}").send().await else { return Ok(()) };
    match error.as_service_error() {
        Some(
            SendTaskSuccessError::TaskTimedOut(_)
            | SendTaskSuccessError::TaskDoesNotExist(_)
            | SendTaskSuccessError::InvalidToken(_),
        ) => Ok(()),
        _ => Err(sdk_error("the wait for approval could not be ended; it ends by itself when it expires", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{record, replay};

    #[track_caller]
    fn woken(answer: Result<(), StepError>, expect: Result<(), &str>) {
        assert_eq!(answer.map_err(|e| e.name()), expect);
    }

    #[tokio::test]
    async fn a_wait_that_is_over_is_no_error() {
        let waiting = MitigationRecord { approval_token: Some("token-1".into()), ..record() };
        for (status, body, expect) in [
            (200, "{}", Ok(())),
            (400, r#"{"__type":"com.amazonaws.sfn#TaskTimedOut"}"#, Ok(())),
            (400, r#"{"__type":"com.amazonaws.sfn#TaskDoesNotExist"}"#, Ok(())),
            (400, r#"{"__type":"com.amazonaws.sfn#InvalidToken"}"#, Ok(())),
            (400, r#"{"__type":"com.amazonaws.sfn#InvalidOutput"}"#, Err("Stuck")),
            (500, "{}", Err("Transient")),
        ] {
            let (http, config) = replay(&[(status, body)]);
            woken(wake(&aws_sdk_sfn::Client::new(&config), &waiting).await, expect);
            let sent =
                http.actual_requests().map(|r| r.body().bytes().unwrap_or_default().to_vec()).collect::<Vec<_>>();
            assert_eq!(sent, [br#"{"taskToken":"token-1","output":"{}"}"#], "{body}");
        }
    }

    #[tokio::test]
    async fn without_a_wait_nothing_is_sent() {
        let (http, config) = replay(&[]);
        woken(wake(&aws_sdk_sfn::Client::new(&config), &record()).await, Ok(()));
        assert_eq!(http.actual_requests().count(), 0);
    }
}
