//! The evidence bucket: every key is written once, with its SHA-256 named in a header. Object Lock insists on a checksum,
//! and refuses the streamed trailers that the SDK makes by itself.

mod upload;

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::base64;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use evidence_bundle::{Hashing, Window};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use step::{StepError, sdk_error};

pub(crate) use crate::bucket::upload::Upload;

/// A part of 8 MiB takes longer than the calls of other functions.
const ATTEMPT: Duration = Duration::from_secs(15);
/// The longest that one call can delay the pass, with its repetitions.
const CALL: Duration = Duration::from_secs(40);

/// The header that makes a write the first of its key or none.
const NOTHING_THERE: &str = "*";

/// The evidence bucket. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    client: Client,
    name: String,
}

/// What an object remembers of its capture, so that a retry can describe what an earlier run kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The window that was asked for; none for a source that has no time.
    pub(crate) window: Option<Window>,
    /// When.
    pub(crate) at: Timestamp,
}

/// A tag file, as it is in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    /// All of it.
    pub(crate) content: Vec<u8>,
    /// The version that the bucket gave it.
    pub(crate) version_id: Option<String>,
}

/// What came of writing a key that is written once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Once {
    /// This write was the first, and the bucket gave it this version.
    Written(Option<String>),
    /// The key was there.
    There,
}

/// A captured file that is in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The version that the bucket gave it.
    pub(crate) version_id: Option<String>,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256 in lower-case hex.
    pub(crate) sha256: String,
    /// Its capture.
    pub(crate) taken: Taken,
    /// Whether what was there already is not what this run would have written.
    pub(crate) differs: bool,
}

impl Bucket {
    /// A client of the bucket; nothing is asked of the network. An endpoint of one's own has no host per bucket.
    pub(crate) fn new(config: &SdkConfig, name: impl Into<String>) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(CALL);
        let attempts = config.retry_config().map_or(3, RetryConfig::max_attempts);
        let config = Builder::from(config)
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::standard().with_max_attempts(attempts))
            .force_path_style(config.endpoint_url().is_some());
        Self { client: Client::from_conf(config.build()), name: name.into() }
    }

    /// A small object; `None` where there is none. It takes `s3:ListBucket` to know that.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the bucket cannot be read.
    pub(crate) async fn read(&self, key: &str) -> Result<Option<Tag>, StepError> {
        let Some(object) = self.get(key).await? else { return Ok(None) };
        let version_id = object.version_id;
        let body = object.body.collect().await.map_err(|e| torn(key, e))?;
        Ok(Some(Tag { content: body.to_vec(), version_id }))
    }

    /// Writes a tag file, unless its key is there.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the bucket cannot be written.
    pub(crate) async fn put_once(&self, key: &str, content: &[u8]) -> Result<Once, StepError> {
        let put = self.client.put_object().bucket(&self.name).key(key).if_none_match(NOTHING_THERE);
        let put = put.checksum_sha256(checksum(content)).body(ByteStream::from(content.to_vec()));
        match put.send().await {
            Ok(done) => Ok(Once::Written(done.version_id)),
            Err(e) if already(&e) => Ok(Once::There),
            Err(e) => Err(failed(key, e)),
        }
    }

    /// When the youngest object below a prefix was written; `None` where there is none.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the bucket cannot be listed.
    pub(crate) async fn youngest(&self, prefix: &str) -> Result<Option<Timestamp>, StepError> {
        let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
        let (mut youngest, mut token) = (None, None);
        loop {
            let page = request.clone().set_continuation_token(token).send().await;
            let page =
                page.map_err(|e| sdk_error(format!("{prefix} could not be listed in the evidence bucket"), e))?;
            let written = page.contents().iter().filter_map(|object| {
                let at = object.last_modified()?;
                Timestamp::from_second(at.secs()).ok()
            });
            youngest = youngest.max(written.max());
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(youngest);
            }
        }
    }

    /// What an earlier run kept under the key, hashed as it streams by; `None` where there is nothing.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the bucket cannot be read.
    pub(crate) async fn kept(&self, key: &str) -> Result<Option<Stored>, StepError> {
        let Some(object) = self.get(key).await? else { return Ok(None) };
        let written = object.last_modified().and_then(|at| Timestamp::from_second(at.secs()).ok());
        let taken = Taken { window: None, at: written.unwrap_or_else(step::now) };
        describe(key, object, taken).await.map(Some)
    }

    /// Writes a captured file in one piece; where its key is there, describes what is there.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the bucket cannot be written or read.
    pub(crate) async fn put(&self, key: &str, content: Vec<u8>, taken: Taken) -> Result<Stored, StepError> {
        let mut hashing = Hashing::new();
        hashing.update(&content);
        let (sha256, bytes) = hashing.finish();
        let mut put = self.client.put_object().bucket(&self.name).key(key).if_none_match(NOTHING_THERE);
        for (name, value) in taken.metadata() {
            put = put.metadata(name, value);
        }
        match put.checksum_sha256(checksum(&content)).body(ByteStream::from(content)).send().await {
            Ok(done) => Ok(Stored { version_id: done.version_id, bytes, sha256, taken, differs: false }),
            Err(e) if already(&e) => self.there(key, &sha256, taken).await,
            Err(e) => Err(failed(key, e)),
        }
    }

    /// What is there under the key, hashed as it streams by. What this run would have written is only compared.
    async fn there(&self, key: &str, sha256: &str, taken: Taken) -> Result<Stored, StepError> {
        let object = self.get(key).await?;
        let object = object.ok_or_else(|| StepError::transient(format!("{key} was there and is gone; try again")))?;
        let found = describe(key, object, taken).await?;
        Ok(Stored { differs: found.sha256 != sha256, ..found })
    }

    async fn get(&self, key: &str) -> Result<Option<GetObjectOutput>, StepError> {
        match self.client.get_object().bucket(&self.name).key(key).send().await {
            Ok(object) => Ok(Some(object)),
            Err(e) if matches!(e.as_service_error(), Some(GetObjectError::NoSuchKey(_))) => Ok(None),
            Err(e) => Err(sdk_error(format!("{key} could not be read from the evidence bucket"), e)),
        }
    }
}

impl Taken {
    fn metadata(&self) -> Vec<(&'static str, String)> {
        let window = self.window.map(|w| [("window-from", w.from.to_string()), ("window-to", w.to.to_string())]);
        [("collected-at", self.at.to_string())].into_iter().chain(window.into_iter().flatten()).collect()
    }

    fn remembered(object: &GetObjectOutput) -> Option<Self> {
        let time = |name| object.metadata()?.get(name)?.parse::<Timestamp>().ok();
        let window = time("window-from").zip(time("window-to")).map(|(from, to)| Window { from, to });
        Some(Self { window, at: time("collected-at")? })
    }
}

/// The object, read to its end; `taken` where it does not remember its capture.
async fn describe(key: &str, object: GetObjectOutput, taken: Taken) -> Result<Stored, StepError> {
    let taken = Taken::remembered(&object).unwrap_or(taken);
    let version_id = object.version_id;
    let (mut body, mut hashing) = (object.body, Hashing::new());
    while let Some(piece) = body.next().await {
        hashing.update(&piece.map_err(|e| torn(key, e))?);
    }
    let (sha256, bytes) = hashing.finish();
    Ok(Stored { version_id, bytes, sha256, taken, differs: false })
}

/// The SHA-256 as the header wants it.
fn checksum(content: &[u8]) -> String {
    base64::encode(Sha256::digest(content))
}

/// Whether the write found its key taken.
fn already<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|answer| answer.status().as_u16() == 412)
}

/// A write that failed. A conflict with another write of the same key passes: one of the two wins.
fn failed<E>(key: &str, error: SdkError<E, HttpResponse>) -> StepError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let conflict = error.raw_response().is_some_and(|answer| answer.status().as_u16() == 409);
    let error = sdk_error(format!("{key} could not be written to the evidence bucket"), error);
    match error {
        StepError::Stuck(cause) if conflict => StepError::Transient(cause),
        other => other,
    }
}

fn torn(key: &str, error: impl std::fmt::Display) -> StepError {
    StepError::transient(format!("{key} could not be read to its end from the evidence bucket: {error}"))
}

#[cfg(test)]
mod tests;
