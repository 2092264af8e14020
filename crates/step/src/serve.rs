//! The loop of a function: one event in, one answer or one named error out, logged once.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument;

use crate::StepError;

/// Logs JSON lines to standard output, at `info` or what `RUST_LOG` says.
pub fn init_tracing(env: &crate::Env) {
    let filter = env.find("RUST_LOG").unwrap_or_else(|| "info".to_owned());
    // A second initialisation (in tests) is no error.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .without_time() // Lambda stamps each line
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .try_init();
}

/// Serves a handler until the process ends. Input that does not parse is `Rejected`, a panic is `Stuck`; each failure is
/// logged here with its whole chain, and nowhere else.
///
/// # Errors
/// Where the Runtime API cannot be reached at all.
pub async fn serve<I, O, F, Fut>(handle: F) -> Result<(), lambda_runtime::Error>
where
    I: DeserializeOwned,
    O: Serialize,
    F: Fn(I) -> Fut,
    Fut: Future<Output = Result<O, StepError>>,
{
    let handle = &handle;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let span = span_of(&event);
        let answer = async {
            let input = serde_json::from_value(event.payload).map_err(|e| {
                StepError::Rejected(anyhow::Error::from(e).context("the input is not what this step reads"))
            })?;
            // Boxed: the compiler looks only so deep into futures within futures.
            guard(Box::pin(handle(input))).await
        };
        answer.instrument(span.clone()).await.inspect_err(|error| {
            let _entered = span.enter();
            tracing::error!(error.name = error.name(), error.chain = format!("{:#}", error.cause()), "step failed");
        })
    }))
    .await
}

/// Turns a panic into `Stuck`.
async fn guard<O>(work: impl Future<Output = Result<O, StepError>>) -> Result<O, StepError> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(StepError::stuck(panic_text(&*panic))))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the step panicked: {}", text.unwrap_or("no message"))
}

/// Every line of one invocation carries the request id, and incident and opening where the input names them.
fn span_of(event: &LambdaEvent<Value>) -> tracing::Span {
    let text = |name| event.payload.get(name).and_then(Value::as_str).unwrap_or_default();
    let opening = event.payload.get("opening").and_then(Value::as_u64).unwrap_or_default();
    tracing::info_span!("step", request_id = event.context.request_id, incident_id = text("incident_id"), opening)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_stuck() {
        let error = guard::<()>(async { panic!("no such state") }).await.unwrap_err();
        assert_eq!(error.name(), "Stuck");
        assert_eq!(error.to_string(), "the step panicked: no such state");
    }

    #[tokio::test]
    async fn an_answer_passes() {
        assert_eq!(guard(async { Ok(7) }).await.unwrap(), 7);
    }
}
