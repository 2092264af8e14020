//! The invariants of a run: what happened and what there is in, what is wrong out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    history::{History, MALFORMED, State, Story, Transition},
    wire::alarm_arn,
    world::{Incident, MACHINES, Mitigation, World},
};

/// One invariant, and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    /// What has to hold.
    pub(super) invariant: &'static str,
    /// Of how many things.
    pub(super) checked: usize,
    /// Each case in which it does not, in one sentence.
    pub(super) violations: Vec<String>,
}

/// Judges all that can be judged from the world; the history started then.
pub(super) fn judge(history: &History, start: Timestamp, world: &World) -> Vec<Verdict> {
    let of = Judged { history, start, world };
    vec![of.pages(), of.groups(), of.mitigations(), of.agreement(), of.executions(), of.bags(), of.letters()]
}

struct Judged<'a> {
    history: &'a History,
    start: Timestamp,
    world: &'a World,
}

/// Collects the cases of one invariant.
struct Cases {
    verdict: Verdict,
}

impl Cases {
    fn of(invariant: &'static str) -> Self {
        Self { verdict: Verdict { invariant, checked: 0, violations: Vec::new() } }
    }

    fn check(&mut self, wrong: Option<String>) {
        self.verdict.checked += 1;
        self.verdict.violations.extend(wrong);
    }
}

impl Judged<'_> {
    fn pages(&self) -> Verdict {
        let mut cases =
            Cases::of("no firing signal without a page or a stated reason within 2 minutes of the service's return");
        for transition in self.transitions().filter(|t| t.state == State::Alarm) {
            cases.check(self.unpaged(transition));
        }
        for incident in &self.world.incidents {
            for engagement in 2..=incident.engagement {
                cases.check(self.unengaged(incident, engagement));
            }
        }
        cases.verdict
    }

    fn unpaged(&self, fired: &Transition) -> Option<String> {
        let world = self.world;
        let what = format!("{} fired at second {}", fired.alarm, fired.at_s);
        let told = |text: &str| world.messages.iter().take(world.in_time).any(|message| message.contains(text));
        let at = fired.at(self.start).as_second();
        let arn = alarm_arn(&fired.alarm);
        let recorded = world.signals.iter().find(|s| s.fingerprint == arn && s.state == "firing" && s.at == at);
        let Some(recorded) = recorded else {
            let kept = world.letters.iter().any(|(_, body)| body.contains(&arn));
            let paged = told(&arn) || told(&fired.alarm);
            return match (kept, paged) {
                (true, true) => None,
                (true, false) => Some(format!("{what}: it is a dead letter, and nobody was paged about it")),
                (false, _) => Some(format!("{what}: it was neither recorded nor kept as a dead letter")),
            };
        };
        match (&recorded.incident, &recorded.reason) {
            (_, Some(_)) => None,
            (None, None) => Some(format!("{what}: it is recorded without an incident and without a reason")),
            (Some(id), None) => {
                let incident = world.incidents.iter().find(|incident| incident.id == *id);
                let is_over = incident.is_some_and(|incident| incident.status == "resolved");
                // One that was over before anybody could be paged has been told all the same.
                let paged = told(&format!("tourniquet ack {id}")) || (is_over && told(id));
                (!paged).then(|| format!("{what}: nobody was paged about {id} in time"))
            }
        }
    }

    /// What fires again once it was mitigated is paged about anew, unless it was over before anybody could be.
    fn unengaged(&self, incident: &Incident, engagement: u64) -> Option<String> {
        let Incident { id, .. } = incident;
        let paged = self.world.paged.contains(&(id.clone(), engagement)) || !is_open(incident);
        (!paged).then(|| format!("{id} fires again (engagement {engagement}): nobody was paged anew in time"))
    }

    fn groups(&self) -> Verdict {
        let mut cases = Cases::of("one open incident per group key");
        let mut open: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for incident in &self.world.incidents {
            let of_group = open.entry(&incident.group).or_default();
            if is_open(incident) {
                of_group.push(&incident.id);
            }
        }
        for (group, ids) in open {
            cases.check((ids.len() > 1).then(|| format!("{} are open in one group ({group})", ids.join(" and "))));
        }
        cases.verdict
    }

    fn mitigations(&self) -> Verdict {
        let mut cases = Cases::of("no mitigation is applied twice");
        for (function, moves) in &self.world.moves {
            let of_it = self.world.mitigations.iter().filter(|m| m.target.contains(&format!(":function:{function}")));
            let allowed: u64 = of_it.map(allowed_moves).sum();
            let wrong =
                || format!("the alias of {function} was moved {moves} times, and the records tell of {allowed}");
            cases.check((*moves > allowed).then(wrong));
        }
        cases.verdict
    }

    fn agreement(&self) -> Verdict {
        let mut cases = Cases::of("record and world agree");
        for story in &self.history.stories {
            for alarm in story.alarms() {
                cases.check(self.alarm_disagrees(story, alarm));
            }
        }
        for incident in &self.world.incidents {
            cases.check(self.incident_disagrees(incident));
        }
        for mitigation in &self.world.mitigations {
            cases.check(self.mitigation_disagrees(mitigation));
        }
        cases
            .check((self.world.queued > 0).then(|| format!("{} messages still wait in the queues", self.world.queued)));
        cases.verdict
    }

    /// An alarm's last state is what was recorded of it, and what fires is firing in one open incident.
    fn alarm_disagrees(&self, story: &Story, alarm: &str) -> Option<String> {
        let (arn, world) = (alarm_arn(alarm), self.world);
        let truth = self.history.last(story, alarm)?;
        if self.is_lost(truth) {
            return None;
        }
        let (state, at) =
            (if truth.state == State::Alarm { "firing" } else { "recovered" }, truth.at(self.start).as_second());
        match world.last.get(&arn) {
            None => return Some(format!("{alarm} is {state}, and nothing is recorded of it")),
            Some(last) if last.state != state || last.at != at => {
                return Some(format!(
                    "{alarm} is {state} since {at}, and its record says {} since {}",
                    last.state, last.at
                ));
            }
            Some(_) => {}
        }
        let fires_in = world.incidents.iter().filter(|incident| incident.firing.contains(&arn));
        let ids: Vec<&str> = fires_in.map(|incident| incident.id.as_str()).collect();
        match (truth.state, ids.len()) {
            (State::Alarm, 1) => None,
            (State::Alarm, 0) => Some(format!("{alarm} fires, and in no incident")),
            (State::Alarm, _) => Some(format!("{alarm} fires in several incidents: {}", ids.join(" and "))),
            (_, 0) => None,
            _ => Some(format!("{alarm} is clear, and still fires in {}", ids.join(" and "))),
        }
    }

    fn incident_disagrees(&self, incident: &Incident) -> Option<String> {
        let Incident { id, status, .. } = incident;
        let fires = !incident.firing.is_empty();
        let pointer = self.world.pointers.get(&incident.group);
        match (status.as_str(), fires) {
            ("open" | "mitigated", false) => return Some(format!("{id} is {status}, and nothing of it fires")),
            ("resolved" | "cancelled", true) => return Some(format!("{id} is {status}, and something of it fires")),
            ("open" | "mitigated" | "resolved" | "cancelled", _) => {}
            _ => return Some(format!("{id} is {status}, which nobody asked for")),
        }
        match pointer {
            None => Some(format!("no pointer leads to {id}")),
            Some((to, of)) if to == id && of != status && !(of == "open" && status == "mitigated") => {
                Some(format!("{id} is {status}, and its group's pointer says {of}"))
            }
            Some((to, _)) if to != id && is_open(incident) => {
                Some(format!("{id} is {status}, and its group's pointer leads to {to}"))
            }
            Some(_) => None,
        }
    }

    /// The alias is where the record says that it was left, once the mitigation is over.
    fn mitigation_disagrees(&self, mitigation: &Mitigation) -> Option<String> {
        let Mitigation { incident, progress, outcome, .. } = mitigation;
        let in_its_own_way = |reason: &String| reason.contains(&format!("another mitigation ({incident}#"));
        if mitigation.reason.as_ref().is_some_and(in_its_own_way) {
            return Some(format!("the mitigation of {incident} was refused, since its own lock was in its way"));
        }
        let function = mitigation.target.split(":function:").nth(1).and_then(|name| name.split(':').next())?;
        let alias = self.world.aliases.get(function)?;
        let is_over = self.world.incidents.iter().any(|i| i.id == *incident && !is_open(i));
        if progress != "ended" {
            return is_over.then(|| format!("{incident} is over, and its mitigation is still {progress}"));
        }
        let expected = match outcome.as_deref() {
            Some("verified" | "unproven" | "ineffective") => &mitigation.desired,
            _ => &mitigation.prior,
        };
        let expected = expected.as_ref()?;
        let outcome = outcome.as_deref().unwrap_or("shown only");
        (expected != alias)
            .then(|| format!("the mitigation of {incident} is {outcome}, and {function} is at {alias}, not {expected}"))
    }

    fn executions(&self) -> Verdict {
        let mut cases = Cases::of("every execution ended, or was paged about; an open incident has a living one");
        for incident in &self.world.incidents {
            cases.check(self.unserved(incident));
        }
        for execution in &self.world.executions {
            let Some(id) = execution.name.get(..INCIDENT_ID) else { continue };
            let open = self.world.incidents.iter().any(|incident| incident.id == id && is_open(incident));
            let (machine, name) = (execution.machine, &execution.name);
            cases.check(match execution.status.as_str() {
                "SUCCEEDED" => None,
                "RUNNING" => (!open).then(|| format!("{machine} {name} runs on, and {id} is over")),
                ended => {
                    let told = self.world.messages.iter().any(|message| message.contains(name.as_str()));
                    (!told).then(|| format!("{machine} {name} ended {ended}, and nobody was told"))
                }
            });
        }
        cases.verdict
    }

    fn unserved(&self, incident: &Incident) -> Option<String> {
        let Incident { id, opening, run, status, .. } = incident;
        let name = format!("{id}-{opening}-{run}");
        let found = self.world.executions.iter().find(|e| e.machine == MACHINES[0] && e.name == name);
        match found {
            None => Some(format!("{id} is {status}, and its execution {name} was never started")),
            Some(found) if is_open(incident) && found.status != "RUNNING" => {
                Some(format!("{id} is {status}, and its execution {name} is {}", found.status))
            }
            Some(_) => None,
        }
    }

    fn bags(&self) -> Verdict {
        let mut cases = Cases::of("every sealed bag verifies; a pass that is missing was told");
        for bag in &self.world.bags {
            cases
                .check((bag.intact < bag.sealed).then(|| {
                    format!("{} of {} bags of {} verify: {}", bag.intact, bag.sealed, bag.incident, bag.said)
                }));
        }
        for incident in self.world.incidents.iter().filter(|incident| incident.status == "resolved") {
            let passes = ["1_warm", "2_complete"].into_iter().filter(|pass| !incident.passes.contains(*pass)).count();
            let missing = passes + usize::from(!incident.has_postmortem);
            let words = ["evidence", "postmortem"];
            let told =
                |message: &String| message.contains(&incident.id) && words.iter().any(|word| message.contains(word));
            let wrong = missing > 0 && !self.world.messages.iter().any(told);
            cases.check(
                wrong.then(|| {
                    format!("{} lacks a pass of evidence or its postmortem, and nobody was told", incident.id)
                }),
            );
        }
        cases.verdict
    }

    fn letters(&self) -> Verdict {
        let mut cases = Cases::of("every dead letter is explained, and what cannot be read is one");
        for (queue, body) in &self.world.letters {
            let is_ours = self.transitions().any(|t| body.contains(&alarm_arn(&t.alarm)));
            let explained = body.contains(MALFORMED) || (*queue == "SignalsDeadLetterQueue" && is_ours);
            let begin: String = body.chars().take(200).collect();
            cases.check((!explained).then(|| format!("a dead letter of {queue} has no explanation: {begin}")));
        }
        let wanted = self.history.troubles.iter().filter(|(_, t)| *t == super::history::Trouble::Malformed).count();
        let kept: BTreeSet<_> =
            self.world.letters.iter().map(|(_, body)| body).filter(|b| b.contains(MALFORMED)).collect();
        let wrong = || format!("{wanted} messages could not be read, and {} of them are kept", kept.len());
        cases.check((kept.len() < wanted).then(wrong));
        cases.verdict
    }

    /// Whether a transition is known only as a dead letter, which is then a person's to look at.
    fn is_lost(&self, transition: &Transition) -> bool {
        let at = transition.at(self.start).as_second();
        let arn = alarm_arn(&transition.alarm);
        let recorded = self.world.signals.iter().any(|s| s.fingerprint == arn && s.at == at);
        !recorded && self.world.letters.iter().any(|(_, body)| body.contains(&arn))
    }

    fn transitions(&self) -> impl Iterator<Item = &Transition> {
        self.history.stories.iter().flat_map(|story| &story.transitions)
    }
}

/// `inc-YYYYMMDD-` and 10 hex digits.
const INCIDENT_ID: usize = 23;

fn is_open(incident: &Incident) -> bool {
    matches!(incident.status.as_str(), "open" | "mitigated")
}

/// How often a mitigation may have moved its alias: once, and back where it was undone.
fn allowed_moves(mitigation: &Mitigation) -> u64 {
    match (mitigation.progress.as_str(), mitigation.outcome.as_deref()) {
        ("planned" | "approved", _) => 0,
        (_, Some("undone")) => 2,
        (_, Some("refused" | "rejected" | "expired" | "cancelled")) => 0,
        _ => 1,
    }
}

#[cfg(test)]
#[path = "judge_test.rs"]
mod tests;
