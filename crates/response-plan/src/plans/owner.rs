//! Whose a signal is where its plan does not say: by tags of the resource, else by the rules of `owners.yaml`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use signal::Signal;

use super::Disabled;
use crate::convert::is_name;
use crate::owners::{Owners, TagNames, pattern};
use crate::pattern::Wildcard;
use crate::plan::Team;
use crate::read::OWNERS_FILE;

/// So many resources of a signal meet the rules: the failing thing's own comes first, and an event may name thousands.
const MOST_RESOURCES: usize = 100;

/// A team of the compiled file, or what is wrong with it.
pub(super) type Teams = BTreeMap<String, Result<Arc<Team>, String>>;

/// Who owns what no plan names an owner for.
#[derive(Debug, Clone, Default)]
pub(super) struct Ownership {
    tags: TagNames,
    rules: Vec<Rule>,
    teams: Teams,
}

#[derive(Debug, Clone)]
struct Rule {
    arns: Wildcard,
    owner: String,
    service: Option<String>,
    environment: Option<String>,
    /// The line of `owners.yaml`, or 0.
    line: u64,
}

/// What tags and rules say of a signal.
pub(super) struct Found<'a> {
    /// The owner; `None` also where its team is damaged.
    pub(super) team: Option<&'a Arc<Team>>,
    pub(super) service: Option<String>,
    pub(super) environment: Option<String>,
    /// How the owner was found, behind "owned by".
    pub(super) by: Option<String>,
    /// A tag that should name the owner, and names no team.
    pub(super) passed_over: Option<&'a str>,
}

impl Ownership {
    /// Of a compiled file. Where what it says of owners is damaged it is as if it said nothing, and `disabled` says so.
    pub(super) fn load(
        owners: Option<&RawValue>,
        lines: Option<&RawValue>,
        teams: Teams,
        disabled: &mut Vec<Disabled>,
    ) -> Self {
        let mut damaged = |reason: String| disabled.push(Disabled { plan: OWNERS_FILE.to_owned(), reason });
        let read = owners.map_or(Ok(Owners::default()), |owners| {
            serde_json::from_str(owners.get()).map_err(|error| format!("it is damaged ({error})"))
        });
        let (tags, rules) = match read.and_then(|owners| Ok((owners.tags.clone(), rules(owners, lines)?))) {
            Ok(read) => read,
            Err(reason) => {
                damaged(reason);
                Default::default()
            }
        };
        for rule in &rules {
            let reason = match teams.get(&rule.owner) {
                Some(Ok(_)) => continue,
                Some(Err(reason)) => reason.clone(),
                None => format!("its owner `{}` is not among the teams", rule.owner),
            };
            damaged(format!("of the rule in line {}: {reason}", rule.line));
        }
        Self { tags, rules, teams }
    }

    /// What tags say, and where they say nothing what the first rule says that is for a resource: in the order of the
    /// resources, the failing thing's own first.
    pub(super) fn find<'a>(&'a self, signal: &Signal) -> Found<'a> {
        let rule = signal.resources.iter().take(MOST_RESOURCES).find_map(|arn| {
            let mut rules = self.rules.iter();
            rules.find(|rule| rule.arns.matches(arn))
        });
        let said = |names: &'a [String], by_rule: fn(&Rule) -> Option<String>| {
            let tag = tagged(signal, names).map(|(_, value)| value).find(|value| is_name(value));
            tag.map(str::to_owned).or_else(|| by_rule(rule?))
        };
        let service = said(&self.tags.service, |rule| rule.service.clone());
        let environment = said(&self.tags.environment, |rule| rule.environment.clone());
        let mut found = Found { team: None, service, environment, by: None, passed_over: None };
        for (tag, value) in tagged(signal, &self.tags.owner) {
            match self.team(value) {
                Some((name, team)) => {
                    found.settle(name, team, &format!("the resource's tag `{tag}`"));
                    return found;
                }
                None => found.passed_over = found.passed_over.or(Some(tag)),
            }
        }
        if let Some(rule) = rule {
            match self.teams.get_key_value(&rule.owner) {
                Some((name, team)) => found.settle(name, team, &rule.said()),
                None => found.by = Some(format!("a team that is not there by {}", rule.said())),
            }
        }
        found
    }

    /// The team that a tag's value names, whatever its case.
    fn team(&self, value: &str) -> Option<(&String, &Result<Arc<Team>, String>)> {
        let any_case = || self.teams.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
        self.teams.get_key_value(value).or_else(any_case)
    }
}

impl<'a> Found<'a> {
    fn settle(&mut self, name: &str, team: &'a Result<Arc<Team>, String>, by: &str) {
        self.team = team.as_ref().ok();
        let damaged = if team.is_ok() { "" } else { ", whose record is damaged," };
        self.by = Some(format!("{name}{damaged} by {by}"));
    }
}

impl Rule {
    fn said(&self) -> String {
        match self.line {
            0 => format!("a rule of {OWNERS_FILE}"),
            line => format!("the rule of {OWNERS_FILE} line {line}"),
        }
    }
}

/// The rules with their lines, which are for messages alone: without them it goes on.
fn rules(owners: Owners, lines: Option<&RawValue>) -> Result<Vec<Rule>, String> {
    let lines: Vec<u64> = lines.and_then(|lines| serde_json::from_str(lines.get()).ok()).unwrap_or_default();
    let numbered = owners.rules.into_iter().enumerate();
    let read = numbered.map(|(n, rule)| {
        let arns = pattern(&rule.arn).map_err(|(message, _)| format!("it is damaged (of a rule: {message})"))?;
        let line = lines.get(n).copied().unwrap_or(0);
        Ok(Rule { arns, owner: rule.owner, service: rule.service, environment: rule.environment, line })
    });
    read.collect()
}

/// The signal's values of tags that are called so, whatever their case, in the order of the names; each with the name that was
/// asked for, since words about it quote nothing of the signal.
fn tagged<'a, 's>(signal: &'s Signal, names: &'a [String]) -> impl Iterator<Item = (&'a str, &'s str)> {
    names.iter().flat_map(move |name| {
        let called = signal.tags.iter().filter(move |(tag, _)| tag.eq_ignore_ascii_case(name));
        called.map(move |(_, value)| (name.as_str(), value.as_str()))
    })
}
