//! The compiled file into plans. A damaged plan, or one whose team is damaged, is left out alone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Entry;
use super::owner::{Ownership, Teams};
use super::storms::{self, Storms};
use crate::compile::V;
use crate::mutes::{RecurringMute, Usable};
use crate::pattern::Pattern;
use crate::plan::*;

/// A plan or a mute that was left out, or a part of what says whose a resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disabled {
    /// Its name, or its place in the file where the name cannot be read; [`crate::OWNERS_FILE`] for what says whose a
    /// resource is.
    pub plan: String,
    /// Why, in one sentence.
    pub reason: String,
}

/// The file as a whole cannot be used. Page by [`super::Plans::empty`], marked as degraded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlansError(String);

impl fmt::Display for PlansError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The compiled plans cannot be used: {}. Build them again with `tourniquet plans build`.", self.0)
    }
}

impl std::error::Error for PlansError {}

/// What is in a compiled file.
pub(super) struct Loaded {
    pub(super) config_sha256: String,
    pub(super) built_by: String,
    pub(super) entries: Vec<Entry>,
    pub(super) disabled: Vec<Disabled>,
    pub(super) ownership: Ownership,
    pub(super) mutes: Vec<Usable>,
    pub(super) disabled_mutes: Vec<Disabled>,
    pub(super) storms: Option<Storms>,
}

/// Plans and teams are not looked into here, so that one that is damaged spoils no other.
#[derive(Deserialize)]
struct File<'b> {
    v: Option<Value>,
    config_sha256: String,
    #[serde(default)]
    built_by: String,
    #[serde(borrow)]
    plans: Vec<&'b RawValue>,
    #[serde(borrow)]
    teams: BTreeMap<String, &'b RawValue>,
    #[serde(borrow, default)]
    owners: Option<&'b RawValue>,
    #[serde(borrow, default)]
    owner_lines: Option<&'b RawValue>,
    /// Files without mutes, and those of releases that knew none, do not have it.
    #[serde(borrow, default)]
    mutes: Option<&'b RawValue>,
    /// The same.
    #[serde(borrow, default)]
    storm: Option<&'b RawValue>,
}

#[derive(Deserialize)]
struct Version {
    v: Option<Value>,
}

#[derive(Deserialize)]
struct Sealed {
    plan_sha256: String,
}

pub(super) fn load(bytes: &[u8]) -> Result<Loaded, PlansError> {
    let file = serde_json::from_slice::<File<'_>>(bytes);
    let v = match &file {
        Ok(file) => file.v.clone(),
        Err(error) if error.is_data() => serde_json::from_slice::<Version>(bytes).ok().and_then(|version| version.v),
        Err(error) => return Err(PlansError(format!("they are not JSON ({error})"))),
    };
    match v {
        Some(v) if v == json!(V) => {}
        Some(v) => return Err(PlansError(format!("they are of version {v}, and this program reads version {V}"))),
        None => return Err(PlansError("they have no version".to_owned())),
    }
    let file = file.map_err(|error| PlansError(format!("they are damaged ({error})")))?;
    let teams: Teams = file.teams.into_iter().map(|(name, value)| (name, team(value))).collect();
    let mut entries = Vec::with_capacity(file.plans.len());
    let mut disabled = Vec::new();
    for (n, plan) in file.plans.into_iter().enumerate() {
        match entry(plan, &teams) {
            Ok(entry) => entries.push(entry),
            Err(reason) => disabled.push(Disabled { plan: named(plan, "plan", n), reason }),
        }
    }
    entries.sort_by(|a, b| b.specificity.cmp(&a.specificity).then_with(|| a.name.cmp(&b.name)));
    let storms = storms::load(file.storm, &teams, &mut disabled);
    let ownership = Ownership::load(file.owners, file.owner_lines, teams, &mut disabled);
    let (mutes, disabled_mutes) = mutes(file.mutes);
    let (config_sha256, built_by) = (file.config_sha256, file.built_by);
    Ok(Loaded { config_sha256, built_by, entries, disabled, ownership, mutes, disabled_mutes, storms })
}

/// The mutes that can be used, and the others: what cannot be read mutes nothing, and spoils nothing else.
fn mutes(value: Option<&RawValue>) -> (Vec<Usable>, Vec<Disabled>) {
    let Some(value) = value else { return Default::default() };
    let damaged = |error: serde_json::Error| format!("it is damaged ({error})");
    let all = match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
        Ok(all) => all,
        Err(error) => return (Vec::new(), vec![Disabled { plan: "all of them".to_owned(), reason: damaged(error) }]),
    };
    let (mut usable, mut disabled) = (Vec::new(), Vec::new());
    for (n, value) in all.into_iter().enumerate() {
        let read = serde_json::from_str::<RecurringMute>(value.get()).map_err(damaged).and_then(Usable::new);
        match read {
            Ok(mute) => usable.push(mute),
            Err(reason) => disabled.push(Disabled { plan: named(value, "name", n), reason }),
        }
    }
    (usable, disabled)
}

/// What to call a damaged plan or mute, by the field that has its name.
fn named(damaged: &RawValue, field: &str, n: usize) -> String {
    let value = serde_json::from_str::<Value>(damaged.get()).unwrap_or_default();
    value.get(field).and_then(Value::as_str).map_or(format!("number {}", n + 1), str::to_owned)
}

/// A team, or what is wrong with it as the owner of a plan.
fn team(value: &RawValue) -> Result<Arc<Team>, String> {
    let team: Team = serde_json::from_str(value.get()).map_err(|error| format!("its owner is damaged ({error})"))?;
    if team.escalation.is_empty() { Err("its owner has nobody to page".to_owned()) } else { Ok(Arc::new(team)) }
}

fn entry(value: &RawValue, teams: &Teams) -> Result<Entry, String> {
    let damaged = |error| format!("the plan is damaged ({error})");
    let plan: ResponsePlan = serde_json::from_str(value.get()).map_err(damaged)?;
    let Sealed { plan_sha256 } = serde_json::from_str(value.get()).map_err(damaged)?;
    let pattern = Pattern::from_value(&plan.pattern)
        .map_err(|errors| errors.first().map_or("its pattern is damaged".to_owned(), ToString::to_string))?;
    let named = Some(&plan.owner).filter(|owner| !owner.is_empty());
    let team = named.map(|owner| {
        let team = teams.get(owner).ok_or_else(|| format!("its owner `{owner}` is not among the teams"))?;
        team.as_ref().map(Arc::clone).map_err(String::clone)
    });
    let team = team.transpose()?;
    let mut specificity = pattern.specificity();
    if !plan.accounts.is_empty() {
        specificity.fields += 1;
        specificity.exact += 1;
    }
    let (name, accounts) = (plan.plan, plan.accounts);
    Ok(Entry { name, accounts, pattern, specificity, written: value.get().to_owned(), plan_sha256, team })
}
