//! Start-up: from the start of triage's process to its first question for an event, against a runtime interface that only
//! waits for that question. No network is asked before it, so nothing else has to be there.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;

use crate::{build, plans::VARIABLE, say::Progress, tools::finished, workspace::Workspace};

/// How many plans.
const PLANS: [u32; 3] = [10, 1_000, 10_000];

/// Each is started so often, in turn, so that what else the machine does meets all of them.
const ROUNDS: usize = 15;

/// A start with a number of plans.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Start {
    plans: u32,
    /// The middle of all starts, in microseconds of the wall clock.
    median_us: u64,
    /// The fastest of them.
    fastest_us: u64,
}

/// Writes compiled plans, one file for each number of them.
pub(super) fn plans(workspace: &Workspace, bench: &Path) -> Result<Vec<(u32, PathBuf)>> {
    let folder = workspace.private_stack_dir("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    let write = |plans: u32| {
        let file = folder.join(format!("plans-{plans}.json"));
        finished(Command::new(bench).args(["--write", &plans.to_string()]).arg(&file))?;
        Ok((plans, file))
    };
    PLANS.into_iter().map(write).collect()
}

/// Starts triage, as the local stack runs it, with each of these files in turn.
pub(super) fn measure(workspace: &Workspace, plans: &[(u32, PathBuf)], progress: Progress) -> Result<Vec<Start>> {
    build::all(workspace, progress)?;
    let binary = workspace.functions().join("triage").join("bootstrap");
    let mut times = vec![Vec::new(); plans.len()];
    for _ in 0..ROUNDS {
        for (times, (_, file)) in times.iter_mut().zip(plans) {
            times.push(start(&binary, file)?);
        }
    }
    let summed = times.into_iter().zip(plans).map(|(mut times, (plans, _))| {
        times.sort_unstable();
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Start { plans: *plans, median_us: micros(times[ROUNDS / 2]), fastest_us: micros(times[0]) }
    });
    Ok(summed.collect())
}

fn start(binary: &Path, plans: &Path) -> Result<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0").context("Failed to listen on loopback")?;
    let began = Instant::now();
    let mut child = Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
        .envs([
            ("AWS_LAMBDA_FUNCTION_NAME", "triage"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/triage"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "none"),
            ("AWS_SECRET_ACCESS_KEY", "none"),
            ("TABLE", "none"),
            ("FALLBACK_TOPIC", "arn:aws:sns:us-east-1:000000000000:none"),
        ])
        .env(VARIABLE, plans)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("Failed to start {}", binary.display()))?;
    let asked = wait(&listener, &mut child);
    let took = began.elapsed();
    child.kill().and_then(|()| child.wait()).context("Failed to end triage")?;
    asked.map(|()| took)
}

/// Waits for the question; a process that ends without it would be waited for in vain.
fn wait(listener: &TcpListener, child: &mut std::process::Child) -> Result<()> {
    listener.set_nonblocking(true)?;
    let connection = loop {
        match listener.accept() {
            Ok((connection, _)) => break connection,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if let Some(status) = child.try_wait()? {
                    bail!("triage ended before it asked for an event: {status}");
                }
                std::thread::sleep(Duration::from_micros(50));
            }
            Err(error) => return Err(error).context("Nobody can connect"),
        }
    };
    connection.set_nonblocking(false)?;
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line)?;
    ensure!(line.contains("/runtime/invocation/next"), "triage asked for something else first: {line}");
    Ok(())
}

/// A line for each number of plans; the ratio is to the first.
pub(super) fn table(starts: &[Start]) -> String {
    let mut text = format!("{:>24} {:>12} {:>12} {:>6}\n", "plans, profile local", "start", "fastest", "ratio");
    for start in starts {
        let first = starts.first().map_or(start.median_us, |first| first.median_us);
        text.push_str(&format!(
            "{:>24} {:>9.1} ms {:>9.1} ms {:>6.2}\n",
            start.plans,
            start.median_us as f64 / 1e3,
            start.fastest_us as f64 / 1e3,
            start.median_us as f64 / first as f64
        ));
    }
    text
}
