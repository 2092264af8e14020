//! A signal that was told once, in a digest, and what becomes of it: a person makes an incident of it, or a rule of its plan
//! does, since several services fire at once.

use jiff::Timestamp;
use response_plan::{Engage, LONGEST_WITHIN, ResolvedPlan, ResponsePlan, Severity, Span};
use signal::Signal;

use crate::decision::Known;
use crate::identity::{GroupKey, incident_id};
use crate::mute::{Muted, fires_still};
use crate::record::{Opened, SignalSummary};
use crate::rise::{Fires, Rise};

/// For so long after triage received it what was told once counts as a service that fires, and can become an incident by a
/// rule: as far apart as a rule lets two services be, and a few minutes in which `sweep` may have been late.
const COUNTS_FOR: Span = Span::seconds(LONGEST_WITHIN.as_secs() + 300);

/// Until when a signal under this plan that was told once counts; `None` where nobody said which service it is.
pub fn told_counts_until(plan: &ResponsePlan, received: Timestamp) -> Option<Timestamp> {
    Fires::new(plan, received, false).map(|_| received + COUNTS_FOR.signed())
}

/// A signal that was told once, as it was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToldOnce<'a> {
    /// The signal.
    pub signal: &'a Signal,
    /// The plan that it was told under.
    pub plan: &'a ResolvedPlan,
    /// When triage received it.
    pub received_at: Timestamp,
}

impl ToldOnce<'_> {
    /// The group that an incident made of it is of.
    pub fn group(&self) -> GroupKey {
        let (signal, plan) = (self.signal, &self.plan.plan);
        GroupKey::new(&plan.plan, &plan.service, &plan.environment, signal.account.as_deref(), signal.drill)
    }

    /// What an incident made of it is opened with: the plan that it was told under, as one that pages.
    pub fn opened(&self, group: &GroupKey, severity: Option<Severity>, version: &str, now: Timestamp) -> Opened {
        let signal = self.signal;
        let mut plan = self.plan.clone();
        plan.plan.engage = Engage::Page;
        plan.plan.severity = severity.unwrap_or(plan.plan.severity);
        Opened {
            id: incident_id(group, signal),
            title: signal.title.clone(),
            plan,
            version: version.to_owned(),
            group_key: group.readable().to_owned(),
            drill: signal.drill,
            account: signal.account.clone(),
            region: signal.region.clone(),
            signal: SignalSummary::from(signal),
            opened_at: now,
            onset: signal.onset,
            flapping: false,
            degraded: None,
        }
    }

    /// What it counts as for rules that raise, as long as it fires; `None` where nobody said which service it is.
    pub fn fires(&self) -> Option<Fires> {
        Fires::new(&self.plan.plan, self.received_at, self.signal.drill)
    }

    /// The rise that makes an incident of it, given all that fires, whether this one is among it or not.
    pub fn rise(&self, all: &[Fires], now: Timestamp) -> Option<Rise> {
        let plan = &self.plan.plan;
        self.fires()?.rise(&plan.raise, plan.severity, all, now)
    }

    /// Whether a rule may make an incident of it: it fires still and belongs to none, and nobody has muted it since. Drills
    /// are never muted.
    pub fn may_be_promoted(&self, known: &Known, now: Timestamp) -> bool {
        let fires = known.fingerprint.as_ref().is_some_and(|last| fires_still(self.signal, last));
        let by_hand = || Muted::by_hand(&known.mutes, &self.plan.plan, &self.signal.fingerprint, now);
        fires && (self.signal.drill || by_hand().is_none())
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use response_plan::{Raise, RaiseWhen};
    use serde_json::json;
    use signal::State;

    use super::*;
    use crate::digest::samples::signal;
    use crate::measures::tests::incident;
    use crate::{FingerprintState, Incident};

    fn at(second: i64) -> Timestamp {
        "2026-11-23T14:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
    }

    /// A plan of a service that only notifies, and is worse where so many fire within ten minutes.
    fn plan(service: &str, services: u32) -> ResolvedPlan {
        let mut plan = incident(json!({})).opened.plan;
        let when = RaiseWhen { distinct_services_at_least: services, within: Span::seconds(600) };
        plan.plan.engage = Engage::Notify;
        (plan.plan.service, plan.plan.severity) = (service.to_owned(), Severity::Sev4);
        plan.plan.raise = vec![Raise { when, to: Severity::Sev2 }];
        plan
    }

    /// An incident that fires since a second, of a service that no rule makes worse.
    fn fires(service: &str, second: i64, drill: bool) -> Incident {
        let mut incident = incident(json!({"firing": ["f"], "opened_at": at(second), "drill": drill}));
        incident.opened.plan.plan.service = service.to_owned();
        incident
    }

    #[track_caller]
    fn check(told: (&str, bool), others: &[Incident], expect: Option<&str>) {
        let (plan, mut signal) = (plan(told.0, 2), signal("g", "s"));
        signal.drill = told.1;
        let told = ToldOnce { signal: &signal, plan: &plan, received_at: at(0) };
        let all: Vec<_> = others.iter().filter_map(Incident::fires).collect();
        let rise = told.rise(&all, at(900));
        assert_eq!(rise.as_ref().map(|rise| rise.why.as_str()), expect);
        assert!(rise.is_none_or(|rise| (rise.from, rise.to) == (Severity::Sev4, Severity::Sev2)));
    }

    #[test]
    fn what_was_told_once_is_worse_where_enough_services_fire_with_it() {
        let both = Some("2 services fire at once: checkout, search");
        check(("search", false), &[], None);
        check(("search", false), &[fires("search", 0, false)], None);
        check(("search", false), &[fires("checkout", 600, false)], both);
        check(("search", false), &[fires("checkout", -600, false)], both);
        check(("search", false), &[fires("checkout", 601, false)], None);
        check(("search", false), &[fires("checkout", 0, true)], None);
        check(("search", true), &[fires("checkout", 0, true)], both);
        check(("search", false), &[fires("checkout in eu-west-1", 0, false)], None);
        check(("search in eu-west-1", false), &[fires("checkout", 0, false)], None);
    }

    #[test]
    fn it_counts_as_long_as_a_rule_may_look_back() {
        let until = told_counts_until(&plan("search", 2).plan, at(0));
        assert_eq!(until, Some(at(3_900)));
        assert_eq!(told_counts_until(&plan("search in eu-west-1", 2).plan, at(0)), None);
    }

    #[test]
    fn what_recovered_or_is_muted_since_is_no_incident_and_drills_are_never_muted() {
        let mute = json!({"id": "m", "scope": {"service": "search"}, "by": "ana", "reason": "r", "at": at(0), "until": at(60)});
        let (plan, signal) = (plan("search", 2), signal("g", "s"));
        let drill = Signal { drill: true, ..signal.clone() };
        let last = |state, incident: Option<&str>| {
            let incident = incident.map(|id| (id.to_owned(), 1));
            Some(FingerprintState { state, time: signal.time, incident })
        };
        let fires = || last(State::Firing, None);
        for (signal, fingerprint, second, expect) in [
            (&signal, fires(), 60, true),
            (&signal, fires(), 59, false),
            (&drill, fires(), 59, true),
            (&signal, last(State::Recovered, None), 60, false),
            (&signal, last(State::Firing, Some("inc")), 60, false),
            (&signal, None, 60, false),
        ] {
            let mutes = vec![serde_json::from_value(mute.clone()).unwrap()];
            let known = Known { fingerprint, mutes, ..Known::default() };
            let told = ToldOnce { signal, plan: &plan, received_at: at(0) };
            assert_eq!(told.may_be_promoted(&known, at(second)), expect, "{known:?} at {second}");
        }
    }

    proptest! {
        /// What is told once becomes an incident exactly where an incident of its plan would rise, in whatever order all
        /// that fires is listed.
        #[test]
        fn it_rises_as_an_incident_does(
            seconds in prop::collection::vec((-900_i64..900, 0_usize..4), 0..8),
            services in 2_u32..5,
            turn in 0_usize..8,
        ) {
            let (plan, signal) = (plan("own", services), signal("g", "s"));
            let told = ToldOnce { signal: &signal, plan: &plan, received_at: at(0) };
            let mut own = incident(json!({"firing": ["g"], "severity": "SEV4"}));
            own.opened.plan = plan.clone();
            own.opened.opened_at = at(0);
            let named = |(second, name): &(i64, usize)| fires(["own", "a", "b", "c"][*name], *second, false).fires();
            let mut all: Vec<_> = seconds.iter().filter_map(named).collect();
            let expect = told.rise(&all, at(1));
            let first = turn % all.len().max(1);
            all.rotate_left(first);
            prop_assert_eq!(told.rise(&all, at(1)), expect.clone());
            prop_assert_eq!(own.rise(&all, at(1)), expect);
        }
    }
}
