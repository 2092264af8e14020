//! Waking a state machine that waits for something that came to pass.

use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError;
use step::{StepError, sdk_error};

/// Completes a wait. One that is over, or that never was, is no error.
///
/// # Errors
/// `Transient` or `Stuck` where Step Functions does not take it; the wait then ends by its time-out.
pub(crate) async fn wake(sfn: &aws_sdk_sfn::Client, token: Option<&str>) -> Result<(), StepError> {
    let Some(token) = token else { return Ok(()) };
    let Err(error) = sfn.send_task_success().task_token(token).output("{}").send().await else { return Ok(()) };
    match error.as_service_error() {
        Some(
            SendTaskSuccessError::TaskTimedOut(_)
            | SendTaskSuccessError::TaskDoesNotExist(_)
            | SendTaskSuccessError::InvalidToken(_),
        ) => Ok(()),
        _ => Err(sdk_error("the state machine that waits could not be woken; its wait ends by itself", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::replay;

    #[track_caller]
    fn woken(answer: Result<(), StepError>, expect: Result<(), &str>) {
        assert_eq!(answer.map_err(|e| e.name()), expect);
    }

    #[tokio::test]
    async fn a_wait_that_is_over_is_no_error() {
        for (status, body, expect) in [
            (200, "{}", Ok(())),
            (400, r#"{"__type":"com.amazonaws.sfn#TaskTimedOut"}"#, Ok(())),
            (400, r#"{"__type":"com.amazonaws.sfn#TaskDoesNotExist"}"#, Ok(())),
            (400, r#"{"__type":"com.amazonaws.sfn#InvalidToken"}"#, Ok(())),
            (400, r#"{"__type":"com.amazonaws.sfn#InvalidOutput"}"#, Err("Stuck")),
            (500, "{}", Err("Transient")),
        ] {
            let (http, config) = replay(&[(status, body)]);
            woken(wake(&aws_sdk_sfn::Client::new(&config), Some("token-1")).await, expect);
            let sent =
                http.actual_requests().map(|r| r.body().bytes().unwrap_or_default().to_vec()).collect::<Vec<_>>();
            assert_eq!(sent, [br#"{"taskToken":"token-1","output":"{}"}"#], "{body}");
        }
    }

    #[tokio::test]
    async fn without_a_wait_nothing_is_sent() {
        let (http, config) = replay(&[]);
        woken(wake(&aws_sdk_sfn::Client::new(&config), None).await, Ok(()));
        assert_eq!(http.actual_requests().count(), 0);
    }
}
