//! What the proxy is armed with: which call, what happens to it, and how often.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{call::Call, random::Random};

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
    pub fn meet(&mut self, call: &Call<'_>, by_function: impl FnOnce() -> bool) -> Option<Rule> {
        *self.calls.entry(call.name.clone()).or_default() += 1;
        let (at, action) =
            self.armed.iter().enumerate().filter(|(_, rule)| rule.when.holds(call)).find_map(|(at, rule)| {
                let Action::Random(random) = rule.action else { return Some((at, rule.action)) };
                let draws = self.draws.entry(rule.id.clone()).or_default();
                *draws += 1;
                Some((at, random.draw(*draws)?))
            })?;
        let rule = self.armed.get_mut(at)?;
        if matches!(action, Action::KillAfter(_)) && !by_function() {
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

    /// Counts a change of a resource that succeeded.
    pub(super) fn changed(&mut self, what: String) {
        *self.changes.entry(what).or_default() += 1;
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

const fn once() -> u32 {
    1
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    part.is_empty() || body.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUT: Call<'_> = Call {
        name: String::new(),
        target: "DynamoDB_20120810.PutItem",
        method: "POST",
        path: "/?x=1",
        body: b"{\"TableName\":\"tourniquet\",\"Item\":{\"pk\":{\"S\":\"INC#1\"}}}",
    };

    fn rule(id: &str, when: &str, times: u32) -> Rule {
        let text = format!(r#"{{"id":"{id}","match":{when},"action":{{"fail":503}},"times":{times}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn all_that_is_given_must_hold() {
        #[track_caller]
        fn check(when: &str, holds: bool) {
            assert_eq!(rule("r", when, 1).when.holds(&PUT), holds);
        }
        check(r#"{"target_contains":"PutItem"}"#, true);
        check(r#"{"target_contains":"GetItem"}"#, false);
        check(r#"{"target_contains":"PutItem","body_contains":"INC#1"}"#, true);
        check(r#"{"target_contains":"PutItem","body_contains":"INC#2"}"#, false);
        check(r#"{"body_contains":"INC#1","body_also_contains":["Item","tourniquet"]}"#, true);
        check(r#"{"body_contains":"INC#1","body_also_contains":["Item","INC#2"]}"#, false);
        check(r#"{"method":"post","path_contains":"x=1"}"#, true);
        check(r#"{"method":"PUT"}"#, false);
        check(r#"{"path_contains":"/bucket"}"#, false);
    }

    #[test]
    fn a_rule_is_spent_after_its_times_and_every_call_is_counted() {
        let mut log = Log::default();
        log.arm(rule("r", r#"{"method":"POST"}"#, 2));
        let met = (0..4).filter(|_| log.meet(&PUT, || true).is_some()).count();
        assert_eq!((met, log.armed.len(), log.calls.get("")), (2, 0, Some(&4)));

        log.arm(rule("r", r#"{"method":"POST"}"#, 1));
        let met = log.meet(&PUT, || true).unwrap();
        log.give_back(met);
        assert_eq!(log.armed, [rule("r", r#"{"method":"POST"}"#, 1)]);
        assert!(log.disarm("r") && !log.disarm("r"));
    }

    #[test]
    fn what_is_not_drawn_is_left_to_the_next_rule() {
        let mut log = Log::default();
        let random =
            r#"{"id":"r","match":{"method":"POST"},"action":{"random":{"seed":7,"throttle":500}},"times":1000000}"#;
        log.arm(serde_json::from_str(random).unwrap());
        log.arm(rule("next", r#"{"method":"POST"}"#, 1000));
        let met: Vec<_> = (0..1000).filter_map(|_| log.meet(&PUT, || true)).collect();
        let throttled = met.iter().filter(|met| met.action == Action::Throttle(true) && met.id == "r").count();
        let failed = met.iter().filter(|met| met.action == Action::Fail(503) && met.id == "next").count();
        assert_eq!(throttled + failed, 1000);
        assert!((400..600).contains(&throttled), "{throttled}");
    }

    #[test]
    fn every_fault_is_counted_by_its_kind() {
        let mut log = Log::default();
        for action in [Action::Fail(500), Action::Fail(503), Action::LoseAnswer(true)] {
            log.record(Entry { id: "r".to_owned(), call: String::new(), action, killed: None });
        }
        assert_eq!(log.faults, [("error".to_owned(), 2), ("lost-answer".to_owned(), 1)].into());
    }

    #[test]
    fn only_functions_are_killed() {
        let kill = r#"{"id":"k","match":{"method":"POST"},"action":{"kill_after":true}}"#;
        let mut log = Log::default();
        log.arm(serde_json::from_str(kill).unwrap());
        assert_eq!(log.meet(&PUT, || false), None);
        assert_eq!(log.meet(&PUT, || true).unwrap().action, Action::KillAfter(true));
        assert!(log.armed.is_empty());
    }

    #[test]
    fn a_rule_that_cannot_work_is_refused() {
        #[track_caller]
        fn check(text: &str, fault: &str) {
            let rule: Rule = serde_json::from_str(text).unwrap();
            assert!(rule.fault().is_some_and(|said| said.contains(fault)), "{:?}", rule.fault());
        }
        check(r#"{"id":"r","match":{},"action":{"drop":true}}"#, "match");
        check(r#"{"id":"","match":{"method":"GET"},"action":{"drop":true}}"#, "id");
        check(r#"{"id":"a/b","match":{"method":"GET"},"action":{"drop":true}}"#, "id");
        check(r#"{"id":"r","match":{"method":"GET"},"action":{"drop":false}}"#, "only be true");
        check(r#"{"id":"r","match":{"method":"GET"},"action":{"fail":200}}"#, "400 to 599");
        check(r#"{"id":"r","match":{"method":"GET"},"action":{"drop":true},"times":0}"#, "times");
        check(r#"{"id":"r","match":{"method":"GET"},"action":{"hang":false}}"#, "only be true");
        check(
            r#"{"id":"r","match":{"method":"GET"},"action":{"random":{"seed":1,"error":600,"reset":500}}}"#,
            "per mille",
        );
        assert_eq!(rule("r", r#"{"method":"GET"}"#, 3).fault(), None);
        let typo = r#"{"id":"r","match":{"target":"PutItem"},"action":{"drop":true}}"#;
        assert!(serde_json::from_str::<Rule>(typo).is_err());
    }
}
