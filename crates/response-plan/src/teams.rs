//! `teams.yaml`: who is told, in which order, and how.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_saphyr::{Location, Spanned};

use crate::convert::{is_name, name, some_text};
use crate::error::{Report, looks_like_token, nearest};
use crate::plan::{Channel, Contact, EscalationStep, Team};
use crate::wire::*;

/// An escalation ends after so many steps: the state machine counts no further.
const MOST_STEPS: usize = 10;

/// Longer addresses are nobody's.
const LONGEST_URL: usize = 2_048;

/// `None` when something in it was reported.
pub(crate) fn teams(report: &mut Report<'_>, wire: &TeamsWire) -> Option<BTreeMap<String, Team>> {
    let before = report.errors.len();
    let contacts: BTreeMap<&str, Contact> =
        wire.contacts.iter().map(|(name, wire)| (name.as_str(), contact(report, name, wire))).collect();
    let mut teams = BTreeMap::new();
    for (name, wire) in &wire.teams {
        check_key(report, name, wire.referenced);
        teams.insert(name.clone(), Team { name: name.clone(), escalation: escalation(report, wire, &contacts) });
    }
    (report.errors.len() == before).then_some(teams)
}

fn contact(report: &mut Report<'_>, name: &str, written: &Spanned<ContactWire>) -> Contact {
    check_key(report, name, written.referenced);
    let wire = &written.value;
    let mut channels = Vec::new();
    if let Some(sns) = &wire.sns {
        channels.push(Channel::Sns { topic: topic(report, &sns.topic) });
    }
    if let Some(slack) = &wire.slack {
        let channel = some_text(report, &slack.channel, "channel id");
        channels
            .push(Channel::Slack { channel, token: secret_name(report, &slack.token, "token", "tourniquet/slack") });
    }
    if let Some(PagerDutyWire { routing_key }) = &wire.pagerduty {
        let routing_key = secret_name(report, routing_key, "routing key", "tourniquet/pagerduty");
        channels.push(Channel::PagerDuty { routing_key });
    }
    if let Some(WebhookWire { url, secret }) = &wire.webhook {
        let url = webhook_url(report, url);
        channels.push(Channel::Webhook { url, secret: secret_name(report, secret, "secret", "tourniquet/webhook") });
    }
    if channels.is_empty() {
        let remedy = "add `sns: { topic: … }`, or one of `slack`, `pagerduty` and `webhook`";
        report.add(written.referenced, format!("nothing says how `{name}` can be reached"), remedy);
    }
    let time_zone = wire.time_zone.as_ref().map(|zone| time_zone(report, zone));
    Contact { name: name.to_owned(), time_zone, channels }
}

fn escalation(
    report: &mut Report<'_>,
    written: &Spanned<TeamWire>,
    contacts: &BTreeMap<&str, Contact>,
) -> Vec<EscalationStep> {
    let steps = &written.value.escalation;
    if steps.value.is_empty() || steps.value.len() > MOST_STEPS {
        let remedy = format!("list 1 to {MOST_STEPS} steps: `escalation: [{{ contact: payments-on-call, wait: 5m }}]`");
        report.add(steps.referenced, format!("an escalation of {} steps", steps.value.len()), remedy);
    }
    let mut read = Vec::new();
    for StepWire { contact, wait } in &steps.value {
        if let Some(found) = contacts.get(contact.value.as_str()) {
            read.push(EscalationStep { contact: found.clone(), wait: *wait });
            continue;
        }
        let near = nearest(&contact.value, contacts.keys().copied());
        let remedy = near.map_or("add it under `contacts`".to_owned(), |near| format!("did you mean `{near}`?"));
        report.add(contact.referenced, format!("there is no contact `{}`", contact.value), remedy);
    }
    read
}

fn check_key(report: &mut Report<'_>, key: &str, at: Location) {
    if !is_name(key) {
        name(report, &Spanned::new(key.to_owned(), at, at));
    }
}

fn topic(report: &mut Report<'_>, written: &Word) -> String {
    let text = &written.value;
    let name = match text.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", _, "sns", _, _, name] => name,
        _ => text,
    };
    if name.is_empty() || name.len() > 256 || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        report.add(written.referenced, "this is no SNS topic", "write the topic's name or its ARN");
    }
    text.clone()
}

/// The name of a secret; `what` should be in the secret, and `example` is such a name.
fn secret_name(report: &mut Report<'_>, written: &Word, what: &str, example: &str) -> String {
    let text = &written.value;
    let remedy = format!("write the name of a secret: `{example}`");
    if looks_like_token(text) {
        report.add(
            written.referenced,
            format!("a {what} stands in the file, where everybody can read it"),
            format!("revoke it, put its successor into Secrets Manager, and {remedy}"),
        );
    } else if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-:".contains(c)) {
        report.add(written.referenced, "this is no name of a secret", remedy);
    }
    text.clone()
}

fn webhook_url(report: &mut Report<'_>, written: &Word) -> String {
    if let Err((message, remedy)) = check_url(&written.value) {
        report.add(written.referenced, message, remedy);
    }
    written.value.clone()
}

/// An address that pages may be posted to; what is wrong with it, and the remedy.
fn check_url(url: &str) -> Result<(), (&'static str, &'static str)> {
    let whole = "write all of it: `https://hooks.example.org/pages`";
    let (plain, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return Err(("the address does not begin with https://", whole)),
    };
    let is_part = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(c);
    if url.len() > LONGEST_URL || !rest.chars().all(is_part) {
        return Err(("this is no address of a webhook", whole));
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(("a user name or password stands in the address", "remove it: what is posted is signed"));
    }
    let Some(host) = host(authority) else { return Err(("the address names no host", whole)) };
    if plain && !is_loopback(host) {
        return Err(("anybody on the way can read what goes over http", "write https://"));
    }
    Ok(())
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']').filter(|(host, _)| host.parse::<Ipv6Addr>().is_ok())?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (port_fits && !host.is_empty() && host.chars().all(is_name)).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

fn time_zone(report: &mut Report<'_>, written: &Word) -> String {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c)) && part.len() <= 32
    };
    if !written.value.split('/').all(part) {
        report.add(written.referenced, "this is no time zone", "write its IANA name: `time_zone: Europe/Berlin`");
    }
    written.value.clone()
}
