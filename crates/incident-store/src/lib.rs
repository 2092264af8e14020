//! The incident's life in DynamoDB: one table, and the only crate that names its SDK.
//!
//! Every write is conditional on what was read, and every transition is one write or one transaction, so that a function
//! may be killed after any of them and run again. A lost race is an answer (`false`, or another [`Taken`]), not an error.

mod changes;
mod commands;
mod control;
mod digests;
mod in_force;
mod incident_item;
mod item;
mod keys;
mod list;
mod locks;
mod mitigations;
mod mutes;
mod openings;
mod ours;
mod pages;
mod promote;
mod rises;
mod signal_items;
mod signals;
mod storms;
mod timeline;
mod told;
mod transitions;

#[cfg(test)]
mod tests;

pub use control::Brake;
pub use list::{IncidentLine, Page};
pub use locks::Lock;
pub use mutes::{MutedSignal, Mutes};
pub use pages::{Claim, PageKey, SentPage};
pub use promote::Recorded;
pub use signals::{Opening, Taken};
pub use storms::{Waiting, Weather};
pub use told::ToldLine;

use aws_sdk_dynamodb::Client;
use incident::{Incident, is_incident_id};
use step::{StepError, sdk_error};

/// The table. Cloning is cheap: the client is shared.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// A store on a table; nothing is asked of the network.
    pub fn new(config: &aws_types::SdkConfig, table: impl Into<String>) -> Self {
        Self { client: Client::new(config), table: table.into() }
    }

    /// The incident as it is now, read consistently; `None` where there is none.
    ///
    /// # Errors
    /// `Rejected` where the id has not the form of one; `Transient` or `Stuck` where the table cannot be read.
    pub async fn incident(&self, id: &str) -> Result<Option<Incident>, StepError> {
        if !is_incident_id(id) {
            return Err(StepError::rejected(format!(
                "`{id}` is no incident id; one looks like inc-20261123-0123456789"
            )));
        }
        let item = self.get(&keys::incident(id), keys::META).await?;
        item.map(|item| incident_item::read(&item)).transpose()
    }

    /// The incident, which must be there.
    ///
    /// # Errors
    /// As [`Store::incident`], and `Rejected` where there is none.
    pub async fn load(&self, id: &str) -> Result<Incident, StepError> {
        let found = self.incident(id).await?;
        found
            .ok_or_else(|| StepError::rejected(format!("there is no incident {id}; `tourniquet incidents` lists them")))
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<item::Item>, StepError> {
        let answer = self.client.get_item().table_name(&self.table).set_key(Some(item::key(pk, sk)));
        let answer = answer.consistent_read(true).send().await;
        Ok(answer.map_err(|e| sdk_error("the incident table could not be read", e))?.item)
    }

    /// All items of a partition whose sort key begins with `prefix`, in order.
    async fn all(&self, pk: &str, prefix: &str) -> Result<Vec<item::Item>, StepError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", item::s(pk))
            .expression_attribute_values(":sk", item::s(prefix));
        let mut pages = query.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(found) = pages.next().await {
            items.push(found.map_err(|e| sdk_error("the incident table could not be read", e))?);
        }
        Ok(items)
    }
}
