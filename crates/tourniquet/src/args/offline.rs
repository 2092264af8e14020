//! What may be typed where no AWS is needed.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};
use jiff::Timestamp;

/// `triage`
#[derive(Debug, Group)]
pub(crate) struct Triage {
    /// Events as JSON, as their source wrote them or as a queue or topic delivered them.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The folder of the response plans; `response-plans` where it is there, else the catch-all alone.
    #[arg(long, value_name = "DIR")]
    pub(crate) plans: Option<PathBuf>,
    /// The account that the suite runs in, which may send drills and forwarded events; by default the event's own.
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// When it would be, such as 2026-11-28T02:58:00Z, for what mutes.yaml mutes; by default the event's own time.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) at: Option<Timestamp>,
}

/// `plans`
#[derive(Debug, Subcommand)]
pub(crate) enum Plans {
    /// Say what is wrong with the plans: file, line, column and remedy.
    Check {
        /// The folder of the plans and of teams.yaml.
        #[arg(default_value = "response-plans", value_name = "DIR")]
        dir: PathBuf,
    },
    /// Compile the plans into the one file that triage reads.
    Build {
        /// The folder of the plans and of teams.yaml.
        #[arg(default_value = "response-plans", value_name = "DIR")]
        dir: PathBuf,
        /// The compiled file; its folder is made.
        #[arg(short, long, visible_alias = "out", value_name = "FILE")]
        output: PathBuf,
    },
    /// Print the JSON Schema of a response plan, which editors complete and explain by.
    Schema {
        /// That of teams.yaml instead.
        #[arg(long)]
        teams: bool,
        /// That of owners.yaml instead.
        #[arg(long, conflicts_with = "teams")]
        owners: bool,
        /// That of mutes.yaml instead.
        #[arg(long, conflicts_with_all = ["teams", "owners"])]
        mutes: bool,
    },
    /// Say who would be told of a service's incidents, after how long, and why.
    Who(Who),
}

/// `plans who`
#[derive(Debug, Group)]
pub(crate) struct Who {
    /// The service, as plans name it.
    pub(crate) service: String,
    /// When the page would be, such as 2026-11-28T02:58:00Z: says when each contact is told, in their time zone.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) at: Option<Timestamp>,
    /// The folder of the plans and of teams.yaml.
    #[arg(long, default_value = "response-plans", value_name = "DIR")]
    pub(crate) plans: PathBuf,
}

/// `replay`
#[derive(Debug, Group)]
pub(crate) struct Replay {
    /// The history: one event a line, each as `triage` takes it.
    #[arg(value_name = "FILE.ndjson")]
    pub(crate) file: PathBuf,
    /// The folder of the response plans, or a compiled file.
    #[arg(long, value_name = "DIR")]
    pub(crate) plans: PathBuf,
    /// The plans as they were before: say what is different with those of --plans.
    #[arg(long, value_name = "DIR")]
    pub(crate) against: Option<PathBuf>,
    /// The account that the suite runs in, which may send drills and forwarded events; by default each event's own.
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
}

/// A time with its offset, or what to write.
fn instant(text: &str) -> Result<Timestamp, &'static str> {
    text.parse().map_err(|_| "write it with its offset, such as 2026-11-28T02:58:00Z or 2026-11-28T03:58:00+01:00")
}
