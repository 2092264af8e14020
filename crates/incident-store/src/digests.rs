//! `DIGEST#<id>` / `META` and `SIG#<time ms>#<signal id>`: what an owner is told once. Who gathers counts the entries, so that
//! who tells can say which of them it has read: what came in between is told again with the rest, and never lost.
//!
//! Until it is told a digest stands in the index by status, as `digest`, sorted by when it is due.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use incident::{Digest, DigestEntry, DigestKey, Known, SignalOutcome};
use jiff::Timestamp;
use response_plan::ResolvedPlan;
use signal::Signal;
use step::{StepError, sdk_error};

use crate::item::{Build, Item, Row, at, json, key, n, s};
use crate::signal_items::{expires, put};
use crate::transitions::changed;
use crate::{Store, Taken, keys, told};

/// The status under which the index has it; no incident has it.
const DIGEST: &str = "digest";

impl Store {
    /// Records a signal that opens nothing, with the plan that it is told under, and puts it into a digest. `newest` says
    /// whether it is the last known state of its fingerprint.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn notify_only(
        &self,
        signal: &Signal,
        known: &Known,
        (plan, reason): (&ResolvedPlan, &str),
        newest: bool,
        received: Timestamp,
    ) -> Result<Taken, StepError> {
        let digest = DigestKey::new(&plan.plan.owner, received, signal.drill);
        let mut recorded = self.put_signal(signal, received, None, Some(reason))?;
        recorded.item.insert("plan".to_owned(), json(plan)?);
        recorded.item.insert("outcome".to_owned(), json(&SignalOutcome::NotifyOnly)?);
        if newest {
            recorded.item.extend(told::listed(&plan.plan, received));
        }
        let entry = Build::new(&keys::digest(&digest.id()), &keys::digest_entry(received, &signal.signal_id))
            .with("entry", json(&DigestEntry::new(signal, plan))?)
            .with("expires", n(expires(received)));
        let mut items = vec![
            put(recorded),
            put(self.put_new(entry.done())?),
            TransactWriteItem::builder().update(self.gather(&digest, plan, received)?).build(),
        ];
        if newest {
            items.push(put(self.put_fingerprint(signal, known, None)?));
        }
        self.transact(items).await
    }

    fn gather(&self, digest: &DigestKey, plan: &ResolvedPlan, received: Timestamp) -> Result<Update, StepError> {
        let id = digest.id();
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&keys::digest(&id), keys::META)))
            .update_expression(
                "SET v = :v, id = :id, team = :team, drill = :drill, gathers_until = :until, expires = :expires, \
                 #status = :digest, opened_at = :until ADD entries :one",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":v", n(incident::V))
            .expression_attribute_values(":id", s(&id))
            .expression_attribute_values(":team", json(&plan.team)?)
            .expression_attribute_values(":drill", aws_sdk_dynamodb::types::AttributeValue::Bool(digest.drill))
            .expression_attribute_values(":until", at(digest.until))
            .expression_attribute_values(":expires", n(expires(received)))
            .expression_attribute_values(":digest", s(DIGEST))
            .expression_attribute_values(":one", n(1_u64));
        update.build().map_err(|e| StepError::Stuck(e.into()))
    }

    /// The digests that gathered until `now` or before, and wait to be told. The index follows the table within a moment:
    /// what has been told since is left out.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn due_digests(&self, now: Timestamp) -> Result<Vec<Result<Digest, StepError>>, StepError> {
        let mut found = self.by_status(DIGEST).into_paginator().items().send();
        let mut due = Vec::new();
        while let Some(item) = found.next().await {
            let item = item.map_err(|e| sdk_error("the list of digests could not be read", e))?;
            due.extend(self.due_digest(Row(&item), now).await.transpose());
        }
        Ok(due)
    }

    /// One of the list; `None` where it is not due, or was told since.
    async fn due_digest(&self, listed: Row<'_>, now: Timestamp) -> Result<Option<Digest>, StepError> {
        if listed.instant("opened_at")? > now {
            return Ok(None);
        }
        let stored = self.get(&listed.text("pk")?, &listed.text("sk")?).await?;
        stored.filter(|stored| stored.contains_key("status")).map(|stored| read(&stored)).transpose()
    }

    /// A digest; `None` where there is none, since nothing was put into it, or it was kept for as long as signals are.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn digest(&self, id: &str) -> Result<Option<Digest>, StepError> {
        let item = self.get(&keys::digest(id), keys::META).await?;
        item.map(|item| read(&item)).transpose()
    }

    /// Its entries, in the order in which they were received.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn digest_entries(&self, id: &str) -> Result<Vec<DigestEntry>, StepError> {
        let items = self.all(&keys::digest(id), "SIG#").await?;
        items.iter().map(|item| Row(item).parsed("entry")).collect()
    }

    /// Records that a digest, as it was read before its entries, was told for the `n`th time. Where more came since, it stays
    /// due.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written; the retry finds its claims as sent.
    pub async fn digest_told(&self, digest: &Digest, times: u32) -> Result<(), StepError> {
        let update = |set: &str| {
            let update = self.client.update_item().table_name(&self.table);
            update
                .set_key(Some(key(&keys::digest(&digest.id), keys::META)))
                .update_expression(format!("SET told = :told{set}"))
                .expression_attribute_values(":told", n(times))
        };
        let whole = update(" REMOVE #status, opened_at")
            .condition_expression("entries = :entries AND (attribute_not_exists(told) OR told <= :told)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":entries", n(digest.entries));
        if !changed(whole).await? {
            let older = "attribute_exists(pk) AND (attribute_not_exists(told) OR told < :told)";
            changed(update("").condition_expression(older)).await?;
        }
        Ok(())
    }
}

fn read(item: &Item) -> Result<Digest, StepError> {
    let row = Row(item);
    Ok(Digest {
        id: row.text("id")?,
        team: row.parsed("team")?,
        drill: item.get("drill").and_then(|drill| drill.as_bool().ok()).copied().unwrap_or_default(),
        until: row.instant("gathers_until")?,
        entries: row.number("entries")?,
        told: row.find_small("told")?.unwrap_or_default(),
    })
}

#[cfg(test)]
#[path = "digests_test.rs"]
mod tests;
