//! The evidence bucket, as far as a postmortem needs it. Its default retention makes Object Lock insist on a checksum.

use std::fmt;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use aws_types::SdkConfig;
use step::{StepError, sdk_error};

/// The form of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    Markdown,
    Html,
}

impl Form {
    fn content_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// The ending of the key.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Markdown => "md",
            Self::Html => "html",
        })
    }
}

/// The bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// A client of the bucket; nothing is asked of the network. An endpoint of one's own has no host per bucket.
    pub(crate) fn new(config: &SdkConfig, name: impl Into<String>) -> Self {
        let own = config.endpoint_url().is_some();
        Self { client: Client::from_conf(Builder::from(config).force_path_style(own).build()), name: name.into() }
    }

    /// Writes a document; where its key is there, as a new version.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the bucket cannot be written.
    pub(crate) async fn put(&self, key: &str, form: Form, document: String) -> Result<(), StepError> {
        let put = self.client.put_object().bucket(&self.name).key(key).content_type(form.content_type());
        // The document is in memory, so the SDK names its hash in a header: Object Lock refuses streamed trailers.
        let put = put.checksum_algorithm(ChecksumAlgorithm::Sha256).body(ByteStream::from(document.into_bytes()));
        put.send().await.map_err(|e| sdk_error(format!("{key} could not be written to the bucket"), e))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use aws_smithy_types::body::SdkBody;

    /// A bucket that answers once, without a second try, and what it was asked.
    fn bucket(status: u16, body: &'static str) -> (StaticReplayClient, Bucket) {
        let answer = http::Response::builder().status(status).body(SdkBody::from(body)).unwrap();
        let client = StaticReplayClient::new(vec![ReplayEvent::new(http::Request::new(SdkBody::empty()), answer)]);
        let keys = aws_credential_types::Credentials::from_keys("AKIDTEST", "secret", None);
        let config = SdkConfig::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_types::region::Region::new("eu-west-1"))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(keys))
            .retry_config(aws_smithy_types::retry::RetryConfig::disabled())
            .http_client(client.clone())
            .build();
        (client, Bucket::new(&config, "evidence"))
    }

    #[tokio::test]
    async fn a_document_is_written_with_its_type_and_hash() {
        let (client, bucket) = bucket(200, "");
        bucket.put("v1/postmortems/i/1/postmortem.html", Form::Html, "abc".to_owned()).await.unwrap();
        let asked = client.actual_requests().next().unwrap();
        assert_eq!(asked.method(), "PUT");
        assert!(asked.uri().contains("evidence.s3.eu-west-1.amazonaws.com/v1/postmortems/i/1/postmortem.html"));
        assert_eq!(asked.headers().get("content-type"), Some("text/html; charset=utf-8"));
        // The SHA-256 of `abc`, and of all of it: nothing is streamed with a trailer.
        let hash = asked.headers().get("x-amz-checksum-sha256");
        assert_eq!(hash, Some("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="));
        assert!(asked.headers().get("x-amz-trailer").is_none());
        assert_eq!(asked.body().bytes(), Some(&b"abc"[..]));
    }

    #[track_caller]
    fn check(error: &StepError, name: &str) {
        assert_eq!(error.name(), name);
        assert_eq!(error.to_string(), "k could not be written to the bucket");
    }

    #[tokio::test]
    async fn a_bucket_that_says_no_has_a_name_for_it() {
        let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        let (_, refusing) = bucket(403, denied);
        check(&refusing.put("k", Form::Markdown, String::new()).await.unwrap_err(), "Stuck");
        let (_, busy) = bucket(503, "<Error><Code>SlowDown</Code></Error>");
        check(&busy.put("k", Form::Markdown, String::new()).await.unwrap_err(), "Transient");
    }
}
