//! In force: may the incident be resolved? Not while a change that takes away capacity or a feature is in force: then the
//! incident waits as `mitigated`, and once it is back, recovery has to hold again.

use incident::{Incident, MitigationRecord, Progress, PutBack};
use jiff::Timestamp;
use step::StepError;

use crate::put_back::{by_us, put_back};
use crate::work::Work;
use crate::{Output, Standing};

/// Answers from the records of the opening, and from the world where one of them holds the incident.
pub(crate) async fn in_force(work: &Work<'_>, held_from: Option<Timestamp>) -> Result<Output, StepError> {
    let (store, id, opening) = (&work.ctx.store, work.incident.id(), work.incident.opening);
    if !waits_for_nothing_else(&work.incident) {
        return Ok(Output::Standing { next: Standing::Again, n: 0 });
    }
    let mut records = Vec::new();
    for record in store.mitigations(id, opening).await? {
        records.extend(seen(&work.about(record.n), record).await?);
    }
    let (next, n) = decide(&records, held_from);
    if let Some(record) = records.iter().find(|record| record.n == n && next == Standing::Wait) {
        store.held(id, opening, work.now).await?;
        let what = format!("clear, and not resolved: still in force: {}; {}", record.summary, record.undo_command());
        work.about(n).note(held_from.unwrap_or(work.now), "in-force", what).await?;
    }
    Ok(Output::Standing { next, n })
}

/// A record as the world shows it. What is back is recorded; a change that was begun and not made is left out, since
/// whoever began it may yet make it, and then it is in force for all to see.
async fn seen(work: &Work<'_>, record: MitigationRecord) -> Result<Option<MitigationRecord>, StepError> {
    if !record.holds() || !is_back(work, &record).await {
        return Ok(Some(record));
    }
    if record.progress == Progress::Applying {
        return Ok(None);
    }
    let back = PutBack { at: work.now, by: record.undo.as_ref().and_then(by_us) };
    put_back(work, &record, &back).await?;
    Ok(Some(MitigationRecord { put_back: Some(back), ..record }))
}

/// Whether nothing but what is in force can keep the incident from being resolved.
fn waits_for_nothing_else(incident: &Incident) -> bool {
    incident.status.holds_group_key() && incident.firing.is_empty()
}

/// What the state machine does next, and the mitigation that it waits for. `held_from` is when the clear period that has
/// just held began: what came back later has not been part of it.
fn decide(records: &[MitigationRecord], held_from: Option<Timestamp>) -> (Standing, u32) {
    if let Some(record) = records.iter().find(|record| record.holds()) {
        return (Standing::Wait, record.n);
    }
    let back = records.iter().filter_map(|record| record.put_back.as_ref()).map(|back| back.at).max();
    match (back, held_from) {
        (Some(back), Some(from)) if back > from => (Standing::Again, 0),
        _ => (Standing::Resolve, 0),
    }
}

/// Whether the resource is as it was before the change, whoever made it so. What cannot be read is not known to be back.
async fn is_back(work: &Work<'_>, record: &MitigationRecord) -> bool {
    let Some(prior) = &record.prior else { return false };
    let looked = async {
        let mitigation = work.target(record).await?;
        Ok::<_, StepError>(mitigation.is_at(&mitigation.read().await?, prior))
    };
    looked.await.unwrap_or_else(|error| {
        let (name, chain) = (error.name(), format!("{:#}", error.cause()));
        tracing::warn!(error.name = name, error.chain = chain, n = record.n, "whether it is back could not be read");
        false
    })
}

#[cfg(test)]
mod tests {
    use incident::{Outcome, UndoRequest};
    use serde_json::json;

    use super::*;
    use crate::testing::{at, record};

    fn applied(n: u32, outcome: Option<Outcome>, put_back: Option<i64>) -> MitigationRecord {
        let put_back = put_back.map(|second| PutBack { at: at(second), by: None });
        let (progress, left) = (Progress::Ended, Some(json!({"enabled": false})));
        MitigationRecord { n, outcome, put_back, progress, left, takes_away: true, ..record() }
    }

    #[track_caller]
    fn check(records: &[MitigationRecord], held_from: Option<i64>, expect: (Standing, u32)) {
        assert_eq!(decide(records, held_from.map(at)), expect, "{records:?}");
    }

    #[test]
    fn nothing_in_force_resolves() {
        check(&[], Some(0), (Standing::Resolve, 0));
        check(&[record()], Some(0), (Standing::Resolve, 0));
        check(
            &[MitigationRecord { takes_away: false, ..applied(1, Some(Outcome::Verified), None) }],
            Some(0),
            (Standing::Resolve, 0),
        );
        check(&[applied(1, Some(Outcome::Undone), None)], Some(0), (Standing::Resolve, 0));
    }

    #[test]
    fn what_is_in_force_waits_however_it_ended() {
        for outcome in [Some(Outcome::Verified), Some(Outcome::Unproven), Some(Outcome::Ineffective), None] {
            check(&[record(), applied(2, outcome, None)], Some(0), (Standing::Wait, 2));
        }
        check(&[applied(1, Some(Outcome::Verified), Some(-5)), applied(2, None, None)], Some(0), (Standing::Wait, 2));
    }

    #[test]
    fn what_came_back_has_to_hold_from_its_beginning() {
        let back = |second| [applied(1, Some(Outcome::Verified), Some(second))];
        check(&back(1), Some(0), (Standing::Again, 0));
        check(&back(0), Some(0), (Standing::Resolve, 0));
        check(&back(-1), Some(0), (Standing::Resolve, 0));
        // A release whose state machine does not say from when on resolves, as it always did.
        check(&back(1), None, (Standing::Resolve, 0));
    }

    #[test]
    fn only_what_we_began_is_called_ours() {
        let (by, request_id) = ("ana".to_owned(), "r1".to_owned());
        let asked = UndoRequest { by, reason: None, at: at(0), request_id, run: 1, begun_at: None, refused: None };
        let begun = UndoRequest { begun_at: Some(at(1)), ..asked.clone() };
        for (undo, expect) in [(None, None), (Some(asked), None), (Some(begun), Some("ana".to_owned()))] {
            assert_eq!(undo.as_ref().and_then(by_us), expect);
        }
    }
}
