//! Signals that were told once and may still become an incident by a rule, or count for one.
//!
//! A firing is in `SIG#<signal id>` like any other. For as long as it may count it is found in the index by status, as
//! `told`, sorted by the end of that time; what is older stays there unread until it expires. `severity`, which the index
//! carries too, is the worst that a rule of its plan can make of it.

use incident::told_counts_until;
use jiff::Timestamp;
use response_plan::ResponsePlan;
use step::{StepError, sdk_error};

use crate::Store;
use crate::item::{Item, Row, at, s};

/// The status under which the index has them; no incident has it.
const TOLD: &str = "told";

/// So many are looked at by one sweep, the latest first: as many reads as fit well into its time.
const AT_ONCE: usize = 500;

/// A signal that was told once, as the index has it: it may have recovered, or belong to an incident by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldLine {
    /// The signal.
    pub signal_id: String,
    /// The service that its plan names.
    pub service: String,
    /// Whether a rule of its plan can make it worse.
    pub may_rise: bool,
}

impl Store {
    /// What was told once, of late enough to count for a rule, the latest first and not without end. The index follows the
    /// table within a moment: see [`Store::recorded`] and [`Store::fingerprint`] for what has become of it.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the list cannot be read.
    pub async fn told_lately(&self, now: Timestamp) -> Result<Vec<ToldLine>, StepError> {
        let query = self.by_status(TOLD).key_condition_expression("#status = :status AND opened_at >= :now");
        let mut found = query.expression_attribute_values(":now", at(now)).into_paginator().items().send();
        let mut lines = Vec::new();
        while let Some(item) = found.next().await {
            let item = item.map_err(|e| sdk_error("the list of what was told once could not be read", e))?;
            lines.extend(line(Row(&item)).inspect_err(unreadable).ok());
            if lines.len() == AT_ONCE {
                break;
            }
        }
        Ok(lines)
    }
}

/// What the index is to have of a firing that is told once; nothing where nobody said which service it is.
pub(crate) fn listed(plan: &ResponsePlan, received: Timestamp) -> Item {
    let Some(until) = told_counts_until(plan, received) else { return Item::new() };
    let worst = plan.raise.iter().map(|rule| rule.to).min();
    let worst = worst.map(|worst| ("severity".to_owned(), s(worst.as_str())));
    let item = [("status", s(TOLD)), ("opened_at", at(until)), ("service", s(&plan.service))];
    item.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(worst).collect()
}

fn unreadable(error: &StepError) {
    tracing::error!(error.chain = format!("{:#}", error.cause()), "one that was told once cannot be read");
}

fn line(row: Row<'_>) -> Result<ToldLine, StepError> {
    let pk = row.text("pk")?;
    let signal_id = pk.strip_prefix("SIG#").unwrap_or(&pk).to_owned();
    Ok(ToldLine { signal_id, service: row.text("service")?, may_rise: row.find_text("severity").is_some() })
}

#[cfg(test)]
mod tests {
    use response_plan::{Raise, RaiseWhen, Severity, Span};
    use serde_json::{Value, json};

    use super::*;
    use crate::tests::{answering, now, opened, signal};

    fn plan(service: &str, rises: bool) -> response_plan::ResolvedPlan {
        let mut plan = opened().0.plan;
        plan.plan.service = service.to_owned();
        let when = RaiseWhen { distinct_services_at_least: 2, within: Span::seconds(600) };
        plan.plan.raise = if rises { vec![Raise { when, to: Severity::Sev1 }] } else { vec![] };
        plan
    }

    /// What is recorded of a signal that is told once under a plan.
    async fn recorded(plan: response_plan::ResolvedPlan, newest: bool) -> Value {
        let (store, client) = answering(&[(200, json!({}))]);
        let known = incident::Known::default();
        store.notify_only(&signal(), &known, (&plan, "why"), newest, now()).await.unwrap();
        let request = client.actual_requests().next().unwrap();
        let asked: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        asked["TransactItems"][0]["Put"]["Item"].clone()
    }

    #[tokio::test]
    async fn a_firing_of_a_service_counts_for_an_hour() {
        let item = recorded(plan("checkout", true), true).await;
        assert_eq!(
            (&item["status"]["S"], &item["opened_at"]["S"]),
            (&json!("told"), &json!("2026-11-23T11:05:00.250Z"))
        );
        assert_eq!((&item["service"]["S"], &item["severity"]["S"]), (&json!("checkout"), &json!("SEV1")));
        assert_eq!(recorded(plan("checkout", false), true).await.get("severity"), None);
        for (service, newest) in [("checkout", false), ("alarm x in eu-west-1", true)] {
            let item = recorded(plan(service, true), newest).await;
            assert_eq!((item.get("status"), item.get("opened_at")), (None, None), "{service}, {newest}");
        }
    }

    #[tokio::test]
    async fn what_counts_still_is_listed_with_whether_it_may_rise() {
        let item = |severity: Value| {
            let mut item = json!({"pk": {"S": "SIG#59f2"}, "sk": {"S": "META"}, "service": {"S": "checkout"}});
            item.as_object_mut().unwrap().extend(severity.as_object().unwrap().clone());
            item
        };
        let found = json!({"Items": [item(json!({"severity": {"S": "SEV1"}})), item(json!({}))]});
        let (store, client) = answering(&[(200, found)]);
        let line = |may_rise| ToldLine { signal_id: "59f2".into(), service: "checkout".into(), may_rise };
        assert_eq!(store.told_lately(now()).await.unwrap(), [line(true), line(false)]);
        let request = client.actual_requests().next().unwrap();
        let asked: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        assert_eq!(asked["KeyConditionExpression"], "#status = :status AND opened_at >= :now");
        let values = &asked["ExpressionAttributeValues"];
        assert_eq!(
            (&values[":status"]["S"], &values[":now"]["S"]),
            (&json!("told"), &json!("2026-11-23T10:00:00.250Z"))
        );
        assert_eq!((&asked["IndexName"], &asked["ScanIndexForward"]), (&json!("by-status"), &json!(false)));
    }
}
