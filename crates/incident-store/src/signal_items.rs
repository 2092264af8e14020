//! The items that a signal's transaction is made of, each with the condition that what was read still holds.

use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem, Update};
use incident::{FingerprintState, GroupKey, Incident, Known, OpenPointer, Status};
use jiff::Timestamp;
use signal::{Signal, State};
use step::StepError;

use crate::item::{Build, Item, Row, at, instants, json, key, n, s, set};
use crate::{Store, keys};

/// Signals are kept for so long.
const SIGNAL_DAYS: i64 = 30;

/// When the record of a signal that was received now may go, in seconds since 1970, as the table wants it.
pub(crate) fn expires(received: Timestamp) -> u64 {
    u64::try_from(received.as_second() + SIGNAL_DAYS * 86_400).unwrap_or(0)
}

/// Why a transaction was cancelled that is to be tried again.
const LOOK_AGAIN: [&str; 4] =
    ["ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

pub(crate) fn put(put: Put) -> TransactWriteItem {
    TransactWriteItem::builder().put(put).build()
}

/// A condition that failed, or another transaction on the same items: both mean that somebody was faster. Too much at once
/// on one of the items, of which the SDK knows nothing in here, wants the same: a pause, and another look.
pub(crate) fn is_lost_race(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { return false };
    cancelled.cancellation_reasons().iter().any(|reason| reason.code().is_some_and(|code| LOOK_AGAIN.contains(&code)))
}

/// A transaction is writing what was to be read; the SDK does not read again by itself.
pub(crate) fn is_being_written(error: &TransactGetItemsError) -> bool {
    let TransactGetItemsError::TransactionCanceledException(cancelled) = error else { return false };
    cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("TransactionConflict"))
}

impl Store {
    pub(crate) fn put_new(&self, item: Item) -> Result<Put, StepError> {
        finish(self.put(item).condition_expression("attribute_not_exists(pk)"))
    }

    /// `SIG#<signal id>`: the payload, the incident, and why it changed nothing where it did not.
    pub(crate) fn put_signal(
        &self,
        signal: &Signal,
        received: Timestamp,
        incident: Option<&(String, u32)>,
        reason: Option<&str>,
    ) -> Result<Put, StepError> {
        let item = Build::new(&keys::signal(&signal.signal_id), keys::META)
            .with("signal", json(signal)?)
            .with("received_at", at(received))
            .with("expires", n(expires(received)))
            .with_some("incident_id", incident.map(|(id, _)| s(id)))
            .with_some("opening", incident.map(|(_, opening)| n(*opening)))
            .with_some("reason", reason.map(s));
        self.put_unless_taken(item.done())
    }

    /// `FP#<hash>`, unless it changed since it was read.
    pub(crate) fn put_fingerprint(
        &self,
        signal: &Signal,
        known: &Known,
        incident: Option<&(String, u32)>,
    ) -> Result<Put, StepError> {
        let item = Build::new(&keys::fingerprint(&signal.fingerprint), keys::META)
            .with("fingerprint", s(&signal.fingerprint))
            .with("state", s(signal.state.as_str()))
            .with("time", at(signal.time))
            .with_some("incident_id", incident.map(|(id, _)| s(id)))
            .with_some("opening", incident.map(|(_, opening)| n(*opening)));
        let put = self.put(item.done());
        finish(match &known.fingerprint {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(last) => put
                .condition_expression("#state = :state AND #time = :time")
                .expression_attribute_names("#state", "state")
                .expression_attribute_names("#time", "time")
                .expression_attribute_values(":state", s(last.state.as_str()))
                .expression_attribute_values(":time", at(last.time)),
        })
    }

    /// `OPEN#<group hash>`, unless it changed since it was read.
    pub(crate) fn put_pointer(
        &self,
        group: &GroupKey,
        (id, opening): (&str, u32),
        known: &Known,
        signal: &Signal,
    ) -> Result<Put, StepError> {
        let openings = incident::openings(known.pointer.as_ref(), signal.time);
        let item = Build::new(&keys::open(group.hash()), keys::META)
            .with("incident_id", s(id))
            .with("opening", n(opening))
            .with("status", s(Status::Open.as_str()))
            .with("openings", instants(openings));
        let put = self.put(item.done());
        finish(match &known.pointer {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("incident_id = :incident AND opening = :opening AND #status = :status")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":incident", s(&before.incident_id))
                .expression_attribute_values(":opening", n(before.opening))
                .expression_attribute_values(":status", s(before.status.as_str())),
        })
    }

    /// A fingerprint more fires. A mitigated incident is open again: the next engagement begins, unacknowledged.
    pub(crate) fn add_firing(
        &self,
        signal: &Signal,
        incident: &Incident,
        received: Timestamp,
    ) -> Result<Update, StepError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&keys::incident(incident.id()), keys::META)))
            .condition_expression("opening = :opening AND #status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":opening", n(incident.opening))
            .expression_attribute_values(":status", s(incident.status.as_str()))
            .expression_attribute_values(":fingerprint", set(&signal.fingerprint));
        let update = if incident.status == Status::Mitigated {
            update
                .update_expression(
                    "ADD firing :fingerprint, engagement :one SET #status = :open, engaged_at = :received, \
                     fires_since = :received REMOVE clear_since, mitigated_at, acknowledged_by, acknowledged_at",
                )
                .expression_attribute_values(":received", at(received))
                .expression_attribute_values(":open", s(Status::Open.as_str()))
                .expression_attribute_values(":one", n(1_u64))
        } else if incident.firing.is_empty() {
            update
                .update_expression("ADD firing :fingerprint SET fires_since = :received REMOVE clear_since")
                .expression_attribute_values(":received", at(received))
        } else {
            update.update_expression("ADD firing :fingerprint REMOVE clear_since")
        };
        update.build().map_err(|e| StepError::Stuck(e.into()))
    }

    /// A fingerprint less fires.
    pub(crate) fn take_firing(
        &self,
        signal: &Signal,
        incident: &Incident,
        since: Timestamp,
    ) -> Result<Update, StepError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&keys::incident(incident.id()), keys::META)))
            .update_expression("DELETE firing :fingerprint SET clear_since = :since")
            .expression_attribute_values(":fingerprint", set(&signal.fingerprint))
            .expression_attribute_values(":since", at(since))
            .expression_attribute_values(":opening", n(incident.opening));
        let update = match incident.clear_since {
            None => update.condition_expression("opening = :opening AND attribute_not_exists(clear_since)"),
            Some(before) => update
                .condition_expression("opening = :opening AND clear_since = :before")
                .expression_attribute_values(":before", at(before)),
        };
        update.build().map_err(|e| StepError::Stuck(e.into()))
    }

    /// The incident is as it was read, without a write to it.
    pub(crate) fn check_unchanged(&self, incident: &Incident) -> Result<ConditionCheck, StepError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key(&keys::incident(incident.id()), keys::META)))
            .condition_expression("opening = :opening AND #status = :status AND attribute_not_exists(clear_since)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":opening", n(incident.opening))
            .expression_attribute_values(":status", s(incident.status.as_str()));
        check.build().map_err(|e| StepError::Stuck(e.into()))
    }

    pub(crate) fn put(&self, item: Item) -> PutBuilder {
        Put::builder().table_name(&self.table).set_item(Some(item))
    }
}

pub(crate) fn finish(put: PutBuilder) -> Result<Put, StepError> {
    put.build().map_err(|e| StepError::Stuck(e.into()))
}

/// `INC#<id>` / `SIG#<signal id>`: which signals an incident has.
pub(crate) fn reference(signal: &Signal, id: &str, received: Timestamp) -> Item {
    Build::new(&keys::incident(id), &keys::signal(&signal.signal_id))
        .with("fingerprint", s(&signal.fingerprint))
        .with("state", s(signal.state.as_str()))
        .with("time", at(signal.time))
        .with("received_at", at(received))
        .done()
}

pub(crate) fn in_incident(item: Row<'_>) -> Option<(String, u32)> {
    Some((item.find_text("incident_id")?, item.small("opening").ok()?))
}

pub(crate) fn fingerprint_state(item: &Item) -> Result<FingerprintState, StepError> {
    let row = Row(item);
    let state = match row.text("state")?.as_str() {
        "firing" => State::Firing,
        "recovered" => State::Recovered,
        other => return Err(StepError::stuck(format!("`{other}` is no state of a fingerprint"))),
    };
    Ok(FingerprintState { state, time: row.instant("time")?, incident: in_incident(row) })
}

pub(crate) fn pointer(item: &Item) -> Result<OpenPointer, StepError> {
    let row = Row(item);
    Ok(OpenPointer {
        incident_id: row.text("incident_id")?,
        opening: row.small("opening")?,
        status: crate::incident_item::status(item)?,
        reopen_until: None,
        openings: row.instants("openings"),
    })
}
