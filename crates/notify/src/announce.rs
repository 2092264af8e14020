//! An announcement: said once to the owner's first contact, without waiting for an acknowledgement. A change that was made
//! and is not proven to have helped wakes them. The end also closes the alerts of whoever else may have been paged by
//! PagerDuty, where they would stay open, and go on waking people.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use incident::{Entry, Hold, Incident, MitigationRecord, Progress};
use response_plan::{Channel, Contact};
use step::StepError;

use crate::channels::{About, Channels};
use crate::delivery::{Address, deliver};
use crate::message::{self, Mark, Message};
use crate::{Announcement, Ctx, Output, What, hold};

/// Says it, where there is something to say.
pub(crate) async fn announce(
    ctx: &Ctx,
    incident: &Incident,
    opening: u32,
    what: Announcement,
    n: u32,
    reminder: u32,
) -> Result<Output, StepError> {
    let mitigations = match what {
        Announcement::Resolved => ctx.store.mitigations(incident.id(), opening).await?,
        Announcement::Approval | Announcement::Mitigation | Announcement::PutBack | Announcement::InForce => {
            ctx.store.mitigation(incident.id(), opening, n).await?.into_iter().collect()
        }
    };
    // The entry of what happened does not hang on anybody being told of it, nor the other way round.
    let noted = match resolution(incident, opening, what) {
        Some(entry) => ctx.store.note(incident.id(), &entry).await,
        None => Ok(()),
    };
    match hold::announcement(incident, what, mitigations.first(), step::now()) {
        Hold::For(wait) => return noted.map(|()| Output::held(0, wait)),
        Hold::Quiet => {
            if let Some(entry) = hold::quiet(incident).filter(|_| what == Announcement::Resolved) {
                hold::note(ctx, incident, &entry).await;
            }
            return noted.map(|()| Output::nobody(0));
        }
        Hold::No => {}
    }
    let again;
    let incident = match over_and_open_again(ctx, incident, what).await {
        Some(told) => {
            again = told;
            &again
        }
        None => incident,
    };
    let first = incident.opened.plan.team.escalation.first();
    let said = match first.filter(|_| due(incident, opening, what, mitigations.first())) {
        Some(first) => {
            let word = word(what, reminder, mitigations.first());
            let said = say(ctx, incident, what, (n, &word), &mitigations, &first.contact);
            let (said, closed) = join(said, close(ctx, incident, what, &mitigations)).await;
            said.and_then(|said| closed.map(|()| said))
        }
        None => Ok(Output::nobody(0)),
    };
    noted.and(said)
}

/// The incident as it is told of where this opening has ended and another has begun: nobody who is at work on that one may
/// take it for over.
async fn over_and_open_again(ctx: &Ctx, incident: &Incident, what: Announcement) -> Option<Incident> {
    if what != Announcement::Resolved || ctx.store.load(incident.id()).await.ok()?.opening <= incident.opening {
        return None;
    }
    let mut told = incident.clone();
    told.opened.title = format!("opening {} alone, it is open again. {}", told.opening, told.opened.title);
    Some(told)
}

/// Whether there is something to say: an approval that still waits, a mitigation of a plan that has one, an end that came,
/// a wish and what came of it, a change that is in force still.
fn due(incident: &Incident, opening: u32, what: Announcement, record: Option<&MitigationRecord>) -> bool {
    match what {
        Announcement::Approval => record.is_some_and(|record| record.progress == Progress::Planned),
        Announcement::Mitigation => record.is_some() || !incident.plan().mitigations.is_empty(),
        Announcement::Resolved => incident.opening == opening && incident.resolved_at.is_some(),
        Announcement::PutBack => record.is_some_and(|record| record.undo.is_some()),
        Announcement::InForce => record.is_some_and(MitigationRecord::is_in_force),
    }
}

/// The word in the key: each try to take a change back and each reminder is told of by itself.
fn word(what: Announcement, reminder: u32, record: Option<&MitigationRecord>) -> String {
    let count = match what {
        Announcement::PutBack => record.and_then(|record| record.undo.as_ref()).map_or(1, |undo| undo.run),
        Announcement::InForce => reminder,
        Announcement::Approval | Announcement::Mitigation | Announcement::Resolved => 1,
    };
    if count > 1 { format!("{}-{count}", what.as_str()) } else { what.as_str().to_owned() }
}

/// The timeline's entry of the end; where a person resolved it, their command wrote one.
fn resolution(incident: &Incident, opening: u32, what: Announcement) -> Option<Entry> {
    Entry::resolved(incident).filter(|_| what == Announcement::Resolved && incident.opening == opening)
}

async fn say(
    ctx: &Ctx,
    incident: &Incident,
    what: Announcement,
    (n, word): (u32, &str),
    mitigations: &[MitigationRecord],
    contact: &Contact,
) -> Result<Output, StepError> {
    let about = About { incident, what: What::Announce { announce: what, n }, mitigations };
    let (done, to_do, rest) = match what {
        Announcement::Approval => ("asked", "ask", format!("to approve mitigation {n}")),
        Announcement::Mitigation if about.wakes() => ("paged", "page", format!("about what came of mitigation {n}")),
        Announcement::Mitigation => ("told", "tell", format!("what came of mitigation {n}")),
        Announcement::Resolved => ("told", "tell", "that it is resolved".to_owned()),
        Announcement::PutBack => ("told", "tell", format!("what came of taking mitigation {n} back")),
        Announcement::InForce => ("reminded", "remind", format!("that mitigation {n} is in force")),
    };
    let to = Address {
        done: format!("{done} {} {rest}", contact.name),
        to_do: format!("{to_do} {} {rest}", contact.name),
        ..address(incident, word, n, contact)
    };
    let takes = |channel: &&Channel| Channels::takes(channel, about);
    let channels: Vec<_> = contact.channels.iter().filter(takes).cloned().collect();
    if channels.is_empty() {
        // Not `Transient`: no retry helps, and the state machine tells the fallback topic in their place.
        let remedy = "give them `sns` or `slack` in teams.yaml too";
        return Err(StepError::refused(format!("could not {}: PagerDuty is no chat; {remedy}", to.to_do)));
    }
    let text = |mark| text(incident, what, mitigations, contact, mark);
    let sent = deliver(ctx, &to, about, &channels, text).await?;
    Ok(Output { contact: Some(contact.name.clone()), ..sent })
}

/// Resolves the alerts of everybody after the first contact, who is told anyhow. Who was really paged does not matter:
/// PagerDuty drops what it has no alert for.
async fn close(
    ctx: &Ctx,
    incident: &Incident,
    what: Announcement,
    mitigations: &[MitigationRecord],
) -> Result<(), StepError> {
    if what != Announcement::Resolved {
        return Ok(());
    }
    let about = About { incident, what: What::Announce { announce: what, n: 0 }, mitigations };
    let close = |(contact, channels): (&Contact, Vec<Channel>)| {
        let to = Address {
            done: format!("closed the alerts of {}", contact.name),
            to_do: format!("close the alerts of {}", contact.name),
            ..address(incident, what.as_str(), 0, contact)
        };
        let text = move |mark| message::resolved(incident, mitigations, mark);
        async move { deliver(ctx, &to, about, &channels, text).await.map(drop) }
    };
    join_all(alerted(incident).into_iter().map(close)).await.into_iter().collect()
}

/// The contacts after the first with what stays alerted through their channels, such as PagerDuty's services, each once.
fn alerted(incident: &Incident) -> Vec<(&Contact, Vec<Channel>)> {
    let mut seen = BTreeSet::new();
    let mut alerted = Vec::new();
    for (i, step) in incident.opened.plan.team.escalation.iter().enumerate() {
        let is_new = |channel: &&Channel| Channels::alerts(channel).is_some_and(|of| seen.insert(of.to_owned()));
        let channels: Vec<_> = step.contact.channels.iter().filter(is_new).cloned().collect();
        if i > 0 && !channels.is_empty() {
            alerted.push((&step.contact, channels));
        }
    }
    alerted
}

/// The address of an announcement, without its words for the timeline.
fn address(incident: &Incident, word: &str, n: u32, contact: &Contact) -> Address {
    Address {
        incident_id: incident.id().to_owned(),
        opening: incident.opening,
        engagement: n,
        step: 0,
        contact: format!("{}/{word}", contact.name),
        done: String::new(),
        to_do: String::new(),
        suffix: String::new(),
    }
}

fn text(
    incident: &Incident,
    what: Announcement,
    mitigations: &[MitigationRecord],
    contact: &Contact,
    mark: Mark,
) -> Message {
    match (what, mitigations.first()) {
        (Announcement::Approval, Some(record)) => message::approval(incident, contact, record, mark),
        (Announcement::Resolved, _) => message::resolved(incident, mitigations, mark),
        (Announcement::PutBack, Some(record)) => message::put_back(incident, record, mark),
        (Announcement::InForce, Some(record)) => message::reminder(incident, contact, record, mark),
        (_, record) => message::mitigation(incident, record, mark),
    }
}

#[cfg(test)]
mod tests;
