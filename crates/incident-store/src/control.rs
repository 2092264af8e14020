//! `CONTROL#brake`: absent is off; unreadable means on, which the caller decides.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use step::{StepError, sdk_error};

use crate::item::{Build, Row, at, key, s};
use crate::{Store, keys};

/// The brake: no mitigation is applied while it is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brake {
    /// Who pulled it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// When it lets go by itself.
    pub until: Timestamp,
}

impl Store {
    /// The brake as it was pulled, `None` where it is off; whether it has let go by itself is for the caller's clock.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where it cannot be read: treat that as on.
    pub async fn brake(&self) -> Result<Option<Brake>, StepError> {
        let Some(item) = self.get(keys::BRAKE, keys::META).await? else { return Ok(None) };
        let row = Row(&item);
        let (by, reason) = (row.text("by")?, row.text("reason")?);
        Ok(Some(Brake { by, reason, at: row.instant("at")?, until: row.instant("until")? }))
    }

    /// Pulls the brake, or lets it go.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn set_brake(&self, brake: Option<&Brake>) -> Result<(), StepError> {
        let failed = "the brake could not be set";
        let Some(brake) = brake else {
            let delete = self.client.delete_item().table_name(&self.table);
            let delete = delete.set_key(Some(key(keys::BRAKE, keys::META))).send().await;
            return delete.map_err(|e| sdk_error(failed, e)).map(drop);
        };
        let item = Build::new(keys::BRAKE, keys::META)
            .with("by", s(&brake.by))
            .with("reason", s(&brake.reason))
            .with("at", at(brake.at))
            .with("until", at(brake.until))
            .done();
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map_err(|e| sdk_error(failed, e)).map(drop)
    }
}
