//! The rise of an incident's severity: one transaction with its line in the timeline.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use incident::{Entry, Incident, Rise};
use step::StepError;

use crate::item::{at, json, key, n, s};
use crate::signal_items::put;
use crate::{Store, Taken, keys};

impl Store {
    /// Raises the severity. Where `engage` says so, the next engagement begins, unacknowledged; whoever raises starts its
    /// execution, and `sweep` does where that was lost. `false` where the incident changed since it was read.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn raise(&self, incident: &Incident, rise: &Rise, engage: bool, step: &str) -> Result<bool, StepError> {
        let Rise { from, to, why, at: when } = rise;
        let next =
            if engage { ", engaged_at = :at ADD engagement :one REMOVE acknowledged_by, acknowledged_at" } else { "" };
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&keys::incident(incident.id()), keys::META)))
            .update_expression(format!("SET severity = :to, raised = :rise{next}"))
            .condition_expression(
                "opening = :opening AND engagement = :engagement AND #status = :status AND severity = :from \
                 AND attribute_exists(firing)",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":to", s(to.as_str()))
            .expression_attribute_values(":rise", json(rise)?)
            .expression_attribute_values(":opening", n(incident.opening))
            .expression_attribute_values(":engagement", n(incident.engagement))
            .expression_attribute_values(":status", s(incident.status.as_str()))
            .expression_attribute_values(":from", s(from.as_str()));
        let update = if engage {
            update.expression_attribute_values(":at", at(*when)).expression_attribute_values(":one", n(1_u64))
        } else {
            update
        };
        let update = update.build().map_err(|e| StepError::Stuck(e.into()))?;
        let cause = ["raised", incident.id(), &incident.opening.to_string(), to.as_str()];
        let entry = Entry::new(*when, step, &cause, format!("raised from {from} to {to}: {why}"));
        let items =
            vec![TransactWriteItem::builder().update(update).build(), put(self.put_entry(incident.id(), &entry)?)];
        Ok(self.transact(items).await? == Taken::Done)
    }
}

#[cfg(test)]
mod tests {
    use response_plan::Severity;
    use serde_json::{Value, json};

    use super::*;
    use crate::incident_item;
    use crate::tests::{answering, opened};

    #[tokio::test]
    async fn a_rise_is_one_transaction_on_what_was_read() {
        let (opened, group) = opened();
        let incident = incident_item::read(&incident_item::opening(&opened, &group).unwrap()).unwrap();
        let (why, at) = ("2 services fire at once: a, b".to_owned(), incident.opened.opened_at);
        let rise = Rise { from: Severity::Sev3, to: Severity::Sev1, why, at };
        for engage in [true, false] {
            let (store, client) = answering(&[(200, json!({}))]);
            assert!(store.raise(&incident, &rise, engage, "sweep").await.unwrap());
            let sent = client.actual_requests().next().unwrap();
            let sent: Value = serde_json::from_slice(sent.body().bytes().unwrap()).unwrap();
            let update = &sent["TransactItems"][0]["Update"];
            let expression = update["UpdateExpression"].as_str().unwrap();
            assert!(expression.starts_with("SET severity = :to, raised = :rise"), "{expression}");
            assert_eq!(expression.contains("engagement :one REMOVE acknowledged_by, acknowledged_at"), engage);
            let values = &update["ExpressionAttributeValues"];
            assert_eq!((&values[":from"]["S"], &values[":engagement"]["N"]), (&json!("SEV3"), &json!("1")));
            let entry = &sent["TransactItems"][1]["Put"]["Item"]["what"]["S"];
            assert_eq!(entry, "raised from SEV3 to SEV1: 2 services fire at once: a, b");
        }
        let lost = json!({"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "message": "m",
                          "CancellationReasons": [{"Code": "ConditionalCheckFailed"}, {"Code": "None"}]});
        let (store, _) = answering(&[(400, lost)]);
        assert!(!store.raise(&incident, &rise, true, "sweep").await.unwrap(), "it changed since it was read");
    }
}
