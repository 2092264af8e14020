//! What must hold before the world is changed. Values in, a proposal or one sentence out; what is not known says no.

use std::collections::BTreeSet;

use incident::{ChangeRecord, Incident, MitigationRecord, Status};
use incident_store::{Brake, Lock};
use jiff::Timestamp;
use response_plan::{Guards, Span};
use step::StepError;

use crate::alarm::{Alarm, State};
use crate::work::hash_of;

/// Where the broken resource lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) partition: String,
    pub(crate) account: String,
    pub(crate) region: String,
}

/// What is known about a target that serves one version at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The target, for messages.
    pub(crate) target: &'a str,
    /// The version that serves now.
    pub(crate) present: &'a str,
    /// Whether other versions serve beside it.
    pub(crate) split: bool,
    /// When the present version was made: the youngest that the change to it can look where the ledger does not tell.
    pub(crate) made_at: Option<Timestamp>,
    /// The ledger of the target's changes, newest first.
    pub(crate) ledger: &'a [ChangeRecord],
    /// The plan's own guards.
    pub(crate) limits: &'a Guards,
    /// The present instant.
    pub(crate) now: Timestamp,
}

/// Where the resource is, as the incident knows it.
pub(crate) fn place(incident: &Incident, partition: &str) -> Result<Place, String> {
    match (&incident.opened.account, &incident.opened.region) {
        (Some(account), Some(region)) => {
            Ok(Place { partition: partition.to_owned(), account: account.clone(), region: region.clone() })
        }
        _ => Err("the signal named no account and Region, so the target is not known; act by hand".to_owned()),
    }
}

/// Whether the brake is off: absent, or past its end. Unreadable is on.
pub(crate) fn brake_is_off(read: Result<Option<Brake>, StepError>, now: Timestamp) -> Result<(), String> {
    match read {
        Ok(Some(brake)) if now < brake.until => Err(format!(
            "the brake is on until {} ({}, by {}); `tourniquet brake off` lets it go",
            signal::to_second(brake.until),
            brake.reason,
            brake.by
        )),
        Ok(_) => Ok(()),
        Err(_) => Err("the brake could not be read, which counts as on; mend the access to the table".to_owned()),
    }
}

/// Whether the opening alarm fires now.
pub(crate) fn fires(alarm: Option<Alarm>) -> Result<(), String> {
    match alarm {
        Some(Alarm { state: State::Firing, .. }) => Ok(()),
        Some(_) => Err("the alarm is not firing now".to_owned()),
        None => Err("the alarm does not exist any more, so nothing says whether it fires now; act by hand".to_owned()),
    }
}

/// Whether the opening alarm still fires, right before a change. What cannot be read says no; what may be readable soon is
/// tried again.
///
/// # Errors
/// `Transient` where it may be readable soon.
pub(crate) fn still_fires(read: Result<Option<Alarm>, StepError>) -> Result<Result<(), String>, StepError> {
    match read {
        Ok(alarm) => Ok(fires(alarm)),
        Err(error @ StepError::Transient(_)) => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Whether an incident with this status may still be worked on.
pub(crate) fn is_under_way(status: Status) -> Result<(), String> {
    if status.holds_group_key() {
        Ok(())
    } else {
        Err(format!("the incident is {status}: nothing is changed any more"))
    }
}

/// Whether an approved plan is still what was approved, and in time.
pub(crate) fn approval_holds(record: &MitigationRecord, now: Timestamp) -> Result<(), String> {
    if record.plan_sha256 != hash_of(record) {
        return Err("the plan is not the one that was approved: its hash differs; act by hand".to_owned());
    }
    if record.decided_by.is_none() {
        return Err("no approver is recorded; act by hand".to_owned());
    }
    if now >= record.expires_at {
        return Err(format!("the approval expired at {}; act by hand", record.expires_at));
    }
    Ok(())
}

/// Whether the lock of the target is ours, and its fencing number.
pub(crate) fn lock_is_ours(lock: Lock) -> Result<u64, String> {
    match lock {
        Lock::Mine { fencing } => Ok(fencing),
        Lock::Held { by, until } => {
            Err(format!("another mitigation ({by}) holds the target until {until}; look at that one first"))
        }
    }
}

/// Whether a plan's words still lead to the resource that was planned for.
pub(crate) fn is_the_recorded(found: &str, recorded: &str) -> Result<(), String> {
    if found == recorded {
        return Ok(());
    }
    Err(format!("what the plan names is {found} now, and was {recorded} when it was planned; act by hand"))
}

/// Whether the plan lets one resource be changed.
pub(crate) fn one_target(limits: &Guards) -> Result<(), String> {
    if limits.max_targets < 1 {
        return Err("one resource would be changed and the plan allows none; raise `max_targets`".to_owned());
    }
    Ok(())
}

/// The version to go back to: the last one recorded as good, never "the one before".
pub(crate) fn decide(facts: &Facts<'_>) -> Result<String, String> {
    one_target(facts.limits)?;
    if facts.split {
        return Err(format!("the alias splits traffic between versions of {}; a person picks", facts.target));
    }
    let Some(good) = facts.ledger.iter().find(|change| change.good) else {
        return Err(format!(
            "no version of {} is recorded as good; record one with `tourniquet change record`",
            facts.target
        ));
    };
    if good.version == facts.present {
        return Err(format!("{} is already at the last version recorded as good, {}", facts.target, good.version));
    }
    change_is_recent(facts)?;
    one_change_since(facts, good)?;
    Ok(good.version.clone())
}

fn change_is_recent(facts: &Facts<'_>) -> Result<(), String> {
    let recorded = facts.ledger.iter().find(|change| change.version == facts.present).map(|change| change.at);
    let Some(changed_at) = recorded.or(facts.made_at) else {
        return Err(format!("when {} changed to version {} is not known; act by hand", facts.target, facts.present));
    };
    let window = window(facts)?;
    if facts.now.duration_since(changed_at) > window.signed() {
        return Err(format!(
            "{} changed to version {} at {changed_at}, longer than {window} ago; this change is not a likely cause, act by hand",
            facts.target, facts.present
        ));
    }
    Ok(())
}

fn window(facts: &Facts<'_>) -> Result<Span, String> {
    facts.limits.change_within.ok_or_else(|| "the plan does not say how old the change may be; act by hand".to_owned())
}

/// More than one version since the good one: which of them broke it is not known.
fn one_change_since(facts: &Facts<'_>, good: &ChangeRecord) -> Result<(), String> {
    let begin = facts.now - window(facts)?.signed();
    let since = facts.ledger.iter().filter(|change| !change.good && change.at > good.at && change.at >= begin);
    let mut versions: BTreeSet<&str> = since.map(|change| change.version.as_str()).collect();
    versions.insert(facts.present);
    if versions.len() > 1 {
        let named = versions.into_iter().collect::<Vec<_>>().join(", ");
        return Err(format!("several versions went live since {} was good ({named}); a person picks", good.version));
    }
    Ok(())
}

#[cfg(test)]
#[path = "guards_test.rs"]
mod tests;
