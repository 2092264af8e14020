//! A digest: what came of an owner's signals that open no incident, told once to the owner's first contact, in one message.
//! It wakes nobody. Where none of their channels takes it after all tries, the fallback topic is told in their place.

use futures_util::future::join_all;
use incident::{Digest, Entry};
use signal::State;
use step::StepError;

use crate::channels::{Channels, Of};
use crate::delivery::{Address, deliver};
use crate::input::OfDigest;
use crate::message::Mark;
use crate::message::digest::{self, Line};
use crate::{Ctx, Output};

/// Tells it, and records that it was told, so that `sweep` does not start it again. What comes in between keeps it due.
///
/// # Errors
/// `Transient` where no channel took it; `Refused` where the contact has none that takes what wakes nobody; what the store
/// says where it could not be read, or that it was told could not be recorded. The retry skips what was sent.
pub(crate) async fn tell(ctx: &Ctx, input: &OfDigest) -> Result<Output, StepError> {
    // What it counts is read before its entries: what comes in between is told again, and never lost.
    let Some(digest) = ctx.store.digest(&input.digest).await? else {
        return Err(StepError::rejected(format!("there is no digest {}; they are kept for 30 days", input.digest)));
    };
    if digest.told >= input.n {
        return Ok(Output::nobody(0));
    }
    let entries = ctx.store.digest_entries(&digest.id).await?;
    let mut lines = digest::lines(&entries);
    recovered(ctx, &mut lines).await;
    let output = if input.fallback {
        tell_fallback(ctx, &digest, input.n, &lines).await?
    } else {
        tell_owner(ctx, &digest, input.n, &lines).await?
    };
    if let Err(error) = ctx.store.digest_told(&digest, input.n).await {
        // It is out. It stays due, and the next run finds its claims as sent and records it.
        tracing::error!(
            chain = format!("{:#}", error.cause()),
            digest = digest.id,
            "that it was told was not recorded"
        );
    }
    Ok(output)
}

/// Which of the lines that are shown have recovered since. What cannot be read is not said.
pub(crate) async fn recovered(ctx: &Ctx, lines: &mut [Line<'_>]) {
    let shown = lines.iter_mut().take(digest::MOST_LINES).map(async |line| {
        let last = ctx.store.fingerprint(&line.last.fingerprint).await.ok().flatten();
        let last = last.filter(|last| last.state == State::Recovered && last.time >= line.last.time);
        line.recovered = last.map(|last| last.time);
    });
    join_all(shown).await;
}

async fn tell_owner(ctx: &Ctx, digest: &Digest, n: u32, lines: &[Line<'_>]) -> Result<Output, StepError> {
    let owner = &digest.team.name;
    let Some(first) = digest.team.escalation.first() else {
        return Err(StepError::refused(format!("the team {owner} has nobody to tell; mend it in teams.yaml")));
    };
    let contact = &first.contact;
    let channels: Vec<_> = contact.channels.iter().filter(|c| Channels::takes_digests(c)).cloned().collect();
    let to = Address {
        incident_id: digest.id.clone(),
        opening: 1,
        engagement: n,
        step: 0,
        contact: contact.name.clone(),
        done: format!("told {} what opened no incident", contact.name),
        to_do: format!("tell {} what opened no incident", contact.name),
        suffix: String::new(),
    };
    if channels.is_empty() {
        // Not `Transient`: no retry helps, and the fallback topic is told in their place.
        let remedy = "give them `sns` or `slack` in teams.yaml too";
        return Err(StepError::refused(format!("could not {}: PagerDuty is no chat; {remedy}", to.to_do)));
    }
    let zone = contact.time_zone.as_deref();
    let text = |mark| digest::digest(digest, n, lines, zone, mark);
    let sent = deliver(ctx, &to, Of::Digest(digest), &channels, text).await?;
    Ok(Output { contact: Some(contact.name.clone()), ..sent })
}

/// Not claimed: nobody else tells it there but a retry, and told twice is better than never.
async fn tell_fallback(ctx: &Ctx, digest: &Digest, n: u32, lines: &[Line<'_>]) -> Result<Output, StepError> {
    let message = digest::digest(digest, n, lines, None, Mark::Degraded);
    if let Err(failure) = ctx.channels.fallback(&message).await {
        let error = anyhow::anyhow!("{:#}", failure.cause());
        return Err(StepError::Transient(error.context("the fallback topic could not be told of a digest")));
    }
    let now = step::now();
    let what = format!("{} could not be told; the fallback topic was", digest.team.name);
    let entry = Entry::new(now, "notify", &["fallback", &digest.id, &n.to_string()], what);
    if let Err(error) = ctx.store.note(&digest.id, &entry).await {
        tracing::error!(chain = format!("{:#}", error.cause()), "that the fallback topic was told was not written");
    }
    Ok(Output { accepted: vec!["fallback".to_owned()], ..Output::nobody(0) })
}

#[cfg(test)]
mod tests;
