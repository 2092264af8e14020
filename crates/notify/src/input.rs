//! What the state machines send.

use serde::Deserialize;

/// What the state machine sends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "Wire")]
pub struct Input {
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

impl TryFrom<Wire> for Input {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        if wire.v != incident::V {
            return Err(format!("`v` is {}, and this version reads {}", wire.v, incident::V));
        }
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
            (Ok(input), Ok(what)) => assert_eq!(input.what, what),
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
}
