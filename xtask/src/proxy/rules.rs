//! What the proxy is armed with: which call, what happens to it, and how often.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{call::Call, peer::Peer, random::Random, write};

/// How many matches the log keeps.
const LOG_LENGTH: usize = 1000;

/// One rule: what happens to the next `times` calls that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name under which it is disarmed and logged; arming the same name again replaces it.
    pub id: String,
    /// Which calls.
    #[serde(rename = "match")]
    pub when: Match,
    /// What happens to them.
    pub action: Action,
    /// To how many of them; 1 unless told.
    #[serde(default = "once")]
    pub times: u32,
}

/// Which calls a rule means: all that is given must hold, and something must be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// A part of `X-Amz-Target`, or of the call's name (`sns Publish`) where the protocol has no such header.
    pub target_contains: Option<String>,
    /// The HTTP method.
    pub method: Option<String>,
    /// A part of the path with its query.
    pub path_contains: Option<String>,
    /// A part of the body.
    pub body_contains: Option<String>,
    /// More parts of the body, anywhere in it.
    pub body_also_contains: Vec<String>,
    /// The name of a write, as [`Written`] has it.
    pub write: Option<String>,
    /// Texts of which the path or the body has one.
    pub mentions: Vec<String>,
    /// A part of the name of the function that makes the call.
    pub by: Option<String>,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The call is made; when it succeeded, the function that made it is killed before it sees the answer. Calls by
    /// other programs and calls that fail pass, and do not count.
    KillAfter(bool),
    /// The call is not made; the answer is this status.
    Fail(u16),
    /// The call is not made; the connection is closed.
    Drop(bool),
    /// The call is not made; the answer is the service's own way to say that there were too many.
    Throttle(bool),
    /// The call is made so many milliseconds later.
    Delay(u32),
    /// The call is not made, and there is no answer for as long as the client waits.
    Hang(bool),
    /// The call is not made; the connection is reset.
    Reset(bool),
    /// The call is made, and the connection is reset before its answer: what it changed is changed.
    LoseAnswer(bool),
    /// One of these, or none, as the draw says; only what is drawn counts as met.
    Random(Random),
}

impl Action {
    /// The word under which the log counts it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::KillAfter(_) => "kill",
            Self::Fail(_) => "error",
            Self::Drop(_) => "drop",
            Self::Throttle(_) => "throttle",
            Self::Delay(_) => "delay",
            Self::Hang(_) => "hang",
            Self::Reset(_) => "reset",
            Self::LoseAnswer(_) => "lost-answer",
            Self::Random(_) => "random",
        }
    }
}

/// One call that met a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The rule's name.
    pub id: String,
    /// The call, such as `dynamodb PutItem`.
    pub call: String,
    /// What happened to it.
    pub action: Action,
    /// The process that was killed.
    pub killed: Option<i32>,
}

/// A write that a function made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The function's name.
    pub by: String,
    /// What it wrote, without what differs from one incident to the next.
    pub name: String,
    /// Path and body, to see what it is about.
    pub text: String,
}

impl Written {
    /// What a call would write; `None` where it only reads, or where no function makes it.
    pub(super) fn read(call: &Call<'_>, peer: &Peer) -> Option<Self> {
        let name = write::name(call)?;
        let by = peer.function()?.name().to_owned();
        // What is stored in S3 is long, and its key says what it is about.
        let body = if call.name.starts_with("s3 ") { Default::default() } else { String::from_utf8_lossy(call.body) };
        Some(Self { by, name, text: format!("{} {body}", call.path) })
    }
}

/// What `GET /_proxy/log` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The last matches, oldest first.
    pub matches: VecDeque<Entry>,
    /// How many calls of each name passed or were met, since the start or since `DELETE /_proxy/log`.
    pub calls: BTreeMap<String, u64>,
    /// The rules that are still armed.
    pub armed: Vec<Rule>,
    /// How many calls met each kind of fault: all of them, where `matches` has the last.
    #[serde(default)]
    pub faults: BTreeMap<String, u64>,
    /// How many changes of resources succeeded, by call and path, such as `lambda PUT /…/aliases/live`: each write of a
    /// REST protocol, except S3's.
    #[serde(default)]
    pub changes: BTreeMap<String, u64>,
    /// How many draws each random rule made, so that each is another one.
    #[serde(skip)]
    pub(super) draws: BTreeMap<String, u64>,
    /// The writes of functions, while they are written down.
    #[serde(skip)]
    writes: Option<Vec<Written>>,
}

impl Match {
    /// Whether the call is meant.
    pub fn holds(&self, call: &Call<'_>) -> bool {
        let given = |wanted: &Option<String>, holds: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(holds);
        given(&self.target_contains, &|part| call.target.contains(part) || call.name.contains(part))
            && given(&self.method, &|method| call.method.eq_ignore_ascii_case(method))
            && given(&self.path_contains, &|part| call.path.contains(part))
            && given(&self.body_contains, &|part| contains(call.body, part.as_bytes()))
            && self.body_also_contains.iter().all(|part| contains(call.body, part.as_bytes()))
            && (self.mentions.is_empty() || self.mentions.iter().any(|text| mentions(call, text)))
            && self.write.as_ref().is_none_or(|wanted| write::name(call).as_ref() == Some(wanted))
    }
}

impl Rule {
    /// Why the rule cannot be armed, if it cannot.
    pub fn fault(&self) -> Option<&'static str> {
        if self.id.is_empty() || self.id.contains(['/', '?', '%', ' ']) {
            Some("id has to be a plain word")
        } else if self.when == Match::default() {
            Some("match has to say which calls are meant")
        } else if matches!(
            self.action,
            Action::KillAfter(false)
                | Action::Drop(false)
                | Action::Throttle(false)
                | Action::Hang(false)
                | Action::Reset(false)
                | Action::LoseAnswer(false)
        ) {
            Some("kill_after, drop, throttle, hang, reset and lose_answer can only be true")
        } else if matches!(self.action, Action::Random(random) if random.total() > 1000) {
            Some("the kinds of random are per mille, 1000 at most in all")
        } else if matches!(self.action, Action::Fail(status) if !(400..=599).contains(&status)) {
            Some("fail has to be a status from 400 to 599")
        } else if self.times == 0 {
            Some("times has to be 1 or more")
        } else {
            None
        }
    }
}

impl Log {
    /// Arms a rule, in the place of an earlier one of the same name.
    pub fn arm(&mut self, rule: Rule) {
        self.disarm(&rule.id);
        self.armed.push(rule);
    }

    /// Disarms a rule; false when none of that name is armed.
    pub fn disarm(&mut self, id: &str) -> bool {
        let before = self.armed.len();
        self.armed.retain(|rule| rule.id != id);
        self.armed.len() < before
    }

    /// Counts the call and takes one time off the first armed rule that means it. What a random rule does not draw is left
    /// to the rules after it.
    ///
    /// `by` is the name of the function that makes the call, and `None` where none does.
    pub fn meet<'a>(&mut self, call: &Call<'_>, by: impl Fn() -> Option<&'a str>) -> Option<Rule> {
        *self.calls.entry(call.name.clone()).or_default() += 1;
        let is_by = |rule: &Rule| rule.when.by.as_ref().is_none_or(|part| by().is_some_and(|name| name.contains(part)));
        let meant = |rule: &Rule| rule.when.holds(call) && is_by(rule);
        let (at, action) = self.armed.iter().enumerate().filter(|(_, rule)| meant(rule)).find_map(|(at, rule)| {
            let Action::Random(random) = rule.action else { return Some((at, rule.action)) };
            let draws = self.draws.entry(rule.id.clone()).or_default();
            *draws += 1;
            Some((at, random.draw(*draws)?))
        })?;
        let rule = self.armed.get_mut(at)?;
        if matches!(action, Action::KillAfter(_)) && by().is_none() {
            return None;
        }
        rule.times -= 1;
        let met = Rule { times: 1, action, ..rule.clone() };
        if rule.times == 0 {
            self.armed.remove(at);
        }
        Some(met)
    }

    /// Gives one time back, when the call turned out not to be the one that was meant.
    pub fn give_back(&mut self, met: Rule) {
        match self.armed.iter_mut().find(|rule| rule.id == met.id) {
            Some(rule) => rule.times += 1,
            None => self.armed.push(met),
        }
    }

    /// Empties it; what is armed stays, and writes go on being written down.
    pub(super) fn clear(&mut self) {
        let (armed, writes) = (std::mem::take(&mut self.armed), self.writes.take());
        *self = Self { armed, writes, ..Self::default() };
    }

    /// Counts a change of a resource that succeeded.
    pub(super) fn changed(&mut self, what: String) {
        *self.changes.entry(what).or_default() += 1;
    }

    /// Writes down every write from now on.
    pub(super) fn record_writes(&mut self) {
        self.writes = Some(Vec::new());
    }

    /// Whether writes are written down.
    pub(super) fn is_recording(&self) -> bool {
        self.writes.is_some()
    }

    /// Writes down a write that succeeded.
    pub(super) fn written(&mut self, write: Written) {
        self.writes.iter_mut().for_each(|writes| writes.push(write.clone()));
    }

    /// What was written down, and no more from now on.
    pub(super) fn recorded(&mut self) -> Vec<Written> {
        self.writes.take().unwrap_or_default()
    }

    /// Writes down what happened to a call.
    pub fn record(&mut self, entry: Entry) {
        *self.faults.entry(entry.action.kind().to_owned()).or_default() += 1;
        if self.matches.len() == LOG_LENGTH {
            self.matches.pop_front();
        }
        self.matches.push_back(entry);
    }
}

fn mentions(call: &Call<'_>, text: &str) -> bool {
    call.path.contains(text) || contains(call.body, text.as_bytes())
}

const fn once() -> u32 {
    1
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    part.is_empty() || body.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
#[path = "rules_test.rs"]
mod tests;
