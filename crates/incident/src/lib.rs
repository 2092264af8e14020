//! The incident and the decisions about it, as values: no clock, no network, no environment.

mod command;
mod decision;
mod hold_down;
mod identity;
mod in_force;
mod measures;
mod mitigation;
mod record;
mod timeline;

pub use command::{Command, CommandRecord, Verb};
pub use decision::{Action, FingerprintState, Known, KnownSignal, OpenPointer, SignalOutcome, decide};
pub use hold_down::{Hold, LOOK_AGAIN};
pub use identity::{GroupKey, incident_id, is_incident_id};
pub use in_force::{PutBack, UndoRequest};
pub use measures::{Measure, Measures};
pub use mitigation::{ChangeRecord, MitigationRecord, Outcome, Progress};
pub use record::{
    Incident, Opened, PostmortemKeys, SealedPass, SignalSummary, Status, V, engage_input, engage_name, execution_input,
    execution_name,
};
pub use timeline::Entry;
