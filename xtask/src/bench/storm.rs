//! A storm through the local stack: many deliveries of few failing things, by the queue, and what becomes of them.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    aws::{ACCOUNT, REGION},
    demo::{Received, Receiver, TOKEN, scene},
    faults::Stage,
    plans,
    proxy::{Control, Tally},
    say::Progress,
    stack::{Options, Stack},
    workspace::Workspace,
};

/// How many things fail, and how many of them are of one service.
const THINGS: usize = 50;
const OF_A_SERVICE: usize = 5;

/// Every page is out by then.
const PAGED_WITHIN: Duration = Duration::from_secs(120);

const PLAN: &str = "\
plan: storm-NN
type: storm
match:
  source: [aws.cloudwatch]
  detail: { alarmName: [{ prefix: storm-NN- }] }
service: storm-NN
environment: test
owner: bench
severity: SEV3
recovery: { by: signal, held_for: 5m }
";

const TEAMS: &str = "\
contacts: { bench: { sns: { topic: tourniquet-pages } } }
teams: { bench: { escalation: [{ contact: bench, wait: 30m }] } }
";

/// What became of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Storm {
    events: u32,
    fingerprints: usize,
    /// From the first message into the queue to the last out of it.
    seconds: f64,
    incidents: u64,
    pages: usize,
    dead_letters: u64,
    /// Calls of triage that write to the table, in all.
    writes: u64,
    /// Of the events the first of each fingerprint is new, and takes one write; the others are its duplicates.
    writes_per_duplicate: f64,
    reads_per_event: f64,
}

struct Played {
    seconds: f64,
    incidents: u64,
    dead_letters: u64,
}

/// Deploys a stack, lets it storm, and counts.
pub(super) fn measure(workspace: &Workspace, events: u32, progress: Progress) -> Result<Storm> {
    let mut options = Options::private(workspace, "bench");
    let services = (0..THINGS / OF_A_SERVICE).map(|service| format!("{service:02}"));
    let named = services.map(|service| (format!("storm-{service}"), PLAN.replace("NN", &service)));
    let plans = plans::write(&options.dir, TEAMS, named)?;
    let counted = options.dir.join("counted.ndjson");
    std::fs::write(&counted, "").with_context(|| format!("Failed to write {}", counted.display()))?;
    options.emulator.count_into = Some(counted);
    let people = Receiver::start(TOKEN)?;
    let stack = scene::deploy(workspace, options, &plans, &people, progress)?;
    let control = Control::new(stack.processes.proxy);
    control.tallies()?;
    let played = progress.step(&format!("{events} events of {THINGS} fingerprints"), || play(&stack, events))?;
    let pages = progress.step("pages", || pages(&people, played.incidents))?;
    let tallies = control.tallies()?;
    stack.stop()?;
    let writes = calls(&tallies, |name| name.contains("Write") || name.contains("Put") || name.contains("Update"));
    let reads = calls(&tallies, |name| name.contains("Get") || name.contains("Query"));
    Ok(Storm {
        events,
        fingerprints: THINGS,
        seconds: played.seconds,
        incidents: played.incidents,
        pages,
        dead_letters: played.dead_letters,
        writes,
        writes_per_duplicate: per_duplicate(writes, u64::from(events)),
        reads_per_event: reads as f64 / f64::from(events).max(1.0),
    })
}

#[expect(clippy::disallowed_methods, reason = "a development tool has no step::now")]
fn play(stack: &Stack, events: u32) -> Result<Played> {
    let now = Timestamp::now();
    let bodies: Vec<String> = (0..THINGS).map(|thing| event(thing, now).to_string()).collect();
    let queue = stack.output("SignalsQueue")?;
    let stage = Stage::start(stack)?;
    let depth = |queue: &str| anyhow::Ok(stage.ask("depth", json!({ "queue": queue }))?.as_u64().unwrap_or_default());
    let began = Instant::now();
    stage.ask("send_copies", json!({"queue": queue, "bodies": bodies, "copies": events}))?;
    while depth(queue)? > 0 {
        std::thread::sleep(Duration::from_millis(500));
    }
    let seconds = began.elapsed().as_secs_f64();
    let items = stage.ask("scan", json!({"table": stack.output("Table")?}))?;
    let keys = items.as_array().into_iter().flatten().filter_map(|item| item["pk"]["S"].as_str());
    let incidents = keys.filter(|pk| pk.starts_with("INC#")).collect::<BTreeSet<_>>().len() as u64;
    Ok(Played { seconds, incidents, dead_letters: depth(stack.output("SignalsDeadLetterQueue")?)? })
}

/// An alarm that fires, as the rule delivers it.
fn event(thing: usize, at: Timestamp) -> Value {
    let name = format!("storm-{:02}-{thing}", thing / OF_A_SERVICE);
    let second = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "version": "0", "id": "00000000-0000-0000-0000-000000000002", "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change", "account": ACCOUNT, "region": REGION, "time": second,
        "resources": [format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}")],
        "detail": {
            "alarmName": name, "state": {"value": "ALARM", "reason": "Threshold Crossed", "timestamp": second},
            "previousState": {"value": "OK"}, "configuration": {"metrics": []},
        },
    })
}

/// Waits until there is a page for each incident, and says how many there are.
fn pages(people: &Receiver, incidents: u64) -> Result<usize> {
    let began = Instant::now();
    let is_page = |received: &Received| match received {
        Received::Topic { topic, message, .. } => topic.ends_with(":tourniquet-pages") && message.contains("step 1 of"),
        Received::Slack { .. } | Received::Refused { .. } => false,
    };
    loop {
        let pages = people.received().iter().filter(|received| is_page(received)).count();
        if pages as u64 >= incidents || began.elapsed() > PAGED_WITHIN {
            return Ok(pages);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn per_duplicate(writes: u64, events: u64) -> f64 {
    let new = events.min(THINGS as u64);
    writes.saturating_sub(new) as f64 / (events - new).max(1) as f64
}

/// How often triage asked the table for something of this name.
fn calls(tallies: &[Tally], is_it: impl Fn(&str) -> bool) -> u64 {
    let of_triage = |tally: &&Tally| tally.by.contains("Triage") && tally.call.starts_with("dynamodb ");
    tallies.iter().filter(of_triage).filter(|tally| is_it(&tally.call)).map(|tally| tally.calls).sum()
}

impl Storm {
    /// What became of it, a line each.
    pub(super) fn table(&self) -> String {
        let rows = [
            ("events", self.events.to_string()),
            ("fingerprints", self.fingerprints.to_string()),
            ("seconds on this machine", format!("{:.1}", self.seconds)),
            ("incidents", self.incidents.to_string()),
            ("pages", self.pages.to_string()),
            ("dead letters", self.dead_letters.to_string()),
            ("writes of triage", self.writes.to_string()),
            ("writes per duplicate", format!("{:.3}", self.writes_per_duplicate)),
            ("reads per event", format!("{:.2}", self.reads_per_event)),
        ];
        rows.map(|(what, figure)| format!("{what:>24} {figure:>12}\n")).concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_no_duplicate() {
        let shown = |writes, events| format!("{:.3}", per_duplicate(writes, events));
        assert_eq!([shown(50, 10_000), shown(75, 100), shown(150, 100)], ["0.000", "0.500", "2.000"]);
        assert_eq!([shown(20, 20), shown(0, 0)], ["0.000", "0.000"]);
    }
}
