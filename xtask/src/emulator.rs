//! The AWS emulator, as a child process that cannot outlive its owner.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use tokio::process::{Child, ChildStdin, Command};

use crate::{aws, http, workspace::variable};

/// What the emulator is, with what is put right in it; what counts in it; and its start.
const PROGRAM: [&str; 3] =
    [include_str!("emulator.py"), include_str!("cost/count.py"), "\nsys.argv = [\"ministack\"]\napp.main()\n"];

/// It is up in about a second; a busy machine takes longer.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How the emulator is to run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Options {
    /// What Wait states and retry sleeps are multiplied by: `0.1` makes a minute six seconds. `None` leaves them.
    pub wait_scale: Option<f64>,
    /// More variables for the emulator and so for every function, which inherits them: over the template's own
    /// variables it does not win, beside them it stands.
    pub environment: BTreeMap<String, String>,
    /// The file for what a bill would count, where it is to be counted.
    pub count_into: Option<PathBuf>,
}

/// A running emulator. Dropping it ends it and every function process.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    // Held here, since waiting for the child would close it, and it ends when this closes.
    _tie: Option<ChildStdin>,
    group: Option<Pid>,
    address: SocketAddr,
}

impl Emulator {
    /// Starts the emulator on a free loopback port, with IAM enforced, and waits until it is ready.
    ///
    /// `proxy` is what the functions get as their endpoint. The log goes to `<dir>/emulator.log`. Fails when it does
    /// not become ready, with the end of its log.
    pub async fn start(bin: &Path, dir: &Path, proxy: SocketAddr, options: &Options) -> Result<Self> {
        let address = free_address()?;
        let log = dir.join("emulator.log");
        let mut emulator = Self::spawn(bin, dir, address, proxy, options, &log)?;
        let began = Instant::now();
        while !is_ready(address).await {
            if let Some(status) = emulator.child.try_wait()? {
                bail!("The emulator ended with {status} before it was ready:\n{}", tail(&log));
            }
            if began.elapsed() > READY_WITHIN {
                bail!("The emulator was not ready within {} s:\n{}", READY_WITHIN.as_secs(), tail(&log));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(emulator)
    }

    fn spawn(
        bin: &Path,
        dir: &Path,
        address: SocketAddr,
        proxy: SocketAddr,
        options: &Options,
        log: &Path,
    ) -> Result<Self> {
        let temporary = dir.join("tmp");
        fs::create_dir_all(&temporary).with_context(|| format!("Failed to create {}", temporary.display()))?;
        let output = File::create(log).with_context(|| format!("Failed to create {}", log.display()))?;
        let mut command = Command::new(bin.join("python"));
        let [program, counting, start] = PROGRAM;
        let counting = options.count_into.as_ref().map_or("", |_| counting);
        command.args(["-c", &[program, counting, start].concat()]);
        // The functions inherit all of this, so nothing of the developer's own environment may be in it.
        command.env_clear().envs(aws::CREDENTIALS).env("PATH", search_path(bin)?).env("TMPDIR", &temporary);
        command.env("HOME", dir).env("LANG", "C.UTF-8").env("PYTHONUNBUFFERED", "1");
        command.env("BIND_HOST", address.ip().to_string()).env("GATEWAY_PORT", address.port().to_string());
        command.env("AUTH", "true").env("CLOUDTRAIL_RECORDING", "1");
        command.env("IOT_MTLS_ENABLED", "0").env("SFTP_ENABLED", "0");
        // The emulator tidies up its containers at start: it is not to look for any, they may be somebody else's.
        command.env("DOCKER_HOST", format!("unix://{}", dir.join("no-docker.sock").display()));
        command.env("AWS_ENDPOINT_URL", format!("http://{proxy}"));
        if let Some(scale) = options.wait_scale {
            command.env("SFN_WAIT_SCALE", scale.to_string());
        }
        command.envs(&options.environment);
        command.envs(options.count_into.iter().map(|path| ("COUNT_INTO", path)));
        command.current_dir(dir).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(output.try_clone()?).stderr(output);
        let mut child = command.spawn().context("Failed to start the emulator")?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self { _tie: child.stdin.take(), child, group, address })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id, which is also the id of its process group.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it ends by itself, which it does only when something is wrong.
    pub async fn ended(&mut self) -> Result<()> {
        let status = self.child.wait().await.context("Failed to wait for the emulator")?;
        bail!("The emulator ended by itself with {status}")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Once it was waited for, its id may belong to another process.
        if self.child.id().is_some()
            && let Some(group) = self.group
        {
            // It keeps everything in memory, so there is nothing to save; "no such process" is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// A loopback port that was free a moment ago: the emulator takes a number, not a socket.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("Failed to find a free port on 127.0.0.1")?;
    Ok(listener.local_addr()?)
}

async fn is_ready(address: SocketAddr) -> bool {
    let asked = tokio::task::spawn_blocking(move || http::request(address, "GET", "/_ministack/health", b""));
    matches!(asked.await, Ok(Ok(answer)) if answer.status == 200)
}

fn search_path(bin: &Path) -> Result<std::ffi::OsString> {
    let inherited = variable("PATH").unwrap_or_default();
    let folders = std::iter::once(PathBuf::from(bin)).chain(std::env::split_paths(&inherited));
    std::env::join_paths(folders).context("The variable PATH cannot be handed on")
}

/// The last lines of a log, for an error.
pub fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
