//! `owners.yaml`: whose a resource is where no plan names an owner.

mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use crate::convert::{check_owner, name, some_text};
use crate::error::Report;
use crate::pattern::Wildcard;
use crate::plan::Team;
use crate::wire::Word;
pub(crate) use wire::{OwnerRuleWire, OwnersWire, TagNamesWire};

/// An event may name thousands of resources, and each meets the rules in turn.
pub(crate) const MOST_RULES: usize = 1_000;

/// More names for one thing are a muddle, not a convention.
pub(crate) const MOST_NAMES: usize = 10;

/// AWS's limit of a tag's name, in characters.
pub(crate) const LONGEST_TAG: usize = 128;

/// How the owner of a signal is found that its plan does not name; also its service and environment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Owners {
    /// The names of the tags that are asked first.
    #[serde(default)]
    pub tags: TagNames,
    /// What is asked next, in order: the first that matches wins.
    #[serde(default)]
    pub rules: Vec<OwnerRule>,
}

/// Names of tags, the one that is asked first in front. Their case does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagNames {
    /// Tags whose value is the name of a team.
    pub owner: Vec<String>,
    /// Tags whose value is the service.
    pub service: Vec<String>,
    /// Tags whose value is the environment.
    pub environment: Vec<String>,
}

/// What they are where nobody says it: `owners.yaml` need not be there.
pub(crate) const TAGS: [(&str, &[&str]); 3] =
    [("owner", &["Owner", "Team"]), ("service", &["Service"]), ("environment", &["Environment"])];

impl Default for TagNames {
    fn default() -> Self {
        let [owner, service, environment] = TAGS.map(|(_, names)| names.iter().map(ToString::to_string).collect());
        Self { owner, service, environment }
    }
}

/// Resources of one owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerRule {
    /// Full ARNs, in which `*` stands for any characters, or for none.
    pub arn: String,
    /// The team, a key of `teams.yaml`.
    pub owner: String,
    /// The service that they are part of; `None` leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The environment that they are in; `None` leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The line of `owners.yaml` in which it begins, from 1: for messages alone, and so no part of any hash.
    #[serde(skip)]
    pub line: u64,
}

/// `None` when something in it was reported. Without `teams` (they are unreadable) owners are not looked up.
pub(crate) fn owners(
    report: &mut Report<'_>,
    wire: &OwnersWire,
    teams: Option<&BTreeMap<String, Team>>,
) -> Option<Owners> {
    let before = report.errors.len();
    let tags = wire.tags.as_ref().map_or_else(TagNames::default, |wire| tag_names(report, wire));
    let mut rules: Vec<OwnerRule> = Vec::new();
    for written in &wire.rules {
        let rule = rule(report, written, teams);
        if let Some(first) = rules.iter().find(|first| first.arn == rule.arn) {
            let message = format!("the rule of line {} is for the same resources, and comes first", first.line);
            report.add(written.value.arn.referenced, message, "keep one of the two");
        }
        rules.push(rule);
        if rules.len() > MOST_RULES {
            let message = format!("there are more than {MOST_RULES} rules");
            report.add(written.referenced, message, "write fewer, with wider patterns, or tag the resources");
            break;
        }
    }
    (report.errors.len() == before).then_some(Owners { tags, rules })
}

fn tag_names(report: &mut Report<'_>, wire: &TagNamesWire) -> TagNames {
    let default = TagNames::default();
    let mut names = |written: Option<&Spanned<Vec<Word>>>, default| {
        let Some(written) = written else { return default };
        if written.value.len() > MOST_NAMES {
            let message = format!("{} names of tags are more than {MOST_NAMES}", written.value.len());
            report.add(written.referenced, message, "keep those that are in use");
        }
        for name in &written.value {
            if name.value.trim().is_empty() || name.value.chars().count() > LONGEST_TAG {
                let remedy = format!("write its name, of at most {LONGEST_TAG} characters");
                report.add(name.referenced, "this is no name of a tag", remedy);
            }
        }
        written.value.iter().map(|name| name.value.clone()).collect()
    };
    TagNames {
        owner: names(wire.owner.as_ref(), default.owner),
        service: names(wire.service.as_ref(), default.service),
        environment: names(wire.environment.as_ref(), default.environment),
    }
}

fn rule(
    report: &mut Report<'_>,
    written: &Spanned<OwnerRuleWire>,
    teams: Option<&BTreeMap<String, Team>>,
) -> OwnerRule {
    let wire = &written.value;
    check_owner(report, &wire.owner, teams);
    let arn = some_text(report, &wire.arn, "pattern of ARNs");
    if let Err((message, remedy)) = pattern(&arn)
        && !arn.trim().is_empty()
    {
        report.add(wire.arn.referenced, message, remedy);
    }
    let mut named = |word: &Option<Word>| word.as_ref().map(|word| name(report, word));
    let (service, environment) = (named(&wire.service), named(&wire.environment));
    OwnerRule { arn, owner: wire.owner.value.clone(), service, environment, line: written.referenced.line() }
}

/// A pattern over full ARNs. The error is what is wrong, and what to write instead.
pub(crate) fn pattern(arn: &str) -> Result<Wildcard, (&'static str, &'static str)> {
    let remedy = "write a full ARN with `*` for what may be anything: `arn:aws:rds:*:111122223333:cluster:orders-*`";
    let wildcard = Wildcard::of(arn)?;
    if !(arn.starts_with("arn:") || arn.starts_with('*')) {
        return Err(("no ARN begins so", remedy));
    }
    if wildcard.is_plain() && arn.split(':').count() < 6 {
        return Err(("this is no whole ARN, and without `*` it is for no other", remedy));
    }
    Ok(wildcard)
}
