//! What becomes of an incident after it opened: each transition is one conditional write.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use incident::{GroupKey, Incident, PostmortemKeys, SealedPass, Status};
use jiff::Timestamp;
use step::{StepError, sdk_error};

use crate::item::{Item, at, json, key, n, s};
use crate::{Store, Taken, incident_item, keys};

impl Store {
    /// Records who acknowledged; `false` where somebody has, or the opening is another.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn acknowledge(&self, id: &str, opening: u32, by: &str, when: Timestamp) -> Result<bool, StepError> {
        let update = self
            .update_incident(id)
            .update_expression("SET acknowledged_by = :by, acknowledged_at = :at")
            .condition_expression("opening = :opening AND attribute_not_exists(acknowledged_at)")
            .expression_attribute_values(":opening", n(opening))
            .expression_attribute_values(":by", s(by))
            .expression_attribute_values(":at", at(when));
        changed(update).await
    }

    /// From open to mitigated, since a mitigation was verified; `false` where it is not open.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn mitigated(&self, id: &str, opening: u32, when: Timestamp) -> Result<bool, StepError> {
        self.open_to_mitigated(id, opening, when, false).await
    }

    /// From open to mitigated, since nothing fires and yet something is in force that keeps it from being resolved;
    /// `false` where it is not open, or something fires.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn held(&self, id: &str, opening: u32, when: Timestamp) -> Result<bool, StepError> {
        self.open_to_mitigated(id, opening, when, true).await
    }

    async fn open_to_mitigated(&self, id: &str, opening: u32, when: Timestamp, clear: bool) -> Result<bool, StepError> {
        for pause in [10, 40, 160, 0] {
            let incident = self.incident(id).await?;
            let is_open = |i: &Incident| i.opening == opening && i.status == Status::Open;
            let is_as_asked = |i: &Incident| is_open(i) && (i.firing.is_empty() || !clear);
            let Some(incident) = incident.filter(is_as_asked) else { return Ok(false) };
            if self.transact(self.to_mitigated(&incident, when, clear)?).await? == Taken::Done {
                return Ok(true);
            }
            // Still open, so a signal was being written: it is over in milliseconds.
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        Err(StepError::transient("the incident could not be marked as mitigated: others are writing it"))
    }

    fn to_mitigated(
        &self,
        incident: &Incident,
        when: Timestamp,
        clear: bool,
    ) -> Result<Vec<TransactWriteItem>, StepError> {
        let nothing_fires = if clear { " AND attribute_not_exists(firing)" } else { "" };
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&keys::incident(incident.id()), keys::META)))
            .update_expression("SET #status = :mitigated, mitigated_at = :at")
            .condition_expression(format!("opening = :opening AND #status = :open{nothing_fires}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":opening", n(incident.opening))
            .expression_attribute_values(":open", s(Status::Open.as_str()))
            .expression_attribute_values(":mitigated", s(Status::Mitigated.as_str()))
            .expression_attribute_values(":at", at(when));
        let update = update.build().map_err(|e| StepError::Stuck(e.into()))?;
        Ok(vec![
            TransactWriteItem::builder().update(update).build(),
            TransactWriteItem::builder().update(self.move_pointer(incident, Status::Mitigated)?).build(),
        ])
    }

    /// A person says that it is over. Nothing counts as firing any more, and the group key is free; `recheck_at` says when
    /// to look whether something fires all the same. `false` where it changed since it was read.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn resolve_by_person(
        &self,
        incident: &Incident,
        by: &str,
        reason: Option<&str>,
        when: Timestamp,
        recheck_at: Option<Timestamp>,
    ) -> Result<bool, StepError> {
        let mut set = "SET #status = :resolved, resolved_at = :at, resolved_by = :by".to_owned();
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&keys::incident(incident.id()), keys::META)))
            .condition_expression(format!("opening = :opening AND #status = :status AND {}", same_firing(incident)))
            .expression_attribute_names("#status", "status")
            .set_expression_attribute_values(firing_value(incident))
            .expression_attribute_values(":opening", n(incident.opening))
            .expression_attribute_values(":status", s(incident.status.as_str()))
            .expression_attribute_values(":resolved", s(Status::Resolved.as_str()))
            .expression_attribute_values(":by", s(by))
            .expression_attribute_values(":at", at(when));
        if let Some(reason) = reason {
            set.push_str(", resolved_reason = :reason");
            update = update.expression_attribute_values(":reason", s(reason));
        }
        if let Some(recheck_at) = recheck_at {
            set.push_str(", recheck_at = :recheck, still_firing = firing");
            update = update.expression_attribute_values(":recheck", at(recheck_at));
        }
        // While something still fires, no clear period has begun, whatever cleared before.
        let remove = if recheck_at.is_some() { ", clear_since" } else { "" };
        // The token stays: who resolves wakes the state machine by whatever token is there then.
        let update = update.update_expression(format!("{set} REMOVE firing{remove}"));
        let update = update.build().map_err(|e| StepError::Stuck(e.into()))?;
        let mut items = vec![TransactWriteItem::builder().update(update).build()];
        if incident.status.holds_group_key() {
            items.push(TransactWriteItem::builder().update(self.move_pointer(incident, Status::Resolved)?).build());
        }
        Ok(self.transact(items).await? == Taken::Done)
    }

    /// Records a sealed pass of evidence; sealing it again writes the same.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn evidence_sealed(&self, id: &str, opening: u32, pass: &SealedPass) -> Result<(), StepError> {
        let update = self
            .update_incident(id)
            .update_expression("SET #pass = :pass")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#pass", incident_item::pass_attribute(opening, &pass.pass))
            .expression_attribute_values(":pass", json(pass)?);
        changed(update).await.map(drop)
    }

    /// Records when the trouble began, where the signal did not say and evidence shows it; the first answer stays.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn onset_found(&self, id: &str, opening: u32, onset: Timestamp) -> Result<bool, StepError> {
        let update = self
            .update_incident(id)
            .update_expression("SET onset = :onset")
            .condition_expression("opening = :opening AND attribute_not_exists(onset)")
            .expression_attribute_values(":opening", n(opening))
            .expression_attribute_values(":onset", at(onset));
        changed(update).await
    }

    /// Records where the postmortem is.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn postmortem_written(&self, id: &str, opening: u32, keys: &PostmortemKeys) -> Result<(), StepError> {
        let update = self
            .update_incident(id)
            .update_expression("SET #postmortem = :keys")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#postmortem", incident_item::postmortem_attribute(opening))
            .expression_attribute_values(":keys", json(keys)?);
        changed(update).await.map(drop)
    }

    /// Raises the run of an opening, so that a new execution may serve it; `false` where somebody did.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn raise_run(&self, id: &str, opening: u32, from_run: u32) -> Result<bool, StepError> {
        let update = self
            .update_incident(id)
            .update_expression("ADD run :one REMOVE recovery_token")
            .condition_expression("opening = :opening AND run = :run AND #status IN (:open, :mitigated)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":opening", n(opening))
            .expression_attribute_values(":run", n(from_run))
            .expression_attribute_values(":open", s(Status::Open.as_str()))
            .expression_attribute_values(":mitigated", s(Status::Mitigated.as_str()))
            .expression_attribute_values(":one", n(1_u64));
        changed(update).await
    }

    /// Our own machinery gives up: a person resolves or cancels it, and the group key is free. `false` where the incident
    /// changed since it was read.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn stuck(&self, incident: &Incident, when: Timestamp) -> Result<bool, StepError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&keys::incident(incident.id()), keys::META)))
            .update_expression("SET #status = :stuck, stuck_at = :at")
            .condition_expression("opening = :opening AND #status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":opening", n(incident.opening))
            .expression_attribute_values(":status", s(incident.status.as_str()))
            .expression_attribute_values(":stuck", s(Status::Stuck.as_str()))
            .expression_attribute_values(":at", at(when));
        let items = vec![
            TransactWriteItem::builder().update(update.build().map_err(|e| StepError::Stuck(e.into()))?).build(),
            TransactWriteItem::builder().update(self.move_pointer(incident, Status::Stuck)?).build(),
        ];
        Ok(self.transact(items).await? == Taken::Done)
    }

    /// What a person resolved while it fired was looked at again.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn rechecked(&self, id: &str) -> Result<(), StepError> {
        let update = self.update_incident(id).update_expression("REMOVE recheck_at");
        changed(update.condition_expression("attribute_exists(recheck_at)")).await.map(drop)
    }

    pub(crate) fn update_incident(&self, id: &str) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).set_key(Some(key(&keys::incident(id), keys::META)))
    }

    /// The group's pointer follows the incident's status.
    pub(crate) fn move_pointer(&self, incident: &Incident, to: Status) -> Result<Update, StepError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&keys::open(&group_hash(incident)), keys::META)))
            .update_expression("SET #status = :status")
            .condition_expression("incident_id = :incident")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":incident", s(incident.id()))
            .expression_attribute_values(":status", s(to.as_str()));
        update.build().map_err(|e| StepError::Stuck(e.into()))
    }
}

/// What fires is what was read: a signal that joined since is not resolved with the others.
fn same_firing(incident: &Incident) -> &'static str {
    if incident.firing.is_empty() { "attribute_not_exists(firing)" } else { "firing = :firing" }
}

fn firing_value(incident: &Incident) -> Option<Item> {
    let firing = AttributeValue::Ss(incident.firing.iter().cloned().collect());
    (!incident.firing.is_empty()).then(|| Item::from([(":firing".to_owned(), firing)]))
}

fn group_hash(incident: &Incident) -> String {
    let (opened, plan) = (&incident.opened, incident.plan());
    let account = opened.account.as_deref();
    GroupKey::new(&plan.plan, &plan.service, &plan.environment, account, opened.drill).hash().to_owned()
}

/// Whether a conditional write happened. A transaction on the same item is over in milliseconds, and the SDK does not
/// try again by itself.
pub(crate) async fn changed(update: UpdateItemFluentBuilder) -> Result<bool, StepError> {
    for pause in [10, 40, 160, 0] {
        match update.clone().send().await {
            Ok(_) => return Ok(true),
            Err(e) => match e.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => return Ok(false),
                Some(UpdateItemError::TransactionConflictException(_)) if pause > 0 => {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                _ => return Err(sdk_error("the incident could not be written", e)),
            },
        }
    }
    Err(StepError::transient("the incident could not be written: others are writing it"))
}
