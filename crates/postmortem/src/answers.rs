//! The five questions, answered from facts alone.

mod control;
mod trigger;

use incident::{Measure, Measures, Outcome};
use jiff::Timestamp;

use crate::change::Change;
use crate::facts::Facts;
use crate::phases::{Moment, Phase, phases};
use crate::words::{count, instant, length, list, plain, seconds};

/// One question and what the records say to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The question.
    pub question: &'static str,
    /// Whether the records answer it. Where they do not, the text begins `Not known.` and says what would.
    pub known: bool,
    /// The sentences, each a paragraph of plain text.
    pub text: Vec<String>,
}

/// The answers to the five questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// What set it off.
    pub trigger: Answer,
    /// What went well.
    pub went_well: Answer,
    /// Where it slowed.
    pub slowed: Answer,
    /// What would have detected it earlier.
    pub earlier: Answer,
    /// The missing control.
    pub missing_control: Answer,
}

impl Answers {
    /// Answers from the facts.
    pub fn of(facts: &Facts) -> Self {
        Self {
            trigger: trigger::trigger(facts),
            went_well: went_well(facts),
            slowed: slowed(facts),
            earlier: earlier(facts),
            missing_control: control::missing(facts),
        }
    }

    /// All of them, in the order in which they are asked.
    pub fn each(&self) -> [&Answer; 5] {
        [&self.trigger, &self.went_well, &self.slowed, &self.earlier, &self.missing_control]
    }
}

fn known(question: &'static str, text: Vec<String>) -> Answer {
    Answer { question, known: true, text }
}

fn not_known(question: &'static str, why: impl std::fmt::Display, more: Vec<String>) -> Answer {
    let text = std::iter::once(format!("Not known. {why}")).chain(more).collect();
    Answer { question, known: false, text }
}

fn went_well(facts: &Facts) -> Answer {
    const QUESTION: &str = "What went well?";
    let incident = &facts.incident;
    let measures = Measures::of(incident, &facts.mitigations);
    let mut text = Vec::new();
    let mut took = |measure: &Measure, say: &dyn Fn(String) -> String| {
        text.extend(measure.seconds.map(|seconds| say(length(seconds))));
    };
    took(&measures.ttd_s, &|time| format!("It was detected {time} after it began."));
    took(&measures.tte_s, &|time| format!("A channel that wakes accepted the page {time} after the first signal."));
    let by = plain(incident.acknowledged_by.as_deref().unwrap_or("A person"));
    took(&measures.tta_s, &|time| format!("{by} acknowledged {time} after the first signal."));
    if let Some(helped) = facts.helped() {
        let outcome = helped.outcome.map_or("applied", Outcome::as_str);
        took(&measures.ttm_s, &|time| {
            format!("A mitigation cleared it {time} after the first signal, and its outcome is {outcome}.")
        });
    } else if facts.clear_since().is_some() && !facts.mitigations.iter().any(|m| m.applied_at.is_some()) {
        took(&measures.ttr_s, &|time| format!("It recovered by itself {time} after the first signal."));
    }
    text.extend(incident.evidence.iter().map(|pass| {
        format!(
            "Evidence pass {} was sealed with {} and {}.",
            pass.pass,
            count(pass.files, "file"),
            count(pass.gaps, "gap")
        )
    }));
    match text.is_empty() {
        false => known(QUESTION, text),
        true => not_known(
            QUESTION,
            "No detection time, page, acknowledgement, mitigation or evidence is on record; any of them would show it.",
            Vec::new(),
        ),
    }
}

fn slowed(facts: &Facts) -> Answer {
    const QUESTION: &str = "Where did it slow?";
    let phases = phases(facts);
    let mut text = Vec::new();
    let held_for = facts.incident.held_for();
    // The plan itself holds an incident that is clear: only what comes on top of it is slow.
    let waiting = |phase: &Phase| match phase.to {
        Moment::Resolved => (phase.seconds - held_for.as_secs() as f64).max(0.0),
        _ => phase.seconds,
    };
    // The first of the longest: `max_by` would take the last.
    let longest = phases.iter().rev().max_by(|a, b| waiting(a).total_cmp(&waiting(b))).filter(|p| waiting(p) > 0.0);
    if let (Some(longest), Some(first), Some(last)) = (longest, phases.first(), phases.last()) {
        let total = seconds(first.begin, last.end);
        let beyond = match longest.to {
            Moment::Resolved => format!(", beyond the {held_for} for which the plan holds it"),
            _ => String::new(),
        };
        text.push(format!(
            "The longest stretch was from “{}” to “{}”{beyond}: {} of {} in all.",
            longest.from.label(),
            longest.to.label(),
            length(waiting(longest)),
            length(total)
        ));
    }
    text.extend(people(facts));
    text.extend(facts.mitigations.iter().filter_map(|m| {
        let outcome = m.outcome.filter(|o| !matches!(o, Outcome::Verified | Outcome::Cancelled))?;
        let why = m.reason.as_deref().map_or_else(|| "Why is not recorded.".to_owned(), sentence);
        Some(format!("Mitigation {} ended {outcome}. {why}", m.n))
    }));
    text.extend(
        facts.incident.opened.degraded.as_deref().map(|why| format!("The suite ran degraded. {}", sentence(why))),
    );
    match text.is_empty() {
        false => known(QUESTION, text),
        true => not_known(QUESTION, "Fewer than two moments are on record, and a stretch needs two.", Vec::new()),
    }
}

/// How many had to be paged, where it was more than one or for nothing.
fn people(facts: &Facts) -> Option<String> {
    let paged = facts.paged();
    let names = plain(&list(&paged));
    match (facts.incident.acknowledged_at, paged.len()) {
        (None, 0) => Some("No page is on record as accepted, and nobody acknowledged.".to_owned()),
        (None, _) => Some(format!("Nobody acknowledged; paged: {names}.")),
        (Some(_), 0 | 1) => None,
        (Some(_), n) => Some(format!("{n} contacts were paged: {names}.")),
    }
}

fn earlier(facts: &Facts) -> Answer {
    const QUESTION: &str = "What would have detected it earlier?";
    let opened = &facts.incident.opened;
    let change = Change::of(facts).filter(Change::helped).and_then(|c| Some((c.version, c.recorded?.at)));
    let at_change = change.map(|(version, at)| {
        let gained = length(seconds(at, opened.opened_at));
        format!("A check of version {version} as it went live, at {}, could have gained up to {gained}.", instant(at))
    });
    let more: Vec<String> = at_change.into_iter().collect();
    let alarm = opened.signal.source == "aws.cloudwatch";
    match facts.incident.onset {
        Some(onset) if onset <= opened.opened_at => {
            let gained = length(seconds(onset, opened.opened_at));
            let began = format!("It began at {}: a faster signal could have gained at most {gained}.", instant(onset));
            let text = [Some(began), split(onset, opened.signal.time, opened.opened_at, alarm)];
            known(QUESTION, text.into_iter().flatten().chain(more).collect())
        }
        Some(_) => {
            let why = "The onset on record is later than the first signal: one of the clocks is wrong, and setting it \
                       right would make it known.";
            not_known(QUESTION, why, more)
        }
        None if alarm => {
            let why = "Neither the alarm nor its metric says when the trouble began. An alarm that is delivered by \
                       EventBridge or as an alarm action carries its datapoints, and with them the onset.";
            not_known(QUESTION, why, more)
        }
        None => {
            let why =
                "Nothing on record says when the trouble began; a signal that carries its onset would make it known.";
            not_known(QUESTION, why, more)
        }
    }
}

/// How the time to detect divides into the source's own and the delivery's.
fn split(onset: Timestamp, turned: Timestamp, opened: Timestamp, alarm: bool) -> Option<String> {
    if turned < onset || opened < turned {
        return None;
    }
    let own = if alarm { " (its period and number of datapoints)" } else { "" };
    Some(format!(
        "Of that, {} passed until the source itself changed its state{own}, and {} in delivery.",
        length(seconds(onset, turned)),
        length(seconds(turned, opened))
    ))
}

/// A text of others as a sentence of its own.
pub(crate) fn sentence(text: &str) -> String {
    let text = plain(text);
    let text = text.trim();
    let mut chars = text.chars();
    let capital: String = chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default();
    if capital.ends_with(['.', '!', '?']) || capital.is_empty() { capital } else { format!("{capital}.") }
}
