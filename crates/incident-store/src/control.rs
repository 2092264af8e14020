//! `CONTROL#brake`: absent is off; unreadable means on, which the caller decides.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use step::{StepError, sdk_error};

use crate::item::{Build, Row, at, key, n, s};
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

    /// Pulls the brake, or lets it go, as somebody asked at `asked_at`; `false` where what was asked later stands. So an
    /// old `off` that comes late, or twice, never lets go a newer brake.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn set_brake(&self, brake: Option<&Brake>, asked_at: Timestamp) -> Result<bool, StepError> {
        let asked = n(u64::try_from(asked_at.as_millisecond()).unwrap_or(0));
        let newest = "attribute_not_exists(pk) OR asked_ms <= :asked";
        let Some(brake) = brake else {
            let delete = self.client.delete_item().table_name(&self.table);
            let delete = delete.set_key(Some(key(keys::BRAKE, keys::META))).condition_expression(newest);
            return match delete.expression_attribute_values(":asked", asked).send().await {
                Ok(_) => Ok(true),
                Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
                Err(e) => Err(sdk_error("the brake could not be let go", e)),
            };
        };
        let item = Build::new(keys::BRAKE, keys::META)
            .with("by", s(&brake.by))
            .with("reason", s(&brake.reason))
            .with("at", at(brake.at))
            .with("until", at(brake.until))
            .with("asked_ms", asked.clone())
            .done();
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).condition_expression(newest);
        match put.expression_attribute_values(":asked", asked).send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
            Err(e) => Err(sdk_error("the brake could not be pulled", e)),
        }
    }
}
