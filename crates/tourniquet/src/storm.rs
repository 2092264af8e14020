//! What an incident that stands for a storm has in it.

use std::collections::BTreeMap;

use incident::{StormMember, groups};
use serde_json::{Value, json};

use crate::report::{line, listing, second};

/// So many are shown of an owner; `--json` has all.
const SHOWN: usize = 20;

/// A member, as `--json` has it: whose it is, and nobody's escalation policy.
pub(crate) fn member(member: &StormMember) -> Value {
    let StormMember { storm, group, entry, team, received_at } = member;
    json!({"storm": storm, "owner": team.name, "group": group, "received_at": received_at, "signal": entry})
}

/// A list for each owner, the worst first; nothing where there is no storm.
pub(crate) fn text(members: &[StormMember]) -> String {
    let mut owners: BTreeMap<&str, Vec<&StormMember>> = BTreeMap::new();
    for member in members {
        owners.entry(&member.team.name).or_default().push(member);
    }
    let head = match members.len() {
        0 => String::new(),
        signals => {
            let (incidents, owners) = (counted(groups(members), "incident"), counted(owners.len(), "owner"));
            format!("\nStorm\n{incidents} of {owners}, by {}\n", counted(signals, "signal"))
        }
    };
    owners.into_iter().fold(head, |text, (owner, theirs)| text + &of_owner(owner, theirs))
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn of_owner(owner: &str, mut theirs: Vec<&StormMember>) -> String {
    theirs.sort_by_key(|member| (member.entry.severity, member.received_at));
    let row = |member: &&StormMember| {
        let (entry, received) = (&member.entry, second(member.received_at));
        let whose = format!("{} ({})", entry.service, entry.environment);
        vec![received, entry.severity.to_string(), whose, line(&entry.title)]
    };
    let rows: Vec<_> = theirs.iter().take(SHOWN).map(row).collect();
    let more = theirs.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("  and {more} more; --json has all\n") } else { String::new() };
    format!(
        "\n{owner}: {}\n{}{more}",
        counted(theirs.len(), "signal"),
        listing(&["received", "severity", "service", "what"], &rows)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(owner: &str, n: usize, severity: &str) -> StormMember {
        serde_json::from_value(json!({
            "storm": "storm-20261123T140000Z", "group": format!("{owner}{n}"), "received_at": "2026-11-23T14:00:05Z",
            "team": {"name": owner, "escalation": []},
            "entry": {
                "signal_id": format!("{n:032}"), "fingerprint": n.to_string(), "title": format!("Alarm {n} is firing"),
                "state": "firing", "time": "2026-11-23T14:00:00Z", "link": null, "severity": severity,
                "service": "find", "environment": "prod", "plan": "p",
            },
        }))
        .unwrap()
    }

    #[test]
    fn members_are_listed_by_owner_the_worst_first() {
        assert_eq!(text(&[]), "");
        let members = [of("search", 1, "SEV3"), of("shop", 2, "SEV2"), of("search", 3, "SEV1")];
        let expect = "
Storm
3 incidents of 2 owners, by 3 signals

search: 2 signals
received              severity  service      what
2026-11-23 14:00:05Z  SEV1      find (prod)  Alarm 3 is firing
2026-11-23 14:00:05Z  SEV3      find (prod)  Alarm 1 is firing

shop: 1 signal
received              severity  service      what
2026-11-23 14:00:05Z  SEV2      find (prod)  Alarm 2 is firing
";
        assert_eq!(text(&members), expect, "{}", text(&members));
        let many: Vec<_> = (0..30).map(|n| of("search", n, "SEV3")).collect();
        assert!(text(&many).ends_with("  and 10 more; --json has all\n"), "{}", text(&many));
        assert_eq!(member(&members[1])["owner"], "shop");
    }
}
