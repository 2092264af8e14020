//! The one list of collectors. Each makes one file or says why not; they run side by side, a few at a time.

mod alarm;
mod changes;
mod definition;
mod logs;
mod metrics;
mod onset;

use std::future::Future;

use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use evidence_bundle::{CapturedFile, Gap, Window, data_path};
use futures_util::StreamExt;
use incident::Incident;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;
use step::StepError;
use tokio::time::{Instant, timeout_at};

use crate::Ctx;
use crate::bucket::{Bucket, Stored, Taken};
use crate::roles::{self, ROLE};
use crate::wanted::{Collection, Wanted};

pub(crate) use changes::Write;

/// So many collectors at a time: each may hold a part of 8 MiB and a page.
const SIDE_BY_SIDE: usize = 4;
/// A search through a large log group answers slowly.
const ATTEMPT: Duration = Duration::from_secs(20);
/// `FilterLogEvents` takes 5 requests a second of an account, whoever asks: throttling is common, and waited out.
const ATTEMPTS: u32 = 8;

/// What bounds a pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// No source is asked after it.
    pub(crate) deadline: Instant,
    /// The most bytes that are kept of one log group.
    pub(crate) log_group_bytes: u64,
    /// What bounds the lookups of changes.
    pub(crate) lookups: changes::Bounds,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Instant::now(), log_group_bytes: 256 * 1024 * 1024, lookups: changes::Bounds::default() }
    }
}

/// What came of collecting.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Collected {
    /// What is in the bucket.
    pub(crate) files: Vec<CapturedFile>,
    /// What is not.
    pub(crate) gaps: Vec<Gap>,
    /// When the trouble began, where the alarm's metric shows it.
    pub(crate) onset: Option<Timestamp>,
    /// The last write before the trouble of each thing that a mitigation would change, where CloudTrail has one.
    pub(crate) writes: Vec<Write>,
}

/// What a collector works with.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    bucket: &'a Bucket,
    prefix: &'a str,
    window: Window,
    limits: Limits,
    /// Clients of the sources act as the role that reads evidence; or the reason why nobody may.
    sources: Result<SdkConfig, String>,
    /// Begin and account of the ARNs of sources that do not tell their own.
    partition: &'a str,
    account: &'a str,
    region: &'a str,
    /// The opening alarm's transition.
    signal_at: Timestamp,
}

/// A file to be kept: all that its custody entry says before it is in the bucket.
#[derive(Debug, Clone)]
struct Draft {
    collector: &'static str,
    name: String,
    query: String,
    window: Option<Window>,
    source_arn: Option<String>,
}

/// Why a collection came to nothing.
#[derive(Debug)]
enum Trouble {
    /// The source gave nothing, for this reason: a gap.
    Gap(String),
    /// The bucket did not answer, which passes: no gap is sealed for it, and the pass is tried again.
    Passing(StepError),
}

/// Collects what is wanted. A source never fails a pass: what could not be had is a gap with its reason.
///
/// # Errors
/// `Transient` where STS or the bucket does not answer, once everything else is collected: a retry finds that in the
/// bucket. `Stuck` where the bucket refuses to be read.
pub(crate) async fn collect(
    ctx: &Ctx,
    incident: &Incident,
    prefix: &str,
    wanted: &Wanted,
    limits: Limits,
) -> Result<Collected, StepError> {
    let account = incident.opened.account.as_deref().unwrap_or(&ctx.own_account);
    let region = incident.opened.region.as_deref().unwrap_or(&ctx.own_region);
    let sources = match roles::assume(ctx, incident.id(), account).await {
        Ok(config) => Ok(patient(config)),
        Err(error @ StepError::Transient(_)) => return Err(error),
        Err(error) => Err(without_role(account, &error)),
    };
    let desk = Desk {
        bucket: &ctx.bucket,
        prefix,
        window: wanted.window,
        limits,
        sources,
        partition: &ctx.partition,
        account,
        region,
        signal_at: incident.opened.signal.time,
    };
    desk.collect(&wanted.collections).await
}

impl Desk<'_> {
    async fn collect(&self, wanted: &[Collection]) -> Result<Collected, StepError> {
        let all = wanted.iter().map(|collection| self.one(collection));
        let all = futures_util::stream::iter(all).buffer_unordered(SIDE_BY_SIDE);
        let all: Vec<Result<Collected, StepError>> = all.collect().await;
        all.into_iter().try_fold(Collected::default(), |mut sum, one| {
            let one = one?;
            sum.files.extend(one.files);
            sum.gaps.extend(one.gaps);
            sum.onset = sum.onset.or(one.onset);
            sum.writes.extend(one.writes);
            Ok(sum)
        })
    }

    /// A collector that got nothing says why in one sentence; one that got a part has a file and a gap.
    async fn one(&self, collection: &Collection) -> Result<Collected, StepError> {
        let collected = match collection {
            Collection::AlarmDefinition(alarm) => alarm::definition(self, alarm).await,
            Collection::AlarmHistory(alarm) => alarm::history(self, alarm).await,
            Collection::AlarmMetric(alarm) => metrics::of_alarm(self, alarm).await,
            Collection::PlanMetric { metric, period } => metrics::of_plan(self, metric, *period).await,
            Collection::LogGroup(group) => logs::collect(self, group).await,
            Collection::Changes(resources) => changes::collect(self, resources).await,
        };
        match collected {
            Ok(collected) => Ok(collected),
            Err(Trouble::Gap(reason)) => self.gap(collection, reason).await,
            Err(Trouble::Passing(error)) => Err(error),
        }
    }

    /// A gap, beside what an earlier run of this pass kept: what is in the bucket belongs to the bag.
    async fn gap(&self, collection: &Collection, reason: String) -> Result<Collected, StepError> {
        let draft = match collection {
            Collection::AlarmDefinition(alarm) => alarm::definition_draft(alarm),
            Collection::AlarmHistory(alarm) => alarm::history_draft(self, alarm),
            Collection::AlarmMetric(alarm) => metrics::alarm_draft(self, alarm),
            Collection::PlanMetric { metric, period } => metrics::plan_draft(self, metric, *period),
            Collection::LogGroup(group) => logs::draft(self, group),
            Collection::Changes(resources) => changes::draft(self, resources),
        };
        let (mut what, mut files) = (collection.what(), Vec::new());
        if let Some(stored) = self.bucket.kept(&self.key(&draft)).await? {
            what = format!("{what}, beyond what was kept at {}", stored.taken.at);
            files.push(draft.captured(stored));
        }
        tracing::warn!(what, reason, "a source gave nothing");
        let gap = Gap { collector: collection.collector().to_owned(), what, reason };
        Ok(Collected { files, gaps: vec![gap], ..Collected::default() })
    }

    /// Asks a source, as long as there is time; a failure is a sentence for people.
    async fn ask<T, E>(&self, call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>) -> Result<T, String>
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
    async fn keep(&self, draft: Draft, document: &Value) -> Result<CapturedFile, Trouble> {
        let mut content = serde_json::to_vec_pretty(document).map_err(|e| format!("it could not be written: {e}."))?;
        content.push(b'\n');
        let taken = Taken { window: draft.window, at: step::now() };
        let stored = self.bucket.put(&self.key(&draft), content, taken).await;
        stored.map(|stored| draft.captured(stored)).map_err(not_kept)
    }

    fn key(&self, draft: &Draft) -> String {
        format!("{}{}", self.prefix, draft.path())
    }

    fn config_in(&self, region: &str) -> Result<SdkConfig, Trouble> {
        let sources = self.sources.as_ref().map_err(|reason| Trouble::Gap(reason.clone()))?;
        Ok(sources.to_builder().region(Region::new(region.to_owned())).build())
    }

    fn cloudwatch(&self, region: &str) -> Result<aws_sdk_cloudwatch::Client, Trouble> {
        Ok(aws_sdk_cloudwatch::Client::new(&self.config_in(region)?))
    }
}

impl Draft {
    fn path(&self) -> String {
        data_path(self.collector, &self.name)
    }

    fn captured(self, stored: Stored) -> CapturedFile {
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

impl From<CapturedFile> for Collected {
    fn from(file: CapturedFile) -> Self {
        Self { files: vec![file], ..Self::default() }
    }
}

fn patient(config: SdkConfig) -> SdkConfig {
    let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(Duration::from_millis(300));
    let retry = retry.with_max_backoff(Duration::from_secs(5));
    let timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(2)).operation_attempt_timeout(ATTEMPT);
    config.to_builder().retry_config(retry).timeout_config(timeouts.build()).build()
}

fn without_role(account: &str, error: &StepError) -> String {
    tracing::warn!(chain = format!("{:#}", error.cause()), "nothing can be collected");
    format!("the role {ROLE} of account {account} could not be assumed; deploy it, or mend its trust policy.")
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

fn not_kept(error: StepError) -> Trouble {
    if let StepError::Transient(_) = error {
        return Trouble::Passing(error);
    }
    tracing::warn!(chain = format!("{:#}", error.cause()), "a captured file was not kept");
    Trouble::Gap("it was read, but could not be written to the evidence bucket.".to_owned())
}

/// An instant of the SDK; `None` where it is out of every calendar's reach.
fn instant(at: &DateTime) -> Option<Timestamp> {
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

fn sdk_instant(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}

#[cfg(test)]
mod tests;
