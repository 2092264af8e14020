//! How long the incident took, by the five definitions and no others.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::mitigation::{MitigationRecord, Outcome};
use crate::record::{Incident, Status};

/// One duration, or why there is none: exactly one of the two fields is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Seconds, rounded to a tenth, never negative.
    pub seconds: Option<f64>,
    /// Why the duration is unknown, in a few words for people.
    pub reason: Option<String>,
}

/// The five measures of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Time to detect: onset until triage received the first signal.
    pub ttd_s: Measure,
    /// Time to engage: first signal until a channel that wakes accepted a page.
    pub tte_s: Measure,
    /// Time to acknowledge: first signal until a person acknowledged.
    pub tta_s: Measure,
    /// Time to mitigate: first signal until the condition was first seen clear after the change.
    pub ttm_s: Measure,
    /// Time to resolve: first signal until the start of the clear period that then held.
    pub ttr_s: Measure,
}

impl Measures {
    /// Measures an incident as it is now; `mitigations` are those of its opening, in any order.
    pub fn of(incident: &Incident, mitigations: &[MitigationRecord]) -> Self {
        let first = incident.opened.opened_at;
        Self {
            ttd_s: incident.onset.map_or_else(
                || Measure::unknown("nothing on record says when the trouble began"),
                |onset| Measure::between(onset, first),
            ),
            tte_s: engaged(incident),
            tta_s: incident
                .acknowledged_at
                .map_or_else(|| Measure::unknown("nobody acknowledged"), |at| Measure::between(first, at)),
            ttm_s: mitigated(incident, mitigations),
            ttr_s: resolved(incident, mitigations),
        }
    }

    /// All of them in the order of a life: the word, the definition for people, the measure.
    pub fn each(&self) -> [(&'static str, &'static str, &Measure); 5] {
        [
            ("TTD", "onset to first signal", &self.ttd_s),
            ("TTE", "first signal to a page that wakes someone", &self.tte_s),
            ("TTA", "first signal to acknowledgement", &self.tta_s),
            ("TTM", "first signal to first clear after the change", &self.ttm_s),
            ("TTR", "first signal to the clear period that held", &self.ttr_s),
        ]
    }
}

impl Measure {
    fn between(from: Timestamp, to: Timestamp) -> Self {
        let seconds = (to.duration_since(from).as_secs_f64() * 10.0).round() / 10.0;
        if seconds < 0.0 {
            let early = -seconds;
            return Self::unknown(format!("negative: the end is {early:.1} s before the beginning"));
        }
        Self { seconds: Some(seconds.abs()), reason: None } // `abs` turns the -0.0 of rounding into 0.0
    }

    fn unknown(reason: impl Into<String>) -> Self {
        Self { seconds: None, reason: Some(reason.into()) }
    }
}

fn engaged(incident: &Incident) -> Measure {
    match (incident.woken_at, incident.paged_at) {
        (Some(at), _) => Measure::between(incident.opened.opened_at, at),
        (None, Some(_)) => Measure::unknown("no channel that wakes accepted a page"),
        (None, None) => Measure::unknown("no channel accepted a page"),
    }
}

fn mitigated(incident: &Incident, mitigations: &[MitigationRecord]) -> Measure {
    let clear = incident.clear_since.filter(|_| incident.firing.is_empty());
    // A call that was killed after the change is recorded late: what cleared in between cleared after the change.
    let applied =
        mitigations.iter().filter_map(|m| Some((m.applied_at.map(|at| m.applying_at.unwrap_or(at))?, m.outcome)));
    let helped = applied.clone().filter(|(_, outcome)| matches!(outcome, Some(Outcome::Verified | Outcome::Unproven)));
    match (helped.map(|(at, _)| at).min(), clear) {
        (Some(at), Some(clear)) if at <= clear => Measure::between(incident.opened.opened_at, clear),
        (Some(_), Some(_)) => Measure::unknown("it was clear before the change was made"),
        (Some(_), None) => Measure::unknown("it has not been clear since the change"),
        (None, _) if by_person(incident) => Measure::unknown("a person resolved it"),
        (None, _) if applied.clone().any(|(_, outcome)| outcome.is_none()) => {
            Measure::unknown("the mitigation is still being verified")
        }
        (None, Some(_)) => Measure::unknown("recovered by itself"),
        (None, None) if incident.firing.is_empty() => Measure::unknown("no clear period is on record"),
        (None, None) => Measure::unknown("it still fires"),
    }
}

fn resolved(incident: &Incident, mitigations: &[MitigationRecord]) -> Measure {
    // What was put back later has to prove itself: the period that held began with it.
    let back =
        mitigations.iter().filter(|m| m.takes_away).filter_map(|m| m.put_back.as_ref()).map(|back| back.at).max();
    match (incident.status, incident.clear_since.max(incident.clear_since.and(back))) {
        (Status::Resolved | Status::Closed, _) if by_person(incident) => Measure::unknown("a person resolved it"),
        (Status::Resolved | Status::Closed, Some(clear)) => Measure::between(incident.opened.opened_at, clear),
        (Status::Resolved | Status::Closed, None) => Measure::unknown("the start of the clear period is not recorded"),
        (status, _) => Measure::unknown(format!("not resolved: the incident is {status}")),
    }
}

/// Whether a person resolved it while something fired. A time to look again says so even where an earlier clear period
/// is on record: that one did not hold.
fn by_person(incident: &Incident) -> bool {
    incident.resolved_by.is_some() && (incident.clear_since.is_none() || incident.recheck_at.is_some())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::{Value, json};

    pub(crate) fn incident(changes: Value) -> Incident {
        let mut incident = json!({
            "id": "inc-20261123-0123456789", "title": "t", "version": "0.1.0", "group_key": "k", "drill": false,
            "account": null, "region": null, "opened_at": "2026-11-23T14:00:00Z", "onset": "2026-11-23T13:59:00Z",
            "degraded": null, "status": "open", "severity": "SEV2", "opening": 1, "run": 1, "engagement": 1,
            "firing": [], "evidence": [],
            "signal": {
                "signal_id": "s", "fingerprint": "f", "source": "aws.cloudwatch", "title": "t", "link": null,
                "resources": [], "time": "2026-11-23T14:00:00Z",
            },
            "plan": {
                "plan_sha256": "p", "config_sha256": "c", "team": { "name": "payments", "escalation": [] },
                "plan": {
                    "plan": "p", "type": "t", "match": {}, "service": "s", "environment": "e", "owner": "payments",
                    "severity": "SEV2", "engage": "page", "recovery": { "by": "signal", "held_for": "0s" },
                    "runbook": null,
                },
            },
        });
        if let (Value::Object(all), Value::Object(changes)) = (&mut incident, changes) {
            all.extend(changes);
        }
        serde_json::from_value(incident).unwrap()
    }

    fn mitigation(applied_at: Option<&str>, outcome: Option<&str>) -> MitigationRecord {
        serde_json::from_value(json!({
            "v": 1, "incident_id": "inc-20261123-0123456789", "opening": 1, "n": 1, "choice": 0, "kind": "k",
            "target": "t", "summary": "s", "plan_sha256": "p", "progress": "ended", "outcome": outcome,
            "planned_at": "2026-11-23T14:00:01Z", "expires_at": "2026-11-23T14:30:01Z", "applied_at": applied_at,
        }))
        .unwrap()
    }

    /// `expect` is the seconds, or words of the reason.
    #[track_caller]
    fn check(word: &str, changes: Value, mitigations: &[MitigationRecord], expect: Result<f64, &str>) {
        let measures = Measures::of(&incident(changes), mitigations);
        let (_, _, measure) = *measures.each().iter().find(|(name, ..)| *name == word).unwrap();
        match (expect, measure.seconds, measure.reason.as_deref()) {
            (Ok(expect), Some(seconds), None) => assert_eq!(seconds.to_string(), expect.to_string()),
            (Err(words), None, Some(reason)) => assert!(reason.contains(words), "{reason}"),
            (expect, ..) => panic!("{measure:?}, not {expect:?}"),
        }
    }

    #[test]
    fn detection_needs_an_onset_that_is_not_later() {
        check("TTD", json!({}), &[], Ok(60.0));
        check("TTD", json!({ "onset": "2026-11-23T13:59:59.96Z" }), &[], Ok(0.0));
        check("TTD", json!({ "onset": "2026-11-23T14:00:00.04Z" }), &[], Ok(0.0));
        check("TTD", json!({ "onset": "2026-11-23T13:59:57.66Z" }), &[], Ok(2.3));
        check("TTD", json!({ "onset": null }), &[], Err("nothing on record says when"));
        check("TTD", json!({ "onset": "2026-11-23T14:00:03Z" }), &[], Err("negative: the end is 3.0 s before"));
    }

    #[test]
    fn engagement_needs_a_channel_that_wakes() {
        let (paged, woken) = ("2026-11-23T14:00:02Z", "2026-11-23T14:00:09Z");
        check("TTE", json!({ "paged_at": paged, "woken_at": woken }), &[], Ok(9.0));
        check("TTE", json!({ "paged_at": paged }), &[], Err("no channel that wakes"));
        check("TTE", json!({}), &[], Err("no channel accepted"));
    }

    #[test]
    fn acknowledgement_needs_a_person() {
        check("TTA", json!({ "acknowledged_at": "2026-11-23T14:01:30.5Z" }), &[], Ok(90.5));
        check("TTA", json!({}), &[], Err("nobody acknowledged"));
        check("TTA", json!({ "acknowledged_at": "2026-11-23T13:59:58Z" }), &[], Err("negative"));
    }

    #[test]
    fn mitigation_is_clear_after_a_change_that_helped() {
        let clear = json!({ "status": "resolved", "clear_since": "2026-11-23T14:05:00Z" });
        let applied = Some("2026-11-23T14:04:00Z");
        check("TTM", clear.clone(), &[mitigation(applied, Some("verified"))], Ok(300.0));
        check("TTM", clear.clone(), &[mitigation(applied, Some("unproven"))], Ok(300.0));
        check("TTM", clear.clone(), &[mitigation(applied, Some("ineffective"))], Err("by itself"));
        check("TTM", clear.clone(), &[mitigation(applied, Some("undone"))], Err("by itself"));
        check("TTM", clear.clone(), &[mitigation(None, Some("cancelled"))], Err("by itself"));
        check("TTM", clear.clone(), &[mitigation(applied, None)], Err("still being verified"));
        let after = mitigation(Some("2026-11-23T14:06:00Z"), Some("verified"));
        check("TTM", clear.clone(), &[after], Err("before the change"));
        let late = mitigation(Some("2026-11-23T14:06:00Z"), Some("verified"));
        let begun = |at: &str| MitigationRecord { applying_at: Some(at.parse().unwrap()), ..late.clone() };
        check("TTM", clear.clone(), &[begun("2026-11-23T14:04:00Z")], Ok(300.0));
        check("TTM", clear.clone(), &[begun("2026-11-23T14:05:30Z")], Err("before the change"));
        let never = MitigationRecord { applied_at: None, outcome: None, ..begun("2026-11-23T14:04:00Z") };
        check("TTM", clear, &[never], Err("by itself"));
        check("TTM", json!({}), &[mitigation(applied, Some("verified"))], Err("not been clear"));
        check("TTM", json!({ "firing": ["f"] }), &[], Err("still fires"));
        check("TTM", json!({}), &[], Err("no clear period"));
        check("TTM", json!({ "status": "resolved", "resolved_by": "ada" }), &[], Err("a person resolved it"));
    }

    #[test]
    fn resolution_counts_from_the_clear_period_that_held() {
        let clear = "2026-11-23T14:05:00Z";
        check("TTR", json!({ "status": "resolved", "clear_since": clear }), &[], Ok(300.0));
        check("TTR", json!({ "status": "closed", "clear_since": clear, "resolved_by": "ada" }), &[], Ok(300.0));
        check("TTR", json!({ "status": "resolved", "resolved_by": "ada" }), &[], Err("a person resolved it"));
        let looked_again = json!({
            "status": "resolved", "resolved_by": "ada", "clear_since": clear, "recheck_at": "2026-11-23T14:20:00Z",
        });
        check("TTR", looked_again, &[], Err("a person resolved it"));
        check("TTR", json!({ "status": "resolved" }), &[], Err("not recorded"));
        check("TTR", json!({ "status": "mitigated", "clear_since": clear }), &[], Err("not resolved"));
        check("TTR", json!({ "status": "stuck" }), &[], Err("stuck"));
        // A consumer that was put back after it was clear, and before.
        for (at, seconds) in [("2026-11-23T14:09:00Z", 540.0), ("2026-11-23T14:04:00Z", 300.0)] {
            let mut back = mitigation(Some("2026-11-23T14:03:00Z"), Some("verified"));
            back.put_back = serde_json::from_value(json!({ "at": at, "by": "ada" })).unwrap();
            back.takes_away = true;
            check("TTR", json!({ "status": "resolved", "clear_since": clear }), &[back], Ok(seconds));
        }
    }
}
