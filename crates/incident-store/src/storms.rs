//! Storms: `CONTROL#storm`, which has the storm that is on, `CONTROL#openings`, which counts what opens, and the members.
//!
//! What opens is counted by one write without a condition: hundreds of functions at once count into it, and none of them has
//! to try again. A group counts once, whatever comes twice. While a storm is on nothing is counted, and only the first, small
//! item is read.
//!
//! A member is a line below the storm's incident, `MEMBER#<storm>#<owner>#<group>#<signal id>`, written in the transaction
//! that records its signal, so that they can be counted exactly. Its signal waits in `SIG#<signal id>` as a muted one does, in
//! the index by status as `storm`, and does not expire.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use incident::{Known, Storm, StormMember};
use jiff::{SignedDuration, Timestamp};
use response_plan::StormRule;
use signal::Signal;
use step::{StepError, sdk_error};

use crate::item::{Build, Item, Row, at, json, key, s};
use crate::signal_items::{finish, put};
use crate::signals::Taken;
use crate::transitions::changed;
use crate::{Store, keys, mutes};

/// The status under which the index has what waits for the end of a storm; no incident has it.
pub(crate) const STORM: &str = "storm";

/// What an attribute begins with that says when a group opened.
const OPENED: &str = "opened#";

/// As many that are past are left, so that not every opening writes twice; and so many are taken away by one write, which an
/// expression has room for.
const PAST: usize = 16;
const AT_ONCE: usize = 100;

/// How long a claim to begin a storm keeps others from it. Two that begin it at once do no harm, and hundreds would be in
/// each other's way.
const LEASE: SignedDuration = SignedDuration::from_secs(1);

/// So much of a group's hash tells groups apart.
const GROUP: usize = 16;

/// So many of what waits for the end of a storm are handed on by one sweep, the first first.
const WAITING: usize = 2_000;

/// Whether it storms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Weather {
    /// The storm that is on.
    pub storm: Option<Storm>,
    /// When the last one was over: what opened before that begins no other.
    pub ended: Option<Timestamp>,
}

/// A signal that waits for the end of a storm.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The signal.
    pub signal: Signal,
    /// The storm.
    pub storm: String,
}

impl Store {
    /// Whether it storms.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn weather(&self) -> Result<Weather, StepError> {
        let Some(item) = self.get(keys::STORM, keys::META).await? else { return Ok(Weather::default()) };
        let row = Row(&item);
        let storm = item.contains_key("storm").then(|| row.parsed("storm")).transpose()?;
        Ok(Weather { storm, ended: row.find_instant("ended")? })
    }

    /// Counts that a group opens now, and gives when groups opened of late, this one among them. Counted twice it counts once.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn count_opening(
        &self,
        group: &str,
        rule: &StormRule,
        now: Timestamp,
    ) -> Result<Vec<Timestamp>, StepError> {
        let name = format!("{OPENED}{}", group.get(..GROUP).unwrap_or(group));
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(keys::OPENINGS, keys::META)));
        let counted = update
            .update_expression("SET #group = :now")
            .expression_attribute_names("#group", name)
            .expression_attribute_values(":now", at(now))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let item = counted.map_err(|e| sdk_error("what opens could not be counted", e))?.attributes.unwrap_or_default();
        let openings = openings(&item);
        let past: Vec<_> = openings.iter().filter(|(_, at)| **at + rule.within.signed() <= now).collect();
        if past.len() > PAST {
            let past = past.into_iter().take(AT_ONCE).map(|(name, at)| (name.as_str(), *at));
            if let Err(error) = self.forget_openings(past).await {
                // It is only in the way.
                tracing::warn!(error.chain = format!("{:#}", error.cause()), "what opened long ago was not taken away");
            }
        }
        Ok(openings.into_values().collect())
    }

    /// Takes away what is past, unless one of it has opened anew since.
    async fn forget_openings<'a>(&self, past: impl Iterator<Item = (&'a str, Timestamp)>) -> Result<(), StepError> {
        let mut update = self.client.update_item().table_name(&self.table);
        update = update.set_key(Some(key(keys::OPENINGS, keys::META)));
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

    /// Gives a claim back: the storm could not be begun.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written; the claim then ends by itself.
    pub async fn unclaim_storm(&self, claimed: Timestamp) -> Result<(), StepError> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(keys::STORM, keys::META)));
        let update = update.update_expression("REMOVE claimed").condition_expression("claimed = :claimed");
        changed(update.expression_attribute_values(":claimed", at(claimed))).await.map(drop)
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
    pub async fn end_storm(&self, id: &str, now: Timestamp) -> Result<bool, StepError> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(keys::STORM, keys::META)));
        let update = update
            .update_expression("SET ended = :now REMOVE storm, id")
            .condition_expression("id = :id")
            .expression_attribute_values(":now", at(now))
            .expression_attribute_values(":id", s(id));
        changed(update).await
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
            // Without a condition: one that was muted meanwhile is the same member.
            put(finish(self.put(line.done()))?),
        ])
        .await
    }

    /// The members of the storms that an incident stood for, by storm and owner; those of one, or of one owner in it, where
    /// they are named. One that does not read is left out, and logged: it spoils no other.
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
        let member = |item: &Item| Row(item).parsed("member").inspect_err(unreadable).ok();
        Ok(items.iter().filter_map(member).collect())
    }

    /// The ids of signals that wait for the end of a storm, the first first and not without end; only those that wait since
    /// before a time, where one is given. The index follows the table within a moment: see [`Store::waiting`].
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the list cannot be read.
    pub async fn waiting_since_before(&self, before: Option<Timestamp>) -> Result<Vec<String>, StepError> {
        let query = self.by_status(STORM).scan_index_forward(true);
        let query = match before {
            None => query,
            Some(before) => query
                .key_condition_expression("#status = :status AND opened_at < :before")
                .expression_attribute_values(":before", at(before)),
        };
        let mut found = query.into_paginator().items().send();
        let mut ids = Vec::new();
        while let Some(item) = found.next().await {
            let item =
                item.map_err(|e| sdk_error("the list of what waits for the end of a storm could not be read", e))?;
            ids.extend(Row(&item).text("pk")?.strip_prefix("SIG#").map(str::to_owned));
            if ids.len() == WAITING {
                break;
            }
        }
        Ok(ids)
    }

    /// A signal that waits for the end of a storm; `None` where it does not any more.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn waiting(&self, signal_id: &str) -> Result<Option<Waiting>, StepError> {
        let Some(item) = self.get(&keys::signal(signal_id), keys::META).await? else { return Ok(None) };
        let (row, storm) = (Row(&item), mutes::in_storm(Row(&item)));
        storm.map(|storm| Ok(Waiting { signal: row.parsed("signal")?, storm })).transpose()
    }
}

fn unreadable(error: &StepError) {
    tracing::error!(error.chain = format!("{:#}", error.cause()), "a member of a storm cannot be read");
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
