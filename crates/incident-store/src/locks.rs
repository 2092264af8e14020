//! `LOCK#<ARN hash>`: one mitigation at a time on a resource, across incidents, with a lease and a fencing number.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use response_plan::Span;
use step::{StepError, sdk_error};

use crate::item::{Item, Row, key, n, s};
use crate::{Store, keys};

/// What came of asking for a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// It is yours until the lease ends; a later holder has a higher number.
    Mine {
        /// The fencing number.
        fencing: u64,
    },
    /// Another incident has it.
    Held {
        /// Who.
        by: String,
        /// Until when.
        until: Timestamp,
    },
}

impl Store {
    /// Takes the lock of a resource. The same holder enters again, keeps its number, and has a new lease.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written: then nothing is changed (guards fail closed).
    pub async fn lock(&self, arn: &str, holder: &str, now: Timestamp, lease: Span) -> Result<Lock, StepError> {
        let until = now + lease.signed();
        if let Some(fencing) = self.renew(arn, holder, until).await? {
            return Ok(Lock::Mine { fencing });
        }
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&keys::lock(arn), keys::META)))
            .update_expression("SET v = :v, arn = :arn, holder = :holder, until_s = :until ADD fencing :one")
            .condition_expression("attribute_not_exists(holder) OR until_s < :now")
            .expression_attribute_values(":v", n(incident::V))
            .expression_attribute_values(":arn", s(arn))
            .expression_attribute_values(":holder", s(holder))
            .expression_attribute_values(":until", n(seconds(until)))
            .expression_attribute_values(":now", n(seconds(now)))
            .expression_attribute_values(":one", n(1_u64))
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(answer) => Ok(Lock::Mine { fencing: Row(&answer.attributes.unwrap_or_default()).number("fencing")? }),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => held(failed.item(), holder),
                _ => Err(sdk_error("the lock of a resource could not be taken", error)),
            },
        }
    }

    /// Gives the lock back; not holding it any more is no error. The fencing number stays and goes on counting.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written; the lease ends by itself.
    pub async fn unlock(&self, arn: &str, holder: &str) -> Result<(), StepError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&keys::lock(arn), keys::META)))
            .update_expression("REMOVE holder")
            .condition_expression("holder = :holder")
            .expression_attribute_values(":holder", s(holder));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(e) if matches!(e.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) => {
                Ok(())
            }
            Err(e) => Err(sdk_error("the lock of a resource could not be given back", e)),
        }
    }

    async fn renew(&self, arn: &str, holder: &str, until: Timestamp) -> Result<Option<u64>, StepError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&keys::lock(arn), keys::META)))
            .update_expression("SET until_s = :until")
            .condition_expression("holder = :holder")
            .expression_attribute_values(":until", n(seconds(until)))
            .expression_attribute_values(":holder", s(holder))
            .return_values(ReturnValue::AllNew);
        match update.send().await {
            Ok(answer) => Row(&answer.attributes.unwrap_or_default()).number("fencing").map(Some),
            Err(e) if matches!(e.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) => {
                Ok(None)
            }
            Err(e) => Err(sdk_error("the lock of a resource could not be taken", e)),
        }
    }
}

fn seconds(instant: Timestamp) -> u64 {
    u64::try_from(instant.as_second()).unwrap_or(0)
}

/// Who has it, from the item that kept it from `asking`. That may be its own: the answer to the call that took the lock
/// was lost, and the SDK's second attempt met what the first had written.
fn held(item: Option<&Item>, asking: &str) -> Result<Lock, StepError> {
    let empty = Item::new();
    let row = Row(item.unwrap_or(&empty));
    let by = row.text("holder")?;
    if by == asking {
        return Ok(Lock::Mine { fencing: row.number("fencing")? });
    }
    let until = i64::try_from(row.number("until_s")?).ok().and_then(|s| Timestamp::from_second(s).ok());
    let until = until.ok_or_else(|| StepError::stuck("the lease of a lock is no instant"))?;
    Ok(Lock::Held { by, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by `cargo xtask faults --seed 11`: a mitigation refused itself, since its own lock was in its way.
    #[test]
    fn a_lock_that_ones_own_lost_answer_took_is_ones_own() {
        let item = Item::from([
            ("holder".to_owned(), s("inc-20261123-0123456789#1#1")),
            ("fencing".to_owned(), n(3_u64)),
            ("until_s".to_owned(), n(1_795_444_894_u64)),
        ]);
        let until = Timestamp::from_second(1_795_444_894).unwrap();
        let other = Lock::Held { by: "inc-20261123-0123456789#1#1".to_owned(), until };
        assert_eq!(held(Some(&item), "inc-20261123-0123456789#1#1").unwrap(), Lock::Mine { fencing: 3 });
        assert_eq!(held(Some(&item), "inc-20261123-ffffffffff#1#1").unwrap(), other);
        assert_eq!(held(None, "inc-20261123-ffffffffff#1#1").unwrap_err().name(), "Stuck");
    }
}
