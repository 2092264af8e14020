//! What a plan's hold-down keeps from people, and the timeline's word of it: nothing is held back in silence.

use incident::{Entry, Hold, Incident, LOOK_AGAIN, MitigationRecord, Progress};
use jiff::{SignedDuration, Timestamp};

use crate::{Announcement, Ctx};

/// The page goes out first, and that takes a moment; one that no channel takes keeps nothing back for longer than this.
const PAGE_FIRST: SignedDuration = SignedDuration::from_secs(45);

/// How long that moment is.
const A_MOMENT: SignedDuration = SignedDuration::from_secs(2);

/// Whether an announcement may go out now. What asks for a decision, or says what came of it, comes after the page; where
/// it was over before that, and nothing was changed, there is nothing to say.
pub(crate) fn announcement(
    incident: &Incident,
    what: Announcement,
    record: Option<&MitigationRecord>,
    now: Timestamp,
) -> Hold {
    let is_about_a_change = record.is_some_and(|record| record.applied_at.is_some());
    match what {
        Announcement::PutBack | Announcement::InForce => Hold::No,
        Announcement::Mitigation if is_about_a_change => Hold::No,
        // It was decided upon without being asked for.
        Announcement::Approval if record.is_some_and(|record| record.progress != Progress::Planned) => Hold::No,
        Announcement::Approval | Announcement::Mitigation | Announcement::Resolved => after_the_page(incident, now),
    }
}

fn after_the_page(incident: &Incident, now: Timestamp) -> Hold {
    let awaited = |due: Timestamp| incident.is_held_back() && now < due + PAGE_FIRST;
    match incident.hold(now) {
        // No longer than that at a time: a decision that was made meanwhile is waited for, too.
        Hold::For(wait) => Hold::For(wait.min(LOOK_AGAIN)),
        Hold::No if incident.page_due().is_some_and(awaited) => Hold::For(A_MOMENT),
        hold => hold,
    }
}

/// The entry of a page that is held back; written once in an engagement.
pub(crate) fn held(incident: &Incident) -> Entry {
    let hold_down = incident.plan().hold_down;
    let what = format!("nobody is paged yet: the plan waits {hold_down} for it to clear by itself");
    entry(incident, "held", incident.engaged_since(), what)
}

/// The entry of an incident that was over before anybody was told; `None` where it is not over, or a person ended it.
pub(crate) fn quiet(incident: &Incident) -> Option<Entry> {
    if incident.resolved_by.is_some() {
        return None;
    }
    let what = "nobody was paged: it cleared by itself while the plan held the page back";
    Some(entry(incident, "quiet", incident.resolved_at?, what.to_owned()))
}

fn entry(incident: &Incident, word: &str, at: Timestamp, what: String) -> Entry {
    let numbers = [incident.opening, incident.engagement].map(|n| n.to_string());
    Entry::new(at, "notify", &[word, incident.id(), &numbers[0], &numbers[1]], what)
}

/// Writes an entry; a page waits, or not, whether or not the timeline could be written.
pub(crate) async fn note(ctx: &Ctx, incident: &Incident, entry: &Entry) {
    if let Err(error) = ctx.store.note(incident.id(), entry).await {
        tracing::error!(chain = format!("{:#}", error.cause()), what = entry.what, "the timeline was not written");
    }
}

#[cfg(test)]
mod tests {
    use incident::Status;
    use jiff::SignedDuration;

    use super::*;
    use crate::samples::{at, incident, planned};

    #[test]
    fn what_is_asked_waits_for_the_page_and_what_was_done_does_not() {
        use Announcement::{Approval, InForce, Mitigation, PutBack, Resolved};
        let mut held = incident();
        held.opened.plan.plan.hold_down = response_plan::Span::seconds(300);
        (held.paged_at, held.woken_at) = (None, None);
        let now = held.opened.opened_at + SignedDuration::from_secs(60);
        let made = MitigationRecord { applied_at: Some(now), ..planned() };
        let decided = MitigationRecord { progress: Progress::Approved, ..planned() };
        let wait = Hold::For(LOOK_AGAIN);
        for (what, record, expect) in [
            (Approval, Some(planned()), wait),
            (Approval, Some(decided), Hold::No),
            (Mitigation, Some(planned()), wait),
            (Mitigation, Some(made.clone()), Hold::No),
            (PutBack, Some(made.clone()), Hold::No),
            (InForce, Some(made), Hold::No),
            (Resolved, None, wait),
        ] {
            assert_eq!(announcement(&held, what, record.as_ref(), now), expect, "{what:?}");
        }
        assert!(quiet(&held).is_none());
        // The hold-down is over, and the page is on its way; or nobody takes it.
        held.firing = ["f".to_owned()].into();
        let over = held.opened.opened_at + SignedDuration::from_secs(300);
        assert_eq!(announcement(&held, Approval, Some(&planned()), over), Hold::For(A_MOMENT));
        assert_eq!(announcement(&held, Approval, Some(&planned()), over + PAGE_FIRST), Hold::No);
        held.firing.clear();
        (held.status, held.resolved_at) = (Status::Resolved, Some(at("14:09:00")));
        assert_eq!(announcement(&held, Resolved, None, at("14:10:00")), Hold::Quiet);
        assert!(quiet(&held).is_some_and(|entry| entry.what.starts_with("nobody was paged")));
        held.paged_at = Some(at("14:06:00"));
        assert_eq!(announcement(&held, Resolved, None, at("14:10:00")), Hold::No);
    }
}
