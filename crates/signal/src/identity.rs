//! Identity by hashing. Every record key, incident id and signal id rests on these few lines: they must never change.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::State;

/// SHA-256 over the parts joined by a line feed, as 64 lower-case hex digits. Parts must not contain line feeds.
pub fn sha256_hex(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Identity of one transition: the first 32 hex digits of the hash over fingerprint, state and the source's own
/// transition time, truncated to the second, since not every door gives the same fraction.
pub fn signal_id(fingerprint: &str, state: State, time: Timestamp) -> String {
    let mut id = sha256_hex(&[fingerprint, state.as_str(), &to_second(time)]);
    id.truncate(32);
    id
}

/// An instant as it stands in hashes: `YYYY-MM-DDThh:mm:ssZ`, truncated.
pub fn to_second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_any_sha256_tool() {
        // printf 'a\nb' | sha256sum
        let joined = "7e18f737311b2dc3b2f269dd78396b0351f14fb66efa879f768cb23181883c78";
        assert_eq!(sha256_hex(&["a", "b"]), joined);
        assert_eq!(sha256_hex(&["a\nb"]), joined);
        assert_eq!(sha256_hex(&[]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn signal_id_is_fixed_and_ignores_the_fraction() {
        let arn = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors";
        let id = |state, time: &str| signal_id(arn, state, time.parse().unwrap());
        let first = id(State::Firing, "2026-03-01T10:05:12.345Z");
        assert_eq!(first, sha256_hex(&[arn, "firing", "2026-03-01T10:05:12Z"])[..32]);
        assert_eq!(first, id(State::Firing, "2026-03-01T10:05:12.999Z"));
        assert_eq!(first, id(State::Firing, "2026-03-01T11:05:12+01:00"));
        assert_ne!(first, id(State::Firing, "2026-03-01T10:05:13Z"));
        assert_ne!(first, id(State::Recovered, "2026-03-01T10:05:12Z"));
    }
}
