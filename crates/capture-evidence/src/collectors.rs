//! The collectors. A new one is one file in `collectors/` and one line in [`KINDS`]; the file declares the collector's
//! fields in plans and the permissions that it needs, too. Each thing that is wanted becomes one file, or a gap that says
//! why not; they run side by side, a few at a time.

mod alarm;
mod changes;
mod definition;
mod desk;
mod logs;
mod metrics;
mod onset;

use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use evidence_bundle::{CapturedFile, Gap};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use incident::Incident;
use jiff::Timestamp;
use response_plan::CollectorKind;
use std::time::Duration;
use step::{Allow, StepError};
use tokio::time::Instant;

use self::desk::{Desk, Draft, Trouble, instant, not_kept, sdk_instant};
use crate::Ctx;
use crate::roles::{self, ROLE};
use crate::wanted::Wanted;

pub(crate) use changes::Write;

/// Every kind of collector of this release, in the order in which they begin.
pub static KINDS: [&Kind; 4] = [&alarm::KIND, &metrics::KIND, &logs::KIND, &changes::KIND];

/// A kind of collector: what plans tell it, what it may read, and what it keeps.
pub struct Kind {
    /// Its place in plans; its name is the folder `data/<name>/` of a bag and a word in its custody.
    pub plan: CollectorKind,
    /// What the role `tourniquet-read-evidence` must be allowed for it.
    pub allows: &'static [Allow],
    /// What it would keep about an incident.
    wanted: fn(&Incident) -> Vec<Box<dyn Collection>>,
}

/// One thing to collect: one file, or a gap. Each fails alone.
pub(crate) trait Collection: std::fmt::Debug + Send + Sync {
    /// What it is, for people.
    fn what(&self) -> String;

    /// The file that it would be, as far as that is known before the source is asked.
    fn draft(&self, desk: &Desk<'_>) -> Draft;

    /// Asks the source and keeps what it says.
    ///
    /// # Errors
    /// `Gap` where the source gave nothing; `Passing` where the bucket does not answer.
    fn collect<'a>(&'a self, desk: &'a Desk<'_>) -> BoxFuture<'a, Result<Collected, Trouble>>;
}

/// What all collectors want to keep about an incident, in their order.
pub(crate) fn wanted(incident: &Incident) -> Vec<Box<dyn Collection>> {
    KINDS.iter().flat_map(|kind| (kind.wanted)(incident)).collect()
}

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
    async fn collect(&self, wanted: &[Box<dyn Collection>]) -> Result<Collected, StepError> {
        let all = wanted.iter().map(|collection| self.one(collection.as_ref()));
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
    async fn one(&self, collection: &dyn Collection) -> Result<Collected, StepError> {
        match collection.collect(self).await {
            Ok(collected) => Ok(collected),
            Err(Trouble::Gap(reason)) => self.gap(collection, reason).await,
            Err(Trouble::Passing(error)) => Err(error),
        }
    }

    /// A gap, beside what an earlier run of this pass kept: what is in the bucket belongs to the bag.
    async fn gap(&self, collection: &dyn Collection, reason: String) -> Result<Collected, StepError> {
        let draft = collection.draft(self);
        let (mut what, mut files, collector) = (collection.what(), Vec::new(), draft.collector.to_owned());
        if let Some(stored) = self.bucket.kept(&self.key(&draft)).await? {
            what = format!("{what}, beyond what was kept at {}", stored.taken.at);
            files.push(draft.captured(stored));
        }
        tracing::warn!(what, reason, "a source gave nothing");
        Ok(Collected { files, gaps: vec![Gap { collector, what, reason }], ..Collected::default() })
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

#[cfg(test)]
mod tests;
