//! `CHANGE#<ARN hash>` / `<time ms>#<id>`: the ledger of changes.

use incident::ChangeRecord;
use step::{StepError, sdk_error};

use crate::item::{Build, Row, json, s};
use crate::{Store, keys};

impl Store {
    /// Adds a change; the same one twice is one.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn record_change(&self, change: &ChangeRecord) -> Result<(), StepError> {
        let sk = format!("{}#{}", keys::millis(change.at), change.id);
        let item = Build::new(&keys::changes(&change.resource), &sk).with("change", json(change)?).done();
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map_err(|e| sdk_error("a change could not be recorded", e)).map(drop)
    }

    /// The newest changes of a resource, newest first.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn changes(&self, resource: &str, limit: u32) -> Result<Vec<ChangeRecord>, StepError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(keys::changes(resource)))
            .send()
            .await;
        let items =
            query.map_err(|e| sdk_error("the ledger of changes could not be read", e))?.items.unwrap_or_default();
        items.iter().map(|item| Row(item).parsed("change")).collect()
    }
}
