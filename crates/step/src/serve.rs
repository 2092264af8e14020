//! The loop of a function: one event in, one answer or one named error out, logged once.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
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
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Payload>| async move {
        let Payload(payload) = event.payload;
        let span = span_of(payload.as_ref().unwrap_or(&Value::Null), &event.context.request_id);
        let answer = async {
            let input = read(payload)?;
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

/// What an invocation brings: JSON, or why it is none that can be followed, such as one nested too deep. The runtime would
/// give that error a name of its own, which no state machine knows.
struct Payload(anyhow::Result<Value>);

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(Value::deserialize(from).map_err(|e| anyhow::anyhow!("{e}"))))
    }
}

fn read<I: DeserializeOwned>(payload: anyhow::Result<Value>) -> Result<I, StepError> {
    let input = payload.and_then(|payload| Ok(serde_json::from_value(payload)?));
    input.map_err(|e| StepError::Rejected(e.context("the input is not what this step reads")))
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
fn span_of(payload: &Value, request_id: &str) -> tracing::Span {
    let incident_id = payload.get("incident_id").and_then(Value::as_str).unwrap_or_default();
    let opening = payload.get("opening").and_then(Value::as_u64).unwrap_or_default();
    tracing::info_span!("step", request_id, incident_id, opening)
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

    /// As the runtime reads what it got, which does not look beyond the payload's end.
    fn arrived(body: &str) -> Result<u32, StepError> {
        let Payload(payload) = Payload::deserialize(&mut serde_json::Deserializer::from_str(body)).unwrap();
        read(payload)
    }

    #[test]
    fn what_cannot_be_read_is_rejected() {
        assert_eq!(arrived("7").unwrap(), 7);
        for body in ["\"7\"", "null", "{", "", &"[".repeat(200), &format!("{}1{}", "[".repeat(200), "]".repeat(200))] {
            let error = arrived(body).unwrap_err();
            assert_eq!(
                (error.name(), error.to_string().as_str()),
                ("Rejected", "the input is not what this step reads")
            );
            assert!(format!("{:#}", error.cause()).len() > 40, "the log has the reason: {:#}", error.cause());
        }
    }

    #[tokio::test]
    async fn an_answer_passes() {
        assert_eq!(guard(async { Ok(7) }).await.unwrap(), 7);
    }
}
