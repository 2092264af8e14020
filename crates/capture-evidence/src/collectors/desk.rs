//! What collectors work with: clients of the sources, the bucket, and what becomes of what a source says.

use std::future::Future;

use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::SdkConfig;
use aws_types::region::Region;
use evidence_bundle::{CapturedFile, Window, data_path};
use jiff::Timestamp;
use serde_json::Value;
use step::StepError;
use tokio::time::{Instant, timeout_at};

use super::Limits;
use crate::bucket::{Bucket, Stored, Taken};
use crate::roles::ROLE;

/// What a collector works with.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(super) bucket: &'a Bucket,
    pub(super) prefix: &'a str,
    pub(super) window: Window,
    pub(super) limits: Limits,
    /// Clients of the sources act as the role that reads evidence; or the reason why nobody may.
    pub(super) sources: Result<SdkConfig, String>,
    /// Begin and account of the ARNs of sources that do not tell their own.
    pub(super) partition: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    /// The opening alarm's transition.
    pub(super) signal_at: Timestamp,
}

/// A file to be kept: all that its custody entry says before it is in the bucket.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(super) collector: &'static str,
    pub(super) name: String,
    pub(super) query: String,
    pub(super) window: Option<Window>,
    pub(super) source_arn: Option<String>,
}

/// Why a collection came to nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The source gave nothing, for this reason: a gap.
    Gap(String),
    /// The bucket did not answer, which passes: no gap is sealed for it, and the pass is tried again.
    Passing(StepError),
}

impl Desk<'_> {
    /// Asks a source, as long as there is time; a failure is a sentence for people.
    pub(super) async fn ask<T, E>(
        &self,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, String>
    where
        E: ProvideErrorMetadata + std::error::Error,
    {
        const OVER: &str = "the time for this pass was over before the source answered.";
        if Instant::now() >= self.limits.deadline {
            return Err(OVER.to_owned());
        }
        let answer = timeout_at(self.limits.deadline, call).await.map_err(|_| OVER.to_owned())?;
        answer.map_err(|error| reason(&error))
    }

    /// Keeps a JSON document.
    pub(super) async fn keep(&self, draft: Draft, document: &Value) -> Result<CapturedFile, Trouble> {
        let mut content = serde_json::to_vec_pretty(document).map_err(|e| format!("it could not be written: {e}."))?;
        content.push(b'\n');
        let taken = Taken { window: draft.window, at: step::now() };
        let stored = self.bucket.put(&self.key(&draft), content, taken).await;
        stored.map(|stored| draft.captured(stored)).map_err(not_kept)
    }

    pub(super) fn key(&self, draft: &Draft) -> String {
        format!("{}{}", self.prefix, draft.path())
    }

    pub(super) fn config_in(&self, region: &str) -> Result<SdkConfig, Trouble> {
        let sources = self.sources.as_ref().map_err(|reason| Trouble::Gap(reason.clone()))?;
        Ok(sources.to_builder().region(Region::new(region.to_owned())).build())
    }

    pub(super) fn cloudwatch(&self, region: &str) -> Result<aws_sdk_cloudwatch::Client, Trouble> {
        Ok(aws_sdk_cloudwatch::Client::new(&self.config_in(region)?))
    }
}

impl Draft {
    pub(super) fn path(&self) -> String {
        data_path(self.collector, &self.name)
    }

    pub(super) fn captured(self, stored: Stored) -> CapturedFile {
        CapturedFile {
            path: self.path(),
            collector: self.collector.to_owned(),
            query: self.query,
            window: stored.taken.window,
            source_arn: self.source_arn,
            collected_at: stored.taken.at,
            version_id: stored.version_id,
            bytes: stored.bytes,
            sha256: stored.sha256,
        }
    }
}

impl From<String> for Trouble {
    fn from(reason: String) -> Self {
        Self::Gap(reason)
    }
}

/// Why a source gave nothing, as a sentence of ours: a source's own words may hold anything, also for the log.
fn reason<E: ProvideErrorMetadata + std::error::Error>(error: &SdkError<E, HttpResponse>) -> String {
    let code = match error {
        SdkError::ServiceError(answer) => answer.err().code().unwrap_or("an error without a code"),
        SdkError::TimeoutError(_) => return "the source did not answer in time.".to_owned(),
        SdkError::DispatchFailure(_) => return "the source could not be reached.".to_owned(),
        _ => return "the source's answer could not be read.".to_owned(),
    };
    match code {
        "ResourceNotFoundException" | "ResourceNotFound" => "it does not exist.".to_owned(),
        "ThrottlingException" | "Throttling" | "TooManyRequestsException" | "LimitExceededException" => {
            "the source was asked too often by everyone in the account, and went on saying so.".to_owned()
        }
        code if code.starts_with("AccessDenied") || code.starts_with("Unauthorized") => {
            format!("access was denied; allow the role {ROLE} to read it.")
        }
        code => format!("the source answered {code}."),
    }
}

pub(super) fn not_kept(error: StepError) -> Trouble {
    if let StepError::Transient(_) = error {
        return Trouble::Passing(error);
    }
    tracing::warn!(chain = format!("{:#}", error.cause()), "a captured file was not kept");
    Trouble::Gap("it was read, but could not be written to the evidence bucket.".to_owned())
}

/// An instant of the SDK; `None` where it is out of every calendar's reach.
pub(super) fn instant(at: &DateTime) -> Option<Timestamp> {
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

pub(super) fn sdk_instant(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}
