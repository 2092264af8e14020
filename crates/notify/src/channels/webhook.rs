//! A generic webhook: JSON that both sides can sign, as `docs/webhook.md` says.

use anyhow::anyhow;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::channels::http::{Http, Post};
use crate::channels::{About, Failure};
use crate::input::What;
use crate::message::Message;
use crate::secret::{Secrets, Token};

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
        about: About<'_>,
        message: &Message,
    ) -> Result<String, Failure> {
        let key = self.secrets.token(secret, "signing secret").await.map_err(Failure::Refused)?;
        let now = step::now();
        let body = body(about, message, now).to_string();
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
