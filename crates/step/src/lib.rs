//! The Lambda and Step Functions boundary of every function: error names, tracing, configuration, permissions, clock.
//! Tiny, and stays so.

mod allow;
pub mod aws;
mod env;
mod error;
mod serve;

pub use allow::Allow;
pub use env::Env;
pub use error::{StepError, sdk_error};
pub use serve::{init_tracing, serve};

/// The present instant. Instants come from AWS events or from here, and nowhere else.
#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The version of the suite, recorded in what it opens and seals.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
