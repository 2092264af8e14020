//! What may be typed to mute something, and to take that back.

use clap::Args as Group;
use response_plan::Span;

use super::Wait;

/// `mute`
#[derive(Debug, Group)]
pub(crate) struct Mute {
    /// What is muted.
    #[command(flatten)]
    pub(crate) what: What,
    /// Only in this environment.
    #[arg(long, value_name = "NAME", requires = "service", conflicts_with_all = ["plan", "fingerprint"])]
    pub(crate) environment: Option<String>,
    /// For how long, from 1m to 24h.
    #[arg(long = "for", value_name = "TIME", value_parser = minutes)]
    pub(crate) minutes: u64,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
    /// Whether to wait.
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// One thing.
#[derive(Debug, Group)]
#[group(required = true, multiple = false)]
pub(crate) struct What {
    /// What this plan is for.
    #[arg(long, value_name = "NAME")]
    pub(crate) plan: Option<String>,
    /// This service, as plans name it.
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// One failing thing: of an alarm, its ARN.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) fingerprint: Option<String>,
}

/// `unmute`
#[derive(Debug, Group)]
pub(crate) struct Unmute {
    /// The mute, as `mutes` lists it.
    pub(crate) id: String,
    /// Whether to wait.
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// The longest that something is muted by hand.
const LONGEST: Span = Span::seconds(24 * 3_600);

/// Whole minutes: a minute is how often it is looked whether a mute is over.
fn minutes(text: &str) -> Result<u64, String> {
    let span: Span = text.parse()?;
    let minutes = span.as_secs() / 60;
    if minutes == 0 || span > LONGEST {
        return Err(format!("`{text}` is not from 1m to 24h"));
    }
    Ok(minutes)
}
