//! Ids of incidents and the key that makes two signals one.

use signal::{Signal, sha256_hex};

/// What makes two signals one incident: plan, service, environment, resource account, and the drill flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupKey {
    readable: String,
    hash: String,
}

impl GroupKey {
    /// The key of a signal that a plan has matched.
    pub fn new(plan: &str, service: &str, environment: &str, account: Option<&str>, drill: bool) -> Self {
        let account = account.unwrap_or("unknown");
        let drill = if drill { "drill" } else { "real" };
        let parts = [plan, service, environment, account, drill];
        Self { readable: parts.join("/"), hash: sha256_hex(&parts) }
    }

    /// The form for people: the parts joined by `/`.
    pub fn readable(&self) -> &str {
        &self.readable
    }

    /// The hash in `OPEN#<group hash>`.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// `inc-YYYYMMDD-` and 10 hex digits of the hash of group key and opening signal id; the date is that of the opening
/// signal's transition, so that two deliveries of one signal name the same incident.
pub fn incident_id(group: &GroupKey, opening: &Signal) -> String {
    let day = opening.time.strftime("%Y%m%d");
    let hash = sha256_hex(&[group.hash(), &opening.signal_id]);
    format!("inc-{day}-{}", &hash[..10])
}

/// Whether a text has the form of an incident id, so that a typo gets a sentence instead of an empty answer.
pub fn is_incident_id(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("inc-") else { return false };
    let Some((day, hash)) = rest.split_once('-') else { return false };
    day.len() == 8
        && day.bytes().all(|b| b.is_ascii_digit())
        && hash.len() == 10
        && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_keys_tell_drills_and_accounts_apart() {
        let key = |account, drill| GroupKey::new("p", "s", "prod", account, drill);
        assert_eq!(key(Some("111122223333"), false).readable(), "p/s/prod/111122223333/real");
        assert_ne!(key(Some("1"), false).hash(), key(Some("2"), false).hash());
        assert_ne!(key(Some("1"), false).hash(), key(Some("1"), true).hash());
        assert_eq!(key(None, false).hash().len(), 64);
    }

    #[test]
    fn incident_ids_have_one_form() {
        for (text, is) in [
            ("inc-20261123-0123456789", true),
            ("inc-20261123-abcdef0123", true),
            ("inc-20261123-ABCDEF0123", false),
            ("inc-20261123-012345678", false),
            ("inc-2026112-0123456789", false),
            ("INC-20261123-0123456789", false),
            ("", false),
        ] {
            assert_eq!(is_incident_id(text), is, "{text}");
        }
    }
}
