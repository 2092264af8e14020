//! What would happen with an event, offline: triage's own reading, plans and decisions, with nothing known before it.

use std::collections::HashMap;
use std::path::Path;

use incident::{Action, FingerprintState, GroupKey, Known, KnownSignal, OpenPointer, SignalOutcome, Status, V};
use incident::{decide, incident_id};
use response_plan::{Plans, ResolvedPlan};
use serde::Serialize;
use serde_json::{Value, json};
use signal::{Origin, Signal, State, Unread, UnreadKind};

use crate::args::Triage;
use crate::plans;
use crate::report::{Report, line};

/// Where the plans are, unless told otherwise.
const DIR: &str = "response-plans";

/// Judges each file alone. A file that cannot be read is said, and stops no other.
pub(crate) fn run(what: &Triage) -> anyhow::Result<Report> {
    let plans = match &what.plans {
        Some(path) => plans::load(path)?,
        None if Path::new(DIR).is_dir() => plans::load(Path::new(DIR))?,
        None => plans::none(),
    };
    let mut report = Report::default();
    for file in &what.files {
        match std::fs::read(file) {
            Ok(bytes) => judge(&plans, &bytes, what.account.as_deref()).tell(file, &mut report)?,
            Err(error) => {
                let remedy = "check that it is there and that you may read it";
                report.unreadable.push(format!("{} cannot be read ({error}); {remedy}", file.display()));
            }
        }
    }
    Ok(report)
}

/// What would become of one file.
struct Judged {
    signals: Vec<Judgement>,
    unread: Vec<Unread>,
}

/// What would become of one signal.
struct Judgement {
    signal: Signal,
    outcome: SignalOutcome,
    reason: String,
    plan: ResolvedPlan,
    group: GroupKey,
}

/// What the plans say of a signal.
#[derive(Serialize)]
struct Decision<'a> {
    plan: &'a str,
    #[serde(rename = "type")]
    incident_type: &'a str,
    service: &'a str,
    environment: &'a str,
    customer_facing: bool,
    owner: &'a str,
    severity: response_plan::Severity,
    engage: response_plan::Engage,
    group_key: &'a str,
    mitigations: Vec<&'a str>,
}

fn judge(plans: &Plans, bytes: &[u8], account: Option<&str>) -> Judged {
    // Offline nobody knows where the suite runs: unless told, it is where the event says that it comes from.
    let event: Option<Value> = serde_json::from_slice(bytes).ok();
    let named = event.as_ref().and_then(|event| event["account"].as_str());
    let origin = Origin { own_account: account.or(named), hubs: &[] };
    let mut judged = Judged { signals: Vec::new(), unread: Vec::new() };
    let mut memory = Memory::default();
    for signal in signal::read(bytes, &origin) {
        match signal {
            Ok(signal) => judged.signals.push(memory.take(plans, signal)),
            Err(unread) => judged.unread.push(unread),
        }
    }
    judged
}

/// What the table would know after the signals of the file so far.
#[derive(Default)]
struct Memory {
    signals: HashMap<String, KnownSignal>,
    fingerprints: HashMap<String, FingerprintState>,
    pointers: HashMap<String, OpenPointer>,
}

impl Memory {
    fn take(&mut self, plans: &Plans, signal: Signal) -> Judgement {
        let resolution = plans.resolve(&signal);
        let of = &resolution.plan.plan;
        let account = signal.account.as_deref();
        let group = GroupKey::new(&of.plan, &of.service, &of.environment, account, signal.drill);
        let known = Known {
            signal: self.signals.get(&signal.signal_id).cloned(),
            fingerprint: self.fingerprints.get(&signal.fingerprint).cloned(),
            pointer: self.pointers.get(group.hash()).cloned(),
            fires_in: None, // one set of plans throughout: what fires, fires in its group's incident
        };
        let (outcome, reason, incident, newest) = match decide(&signal, &known) {
            Action::Repeat { incident } => {
                let outcome = if incident.is_some() { SignalOutcome::Attached } else { SignalOutcome::Ignored };
                (outcome, "it came before in the same file".to_owned(), incident, false)
            }
            Action::Open => {
                let opened = (incident_id(&group, &signal), 1);
                let pointer =
                    OpenPointer { incident_id: opened.0.clone(), opening: 1, status: Status::Open, reopen_until: None };
                self.pointers.insert(group.hash().to_owned(), pointer);
                (SignalOutcome::Incident, resolution.why, Some(opened), true)
            }
            // Nothing is ever resolved here: each file is judged by itself.
            Action::Reopen { incident_id, opening } => {
                (SignalOutcome::Incident, resolution.why, Some((incident_id, opening)), true)
            }
            Action::Join { incident_id, opening } => {
                let reason = "it joins the incident that an earlier signal of the same file opens".to_owned();
                (SignalOutcome::Attached, reason, Some((incident_id, opening)), true)
            }
            Action::Recover { incident_id, opening } => {
                let reason = "what fired earlier in the same file has recovered".to_owned();
                (SignalOutcome::Attached, reason, Some((incident_id, opening)), true)
            }
            Action::Ignore { reason, newest } => (SignalOutcome::Ignored, reason, None, newest),
        };
        if newest {
            let state = FingerprintState { state: signal.state, time: signal.time, incident: incident.clone() };
            self.fingerprints.insert(signal.fingerprint.clone(), state);
        }
        self.signals.entry(signal.signal_id.clone()).or_insert(KnownSignal { incident });
        Judgement { signal, outcome, reason, plan: resolution.plan, group }
    }
}

impl Judged {
    /// The most urgent of all: signals first, the first of equals.
    fn first(&self) -> (SignalOutcome, &str, Option<Decision<'_>>) {
        let signal = self.signals.iter().min_by_key(|judgement| judgement.outcome);
        let unread = self.unread.iter().min_by_key(|unread| outcome(unread));
        match (signal, unread) {
            (Some(signal), Some(unread)) if outcome(unread) < signal.outcome => (outcome(unread), &unread.reason, None),
            (Some(signal), _) => (signal.outcome, &signal.reason, Some(signal.decision())),
            (None, Some(unread)) => (outcome(unread), &unread.reason, None),
            (None, None) => (SignalOutcome::Rejected, "it holds nothing", None),
        }
    }

    fn tell(&self, file: &Path, report: &mut Report) -> anyhow::Result<()> {
        let unread: Vec<_> = self.unread.iter().map(|u| json!({"outcome": outcome(u), "reason": u.reason})).collect();
        let (outcome, reason, decision) = self.first();
        report.objects.push(json!({
            "v": V,
            "file": file.display().to_string(),
            "outcome": outcome,
            "reason": reason,
            "signals": self.signals.iter().map(Judgement::object).collect::<Result<Vec<_>, _>>()?,
            "unread": unread,
            "decision": decision,
        }));
        report.text.push_str(&self.text(file)?);
        report.wrong |= !self.unread.is_empty();
        Ok(())
    }

    fn text(&self, file: &Path) -> anyhow::Result<String> {
        let mut text = format!("{}: {}\n", file.display(), word(self.first().0)?);
        for judgement in &self.signals {
            text.push_str(&judgement.text()?);
        }
        for unread in &self.unread {
            text.push_str(&format!("  {}: {}\n", word(outcome(unread))?, line(&unread.reason)));
        }
        Ok(text)
    }
}

impl Judgement {
    fn decision(&self) -> Decision<'_> {
        let plan = &self.plan.plan;
        Decision {
            plan: &plan.plan,
            incident_type: &plan.incident_type,
            service: &plan.service,
            environment: &plan.environment,
            customer_facing: plan.customer_facing,
            owner: &plan.owner,
            severity: plan.severity,
            engage: plan.engage,
            group_key: self.group.readable(),
            mitigations: plan.mitigations.iter().map(|mitigation| mitigation.kind.as_str()).collect(),
        }
    }

    fn object(&self) -> anyhow::Result<Value> {
        let mut object = serde_json::to_value(&self.signal)?;
        if let Some(fields) = object.as_object_mut() {
            // Not of the contract: the whole event, what the source says, and what we made of it.
            ["event", "reason", "link", "drill"].iter().for_each(|name| drop(fields.remove(*name)));
        }
        object["outcome"] = serde_json::to_value(self.outcome)?;
        object["reason"] = self.reason.clone().into();
        object["decision"] = serde_json::to_value(self.decision())?;
        Ok(object)
    }

    fn text(&self) -> anyhow::Result<String> {
        let (signal, plan) = (&self.signal, &self.plan.plan);
        let drill = if signal.drill { "DRILL " } else { "" };
        let mut text = format!(
            "  {drill}{} {} at {}: {}\n    {}: {}\n",
            signal.kind,
            signal.state,
            signal.time,
            line(&signal.title),
            word(self.outcome)?,
            line(&self.reason)
        );
        if self.outcome <= SignalOutcome::Attached && signal.state == State::Firing {
            let (severity, owner, service, environment) =
                (plan.severity, &plan.owner, &plan.service, &plan.environment);
            text.push_str(&format!(
                "    {severity}, owned by {owner}: {service} ({environment}), plan {}\n",
                plan.plan
            ));
            for mitigation in &plan.mitigations {
                text.push_str(&format!("    the way out: {}\n", mitigation.does));
            }
        }
        Ok(text)
    }
}

/// What nobody reads is left alone; what may have been a real signal, or claims to be one, is refused.
fn outcome(unread: &Unread) -> SignalOutcome {
    match unread.kind {
        UnreadKind::Unsupported => SignalOutcome::Ignored,
        UnreadKind::Malformed | UnreadKind::Untrusted => SignalOutcome::Rejected,
    }
}

fn word(outcome: SignalOutcome) -> anyhow::Result<String> {
    Ok(serde_json::to_value(outcome)?.as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests;
