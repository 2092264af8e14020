//! What is known about an incident: the records, as they were read.

use incident::{ChangeRecord, Entry, Incident, MitigationRecord, Outcome};
use jiff::Timestamp;

/// Everything that a postmortem is written from.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The incident.
    pub incident: Incident,
    /// Its timeline, in order.
    pub timeline: Vec<Entry>,
    /// The mitigations of this opening, in order.
    pub mitigations: Vec<MitigationRecord>,
    /// The pages that a channel accepted, in any order.
    pub pages: Vec<PageFact>,
    /// The ledger of changes of the resources that the mitigations name, in any order.
    pub changes: Vec<ChangeRecord>,
}

/// A page that a channel accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFact {
    /// Who was told.
    pub contact: String,
    /// By which channel, its word in records.
    pub channel: String,
    /// When the channel accepted it.
    pub sent_at: Timestamp,
}

impl Facts {
    /// The mitigation that the document is about: the one that helped, else the last that was applied, else the last.
    pub(crate) fn mitigation(&self) -> Option<&MitigationRecord> {
        let applied = || self.mitigations.iter().rev().find(|m| m.applied_at.is_some());
        self.helped().or_else(applied).or(self.mitigations.last())
    }

    /// The mitigation after which the condition cleared.
    pub(crate) fn helped(&self) -> Option<&MitigationRecord> {
        self.mitigations
            .iter()
            .find(|m| m.applied_at.is_some() && matches!(m.outcome, Some(Outcome::Verified | Outcome::Unproven)))
    }

    /// The contacts that were paged, in the order in which a channel accepted it, each once.
    pub(crate) fn paged(&self) -> Vec<&str> {
        let mut pages: Vec<&PageFact> = self.pages.iter().collect();
        pages.sort_by_key(|page| (page.sent_at, &page.contact));
        let mut contacts = Vec::new();
        for page in pages {
            if !contacts.contains(&page.contact.as_str()) {
                contacts.push(page.contact.as_str());
            }
        }
        contacts
    }

    /// Start of the clear period, where the sources say that nothing fires. A person who resolved it while something
    /// fired leaves a time to look again, and an earlier clear period that did not hold.
    pub(crate) fn clear_since(&self) -> Option<Timestamp> {
        let incident = &self.incident;
        incident.clear_since.filter(|_| incident.firing.is_empty() && incident.recheck_at.is_none())
    }
}
