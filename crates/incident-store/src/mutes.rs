//! Mutes: those that people have set, in `CONTROL#mutes`, and the signals that are kept quiet.
//!
//! A muted signal is in `SIG#<signal id>` like any other. While it waits for the end of its mute it stands in the index by
//! status, as `muted`, sorted by that end, and does not expire: so `sweep` finds it. Whatever comes of it then is written
//! over it, in the transaction that does it.

use aws_sdk_dynamodb::types::Put;
use incident::{Known, Mute, Muted};
use jiff::Timestamp;
use signal::Signal;
use step::{StepError, sdk_error};

use crate::item::{Build, Item, Row, at, json, key, n, s};
use crate::signal_items::{expires, finish, put};
use crate::signals::Taken;
use crate::storms::STORM;
use crate::transitions::changed;
use crate::{Store, keys};

/// The status under which the index has them; no incident has it.
const MUTED: &str = "muted";

/// The condition that a signal is kept quiet.
const QUIET: &str = "#status IN (:muted, :storm)";

/// So many are looked at by one sweep, those first whose mute ends first: as many reads as fit well into its time.
const AT_ONCE: usize = 500;

/// The mutes that people have set, as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mutes {
    /// Those whose end has not come when they were last written, the ones that were taken back included.
    pub mutes: Vec<Mute>,
    /// How often they were written.
    rev: u64,
}

/// A signal that a mute keeps quiet.
#[derive(Debug, Clone, PartialEq)]
pub struct MutedSignal {
    /// The signal.
    pub signal: Signal,
    /// What keeps it quiet.
    pub muted: Muted,
}

impl Store {
    /// The mutes that people have set.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where they cannot be read: for what fires, treat that as none.
    pub async fn mutes(&self) -> Result<Mutes, StepError> {
        let Some(item) = self.get(keys::MUTES, keys::META).await? else { return Ok(Mutes::default()) };
        Ok(Mutes { mutes: Row(&item).parsed("mutes")?, rev: Row(&item).number("rev")? })
    }

    /// Writes the mutes; `false` where somebody wrote them since they were read.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn set_mutes(&self, read: &Mutes, mutes: &[Mute]) -> Result<bool, StepError> {
        let item = Build::new(keys::MUTES, keys::META).with("mutes", json(&mutes)?).with("rev", n(read.rev + 1)).done();
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk) OR rev = :rev");
        match put.expression_attribute_values(":rev", n(read.rev)).send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
            Err(e) => Err(sdk_error("the mutes could not be written", e)),
        }
    }

    /// Records a firing that is kept quiet: the state of its fingerprint counts, and it waits for the end of the mute.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn mute(
        &self,
        signal: &Signal,
        known: &Known,
        muted: &Muted,
        received: Timestamp,
    ) -> Result<Taken, StepError> {
        let item = Build::new(&keys::signal(&signal.signal_id), keys::META)
            .with("signal", json(signal)?)
            .with("received_at", at(received))
            .with("reason", s(muted.to_string()))
            .with("muted", json(muted)?)
            .with("status", s(MUTED))
            .with("opened_at", at(muted.until));
        let signal_put = self.put_unless_taken(item.done())?;
        self.transact(vec![put(signal_put), put(self.put_fingerprint(signal, known, None)?)]).await
    }

    /// The signals that are kept quiet, those first whose mute ends first, and not without end. The index follows the table
    /// within a moment: what is quiet no more is left out. One that cannot be read has its error in its place, and spoils
    /// no other.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the list cannot be read.
    pub async fn muted_signals(&self) -> Result<Vec<Result<MutedSignal, StepError>>, StepError> {
        let mut found = self.by_status(MUTED).scan_index_forward(true).into_paginator().items().send();
        let mut signals = Vec::new();
        while let Some(item) = found.next().await {
            let item = item.map_err(|e| sdk_error("the list of what is muted could not be read", e))?;
            signals.extend(self.muted_signal(&Row(&item).text("pk")?).await.transpose());
            if signals.len() == AT_ONCE {
                break;
            }
        }
        Ok(signals)
    }

    async fn muted_signal(&self, pk: &str) -> Result<Option<MutedSignal>, StepError> {
        let Some(item) = self.get(pk, keys::META).await? else { return Ok(None) };
        let row = Row(&item);
        if row.find_text("status").as_deref() != Some(MUTED) {
            return Ok(None);
        }
        Ok(Some(MutedSignal { signal: row.parsed("signal")?, muted: row.parsed("muted")? }))
    }

    /// A signal that is kept quiet has recovered, or its fingerprint fired again since: it waits for nothing any more, and is kept as
    /// long as any other.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn drop_quiet(&self, signal_id: &str, now: Timestamp) -> Result<(), StepError> {
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(key(&keys::signal(signal_id), keys::META)))
            .update_expression("SET expires = :expires REMOVE #status, opened_at")
            .condition_expression(QUIET)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":muted", s(MUTED))
            .expression_attribute_values(":storm", s(STORM))
            .expression_attribute_values(":expires", n(expires(now)));
        changed(update).await.map(drop)
    }

    /// A signal that was recorded, whatever came of it.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn recorded_signal(&self, signal_id: &str) -> Result<Option<Signal>, StepError> {
        let item = self.get(&keys::signal(signal_id), keys::META).await?;
        item.map(|item| Row(&item).parsed("signal")).transpose()
    }

    /// `SIG#<signal id>`, unless the signal came before; one that waits for the end of a mute or a storm is written over.
    pub(crate) fn put_unless_taken(&self, item: Item) -> Result<Put, StepError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        finish(
            put.condition_expression(format!("attribute_not_exists(pk) OR {QUIET}"))
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":muted", s(MUTED))
                .expression_attribute_values(":storm", s(STORM)),
        )
    }
}

/// What keeps a recorded signal quiet. What cannot be read keeps nothing quiet, and the signal is a repeat: `sweep` fails at
/// it loudly.
pub(crate) fn kept_quiet(item: Row<'_>) -> Option<Muted> {
    if item.find_text("status").as_deref() != Some(MUTED) {
        return None;
    }
    item.parsed("muted").inspect_err(|error| log("what keeps a signal quiet cannot be read", error)).ok()
}

/// The storm that a recorded signal is a member of, while it waits for its end.
pub(crate) fn in_storm(item: Row<'_>) -> Option<String> {
    item.find_text("storm").filter(|_| item.find_text("status").as_deref() == Some(STORM))
}

/// The mutes, for what fires: unreadable means not muted.
pub(crate) fn readable(item: &Item) -> Vec<Mute> {
    let read = Row(item).parsed("mutes");
    read.inspect_err(|error| log("the mutes cannot be read, and nothing is muted by them", error)).unwrap_or_default()
}

fn log(what: &str, error: &StepError) {
    let (name, chain) = (error.name(), format!("{:#}", error.cause()));
    tracing::error!(error.name = name, error.chain = chain, "{what}");
}

#[cfg(test)]
#[path = "mutes_test.rs"]
mod tests;
