//! What happens in a run, all of it decided by the seed before anything happens: a value, so that a seed can be replayed.

use fastrand::Rng;

/// A state of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// It fires.
    Alarm,
    /// It is clear.
    Ok,
    /// It has too few data to say, which changes nothing.
    Insufficient,
}

/// One state that an alarm came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transition {
    /// The alarm's name.
    pub(super) alarm: String,
    /// To which state.
    pub(super) state: State,
    /// When, in whole seconds after the start: no alarm has two in one second.
    pub(super) at_s: u64,
}

/// One group of alarms under a plan of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Story {
    /// The plan, and the service; what its alarms' names begin with.
    pub(super) plan: String,
    /// Whether there is a real alias behind it, with a bad version to be rolled back from.
    pub(super) has_service: bool,
    /// Whether somebody acknowledges.
    pub(super) is_acknowledged: bool,
    /// What its alarms went through, by alarm and time.
    pub(super) transitions: Vec<Transition>,
}

/// The door of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// As the EventBridge rule invokes triage.
    Rule,
    /// As SNS invokes triage.
    Topic,
    /// As an alarm's own action invokes triage.
    Action,
    /// As an event that another account forwarded.
    Forwarded,
    /// The queue `signals`.
    Queue,
}

/// One delivery of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// When, in milliseconds after the start.
    pub(super) at_ms: u64,
    /// Which story.
    pub(super) story: usize,
    /// Which of its transitions.
    pub(super) transition: usize,
    /// How.
    pub(super) door: Door,
}

/// Something beside the random faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing of a service works for a while: it answers 503, or hangs.
    Outage {
        /// The service, as in the names of calls.
        service: &'static str,
        /// Whether it hangs.
        hangs: bool,
        /// How long.
        for_ms: u64,
    },
    /// The function that makes the next call of this name is killed after it.
    Kill {
        /// The call.
        call: &'static str,
    },
    /// Something that is no signal comes to the queue `signals`.
    Malformed,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    /// What all of it follows from.
    pub(super) seed: u64,
    /// The groups.
    pub(super) stories: Vec<Story>,
    /// Every delivery, in order.
    pub(super) deliveries: Vec<Delivery>,
    /// What else goes wrong and when, in milliseconds after the start, in order.
    pub(super) troubles: Vec<(u64, Trouble)>,
}

/// The text that each malformed message has in it.
pub(super) const MALFORMED: &str = "malformed by design";

/// Incidents begin at this rate.
const MS_PER_INCIDENT: u64 = 1200;

/// And at this one where there are many: what is to be seen is that nothing goes wrong with any of them, and not how many
/// the machine of the run carries at once.
const MS_PER_INCIDENT_OF_MANY: u64 = 3000;

/// From so many on.
const MANY: usize = 50;

/// One in so many stories has a real service.
const SERVICES: usize = 7;

/// The services that fail for a while.
const FAILING: [&str; 7] = ["dynamodb", "states", "sns", "secretsmanager", "s3", "monitoring", "sts"];

/// The writes after which functions are killed.
const WRITES: [&str; 7] = [
    "dynamodb TransactWriteItems",
    "dynamodb UpdateItem",
    "dynamodb PutItem",
    "states StartExecution",
    "states SendTaskSuccess",
    "sns Publish",
    "s3 PUT",
];

impl History {
    /// The history of a seed.
    pub(super) fn of(seed: u64, incidents: usize) -> Self {
        let mut random = Rng::with_seed(seed);
        let each = if incidents < MANY { MS_PER_INCIDENT } else { MS_PER_INCIDENT_OF_MANY };
        let span = (incidents as u64).max(5) * each;
        let stories: Vec<Story> = (0..incidents).map(|n| story(&mut random, n, span)).collect();
        let mut deliveries = Vec::new();
        for (n, story) in stories.iter().enumerate() {
            for (transition, happened) in story.transitions.iter().enumerate() {
                deliver(&mut random, n, transition, happened, &mut deliveries);
            }
        }
        deliveries.sort_by_key(|delivery| delivery.at_ms);
        let troubles = troubles(&mut random, incidents, span);
        Self { seed, stories, deliveries, troubles }
    }

    /// The last that happened to an alarm, of what says whether it fires.
    pub(super) fn last<'a>(&'a self, story: &'a Story, alarm: &str) -> Option<&'a Transition> {
        let of_alarm = story.transitions.iter().filter(|t| t.alarm == alarm && t.state != State::Insufficient);
        of_alarm.max_by_key(|t| t.at_s)
    }
}

impl Story {
    /// The names of its alarms.
    pub(super) fn alarms(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.transitions.iter().map(|t| t.alarm.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn story(random: &mut Rng, n: usize, span: u64) -> Story {
    let has_service = n % SERVICES == SERVICES / 2;
    // What the stack lets be changed is named so.
    let plan = format!("{}faults-{n:03}", if has_service { "checkout-" } else { "" });
    let begin = random.u64(0..span / 1000);
    let mut transitions = Vec::new();
    for alarm in 0..if has_service { 1 } else { random.u64(1..=2) } {
        let first = begin + random.u64(0..=3) * alarm;
        transitions.extend(life(random, &format!("{plan}-{alarm}"), first, has_service));
    }
    Story { plan, has_service, is_acknowledged: random.u8(0..3) == 0, transitions }
}

/// What one alarm goes through.
fn life(random: &mut Rng, alarm: &str, first: u64, has_service: bool) -> Vec<Transition> {
    let mut at_s = first;
    let mut transitions = Vec::new();
    let mut go = |state, at_s| transitions.push(Transition { alarm: alarm.to_owned(), state, at_s });
    go(State::Alarm, at_s);
    if has_service {
        // Time to plan, ask, approve and apply.
        at_s += random.u64(28..=36);
        go(State::Ok, at_s);
        if random.bool() {
            // Time to see that it helped, and to be called mitigated; then it fires again.
            at_s += random.u64(6..=12);
            go(State::Alarm, at_s);
            at_s += random.u64(10..=16);
            // One in three fires to the end.
            if random.u8(0..3) > 0 {
                go(State::Ok, at_s);
            }
        }
        return transitions;
    }
    for _ in 0..random.u8(0..=2) {
        at_s += random.u64(2..=6);
        if random.u8(0..6) == 0 {
            go(State::Insufficient, at_s);
            at_s += 1;
        }
        go(State::Ok, at_s);
        at_s += random.u64(1..=7);
        go(State::Alarm, at_s);
    }
    // One in six fires to the end.
    if random.u8(0..6) > 0 {
        go(State::Ok, at_s + random.u64(2..=10));
    }
    transitions
}

/// Once at least, perhaps late, and perhaps again through other doors.
fn deliver(random: &mut Rng, story: usize, transition: usize, happened: &Transition, into: &mut Vec<Delivery>) {
    for copy in 0..1 + random.u64(0..=2) {
        let late = match random.u8(0..10) {
            0..6 => random.u64(0..300),
            6..9 => random.u64(300..3000),
            _ => random.u64(3000..8000),
        };
        let door = match random.u8(0..6) {
            0 => Door::Rule,
            1 => Door::Topic,
            2 => Door::Action,
            3 => Door::Forwarded,
            _ => Door::Queue,
        };
        let at_ms = happened.at_s * 1000 + late + copy * random.u64(0..1000);
        into.push(Delivery { at_ms, story, transition, door });
    }
}

fn troubles(random: &mut Rng, incidents: usize, span: u64) -> Vec<(u64, Trouble)> {
    let mut troubles = vec![(200, Trouble::Malformed), (600, Trouble::Malformed)];
    for _ in 0..incidents.div_ceil(5) {
        let service = FAILING[random.usize(0..FAILING.len())];
        let outage = Trouble::Outage { service, hangs: random.u8(0..3) == 0, for_ms: random.u64(1500..6000) };
        troubles.push((random.u64(0..span), outage));
    }
    for n in 0..incidents + incidents / 2 {
        // Each in turn, and the rest as it comes.
        let call = WRITES[if n < WRITES.len() { n } else { random.usize(0..WRITES.len()) }];
        troubles.push((random.u64(0..span + span / 4), Trouble::Kill { call }));
    }
    troubles.sort_by_key(|(at, _)| *at);
    troubles
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_says_it_all() {
        assert_eq!(History::of(7, 20), History::of(7, 20));
        assert_ne!(History::of(7, 20), History::of(8, 20));
    }

    #[test]
    fn everything_that_happens_is_delivered_and_never_before_it_happened() {
        for seed in 0..50 {
            let history = History::of(seed, 20);
            let mut delivered = BTreeSet::new();
            for delivery in &history.deliveries {
                let happened = &history.stories[delivery.story].transitions[delivery.transition];
                assert!(delivery.at_ms >= happened.at_s * 1000, "{delivery:?}");
                delivered.insert((delivery.story, delivery.transition));
            }
            let happened: usize = history.stories.iter().map(|story| story.transitions.len()).sum();
            assert_eq!(delivered.len(), happened);
            assert!(history.deliveries.is_sorted_by_key(|delivery| delivery.at_ms));
            assert!(history.deliveries.len() > happened, "nothing is delivered twice");
        }
    }

    #[test]
    fn no_alarm_is_in_two_states_at_once() {
        for seed in 0..50 {
            for story in History::of(seed, 20).stories {
                let times: BTreeSet<_> = story.transitions.iter().map(|t| (&t.alarm, t.at_s)).collect();
                assert_eq!(times.len(), story.transitions.len(), "{story:?}");
            }
        }
    }

    #[test]
    fn there_is_some_of_everything() {
        let history = History::of(1, 20);
        let last = |story: &Story| history.last(story, story.alarms()[0]).map(|t| t.state);
        assert!(history.stories.iter().any(|story| last(story) == Some(State::Alarm)));
        assert!(history.stories.iter().any(|story| last(story) == Some(State::Ok)));
        let services = || (0..10).flat_map(|seed| History::of(seed, 20).stories).filter(|story| story.has_service);
        assert_eq!(services().count(), 30);
        for transitions in [2, 3, 4] {
            assert!(
                services().any(|story| story.transitions.len() == transitions),
                "{transitions} transitions of none"
            );
        }
        let late = |d: &Delivery| d.at_ms > history.stories[d.story].transitions[d.transition].at_s * 1000 + 3000;
        assert!(history.deliveries.iter().any(late));
        for write in WRITES {
            assert!(history.troubles.iter().any(|(_, trouble)| *trouble == Trouble::Kill { call: write }), "{write}");
        }
        assert!(history.troubles.iter().any(|(_, trouble)| matches!(trouble, Trouble::Outage { .. })));
    }
}
