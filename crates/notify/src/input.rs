//! What the state machines send.

use serde::Deserialize;
use serde_json::Value;

/// What the state machine sends: `digest` or `storm` is there where it is about one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "Value")]
pub enum Input {
    /// About an incident.
    Incident(OfIncident),
    /// What an owner is told once.
    Digest(OfDigest),
    /// What an owner has in a storm.
    Storm(OfStorm),
}

impl TryFrom<Value> for Input {
    type Error = String;

    fn try_from(wire: Value) -> Result<Self, String> {
        let read = if wire.get("digest").is_some() {
            serde_json::from_value(wire).map(Self::Digest)
        } else if wire.get("storm").is_some() {
            serde_json::from_value(wire).map(Self::Storm)
        } else {
            serde_json::from_value(wire).map(Self::Incident)
        };
        read.map_err(|error| error.to_string())
    }
}

/// What an owner is told once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "DigestWire")]
pub struct OfDigest {
    /// The digest.
    pub digest: String,
    /// For which time, from 1.
    pub n: u32,
    /// Tell the fallback topic instead: the owner could not be told.
    pub fallback: bool,
}

#[derive(Debug, Deserialize)]
struct DigestWire {
    v: u32,
    digest: String,
    n: u32,
    #[serde(default)]
    fallback: bool,
}

impl TryFrom<DigestWire> for OfDigest {
    type Error = String;

    fn try_from(wire: DigestWire) -> Result<Self, String> {
        version(wire.v)?;
        let DigestWire { digest, n, fallback, .. } = wire;
        if !incident::is_digest_id(&digest) {
            return Err(format!("`{digest}` is no digest; one looks like digest-payments-20261123T1415Z"));
        }
        if n == 0 { Err("`n` counts from 1".to_owned()) } else { Ok(Self { digest, n, fallback }) }
    }
}

/// What an owner has in a storm.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "StormWire")]
pub struct OfStorm {
    /// The incident that stands for the storm.
    pub incident_id: String,
    /// The storm.
    pub storm: String,
    /// Whom to page.
    pub owner: String,
}

#[derive(Debug, Deserialize)]
struct StormWire {
    v: u32,
    incident_id: String,
    storm: String,
    owner: String,
}

impl TryFrom<StormWire> for OfStorm {
    type Error = String;

    fn try_from(wire: StormWire) -> Result<Self, String> {
        version(wire.v)?;
        let StormWire { incident_id, storm, owner, .. } = wire;
        Ok(Self { incident_id, storm, owner })
    }
}

fn version(v: u32) -> Result<(), String> {
    if v == incident::V { Ok(()) } else { Err(format!("`v` is {v}, and this version reads {}", incident::V)) }
}

/// About an incident.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "Wire")]
pub struct OfIncident {
    /// The incident.
    pub incident_id: String,
    /// The opening that the execution serves.
    pub opening: u32,
    /// What to tell.
    pub what: What,
    /// The number of the reminder, from 1, where it is one; else 0.
    pub reminder: u32,
}

/// What to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// Wake the contact of one escalation step.
    Page {
        /// Which engagement of this opening, from 1.
        engagement: u32,
        /// Which step of it, from 1.
        step: u32,
    },
    /// Say something to the owner's first contact.
    Announce {
        /// What.
        announce: Announcement,
        /// Which mitigation of this opening, from 1, where it is about one.
        n: u32,
    },
}

/// What can be announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Announcement {
    /// A mitigation waits for a yes.
    Approval,
    /// What came of a mitigation.
    Mitigation,
    /// The incident is resolved.
    Resolved,
    /// What came of a person's wish to have a change taken back.
    PutBack,
    /// A change is in force still: a reminder.
    InForce,
}

impl Announcement {
    /// The word in keys.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Mitigation => "mitigation",
            Self::Resolved => "resolved",
            Self::PutBack => "put-back",
            Self::InForce => "in-force",
        }
    }
}

/// The input as it is on the wire: flat, the two kinds told apart by what is there.
#[derive(Debug, Deserialize)]
struct Wire {
    v: u32,
    incident_id: String,
    opening: u32,
    engagement: Option<u32>,
    step: Option<u32>,
    announce: Option<Announcement>,
    n: Option<u32>,
    reminder: Option<u32>,
}

impl TryFrom<Wire> for OfIncident {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        version(wire.v)?;
        let what = match (wire.engagement, wire.step, wire.announce) {
            (Some(0), ..) | (_, Some(0), _) => return Err("`engagement` and `step` count from 1".to_owned()),
            (Some(engagement), Some(step), None) => What::Page { engagement, step },
            (None, None, Some(Announcement::Resolved)) => What::Announce { announce: Announcement::Resolved, n: 0 },
            (None, None, Some(announce)) => What::Announce { announce, n: wire.n.unwrap_or(1) },
            _ => return Err("give either `engagement` and `step`, or `announce`".to_owned()),
        };
        let reminder = wire.reminder.unwrap_or_default();
        Ok(Self { incident_id: wire.incident_id, opening: wire.opening, what, reminder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(more: serde_json::Value, expect: Result<What, &str>) {
        let mut input = json!({"v": 1, "incident_id": "inc-20261123-0123456789", "opening": 1});
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        match (serde_json::from_value::<Input>(input), expect) {
            (Ok(Input::Incident(input)), Ok(what)) => assert_eq!(input.what, what),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (got, expect) => panic!("{got:?}, not {expect:?}"),
        }
    }

    #[test]
    fn reads_both_kinds_and_says_what_is_wrong() {
        check(json!({"engagement": 1, "step": 2}), Ok(What::Page { engagement: 1, step: 2 }));
        check(json!({"announce": "approval"}), Ok(What::Announce { announce: Announcement::Approval, n: 1 }));
        check(
            json!({"announce": "mitigation", "n": 2}),
            Ok(What::Announce { announce: Announcement::Mitigation, n: 2 }),
        );
        check(
            json!({"announce": "put-back", "n": 2, "reminder": 0}),
            Ok(What::Announce { announce: Announcement::PutBack, n: 2 }),
        );
        check(
            json!({"announce": "in-force", "reminder": 3}),
            Ok(What::Announce { announce: Announcement::InForce, n: 1 }),
        );
        check(json!({"announce": "resolved"}), Ok(What::Announce { announce: Announcement::Resolved, n: 0 }));
        check(json!({"later": true, "engagement": 1, "step": 1}), Ok(What::Page { engagement: 1, step: 1 }));
        check(json!({}), Err("either"));
        check(json!({"engagement": 1}), Err("either"));
        check(json!({"engagement": 1, "step": 1, "announce": "resolved"}), Err("either"));
        check(json!({"engagement": 1, "step": 0}), Err("from 1"));
        check(json!({"announce": "lunch"}), Err("lunch"));
        check(json!({"v": 9, "announce": "resolved"}), Err("this version reads 1"));
        check(json!({"opening": -1, "announce": "resolved"}), Err("-1"));
    }

    #[test]
    fn an_owner_is_paged_in_a_storm_by_name() {
        let input = json!({"v": 1, "incident_id": "i", "storm": "s", "owner": "payments"});
        let read = |input| serde_json::from_value::<Input>(input).map_err(|error| error.to_string());
        let of = OfStorm { incident_id: "i".into(), storm: "s".into(), owner: "payments".into() };
        assert_eq!(read(input.clone()), Ok(Input::Storm(of)));
        for (name, value, part) in
            [("v", json!(2), "reads 1"), ("owner", json!(null), "null"), ("storm", json!(1), "1")]
        {
            let mut other = input.clone();
            other[name] = value;
            let error = read(other).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_digest_is_told_by_its_id() {
        let digest = "digest-payments-20261123T1415Z";
        let read = |input| serde_json::from_value::<Input>(input).map_err(|error| error.to_string());
        let of = |fallback| Ok(Input::Digest(OfDigest { digest: digest.to_owned(), n: 1, fallback }));
        assert_eq!(read(json!({"v": 1, "digest": digest, "n": 1})), of(false));
        assert_eq!(read(json!({"v": 1, "digest": digest, "n": 1, "fallback": true})), of(true));
        for (input, part) in [
            (json!({"v": 1, "digest": "payments", "n": 1}), "`payments` is no digest"),
            (json!({"v": 1, "digest": digest, "n": 0}), "from 1"),
            (json!({"v": 1, "digest": digest}), "missing field `n`"),
            (json!({"v": 2, "digest": digest, "n": 1}), "this version reads 1"),
            (json!({"v": 1, "digest": null, "n": 1}), "null"),
        ] {
            let error = read(input).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
