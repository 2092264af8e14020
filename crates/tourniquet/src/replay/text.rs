//! What a replay comes to, for people: tables of at most 100 columns.

use std::collections::HashSet;
use std::fmt::Display;

use jiff::Timestamp;

use super::difference::{Change, Changed, Difference, TeamChange};
use super::history::Contents;
use super::pages::TeamPages;
use super::played::{InStorm, Incident, Outcome, Source, Storm};
use crate::report::{counted, fitted, line, second};
use crate::triage;

const WIDTH: usize = 100;

/// So many lines that gave no signal are shown; `--json` has more.
const MOST_SHOWN: usize = 10;

pub(super) fn contents(file: &str, of: &Contents) -> String {
    let mut text = format!("{file}: {}, {}", counted(of.lines, "line"), counted(of.signals as u64, "signal"));
    if let (Some(from), Some(to)) = (of.from, of.to) {
        text.push_str(&format!(", {} to {}", second(from), second(to)));
    }
    text.push('\n');
    if !of.in_order {
        text.push_str("The lines are not in the order of time; signals are judged in the order of their own times.\n");
    }
    if of.unread > 0 {
        text.push_str("\nNot read:\n");
        for unread in of.first_unread.iter().take(MOST_SHOWN) {
            text.push_str(&wrapped(&format!("  line {}: ", unread.line), &line(&unread.reason)));
        }
        if of.unread > MOST_SHOWN {
            text.push_str(&format!("  and {} more\n", of.unread - MOST_SHOWN));
        }
        if of.signals == 0 {
            text.push_str("A history has one event a line: `jq -c . event.json`, `jq -c '.[]' events.json`.\n");
        }
    }
    text
}

pub(super) fn outcome(of: &Outcome, dir: &str) -> String {
    let mut text = format!("\nWith {dir}:\n");
    let counts: Vec<_> = of
        .outcomes
        .iter()
        .map(|(outcome, n)| vec![triage::word(*outcome).unwrap_or_default(), n.to_string()])
        .collect();
    if counts.is_empty() {
        return text + "  no signal, so nothing\n";
    }
    text.push_str(&indented(&fitted(&["outcome", "signals"], &counts, WIDTH - 2)));
    text.push_str(&format!("\n{}{}\n", counted(of.incidents.len() as u64, "incident"), ending(&of.incidents)));
    text.push_str(&entries("", of.incidents.iter()));
    text.push_str(&storms(&of.storms));
    if !of.pages.is_empty() {
        let in_storms = if of.storms.is_empty() { "" } else { ", and one for each owner in a storm" };
        let about = "Nights are from 22:00 to 07:00 in the time zone of the contact whom the team's escalation tells \
                     first, in UTC where they have none.";
        let about = format!("Pages, one for each incident when it opens{in_storms}. {about}");
        text.push_str(&format!("\n{}", wrapped("", &about)));
        let row = |team: &TeamPages| {
            vec![team.team.clone(), team.pages.to_string(), team.at_night.to_string(), team.time_zone.clone()]
        };
        let rows: Vec<_> = of.pages.iter().map(row).collect();
        text.push_str(&indented(&fitted(&["team", "pages", "at night", "time zone"], &rows, WIDTH - 2)));
    }
    if !of.told_once.is_empty() {
        text.push_str("\nTold once, in digests, and paged to nobody:\n");
        let rows: Vec<_> = of.told_once.iter().map(|(team, n)| vec![team.clone(), n.to_string()]).collect();
        text.push_str(&indented(&fitted(&["team", "signals"], &rows, WIDTH - 2)));
    }
    if of.unowned.signals > 0 {
        text.push_str(&format!("\nNobody owns {}:\n", counted(of.unowned.signals, "signal")));
        let row =
            |of: &Source| vec![of.signals.to_string(), of.source.clone(), of.detail_type.clone().unwrap_or_default()];
        let rows: Vec<_> = of.unowned.of.iter().map(row).collect();
        text.push_str(&indented(&fitted(&["signals", "source", "detail type"], &rows, WIDTH - 2)));
    }
    text
}

/// What each storm held, and for whom; nothing where there is none.
fn storms(of: &[Storm]) -> String {
    if of.is_empty() {
        return String::new();
    }
    let about = "What is in a storm opens an incident by itself only where it still fires when that is over. Each owner \
                 gets one page for all of theirs, half a minute after the first.";
    let mut text = format!("\n{}", wrapped("", &format!("{}. {about}", counted(of.len() as u64, "storm"))));
    for storm in of {
        let Storm { id, incident_id, .. } = storm;
        text.push_str(&format!("  {id}  {}  {incident_id}\n", life(storm.began, Some(storm.over))));
        let row = |of: &InStorm| vec![of.owner.clone(), of.incidents.to_string(), of.signals.to_string()];
        let mut rows: Vec<_> = storm.owners.iter().map(row).collect();
        rows.push(vec!["all".to_owned(), storm.incidents.to_string(), storm.signals.to_string()]);
        let table = indented(&fitted(&["owner", "incidents", "signals"], &rows, WIDTH - 4));
        text.push_str(&indented(&table));
    }
    text
}

/// Two lines for each incident: a title needs one of its own.
fn entries<'i>(mark: &str, incidents: impl Iterator<Item = &'i Incident> + Clone) -> String {
    let row = |incident: &Incident| {
        let severity = incident.severity.to_string();
        vec![mark.to_owned(), incident.id.clone(), severity, incident.owner.clone(), incident.plan.clone()]
    };
    let first = fitted(&[""; 5], &incidents.clone().map(row).collect::<Vec<_>>(), WIDTH);
    let second = incidents.map(|incident| {
        let drill = if incident.drill { "DRILL " } else { "" };
        cut(&format!("{:28}{}  {drill}{}", "", life(incident.opened, incident.resolved), line(&incident.title)))
    });
    first.lines().zip(second).map(|(first, second)| format!("{first}\n{second}\n")).collect()
}

/// From when to when: the day once, where it is the same.
fn life(from: Timestamp, to: Option<Timestamp>) -> String {
    let began = second(from);
    match to {
        None => format!("{began}, not resolved"),
        Some(at) if day(at) == day(from) => format!("{began} to {}", at.strftime("%H:%M:%SZ")),
        Some(at) => format!("{began} to {}", second(at)),
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn ending(incidents: &[Incident]) -> String {
    let never = incidents.iter().filter(|incident| incident.resolved.is_none()).count();
    let drills = incidents.iter().filter(|incident| incident.drill).count();
    let mut text = String::new();
    if never > 0 {
        text.push_str(&format!("; {never} not resolved, since not all that fired recovered"));
    }
    if drills > 0 {
        text.push_str(&format!("; {}, whose pages do not count", counted(drills as u64, "drill")));
    }
    text
}

pub(super) fn difference(of: &Difference, before: &Outcome, after: &Outcome, dirs: &Change<String>) -> String {
    let mut text = format!("\nFrom {} to {}:\n", dirs.before, dirs.after);
    if of.is_none() {
        return text + "  nothing changes: the same incidents, owners, severities, plans and pages\n";
    }
    let lists = [("-", "no longer an incident", &of.only_before, before), ("+", "new", &of.only_after, after)];
    for (mark, what, ids, all) in lists.into_iter().filter(|(_, _, ids, _)| !ids.is_empty()) {
        let ids: HashSet<&String> = ids.iter().collect();
        text.push_str(&format!("\n{what}: {}\n", ids.len()));
        text.push_str(&entries(mark, all.incidents.iter().filter(|incident| ids.contains(&incident.id))));
    }
    if !of.changed.is_empty() {
        text.push_str(&format!("\nchanged: {}\n", of.changed.len()));
        of.changed.iter().for_each(|changed| text.push_str(&change(changed)));
    }
    text.push_str(&pages(of));
    if of.storms.before + of.storms.after > 0 {
        text.push_str(&format!("\n  storms: {}\n", arrow(&of.storms)));
    }
    text.push_str(&format!("\n  signals that nobody owns: {}\n", arrow(&of.unowned)));
    text
}

fn change(of: &Changed) -> String {
    let mut parts = Vec::new();
    let mut part = |what: &str, changes: bool, arrow: String| {
        if changes {
            parts.push(format!("{what} {arrow}"));
        }
    };
    part("severity", !of.severity.is_none(), arrow(&of.severity));
    part("owner", !of.owner.is_none(), arrow(&of.owner));
    part("plan", !of.plan.is_none(), arrow(&of.plan));
    let mut text = cut(&format!("~ {}  {}  {}", of.id.after, second(of.opened), line(&of.title))) + "\n";
    if !of.id.is_none() {
        text.push_str(&format!("    before {}\n", of.id.before));
    }
    parts.iter().for_each(|part| text.push_str(&(cut(&format!("    {part}")) + "\n")));
    text
}

fn pages(of: &Difference) -> String {
    let row = |team: &TeamChange| vec![team.team.clone(), arrow(&team.pages), arrow(&team.at_night)];
    let mut rows: Vec<_> = of.pages.iter().map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let sum = |pick: fn(&TeamChange) -> &Change<u64>| {
        let of = || of.pages.iter().map(pick);
        arrow(&Change { before: of().map(|n| n.before).sum::<u64>(), after: of().map(|n| n.after).sum() })
    };
    rows.push(vec!["all".to_owned(), sum(|team| &team.pages), sum(|team| &team.at_night)]);
    format!("\n{}", indented(&fitted(&["team", "pages", "at night"], &rows, WIDTH - 2)))
}

fn arrow<T: PartialEq + Display>(change: &Change<T>) -> String {
    if change.is_none() { change.after.to_string() } else { format!("{} → {}", change.before, change.after) }
}

fn indented(table: &str) -> String {
    table.lines().map(|line| format!("  {line}\n")).collect()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    text.chars().take(WIDTH - 1).chain(['…']).collect()
}

/// A sentence of any length behind a head, broken at its spaces.
fn wrapped(head: &str, sentence: &str) -> String {
    let indent = " ".repeat(head.chars().count());
    let (mut text, mut row) = (String::new(), head.to_owned());
    for word in sentence.split(' ') {
        let full = row.chars().count() + word.chars().count() + 1 > WIDTH;
        if full && row.len() > indent.len() {
            text.push_str(row.trim_end());
            text.push('\n');
            row.clone_from(&indent);
        }
        row.push_str(word);
        row.push(' ');
    }
    text + row.trim_end() + "\n"
}
