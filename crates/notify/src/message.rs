//! What people read, and nothing else: every sentence that leaves for a page or an announcement is built here, from facts
//! that are ours. No log line and no alarm reason is in it.

pub(crate) mod digest;
mod in_force;
pub(crate) mod storm;

use incident::{Incident, Measure, Measures, MitigationRecord, Outcome, Progress};
use response_plan::{Approval, Contact, EscalationStep, Mode};

pub(crate) use crate::message::in_force::{put_back, reminder};
use crate::text::{length, line, list, moment};

/// The longest title, in characters; channels that take less cut it.
const TITLE: usize = 250;
/// The longest other line, in characters.
const LINE: usize = 600;

/// A message, before a channel gives it its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// What happened, in one line; every text of every channel begins with it.
    pub(crate) title: String,
    /// What to know, each under its label, the most important first.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What to type.
    pub(crate) actions: Vec<(&'static str, String)>,
    /// Where it comes from.
    pub(crate) footer: String,
}

/// What the reader must know about the sending itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Sent for the first time.
    First,
    /// An earlier run may have sent it already.
    Repeat,
    /// Whether it was sent already could not be read.
    Degraded,
}

impl Mark {
    fn prefix(self) -> &'static str {
        match self {
            Self::First => "",
            Self::Repeat => "Again (may repeat): ",
            Self::Degraded => "Degraded, may repeat: ",
        }
    }
}

impl Message {
    fn about(incident: &Incident, mark: Mark, what: &str) -> Self {
        let drill = if incident.opened.drill { "DRILL " } else { "" };
        let title = format!("{drill}{}[{}] {what}{}", mark.prefix(), incident.severity, incident.opened.title);
        let (id, plan) = (incident.id(), &incident.plan().plan);
        let footer = format!("{id}, opening {}, plan {plan}", incident.opening);
        Self { title: line(&title, TITLE), facts: Vec::new(), actions: Vec::new(), footer: line(&footer, LINE) }
    }

    fn fact(mut self, label: &'static str, text: impl AsRef<str>) -> Self {
        self.facts.push((label, line(text.as_ref(), LINE)));
        self
    }

    fn fact_if(self, label: &'static str, text: Option<impl AsRef<str>>) -> Self {
        match text {
            Some(text) => self.fact(label, text),
            None => self,
        }
    }

    fn action(mut self, label: &'static str, verb: &str, id: &str) -> Self {
        self.actions.push((label, format!("tourniquet {verb} {}", line(id, LINE))));
        self
    }

    /// The whole message as plain text.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.title);
        for (label, fact) in &self.facts {
            text.push_str(&format!("{label}: {fact}\n"));
        }
        text.push('\n');
        for (label, command) in &self.actions {
            text.push_str(&format!("{label}: {command}\n"));
        }
        text.push_str(&format!("\n{}\n", self.footer));
        text
    }
}

/// What the contact of an escalation step reads at three in the morning.
pub(crate) fn page(incident: &Incident, step: u32, due: &EscalationStep, mark: Mark) -> Message {
    let (opened, plan, zone) = (&incident.opened, incident.plan(), due.contact.time_zone.as_deref());
    let steps = opened.plan.team.escalation.len();
    let next =
        if (step as usize) < steps { format!("the next is told in {}", due.wait) } else { "the last".to_owned() };
    let customers = if plan.customer_facing { ", customers feel it" } else { "" };
    Message::about(incident, mark, "")
        .fact("What broke", format!("{} in {}{customers}", plan.service, plan.environment))
        .fact_if("Worse", incident.raised.as_ref().map(|rise| format!("raised from {}: {}", rise.from, rise.why)))
        .fact_if("Flapping", opened.flapping.then(|| flapping(incident)))
        .fact("Since", moment(incident.onset.unwrap_or(opened.opened_at), zone))
        .fact("Owner", format!("{} decides; you are {}, step {step} of {steps}, {next}", plan.owner, due.contact.name))
        .fact("Safest way out", way_out(incident))
        .fact("Evidence", evidence(incident))
        .fact_if("Degraded", opened.degraded.as_deref())
        .fact_if("Look at", opened.signal.link.as_deref())
        .fact_if("Runbook", plan.runbook.as_deref())
        .action("Take it", "ack", incident.id())
        .action("See all of it", "show", incident.id())
}

fn flapping(incident: &Incident) -> String {
    format!("it opens again and again; it is over once everything stays clear for {}", incident.held_for())
}

fn way_out(incident: &Incident) -> String {
    let Some(first) = incident.plan().mitigations.first() else {
        return "the plan knows none; decide by hand".to_owned();
    };
    let what = first.does.clone();
    let Approval::Owner = first.approval;
    match (incident.opened.drill, incident.plan().mode) {
        (true, _) => format!("{what}; a drill plans it and changes nothing"),
        (false, Mode::Observe) => format!("{what}; the plan only observes, so do it by hand"),
        (false, Mode::Act) => format!("{what}; once its guards hold, the owner is asked to approve it"),
    }
}

fn evidence(incident: &Incident) -> String {
    let evidence = &incident.plan().evidence;
    let mut kept = Vec::new();
    if incident.opened.signal.source == "aws.cloudwatch" {
        kept.extend(["the alarm".to_owned(), "its metrics".to_owned()]);
    }
    let named = evidence.wanted.iter().filter(|(_, values)| !values.is_empty());
    kept.extend(named.map(|(field, values)| format!("{} ({})", field.replace('_', " "), values.join(", "))));
    if kept.is_empty() {
        "the signal is kept".to_owned()
    } else {
        format!("being kept from {} before: {}", evidence.before, list(&kept))
    }
}

/// Asks for a yes to one concrete change.
pub(crate) fn approval(incident: &Incident, asked: &Contact, planned: &MitigationRecord, mark: Mark) -> Message {
    let hash: String = planned.plan_sha256.chars().take(12).collect();
    let expiry = moment(planned.expires_at, asked.time_zone.as_deref());
    Message::about(incident, mark, "Approve a mitigation: ")
        .fact("Would do", &planned.summary)
        .fact("To", &planned.target)
        .fact("Plan hash", hash)
        .fact("Worth nothing after", expiry)
        .fact("Owner", format!("{} decides; you are {}", incident.plan().owner, asked.name))
        .action("Let it happen", "approve", incident.id())
        .action("Do not", "reject --reason WHY", incident.id())
        .action("See all of it", "show", incident.id())
}

/// Says what came of a mitigation, and what to do now; without a record it failed before there was a plan.
pub(crate) fn mitigation(incident: &Incident, record: Option<&MitigationRecord>, mark: Mark) -> Message {
    let (word, came, next) = match record {
        Some(record) => came_of(incident, record),
        None => (
            "failed",
            "the mitigation failed before a plan was recorded; nothing was changed".to_owned(),
            "decide by hand".to_owned(),
        ),
    };
    let reason = record.and_then(|r| r.reason.as_deref());
    let holds = record.filter(|record| record.holds());
    let message = Message::about(incident, mark, &format!("Mitigation {word}: "))
        .fact_if("Was to do", record.map(|r| &r.summary))
        .fact_if("To", record.map(|r| &r.target))
        .fact("What came of it", came)
        .fact_if("Why", reason)
        .fact_if("In force", holds.map(|_| "until it is back, the incident is at most mitigated"))
        .fact("Now", next)
        .fact_if("Runbook", incident.plan().runbook.as_deref());
    let message = holds.into_iter().fold(message, in_force::with_undo);
    message.action("See all of it", "show", incident.id())
}

/// The outcome as one word, what happened, and what to do.
fn came_of(incident: &Incident, record: &MitigationRecord) -> (&'static str, String, String) {
    let held = incident.held_for();
    let by_hand = "it still needs a way out: decide by hand";
    let nothing = |what: &str| (format!("{what}; nothing was changed"), by_hand.to_owned());
    let maybe = |what: &str| {
        let came = format!("{what}; the change may be in force, and nothing proves that it helped");
        (came, "look at the target by hand before you change anything".to_owned())
    };
    let Some(outcome) = record.outcome else {
        let (word, (came, next)) = match record.progress {
            Progress::Ended => ("only shown", nothing("it was planned and shown")),
            Progress::Planned | Progress::Approved => ("stopped", nothing("it stopped before it was applied")),
            Progress::Applying => ("stopped", maybe("it stopped while it was applied")),
            Progress::Applied => ("stopped", maybe("it stopped after it was applied")),
        };
        return (word, came, next);
    };
    let (came, next) = match outcome {
        Outcome::Verified => (
            "it was applied, what fired cleared, and the service gave proof of life".to_owned(),
            match record.holds() {
                true => "nothing urgent: put it back once the service bears it again".to_owned(),
                false => format!("nothing urgent: the incident resolves once everything stays clear for {held}"),
            },
        ),
        Outcome::Unproven => (
            "it was applied and what fired cleared, without proof of life".to_owned(),
            "check by hand that the service does its work".to_owned(),
        ),
        Outcome::Ineffective => {
            ("it was applied and nothing got better; it was left as it is".to_owned(), by_hand.to_owned())
        }
        Outcome::Undone => ("it was applied, things got worse, and it was taken back".to_owned(), by_hand.to_owned()),
        Outcome::Refused if record.applied_at.is_some() => maybe("it was applied, and a guard said no to going on"),
        Outcome::Refused => nothing("a guard said no"),
        Outcome::Rejected => nothing("a person said no"),
        Outcome::Expired => nothing("nobody answered in time"),
        Outcome::Cancelled => ("recovery came first; nothing was changed".to_owned(), "nothing to do".to_owned()),
    };
    (outcome.as_str(), came, next)
}

/// Says that it is over, how long it took, and where to read on. `mitigations` are those of the opening.
pub(crate) fn resolved(incident: &Incident, mitigations: &[MitigationRecord], mark: Mark) -> Message {
    let took = Measures::of(incident, mitigations);
    let took: Vec<_> = took.each().map(|(word, _, measure)| format!("{word} {}", measured(measure))).into();
    let bags = incident.evidence.iter();
    let bags: Vec<_> =
        bags.map(|pass| format!("{} (files: {}, gaps: {})", pass.prefix, pass.files, pass.gaps)).collect();
    let postmortem = incident.postmortem.as_ref().map(|keys| format!("{} and {}", keys.markdown, keys.html));
    let message = Message::about(incident, mark, "Resolved: ").fact("How", recovery(incident));
    let still = |message: Message, record: &MitigationRecord| {
        in_force::with_undo(message.fact("Still in force", &record.summary), record)
    };
    let message = mitigations.iter().filter(|record| record.holds()).fold(message, still);
    message
        .fact("Took", took.join(", "))
        .fact("Evidence", if bags.is_empty() { "no pass was sealed".to_owned() } else { list(&bags) })
        .fact("Postmortem", postmortem.unwrap_or_else(|| "not written yet".to_owned()))
        .action("See all of it", "show", incident.id())
        .action("Get the evidence", "evidence get", incident.id())
}

fn measured(measure: &Measure) -> String {
    match (measure.seconds, &measure.reason) {
        (Some(seconds), _) => length(seconds),
        (None, Some(reason)) => format!("not known ({reason})"),
        (None, None) => "not known".to_owned(),
    }
}

/// Why it counts as over.
fn recovery(incident: &Incident) -> String {
    match (&incident.resolved_by, &incident.resolved_reason) {
        (Some(by), Some(reason)) => format!("{by} resolved it: {reason}"),
        (Some(by), None) => format!("{by} resolved it"),
        (None, _) => format!("everything that fired stayed clear for {}", incident.held_for()),
    }
}

/// For the fallback topic, where the incident itself cannot be read.
pub(crate) fn unreadable(id: &str) -> Message {
    let title = format!("{}incident {id} needs someone, and its record cannot be read", Mark::Degraded.prefix());
    let message =
        Message { title: line(&title, TITLE), facts: Vec::new(), actions: Vec::new(), footer: line(id, LINE) };
    message
        .fact(
            "What is known",
            "only the incident's id: the table could not be read, so nobody knows owner and severity",
        )
        .fact("Now", "look at the alarms of the account yourself, and at the table of this stack")
        .action("Take it, once the table is back", "ack", id)
}

#[cfg(test)]
mod tests;
