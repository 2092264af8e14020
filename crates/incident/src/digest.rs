//! Digests: what an owner is told once, a quarter of an hour at a time.
//!
//! Which digest a signal goes into follows from its owner and from when triage received it, so that nothing has to be read
//! to know it. Drills have digests of their own: every text about one begins with DRILL.

use jiff::{SignedDuration, Timestamp};
use response_plan::{ResolvedPlan, Severity, Team};
use serde::{Deserialize, Serialize};
use signal::{Signal, State, sha256_hex};

/// How long a digest gathers: nobody waits longer for one, but for the minute in which `sweep` looks.
pub const DIGEST_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// The longest owner's name in an id. With the number of the telling it makes the name of an execution, which Step Functions
/// limits to 80 characters.
const OWNER: usize = 40;

/// Which digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestKey {
    /// The team that is told.
    pub owner: String,
    /// Until when it gathers; from then on it is due.
    pub until: Timestamp,
    /// Whether it is of drills.
    pub drill: bool,
}

impl DigestKey {
    /// The digest that a signal goes into which is received now.
    pub fn new(owner: &str, received: Timestamp, drill: bool) -> Self {
        let every = DIGEST_EVERY.as_secs();
        let until = (received.as_second().div_euclid(every) + 1) * every;
        let until = Timestamp::from_second(until).unwrap_or(Timestamp::MAX);
        Self { owner: owner.to_owned(), until, drill }
    }

    /// `digest-<owner>-<YYYYMMDD>T<hhmm>Z`, with `-drill` behind it for drills. The end of a long name is its hash.
    pub fn id(&self) -> String {
        let owner = named(&self.owner);
        let drill = if self.drill { "-drill" } else { "" };
        format!("digest-{owner}-{}{drill}", self.until.strftime("%Y%m%dT%H%MZ"))
    }
}

/// An owner's name in an id.
pub(crate) fn named(owner: &str) -> String {
    match owner.get(..OWNER) {
        Some(head) if owner.len() > OWNER => format!("{}-{}", &head[..OWNER - 9], &sha256_hex(&[owner])[..8]),
        _ => owner.to_owned(),
    }
}

/// Whether a text has the form of a digest's id, which no incident's has.
pub fn is_digest_id(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("digest-") else { return false };
    let rest = rest.strip_suffix("-drill").unwrap_or(rest);
    let Some((owner, until)) = rest.rsplit_once('-') else { return false };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_time = |(day, time): (&str, &str)| day.len() == 8 && time.len() == 4 && digits(day) && digits(time);
    let time = until.strip_suffix('Z').and_then(|until| until.split_once('T'));
    let named = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !owner.is_empty() && owner.len() <= OWNER && owner.chars().all(named) && time.is_some_and(is_time)
}

/// A digest as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// See [`DigestKey::id`].
    pub id: String,
    /// The owner with their escalation policy, as the plan of the last entry had it.
    pub team: Team,
    /// Whether it is of drills.
    pub drill: bool,
    /// Until when it gathers.
    pub until: Timestamp,
    /// How many entries it has.
    pub entries: u64,
    /// How often it was told: more than once where an entry came after the first time.
    pub told: u32,
}

impl Digest {
    /// The name of the execution that tells it for the `n`th time; where that did not come to an end it has another in each
    /// hour after it was due.
    pub fn execution_name(id: &str, n: u32, hours: i64) -> String {
        if hours > 0 { format!("{id}-{n}-{hours}") } else { format!("{id}-{n}") }
    }

    /// Its input, byte-stable, so that starting twice is starting once.
    pub fn execution_input(id: &str, n: u32) -> String {
        format!(r#"{{"v":{},"digest":"{id}","n":{n}}}"#, crate::V)
    }
}

/// One signal of a digest: all that the message says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestEntry {
    /// The signal, by which a person makes an incident of it.
    pub signal_id: String,
    /// The failing thing: what fires again is told in one line.
    pub fingerprint: String,
    /// What it is, in one line.
    pub title: String,
    /// Firing, or only information.
    pub state: State,
    /// The source's own transition time.
    pub time: Timestamp,
    /// Where to look at it.
    pub link: Option<String>,
    /// How bad it is, as its plan says.
    pub severity: Severity,
    /// The service that its plan names.
    pub service: String,
    /// The environment.
    pub environment: String,
    /// The plan.
    pub plan: String,
}

impl DigestEntry {
    /// The entry of a signal under its plan.
    pub fn new(signal: &Signal, plan: &ResolvedPlan) -> Self {
        let of = &plan.plan;
        Self {
            signal_id: signal.signal_id.clone(),
            fingerprint: signal.fingerprint.clone(),
            title: signal.title.clone(),
            state: signal.state,
            time: signal.time,
            link: signal.link.clone(),
            severity: of.severity,
            service: of.service.clone(),
            environment: of.environment.clone(),
            plan: of.plan.clone(),
        }
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    pub(crate) fn signal(fingerprint: &str, id: &str) -> Signal {
        Signal {
            source: "aws.cloudwatch".into(),
            detail_type: None,
            kind: signal::Kind::Alarm,
            state: State::Firing,
            account: None,
            region: None,
            time: Timestamp::UNIX_EPOCH,
            onset: None,
            resources: vec![],
            title: "t".into(),
            reason: None,
            link: None,
            fingerprint: fingerprint.into(),
            signal_id: id.into(),
            drill: false,
            tags: Default::default(),
            event: serde_json::Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(owner: &str, at: &str, drill: bool) -> String {
        DigestKey::new(owner, at.parse().unwrap(), drill).id()
    }

    #[test]
    fn an_owner_has_one_for_each_quarter_of_an_hour() {
        let first = "digest-payments-20261123T1415Z";
        for (at, expect) in [
            ("2026-11-23T14:00:00Z", first),
            ("2026-11-23T14:14:59.999Z", first),
            ("2026-11-23T14:15:00Z", "digest-payments-20261123T1430Z"),
            ("2026-11-23T23:59:00Z", "digest-payments-20261124T0000Z"),
        ] {
            assert_eq!(id("payments", at, false), expect, "{at}");
        }
        assert_eq!(id("payments", "2026-11-23T14:00:00Z", true), format!("{first}-drill"));
    }

    #[test]
    fn ids_have_one_form_and_name_executions() {
        let long = "x".repeat(64);
        let other = format!("{}y", &long[..63]);
        let at = "2026-11-23T14:00:00Z";
        for owner in ["a", "a-b.c_d", &long, &other] {
            let id = id(owner, at, true);
            assert!(is_digest_id(&id), "{id}");
            assert!(!crate::is_incident_id(&id));
            assert!(Digest::execution_name(&id, 999, 720).len() <= 80, "{id}");
        }
        assert_ne!(id(&long, at, false), id(&other, at, false));
        for none in [
            "",
            "digest-",
            "digest-a",
            "digest--20261123T1415Z",
            "digest-a-20261123T1415",
            "digest-a-20261123T145Z",
            "digest-a#b-20261123T1415Z",
            "inc-20261123-0123456789",
        ] {
            assert!(!is_digest_id(none), "{none}");
        }
    }
}
