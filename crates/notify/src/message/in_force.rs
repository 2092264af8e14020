//! What people read of a change that is in force: a reminder, and that it is back or stays.

use incident::{Incident, MitigationRecord, Status};
use response_plan::Contact;

use super::{Mark, Message};
use crate::text::moment;

/// Reminds of a change that is in force, and that nothing takes back by itself.
pub(crate) fn reminder(incident: &Incident, told: &Contact, record: &MitigationRecord, mark: Mark) -> Message {
    let since = record.applied_at.unwrap_or(record.planned_at);
    let waits = match incident.status {
        Status::Mitigated => "the incident stays mitigated until it is back".to_owned(),
        status => format!("the incident is {status}, and nothing takes it back by itself"),
    };
    let message = Message::about(incident, mark, "Still in force: ")
        .fact("Is done", &record.summary)
        .fact("To", &record.target)
        .fact("Since", moment(since, told.time_zone.as_deref()))
        .fact_if("Approved by", record.decided_by.as_deref())
        .fact("So", waits)
        .fact("Now", "put it back once the service bears it again");
    with_undo(message, record).action("See all of it", "show", incident.id())
}

/// Says what came of a person's wish to have it back.
pub(crate) fn put_back(incident: &Incident, record: &MitigationRecord, mark: Mark) -> Message {
    let (undo, held) = (record.undo.as_ref(), incident.held_for());
    let refused = undo.and_then(|undo| undo.refused.as_deref());
    let (word, came, next) = match (&record.put_back, refused) {
        (Some(back), _) => {
            let by = back.by.as_deref().map_or("not by us".to_owned(), |by| format!("as {by} asked"));
            let next = match incident.status.holds_group_key() {
                true => format!("nothing urgent: the incident resolves once everything stays clear for {held}"),
                false => "nothing to do".to_owned(),
            };
            ("Put back", format!("it is as it was before, {by}"), next)
        }
        (None, Some(_)) => {
            ("Not put back", "it is still in force".to_owned(), "see to the reason, then ask again".to_owned())
        }
        (None, None) => (
            "Not put back",
            "taking it back stopped before it was recorded; it may be back or not".to_owned(),
            "look at the target by hand, then ask again".to_owned(),
        ),
    };
    let asked = undo.map(|undo| match &undo.reason {
        Some(reason) => format!("{}: {reason}", undo.by),
        None => undo.by.clone(),
    });
    let message = Message::about(incident, mark, &format!("{word}: "))
        .fact("Was done", &record.summary)
        .fact("To", &record.target)
        .fact_if("Asked by", asked)
        .fact("What came of it", came)
        .fact_if("Why", refused.filter(|_| record.put_back.is_none()))
        .fact("Now", next);
    let message = if record.is_in_force() { with_undo(message, record) } else { message };
    message.action("See all of it", "show", incident.id())
}

/// The message with what to type to have it back.
pub(super) fn with_undo(mut message: Message, record: &MitigationRecord) -> Message {
    message.actions.push(("Put it back", record.undo_command()));
    message
}

#[cfg(test)]
mod tests {
    use incident::{Outcome, Progress, PutBack, UndoRequest};

    use super::*;
    use crate::samples::{at, incident, planned};

    fn record() -> MitigationRecord {
        MitigationRecord {
            summary: "switch off what feeds writer from orders (event source mapping 14e0db71)".into(),
            target: "arn:aws:lambda:eu-west-1:111122223333:event-source-mapping:14e0db71".into(),
            progress: Progress::Ended,
            outcome: Some(Outcome::Verified),
            decided_by: Some("ana (claimed)".into()),
            applied_at: Some(at("14:04:00")),
            left: Some(serde_json::json!({"enabled": false})),
            takes_away: true,
            ..planned()
        }
    }

    fn asked(refused: Option<&str>) -> Option<UndoRequest> {
        let (by, reason, request_id) = ("ana (claimed)".into(), Some("it bears it again".into()), "r1".into());
        let refused = refused.map(str::to_owned);
        Some(UndoRequest { by, reason, at: at("15:00:00"), request_id, run: 1, begun_at: None, refused })
    }

    #[test]
    fn what_is_in_force_is_told_in_these_words() {
        let mitigated = Incident { status: Status::Mitigated, ..incident() };
        let over = Incident { status: Status::Resolved, ..incident() };
        let first = &mitigated.opened.plan.team.escalation[0].contact;
        let back = |by: Option<&str>| {
            let put_back = Some(PutBack { at: at("15:00:05"), by: by.map(str::to_owned) });
            MitigationRecord { put_back, undo: asked(None), ..record() }
        };
        let texts = [
            reminder(&mitigated, first, &record(), Mark::First),
            reminder(&over, first, &MitigationRecord { n: 2, ..record() }, Mark::Repeat),
            put_back(&mitigated, &back(Some("ana (claimed)")), Mark::First),
            put_back(&over, &back(None), Mark::First),
            put_back(&mitigated, &MitigationRecord { undo: asked(Some("the brake is on")), ..record() }, Mark::First),
            put_back(&mitigated, &MitigationRecord { undo: asked(None), ..record() }, Mark::First),
            super::super::mitigation(&incident(), Some(&record()), Mark::First),
        ];
        let got = texts.map(|message| message.text()).join("----\n");
        assert!(got == include_str!("../../fixtures/in-force.txt"), "the messages are:\n{got}");
    }
}
