//! What may be typed.

mod mute;
mod offline;
mod promote;

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand};
use evidence_bundle::Pass;
use incident::Status;
use jiff::Timestamp;

pub(crate) use self::mute::{Mute, Unmute};
pub(crate) use self::offline::{Plans, Replay, Triage, Who};
pub(crate) use self::promote::{Declare, ReportOf};

/// Tourniquet: stop the bleeding first, keep the evidence, and make the next incident shorter.
///
/// Exit status: 0 done, 1 found something wrong, 2 wrong usage or unreadable input.
#[derive(Debug, Parser)]
#[command(name = "tourniquet", version, max_term_width = 100)]
pub(crate) struct Args {
    /// Print JSON, one object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Where the suite is deployed.
    #[command(flatten)]
    pub(crate) place: Place,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the suite is deployed, and who asks.
#[derive(Debug, Clone, Default, Group)]
#[command(next_help_heading = "Deployment")]
pub(crate) struct Place {
    /// The table.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        help = "The table, the stack's output Table [env: TOURNIQUET_TABLE]"
    )]
    pub(crate) table: Option<String>,
    /// The queue of commands.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "The queue of commands, the stack's output CommandsQueue [env: TOURNIQUET_COMMANDS]"
    )]
    pub(crate) queue: Option<String>,
    /// The evidence bucket.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        help = "The evidence bucket, the stack's output Bucket [env: TOURNIQUET_BUCKET]"
    )]
    pub(crate) bucket: Option<String>,
    /// Who asks.
    #[arg(
        long = "as",
        global = true,
        value_name = "NAME",
        help = "Who asks; recorded as claimed [env: TOURNIQUET_USER, USER]"
    )]
    pub(crate) user: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what would happen with these events, offline.
    Triage(Triage),
    /// Play a recorded history through the plans, offline: incidents, pages, and what changes between two sets of plans.
    Replay(Replay),
    /// Check response plans, compile them, or ask them who would be told.
    #[command(subcommand)]
    Plans(Plans),
    /// List incidents; without --status those that are open, mitigated or stuck.
    Incidents(Incidents),
    /// Show all that is known of an incident.
    Show {
        /// The incident.
        id: String,
    },
    /// Make an incident of a signal that was told once, in a digest: somebody is paged.
    Declare(Declare),
    /// Say what has no owner: what the catch-all took, and what a plan for it would match.
    Report(ReportOf),
    /// Acknowledge: you have seen the page, and take it.
    Ack(Ack),
    /// Let a mitigation happen, after showing what would change.
    Approve(Approve),
    /// Do not let a mitigation happen.
    Reject(Reject),
    /// By hand, what the suite does to the world.
    #[command(subcommand)]
    Mitigate(Mitigate),
    /// List what is in force, and what puts it back.
    Mitigations,
    /// Say that an incident is over.
    Resolve(Resolve),
    /// Stop every mitigation, or allow them again.
    #[command(subcommand)]
    Brake(Brake),
    /// Open no incident for something for a while; recoveries pass through, and what still fires afterwards opens one.
    Mute(Mute),
    /// List what is muted, and what of it fires.
    Mutes,
    /// Take a mute back.
    Unmute(Unmute),
    /// The ledger of changes, which rollbacks go by.
    #[command(subcommand)]
    Change(Change),
    /// Download evidence, and judge it.
    #[command(subcommand)]
    Evidence(Evidence),
}

/// `incidents`
#[derive(Debug, Group)]
pub(crate) struct Incidents {
    /// Only those with this status.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<Status>,
    /// Where the last page said that the next begins.
    #[arg(long, requires = "status")]
    pub(crate) cursor: Option<String>,
}

/// Whether to wait for the answer.
#[derive(Debug, Clone, Copy, Group)]
pub(crate) struct Wait {
    /// Do not wait for the answer.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `ack`
#[derive(Debug, Group)]
pub(crate) struct Ack {
    /// The incident.
    pub(crate) id: String,
    /// Whether to wait.
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// `approve`
#[derive(Debug, Group)]
pub(crate) struct Approve {
    /// The incident.
    pub(crate) id: String,
    /// Which of its mitigations.
    #[arg(long, default_value_t = 1)]
    pub(crate) n: u32,
    /// Do not ask whether this is meant.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Whether to wait.
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// `reject`
#[derive(Debug, Group)]
pub(crate) struct Reject {
    /// The incident.
    pub(crate) id: String,
    /// Which of its mitigations.
    #[arg(long, default_value_t = 1)]
    pub(crate) n: u32,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
    /// Whether to wait.
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// `mitigate`
#[derive(Debug, Subcommand)]
pub(crate) enum Mitigate {
    /// Take a change back that is in force, after showing it.
    Undo(Undo),
}

/// `mitigate undo`
#[derive(Debug, Group)]
pub(crate) struct Undo {
    /// The incident.
    pub(crate) id: String,
    /// Which of its mitigations.
    #[arg(long, default_value_t = 1)]
    pub(crate) n: u32,
    /// Why.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Do not ask whether this is meant.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Whether to wait.
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// `resolve`
#[derive(Debug, Group)]
pub(crate) struct Resolve {
    /// The incident.
    pub(crate) id: String,
    /// Why; needed where something still fires.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Whether to wait.
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// `brake`
#[derive(Debug, Subcommand)]
pub(crate) enum Brake {
    /// Nothing is changed until the brake is off, or its time is over.
    On {
        /// Why.
        #[arg(long)]
        reason: String,
        /// For how long, at most a day.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1440))]
        minutes: u32,
        /// Whether to wait.
        #[command(flatten)]
        wait: Wait,
    },
    /// What is approved is applied again.
    Off {
        /// Whether to wait.
        #[command(flatten)]
        wait: Wait,
    },
}

/// `change`
#[derive(Debug, Subcommand)]
pub(crate) enum Change {
    /// Record that a resource is at a version, as a pipeline does after each deployment.
    Record {
        /// The resource's full ARN; of a Lambda alias, the alias's.
        #[arg(long, value_name = "ARN")]
        resource: String,
        /// The version, in the resource's own words.
        #[arg(long)]
        version: String,
        /// This version is known to be good: a rollback may go to it.
        #[arg(long)]
        good: bool,
        /// When the change was made; now where it is not said.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
        /// Whether to wait.
        #[command(flatten)]
        wait: Wait,
    },
}

/// `evidence`
#[derive(Debug, Subcommand)]
pub(crate) enum Evidence {
    /// Download the bags of an incident, and judge them.
    Get(Get),
    /// Judge downloaded bags, offline; several are judged as the chain of one opening, in their order.
    Verify {
        /// Folders of bags, or the folder that holds the passes of one opening.
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
    },
}

/// `evidence get`
#[derive(Debug, Group)]
pub(crate) struct Get {
    /// The incident.
    pub(crate) id: String,
    /// Only this pass: 1-warm or 2-complete.
    #[arg(long)]
    pub(crate) pass: Option<Pass>,
    /// Where to: each bag gets its folder below `DIR/<incident>/<opening>/`.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
}

#[cfg(test)]
mod tests;
