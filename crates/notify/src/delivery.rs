//! One message to one contact: claim → send → record for each channel, all at once, each failing alone.

use std::time::Duration;

use futures_util::future::join_all;
use incident::Entry;
use incident_store::{Claim, PageKey};
use jiff::Timestamp;
use response_plan::Channel;
use step::StepError;

use crate::channels::{Failure, Of};
use crate::message::{Mark, Message};
use crate::{Ctx, Output};

/// A lease of the store is as long, with room for two clocks.
const LONGEST_WAIT: Duration = Duration::from_secs(21);
/// Past the end of a lease, not on it.
const MARGIN: Duration = Duration::from_millis(50);

/// What is sent, to whom: the idempotency key without its channel, and the words for the timeline.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// Of the incident, or of the digest.
    pub(crate) incident_id: String,
    pub(crate) opening: u32,
    pub(crate) engagement: u32,
    /// 0 for an announcement.
    pub(crate) step: u32,
    /// The contact as it is in the key.
    pub(crate) contact: String,
    /// What was done where it is accepted, such as `paged payments-on-call`.
    pub(crate) done: String,
    /// The same where it is not, such as `page payments-on-call`.
    pub(crate) to_do: String,
    /// What follows the channels, such as ` (step 1)`.
    pub(crate) suffix: String,
}

/// The turn to send a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    mark: Mark,
    /// Whether the claim is ours, to be given back where the channel refuses.
    ours: bool,
}

/// What came of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Came {
    /// It accepted now.
    Accepted(Timestamp),
    /// It had accepted in an earlier run.
    Already,
    /// It did not, and why.
    Failed(Timestamp, String),
}

/// Sends to every channel, notes what came of it in the timeline, and gives the output for it.
///
/// # Errors
/// `Transient` where no channel accepted it, or, of what is to wake somebody who has a channel that wakes, none of those: a
/// retry skips what is sent.
pub(crate) async fn deliver<F>(
    ctx: &Ctx,
    to: &Address,
    of: impl Into<Of<'_>>,
    channels: &[Channel],
    message: F,
) -> Result<Output, StepError>
where
    F: Fn(Mark) -> Message,
{
    let (of, names) = (of.into(), names(channels));
    let sent = channels.iter().zip(&names).map(|(channel, name)| one(ctx, to, of, channel, name, &message));
    let came: Vec<_> = names.iter().cloned().zip(join_all(sent).await).collect();
    for entry in entries(to, &came) {
        // The page is out: that the timeline could not be written makes it neither lost nor worth repeating.
        if let Err(error) = ctx.store.note(&to.incident_id, &entry).await {
            tracing::error!(chain = format!("{:#}", error.cause()), what = entry.what, "the timeline was not written");
        }
    }
    let wakes: Vec<_> = channels.iter().map(|channel| channel.wakes).collect();
    if let Some(lack) = lack(of.wakes(), &wakes, &came) {
        return Err(StepError::transient(format!("{lack}: could not {}", to.to_do)));
    }
    let (accepted, failed): (Vec<_>, Vec<_>) = came.into_iter().partition(|(_, came)| came.is_accepted());
    let [accepted, failed] = [accepted, failed].map(|part| part.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
    Ok(Output { step: to.step, contact: None, accepted, failed, wait_s: 0, last: true, held: false })
}

/// What is missing for the message, which is `to_wake` somebody or not, to count as delivered; `wakes` says it of each
/// channel, in the order of `came`.
fn lack(to_wake: bool, wakes: &[bool], came: &[(String, Came)]) -> Option<&'static str> {
    let mut accepted = came.iter().zip(wakes).filter(|((_, came), _)| came.is_accepted()).map(|(_, wakes)| *wakes);
    match accepted.next() {
        None => Some("no channel accepted it"),
        Some(first) => {
            let woken = first || accepted.any(|wakes| wakes);
            let must = to_wake && wakes.contains(&true);
            (must && !woken).then_some("no channel that wakes accepted it")
        }
    }
}

/// The channels' words in keys: the kind, and from the second of a kind on its number too.
fn names(channels: &[Channel]) -> Vec<String> {
    let kinds: Vec<_> = channels.iter().map(|channel| channel.kind.as_str()).collect();
    let nth = |i: usize| kinds[..=i].iter().filter(|kind| **kind == kinds[i]).count();
    kinds
        .iter()
        .enumerate()
        .map(|(i, kind)| if nth(i) == 1 { (*kind).to_owned() } else { format!("{kind}-{}", nth(i)) })
        .collect()
}

async fn one<F>(ctx: &Ctx, to: &Address, of: Of<'_>, channel: &Channel, name: &str, message: &F) -> Came
where
    F: Fn(Mark) -> Message,
{
    let key = key(to, name);
    let Some(turn) = claim(ctx, &key).await else { return Came::Already };
    match ctx.channels.send(channel, of, &message(turn.mark)).await {
        Ok(reference) => {
            let now = step::now();
            tracing::info!(channel = name, reference, step = to.step, "accepted");
            record(ctx, &key, now, channel, &reference).await;
            Came::Accepted(now)
        }
        Err(failure) => {
            tracing::warn!(channel = name, chain = format!("{:#}", failure.cause()), "not accepted");
            if turn.ours && matches!(failure, Failure::Refused(_)) {
                release(ctx, &key).await;
            }
            Came::Failed(step::now(), failure.cause().to_string())
        }
    }
}

fn key(to: &Address, channel: &str) -> PageKey {
    PageKey {
        incident_id: to.incident_id.clone(),
        opening: to.opening,
        engagement: to.engagement,
        step: to.step,
        contact: to.contact.clone(),
        channel: channel.to_owned(),
    }
}

/// How to send it; `None` where it is sent. Who is at it keeps us waiting until their lease ends. A store that does not
/// answer never stops a page.
async fn claim(ctx: &Ctx, key: &PageKey) -> Option<Turn> {
    let now = step::now();
    let first = ctx.store.claim_page(key, now).await;
    if let Ok(Claim::Held { until }) = first {
        tokio::time::sleep(wait(until, now)).await;
        return turn(ctx.store.claim_page(key, step::now()).await);
    }
    turn(first)
}

fn turn(claim: Result<Claim, StepError>) -> Option<Turn> {
    match claim {
        Ok(Claim::Sent) => None,
        Ok(Claim::Mine { repeat: false }) => Some(Turn { mark: Mark::First, ours: true }),
        Ok(Claim::Mine { repeat: true }) => Some(Turn { mark: Mark::Repeat, ours: true }),
        // Held again after a whole lease: somebody else may be sending it, and may die as well.
        Ok(Claim::Held { .. }) => Some(Turn { mark: Mark::Repeat, ours: false }),
        Err(error) => {
            tracing::error!(
                chain = format!("{:#}", error.cause()),
                "the page could not be claimed; it is sent all the same"
            );
            Some(Turn { mark: Mark::Degraded, ours: false })
        }
    }
}

fn wait(until: Timestamp, now: Timestamp) -> Duration {
    let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    (left + MARGIN).min(LONGEST_WAIT)
}

/// The channel did not take it: the next try need not wait for the lease to end.
async fn release(ctx: &Ctx, key: &PageKey) {
    if let Err(error) = ctx.store.release_page(key).await {
        tracing::warn!(
            chain = format!("{:#}", error.cause()),
            "the claim was not given back; its lease ends by itself"
        );
    }
}

/// It is accepted: failing to write that down is logged, and the worst of it is a repeat.
async fn record(ctx: &Ctx, key: &PageKey, now: Timestamp, channel: &Channel, reference: &str) {
    let recorded = if key.step == 0 {
        ctx.store.announcement_sent(key, now, reference).await
    } else {
        ctx.store.page_sent(key, now, channel.wakes, reference).await
    };
    if let Err(error) = recorded {
        tracing::error!(chain = format!("{:#}", error.cause()), "that it was accepted could not be recorded");
    }
}

/// One entry for what was accepted now, and one for each channel that failed.
fn entries(to: &Address, came: &[(String, Came)]) -> Vec<Entry> {
    let entry = |at, channels: &str, what: String| {
        let numbers = [to.opening, to.engagement, to.step].map(|n| n.to_string());
        let [opening, engagement, step] = &numbers;
        Entry::new(at, "notify", &[&to.incident_id, opening, engagement, step, &to.contact, channels], what)
    };
    let now: Vec<_> = came.iter().filter_map(|(name, came)| came.accepted_at().map(|at| (name.clone(), at))).collect();
    let first = now.iter().map(|(_, at)| *at).min();
    let names: Vec<_> = now.into_iter().map(|(name, _)| name).collect();
    let accepted = first
        .map(|at| entry(at, &names.join(","), format!("{} by {}{}", to.done, crate::text::list(&names), to.suffix)));
    let failed = came.iter().filter_map(|(name, came)| match came {
        Came::Failed(at, reason) => {
            Some(entry(*at, name, format!("{name} could not {}{}: {reason}", to.to_do, to.suffix)))
        }
        Came::Accepted(_) | Came::Already => None,
    });
    accepted.into_iter().chain(failed).collect()
}

impl Came {
    /// Whether the channel has it, whichever run sent it.
    fn is_accepted(&self) -> bool {
        !matches!(self, Self::Failed(..))
    }

    /// When it accepted it, where that was now.
    fn accepted_at(&self) -> Option<Timestamp> {
        match self {
            Self::Accepted(at) => Some(*at),
            Self::Already | Self::Failed(..) => None,
        }
    }
}

#[cfg(test)]
mod tests;
