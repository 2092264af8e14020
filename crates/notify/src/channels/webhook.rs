//! A generic webhook: JSON that both sides can sign, as `docs/webhook.md` says.

mod address;

use anyhow::anyhow;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use incident::Digest;
use jiff::Timestamp;
use response_plan::{Arguments, ChannelKind, Field, Wrong, secret_name};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::channels::http::{Http, Post};
use crate::channels::slack::SECRETS;
use crate::channels::{About, Client, Failure, InStorm, Kind, Of, argument};
use crate::input::What;
use crate::message::Message;
use crate::secret::{Secrets, Token};

pub(super) static KIND: Kind = Kind {
    plan: ChannelKind {
        name: "webhook",
        about: "An address that takes signed JSON.",
        fields: &[
            Field {
                name: "url",
                about: "say where to post",
                example: "https://hooks.example.org/pages",
                required: true,
                check: address::check,
            },
            Field {
                name: "secret",
                about: "name the secret in Secrets Manager that both sides sign with",
                example: SECRET,
                required: true,
                check: secret,
            },
        ],
        wakes: false,
    },
    allows: SECRETS,
    takes: |_| true,
    alerts: None,
    make: |means| Ok(Box::new(Webhook::new(means.secrets.clone(), means.http.clone()))),
};

const SECRET: &str = "tourniquet/webhook";

fn secret(text: &str) -> Result<(), Wrong> {
    secret_name(text, "secret", SECRET)
}

/// The version of the body.
const V: u32 = 1;

#[derive(Debug)]
pub(crate) struct Webhook {
    secrets: Secrets,
    http: Http,
}

impl Webhook {
    pub(crate) fn new(secrets: Secrets, http: Http) -> Self {
        Self { secrets, http }
    }

    /// Posts to an address, and gives the status that accepted it. Any 2xx does; a redirect is not followed.
    pub(crate) async fn post(
        &self,
        url: &str,
        secret: &str,
        of: impl Into<Of<'_>>,
        message: &Message,
    ) -> Result<String, Failure> {
        let key = self.secrets.token(secret, "signing secret").await.map_err(Failure::Refused)?;
        let now = step::now();
        let body = match of.into() {
            Of::Incident(about) => body(about, message, now),
            Of::Digest(digest) => digest_body(digest, message, now),
            Of::Storm(of) => storm_body(of, message, now),
        };
        let body = body.to_string();
        let timestamp = now.as_second().to_string();
        let signature = signature(&key, &timestamp, &body).map_err(Failure::Refused)?;
        let headers = vec![("x-tourniquet-timestamp", timestamp), ("x-tourniquet-signature", signature)];
        // The rest of an address may be a secret of its own.
        let to = format!("the webhook at {}", host(url));
        let answer = self.http.post(Post { to: &to, url, headers, body }).await?;
        match answer.status {
            status @ 200..=299 => Ok(format!("HTTP {status}")),
            300..=399 => {
                let remedy = "write the address that it leads to in teams.yaml";
                Err(answer.no(anyhow!("{to} answered with a redirect, which is not followed; {remedy}")))
            }
            401 | 403 => {
                self.secrets.forget(secret);
                Err(answer.no(anyhow!("{to} refused the signature; give both sides what is in the secret `{secret}`")))
            }
            429 => {
                let wait = answer.wait();
                Err(answer.no(anyhow!("{to} asked to wait {wait}")))
            }
            status => Err(answer.failed(anyhow!(
                "{to} answered with HTTP status {status}; mend it there, or its address in teams.yaml"
            ))),
        }
    }
}

impl Client for Webhook {
    fn send<'a>(
        &'a self,
        with: &'a Arguments,
        of: Of<'a>,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move { self.post(argument(with, "url")?, argument(with, "secret")?, of, message).await })
    }
}

fn body(about: About<'_>, message: &Message, now: Timestamp) -> Value {
    let (incident, plan) = (about.incident, about.incident.plan());
    let (kind, engagement, step, announce, n) = match about.what {
        What::Page { engagement, step } => ("page", engagement, step, None, None),
        What::Announce { announce, n } => {
            ("announcement", incident.engagement, 0, Some(announce.as_str()), (n > 0).then_some(n))
        }
    };
    json!({
        "v": V,
        "kind": kind,
        "incident_id": incident.id(),
        "opening": incident.opening,
        "engagement": engagement,
        "step": step,
        "announce": announce,
        "n": n,
        "severity": incident.severity.as_str(),
        "title": message.title,
        "service": plan.service,
        "environment": plan.environment,
        "owner": plan.owner,
        "text": message.text(),
        "link": incident.opened.signal.link,
        "drill": incident.opened.drill,
        "sent_at": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

/// The body of what an owner is told once: it is of no incident.
fn digest_body(digest: &Digest, message: &Message, now: Timestamp) -> Value {
    json!({
        "v": V,
        "kind": "digest",
        "digest": digest.id,
        "title": message.title,
        "owner": digest.team.name,
        "text": message.text(),
        "drill": digest.drill,
        "sent_at": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

/// The body of what an owner has in a storm.
fn storm_body(of: InStorm<'_>, message: &Message, now: Timestamp) -> Value {
    json!({
        "v": V,
        "kind": "storm",
        "storm": of.storm,
        "incident_id": of.incident.id(),
        "opening": of.incident.opening,
        "severity": of.incident.severity.as_str(),
        "title": message.title,
        "owner": of.owner,
        "text": message.text(),
        "drill": false,
        "sent_at": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

/// HMAC-SHA256 over `<timestamp>.<body>`, after the version of the scheme.
fn signature(key: &Token, timestamp: &str, body: &str) -> anyhow::Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())?;
    mac.update(format!("{timestamp}.{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("v1={hex}"))
}

/// The host of an address, with its port.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
