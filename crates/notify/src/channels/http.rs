//! One POST over the HTTP client that the SDK has anyway, for channels outside AWS.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;

use crate::channels::Failure;

const TIME_OUT: Duration = Duration::from_secs(5);

/// The client that these channels share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Http {
    /// Built at first use: reading the system's roots takes longer than the rest of a start.
    client: Arc<OnceLock<SharedHttpClient>>,
}

/// JSON to post. It shows itself to nobody: addresses, headers and bodies may hold secrets.
#[derive(Clone)]
pub(super) struct Post<'a> {
    /// Who is asked, for people.
    pub(super) to: &'a str,
    /// The whole address.
    pub(super) url: &'a str,
    /// Headers beside the content's type.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

/// An answer of any status; a redirect is one, and is not followed.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    retry_after: Option<String>,
    pub(super) body: Vec<u8>,
    /// It answers a second try: the first may have been taken, and its answer lost.
    second: bool,
}

impl Http {
    /// Posts. A connection that is lost is tried once more, since one that was kept while the function was frozen may be
    /// dead by now.
    pub(super) async fn post(&self, post: Post<'_>) -> Result<Answer, Failure> {
        let client = self.client(post.to).map_err(Failure::Refused)?;
        let late = || Failure::Unknown(anyhow!("{} did not answer within {} s", post.to, TIME_OUT.as_secs()));
        let attempt = || async { tokio::time::timeout(TIME_OUT, once(client, &post)).await.map_err(|_| late()) };
        let answer = match attempt().await? {
            Err(SdkError::DispatchFailure(_)) => attempt().await?.map(|answer| Answer { second: true, ..answer }),
            answer => answer,
        };
        answer.with_context(|| format!("{} could not be reached", post.to)).map_err(Failure::Unknown)
    }

    fn client(&self, to: &str) -> anyhow::Result<&SharedHttpClient> {
        if self.client.get().is_none() {
            let built = step::aws::public_http_client()
                .map_err(|e| anyhow::Error::from(e).context(format!("no TLS roots were found for {to}")))?;
            // Another task may have been first: then its client is used.
            let _ = self.client.set(built);
        }
        self.client.get().ok_or_else(|| anyhow!("the HTTP client for {to} is missing"))
    }
}

impl Answer {
    /// The channel said no to this try; that is certain where there was no other.
    pub(super) fn no(&self, error: anyhow::Error) -> Failure {
        if self.second { Failure::Unknown(error) } else { Failure::Refused(error) }
    }

    /// A status that is no acceptance: a redirect and a fault of ours are a no, anything else says nothing.
    pub(super) fn failed(&self, error: anyhow::Error) -> Failure {
        if (300..500).contains(&self.status) { self.no(error) } else { Failure::Unknown(error) }
    }

    /// How long the channel asks to wait, for people.
    pub(super) fn wait(&self) -> String {
        let seconds = self.retry_after.as_ref().and_then(|text| text.parse::<u32>().ok());
        seconds.map_or_else(|| "a while".to_owned(), |s| format!("{s} s"))
    }
}

async fn once(client: &SharedHttpClient, post: &Post<'_>) -> Result<Answer, SdkError<Infallible, HttpResponse>> {
    let (origin, path) = split(post.url);
    let headers = post.headers.clone();
    Operation::builder()
        .service_name("channel")
        .operation_name("post")
        .endpoint_url(origin)
        .http_client(client.clone())
        .no_auth()
        .no_retry()
        .serializer(move |body: String| request(&path, &headers, body))
        .deserializer(|response: &HttpResponse| {
            Ok(Answer {
                status: response.status().as_u16(),
                retry_after: response.headers().get("retry-after").map(str::to_owned),
                body: response.body().bytes().unwrap_or_default().to_vec(),
                second: false,
            })
        })
        .build()
        .invoke(post.body.clone())
        .await
}

/// Scheme and authority of an address, and its path with its query: an endpoint of the SDK's client loses its query.
fn split(url: &str) -> (&str, String) {
    let authority = url.find("://").map_or(0, |at| at + "://".len());
    let end = url[authority..].find(['/', '?']).map_or(url.len(), |at| authority + at);
    let (origin, path) = url.split_at(end);
    (origin, if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}

fn request(path: &str, headers: &[(&'static str, String)], body: String) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri(path)?;
    request.headers_mut().try_insert("content-type", "application/json; charset=utf-8")?;
    for (name, value) in headers {
        request.headers_mut().try_insert(*name, value.clone())?;
    }
    Ok(request)
}

#[cfg(test)]
impl Http {
    /// With canned answers in place of the network.
    pub(crate) fn canned(answers: &aws_smithy_http_client::test_util::StaticReplayClient) -> Self {
        Self { client: Arc::new(OnceLock::from(SharedHttpClient::new(answers.clone()))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_query() {
        for (url, origin, path) in [
            ("https://a.example/x/y?z=/1", "https://a.example", "/x/y?z=/1"),
            ("https://a.example?z=1", "https://a.example", "/?z=1"),
            ("http://[::1]:80", "http://[::1]:80", "/"),
        ] {
            assert_eq!(split(url), (origin, path.to_owned()));
        }
    }
}
