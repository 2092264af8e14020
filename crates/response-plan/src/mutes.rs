//! Recurring mutes, compiled: which windows they have, and what is muted at a time.
//!
//! A window is told by the clock on the wall of its time zone, and by nothing else. Where the clocks go back, a time of day
//! comes twice, and is muted twice; where they go forward, a time of day does not come, and mutes nothing.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signal::Signal;

use crate::pattern::Pattern;
use crate::plan::ResponsePlan;

/// One recurring mute, as it is compiled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecurringMute {
    /// Its name, unique among them.
    pub name: String,
    /// What is muted: an event pattern, where it is said.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Value>,
    /// The plan, where it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The plan's service, where it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The plan's environment, where it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// When it is muted.
    pub every: Window,
    /// Why.
    pub reason: String,
}

/// When something is muted, again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The days on which it begins; empty means every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// The time of day at which it begins.
    pub from: Time,
    /// The first time of day that is not muted any more: on the same day where it is later than `from`, else on the next.
    pub to: Time,
    /// The time zone, by its IANA name.
    pub time_zone: String,
    /// The last day on which it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// A day of the week, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    fn is(self, weekday: Weekday) -> bool {
        let own = match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        };
        own == weekday
    }
}

/// A window of which one follows the other: looked at no further than this.
const WINDOWS: usize = 16;

impl Window {
    /// Whether it is muted when the clock on the wall shows this.
    pub fn shows(&self, clock: DateTime) -> bool {
        let (day, time) = (clock.date(), clock.time());
        if self.from < self.to {
            return self.begins_on(day) && self.from <= time && time < self.to;
        }
        (self.begins_on(day) && time >= self.from)
            || (time < self.to && day.yesterday().is_ok_and(|day| self.begins_on(day)))
    }

    /// Until when it is muted, where it is at this time; windows that follow each other without a break are one.
    pub fn until(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        if !self.shows(zone.to_datetime(now)) {
            return None;
        }
        let mut end = now;
        for _ in 0..WINDOWS {
            end = self.next_change(zone, end)?;
            if !self.shows(zone.to_datetime(end)) {
                return Some(end);
            }
        }
        Some(end)
    }

    /// The next instant at which the clock on the wall may stop to be within the window: it shows the end, or it is put on
    /// or back.
    fn next_change(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        let today = zone.to_datetime(after).date();
        let days = [Some(today), today.tomorrow().ok()].into_iter().flatten();
        let ends = days.flat_map(|day| shown(zone, day.to_datetime(self.to)));
        let moved = zone.following(after).next().map(|transition| transition.timestamp());
        ends.chain(moved).filter(|at| *at > after).min()
    }

    fn begins_on(&self, day: Date) -> bool {
        let named = self.days.is_empty() || self.days.iter().any(|named| named.is(day.weekday()));
        named && self.until.is_none_or(|until| day <= until)
    }
}

/// When the clock on the wall shows this: once, twice, or never.
fn shown(zone: &TimeZone, clock: DateTime) -> Vec<Timestamp> {
    let offsets = match zone.to_ambiguous_timestamp(clock).offset() {
        AmbiguousOffset::Unambiguous { offset } => vec![offset],
        AmbiguousOffset::Gap { .. } => vec![],
        AmbiguousOffset::Fold { before, after } => vec![before, after],
    };
    offsets.into_iter().filter_map(|offset| offset.to_timestamp(clock).ok()).collect()
}

/// What mutes a signal now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurring {
    /// The mute's name.
    pub name: String,
    /// Why it is muted.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
}

/// A recurring mute that can be used.
#[derive(Debug, Clone)]
pub(crate) struct Usable {
    mute: RecurringMute,
    pattern: Option<Pattern>,
    zone: TimeZone,
}

impl Usable {
    /// Or why it cannot be used: it then mutes nothing.
    pub(crate) fn new(mute: RecurringMute) -> Result<Self, String> {
        let pattern = mute.pattern.as_ref().map(Pattern::from_value).transpose();
        let pattern = pattern
            .map_err(|errors| errors.first().map_or("its pattern is damaged".to_owned(), ToString::to_string))?;
        let name = &mute.every.time_zone;
        let zone = TimeZone::get(name).map_err(|error| format!("the time zone `{name}` is not known ({error})"))?;
        if pattern.is_none() && mute.plan.is_none() && mute.service.is_none() && mute.environment.is_none() {
            return Err("it does not say what is muted".to_owned());
        }
        Ok(Self { mute, pattern, zone })
    }

    pub(crate) fn mutes(&self, plan: &ResponsePlan, signal: &Signal, now: Timestamp) -> Option<Recurring> {
        let RecurringMute { name, plan: own, service, environment, every, reason, .. } = &self.mute;
        let said = [(own, &plan.plan), (service, &plan.service), (environment, &plan.environment)];
        if said.into_iter().any(|(wanted, is)| wanted.as_ref().is_some_and(|wanted| wanted != is)) {
            return None;
        }
        // The clock first: it costs less than the pattern.
        let until = every.until(&self.zone, now)?;
        let is_meant = self.pattern.as_ref().is_none_or(|pattern| pattern.matches(&signal.event));
        is_meant.then(|| Recurring { name: name.clone(), reason: reason.clone(), until })
    }
}

#[cfg(test)]
#[path = "mutes_test.rs"]
mod tests;
