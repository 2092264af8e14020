//! What would happen with an event, offline: triage's own reading, plans and decisions, with nothing known before it.

use std::path::Path;

use incident::{SignalOutcome, V};
use jiff::Timestamp;
use response_plan::Plans;
use serde::Serialize;
use serde_json::{Value, json};
use signal::{Signal, State, Unread, UnreadKind};

use crate::args::Triage;
use crate::memory::{self, Memory, Verdict};
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
            Ok(bytes) => judge(&plans, &bytes, what.account.as_deref(), what.at).tell(file, &mut report)?,
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
    verdict: Verdict,
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

/// At a time, or each signal at its own: it is for `mutes.yaml` alone.
fn judge(plans: &Plans, bytes: &[u8], account: Option<&str>, at: Option<Timestamp>) -> Judged {
    let mut judged = Judged { signals: Vec::new(), unread: Vec::new() };
    let mut memory = Memory::default();
    for signal in memory::read(bytes, account) {
        match signal {
            Ok(signal) => {
                let verdict = memory.take_at(plans, &signal, at.unwrap_or(signal.time));
                judged.signals.push(Judgement { signal, verdict });
            }
            Err(unread) => judged.unread.push(unread),
        }
    }
    judged
}

impl Judged {
    /// The most urgent of all: signals first, the first of equals.
    fn first(&self) -> (SignalOutcome, &str, Option<Decision<'_>>) {
        let signal = self.signals.iter().min_by_key(|judgement| judgement.verdict.outcome);
        let unread = self.unread.iter().min_by_key(|unread| outcome(unread));
        match (signal, unread) {
            (Some(signal), Some(unread)) if outcome(unread) < signal.verdict.outcome => {
                (outcome(unread), &unread.reason, None)
            }
            (Some(signal), _) => (signal.verdict.outcome, &signal.verdict.reason, Some(signal.decision())),
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
        let plan = &self.verdict.plan.plan;
        Decision {
            plan: &plan.plan,
            incident_type: &plan.incident_type,
            service: &plan.service,
            environment: &plan.environment,
            customer_facing: plan.customer_facing,
            owner: &plan.owner,
            severity: plan.severity,
            engage: plan.engage,
            group_key: self.verdict.group.readable(),
            mitigations: plan.mitigations.iter().map(|mitigation| mitigation.kind.as_str()).collect(),
        }
    }

    fn object(&self) -> anyhow::Result<Value> {
        let mut object = serde_json::to_value(&self.signal)?;
        if let Some(fields) = object.as_object_mut() {
            // Not of the contract: the whole event, what the source says, and what we made of it.
            ["event", "reason", "link", "drill", "tags"].iter().for_each(|name| drop(fields.remove(*name)));
        }
        object["outcome"] = serde_json::to_value(self.verdict.outcome)?;
        object["reason"] = self.verdict.reason.clone().into();
        object["decision"] = serde_json::to_value(self.decision())?;
        Ok(object)
    }

    fn text(&self) -> anyhow::Result<String> {
        let (signal, plan) = (&self.signal, &self.verdict.plan.plan);
        let drill = if signal.drill { "DRILL " } else { "" };
        let mut text = format!(
            "  {drill}{} {} at {}: {}\n    {}: {}\n",
            signal.kind,
            signal.state,
            signal.time,
            line(&signal.title),
            word(self.verdict.outcome)?,
            line(&self.verdict.reason)
        );
        if self.verdict.outcome <= SignalOutcome::NotifyOnly && signal.state != State::Recovered {
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
pub(crate) fn outcome(unread: &Unread) -> SignalOutcome {
    match unread.kind {
        UnreadKind::Unsupported => SignalOutcome::Ignored,
        UnreadKind::Malformed | UnreadKind::Untrusted => SignalOutcome::Rejected,
    }
}

pub(crate) fn word(outcome: SignalOutcome) -> anyhow::Result<String> {
    Ok(serde_json::to_value(outcome)?.as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests;
