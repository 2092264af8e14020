//! One POST over the HTTP client that the SDK has anyway.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;

use crate::channels::Failure;
use crate::secret::Token;

const TIME_OUT: Duration = Duration::from_secs(5);

/// An answer of any status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    retry_after: Option<String>,
    pub(super) body: Vec<u8>,
    /// It answers a second try: Slack may have taken the first, whose answer was lost.
    second: bool,
}

impl Answer {
    /// Slack said no to this try; that is certain where there was no other.
    pub(super) fn no(&self, error: anyhow::Error) -> Failure {
        if self.second { Failure::Unknown(error) } else { Failure::Refused(error) }
    }

    /// How long Slack asks to wait, for people.
    pub(super) fn wait(&self) -> String {
        let seconds = self.retry_after.as_ref().and_then(|text| text.parse::<u32>().ok());
        seconds.map_or_else(|| "a while".to_owned(), |s| format!("{s} s"))
    }
}

/// Posts JSON to `chat.postMessage` below the API's URL. A connection that is lost is tried once more, since one that was
/// kept while the function was frozen may be dead by now.
pub(super) async fn post(http: &SharedHttpClient, api: &str, token: &Token, body: &str) -> anyhow::Result<Answer> {
    let late = || anyhow!("Slack did not answer within {} s", TIME_OUT.as_secs());
    let attempt = || async { tokio::time::timeout(TIME_OUT, once(http, api, token, body)).await.map_err(|_| late()) };
    let answer = match attempt().await? {
        Err(SdkError::DispatchFailure(_)) => attempt().await?.map(|answer| Answer { second: true, ..answer }),
        answer => answer,
    };
    answer.context("Slack could not be reached")
}

async fn once(
    http: &SharedHttpClient,
    api: &str,
    token: &Token,
    body: &str,
) -> Result<Answer, SdkError<Infallible, HttpResponse>> {
    let token = token.clone();
    Operation::builder()
        .service_name("slack")
        .operation_name("chat.postMessage")
        .endpoint_url(api.trim_end_matches('/'))
        .http_client(http.clone())
        .no_auth()
        .no_retry()
        .serializer(move |body: String| request(&token, body))
        .deserializer(|response: &HttpResponse| {
            Ok(Answer {
                status: response.status().as_u16(),
                retry_after: response.headers().get("retry-after").map(str::to_owned),
                body: response.body().bytes().unwrap_or_default().to_vec(),
                second: false,
            })
        })
        .build()
        .invoke(body.to_owned())
        .await
}

fn request(token: &Token, body: String) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri("/chat.postMessage")?;
    let headers = request.headers_mut();
    headers.try_insert("content-type", "application/json; charset=utf-8")?;
    headers.try_insert("authorization", format!("Bearer {}", token.expose()))?;
    Ok(request)
}
