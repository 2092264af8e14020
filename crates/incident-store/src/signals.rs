//! What triage writes: each action is one transaction whose conditions are what was read, so that two deliveries at
//! once, in any order, end as one of them alone would.

use aws_sdk_dynamodb::types::{Get, TransactGetItem, TransactWriteItem};
use incident::{Entry, FingerprintState, GroupKey, Incident, Known, KnownSignal, Opened, Status};
use jiff::Timestamp;
use signal::{Signal, State};
use step::{StepError, sdk_error};

use crate::item::{Row, key};
use crate::signal_items::{fingerprint_state, in_incident, is_being_written, is_lost_race, pointer, put, reference};
use crate::{Store, incident_item, keys, mutes};

/// What came of writing an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is written.
    Done,
    /// Something changed since it was read: look again, decide again.
    LostRace,
}

/// What a signal would open an incident with.
#[derive(Debug, Clone)]
pub struct Opening<'a> {
    /// The incident.
    pub opened: &'a Opened,
    /// Its group.
    pub group: &'a GroupKey,
}

impl Store {
    /// Reads what is known that bears on a signal, in one consistent read; `None` where somebody is writing it right now:
    /// look again.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn look(&self, signal: &Signal, group: &GroupKey) -> Result<Option<Known>, StepError> {
        let (signal_key, fingerprint) = (keys::signal(&signal.signal_id), keys::fingerprint(&signal.fingerprint));
        let wanted = [signal_key, fingerprint, keys::open(group.hash()), keys::MUTES.to_owned()];
        let gets = wanted.iter().map(|pk| self.transact_get(pk)).collect::<Result<Vec<_>, _>>()?;
        let answer = self.client.transact_get_items().set_transact_items(Some(gets)).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(e) if e.as_service_error().is_some_and(is_being_written) => return Ok(None),
            Err(e) => return Err(sdk_error("the incident table could not be read", e)),
        };
        let mut items = answer.responses.unwrap_or_default().into_iter().map(|r| r.item.unwrap_or_default());
        let mut next = || items.next().filter(|item| !item.is_empty());
        let mut known = Known {
            signal: next().map(|item| KnownSignal {
                incident: in_incident(Row(&item)),
                muted: mutes::kept_quiet(Row(&item)),
                storm: mutes::in_storm(Row(&item)),
            }),
            fingerprint: next().map(|item| fingerprint_state(&item)).transpose()?,
            pointer: next().map(|item| pointer(&item)).transpose()?,
            fires_in: None,
            ours: None,
            mutes: next().map(|item| mutes::readable(&item)).unwrap_or_default(),
            muted: None,
        };
        known.fires_in = self.fires_in(&known).await?;
        known.ours = self.ours(signal, &known).await?;
        if let Some(pointer) =
            known.pointer.as_mut().filter(|p| signal.state == State::Firing && p.status == Status::Resolved)
        {
            pointer.reopen_until = self.reopen_until(&pointer.incident_id).await?;
        }
        Ok(Some(known))
    }

    /// The incident in which the fingerprint fires, where it is not the group's and still holds its own group's key. One
    /// read more, and only where the plans have changed.
    async fn fires_in(&self, known: &Known) -> Result<Option<(String, u32)>, StepError> {
        let last = known.fingerprint.as_ref().filter(|last| last.state == State::Firing);
        let Some((id, opening)) = last.and_then(|last| last.incident.clone()) else { return Ok(None) };
        if known.signal.is_some() || known.pointer.as_ref().is_some_and(|pointer| pointer.incident_id == id) {
            return Ok(None);
        }
        Ok(self.firing_in(known).await?.map(|_| (id, opening)))
    }

    /// The last known state of a fingerprint.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn fingerprint(&self, fingerprint: &str) -> Result<Option<FingerprintState>, StepError> {
        let item = self.get(&keys::fingerprint(fingerprint), keys::META).await?;
        item.map(|item| fingerprint_state(&item)).transpose()
    }

    /// Opens an incident with a signal.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn open(&self, signal: &Signal, known: &Known, opening: Opening<'_>) -> Result<Taken, StepError> {
        let Opening { opened, group } = opening;
        let incident = (opened.id.clone(), 1);
        let flapping = if opened.flapping { ", flapping" } else { "" };
        let what = format!("opened as {}{flapping} by {}", opened.plan.plan.severity, opened.title);
        let entry = Entry::new(opened.opened_at, "triage", &["opened", &opened.id, "1"], what);
        let items = vec![
            put(self.put_signal(signal, opened.opened_at, Some(&incident), None)?),
            put(self.put_fingerprint(signal, known, Some(&incident))?),
            put(self.put_new(incident_item::opening(opened, group)?)?),
            put(self.put_pointer(group, (&opened.id, 1), known, signal)?),
            put(self.put_new(reference(signal, &opened.id, opened.opened_at))?),
            put(self.put_entry(&opened.id, &entry)?),
        ];
        self.transact(items).await
    }

    /// Joins a signal to an open incident. Where its fingerprint fires there already, the incident item stays as it is.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn join(
        &self,
        signal: &Signal,
        known: &Known,
        incident: &Incident,
        received: Timestamp,
    ) -> Result<Taken, StepError> {
        let id = incident.id();
        let unchanged = incident.status == Status::Open && incident.clear_since.is_none();
        let fires_already = unchanged && incident.firing.contains(&signal.fingerprint);
        let touch = if fires_already {
            TransactWriteItem::builder().condition_check(self.check_unchanged(incident)?).build()
        } else {
            TransactWriteItem::builder().update(self.add_firing(signal, incident, received)?).build()
        };
        let what = format!("fires: {}", signal.title);
        let entry = Entry::new(received, "triage", &["fires", id, &signal.signal_id], what);
        let joined = (id.to_owned(), incident.opening);
        let mut items = vec![
            put(self.put_signal(signal, received, Some(&joined), None)?),
            put(self.put_fingerprint(signal, known, Some(&joined))?),
            touch,
            put(self.put_new(reference(signal, id, received))?),
            put(self.put_entry(id, &entry)?),
        ];
        if incident.status == Status::Mitigated {
            items.push(TransactWriteItem::builder().update(self.move_pointer(incident, Status::Open)?).build());
        }
        self.transact(items).await
    }

    /// Takes a fingerprint out of what fires. The clear period starts at the latest recovery of all that fired.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn recover(
        &self,
        signal: &Signal,
        known: &Known,
        incident: &Incident,
        received: Timestamp,
    ) -> Result<Taken, StepError> {
        let id = incident.id();
        let since = incident.clear_since.map_or(signal.time, |before| before.max(signal.time));
        let update = self.take_firing(signal, incident, since)?;
        let entry = Entry::new(
            received,
            "triage",
            &["clear", id, &signal.signal_id],
            format!("clear since {}: {}", signal::to_second(signal.time), signal.title),
        );
        let joined = (id.to_owned(), incident.opening);
        let items = vec![
            put(self.put_signal(signal, received, Some(&joined), None)?),
            put(self.put_fingerprint(signal, known, Some(&joined))?),
            TransactWriteItem::builder().update(update).build(),
            put(self.put_new(reference(signal, id, received))?),
            put(self.put_entry(id, &entry)?),
        ];
        self.transact(items).await
    }

    /// Records a signal that changes nothing, with the reason.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn ignore(
        &self,
        signal: &Signal,
        known: &Known,
        reason: &str,
        newest: bool,
        received: Timestamp,
    ) -> Result<Taken, StepError> {
        let mut items = vec![put(self.put_signal(signal, received, None, Some(reason))?)];
        if newest {
            // What it last fired in stays known, so that the delivery looks after it.
            let incident = known.fingerprint.as_ref().and_then(|last| last.incident.as_ref());
            items.push(put(self.put_fingerprint(signal, known, incident)?));
        }
        self.transact(items).await
    }

    pub(crate) async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<Taken, StepError> {
        match self.client.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(Taken::Done),
            Err(e) if e.as_service_error().is_some_and(is_lost_race) => Ok(Taken::LostRace),
            Err(e) => Err(sdk_error("the incident table could not be written", e)),
        }
    }

    fn transact_get(&self, pk: &str) -> Result<TransactGetItem, StepError> {
        let get = Get::builder().table_name(&self.table).set_key(Some(key(pk, keys::META)));
        Ok(TransactGetItem::builder().get(get.build().map_err(|e| StepError::Stuck(e.into()))?).build())
    }
}
