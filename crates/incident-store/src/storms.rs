//! Storms: `CONTROL#storm`, which counts what opens and has the storm that is on, and its members.
//!
//! What opens is counted by one write without a condition on what was read: hundreds of functions at once count into it, and
//! none of them has to try again. A group counts once, whatever comes twice.
//!
//! A member is a line below the storm's incident, `MEMBER#<storm>#<owner>#<group>#<signal id>`, written once in the
//! transaction that records its signal, so that they can be counted exactly. Its signal waits in `SIG#<signal id>` as a muted
//! one does, in the index by status as `storm`, and does not expire.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use incident::{Known, Storm, StormMember};
use jiff::{SignedDuration, Timestamp};
use response_plan::StormRule;
use signal::Signal;
use step::{StepError, sdk_error};

use crate::item::{Build, Item, Row, at, json, key, s};
use crate::signal_items::put;
use crate::signals::Taken;
use crate::transitions::changed;
use crate::{Store, keys};

/// The status under which the index has what waits for the end of a storm; no incident has it.
pub(crate) const STORM: &str = "storm";

/// What an attribute begins with that says when a group opened.
const OPENED: &str = "opened#";

/// As many that are past are left, so that not every opening writes twice; and so many are taken away by one write, which an
/// expression has room for.
const PAST: usize = 16;
const AT_ONCE: usize = 100;

/// How long a claim to begin a storm keeps others from it: longer than triage works on a signal.
const LEASE: SignedDuration = SignedDuration::from_secs(10);

/// So much of a group's hash tells groups apart.
const GROUP: usize = 16;

/// Whether it storms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weather {
    /// A storm is on.
    Storm(Storm),
    /// None is. When groups opened of late, the one that was counted among them.
    Fair(Vec<Timestamp>),
}

impl Store {
    /// The storm that is on; `None` where none is.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn storm(&self) -> Result<Option<Storm>, StepError> {
        let item = self.get(keys::STORM, keys::META).await?;
        item.map_or(Ok(None), |item| on(&item))
    }

    /// Counts that a group opens now, unless a storm is on. Counted twice it counts once.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn count_opening(&self, group: &str, rule: &StormRule, now: Timestamp) -> Result<Weather, StepError> {
        let name = format!("{OPENED}{}", group.get(..GROUP).unwrap_or(group));
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(keys::STORM, keys::META)));
        let counted = update
            .update_expression("SET #group = :now")
            .condition_expression("attribute_not_exists(storm)")
            .expression_attribute_names("#group", name)
            .expression_attribute_values(":now", at(now))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let item = match counted {
            Ok(counted) => counted.attributes.unwrap_or_default(),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                // One that has just ended has not ended for this.
                return Ok(self.storm().await?.map_or(Weather::Fair(Vec::new()), Weather::Storm));
            }
            Err(e) => return Err(sdk_error("what opens could not be counted", e)),
        };
        let openings = openings(&item);
        let past: Vec<_> = openings.iter().filter(|(_, at)| **at + rule.within.signed() <= now).collect();
        if past.len() > PAST {
            self.forget_openings(past.into_iter().take(AT_ONCE).map(|(name, at)| (name.as_str(), *at))).await?;
        }
        Ok(Weather::Fair(openings.into_values().collect()))
    }

    /// Takes away what is past, unless one of it has opened anew since.
    async fn forget_openings<'a>(&self, past: impl Iterator<Item = (&'a str, Timestamp)>) -> Result<(), StepError> {
        let mut update = self.client.update_item().table_name(&self.table);
        update = update.set_key(Some(key(keys::STORM, keys::META)));
        let (mut names, mut conditions) = (Vec::new(), Vec::new());
        for (n, (name, opened)) in past.enumerate() {
            update = update.expression_attribute_names(format!("#g{n}"), name);
            update = update.expression_attribute_values(format!(":t{n}"), at(opened));
            names.push(format!("#g{n}"));
            conditions.push(format!("#g{n} = :t{n}"));
        }
        let update = update.update_expression(format!("REMOVE {}", names.join(", ")));
        changed(update.condition_expression(conditions.join(" AND "))).await.map(drop)
    }

    /// Claims to begin a storm, for as long as that takes; `false` where one is on, or somebody is beginning one. Of hundreds
    /// at once one opens its incident.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn claim_storm(&self, now: Timestamp) -> Result<bool, StepError> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(keys::STORM, keys::META)));
        let free = "attribute_not_exists(storm) AND (attribute_not_exists(claimed) OR claimed < :stale)";
        let update = update
            .update_expression("SET claimed = :now")
            .condition_expression(free)
            .expression_attribute_values(":now", at(now))
            .expression_attribute_values(":stale", at(now - LEASE));
        changed(update).await
    }

    /// A storm begins, unless one is on; `false` where one is.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn begin_storm(&self, storm: &Storm) -> Result<bool, StepError> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(keys::STORM, keys::META)));
        let update = update
            .update_expression("SET storm = :storm, id = :id REMOVE claimed")
            .condition_expression("attribute_not_exists(storm)")
            .expression_attribute_values(":storm", json(storm)?)
            .expression_attribute_values(":id", s(&storm.id));
        changed(update).await
    }

    /// A storm is over; `false` where it was before.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn end_storm(&self, id: &str) -> Result<bool, StepError> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(keys::STORM, keys::META)));
        let update = update.update_expression("REMOVE storm, id").condition_expression("id = :id");
        changed(update.expression_attribute_values(":id", s(id))).await
    }

    /// Records what would open an incident as a member of a storm: the state of its fingerprint counts, and it waits for the
    /// end.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn join_storm(
        &self,
        signal: &Signal,
        known: &Known,
        storm: &Storm,
        member: &StormMember,
    ) -> Result<Taken, StepError> {
        let received = member.received_at;
        let item = Build::new(&keys::signal(&signal.signal_id), keys::META)
            .with("signal", json(signal)?)
            .with("received_at", at(received))
            .with("reason", s(format!("part of the storm {}", storm.id)))
            .with("storm", s(&storm.id))
            .with("status", s(STORM))
            .with("opened_at", at(received));
        let sk = keys::member(&storm.id, &member.team.name, &member.group, &signal.signal_id);
        let line = Build::new(&keys::incident(&storm.incident_id), &sk).with("member", json(member)?);
        self.transact(vec![
            put(self.put_unless_taken(item.done())?),
            put(self.put_fingerprint(signal, known, None)?),
            put(self.put_new(line.done())?),
        ])
        .await
    }

    /// The members of the storms that an incident stood for, by storm and owner; those of one, or of one owner in it, where
    /// they are named.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn storm_members(
        &self,
        incident_id: &str,
        storm: Option<&str>,
        owner: Option<&str>,
    ) -> Result<Vec<StormMember>, StepError> {
        let items = self.all(&keys::incident(incident_id), &keys::members(storm, owner)).await?;
        items.iter().map(|item| Row(item).parsed("member")).collect()
    }
}

fn on(item: &Item) -> Result<Option<Storm>, StepError> {
    if item.contains_key("storm") { Row(item).parsed("storm").map(Some) } else { Ok(None) }
}

/// When groups opened; what does not read is left out, since no page is to fail for it.
fn openings(item: &Item) -> BTreeMap<String, Timestamp> {
    let opened = |(name, value): (&String, &AttributeValue)| {
        Some((name.clone(), value.as_s().ok()?.parse().ok()?)).filter(|_| name.starts_with(OPENED))
    };
    item.iter().filter_map(opened).collect()
}

#[cfg(test)]
#[path = "storms_test.rs"]
mod tests;
