//! An announcement: said once to the owner's first contact, without waiting for an acknowledgement.

use incident::{Entry, Incident, MitigationRecord, Progress};
use response_plan::Contact;
use step::StepError;

use crate::delivery::{Address, deliver};
use crate::message::{self, Mark, Message};
use crate::{Announcement, Ctx, Output};

/// Says it, where there is something to say.
pub(crate) async fn announce(
    ctx: &Ctx,
    incident: &Incident,
    opening: u32,
    what: Announcement,
    n: u32,
) -> Result<Output, StepError> {
    let mitigations = match what {
        Announcement::Resolved => ctx.store.mitigations(incident.id(), opening).await?,
        Announcement::Approval | Announcement::Mitigation => {
            ctx.store.mitigation(incident.id(), opening, n).await?.into_iter().collect()
        }
    };
    // The entry of what happened does not hang on anybody being told of it, nor the other way round.
    let noted = match resolution(incident, opening, what) {
        Some(entry) => ctx.store.note(incident.id(), &entry).await,
        None => Ok(()),
    };
    let first = incident.opened.plan.team.escalation.first();
    let said = match first.filter(|_| due(incident, opening, what, mitigations.first())) {
        Some(first) => say(ctx, incident, what, n, &mitigations, &first.contact).await,
        None => Ok(Output::nobody(0)),
    };
    noted.and(said)
}

/// Whether there is something to say: an approval that still waits, a mitigation of a plan that has one, an end that came.
fn due(incident: &Incident, opening: u32, what: Announcement, record: Option<&MitigationRecord>) -> bool {
    match what {
        Announcement::Approval => record.is_some_and(|record| record.progress == Progress::Planned),
        Announcement::Mitigation => record.is_some() || !incident.plan().mitigations.is_empty(),
        Announcement::Resolved => incident.opening == opening && incident.resolved_at.is_some(),
    }
}

/// The timeline's entry of the end; where a person resolved it, their command wrote one.
fn resolution(incident: &Incident, opening: u32, what: Announcement) -> Option<Entry> {
    let by_itself = what == Announcement::Resolved && incident.opening == opening && incident.resolved_by.is_none();
    let at = incident.resolved_at.filter(|_| by_itself)?;
    let text = format!("resolved: {}", message::recovery(incident));
    Some(Entry::new(at, "incident-response", &["resolved", incident.id(), &opening.to_string()], text))
}

async fn say(
    ctx: &Ctx,
    incident: &Incident,
    what: Announcement,
    n: u32,
    mitigations: &[MitigationRecord],
    contact: &Contact,
) -> Result<Output, StepError> {
    let about = match what {
        Announcement::Approval => format!("to approve mitigation {n}"),
        Announcement::Mitigation => format!("what came of mitigation {n}"),
        Announcement::Resolved => "that it is resolved".to_owned(),
    };
    let (done, to_do) = if what == Announcement::Approval { ("asked", "ask") } else { ("told", "tell") };
    let to = Address {
        incident_id: incident.id().to_owned(),
        opening: incident.opening,
        engagement: n,
        step: 0,
        contact: format!("{}/{}", contact.name, what.as_str()),
        done: format!("{done} {} {about}", contact.name),
        to_do: format!("{to_do} {} {about}", contact.name),
        suffix: String::new(),
    };
    let text = |mark| text(incident, what, mitigations, contact, mark);
    let sent = deliver(ctx, &to, &contact.channels, text).await?;
    Ok(Output { contact: Some(contact.name.clone()), ..sent })
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
        (Announcement::Approval | Announcement::Mitigation, record) => message::mitigation(incident, record, mark),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, incident, planned};

    #[test]
    fn what_is_due() {
        let (incident, planned) = (incident(), planned());
        let ended = MitigationRecord { progress: Progress::Ended, ..planned.clone() };
        assert!(due(&incident, 1, Announcement::Approval, Some(&planned)));
        assert!(!due(&incident, 1, Announcement::Approval, Some(&ended)), "somebody decided in the meantime");
        assert!(!due(&incident, 1, Announcement::Approval, None));
        assert!(due(&incident, 1, Announcement::Mitigation, Some(&ended)));
        assert!(due(&incident, 1, Announcement::Mitigation, None), "it failed before it was recorded");
        assert!(!due(&incident, 1, Announcement::Resolved, None), "it is open");
        let mut without = incident.clone();
        without.opened.plan.plan.mitigations.clear();
        assert!(!due(&without, 1, Announcement::Mitigation, None));
        let resolved = Incident { resolved_at: Some(at("14:20:00")), ..incident };
        assert!(due(&resolved, 1, Announcement::Resolved, None));
        assert!(!due(&resolved, 2, Announcement::Resolved, None), "of another opening");
    }

    #[test]
    fn the_end_is_noted_once_at_its_own_time() {
        let open = incident();
        assert_eq!(resolution(&open, 1, Announcement::Resolved), None);
        let resolved = Incident { resolved_at: Some(at("14:20:00")), ..open };
        let entry = resolution(&resolved, 1, Announcement::Resolved).unwrap();
        assert_eq!(entry, resolution(&resolved, 1, Announcement::Resolved).unwrap());
        assert_eq!(
            (entry.at, entry.what.as_str()),
            (at("14:20:00"), "resolved: everything that fired stayed clear for 5m")
        );
        assert_eq!(resolution(&resolved, 1, Announcement::Mitigation), None);
        let by_person = Incident { resolved_by: Some("ada".into()), ..resolved };
        assert_eq!(resolution(&by_person, 1, Announcement::Resolved), None);
    }
}
