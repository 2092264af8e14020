//! What may be typed about signals that are no incident of anybody's yet.

use clap::Args as Group;
use response_plan::{Severity, Span};

use super::Wait;

/// `declare`
#[derive(Debug, Group)]
pub(crate) struct Declare {
    /// The signal, as the digest names it.
    #[arg(long = "from", value_name = "SIGNAL_ID", value_parser = signal_id)]
    pub(crate) signal_id: String,
    /// Why it is an incident.
    #[arg(long)]
    pub(crate) reason: String,
    /// How bad it is; as its plan says where this does not.
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) severity: Option<Severity>,
    /// Whether to wait.
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// `report`
#[derive(Debug, Group)]
pub(crate) struct ReportOf {
    /// What has no owner: incidents that no plan matched.
    #[arg(long, required = true)]
    pub(crate) unowned: bool,
    /// How far to look back.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub(crate) since: Span,
}

fn signal_id(text: &str) -> Result<String, String> {
    if text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("a signal's id is 32 hex digits; the digest names it".to_owned())
}

fn severity(text: &str) -> Result<Severity, String> {
    let read = serde_json::from_value(text.to_ascii_uppercase().into());
    read.map_err(|_| format!("`{text}` is no severity; write SEV1, SEV2, SEV3, SEV4 or SEV5"))
}
