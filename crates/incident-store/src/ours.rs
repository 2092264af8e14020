//! What our own mitigations cause, and where it belongs.

use incident::{Entry, Incident, Known, is_incident_id, may_be_ours, on_behalf_of};
use jiff::Timestamp;
use signal::Signal;
use step::StepError;

use crate::item::Row;
use crate::signal_items::{put, reference};
use crate::{Store, Taken, keys};

/// So many of a signal's resources are looked at: the failing thing's own comes first.
const RESOURCES: usize = 4;

impl Store {
    /// The open incident whose mitigation caused a signal: it made the call that the signal tells of, or had locked one of
    /// its resources when that happened. Of signals that no mitigation causes nothing is read.
    pub(crate) async fn ours(&self, signal: &Signal, known: &Known) -> Result<Option<(String, u32)>, StepError> {
        if known.signal.is_some() || signal.drill || !may_be_ours(signal) {
            return Ok(None);
        }
        let id = match on_behalf_of(signal) {
            Some(id) => Some(id.to_owned()),
            None => self.locked_by(signal).await?,
        };
        let Some(id) = id else { return Ok(None) };
        // What happened before the incident opened has another cause, however late it comes.
        let of_it = |i: &Incident| i.status.holds_group_key() && signal.time >= i.opened.signal.time;
        let incident = self.incident(&id).await?.filter(of_it);
        Ok(incident.map(|incident| (id, incident.opening)))
    }

    /// The incident that held the lock of one of the signal's resources at the signal's own time.
    async fn locked_by(&self, signal: &Signal) -> Result<Option<String>, StepError> {
        for arn in signal.resources.iter().take(RESOURCES) {
            let Some(item) = self.get(&keys::lock(arn), keys::META).await? else { continue };
            let row = Row(&item);
            let (holder, until) = (row.find_text("holder"), row.number("until_s").unwrap_or(0));
            // A holder is an incident with its opening and the number of its mitigation.
            let id = holder.as_deref().and_then(|holder| holder.split('#').next()).filter(|id| is_incident_id(id));
            if let Some(id) = id.filter(|_| u64::try_from(signal.time.as_second()).is_ok_and(|at| at <= until)) {
                return Ok(Some(id.to_owned()));
            }
        }
        Ok(None)
    }

    /// Records a signal that tells of what the incident's own mitigation does.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written.
    pub async fn inform(&self, signal: &Signal, incident: &Incident, received: Timestamp) -> Result<Taken, StepError> {
        let id = incident.id();
        let joined = (id.to_owned(), incident.opening);
        let what = format!("by its own mitigation: {}", signal.title);
        let entry = Entry::new(received, "triage", &["informs", id, &signal.signal_id], what);
        self.transact(vec![
            put(self.put_signal(signal, received, Some(&joined), None)?),
            put(self.put_new(reference(signal, id, received))?),
            put(self.put_entry(id, &entry)?),
        ])
        .await
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use serde_json::{Value, json};
    use signal::Kind;

    use super::*;
    use crate::incident_item;
    use crate::tests::{answering, opened, signal};

    /// An item as the service writes it.
    fn wire(item: crate::item::Item) -> Value {
        let value = |value: AttributeValue| match value {
            AttributeValue::N(n) => json!({"N": n}),
            AttributeValue::Bool(b) => json!({"BOOL": b}),
            AttributeValue::Ss(ss) => json!({"SS": ss}),
            other => json!({"S": other.as_s().unwrap()}),
        };
        json!({"Item": item.into_iter().map(|(name, v)| (name, value(v))).collect::<serde_json::Map<_, _>>()})
    }

    fn deployment() -> Signal {
        let arn = |name: &str| format!("arn:aws:lambda:eu-west-1:111122223333:function:{name}");
        Signal { kind: Kind::Deployment, resources: vec![arn("one"), arn("two:live")], ..signal() }
    }

    /// What is found of a signal, where the second of its resources has this lock; and how often the table was asked.
    async fn found(signal: &Signal, lock: Value, status: &str) -> (Option<(String, u32)>, usize) {
        let (opened, group) = opened();
        let mut item = incident_item::opening(&opened, &group).unwrap();
        item.insert("status".into(), AttributeValue::S(status.into()));
        let (store, client) = answering(&[(200, json!({})), (200, json!({"Item": lock})), (200, wire(item))]);
        let ours = store.ours(signal, &Known::default()).await.unwrap();
        (ours, client.actual_requests().count())
    }

    #[tokio::test]
    async fn what_happens_to_a_locked_resource_is_its_incidents() {
        let id = opened().0.id;
        let at = signal().time.as_second();
        let held = |until: i64| json!({"holder": {"S": format!("{id}#1#1")}, "until_s": {"N": until.to_string()}});
        let its = Some((id.clone(), 1));
        assert_eq!(found(&deployment(), held(at + 60), "open").await, (its.clone(), 3));
        assert_eq!(found(&deployment(), held(at), "mitigated").await, (its, 3));
        // Over, given back, or nobody's.
        assert_eq!(found(&deployment(), held(at - 1), "open").await, (None, 2));
        assert_eq!(found(&deployment(), json!({"fencing": {"N": "3"}}), "open").await, (None, 2));
        assert_eq!(found(&deployment(), json!({"holder": {"S": "ana"}}), "open").await, (None, 2));
        assert_eq!(found(&deployment(), held(at + 60), "resolved").await, (None, 3));
        // What says that something is wrong is looked at as ever, and nothing more is read for it.
        assert_eq!(found(&signal(), held(at + 60), "open").await, (None, 0));
        assert_eq!(found(&Signal { drill: true, ..deployment() }, held(at + 60), "open").await, (None, 0));
    }

    #[tokio::test]
    async fn what_informs_is_recorded_and_changes_nothing() {
        let (opened, group) = opened();
        let incident = incident_item::read(&incident_item::opening(&opened, &group).unwrap()).unwrap();
        let (store, client) = answering(&[(200, json!({}))]);
        assert_eq!(store.inform(&deployment(), &incident, signal().time).await.unwrap(), Taken::Done);
        let sent = client.actual_requests().next().unwrap();
        let sent: Value = serde_json::from_slice(sent.body().bytes().unwrap()).unwrap();
        let keys: Vec<_> =
            sent["TransactItems"].as_array().unwrap().iter().map(|i| &i["Put"]["Item"]["sk"]["S"]).collect();
        let [signal, reference, entry] = keys.as_slice() else { panic!("{keys:?}") };
        assert_eq!((*signal, *reference), (&json!("META"), &json!(keys::signal(&deployment().signal_id))));
        assert!(entry.as_str().unwrap().starts_with("T#"), "{entry}");
    }
}
