//! `INC#<id>` / `MIT#<opening>#<n>`: the record is one JSON text; its progress, its plan's hash and the token of the
//! waiting state machine are attributes of their own, since conditions and the state machine read them; so is what
//! `in_force.rs` writes.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use incident::{MitigationRecord, Progress};
use step::{StepError, sdk_error};

use crate::item::{Build, Row, json, key, s};
use crate::{Store, in_force, keys};

impl Store {
    /// One mitigation of an incident.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn mitigation(&self, id: &str, opening: u32, n: u32) -> Result<Option<MitigationRecord>, StepError> {
        let item = self.get(&keys::incident(id), &keys::mitigation(opening, n)).await?;
        item.map(|item| read(Row(&item))).transpose()
    }

    /// All mitigations of an opening, in order.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn mitigations(&self, id: &str, opening: u32) -> Result<Vec<MitigationRecord>, StepError> {
        let items = self.all(&keys::incident(id), &format!("MIT#{opening}#")).await?;
        items.iter().map(|item| read(Row(item))).collect()
    }

    /// Records a plan; `false` where there is one already, which then counts.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn plan_mitigation(&self, record: &MitigationRecord) -> Result<bool, StepError> {
        let (pk, sk) = place(record);
        let item = Build::new(&pk, &sk)
            .with("record", json(record)?)
            .with("progress", s(record.progress.as_str()))
            .with("plan_sha256", s(&record.plan_sha256))
            .done();
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        match put.condition_expression("attribute_not_exists(pk)").send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
            Err(e) => Err(sdk_error("a mitigation could not be recorded", e)),
        }
    }

    /// Moves a mitigation on: writes the record if it stands at `from` with the same plan; `false` where it does not. The
    /// token of the waiting state machine stays.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn advance(&self, from: Progress, record: &MitigationRecord) -> Result<bool, StepError> {
        let (pk, sk) = place(record);
        let (index, values) = in_force::indexed(record);
        let names = (!index.is_empty()).then(|| [("#status".to_owned(), "status".to_owned())].into());
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&pk, &sk)))
            .update_expression(format!("SET #record = :record, progress = :progress{index}"))
            .condition_expression("progress = :from AND plan_sha256 = :plan")
            .set_expression_attribute_names(names)
            .expression_attribute_names("#record", "record")
            .set_expression_attribute_values(values)
            .expression_attribute_values(":record", json(record)?)
            .expression_attribute_values(":progress", s(record.progress.as_str()))
            .expression_attribute_values(":from", s(from.as_str()))
            .expression_attribute_values(":plan", s(&record.plan_sha256));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(e) if matches!(e.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) => {
                Ok(false)
            }
            Err(e) => Err(sdk_error("a mitigation could not be recorded", e)),
        }
    }
}

fn place(record: &MitigationRecord) -> (String, String) {
    (keys::incident(&record.incident_id), keys::mitigation(record.opening, record.n))
}

pub(crate) fn read(item: Row<'_>) -> Result<MitigationRecord, StepError> {
    let record: MitigationRecord = item.parsed("record")?;
    in_force::beside(item, MitigationRecord { approval_token: item.find_text("approval_token"), ..record })
}
