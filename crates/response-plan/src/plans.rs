//! The compiled plans in memory, and which of them a signal is for.

mod catch_all;
mod load;
mod owner;
mod storms;
mod why;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use signal::{Signal, sha256_hex};

pub(crate) use catch_all::CATCH_ALL;
pub use catch_all::catch_all;
use catch_all::{NOBODY, NOWHERE, failing_thing};
pub use load::{Disabled, PlansError};
pub(crate) use storms::STORM;
pub use storms::Storms;

use crate::compile::plan_sha256;
use crate::index::Index;
use crate::mutes::{Recurring, Usable};
use crate::pattern::{Pattern, Specificity};
use crate::plan::*;
use owner::Ownership;

/// All plans that can be used, and why others cannot.
#[derive(Debug, Clone)]
pub struct Plans {
    /// SHA-256 of the configuration; that of nothing where there is none.
    pub config_sha256: String,
    /// The version that compiled them; empty where nothing was loaded.
    pub built_by: String,
    /// Plans of the file that cannot be used: what they were for goes to the catch-all. Tell someone.
    pub disabled: Vec<Disabled>,
    /// Recurring mutes of the file that cannot be used, each by its name: they mute nothing. Tell someone.
    pub disabled_mutes: Vec<Disabled>,
    /// The most specific first.
    entries: Vec<Entry>,
    index: Index,
    ownership: Ownership,
    mutes: Vec<Usable>,
    storms: Option<Storms>,
    fallback_topic: String,
}

/// Which plan a signal is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolution {
    /// The plan with its owner's escalation policy; the catch-all where no plan matched.
    pub plan: ResolvedPlan,
    /// Whether it is a plan that someone wrote.
    pub matched: bool,
    /// Whether a team owns it: by its plan, a tag or a rule. Else the fallback topic is paged.
    pub owned: bool,
    /// Why this one: a phrase for people, which quotes nothing of the signal.
    pub why: String,
}

#[derive(Debug, Clone)]
struct Entry {
    name: String,
    accounts: Vec<String>,
    pattern: Pattern,
    /// Of the pattern, and of the accounts: a list of them is one field with exact values.
    specificity: Specificity,
    /// The plan as it was compiled, which was read once, to know that it can be. Of many plans an event needs one, and so
    /// they are not kept as they are used: that would take more memory, in more pieces.
    written: String,
    plan_sha256: String,
    /// `None` where tags and rules say whose it is.
    team: Option<Arc<Team>>,
}

impl Entry {
    fn matches(&self, event: &Value, account: Option<&str>) -> bool {
        let accounts = &self.accounts;
        let ours = accounts.is_empty() || account.is_some_and(|account| accounts.iter().any(|own| own == account));
        ours && self.pattern.matches(event)
    }
}

impl Plans {
    /// Loads a compiled file. A damaged plan, or one whose team is damaged, is left out alone: see [`Plans::disabled`].
    /// `fallback_topic` is the ARN to which the catch-all pages.
    pub fn load(bytes: &[u8], fallback_topic: &str) -> Result<Self, PlansError> {
        let loaded = load::load(bytes)?;
        let index = Index::of(loaded.entries.iter().map(|entry| (&entry.pattern, entry.accounts.as_slice())));
        Ok(Self {
            config_sha256: loaded.config_sha256,
            built_by: loaded.built_by,
            disabled: loaded.disabled,
            disabled_mutes: loaded.disabled_mutes,
            entries: loaded.entries,
            index,
            ownership: loaded.ownership,
            mutes: loaded.mutes,
            storms: loaded.storms,
            fallback_topic: fallback_topic.to_owned(),
        })
    }

    /// No plans at all: everything goes to the catch-all.
    pub fn empty(fallback_topic: &str) -> Self {
        Self {
            config_sha256: sha256_hex(&[]),
            built_by: String::new(),
            disabled: Vec::new(),
            disabled_mutes: Vec::new(),
            entries: Vec::new(),
            index: Index::default(),
            ownership: Ownership::default(),
            mutes: Vec::new(),
            storms: None,
            fallback_topic: fallback_topic.to_owned(),
        }
    }

    /// The names of the plans that can be used, the most specific first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// Which plan the signal is for. There always is one. Of several that match the most specific wins: the one that
    /// constrains most fields, of equals the one with more exact fields, then the one that spells out more characters, and
    /// then the first by name. See [`Specificity`].
    pub fn resolve(&self, signal: &Signal) -> Resolution {
        let matching = self.matching(&signal.event, signal.account.as_deref());
        let Some((first, others)) = matching.split_first() else { return self.unmatched(signal) };
        let Ok(plan) = serde_json::from_str(&first.written) else { return self.unmatched(signal) };
        self.completed(plan, first, signal, why::matched(first, others))
    }

    /// The plan with what it leaves open: by tags, else by rules. Where neither says an owner, the fallback topic is paged and
    /// the plan is kept otherwise.
    fn completed(&self, mut plan: ResponsePlan, entry: &Entry, signal: &Signal, mut why: String) -> Resolution {
        let mut plan_sha256 = entry.plan_sha256.clone();
        let mut team = entry.team.as_deref().cloned();
        if team.is_none() || plan.service.is_empty() || plan.environment.is_empty() {
            let found = self.ownership.find(signal);
            if team.is_none() {
                why.push_str(&why::owner(&found, &self.disabled));
                team = found.team.map(|team| Team::clone(team));
            }
            if plan.service.is_empty() {
                plan.service = found.service.unwrap_or_else(|| failing_thing(signal));
            }
            if plan.environment.is_empty() {
                plan.environment = found.environment.unwrap_or_else(|| NOWHERE.to_owned());
            }
            plan.owner = team.as_ref().map_or(NOBODY, |team| &team.name).to_owned();
            plan_sha256 = self::plan_sha256(&plan);
        }
        let owned = team.is_some();
        let team = team.unwrap_or_else(|| catch_all(&self.fallback_topic).team);
        let plan = ResolvedPlan { plan, team, plan_sha256, config_sha256: self.config_sha256.clone() };
        Resolution { plan, matched: true, owned, why }
    }

    /// When many new incidents are a storm; `None` where they never are, since nobody says so.
    pub fn storms(&self) -> Option<&Storms> {
        self.storms.as_ref()
    }

    /// The plan of an incident that stands for a storm, which is as bad as this.
    pub fn of_a_storm(&self, storms: &Storms, severity: Severity) -> ResolvedPlan {
        storms.plan(severity, &self.config_sha256)
    }

    /// What mutes a signal of a plan at this time, by `mutes.yaml`: of several the one that lasts longest.
    pub fn muted(&self, plan: &ResponsePlan, signal: &Signal, now: Timestamp) -> Option<Recurring> {
        self.mutes.iter().filter_map(|mute| mute.mutes(plan, signal, now)).max_by_key(|muted| muted.until)
    }

    /// All that match, the most specific first.
    fn matching(&self, event: &Value, account: Option<&str>) -> Vec<&Entry> {
        let candidates = self.index.candidates(event, account).into_iter().map(|n| &self.entries[n]);
        candidates.filter(|entry| entry.matches(event, account)).collect()
    }

    /// The catch-all, owned by whom tags or rules name. Where nobody owns the signal, nobody knows what belongs together:
    /// each failing thing is a service, and so an incident, of its own.
    fn unmatched(&self, signal: &Signal) -> Resolution {
        let mut plan = catch_all(&self.fallback_topic);
        plan.plan.service = failing_thing(signal);
        let found = self.ownership.find(signal);
        let why = why::unmatched(&self.disabled) + &why::catch_all_owner(&found);
        if let Some(team) = found.team {
            plan.team = Team::clone(team);
            plan.plan.owner.clone_from(&team.name);
            plan.plan.service = found.service.unwrap_or(plan.plan.service);
            plan.plan.environment = found.environment.unwrap_or(plan.plan.environment);
        }
        plan.plan_sha256 = plan_sha256(&plan.plan);
        plan.config_sha256.clone_from(&self.config_sha256);
        Resolution { plan, matched: false, owned: found.team.is_some(), why }
    }
}
