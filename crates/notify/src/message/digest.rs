//! What an owner is told once: each failing thing in one line, the worst and the latest first.

use std::collections::BTreeMap;

use incident::{Digest, DigestEntry};
use jiff::Timestamp;
use signal::State;

use super::{LINE, Mark, Message, TITLE};
use crate::text::{cut, line, moment};

/// So many failing things are shown: below the limits of every channel, and as many as anybody reads.
pub(crate) const MOST_LINES: usize = 12;
/// The longest title of one, in characters.
const WHAT: usize = 160;

/// One failing thing of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Its last signal.
    pub(crate) last: &'a DigestEntry,
    /// How many signals of it came.
    pub(crate) times: usize,
    /// When it recovered, if it has.
    pub(crate) recovered: Option<Timestamp>,
}

/// One line for each failing thing.
pub(crate) fn lines(entries: &[DigestEntry]) -> Vec<Line<'_>> {
    let mut things: BTreeMap<&str, Line<'_>> = BTreeMap::new();
    for entry in entries {
        let line = Line { last: entry, times: 0, recovered: None };
        let line = things.entry(&entry.fingerprint).or_insert(line);
        line.times += 1;
        if entry.time >= line.last.time {
            line.last = entry;
        }
    }
    let mut lines: Vec<_> = things.into_values().collect();
    lines.sort_by_key(|line| (line.last.severity, std::cmp::Reverse(line.last.time)));
    lines
}

/// The message. From the second time on it says so: something came after the first.
pub(crate) fn digest(digest: &Digest, n: u32, lines: &[Line<'_>], zone: Option<&str>, mark: Mark) -> Message {
    let drill = if digest.drill { "DRILL " } else { "" };
    let again = if n > 1 { ", with what came late" } else { "" };
    let things = if lines.len() == 1 { "1 thing".to_owned() } else { format!("{} things", lines.len()) };
    let owner = &digest.team.name;
    let title = format!("{drill}{}Digest for {owner}: {things} that opened no incident{again}", mark.prefix());
    let footer = format!("{}, until {}", digest.id, moment(digest.until, zone));
    let message = Message { title: line(&title, TITLE), facts: Vec::new(), actions: Vec::new(), footer };
    let shown = lines.iter().take(MOST_LINES);
    let message =
        shown.fold(message, |message, line| message.fact(line.last.severity.as_str(), said(line, zone, true)));
    let more = lines.len().saturating_sub(MOST_LINES);
    let message = message.fact_if("And", (more > 0).then(|| format!("{more} more, less severe or longer ago")));
    let Some(first) = lines.first() else { return message };
    message.action("Make one an incident", "declare --reason WHY --from", &first.last.signal_id)
}

/// One line; with its signal where a person can make an incident of that.
pub(super) fn said(line: &Line<'_>, zone: Option<&str>, with_signal: bool) -> String {
    let DigestEntry { title, service, environment, time, link, signal_id, state, .. } = line.last;
    let times = if line.times > 1 { format!(", {} times", line.times) } else { String::new() };
    let now = match line.recovered {
        Some(at) => format!("; recovered at {}", moment(at, zone)),
        None if *state == State::Info => String::new(),
        None => "; still firing as far as is known".to_owned(),
    };
    let (title, last) = (cut(title, WHAT), moment(*time, zone));
    let signal = if with_signal { format!("; signal {signal_id}") } else { String::new() };
    let text = format!("{title} ({service} in {environment}){times}, last at {last}{now}{signal}");
    match link {
        Some(link) if text.chars().count() + link.chars().count() + 2 <= LINE => format!("{text}; {link}"),
        // Cut, it would lead nowhere.
        _ => text,
    }
}

#[cfg(test)]
#[path = "digest_test.rs"]
mod tests;
