//! Mutes: set for a while, and taken back. All that are set stand in one item, which is written on the condition that
//! nobody wrote it in between.

use incident::{Mute, MuteEnded, Scope};
use jiff::{SignedDuration, Timestamp};
use signal::sha256_hex;
use step::StepError;

use crate::Ctx;
use crate::act::ATTEMPTS;
use crate::decide::{Answer, second};
use crate::request::Request;

/// So many may be set at once: triage reads them all with every signal.
const MOST: usize = 50;

/// So many are kept, those among them that were taken back before their end: one item of the table holds them all.
const KEPT: usize = 4 * MOST;

/// What to do about a mute.
#[derive(Debug, PartialEq)]
enum Ruling {
    /// Write these mutes, and then this is the answer.
    Write(Vec<Mute>, Answer),
    /// Nothing.
    Say(Answer),
}

/// Mutes it. The same request finds its own mute, also one that was taken back since.
pub(crate) async fn mute(
    ctx: &Ctx,
    request: &Request,
    scope: Scope,
    reason: String,
    minutes: i64,
    sent_at: Timestamp,
    now: Timestamp,
) -> Result<Answer, StepError> {
    let until = sent_at + SignedDuration::from_mins(minutes);
    let (id, by) = (id_of(&request.request_id), request.by.clone());
    let mute = Mute { id, scope, by, reason, at: sent_at, until, ended: None };
    rule(ctx, |mutes| set(mutes, &mute, now)).await
}

/// Takes a mute back.
pub(crate) async fn unmute(ctx: &Ctx, id: &str, by: &str, now: Timestamp) -> Result<Answer, StepError> {
    rule(ctx, |mutes| end(mutes, id, by, now)).await
}

/// Decides, and writes what was decided, which may lose a race and be decided again.
async fn rule(ctx: &Ctx, decide: impl Fn(&[Mute]) -> Ruling) -> Result<Answer, StepError> {
    for _ in 0..ATTEMPTS {
        let read = ctx.store.mutes().await?;
        match decide(&read.mutes) {
            Ruling::Say(answer) => return Ok(answer),
            Ruling::Write(mutes, answer) => {
                if ctx.store.set_mutes(&read, &mutes).await? {
                    return Ok(answer);
                }
            }
        }
    }
    Err(StepError::transient("the mutes changed each time that they were to be written"))
}

fn set(mutes: &[Mute], new: &Mute, now: Timestamp) -> Ruling {
    let Mute { id, scope, until, .. } = new;
    if let Some(ours) = mutes.iter().find(|mute| mute.id == *id) {
        return Ruling::Say(match &ours.ended {
            None => muted(ours),
            Some(MuteEnded { by, at }) => Answer::no(format!("{by} took it back at {}", second(*at))),
        });
    }
    if *until <= now {
        return Ruling::Say(Answer::no(format!(
            "it would have ended at {}; ask again if it is still wanted",
            second(*until)
        )));
    }
    let stand = standing(mutes, now);
    if stand.len() >= KEPT {
        let text = format!("{KEPT} mutes were set whose end has not come, taken back or not; wait for the next to end");
        return Ruling::Say(Answer::no(text));
    }
    if stand.iter().filter(|mute| mute.is_active(now)).count() >= MOST {
        let text = format!("{MOST} mutes are set, and that is the most; take one back before {scope} is muted");
        return Ruling::Say(Answer::no(text));
    }
    Ruling::Write(stand.into_iter().chain([new.clone()]).collect(), muted(new))
}

fn muted(mute: &Mute) -> Answer {
    let Mute { id, scope, until, .. } = mute;
    Answer::yes(format!("muted until {}: {scope}; `tourniquet unmute {id}` takes it back", second(*until)))
}

fn end(mutes: &[Mute], id: &str, by: &str, now: Timestamp) -> Ruling {
    let Some(mute) = mutes.iter().find(|mute| mute.id == id) else {
        let text =
            format!("there is no mute `{id}`; `tourniquet mutes` lists them, and those that recur are in mutes.yaml");
        return Ruling::Say(Answer::no(text));
    };
    if let Some(ended) = &mute.ended {
        let text = format!("already taken back by {} at {}", ended.by, second(ended.at));
        return Ruling::Say(Answer { done: ended.by == by, text });
    }
    if !mute.is_active(now) {
        return Ruling::Say(Answer::no(format!("it ended by itself at {}", second(mute.until))));
    }
    let ended = Mute { ended: Some(MuteEnded { by: by.to_owned(), at: now }), ..mute.clone() };
    let others = standing(mutes, now).into_iter().filter(|mute| mute.id != id);
    let answer = format!("taken back: {}; what still fires opens its incident within two minutes", mute.scope);
    Ruling::Write(others.chain([ended.clone()]).collect(), Answer::yes(answer))
}

/// Those whose end has not come, taken back or not.
fn standing(mutes: &[Mute], now: Timestamp) -> Vec<Mute> {
    mutes.iter().filter(|mute| now < mute.until).cloned().collect()
}

/// The same at every delivery of the request.
fn id_of(request_id: &str) -> String {
    format!("mute-{}", &sha256_hex(&[request_id])[..10])
}

#[cfg(test)]
#[path = "mute_test.rs"]
mod tests;
