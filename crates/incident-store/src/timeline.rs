//! `INC#<id>` / `T#<time ms>#<seq>`: append-only, written only if absent.

use aws_sdk_dynamodb::types::Put;
use incident::Entry;
use step::{StepError, sdk_error};

use crate::item::{Build, Item, Row, at, s};
use crate::{Store, keys};

impl Store {
    /// Adds an entry, unless it is there.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn note(&self, id: &str, entry: &Entry) -> Result<(), StepError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(write(id, entry)));
        match put.condition_expression("attribute_not_exists(pk)").send().await {
            Ok(_) => Ok(()),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(e) => Err(sdk_error("the timeline could not be written", e)),
        }
    }

    /// The timeline, in order.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn timeline(&self, id: &str) -> Result<Vec<Entry>, StepError> {
        self.all(&keys::of(id), "T#").await?.iter().map(read).collect()
    }

    /// The entry as part of a transaction. It is not conditional: the same entry writes the same item.
    pub(crate) fn put_entry(&self, id: &str, entry: &Entry) -> Result<Put, StepError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(write(id, entry)));
        put.build().map_err(|e| StepError::Stuck(e.into()))
    }
}

fn write(id: &str, entry: &Entry) -> Item {
    Build::new(&keys::of(id), &keys::timeline(entry.at, &entry.seq))
        .with("at", at(entry.at))
        .with("seq", s(&entry.seq))
        .with("step", s(&entry.step))
        .with("what", s(&entry.what))
        .with_some("by", entry.by.as_ref().map(s))
        .done()
}

fn read(item: &Item) -> Result<Entry, StepError> {
    let item = Row(item);
    Ok(Entry {
        v: item.small("v")?,
        at: item.instant("at")?,
        seq: item.text("seq")?,
        step: item.text("step")?,
        what: item.text("what")?,
        by: item.find_text("by"),
    })
}
