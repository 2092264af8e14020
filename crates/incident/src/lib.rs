//! The incident and the decisions about it, as values: no clock, no network, no environment.

mod command;
mod decision;
mod digest;
mod flapping;
mod hold_down;
mod identity;
mod in_force;
mod measures;
mod mitigation;
mod mute;
mod notify_only;
mod ours;
mod record;
mod rise;
mod storm;
mod timeline;
mod told_once;

pub use command::{Command, CommandRecord, Verb};
pub use decision::{Action, FingerprintState, Known, KnownSignal, OpenPointer, SignalOutcome, decide};
pub use digest::{DIGEST_EVERY, Digest, DigestEntry, DigestKey, is_digest_id};
pub use flapping::{held_for, is_flapping, openings};
pub use hold_down::{Hold, LOOK_AGAIN};
pub use identity::{GroupKey, incident_id, is_incident_id};
pub use in_force::{PutBack, UndoRequest};
pub use measures::{Measure, Measures};
pub use mitigation::{ChangeRecord, MitigationRecord, Outcome, Progress};
pub use mute::{Mute, MuteEnded, Muted, Scope, Unmuted, fires_still};
pub use ours::{may_be_ours, on_behalf_of};
pub use record::{
    Incident, Opened, PostmortemKeys, SealedPass, SignalSummary, Status, V, engage_input, engage_name, execution_input,
    execution_name,
};
pub use rise::{Fires, Rise};
pub use storm::{Place, Storm, StormMember, StormOver, groups, is_storm, storm_signal, storm_title, worst};
pub use timeline::Entry;
pub use told_once::{ToldOnce, told_counts_until};
