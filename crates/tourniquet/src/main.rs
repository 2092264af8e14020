//! The operator's command line: judge events and plans offline, watch incidents, and ask for what only people may decide.
//! It never changes the world: what it asks for goes into the queue `commands`.

mod args;
mod ask;
mod cloud;
mod evidence;
mod in_force;
mod incidents;
mod memory;
mod mutes;
mod people;
mod plans;
mod replay;
mod report;
mod show;
mod storm;
mod triage;
mod unowned;
mod who;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::cloud::Cloud;
use crate::report::{Report, complain};

/// 0 done, 1 found something wrong, 2 wrong usage or unreadable input.
fn main() -> ExitCode {
    let args = Args::parse();
    let json = args.json;
    let report = match run(args) {
        Ok(report) => report,
        Err(error) => return unusable(&[format!("{error:#}")]),
    };
    if let Err(error) = report.print(json) {
        return unusable(&[format!("the answer cannot be written: {error:#}")]);
    }
    match report {
        Report { unreadable, .. } if !unreadable.is_empty() => unusable(&unreadable),
        Report { wrong: true, .. } => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    }
}

fn unusable(sentences: &[String]) -> ExitCode {
    sentences.iter().for_each(|sentence| complain(sentence));
    ExitCode::from(2)
}

fn run(args: Args) -> anyhow::Result<Report> {
    match args.command {
        Command::Triage(command) => triage::run(&command),
        Command::Replay(command) => replay::run(&command),
        Command::Plans(command) => plans::run(&command),
        Command::Evidence(args::Evidence::Verify { dirs }) => evidence::verify(&dirs),
        online => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            let cloud = Cloud::connect(args.place).await?;
            Box::pin(run_online(&cloud, online, args.json)).await
        }),
    }
}

async fn run_online(cloud: &Cloud, command: Command, json: bool) -> anyhow::Result<Report> {
    match command {
        Command::Incidents(list) => incidents::run(cloud, &list).await,
        Command::Show { id } => show::run(cloud, &id).await,
        Command::Declare(what) => people::declare(cloud, &what).await,
        Command::Report(what) => unowned::run(cloud, &what).await,
        Command::Ack(what) => people::acknowledge(cloud, &what).await,
        Command::Approve(what) => people::approve(cloud, &what, json).await,
        Command::Reject(what) => people::reject(cloud, &what).await,
        Command::Mitigate(args::Mitigate::Undo(what)) => in_force::undo(cloud, &what, json).await,
        Command::Mitigations => in_force::list(cloud).await,
        Command::Resolve(what) => people::resolve(cloud, &what).await,
        Command::Brake(what) => people::brake(cloud, &what).await,
        Command::Mute(what) => mutes::mute(cloud, &what).await,
        Command::Mutes => mutes::list(cloud).await,
        Command::Unmute(what) => mutes::unmute(cloud, &what).await,
        Command::Change(what) => people::change(cloud, &what).await,
        Command::Evidence(args::Evidence::Get(what)) => evidence::get(cloud, &what).await,
        Command::Triage(_)
        | Command::Replay(_)
        | Command::Plans(_)
        | Command::Evidence(args::Evidence::Verify { .. }) => {
            anyhow::bail!("this command needs no AWS")
        }
    }
}
