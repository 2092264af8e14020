//! Response plans: YAML to typed plans, matching, and errors that help.
//!
//! [`read_dir`] reads what people write and says everything that is wrong with it; [`compile`] makes the one file of
//! it that is shipped; [`Plans`] loads that file and answers which plan a signal is for. What cannot be read never
//! stops a page: a damaged plan is left out alone, and [`catch_all`] is compiled in.

mod compile;
mod convert;
mod error;
mod evidence;
mod index;
mod kind;
mod mitigations;
mod mutes;
mod mutes_file;
mod node;
mod notify;
mod owners;
mod pattern;
mod plan;
mod plans;
mod raise;
mod read;
mod schema;
mod span;
mod storm;
mod teams;
mod wire;
mod words;
mod yaml;

#[cfg(test)]
mod hostile_test;
#[cfg(test)]
mod refusal_test;
#[cfg(test)]
mod samples;

pub use compile::{Compiled, V, compile};
pub use error::{PlanError, PlanErrors, nearest};
pub use kind::{Arguments, ChannelKind, CollectorKind, Field, Kinds, MitigationKind, Wrong, one_line, secret_name};
pub use mutes::{Day, Recurring, RecurringMute, Window};
pub use owners::{OwnerRule, Owners, TagNames};
pub use pattern::{Pattern, PatternError, Specificity, Step};
pub use plan::*;
pub use plans::{Disabled, Plans, PlansError, Resolution, Storms, catch_all};
pub use raise::{LONGEST_WITHIN, Raise, RaiseWhen};
pub use read::{Config, MUTES_FILE, OWNERS_FILE, Source, TEAMS_FILE, read, read_dir};
pub use schema::{mutes_schema, owners_schema, plan_schema, teams_schema};
pub use span::Span;
pub use storm::StormRule;
