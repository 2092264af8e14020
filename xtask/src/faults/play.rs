//! Playing a history: everything at its time, and every fault that is due.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::json;

use super::{
    history::{Delivery, Door, History, MALFORMED, State, Transition, Trouble},
    stage::Stage,
    wire::failed_invocation,
};
use crate::{
    proxy::{Action, Control, Match, Random, Rule},
    stack::Stack,
};

/// The faults go on for so long after the last delivery, so that what is tried again meets them, too.
const AFTERMATH: Duration = Duration::from_secs(8);

/// How often each fault happens, per mille of all calls of functions.
const RATES: Random = Random { seed: 0, throttle: 40, error: 40, delay: 40, reset: 30, lose_answer: 50 };

/// A history that is played.
pub(super) struct Play<'a> {
    pub(super) history: &'a History,
    pub(super) stage: &'a Stage,
    pub(super) stack: &'a Stack,
    /// When it starts: a whole second.
    pub(super) start: Timestamp,
}

/// What came of the deliveries.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// Deliveries through every door.
    all: AtomicUsize,
    /// Those whose invocation failed, which were put into the queue `signals`.
    failed: AtomicUsize,
}

impl Delivered {
    /// How many deliveries, and how many of them went on through the queue.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.all.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}

/// Something to do at its time.
enum Due<'a> {
    Deliver(&'a Delivery),
    /// The alarm of a service comes to a state, as whoever looks finds it.
    Turn(&'a Transition),
    Trouble(usize, Trouble),
}

impl Play<'_> {
    /// Plays it to the end, with faults until then. Fails when the stack itself does.
    pub(super) fn play(&self) -> Result<Delivered> {
        let delivered = Delivered::default();
        let proxy = self.stack.proxy();
        let random = Random { seed: self.history.seed, ..RATES };
        let every = Match { path_contains: Some("/".to_owned()), ..Match::default() };
        arm(&proxy, "random", every, Action::Random(random), u32::MAX)?;
        let began = Instant::now();
        let played = thread::scope(|scope| {
            let mut under_way = Vec::new();
            for (at, due) in self.due() {
                thread::sleep(at.saturating_sub(began.elapsed()));
                let delivered = &delivered;
                under_way.push(scope.spawn(move || self.act(&due, delivered)));
            }
            let joined = under_way.into_iter().map(|one| one.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
            joined.collect::<Result<()>>()
        });
        thread::sleep(AFTERMATH);
        end_faults(&proxy)?;
        played.map(|()| delivered)
    }

    /// All that is due, in order.
    fn due(&self) -> Vec<(Duration, Due<'_>)> {
        let history = self.history;
        let with_services = history.stories.iter().filter(|story| story.has_service);
        let turns = with_services.flat_map(|story| &story.transitions).map(|t| (t.at_s * 1000, Due::Turn(t)));
        let troubles = history.troubles.iter().enumerate().map(|(n, (at, trouble))| (*at, Due::Trouble(n, *trouble)));
        let deliveries = history.deliveries.iter().map(|delivery| (delivery.at_ms, Due::Deliver(delivery)));
        let mut all: Vec<_> = turns.chain(troubles).chain(deliveries).collect();
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(at, due)| (Duration::from_millis(at), due)).collect()
    }

    fn act(&self, due: &Due<'_>, delivered: &Delivered) -> Result<()> {
        match due {
            Due::Deliver(delivery) => self.deliver(delivery, delivered),
            Due::Turn(transition) => {
                let with = json!({"name": transition.alarm, "state": transition.state.word()});
                self.stage.ask("alarm", with).map(drop)
            }
            Due::Trouble(n, trouble) => self.trouble(*n, *trouble),
        }
    }

    /// What fails goes to the queue `signals`, where Lambda's on-failure destination would put it: a direct invocation
    /// has none.
    fn deliver(&self, delivery: &Delivery, delivered: &Delivered) -> Result<()> {
        let story = self.history.stories.get(delivery.story).context("A delivery of no story")?;
        let transition = story.transitions.get(delivery.transition).context("A delivery of no transition")?;
        let payload = transition.payload(delivery.door, self.start);
        delivered.all.fetch_add(1, Ordering::Relaxed);
        if delivery.door == Door::Queue {
            return self.send(&payload.to_string());
        }
        let function = self.stack.output("TriageFunction")?;
        let answer = self.stage.ask("invoke", json!({"function": function, "payload": payload}));
        let response = match answer {
            Ok(answer) if answer["failed"] == false => return Ok(()),
            Ok(mut answer) => answer["body"].take(),
            Err(error) => json!({"errorMessage": error.to_string()}),
        };
        delivered.failed.fetch_add(1, Ordering::Relaxed);
        self.send(&failed_invocation(function, &payload, &response).to_string())
    }

    fn trouble(&self, n: usize, trouble: Trouble) -> Result<()> {
        let proxy = self.stack.proxy();
        let named = |call: &str| Match { target_contains: Some(call.to_owned()), ..Match::default() };
        match trouble {
            Trouble::Malformed => self.send(&format!("{{\"{MALFORMED}\": {n},")),
            Trouble::Kill { call } => arm(&proxy, &format!("kill-{n}"), named(call), Action::KillAfter(true), 1),
            Trouble::Outage { service, hangs, for_ms } => {
                let action = if hangs { Action::Hang(true) } else { Action::Fail(503) };
                let id = format!("outage-{n}");
                arm(&proxy, &id, named(&format!("{service} ")), action, u32::MAX)?;
                thread::sleep(Duration::from_millis(for_ms));
                proxy.disarm(&id)
            }
        }
    }

    fn send(&self, body: &str) -> Result<()> {
        self.stage.ask("send", json!({"queue": self.stack.output("SignalsQueue")?, "body": body})).map(drop)
    }
}

/// Takes back every rule. A kill that is under way may give its rule back, so this is called again while the world settles.
pub(super) fn end_faults(proxy: &Control) -> Result<()> {
    for rule in proxy.log()?.armed {
        proxy.disarm(&rule.id)?;
    }
    Ok(())
}

fn arm(proxy: &Control, id: &str, when: Match, action: Action, times: u32) -> Result<()> {
    proxy.arm(&Rule { id: id.to_owned(), when, action, times })
}

/// Makes the services of a history, each with a bad version that is live, and records what changed.
pub(super) fn services(
    history: &History,
    stage: &Stage,
    record: impl Fn(&str, &str, bool) -> Result<()>,
) -> Result<()> {
    for story in history.stories.iter().filter(|story| story.has_service) {
        let made = stage.ask("service", json!({"name": story.plan}))?;
        let field = |name: &str| made[name].as_str().context("The helper did not say what it made");
        record(field("alias")?, "1", true)?;
        record(field("alias")?, field("version")?, false)?;
        stage.ask("alarm", json!({"name": format!("{}-0", story.plan), "state": State::Ok.word()}))?;
    }
    Ok(())
}
