//! Lists of incidents by status, a page at a time.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use incident::Status;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use step::{StepError, sdk_error};

use crate::Store;
use crate::item::{Item, Row, at, s};

/// One line of a list: what the index carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentLine {
    /// The incident's id.
    pub incident_id: String,
    /// Where it stands.
    pub status: Status,
    /// How bad it is.
    pub severity: String,
    /// What broke.
    pub title: String,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: String,
    /// The team that owns the decision.
    pub owner: String,
    /// When it opened.
    pub opened_at: Timestamp,
    /// Who acknowledged it.
    pub acknowledged_by: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub incidents: Vec<IncidentLine>,
    /// Where the next page begins; opaque; `None` at the end.
    pub cursor: Option<String>,
}

/// So many lines a page.
const LINES: i32 = 50;

impl Store {
    /// Incidents with a status, newest first. The index follows the table within a moment: what has to be certain reads
    /// the incident itself.
    ///
    /// # Errors
    /// `Rejected` where the cursor is none of ours; `Transient` or `Stuck` where the table cannot be read.
    pub async fn list(&self, status: Status, cursor: Option<&str>) -> Result<Page, StepError> {
        let cursor = cursor.map(read_cursor).transpose()?;
        let query = self.by_status(status.as_str()).limit(LINES).set_exclusive_start_key(cursor);
        let answer = query.send().await.map_err(|e| sdk_error("the list of incidents could not be read", e))?;
        let incidents = answer.items().iter().map(line).collect::<Result<_, _>>()?;
        Ok(Page { incidents, cursor: answer.last_evaluated_key().map(write_cursor).transpose()? })
    }

    /// All incidents of a type that opened since, newest first. The index follows the table within a moment.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn of_type(&self, incident_type: &str, since: Timestamp) -> Result<Vec<IncidentLine>, StepError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by-type")
            .scan_index_forward(false)
            .key_condition_expression("incident_type = :type AND opened_at >= :since")
            .expression_attribute_values(":type", s(incident_type))
            .expression_attribute_values(":since", at(since));
        let mut found = query.into_paginator().items().send();
        let mut lines = Vec::new();
        while let Some(item) = found.next().await {
            lines.push(line(&item.map_err(|e| sdk_error("the list of incidents could not be read", e))?)?);
        }
        Ok(lines)
    }

    /// What the index by status has under one, the newest first.
    pub(crate) fn by_status(&self, status: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name("by-status")
            .scan_index_forward(false)
            .key_condition_expression("#status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", s(status))
    }
}

fn line(item: &Item) -> Result<IncidentLine, StepError> {
    let row = Row(item);
    Ok(IncidentLine {
        incident_id: row.text("id")?,
        status: crate::incident_item::status(item)?,
        severity: row.text("severity")?,
        title: row.text("title")?,
        service: row.text("service")?,
        environment: row.text("environment")?,
        owner: row.text("owner")?,
        opened_at: row.instant("opened_at")?,
        acknowledged_by: row.find_text("acknowledged_by"),
        resolved_at: row.find_instant("resolved_at")?,
    })
}

/// A cursor is the last key as JSON in hex: opaque, and safe in any shell.
fn write_cursor(key: &Item) -> Result<String, StepError> {
    let texts: HashMap<&String, &String> = key.iter().filter_map(|(k, v)| Some((k, v.as_s().ok()?))).collect();
    let json = serde_json::to_vec(&texts).map_err(|e| StepError::Stuck(e.into()))?;
    Ok(json.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn read_cursor(cursor: &str) -> Result<Item, StepError> {
    let read = || {
        let bytes = (0..cursor.len()).step_by(2).map(|i| u8::from_str_radix(cursor.get(i..i + 2)?, 16).ok());
        let texts: HashMap<String, String> = serde_json::from_slice(&bytes.collect::<Option<Vec<_>>>()?).ok()?;
        Some(texts.into_iter().map(|(k, v)| (k, AttributeValue::S(v))).collect())
    };
    read().ok_or_else(|| StepError::rejected("the cursor is none of ours; start the list again without it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_a_foreign_one_is_refused() {
        let key = crate::item::key("INC#inc-1", "META");
        let cursor = write_cursor(&key).unwrap();
        assert_eq!(read_cursor(&cursor).unwrap(), key);
        for foreign in ["x", "zz", "7b", "é", "7b7", ""] {
            assert_eq!(read_cursor(foreign).unwrap_err().name(), "Rejected", "{foreign}");
        }
    }
}
