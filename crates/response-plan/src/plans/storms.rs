//! The plan of a storm: many new incidents at once, told as one.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::catch_all::catch_all;
use super::load::Disabled;
use super::owner::Teams;
use crate::compile::plan_sha256;
use crate::plan::*;
use crate::read::TEAMS_FILE;
use crate::span::Span;
use crate::storm::StormRule;

/// The name of the plan of storms, which is compiled in.
pub(crate) const STORM: &str = "storm";

/// The service of a storm.
const OF_MANY: &str = "many services";

/// When many new incidents are a storm, with the team that is paged about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Storms {
    /// The rule.
    pub rule: StormRule,
    team: Arc<Team>,
}

impl ResponsePlan {
    /// Whether it is the plan of storms.
    pub fn is_of_a_storm(&self) -> bool {
        self.plan == STORM
    }

    /// Whether the service is that of storms.
    pub fn is_service_of_storms(service: &str) -> bool {
        service == OF_MANY
    }
}

impl Storms {
    /// It pages, changes nothing, and is resolved when the storm is over, which was calm for long by then. Its service is
    /// none that a rule could count.
    pub(super) fn plan(&self, severity: Severity, config_sha256: &str) -> ResolvedPlan {
        let plan = ResponsePlan {
            plan: STORM.to_owned(),
            incident_type: STORM.to_owned(),
            service: OF_MANY.to_owned(),
            environment: "several environments".to_owned(),
            owner: self.rule.owner.clone(),
            severity,
            recovery: Recovery { by: RecoveredBy::Signal, held_for: Span::seconds(0) },
            // What else a plan says it says as the other that is compiled in.
            ..catch_all("").plan
        };
        let (team, config_sha256) = (Team::clone(&self.team), config_sha256.to_owned());
        ResolvedPlan { plan_sha256: plan_sha256(&plan), plan, team, config_sha256 }
    }
}

/// What cannot be read makes no storm: each incident is told by itself.
pub(super) fn load(value: Option<&RawValue>, teams: &Teams, disabled: &mut Vec<Disabled>) -> Option<Storms> {
    let read = |value: &RawValue| {
        let rule: StormRule = serde_json::from_str(value.get()).map_err(|error| format!("it is damaged ({error})"))?;
        let team =
            teams.get(&rule.owner).ok_or_else(|| format!("its owner `{}` is not among the teams", rule.owner))?;
        Ok(Storms { team: team.clone()?, rule })
    };
    let told = |reason: String| disabled.push(Disabled { plan: format!("{STORM} of {TEAMS_FILE}"), reason });
    value.and_then(|value| read(value).map_err(told).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plans::Plans;
    use crate::samples::{KINDS, PLAN, TEAMS};
    use crate::{Source, compile, read};

    fn compiled() -> Value {
        let teams = format!("{TEAMS}storm: {{ owner: payments, more_than: 20, within: 5m }}\n");
        let source = |file: &str, text: &str| Source { file: file.to_owned(), bytes: text.into() };
        let config = read(&[source("teams.yaml", &teams), source("a.yaml", PLAN)], &KINDS).unwrap();
        serde_json::from_slice(&compile(&config, "0").bytes).unwrap()
    }

    #[test]
    fn a_storm_has_a_plan_of_its_owner() {
        let plans = Plans::load(compiled().to_string().as_bytes(), "topic").unwrap();
        let storms = plans.storms().unwrap();
        assert_eq!((storms.rule.more_than, storms.rule.within.as_secs()), (20, 300));
        let plan = plans.of_a_storm(storms, Severity::Sev1);
        assert_eq!((&*plan.plan.owner, &*plan.team.name, plan.plan.severity), ("payments", "payments", Severity::Sev1));
        assert_eq!((plan.plan.engage, plan.plan.mode), (Engage::Page, Mode::Observe));
        assert_eq!(plan.config_sha256, plans.config_sha256);
    }

    #[test]
    fn one_that_is_damaged_is_no_storm_and_spoils_nothing() {
        assert!(Plans::empty("topic").storms().is_none());
        for (damage, reason) in [
            (json!({"owner": "nobody", "more_than": 20, "within": "5m"}), "its owner `nobody` is not among the teams"),
            (json!({"owner": "payments"}), "it is damaged (missing field `more_than`"),
            (json!(7), "it is damaged"),
        ] {
            let mut file = compiled();
            file["storm"] = damage;
            let plans = Plans::load(file.to_string().as_bytes(), "topic").unwrap();
            assert!(plans.storms().is_none() && plans.names().count() == 1);
            assert_eq!(plans.disabled[0].plan, "storm of teams.yaml");
            assert!(plans.disabled[0].reason.starts_with(reason), "{:?}", plans.disabled);
        }
        let mut file = compiled();
        file.as_object_mut().unwrap().remove("storm");
        assert!(Plans::load(file.to_string().as_bytes(), "topic").unwrap().storms().is_none());
    }
}
