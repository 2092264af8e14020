//! `CMD#<request id>`: what was asked once is answered once.

use incident::CommandRecord;
use step::{StepError, sdk_error};

use crate::item::{Build, Row, json};
use crate::{Store, keys};

impl Store {
    /// The answer to a request, once there is one.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn command(&self, request_id: &str) -> Result<Option<CommandRecord>, StepError> {
        let item = self.get(&keys::command(request_id), keys::META).await?;
        item.map(|item| Row(&item).parsed("command")).transpose()
    }

    /// Records an answer; `false` where the request has one.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn answer_command(&self, record: &CommandRecord) -> Result<bool, StepError> {
        let item = Build::new(&keys::command(&record.request_id), keys::META).with("command", json(record)?).done();
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        match put.condition_expression("attribute_not_exists(pk)").send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
            Err(e) => Err(sdk_error("the answer to a command could not be recorded", e)),
        }
    }
}
