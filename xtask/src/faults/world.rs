//! What there is at the end of a run: the table, the executions, what people got, what the queues kept.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{history::History, stage::Stage};
use crate::{
    demo::{Received, Receiver},
    stack::Stack,
};

/// The state machines, by their outputs; the first is the one that an incident lives in.
pub(super) const MACHINES: [&str; 4] = ["IncidentResponse", "Engage", "Mitigate", "CaptureEvidence"];

/// `INC#…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Incident {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) group: String,
    pub(super) opening: u64,
    pub(super) run: u64,
    pub(super) engagement: u64,
    /// Fingerprints.
    pub(super) firing: BTreeSet<String>,
    /// The sealed passes, by name.
    pub(super) passes: BTreeSet<String>,
    pub(super) has_postmortem: bool,
}

/// `SIG#…`: a signal that was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signal {
    pub(super) fingerprint: String,
    /// `firing`, `recovered` or `info`.
    pub(super) state: String,
    /// The source's own time, in seconds since 1970.
    pub(super) at: i64,
    pub(super) incident: Option<String>,
    /// Why it changed nothing.
    pub(super) reason: Option<String>,
}

/// `FP#…`: the last known state of an alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) state: String,
    /// In seconds since 1970.
    pub(super) at: i64,
}

/// `MIT#…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mitigation {
    pub(super) incident: String,
    pub(super) target: String,
    pub(super) progress: String,
    pub(super) outcome: Option<String>,
    pub(super) reason: Option<String>,
    /// The version that is wanted, and the one before.
    pub(super) desired: Option<String>,
    pub(super) prior: Option<String>,
}

/// An execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Execution {
    /// The output that names its state machine.
    pub(super) machine: &'static str,
    pub(super) name: String,
    pub(super) status: String,
}

/// A sealed pass, downloaded and judged by the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bag {
    pub(super) incident: String,
    /// How many sealed passes the incident has, and how many of them verify.
    pub(super) sealed: usize,
    pub(super) intact: usize,
    pub(super) said: String,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct World {
    pub(super) incidents: Vec<Incident>,
    pub(super) signals: Vec<Signal>,
    /// By fingerprint.
    pub(super) last: BTreeMap<String, Last>,
    /// The incident and the status of each group's pointer, by group.
    pub(super) pointers: BTreeMap<String, (String, String)>,
    pub(super) mitigations: Vec<Mitigation>,
    /// The engagements in which a page was accepted: incident, and number.
    pub(super) paged: BTreeSet<(String, u64)>,
    pub(super) executions: Vec<Execution>,
    /// What people got, texts only; those that came in time, and all.
    pub(super) messages: Vec<String>,
    pub(super) in_time: usize,
    /// The bodies of dead letters, by queue.
    pub(super) letters: Vec<(&'static str, String)>,
    /// How much still lies in the queues that functions read.
    pub(super) queued: u64,
    pub(super) bags: Vec<Bag>,
    /// Successful writes to each alias, by its function.
    pub(super) moves: BTreeMap<String, u64>,
    /// Where each alias is, by its function.
    pub(super) aliases: BTreeMap<String, String>,
}

impl World {
    /// Looks, at everything but the bags.
    pub(super) fn look(stage: &Stage, stack: &Stack, people: &Receiver, history: &History) -> Result<Self> {
        let mut world = Self { messages: texts(&people.received()), ..Self::default() };
        world.in_time = world.messages.len();
        let items = stage.ask("scan", json!({"table": stack.output("Table")?}))?;
        items.as_array().into_iter().flatten().for_each(|item| world.take(item));
        for machine in MACHINES {
            let listed = stage.ask("executions", json!({"machine": stack.output(machine)?}))?;
            let of_it = listed.as_array().into_iter().flatten();
            let execution = |e: &Value| Execution { machine, name: plain(&e["name"]), status: plain(&e["status"]) };
            world.executions.extend(of_it.map(execution));
        }
        for queue in ["SignalsDeadLetterQueue", "CommandsDeadLetterQueue"] {
            let bodies = stage.ask("letters", json!({"queue": stack.output(queue)?}))?;
            world.letters.extend(bodies.as_array().into_iter().flatten().map(|body| (queue, plain(body))));
        }
        for queue in ["SignalsQueue", "CommandsQueue"] {
            world.queued += stage.ask("depth", json!({"queue": stack.output(queue)?}))?.as_u64().unwrap_or_default();
        }
        let changes = stack.proxy().log()?.changes;
        for story in history.stories.iter().filter(|story| story.has_service) {
            let path = format!("/functions/{}/aliases/", story.plan);
            let moves = changes.iter().filter(|(call, _)| call.starts_with("lambda PUT") && call.contains(&path));
            world.moves.insert(story.plan.clone(), moves.map(|(_, count)| count).sum());
            let alias = stage.ask("alias", json!({"name": story.plan}))?;
            world.aliases.insert(story.plan.clone(), plain(&alias));
        }
        Ok(world)
    }

    /// Takes in one item of the table.
    pub(super) fn take(&mut self, item: &Value) {
        let (pk, sk) = (text(item, "pk"), text(item, "sk"));
        let number = |name: &str| item[name]["N"].as_str().and_then(|n| n.parse().ok()).unwrap_or_default();
        let some = |name: &str| item[name]["S"].as_str().map(str::to_owned);
        if let (Some(id), "META") = (pk.strip_prefix("INC#"), sk) {
            let attributes = item.as_object().into_iter().flat_map(|item| item.keys());
            self.incidents.push(Incident {
                id: id.to_owned(),
                status: text(item, "status").to_owned(),
                group: text(item, "group_hash").to_owned(),
                opening: number("opening"),
                run: number("run"),
                engagement: number("engagement"),
                firing: item["firing"]["SS"].as_array().into_iter().flatten().map(plain).collect(),
                passes: attributes.filter_map(|name| name.strip_prefix("evidence_")).map(str::to_owned).collect(),
                has_postmortem: !item["postmortem"].is_null(),
            });
        } else if let (Some(id), true) = (pk.strip_prefix("INC#"), sk.starts_with("MIT#")) {
            let record: Value = serde_json::from_str(text(item, "record")).unwrap_or_default();
            let word = |value: &Value| value.as_str().map(str::to_owned);
            self.mitigations.push(Mitigation {
                incident: id.to_owned(),
                target: plain(&record["target"]),
                progress: text(item, "progress").to_owned(),
                outcome: word(&record["outcome"]),
                reason: word(&record["reason"]),
                desired: word(&record["desired"]["version"]),
                prior: word(&record["prior"]["version"]),
            });
        } else if let (Some(id), Some(engagement)) = (pk.strip_prefix("INC#"), page(sk)) {
            if !item["sent_at"].is_null() {
                self.paged.insert((id.to_owned(), engagement));
            }
        } else if pk.starts_with("SIG#") {
            let signal: Value = serde_json::from_str(text(item, "signal")).unwrap_or_default();
            self.signals.push(Signal {
                fingerprint: plain(&signal["fingerprint"]),
                state: plain(&signal["state"]),
                at: seconds(signal["time"].as_str()),
                incident: some("incident_id"),
                reason: some("reason"),
            });
        } else if pk.starts_with("FP#") {
            let last = Last { state: text(item, "state").to_owned(), at: seconds(Some(text(item, "time"))) };
            self.last.insert(text(item, "fingerprint").to_owned(), last);
        } else if let Some(group) = pk.strip_prefix("OPEN#") {
            let to = (text(item, "incident_id").to_owned(), text(item, "status").to_owned());
            self.pointers.insert(group.to_owned(), to);
        }
    }
}

fn texts(received: &[Received]) -> Vec<String> {
    let text = |received: &Received| match received {
        Received::Slack { text, .. } => Some(text.clone()),
        Received::Topic { subject, message, .. } => Some(format!("{subject}\n{message}")),
        Received::Refused { .. } => None,
    };
    received.iter().filter_map(text).collect()
}

/// A string attribute of an item.
fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}

/// The engagement of a page, by its key: `SENT#<opening>#<engagement>#…`, or `TOLD#…` by `sweep`.
fn page(sk: &str) -> Option<u64> {
    let parts: Vec<_> = sk.split('#').collect();
    match parts[..] {
        ["SENT", _, engagement, ..] => engagement.parse().ok(),
        ["TOLD", _, engagement, contact, ..] if contact.starts_with("sweep") => engagement.parse().ok(),
        _ => None,
    }
}

fn seconds(instant: Option<&str>) -> i64 {
    instant.and_then(|text| text.parse::<Timestamp>().ok()).map_or(0, Timestamp::as_second)
}

fn plain(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
