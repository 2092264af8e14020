//! A signal that was told once becomes an incident: since a person wants it, or since a rule finds that it has become worse.
//! Whoever promotes decides on what it is opened with; the plans are not read again, for the signal has its own.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use incident::{Entry, Incident, Known, Rise, ToldOnce};
use jiff::Timestamp;
use response_plan::ResolvedPlan;
use signal::{Signal, State};
use step::StepError;

use crate::item::{Row, at, json, key, n, s};
use crate::signal_items::{in_incident, put, reference};
use crate::signals::{Opening, Taken};
use crate::{Store, incident_item, keys};

/// A signal as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The signal.
    pub signal: Signal,
    /// When triage received it first.
    pub received_at: Timestamp,
    /// The incident that it belongs to, and its opening.
    pub incident: Option<(String, u32)>,
    /// The plan that it was told under, where it was told once in a digest; absent for every other.
    pub plan: Option<ResolvedPlan>,
    /// Why it opened nothing.
    pub reason: Option<String>,
}

impl Recorded {
    /// The signal with the plan that it was told under; `None` where it was not told once in a digest.
    pub fn told_once(&self) -> Option<ToldOnce<'_>> {
        let Self { signal, received_at, plan, .. } = self;
        Some(ToldOnce { signal, plan: plan.as_ref()?, received_at: *received_at })
    }
}

impl Store {
    /// A signal by its id; `None` where there is none, or it is older than signals are kept.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn recorded(&self, signal_id: &str) -> Result<Option<Recorded>, StepError> {
        let Some(item) = self.get(&keys::signal(signal_id), keys::META).await? else { return Ok(None) };
        let row = Row(&item);
        Ok(Some(Recorded {
            signal: row.parsed("signal")?,
            received_at: row.instant("received_at")?,
            incident: in_incident(row),
            plan: item.contains_key("plan").then(|| row.parsed("plan")).transpose()?,
            reason: row.find_text("reason"),
        }))
    }

    /// The incident in which a failing thing fires now, where it holds its group's key.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn firing_in(&self, known: &Known) -> Result<Option<Incident>, StepError> {
        let last = known.fingerprint.as_ref().filter(|last| last.state == State::Firing);
        let Some((id, _)) = last.and_then(|last| last.incident.as_ref()) else { return Ok(None) };
        Ok(self.incident(id).await?.filter(|incident| incident.status.holds_group_key()))
    }

    /// The id of the open incident of the group, or of the failing thing: one is enough.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn open_already(&self, known: &Known) -> Result<Option<String>, StepError> {
        let of_group = known.pointer.as_ref().filter(|pointer| pointer.status.holds_group_key());
        if let Some(pointer) = of_group {
            return Ok(Some(pointer.incident_id.clone()));
        }
        Ok(self.firing_in(known).await?.map(|incident| incident.id().to_owned()))
    }

    /// Opens an incident with a signal that was told once, on the condition that it belongs to none and that nothing of
    /// `known` has changed. What has recovered since does not fire in it. Where a rule makes the incident, it is as bad as
    /// that says, and fires since triage received the signal. `entry` is the first of its timeline. The caller starts the
    /// execution; where it is killed before, `sweep` does.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn promote(
        &self,
        told: ToldOnce<'_>,
        known: &Known,
        opening: Opening<'_>,
        rise: Option<&Rise>,
        entry: &Entry,
    ) -> Result<Taken, StepError> {
        let Opening { opened, group } = opening;
        let signal = told.signal;
        let mut incident = incident_item::opening(opened, group)?;
        if let Some(rise) = rise {
            incident.insert("severity".to_owned(), s(rise.to.as_str()));
            incident.insert("raised".to_owned(), json(rise)?);
            incident.insert("fires_since".to_owned(), at(told.received_at));
        }
        if let Some(clear) = clear_since(signal, known) {
            incident.remove("firing");
            incident.insert("clear_since".to_owned(), at(clear));
        }
        let mut items = vec![
            TransactWriteItem::builder().update(self.belongs(&keys::signal(&signal.signal_id), &opened.id)?).build(),
            put(self.put_new(incident)?),
            put(self.put_pointer(group, (&opened.id, 1), known, signal)?),
            put(self.put_new(reference(signal, &opened.id, opened.opened_at))?),
            put(self.put_entry(&opened.id, entry)?),
        ];
        let fired = known.fingerprint.as_ref().is_some_and(|last| last.state == State::Firing);
        items.push(if fired || clear_since(signal, known).is_some() {
            TransactWriteItem::builder().update(self.fires_there(signal, known, &opened.id)?).build()
        } else {
            // What only informed fires in the incident that a person makes of it, or no recovery would find that.
            let fires = Signal { state: State::Firing, ..signal.clone() };
            put(self.put_fingerprint(&fires, known, Some(&(opened.id.clone(), 1)))?)
        });
        self.transact(items).await
    }

    /// The signal belongs to the incident, and to no other, and is what counts there from now on.
    fn belongs(&self, pk: &str, id: &str) -> Result<Update, StepError> {
        let set = "SET incident_id = :id, opening = :one REMOVE #status, opened_at";
        let update = in_it(id, self.update_of(pk), set)
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(incident_id)")
            .expression_attribute_names("#status", "status");
        update.build().map_err(|e| StepError::Stuck(e.into()))
    }

    /// The last known state of its fingerprint is that incident's, so that a recovery finds it.
    fn fires_there(&self, signal: &Signal, known: &Known, id: &str) -> Result<Update, StepError> {
        let pk = keys::fingerprint(&signal.fingerprint);
        let mut update = in_it(id, self.update_of(&pk), "SET incident_id = :id, opening = :one");
        if let Some(last) = &known.fingerprint {
            update = update
                .condition_expression("#state = :state AND #time = :time")
                .expression_attribute_names("#state", "state")
                .expression_attribute_names("#time", "time")
                .expression_attribute_values(":state", s(last.state.as_str()))
                .expression_attribute_values(":time", at(last.time));
        }
        update.build().map_err(|e| StepError::Stuck(e.into()))
    }

    fn update_of(&self, pk: &str) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder().table_name(&self.table).set_key(Some(key(pk, keys::META)))
    }
}

type Builder = aws_sdk_dynamodb::types::builders::UpdateBuilder;

fn in_it(id: &str, update: Builder, set: &str) -> Builder {
    let update = update.update_expression(set).expression_attribute_values(":id", s(id));
    update.expression_attribute_values(":one", n(1_u64))
}

/// Since when what fired is clear, where it is.
fn clear_since(signal: &Signal, known: &Known) -> Option<Timestamp> {
    let last = known.fingerprint.as_ref()?;
    (last.state == State::Recovered && last.time >= signal.time).then_some(last.time)
}

#[cfg(test)]
#[path = "promote_test.rs"]
mod tests;
