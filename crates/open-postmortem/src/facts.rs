//! The records that a postmortem is written from.

use incident::{ChangeRecord, Entry, MitigationRecord};
use incident_store::{SentPage, Store};
use postmortem::{Facts, PageFact};
use step::StepError;

use crate::Input;

/// How far back the ledger of a resource is read.
const CHANGES: u32 = 20;

/// Loads them.
///
/// # Errors
/// `Rejected` where the incident or the opening is unknown; `Transient` or `Stuck` where the table cannot be read.
pub(crate) async fn load(store: &Store, input: &Input) -> Result<Facts, StepError> {
    let incident = store.load_in(&input.incident_id, input.opening).await?;
    if incident.opening != input.opening {
        return Err(StepError::rejected(format!(
            "{} is at opening {}, so opening {} cannot be written any more; ask for the present one",
            input.incident_id, incident.opening, input.opening
        )));
    }
    if let Some(end) = Entry::resolved(&incident) {
        store.note(&input.incident_id, &end).await?;
    }
    let timeline = store.timeline(&input.incident_id).await?;
    let mitigations = store.mitigations(&input.incident_id, input.opening).await?;
    let pages = pages(store.pages(&input.incident_id).await?, input.opening);
    let changes = changes(store, &mitigations).await?;
    Ok(Facts { incident, timeline, mitigations, pages, changes })
}

/// The pages of this opening that a channel accepted. Announcements, which are step 0, wake nobody and are none.
fn pages(sent: Vec<SentPage>, opening: u32) -> Vec<PageFact> {
    sent.into_iter()
        .filter(|page| page.key.opening == opening && page.key.step > 0)
        .filter_map(|page| {
            Some(PageFact { contact: page.key.contact, channel: page.key.channel, sent_at: page.sent_at? })
        })
        .collect()
}

/// The ledger of every resource that a mitigation names, each once.
async fn changes(store: &Store, mitigations: &[MitigationRecord]) -> Result<Vec<ChangeRecord>, StepError> {
    let mut targets: Vec<&str> = mitigations.iter().map(|m| m.target.as_str()).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut changes = Vec::new();
    for target in targets {
        changes.extend(store.changes(target, CHANGES).await?);
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use incident_store::PageKey;

    #[test]
    fn only_accepted_pages_of_this_opening_count() {
        let page = |opening, step, sent: Option<&str>| SentPage {
            key: PageKey {
                incident_id: "inc-20261123-0123456789".to_owned(),
                opening,
                engagement: 1,
                step,
                contact: format!("contact-{opening}-{step}"),
                channel: "sns".to_owned(),
            },
            claimed_at: "2026-11-23T14:03:13Z".parse().unwrap(),
            sent_at: sent.map(|at| at.parse().unwrap()),
            reference: None,
        };
        let sent = Some("2026-11-23T14:03:14Z");
        let kept = pages(vec![page(1, 1, sent), page(2, 0, sent), page(2, 1, sent), page(2, 2, None)], 2);
        assert_eq!(kept.iter().map(|page| page.contact.as_str()).collect::<Vec<_>>(), ["contact-2-1"]);
    }
}
