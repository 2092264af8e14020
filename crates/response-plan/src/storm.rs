//! `storm:` in teams.yaml: from how many new incidents on they are told together, and who leads then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use crate::error::{Report, nearest};
use crate::plan::Team;
use crate::span::Span;
use crate::wire::StormWire;

/// When many new incidents are a storm, and whose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StormRule {
    /// The team that is paged about the storm itself.
    pub owner: String,
    /// More new incidents than these are a storm.
    pub more_than: u32,
    /// Where they open within so long.
    pub within: Span,
}

/// Fewer at once than this are work for as many people, not a storm.
pub(crate) const FEWEST: u32 = 2;

/// A group for which an incident opened is an attribute of one item, of 400 KB at most.
pub(crate) const MOST: u32 = 1_000;

/// `sweep` looks once a minute whether a storm is over.
const SHORTEST: Span = Span::seconds(60);

/// What opens later than this after the first is another story.
const LONGEST: Span = Span::seconds(3_600);

/// `None` where something in it was reported.
pub(crate) fn read(
    report: &mut Report<'_>,
    written: &Spanned<StormWire>,
    teams: &BTreeMap<String, Team>,
) -> Option<StormRule> {
    let before = report.errors.len();
    let StormWire { owner, more_than, within } = &written.value;
    if !teams.contains_key(&owner.value) {
        let near = nearest(&owner.value, teams.keys().map(String::as_str));
        let remedy = near.map_or("add it under `teams`".to_owned(), |near| format!("did you mean `{near}`?"));
        report.add(owner.referenced, format!("there is no team `{}`", owner.value), remedy);
    }
    if !(FEWEST..=MOST).contains(&more_than.value) {
        let remedy = format!("write a number from {FEWEST} to {MOST}, such as `more_than: 20`");
        report.add(more_than.referenced, format!("`more_than: {}`", more_than.value), remedy);
    }
    if !(SHORTEST..=LONGEST).contains(&within.value) {
        let remedy = format!("write a time from {SHORTEST} to {LONGEST}, such as `within: 5m`");
        report.add(within.referenced, format!("`within: {}`", within.value), remedy);
    }
    let rule = StormRule { owner: owner.value.clone(), more_than: more_than.value, within: within.value };
    (report.errors.len() == before).then_some(rule)
}

#[cfg(test)]
mod tests {
    use crate::refusal_test::{read_both, refused, says};
    use crate::samples::{PLAN, TEAMS};

    #[test]
    fn a_storm_is_checked() {
        let storm = |rule: &str| read_both(PLAN, &format!("{TEAMS}storm: {rule}\n"));
        let config = storm("{ owner: payments, more_than: 20, within: 5m }").unwrap();
        assert_eq!(config.storm.map(|rule| (rule.owner, rule.more_than)), Some(("payments".to_owned(), 20)));
        let line = TEAMS.lines().count() + 1;
        for (rule, column, message, remedy) in [
            (
                "{ owner: payment, more_than: 20, within: 5m }",
                17,
                "there is no team `payment`",
                "did you mean `payments`?",
            ),
            ("{ owner: payments, more_than: 1, within: 5m }", 38, "`more_than: 1`", "from 2 to 1000"),
            ("{ owner: payments, more_than: 20, within: 5s }", 50, "`within: 5s`", "from 1m to 1h"),
            ("{ owner: payments, more_than: 20, within: 2h }", 50, "`within: 2h`", "from 1m to 1h"),
        ] {
            says(storm(rule), &format!("p/teams.yaml:{line}:{column}"), message, remedy);
        }
        for rule in ["{ owner: payments, more_than: 20 }", "{ owner: payments, more_than: 20, within: 5m, auto: off }"]
        {
            assert!(storm(rule).is_err(), "{rule}");
        }
        refused("plan:", "plan: storm", "2:7", "built in", "another name");
    }
}
