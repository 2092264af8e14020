//! The keys of the table, in one place.

use jiff::Timestamp;
use signal::sha256_hex;

/// The sort key of items that stand alone.
pub(crate) const META: &str = "META";

pub(crate) fn incident(id: &str) -> String {
    format!("INC#{id}")
}

pub(crate) fn digest(id: &str) -> String {
    format!("DIGEST#{id}")
}

/// The partition of what is told of: an incident, or a digest, which has claims and entries of its own. Their ids tell them
/// apart.
pub(crate) fn of(id: &str) -> String {
    if ::incident::is_digest_id(id) { digest(id) } else { incident(id) }
}

/// An entry of a digest, in the order in which they were received.
pub(crate) fn digest_entry(received: Timestamp, signal_id: &str) -> String {
    format!("SIG#{}#{signal_id}", millis(received))
}

pub(crate) fn open(group_hash: &str) -> String {
    format!("OPEN#{group_hash}")
}

pub(crate) fn signal(signal_id: &str) -> String {
    format!("SIG#{signal_id}")
}

pub(crate) fn fingerprint(fingerprint: &str) -> String {
    format!("FP#{}", sha256_hex(&[fingerprint]))
}

pub(crate) fn lock(arn: &str) -> String {
    format!("LOCK#{}", sha256_hex(&[arn]))
}

pub(crate) fn changes(arn: &str) -> String {
    format!("CHANGE#{}", sha256_hex(&[arn]))
}

pub(crate) fn command(request_id: &str) -> String {
    format!("CMD#{request_id}")
}

pub(crate) const BRAKE: &str = "CONTROL#brake";

/// All mutes that people have set: one item, since triage reads it by its key with every signal.
pub(crate) const MUTES: &str = "CONTROL#mutes";

/// The storm that is on.
pub(crate) const STORM: &str = "CONTROL#storm";

/// What opened of late.
pub(crate) const OPENINGS: &str = "CONTROL#openings";

pub(crate) fn member(storm: &str, owner: &str, group: &str, signal_id: &str) -> String {
    format!("{}{group}#{signal_id}", members(Some(storm), Some(owner)))
}

/// What the keys of members of storms begin with: of all, of one storm, or of one owner in it.
pub(crate) fn members(storm: Option<&str>, owner: Option<&str>) -> String {
    let named = storm.into_iter().chain(owner.filter(|_| storm.is_some()));
    named.fold("MEMBER#".to_owned(), |prefix, name| format!("{prefix}{name}#"))
}

pub(crate) fn mitigation(opening: u32, n: u32) -> String {
    format!("MIT#{opening}#{n}")
}

/// What an incident was in an opening that is over.
pub(crate) fn opening(opening: u32) -> String {
    format!("OPENING#{opening}")
}

/// Milliseconds in 13 digits, so that text sorts as time does (until the year 2286).
pub(crate) fn millis(at: Timestamp) -> String {
    format!("{:013}", at.as_millisecond().max(0))
}

pub(crate) fn timeline(at: Timestamp, seq: &str) -> String {
    format!("T#{}#{seq}", millis(at))
}
