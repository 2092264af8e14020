//! When an incident is worse than its plan says: several services fire at once.

use std::collections::BTreeSet;

use jiff::Timestamp;
use response_plan::{Raise, ResponsePlan, Severity};
use serde::{Deserialize, Serialize};

use crate::record::Incident;

/// A rise of an incident's severity, as the incident remembers the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rise {
    /// What it was before.
    pub from: Severity,
    /// What it is now.
    pub to: Severity,
    /// Why, in one phrase: `2 services fire: checkout, payments`.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// Services are named up to so many.
const NAMED: usize = 5;

/// What fires and is somebody's, as rules that raise count it: an incident, or a signal that was told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fires {
    service: String,
    since: Timestamp,
    drill: bool,
}

impl Fires {
    /// Something that fires since then, as triage received it. Where nobody said which service it is, it is named for the
    /// failing thing and counts as none.
    pub(crate) fn new(plan: &ResponsePlan, since: Timestamp, drill: bool) -> Option<Self> {
        // Names of services hold no space, and those of failing things do.
        let is_known = !plan.service.contains(' ');
        is_known.then(|| Self { service: plan.service.clone(), since, drill })
    }

    /// The rise that is due by some rules, given all that fires; a drill counts drills alone.
    pub(crate) fn rise(&self, rules: &[Raise], severity: Severity, all: &[Self], now: Timestamp) -> Option<Rise> {
        let others = all.iter().filter(|other| other.drill == self.drill);
        let fired: Vec<_> = others.chain([self]).map(|fires| (fires.since, fires.service.as_str())).collect();
        let worse = rules.iter().filter(|rule| rule.to < severity);
        let met = worse.filter_map(|rule| Some((rule.to, together(rule, self.since, &fired)?)));
        let (to, services) = met.min_by_key(|(to, _)| *to)?;
        Some(Rise { from: severity, to, why: why(&services), at: now })
    }
}

impl Incident {
    /// What it counts as; `None` while nothing fires in it, or once it is over, and where nobody said which service it is.
    pub fn fires(&self) -> Option<Fires> {
        let fires = !self.firing.is_empty() && self.status.holds_group_key();
        let since = fires.then(|| self.fires_since.unwrap_or(self.opened.opened_at))?;
        Fires::new(self.plan(), since, self.opened.drill)
    }

    /// Whether a rule of its plan could make it worse than it is.
    pub fn may_rise(&self) -> bool {
        self.plan().raise.iter().any(|rule| rule.to < self.severity)
    }

    /// The rise that is due by the rules of its plan, given all that fires, whether this one is among it or not.
    pub fn rise(&self, all: &[Fires], now: Timestamp) -> Option<Rise> {
        self.fires()?.rise(&self.plan().raise, self.severity, all, now)
    }
}

/// The services that began to fire within a rule's time of each other and of `own`, where they are enough. When it is
/// looked at makes no difference: the times are those of the firings.
fn together<'a>(rule: &Raise, own: Timestamp, fired: &[(Timestamp, &'a str)]) -> Option<BTreeSet<&'a str>> {
    let within = rule.when.within.signed();
    let near_own = |first: &Timestamp| *first <= own && own <= *first + within;
    let mut firsts: Vec<_> = fired.iter().map(|(began, _)| *began).filter(near_own).collect();
    // The first that is enough, in whatever order the incidents are listed.
    firsts.sort();
    firsts.dedup();
    let of = |first: Timestamp| {
        let near = fired.iter().filter(|(began, _)| first <= *began && *began <= first + within);
        near.map(|(_, service)| *service).collect::<BTreeSet<_>>()
    };
    firsts.into_iter().map(of).find(|services| services.len() >= rule.when.distinct_services_at_least as usize)
}

fn why(services: &BTreeSet<&str>) -> String {
    let named: Vec<_> = services.iter().copied().take(NAMED).collect();
    let more = services.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} services fire at once: {}{more}", services.len(), named.join(", "))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use response_plan::{RaiseWhen, Span};
    use serde_json::json;

    use super::*;
    use crate::measures::tests::incident;
    use crate::record::Status;

    fn at(second: i64) -> Timestamp {
        "2026-11-23T14:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
    }

    /// An incident of a service that fires since a second.
    fn fires(service: &str, second: i64) -> Incident {
        let mut incident = incident(json!({
            "id": format!("inc-20261123-{}", &signal::sha256_hex(&[service, &second.to_string()])[..10]),
            "firing": [service], "opened_at": at(second),
        }));
        incident.opened.plan.plan.service = service.to_owned();
        incident.opened.plan.plan.raise = vec![rule(3, 600, Severity::Sev1)];
        incident
    }

    fn rule(services: u32, seconds: u64, to: Severity) -> Raise {
        Raise { when: RaiseWhen { distinct_services_at_least: services, within: Span::seconds(seconds) }, to }
    }

    fn counted(all: &[Incident]) -> Vec<Fires> {
        all.iter().filter_map(Incident::fires).collect()
    }

    #[track_caller]
    fn check(all: &[Incident], expect: Option<&str>) {
        let rise = all[0].rise(&counted(all), at(9_999));
        assert_eq!(rise.as_ref().map(|rise| rise.why.as_str()), expect);
        assert!(
            rise.is_none_or(|rise| rise.from == Severity::Sev2 && rise.to == Severity::Sev1 && rise.at == at(9_999))
        );
    }

    #[test]
    fn several_services_that_began_to_fire_together_make_it_worse() {
        let all = [fires("a", 0), fires("b", 300), fires("c", 600)];
        check(&all, Some("3 services fire at once: a, b, c"));
        check(&all[..2], None);
        check(&[fires("a", 0), fires("b", 300), fires("c", 601)], None);
        // What began before counts as what began after does, and two of one service are one.
        check(&[fires("a", 600), fires("b", 0), fires("c", 300)], Some("3 services fire at once: a, b, c"));
        check(&[fires("a", 0), fires("a", 300), fires("b", 300)], None);
    }

    #[test]
    fn only_what_fires_and_is_somebodys_counts() {
        let with = |change: fn(&mut Incident)| {
            let mut all = [fires("a", 0), fires("b", 0), fires("c", 0)];
            change(&mut all[2]);
            all
        };
        check(&with(|_| {}), Some("3 services fire at once: a, b, c"));
        check(&with(|i| i.firing.clear()), None);
        check(&with(|i| i.status = Status::Resolved), None);
        check(&with(|i| i.opened.drill = true), None);
        check(&with(|i| i.opened.plan.plan.service = "c in eu-west-1".to_owned()), None);
        check(&with(|i| i.fires_since = Some(at(700))), None);
        check(&with(|i| i.status = Status::Mitigated), Some("3 services fire at once: a, b, c"));
    }

    #[test]
    fn the_worst_rule_that_holds_counts_once() {
        let mut all = vec![fires("a", 0), fires("b", 0), fires("c", 0)];
        all[0].opened.plan.plan.raise = vec![rule(2, 60, Severity::Sev1), rule(3, 60, Severity::Sev2)];
        check(&all, Some("3 services fire at once: a, b, c"));
        all[0].severity = Severity::Sev1;
        check(&all, None);
        all[0].severity = Severity::Sev2;
        all[0].opened.plan.plan.raise.clear();
        check(&all, None);
        let many: Vec<_> = "abcdefg".chars().map(|service| fires(&service.to_string(), 0)).collect();
        check(&many, Some("7 services fire at once: a, b, c, d, e and 2 more"));
    }

    proptest! {
        /// The order of the list, and incidents that are far away in time, change nothing.
        #[test]
        fn order_and_distance_change_nothing(seconds in prop::collection::vec(0_i64..1_200, 1..8), turn in 0_usize..8) {
            let own = fires("own", 600);
            let near: Vec<_> = seconds.iter().enumerate().map(|(n, second)| fires(&format!("s{n}"), *second)).collect();
            let mut all = [vec![own.clone()], near].concat();
            let expect = own.rise(&counted(&all), at(0));
            all.push(fires("far", 5_000));
            let turn = turn % all.len();
            all.rotate_left(turn);
            prop_assert_eq!(own.rise(&counted(&all), at(0)), expect);
        }
    }
}
