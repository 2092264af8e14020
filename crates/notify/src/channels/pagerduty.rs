//! PagerDuty: Events API v2. It takes what wakes people, and its end, and is no chat: an announcement that asks for an
//! approval, or says that a mitigation helped, is none of its business, and it gets nothing of them.

use anyhow::anyhow;
use futures_util::future::{BoxFuture, join_all};
use incident::Incident;
use response_plan::{Arguments, ChannelKind, Field, Severity, Wrong, secret_name};
use serde_json::{Map, Value, json};
use step::Env;

use crate::channels::http::{Http, Post};
use crate::channels::slack::SECRETS;
use crate::channels::{About, Client, Failure, InStorm, Kind, Of, argument, needs_somebody};
use crate::input::{Announcement, What};
use crate::message::Message;
use crate::secret::{Secrets, Token};
use crate::text::cut;

/// The longest summary that PagerDuty takes, in characters.
const SUMMARY: usize = 1_024;

pub(super) static KIND: Kind = Kind {
    plan: ChannelKind {
        name: "pagerduty",
        about: "A PagerDuty service, by an integration of its Events API v2.",
        fields: &[Field {
            name: "routing_key",
            about: "name the secret in Secrets Manager that holds the integration's routing key",
            example: ROUTING_KEY,
            required: true,
            check: routing_key,
        }],
        wakes: true,
    },
    allows: SECRETS,
    takes,
    alerts: Some("routing_key"),
    make: |means| Ok(Box::new(PagerDuty::new(means.secrets.clone(), means.http.clone(), &means.env))),
};

const ROUTING_KEY: &str = "tourniquet/pagerduty";

fn routing_key(text: &str) -> Result<(), Wrong> {
    secret_name(text, "routing key", ROUTING_KEY)
}

#[derive(Debug)]
pub(crate) struct PagerDuty {
    secrets: Secrets,
    http: Http,
    /// Where events are posted to.
    url: String,
}

impl PagerDuty {
    pub(crate) fn new(secrets: Secrets, http: Http, env: &Env) -> Self {
        let base = env.find("PAGERDUTY_EVENTS_URL").unwrap_or_else(|| "https://events.pagerduty.com".to_owned());
        Self { secrets, http, url: format!("{}/v2/enqueue", base.trim_end_matches('/')) }
    }

    /// Opens an alert, or adds to the one of the same engagement or mitigation; at the end resolves those of the whole
    /// opening. Gives the (last) alert's `dedup_key`.
    pub(crate) async fn send(&self, secret: &str, about: About<'_>, message: &Message) -> Result<String, Failure> {
        let key = self.secrets.token(secret, "routing key").await.map_err(Failure::Refused)?;
        let incident = about.incident;
        match about.what {
            What::Page { engagement, .. } => {
                self.open(secret, &key, incident, dedup_key(incident, engagement), message).await
            }
            What::Announce { announce: Announcement::Resolved, .. } => {
                // An alert that is not open, or was never opened, is accepted and dropped.
                let engagements = (1..=incident.engagement).map(|engagement| dedup_key(incident, engagement));
                let mitigations = about.mitigations.iter().filter(|record| needs_somebody(record));
                let alerts = mitigations.map(|record| mitigation_key(incident, record.n)).chain(engagements);
                let events: Vec<_> = alerts.map(|alert| resolve(&key, &alert)).collect();
                for came in join_all(events.iter().map(|event| self.enqueue(secret, event))).await {
                    came?;
                }
                Ok(dedup_key(incident, incident.engagement))
            }
            What::Announce { n, .. } if about.wakes() => {
                self.open(secret, &key, incident, mitigation_key(incident, n), message).await
            }
            What::Announce { .. } => {
                Err(Failure::Refused(anyhow!("PagerDuty takes what wakes people, and its end, alone")))
            }
        }
    }

    async fn open(
        &self,
        secret: &str,
        key: &Token,
        incident: &Incident,
        alert: String,
        message: &Message,
    ) -> Result<String, Failure> {
        self.enqueue(secret, &trigger(key, incident, &alert, message)).await?;
        Ok(alert)
    }

    async fn enqueue(&self, secret: &str, event: &Value) -> Result<(), Failure> {
        let post = Post { to: "PagerDuty", url: &self.url, headers: Vec::new(), body: event.to_string() };
        let answer = self.http.post(post).await?;
        match answer.status {
            202 => Ok(()),
            400 => {
                self.secrets.forget(secret);
                Err(answer.no(anyhow!(
                    "PagerDuty refused the event; store the routing key of an Events API v2 integration in the secret \
                     `{secret}`"
                )))
            }
            429 => {
                let wait = answer.wait();
                Err(answer.no(anyhow!("PagerDuty asked to wait {wait}; it takes about 120 events a minute and key")))
            }
            status => Err(answer
                .failed(anyhow!("PagerDuty answered with HTTP status {status}; see https://status.pagerduty.com"))),
        }
    }
}

impl Client for PagerDuty {
    fn send<'a>(
        &'a self,
        with: &'a Arguments,
        of: Of<'a>,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            match of {
                Of::Incident(about) => self.send(argument(with, "routing_key")?, about, message).await,
                Of::Storm(InStorm { incident, storm, owner }) => {
                    let secret = argument(with, "routing_key")?;
                    let key = self.secrets.token(secret, "routing key").await.map_err(Failure::Refused)?;
                    self.open(secret, &key, incident, format!("{storm}-{owner}"), message).await
                }
                Of::Digest(_) => {
                    Err(Failure::Refused(anyhow!("PagerDuty takes what wakes people, and its end, alone")))
                }
            }
        })
    }
}

/// Whether PagerDuty is told at all.
fn takes(about: About<'_>) -> bool {
    about.wakes() || matches!(about.what, What::Announce { announce: Announcement::Resolved, .. })
}

/// One alert for one engagement: repeats and later steps add to it, and wake nobody anew.
fn dedup_key(incident: &Incident, engagement: u32) -> String {
    format!("{}-{}-{engagement}", incident.id(), incident.opening)
}

/// One alert for one mitigation, so that it wakes also who has acknowledged the engagement's.
fn mitigation_key(incident: &Incident, n: u32) -> String {
    format!("{}-{}-mitigation-{n}", incident.id(), incident.opening)
}

fn trigger(key: &Token, incident: &Incident, alert: &str, message: &Message) -> Value {
    let plan = incident.plan();
    let lines = message.facts.iter().chain(&message.actions);
    let mut details: Map<_, _> = lines.map(|(label, text)| ((*label).to_owned(), json!(text))).collect();
    details.insert("From".to_owned(), json!(message.footer));
    json!({
        "routing_key": key.expose(),
        "event_action": "trigger",
        "dedup_key": alert,
        "payload": {
            "summary": cut(&message.title, SUMMARY),
            "source": cut(&incident.opened.signal.fingerprint, SUMMARY),
            "severity": severity(incident.severity),
            "component": plan.service,
            "group": plan.environment,
            "custom_details": details,
        },
        "links": links(incident),
    })
}

fn resolve(key: &Token, alert: &str) -> Value {
    json!({"routing_key": key.expose(), "event_action": "resolve", "dedup_key": alert})
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Sev1 => "critical",
        Severity::Sev2 => "error",
        Severity::Sev3 => "warning",
        Severity::Sev4 | Severity::Sev5 => "info",
    }
}

/// What is an address; a runbook may be a path in a repository, which stands among the details.
fn links(incident: &Incident) -> Vec<Value> {
    let all = [("Runbook", &incident.plan().runbook), ("Console", &incident.opened.signal.link)];
    let all = all.into_iter().filter_map(|(text, link)| Some((text, link.as_deref()?)));
    let all = all.filter(|(_, href)| href.starts_with("https://") && href.bytes().all(|b| b.is_ascii_graphic()));
    all.map(|(text, href)| json!({"href": href, "text": text})).collect()
}

#[cfg(test)]
mod tests;
