//! The process that hosts the proxy and owns the emulator, for as long as a stack lives.
//!
//! It leaves its starter's session, so that Ctrl-C in a terminal does not reach it. A stack of `up` lives until
//! `down`; a private one is tied to its starter by a pipe and ends with it, however that ends.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    emulator::{self, Emulator},
    proxy::Proxy,
    say,
    workspace::Workspace,
};

/// What the daemon reads from `<dir>/daemon.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    /// The folder of the tools' Python.
    pub bin: PathBuf,
    /// Ends when its standard input closes.
    pub tied: bool,
    /// How the emulator is to run.
    pub emulator: emulator::Options,
}

/// The one line that the daemon writes to its standard output, when everything is up.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Where the emulator listens.
    pub emulator: SocketAddr,
    /// Where the proxy listens.
    pub proxy: SocketAddr,
    /// The daemon's process.
    pub daemon_pid: u32,
    /// The emulator's process, and the process group of the functions.
    pub emulator_pid: u32,
}

/// Starts a daemon and waits until its stack is up. Its log is `<dir>/daemon.log`.
///
/// A tied daemon ends when the returned child's standard input is closed. Fails with the daemon's own reason.
pub fn spawn(workspace: &Workspace, dir: &Path, config: &Config) -> Result<(Child, Ready)> {
    fs::create_dir_all(dir).with_context(|| format!("Failed to create {}", dir.display()))?;
    fs::write(dir.join("daemon.json"), serde_json::to_vec_pretty(config)?)?;
    let log = dir.join("daemon.log");
    let mut command = Command::new(executable(workspace)?);
    command.arg("stack-daemon").arg(dir).current_dir(workspace.root()).stdout(Stdio::piped());
    command.stdin(if config.tied { Stdio::piped() } else { Stdio::null() });
    command.stderr(File::create(&log).with_context(|| format!("Failed to create {}", log.display()))?);
    let mut child = command.spawn().context("Failed to start the stack's own process")?;
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    match serde_json::from_str(&line) {
        Ok(ready) => Ok((child, ready)),
        Err(_) => {
            // It has written its reason and ended, or is about to.
            child.wait().context("Failed to wait for the stack's own process")?;
            bail!("{}", fs::read_to_string(&log).unwrap_or_default().trim())
        }
    }
}

/// Runs the daemon in this process until its stack is to end; fails when the emulator ends by itself.
pub fn run(dir: &Path) -> Result<()> {
    // It fails for the leader of a process group, which is alone with its signals already.
    let _ = rustix::process::setsid();
    let text = fs::read(dir.join("daemon.json")).context("Failed to read daemon.json")?;
    let config: Config = serde_json::from_slice(&text).context("Failed to read daemon.json")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(host(dir, &config));
    // A health check may still be waiting for its time-out.
    runtime.shutdown_background();
    ended
}

async fn host(dir: &Path, config: &Config) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("Failed to find a free port")?;
    let proxy_address = listener.local_addr()?;
    let proxy = if config.emulator.count_into.is_some() { Proxy::counting() } else { Proxy::new() };
    let served = tokio::spawn(proxy.clone().serve(listener));
    let owner_gone = watch_owner(config.tied);
    let mut emulator = Emulator::start(&config.bin, dir, proxy_address, &config.emulator).await?;
    proxy.forward_to(emulator.address());
    say::answer(serde_json::to_string(&Ready {
        emulator: emulator.address(),
        proxy: proxy_address,
        daemon_pid: std::process::id(),
        emulator_pid: emulator.pid().context("The emulator ended")?,
    })?)?;
    tokio::select! {
        () = proxy.stopped() => Ok(()),
        () = owner_gone => Ok(()),
        ended = emulator.ended() => ended,
        failed = served => failed?,
    }
}

/// Ends when standard input closes, and for a daemon that is not tied, never. It watches from the call on.
fn watch_owner(tied: bool) -> impl Future<Output = ()> {
    let (gone, receiver) = oneshot::channel();
    if tied {
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = gone.send(());
        });
    }
    async move {
        if !tied || receiver.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// This tool's own executable, also when its library is used by a test.
fn executable(workspace: &Workspace) -> Result<PathBuf> {
    let own = std::env::current_exe().context("Failed to find this tool's executable")?;
    let is_tool = own.file_stem().is_some_and(|name| name == "xtask");
    Ok(if is_tool { own } else { workspace.executable("xtask") })
}
