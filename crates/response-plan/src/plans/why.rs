//! Why a plan was chosen, in words. They quote nothing of the signal.

use super::Entry;
use super::load::Disabled;
use super::owner::Found;
use crate::read::OWNERS_FILE;

/// Other plans are named up to so many.
const NAMED: usize = 3;

/// `others` match too, the most specific first.
pub(super) fn matched(chosen: &Entry, others: &[&Entry]) -> String {
    let name = |entry: &Entry| format!("`{}`", entry.name);
    let mut why = format!("matched by plan {}", name(chosen));
    let Some((second, more)) = others.split_first() else { return why };
    why.push_str(&format!(", over {} because {}", name(second), because(chosen, second)));
    if !more.is_empty() {
        let named: Vec<String> = more.iter().take(NAMED).map(|entry| name(entry)).collect();
        why.push_str(&format!("; also over {}", named.join(", ")));
        if more.len() > NAMED {
            why.push_str(&format!(" and {} more", more.len() - NAMED));
        }
    }
    why
}

fn because(chosen: &Entry, second: &Entry) -> String {
    let (own, other) = (chosen.specificity, second.specificity);
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    if own.fields != other.fields {
        format!("it constrains {}, and that {}", count(own.fields, "field"), other.fields)
    } else if own.exact != other.exact {
        format!("it gives exact values for {}, and that for {}", count(own.exact, "field"), other.exact)
    } else if own.characters != other.characters {
        format!("it spells out {} where that does {}", count(own.characters, "character"), other.characters)
    } else {
        "of plans that are equally specific the first by name is taken".to_owned()
    }
}

pub(super) fn unmatched(disabled: &[Disabled]) -> String {
    let mut why = "no plan matches, so the catch-all takes it".to_owned();
    if !disabled.is_empty() {
        let mut names: Vec<_> = disabled.iter().map(|disabled| format!("`{}`", disabled.plan)).collect();
        // Several rules are of one file.
        names.dedup();
        why.push_str(&format!("; disabled, since damaged: {}", names.join(", ")));
    }
    why
}

/// Who owns what a plan matches that names no owner.
pub(super) fn owner(found: &Found<'_>, disabled: &[Disabled]) -> String {
    let mut why = match (&found.by, found.team) {
        (Some(by), Some(_)) => format!("; owned by {by}"),
        (Some(by), None) => format!("; it would be owned by {by}, so the fallback topic is told"),
        (None, _) => "; no tag or rule says whose it is, so the fallback topic is told".to_owned(),
    };
    why.push_str(&passed_over(found));
    if disabled.iter().any(|disabled| disabled.plan == OWNERS_FILE) {
        why.push_str(&format!("; disabled, since damaged: `{OWNERS_FILE}`"));
    }
    why
}

/// The same of what no plan matches. That nobody owns it goes without saying there.
pub(super) fn catch_all_owner(found: &Found<'_>) -> String {
    match found.by {
        Some(_) => owner(found, &[]),
        None => passed_over(found),
    }
}

fn passed_over(found: &Found<'_>) -> String {
    found.passed_over.map_or_else(String::new, |tag| format!("; the resource's tag `{tag}` names no team"))
}
