//! Openings: a resolved incident that fires again, and what it was in the openings before.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use incident::{Entry, Incident, Known, Opened, Status};
use jiff::Timestamp;
use signal::{Signal, State};
use step::StepError;

use crate::item::{Build, Row, at, json, key, n, s};
use crate::signal_items::{put, reference};
use crate::signals::{Opening, Taken};
use crate::{Store, incident_item, keys};

/// What an opening left behind that is not of the next one.
const OF_AN_OPENING: &str = "fires_since, clear_since, recovery_token, acknowledged_by, acknowledged_at, paged_at, woken_at, \
                             paged_engagement, woken_engagement, engaged_at, mitigated_at, resolved_at, resolved_by, \
                             resolved_reason, still_firing, recheck_at, raised";

impl Store {
    /// Until when a firing opens a resolved incident again; `None` where its plan does not want that, a person has ended it
    /// in another way, or a change of its last opening is in force: who asks for that back must not get another's.
    pub(crate) async fn reopen_until(&self, id: &str) -> Result<Option<Timestamp>, StepError> {
        let incident = self.incident(id).await?.filter(|incident| incident.status == Status::Resolved);
        let Some(incident) = incident.filter(|incident| !incident.plan().reopen_within.is_zero()) else {
            return Ok(None);
        };
        // One after the other by its key: triage may not query, and there is hardly ever more than one.
        for n in 1.. {
            let Some(record) = self.mitigation(id, incident.opening, n).await? else { break };
            if record.is_in_force() || record.holds() {
                return Ok(None);
            }
        }
        Ok(incident.resolved_at.map(|at| at + incident.plan().reopen_within.signed()))
    }

    /// The incident in an opening: as it is now, or as it was when that opening was over. Of one that is still to come it
    /// is as it is now, and the caller finds that the opening is another.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub async fn load_in(&self, id: &str, opening: u32) -> Result<Incident, StepError> {
        let now = self.load(id).await?;
        if now.opening <= opening {
            return Ok(now);
        }
        let Some(item) = self.get(&keys::incident(id), &keys::opening(opening)).await? else { return Ok(now) };
        let mut was: Incident = Row(&item).parsed("incident")?;
        // What was written after it had fired again is on the incident itself, under the opening's own name.
        if let Some(item) = self.get(&keys::incident(id), keys::META).await? {
            (was.evidence, was.postmortem) = incident_item::kept(&item, opening)?;
        }
        Ok(was)
    }

    /// Opens a resolved incident again with a signal, as it is in `opening.opened`; what it was stays as a record of its
    /// own.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn reopen(
        &self,
        signal: &Signal,
        known: &Known,
        before: &Incident,
        opening: Opening<'_>,
    ) -> Result<Taken, StepError> {
        let firing = self.fires_on(signal, before).await?;
        let Opening { opened, group } = opening;
        let (id, next) = (before.id(), before.opening + 1);
        let flapping = if opened.flapping { ", flapping" } else { "" };
        let what = format!("open again (opening {next}{flapping}): {}", opened.title);
        let entry = Entry::new(opened.opened_at, "triage", &["opened", id, &next.to_string()], what);
        let joined = (id.to_owned(), next);
        let was = Incident { recovery_token: None, ..before.clone() };
        let record = Build::new(&keys::incident(id), &keys::opening(before.opening)).with("incident", json(&was)?);
        self.transact(vec![
            put(self.put_signal(signal, opened.opened_at, Some(&joined), None)?),
            put(self.put_fingerprint(signal, known, Some(&joined))?),
            put(self.put_new(record.done())?),
            TransactWriteItem::builder().update(self.begin_again(firing, before, opened)?).build(),
            put(self.put_pointer(group, (id, next), known, signal)?),
            put(self.put_new(reference(signal, id, opened.opened_at))?),
            put(self.put_entry(id, &entry)?),
        ])
        .await
    }

    /// The signal's fingerprint, and those that fired when a person resolved it and fire still: of these, no other signal
    /// may come.
    async fn fires_on(&self, signal: &Signal, before: &Incident) -> Result<Vec<String>, StepError> {
        let mut firing = vec![signal.fingerprint.clone()];
        for fingerprint in before.still_firing.iter().filter(|fingerprint| **fingerprint != signal.fingerprint) {
            let last = self.fingerprint(fingerprint).await?;
            firing.extend(last.filter(|last| last.state == State::Firing).map(|_| fingerprint.clone()));
        }
        Ok(firing)
    }

    fn begin_again(&self, firing: Vec<String>, before: &Incident, opened: &Opened) -> Result<Update, StepError> {
        let onset = if opened.onset.is_some() { ", onset = :onset" } else { "" };
        let no_onset = if opened.onset.is_some() { "" } else { ", onset" };
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&keys::incident(before.id()), keys::META)))
            .update_expression(format!(
                "SET opened = :opened, opened_at = :at, title = :title, severity = :severity, held_for_s = :held, #status = :open, opening = :next, run = :one, \
                 engagement = :one, firing = :firing{onset} REMOVE {OF_AN_OPENING}{no_onset}"
            ))
            .condition_expression("opening = :opening AND #status = :resolved")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":opened", json(opened)?)
            .expression_attribute_values(":at", at(opened.opened_at))
            .expression_attribute_values(":title", s(&opened.title))
            .expression_attribute_values(":held", n(opened.held_for().as_secs()))
            .expression_attribute_values(":severity", s(opened.plan.plan.severity.as_str()))
            .expression_attribute_values(":open", s(Status::Open.as_str()))
            .expression_attribute_values(":next", n(before.opening + 1))
            .expression_attribute_values(":one", n(1_u64))
            .expression_attribute_values(":firing", AttributeValue::Ss(firing))
            .expression_attribute_values(":opening", n(before.opening))
            .expression_attribute_values(":resolved", s(Status::Resolved.as_str()));
        let update = match opened.onset {
            Some(onset) => update.expression_attribute_values(":onset", at(onset)),
            None => update,
        };
        update.build().map_err(|e| StepError::Stuck(e.into()))
    }
}
