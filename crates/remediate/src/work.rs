//! One call's work on one mitigation: what every action reads first, and the one way in which a mitigation ends.

use incident::{Entry, Incident, MitigationRecord, Outcome, Progress};
use jiff::Timestamp;
use response_plan::{Mitigation as Planned, Span};
use serde_json::Value;
use signal::sha256_hex;
use step::StepError;

use crate::mitigations::Mitigation;
use crate::roles::Role;
use crate::{Ctx, guards};

/// How long the lock of a target is held without a sign of life.
pub(crate) const LEASE: Span = Span::seconds(15 * 60);

/// What a call works on.
pub(crate) struct Work<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) incident: Incident,
    pub(crate) n: u32,
    pub(crate) now: Timestamp,
}

impl<'a> Work<'a> {
    /// The same work on another mitigation of the incident.
    pub(crate) fn about(&self, n: u32) -> Work<'a> {
        Work { ctx: self.ctx, incident: self.incident.clone(), n, now: self.now }
    }

    /// The record, which must be there.
    pub(crate) async fn record(&self) -> Result<MitigationRecord, StepError> {
        let found = self.ctx.store.mitigation(self.incident.id(), self.incident.opening, self.n).await?;
        found.ok_or_else(|| StepError::rejected(format!("mitigation {} was never planned; plan it first", self.name())))
    }

    /// The plan's mitigation that a record is about.
    pub(crate) fn planned(&self, record: &MitigationRecord) -> Result<&Planned, StepError> {
        let found = self.incident.plan().mitigations.get(record.choice as usize);
        found
            .ok_or_else(|| StepError::stuck(format!("the plan of {} has no mitigation {}", self.name(), record.choice)))
    }

    /// The role that may look at a mitigation's target and change it.
    pub(crate) async fn role(&self, planned: &Planned) -> Result<Role, StepError> {
        Role::assume(&self.ctx.sts, &self.ctx.config, &self.ctx.partition, &self.incident, planned).await
    }

    /// The target of a record, as the role sees it.
    ///
    /// # Errors
    /// `Refused` where the plan's words lead to another resource by now than they did when it was planned.
    pub(crate) async fn target(&self, record: &MitigationRecord) -> Result<Box<dyn Mitigation>, StepError> {
        let planned = self.planned(record)?;
        self.role(planned).await?.target_again(planned, &record.target).await
    }

    /// Whether the brake lets a change happen; one that cannot be read is on.
    pub(crate) async fn brake_is_off(&self) -> Result<(), String> {
        guards::brake_is_off(self.ctx.store.brake().await, self.now)
    }

    /// Ends a mitigation: records the outcome and its reason, says so in the timeline, gives the lock back. Where another
    /// call moved the record in between, the answer is `Transient`: the retry reads what is true now.
    pub(crate) async fn end(
        &self,
        record: &MitigationRecord,
        outcome: Outcome,
        reason: impl Into<String>,
    ) -> Result<(), StepError> {
        let ended = MitigationRecord {
            progress: Progress::Ended,
            outcome: Some(outcome),
            reason: Some(reason.into()),
            ended_at: Some(self.now),
            ..record.clone()
        };
        self.advance(record.progress, &ended).await?;
        self.close(&ended).await
    }

    /// Ends a mitigation because a guard said no, and says no to the state machine.
    pub(crate) async fn refuse<T>(&self, record: &MitigationRecord, reason: String) -> Result<T, StepError> {
        self.end(record, Outcome::Refused, reason.as_str()).await?;
        Err(StepError::refused(reason))
    }

    /// What follows the end; doing it twice does it once.
    pub(crate) async fn close(&self, ended: &MitigationRecord) -> Result<(), StepError> {
        let how = ended.outcome.map_or("shown only", Outcome::as_str);
        let why = ended.reason.as_deref().unwrap_or("no reason was recorded");
        self.note(ended.ended_at.unwrap_or(ended.planned_at), "ended", format!("mitigation {how}: {why}")).await?;
        self.ctx.store.unlock(&ended.target, &self.holder()).await
    }

    /// Moves the record on from `from`; see [`Work::end`] for a lost race.
    pub(crate) async fn advance(&self, from: Progress, record: &MitigationRecord) -> Result<(), StepError> {
        if self.ctx.store.advance(from, record).await? {
            tracing::info!(
                n = record.n,
                progress = record.progress.as_str(),
                reason = record.reason,
                "mitigation moved on"
            );
            return Ok(());
        }
        Err(StepError::transient(format!("mitigation {} changed while it was worked on; read it again", self.name())))
    }

    /// An entry in the timeline about this mitigation; `cause` and `at` make it the same entry when it is written again.
    pub(crate) async fn note(&self, at: Timestamp, cause: &str, what: impl Into<String>) -> Result<(), StepError> {
        let entry = Entry::new(at, "remediate", &[&self.name(), cause], what);
        self.ctx.store.note(self.incident.id(), &entry).await
    }

    /// Who holds the lock of the target: this mitigation, whichever call works on it.
    pub(crate) fn holder(&self) -> String {
        self.name()
    }

    fn name(&self) -> String {
        format!("{}#{}#{}", self.incident.id(), self.incident.opening, self.n)
    }
}

/// The hash that an approval names: over kind, target, prior and desired state.
pub(crate) fn plan_hash(kind: &str, target: &str, prior: Option<&Value>, desired: Option<&Value>) -> String {
    let text = |state: Option<&Value>| state.map_or_else(|| "null".to_owned(), canonical);
    sha256_hex(&[kind, target, &text(prior), &text(desired)])
}

/// The hash of a record as it stands, to be compared with the one it was planned with.
pub(crate) fn hash_of(record: &MitigationRecord) -> String {
    plan_hash(&record.kind, &record.target, record.prior.as_ref(), record.desired.as_ref())
}

/// JSON with its keys in order at every level, so that no store in between can change the hash.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<_> =
                fields.iter().map(|(k, v)| format!("{}:{}", Value::from(k.as_str()), canonical(v))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_hash_knows_every_part_and_no_order_of_keys() {
        let hash = |kind, target, prior: Value, desired: Value| plan_hash(kind, target, Some(&prior), Some(&desired));
        let first = hash("k", "t", json!({"a": "1", "b": {"c": "2", "d": ["3"]}}), json!({"v": "1"}));
        let turned = serde_json::from_str(r#"{"b":{"d":["3"],"c":"2"},"a":"1"}"#).unwrap();
        assert_eq!(first, hash("k", "t", turned, json!({"v": "1"})));
        assert_ne!(first, hash("other", "t", json!({"a": "1", "b": {"c": "2", "d": ["3"]}}), json!({"v": "1"})));
        assert_ne!(first, hash("k", "t", json!({"a": "1"}), json!({"v": "1"})));
        assert_ne!(first, hash("k", "t", json!({"a": "1", "b": {"c": "2", "d": ["3"]}}), json!({"v": "2"})));
        assert_ne!(plan_hash("k", "t", None, None), plan_hash("k", "t", Some(&json!({})), None));
    }
}
