//! Who would have been paged, and who of them at night.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use response_plan::{Engage, ResolvedPlan};
use serde::Serialize;

/// The night of the one who is paged first, on their own clock: from 22:00 to 07:00.
const NIGHT: (Time, Time) = (Time::constant(22, 0, 0, 0), Time::constant(7, 0, 0, 0));

/// The pages of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TeamPages {
    pub(crate) team: String,
    /// One for each incident, when it opens, and one for all that it has in a storm: whether anybody acknowledges in time is not in a history.
    pub(crate) pages: u64,
    pub(crate) at_night: u64,
    /// That of the first contact of the escalation; UTC where they have none, or one that nobody knows.
    pub(crate) time_zone: String,
}

/// The pages of all teams so far.
#[derive(Default)]
pub(crate) struct Pages(BTreeMap<String, TeamPages>);

impl Pages {
    /// The page of an incident that opens.
    pub(crate) fn page(&mut self, plan: &ResolvedPlan, at: Timestamp) {
        if plan.plan.engage != Engage::Page {
            return;
        }
        let named = plan.team.escalation.first().and_then(|step| step.contact.time_zone.as_deref());
        let zone = named.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        let night = is_night(at, &zone);
        let team = &plan.team.name;
        let pages = self.0.entry(team.clone()).or_insert_with(|| TeamPages {
            team: team.clone(),
            pages: 0,
            at_night: 0,
            time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        });
        pages.pages += 1;
        pages.at_night += u64::from(night);
    }

    /// By name.
    pub(crate) fn teams(self) -> Vec<TeamPages> {
        self.0.into_values().collect()
    }
}

fn is_night(at: Timestamp, zone: &TimeZone) -> bool {
    let time = zone.to_datetime(at).time();
    time >= NIGHT.0 || time < NIGHT.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_is_that_of_the_one_who_sleeps() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (at, utc, local) in [
            ("2026-11-23T20:59:59Z", false, false),
            ("2026-11-23T21:00:00Z", false, true),
            ("2026-11-23T22:00:00Z", true, true),
            ("2026-11-24T05:59:59Z", true, true),
            ("2026-11-24T06:00:00Z", true, false),
            ("2026-11-24T06:59:59Z", true, false),
            ("2026-11-24T07:00:00Z", false, false),
            // In summer the clock there is an hour further on.
            ("2026-07-23T20:00:00Z", false, true),
        ] {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!((is_night(at, &TimeZone::UTC), is_night(at, &berlin)), (utc, local), "{at}");
        }
    }
}
