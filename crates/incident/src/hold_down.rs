//! The time for which a plan holds a page back, so that what clears by itself wakes nobody.

use jiff::{SignedDuration, Timestamp};

use crate::record::{Incident, Status};

/// What is clear when the hold-down ends may fire again before it counts as resolved: it is looked at this often.
pub const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// What is mitigated may stay so for days, and a firing then begins an engagement with an execution of its own.
const WHILE_MITIGATED: SignedDuration = SignedDuration::from_hours(6);

/// Whether somebody may be told of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Nothing holds it back.
    No,
    /// Not now: look again after so long.
    For(SignedDuration),
    /// It was over before anybody was told, and nobody has to be.
    Quiet,
}

impl Incident {
    /// When the present engagement began.
    pub fn engaged_since(&self) -> Timestamp {
        self.engaged_at.unwrap_or(self.opened.opened_at)
    }

    /// Whether its plan holds back what people are told. Once one of them was told in this opening, or knows, or is to be
    /// told that it is worse, nothing is held back any more, whatever fires again; and nothing is of what flaps, since that
    /// clears by itself each time.
    pub fn is_held_back(&self) -> bool {
        let known = self.paged_at.is_some() || self.acknowledged_at.is_some() || self.status == Status::Stuck;
        let worse = self.raised.is_some() && self.engagement > 1;
        !self.plan().hold_down.is_zero() && !known && !worse && !self.opened.flapping
    }

    /// Whether people may be told of it now.
    pub fn hold(&self, now: Timestamp) -> Hold {
        if !self.is_held_back() {
            return Hold::No;
        }
        if !self.status.holds_group_key() {
            return Hold::Quiet;
        }
        let left = (self.engaged_since() + self.plan().hold_down.signed()).duration_since(now);
        match (left.is_positive(), self.firing.is_empty()) {
            (true, _) => Hold::For(left),
            (false, true) if self.status == Status::Mitigated => Hold::For(WHILE_MITIGATED),
            (false, true) => Hold::For(LOOK_AGAIN),
            (false, false) => Hold::No,
        }
    }

    /// The moment from which a page is due, `None` while what a hold-down waits for has come: it is clear.
    pub fn page_due(&self) -> Option<Timestamp> {
        let (since, hold_down) = (self.engaged_since(), self.plan().hold_down);
        if !self.is_held_back() {
            return Some(since);
        }
        let looked = self.fires_since.map_or(since, |fires| fires + LOOK_AGAIN);
        (!self.firing.is_empty()).then(|| looked.max(since + hold_down.signed()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::measures::tests::incident;

    fn at(second: i64) -> Timestamp {
        "2026-11-23T14:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
    }

    /// An incident whose plan holds pages back for two minutes, and which fires.
    fn held(changes: serde_json::Value) -> Incident {
        let mut incident = incident(json!({"firing": ["f"]}));
        incident.opened.plan.plan.hold_down = response_plan::Span::seconds(120);
        let mut all = serde_json::to_value(incident).unwrap();
        if let (serde_json::Value::Object(all), serde_json::Value::Object(changes)) = (&mut all, changes) {
            all.extend(changes);
        }
        serde_json::from_value(all).unwrap()
    }

    fn rise() -> serde_json::Value {
        json!({"from": "SEV2", "to": "SEV1", "why": "w", "at": at(1)})
    }

    fn wait(seconds: i64) -> Hold {
        Hold::For(SignedDuration::from_secs(seconds))
    }

    #[test]
    fn a_page_waits_for_the_plan_and_then_for_something_that_fires() {
        for (changes, second, expect) in [
            (json!({}), 0, wait(120)),
            (json!({}), 119, wait(1)),
            (json!({}), 120, Hold::No),
            (json!({"firing": []}), 60, wait(60)),
            (json!({"firing": []}), 120, wait(30)),
            (json!({"engagement": 2, "engaged_at": at(600)}), 600, wait(120)),
            (json!({"engagement": 2, "engaged_at": at(600), "paged_at": at(121)}), 601, Hold::No),
            (json!({"engagement": 2, "engaged_at": at(600), "paged_at": at(121), "status": "resolved"}), 900, Hold::No),
            (json!({"firing": [], "status": "mitigated"}), 120, wait(6 * 3_600)),
            // Whoever knows of it is not kept from the rest.
            (json!({"paged_at": at(1)}), 2, Hold::No),
            (json!({"acknowledged_at": at(1)}), 2, Hold::No),
            (json!({"status": "stuck"}), 2, Hold::No),
            (json!({"flapping": true}), 2, Hold::No),
            (json!({"raised": rise(), "engagement": 2, "engaged_at": at(60)}), 61, Hold::No),
            (json!({"raised": rise()}), 2, wait(118)),
            (json!({"firing": [], "status": "resolved"}), 400, Hold::Quiet),
            (json!({"firing": [], "status": "resolved", "paged_at": at(1)}), 400, Hold::No),
        ] {
            assert_eq!(held(changes.clone()).hold(at(second)), expect, "{changes} at {second}");
        }
        assert_eq!(incident(json!({"firing": ["f"]})).hold(at(0)), Hold::No);
    }

    #[test]
    fn a_page_is_due_from_the_end_of_the_hold_down_and_while_something_fires() {
        for (changes, expect) in [
            (json!({}), Some(at(120))),
            (json!({"firing": []}), None),
            (json!({"fires_since": at(60)}), Some(at(120))),
            (json!({"fires_since": at(130)}), Some(at(160))),
            (json!({"engagement": 2, "engaged_at": at(600)}), Some(at(720))),
            (json!({"engagement": 2, "engaged_at": at(600), "paged_at": at(121)}), Some(at(600))),
        ] {
            assert_eq!(held(changes.clone()).page_due(), expect, "{changes}");
        }
        assert_eq!(incident(json!({})).page_due(), Some(at(0)));
    }
}
