//! The message of the queue, read: who asks for what, with arguments that make sense.

mod mute;

use incident::{Scope, V, Verb, is_incident_id};
use jiff::Timestamp;
use response_plan::Severity;
use serde_json::Value;
use step::VERSION;

/// Who asks, and about what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Unique: what was asked once is done once.
    pub(crate) request_id: String,
    /// What is asked; none where it is nothing that this version knows.
    pub(crate) verb: Option<Verb>,
    /// The incident, for the verbs that are about one.
    pub(crate) incident_id: Option<String>,
    /// Who asks, as recorded: no proof is checked, so it is a claim.
    pub(crate) by: String,
}

/// What is asked, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Acknowledge { incident_id: String },
    Approve { incident_id: String, n: u32, plan_sha256: String },
    Reject { incident_id: String, n: u32, reason: String },
    Undo { incident_id: String, n: u32, reason: Option<String> },
    Resolve { incident_id: String, reason: Option<String> },
    Declare { signal_id: String, reason: String, severity: Option<Severity> },
    BrakeOn { reason: String, minutes: i64 },
    BrakeOff,
    Mute { scope: Scope, reason: String, minutes: i64 },
    Unmute { id: String },
    Change { resource: String, version: String, good: bool, at: Option<Timestamp> },
}

/// What to do about a command of another version.
const REMEDY: &str = "use the `tourniquet` of the version that is deployed";
/// The longest text of an argument, in characters.
const TEXT: usize = 500;
/// The longest name that is said back, in characters.
const NAME: usize = 40;
/// How long the brake holds where nobody says, and at most, in minutes.
const BRAKE: i64 = 60;
const BRAKE_MOST: i64 = 24 * 60;

/// Reads a message. What is asked may be wrong, or nothing that this version knows, where the request is clear enough to
/// be answered.
///
/// # Errors
/// A sentence for the log, where the message does not say which request it is: there is nobody to answer to.
pub(crate) fn read(body: &str) -> Result<(Request, Result<Asked, String>), String> {
    let message: Value = serde_json::from_str(body).map_err(|e| format!("it is no JSON: {e}"))?;
    let request_id = message["request_id"].as_str().filter(|id| is_request_id(id));
    let request_id = request_id.ok_or("it has no `request_id` of at most 128 letters, digits, `-` or `_`")?.to_owned();
    let verb = message["verb"].as_str().and_then(|verb| serde_json::from_value(verb.into()).ok());
    let incident_id = message["incident_id"].as_str().filter(|id| is_incident_id(id)).map(str::to_owned);
    let claimed_by = message["claimed_by"].as_str().map(|name| line(name, 100)).filter(|name| !name.is_empty());
    let by = format!("{} (claimed)", claimed_by.as_deref().unwrap_or("nobody"));
    let request = Request { request_id, verb, incident_id, by };
    let asked = if message["v"].as_u64() != Some(u64::from(V)) {
        Err(format!("the command is not of version {V}; {REMEDY}"))
    } else if claimed_by.is_none() {
        Err("the command does not say who asks; say it with --as NAME".to_owned())
    } else if let Some(verb) = verb {
        only_known(verb, &message["args"]).and_then(|()| asked(verb, &request, &message["args"]))
    } else {
        Err(unknown(&message["verb"]))
    };
    Ok((request, asked))
}

/// Says what it was that nothing here does.
fn unknown(verb: &Value) -> String {
    match verb.as_str().map(|verb| line(verb, NAME)).filter(|verb| !verb.is_empty()) {
        Some(verb) => format!("`{verb}` is nothing that can be asked of version {VERSION}; {REMEDY}"),
        None => format!("the command does not say what is asked; {REMEDY}"),
    }
}

/// Whoever says more than is understood means something else than would be done.
fn only_known(verb: Verb, args: &Value) -> Result<(), String> {
    let known: &[&str] = match verb {
        Verb::Acknowledge => &[],
        Verb::Approve => &["n", "plan_sha256"],
        Verb::Reject | Verb::Undo => &["n", "reason"],
        Verb::Resolve => &["reason"],
        Verb::Declare => &["signal_id", "reason", "severity"],
        Verb::Brake => &["on", "reason", "minutes"],
        Verb::Mute => &["plan", "service", "environment", "fingerprint", "reason", "minutes"],
        Verb::Unmute => &["id"],
        Verb::ChangeRecord => &["resource", "version", "good", "at"],
    };
    let given = match args {
        Value::Null => return Ok(()),
        Value::Object(given) => given,
        _ => return Err(format!("the arguments of the command are no object; {REMEDY}")),
    };
    match given.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let name = line(name, NAME);
            Err(format!("the command has an argument `{name}` that version {VERSION} does not know; {REMEDY}"))
        }
    }
}

fn asked(verb: Verb, request: &Request, args: &Value) -> Result<Asked, String> {
    let incident_id = || {
        let id = request.incident_id.clone();
        id.ok_or_else(|| "the command names no incident; an id looks like inc-20261123-0123456789".to_owned())
    };
    match verb {
        Verb::Acknowledge => Ok(Asked::Acknowledge { incident_id: incident_id()? }),
        Verb::Approve => Ok(Asked::Approve { incident_id: incident_id()?, n: number(args)?, plan_sha256: hash(args)? }),
        Verb::Reject => {
            let reason = needed(args, "reason", "say why the mitigation is rejected")?;
            Ok(Asked::Reject { incident_id: incident_id()?, n: number(args)?, reason })
        }
        Verb::Undo => Ok(Asked::Undo { incident_id: incident_id()?, n: number(args)?, reason: text(args, "reason")? }),
        Verb::Resolve => Ok(Asked::Resolve { incident_id: incident_id()?, reason: text(args, "reason")? }),
        Verb::Declare => declare(args),
        Verb::Brake => brake(args),
        Verb::Mute => mute::mute(args),
        Verb::Unmute => mute::unmute(args),
        Verb::ChangeRecord => change(args),
    }
}

fn declare(args: &Value) -> Result<Asked, String> {
    let signal_id = args["signal_id"].as_str().map(str::to_ascii_lowercase).filter(|id| is_signal_id(id));
    let signal_id = signal_id.ok_or("`signal_id` must be the 32 hex digits of a signal, as the digest names it")?;
    let severity = match &args["severity"] {
        Value::Null => None,
        word => {
            let read = serde_json::from_value(word.clone()).ok();
            Some(read.ok_or("`severity` must be SEV1, SEV2, SEV3, SEV4 or SEV5")?)
        }
    };
    let reason = needed(args, "reason", "say why it is an incident")?;
    Ok(Asked::Declare { signal_id, reason, severity })
}

/// See `signal::signal_id`.
fn is_signal_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())
}

fn brake(args: &Value) -> Result<Asked, String> {
    match args["on"].as_bool() {
        None => Err("`on` must be true or false".to_owned()),
        Some(false) => Ok(Asked::BrakeOff),
        Some(true) => {
            let reason = needed(args, "reason", "say why the brake is pulled")?;
            let minutes = if args["minutes"].is_null() { Some(BRAKE) } else { args["minutes"].as_i64() };
            let minutes = minutes.filter(|m| (1..=BRAKE_MOST).contains(m));
            let minutes = minutes.ok_or_else(|| format!("`minutes` must be from 1 to {BRAKE_MOST}"))?;
            Ok(Asked::BrakeOn { reason, minutes })
        }
    }
}

fn change(args: &Value) -> Result<Asked, String> {
    let resource = exact(args, "resource", "name what was changed")?;
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    if parts.len() < 6 || parts[0] != "arn" || parts[5].is_empty() || resource.contains(char::is_whitespace) {
        return Err(format!(
            "`{resource}` is no full ARN, such as arn:aws:lambda:eu-west-1:111122223333:function:f:live"
        ));
    }
    let version = exact(args, "version", "name the version it was changed to")?;
    let good = match &args["good"] {
        Value::Null => false,
        good => good.as_bool().ok_or("`good` must be true or false")?,
    };
    let at = match &args["at"] {
        Value::Null => None,
        at => {
            Some(at.as_str().and_then(|at| at.parse().ok()).ok_or("`at` must be a time such as 2026-11-23T14:05:00Z")?)
        }
    };
    Ok(Asked::Change { resource, version, good, at })
}

/// Which mitigation of the opening; the first where nobody says.
fn number(args: &Value) -> Result<u32, String> {
    if args["n"].is_null() {
        return Ok(1);
    }
    let n = args["n"].as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    n.ok_or_else(|| "`n` must be the number of a mitigation, from 1".to_owned())
}

fn hash(args: &Value) -> Result<String, String> {
    let hash = args["plan_sha256"].as_str().map(str::to_ascii_lowercase);
    let is_hash = |h: &String| (8..=64).contains(&h.len()) && h.bytes().all(|b| b.is_ascii_hexdigit());
    hash.filter(is_hash).ok_or_else(|| {
        "an approval names what it approves: `plan_sha256`, at least its first 8 hex digits, as `tourniquet show` prints it"
            .to_owned()
    })
}

/// A name, which means something else once it is cut.
fn exact(args: &Value, name: &str, remedy: &str) -> Result<String, String> {
    let long = args[name].as_str().is_some_and(|text| text.chars().count() > TEXT);
    if long { Err(format!("`{name}` is longer than {TEXT} characters")) } else { needed(args, name, remedy) }
}

fn needed(args: &Value, name: &str, remedy: &str) -> Result<String, String> {
    text(args, name)?.ok_or_else(|| format!("`{name}` is missing: {remedy}"))
}

fn text(args: &Value, name: &str) -> Result<Option<String>, String> {
    match &args[name] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(line(text, TEXT)).filter(|text| !text.is_empty())),
        _ => Err(format!("`{name}` must be a text")),
    }
}

/// One line of at most `max` characters.
fn line(text: &str, max: usize) -> String {
    let one: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(max).collect();
    one.trim().to_owned()
}

fn is_request_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests;
