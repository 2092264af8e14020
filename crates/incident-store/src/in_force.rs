//! What is in force: asked to be taken back, put back, listed, reminded of. These are attributes of `MIT#<opening>#<n>` of
//! their own, beside the record, so that a person and the suite can write at once and neither writes over the other.
//! `undo` is a word that the service reserves, so a person's wish is in `undo_asked`.
//!
//! A mitigation that takes away capacity or a feature stands in the index by status while it is in force, as `in-force`,
//! sorted by when the change was made: so it is found whatever became of its incident.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use incident::{MitigationRecord, Outcome, Progress, PutBack, UndoRequest};
use step::{StepError, sdk_error};

use crate::item::{Item, Row, at, json, key, n, s};
use crate::transitions::changed;
use crate::{Store, keys};

/// The status under which the index has it; no incident has it.
const IN_FORCE: &str = "in-force";

impl Store {
    /// Records that a person wants a change taken back; `false` where it is back, or where somebody asked for another try
    /// since the record was read.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn ask_undo(&self, record: &MitigationRecord, undo: &UndoRequest) -> Result<bool, StepError> {
        let update = self
            .update_mitigation(record)
            .update_expression("SET undo_asked = :undo, undo_run = :run")
            .expression_attribute_values(":undo", json(undo)?)
            .expression_attribute_values(":run", n(undo.run))
            .expression_attribute_values(":ended", s(Progress::Ended.as_str()));
        let still = "progress = :ended AND attribute_not_exists(put_back)";
        let update = match &record.undo {
            None => update.condition_expression(format!("{still} AND attribute_not_exists(undo_run)")),
            Some(before) => update
                .condition_expression(format!("{still} AND undo_run = :before"))
                .expression_attribute_values(":before", n(before.run)),
        };
        changed(update).await
    }

    /// Records how far a try to take a change back came; `false` where it is back, or another try has begun.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn undo_came(&self, record: &MitigationRecord, undo: &UndoRequest) -> Result<bool, StepError> {
        let update = self
            .update_mitigation(record)
            .update_expression("SET undo_asked = :undo")
            .condition_expression("undo_run = :run AND attribute_not_exists(put_back)")
            .expression_attribute_values(":undo", json(undo)?)
            .expression_attribute_values(":run", n(undo.run));
        changed(update).await
    }

    /// Records that the resource is as it was before the change; `false` where that is recorded, and the first counts.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn put_back(&self, record: &MitigationRecord, back: &PutBack) -> Result<bool, StepError> {
        let update = self
            .update_mitigation(record)
            .update_expression("SET put_back = :back REMOVE #status, opened_at")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(put_back)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":back", json(back)?);
        changed(update).await
    }

    /// Records that the owner is being reminded.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn reminded(&self, record: &MitigationRecord, count: u32) -> Result<(), StepError> {
        let update = self
            .update_mitigation(record)
            .update_expression("SET reminded = :count")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":count", n(count));
        changed(update).await.map(drop)
    }

    /// Every mitigation that takes something away and is in force, of all incidents, the newest first. The index follows
    /// the table within a moment: what has been put back since is left out.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn in_force(&self) -> Result<Vec<MitigationRecord>, StepError> {
        let mut found = self.by_status(IN_FORCE).into_paginator().items().send();
        let mut records = Vec::new();
        while let Some(item) = found.next().await {
            let item = item.map_err(|e| sdk_error("the list of what is in force could not be read", e))?;
            let row = Row(&item);
            let stored = self.get(&row.text("pk")?, &row.text("sk")?).await?;
            let record = stored.map(|item| crate::mitigations::read(Row(&item))).transpose()?;
            records.extend(record.filter(MitigationRecord::holds));
        }
        Ok(records)
    }

    fn update_mitigation(&self, record: &MitigationRecord) -> UpdateItemFluentBuilder {
        let (pk, sk) = (keys::incident(&record.incident_id), keys::mitigation(record.opening, record.n));
        self.client.update_item().table_name(&self.table).set_key(Some(key(&pk, &sk)))
    }
}

/// What the index needs to know when the record moves on: the clause of the update, its names, its values. The change
/// comes into force when it is recorded as made, and is so until it is taken back; how it ended does not matter.
pub(crate) fn indexed(record: &MitigationRecord) -> (&'static str, Option<Item>) {
    match (record.takes_away, record.progress, record.applied_at) {
        (true, Progress::Applied, Some(since)) => {
            let values: [(&str, AttributeValue); 2] = [(":in_force", s(IN_FORCE)), (":since", at(since))];
            (", #status = :in_force, opened_at = :since", Some(values.map(|(name, v)| (name.to_owned(), v)).into()))
        }
        (true, Progress::Ended, _) if record.outcome == Some(Outcome::Undone) => (" REMOVE #status, opened_at", None),
        _ => ("", None),
    }
}

/// The attributes beside the record, over what the record itself says.
pub(crate) fn beside(item: Row<'_>, record: MitigationRecord) -> Result<MitigationRecord, StepError> {
    let find = |name: &str| item.0.contains_key(name);
    Ok(MitigationRecord {
        undo: find("undo_asked").then(|| item.parsed("undo_asked")).transpose()?,
        put_back: find("put_back").then(|| item.parsed("put_back")).transpose()?,
        put_back_token: item.find_text("put_back_token"),
        reminded: if find("reminded") { item.small("reminded")? } else { 0 },
        ..record
    })
}

#[cfg(test)]
#[path = "in_force_test.rs"]
mod tests;
