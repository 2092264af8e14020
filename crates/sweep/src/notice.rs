//! What the fallback topic is told, at most once for each cause, and in text that is ours alone.

use incident::{Entry, Incident};
use incident_store::{Claim, PageKey};
use jiff::Timestamp;
use step::{StepError, sdk_error};

use crate::{Ctx, Output, second};

/// The step that the timeline names.
pub(crate) const STEP: &str = "sweep";
/// SNS takes this many characters of a subject.
const SUBJECT: usize = 100;

/// A cause to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice<'a> {
    /// No page went out in time.
    Unpaged,
    /// A run ended too early, and the next one is started.
    Restarted { how: &'a str },
    /// The last run ended too early.
    GivenUp { how: &'a str },
    /// A person resolved it, and it fires on.
    StillFires,
    /// A person resolved it, and whether it fires on could not be read.
    Unknown,
}

impl Notice<'_> {
    /// The contact of the page's key: one for each cause.
    fn contact(self, incident: &Incident) -> String {
        match self {
            Self::Unpaged => STEP.to_owned(),
            Self::Restarted { .. } | Self::GivenUp { .. } => format!("{STEP}-run-{}", incident.run),
            Self::StillFires | Self::Unknown => format!("{STEP}-recheck"),
        }
    }

    /// Whether it engages someone in an incident that goes on: that counts in the incident's own times.
    fn engages(self) -> bool {
        !matches!(self, Self::StillFires | Self::Unknown)
    }

    /// What happened, in one sentence for topic and timeline.
    fn sentence(self, incident: &Incident) -> String {
        let run = incident.run;
        let who = incident.resolved_by.as_deref().unwrap_or("a person");
        match self {
            Self::Unpaged if incident.has_paged(false) => "no page that wakes had gone out after 45 s".to_owned(),
            Self::Unpaged if incident.engagement > 1 => {
                "it fires again, and no page had gone out after 45 s".to_owned()
            }
            Self::Unpaged => "no page had gone out after 45 s".to_owned(),
            Self::Restarted { how } => format!("run {run} ended ({how}) while the incident is {}", incident.status),
            Self::GivenUp { how } => {
                format!("run {run} ended ({how}): nothing serves this incident any more, a person has to resolve it")
            }
            Self::StillFires => format!("{who} resolved it, and it still fires"),
            Self::Unknown => format!("{who} resolved it while it fired, and whether it still does could not be read"),
        }
    }
}

/// Tells the fallback topic, unless it was told of this cause before. `false` where another sweep is at it, and may die of
/// it: what is to follow only once it is told waits for the next sweep.
///
/// # Errors
/// `Transient` or `Stuck` where the topic did not take it: it was not told, and the next sweep tries again.
pub(crate) async fn tell(
    ctx: &Ctx,
    incident: &Incident,
    notice: Notice<'_>,
    now: Timestamp,
    output: &mut Output,
) -> Result<bool, StepError> {
    let key = page_key(incident, notice);
    match ctx.store.claim_page(&key, now).await {
        Ok(Claim::Held { .. }) => return Ok(false),
        Ok(Claim::Sent) if incident.has_paged(true) || !notice.engages() => return Ok(true),
        Ok(Claim::Sent) => {
            return ctx.store.page_sent(&key, now, true, "sent by an earlier sweep").await.map(|()| true);
        }
        Ok(Claim::Mine { .. }) => {}
        Err(error) => tracing::warn!(chain = format!("{:#}", error.cause()), "the page is sent unclaimed"),
    }
    let publish = ctx
        .topics
        .publish()
        .topic_arn(&ctx.fallback_topic)
        .subject(subject(incident, notice))
        .message(message(incident, notice));
    let sent = publish.send().await.map_err(|e| sdk_error("the fallback topic could not be told", e))?;
    output.paged += 1;
    record(ctx, incident, notice, &key, now, sent.message_id().unwrap_or_default()).await;
    Ok(true)
}

/// The page is out: what cannot be recorded is only logged.
async fn record(ctx: &Ctx, incident: &Incident, notice: Notice<'_>, key: &PageKey, now: Timestamp, reference: &str) {
    let sent = if notice.engages() {
        ctx.store.page_sent(key, now, true, reference).await
    } else {
        ctx.store.announcement_sent(key, now, reference).await
    };
    let what = format!("{}; the fallback topic was told", notice.sentence(incident));
    let entry = Entry::new(now, STEP, &["told", incident.id(), &key.contact], what);
    let noted = ctx.store.note(incident.id(), &entry).await;
    for error in [sent, noted].into_iter().filter_map(Result::err) {
        tracing::warn!(
            incident_id = incident.id(),
            chain = format!("{:#}", error.cause()),
            "a page went out, and could not be recorded"
        );
    }
}

fn page_key(incident: &Incident, notice: Notice<'_>) -> PageKey {
    PageKey {
        incident_id: incident.id().to_owned(),
        opening: incident.opening,
        engagement: incident.engagement,
        step: 0,
        contact: notice.contact(incident),
        channel: "sns".to_owned(),
    }
}

/// Printable ASCII, as SNS wants it.
fn subject(incident: &Incident, notice: Notice<'_>) -> String {
    let text =
        format!("{}[{}] {} ({})", drill(incident), incident.severity, incident.opened.title, notice.sentence(incident));
    text.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).take(SUBJECT).collect()
}

fn message(incident: &Incident, notice: Notice<'_>) -> String {
    let (id, plan) = (incident.id(), incident.plan());
    let mut lines = vec![
        format!("{}degraded, may repeat: {}", drill(incident), notice.sentence(incident)),
        String::new(),
        format!("{}: {}", incident.severity, line(&incident.opened.title)),
        format!(
            "Incident {id}, opening {}, {}; opened {}",
            incident.opening,
            incident.status,
            second(incident.opened.opened_at)
        ),
        format!("Service {} ({}), owned by {}", plan.service, plan.environment, plan.owner),
    ];
    lines.extend(incident.opened.signal.link.as_deref().map(|link| format!("Look at it: {}", line(link))));
    lines.extend(plan.runbook.as_deref().map(|runbook| format!("Runbook: {runbook}")));
    lines.extend(plan.mitigations.first().map(|m| format!("The safest way out: {}", m.does)));
    lines.push(match notice {
        Notice::Unpaged | Notice::Restarted { .. } if incident.acknowledged_at.is_none() => {
            format!("Acknowledge it: tourniquet ack {id}")
        }
        Notice::GivenUp { .. } => format!("Resolve it: tourniquet resolve {id} --reason WHY"),
        _ => format!("See what is known: tourniquet show {id}"),
    });
    lines.join("\n")
}

fn drill(incident: &Incident) -> &'static str {
    if incident.opened.drill { "DRILL " } else { "" }
}

/// One line of at most 300 characters.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::incident;

    #[test]
    fn each_cause_is_told_once() {
        let incident = incident();
        let contact = |notice| page_key(&incident, notice).contact;
        assert_eq!(contact(Notice::Unpaged), "sweep");
        assert_eq!(contact(Notice::Restarted { how: "FAILED" }), "sweep-run-1");
        assert_eq!(contact(Notice::GivenUp { how: "FAILED" }), "sweep-run-1");
        assert_eq!(contact(Notice::StillFires), contact(Notice::Unknown));
    }

    #[test]
    fn the_text_says_what_is_known() {
        let mut incident = incident();
        let text = message(&incident, Notice::Unpaged);
        assert_eq!(
            text,
            "degraded, may repeat: no page had gone out after 45 s\n\n\
             SEV2: checkout-errors\n\
             Incident inc-20251123-0123456789, opening 1, open; opened 2025-11-23 14:00:00 UTC\n\
             Service checkout (prod), owned by payments\n\
             Look at it: https://console.example/alarm\n\
             Runbook: docs/runbooks/checkout.md\n\
             The safest way out: roll checkout:live back to the last version recorded as good\n\
             Acknowledge it: tourniquet ack inc-20251123-0123456789"
        );
        incident.opened.drill = true;
        incident.resolved_by = Some("ana (claimed)".into());
        let text = message(&incident, Notice::StillFires);
        assert!(
            text.starts_with("DRILL degraded, may repeat: ana (claimed) resolved it, and it still fires\n"),
            "{text}"
        );
    }

    #[test]
    fn a_page_that_woke_nobody_is_told_apart() {
        let paged = Incident { paged_at: Some(incident().opened.opened_at), ..incident() };
        assert_eq!(Notice::Unpaged.sentence(&paged), "no page that wakes had gone out after 45 s");
        let refired = Incident { engagement: 2, ..paged };
        assert_eq!(Notice::Unpaged.sentence(&refired), "it fires again, and no page had gone out after 45 s");
    }

    #[test]
    fn a_subject_is_what_sns_takes() {
        let mut incident = incident();
        assert_eq!(subject(&incident, Notice::Unpaged), "[SEV2] checkout-errors (no page had gone out after 45 s)");
        incident.opened.drill = true;
        incident.opened.title = format!("é\n{}", "x".repeat(200));
        let subject = subject(&incident, Notice::Unpaged);
        assert!(subject.starts_with("DRILL [SEV2] ??xx"), "{subject}");
        assert_eq!(subject.len(), SUBJECT);
    }
}
