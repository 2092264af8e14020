//! The Docker engine: the one that runs, else one that is started here and ended again.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, geteuid, kill_process};

use super::sam::{Sam, said};
use crate::{emulator::tail, say::Progress, workspace::variable};

/// It is up in two seconds; a busy machine takes longer.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How long its containers may take to end.
const ENDED_WITHIN: Duration = Duration::from_secs(20);

/// The bridge that engines make for containers.
const BRIDGE: &str = "/sys/class/net/docker0";

/// Where the engine comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// One runs already, and is used.
    Running,
    /// None runs; one is installed and may be started.
    Own,
}

/// An engine that runs. One that was started here ends when this is dropped.
#[derive(Debug)]
pub(super) struct Engine {
    python: PathBuf,
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    child: Child,
    folder: PathBuf,
    /// Whether there was a bridge before it, which is then not its own.
    bridge: bool,
}

impl Source {
    /// Looks for an engine, and installs one from the distribution's packages where there is none.
    ///
    /// Without the right to do that it fails, with the remedy: it is asked before anything takes long.
    pub(super) fn find(sam: &Sam, progress: Progress) -> Result<Self> {
        if let Ok(version) = said(&mut talk(&sam.python(), &["ping"])) {
            progress.note(format_args!("The Docker engine {} runs already and is used.", version.trim()));
            return Ok(Self::Running);
        }
        let root = geteuid().is_root();
        match remedy(root, on_path("dockerd").is_some(), on_path("apt-get").is_some()) {
            Ok(Missing::Nothing) => Ok(Self::Own),
            Ok(Missing::Package) => {
                progress.step("Docker engine installed from the distribution's packages", install)?;
                // Where the distribution starts what it installs, that one is used.
                let runs = said(&mut talk(&sam.python(), &["ping"])).is_ok();
                Ok(if runs { Self::Running } else { Self::Own })
            }
            Err(sentence) => bail!(sentence),
        }
    }
}

impl Engine {
    /// Starts an engine below `folder`, unless one runs. Fails when it does not become ready, with the end of its log.
    pub(super) fn start(source: Source, sam: &Sam, folder: &Path, progress: Progress) -> Result<Self> {
        let own = match source {
            Source::Running => None,
            Source::Own => Some(progress.step("Docker engine started", || Own::start(folder))?),
        };
        Ok(Self { python: sam.python(), own })
    }

    /// Points a program at this engine.
    pub(super) fn hand_to(&self, command: &mut Command) {
        if let Some(host) = self.host() {
            command.env("DOCKER_HOST", host);
        }
    }

    /// Where it listens, if it was started here; the other one is found without being told.
    pub(super) fn host(&self) -> Option<String> {
        self.own.as_ref().map(|own| host(&own.folder))
    }

    /// Asks the engine: `has`, `pull`, `import`, `subnet` or `forget`, as in `engine.py`.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<String> {
        let mut command = talk(&self.python, arguments);
        self.hand_to(&mut command);
        let output = command.output().context("Failed to start Python")?;
        if !output.status.success() {
            bail!("the Docker engine says: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Whether it is somebody else's, which is to be left as it was found.
    pub(super) const fn is_shared(&self) -> bool {
        self.own.is_none()
    }
}

impl Own {
    /// Its images and containers are below `folder`; the sockets are in a folder with a short name, since a socket's
    /// path may have no more than about a hundred characters. It leaves the firewall and the routes of this machine
    /// alone: the containers have nothing to do beyond it.
    fn start(folder: &Path) -> Result<Self> {
        let short = std::env::temp_dir().join(format!("tourniquet-docker-{}", std::process::id()));
        for folder in [folder, &short] {
            fs::create_dir_all(folder).with_context(|| format!("Failed to create {}", folder.display()))?;
        }
        let (log, settings) = (folder.join("dockerd.log"), folder.join("daemon.json"));
        // Its own, so that those of the machine do not get between.
        fs::write(&settings, "{}").with_context(|| format!("Failed to write {}", settings.display()))?;
        let output = File::create(&log).with_context(|| format!("Failed to create {}", log.display()))?;
        let mut command = tied("dockerd");
        command.arg("--config-file").arg(&settings).arg("--data-root").arg(folder.join("data"));
        command.arg("--exec-root").arg(short.join("exec")).arg("--pidfile").arg(short.join("docker.pid"));
        command.arg("--host").arg(host(&short)).args(["--ip-forward=false", "--iptables=false", "--ip6tables=false"]);
        let bridge = Path::new(BRIDGE).exists();
        let child = command.stdout(output.try_clone()?).stderr(output).spawn().context("Failed to start dockerd")?;
        let mut own = Self { child, folder: short, bridge };
        let began = Instant::now();
        while !is_ready(&own.folder.join("docker.sock")) {
            if let Some(status) = own.child.try_wait()? {
                bail!("The Docker engine ended with {status} before it was ready:\n{}", tail(&log));
            }
            if began.elapsed() > READY_WITHIN {
                bail!("The Docker engine was not ready within {} s:\n{}", READY_WITHIN.as_secs(), tail(&log));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(own)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // Until it was waited for, its id belongs to no other process.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if began.elapsed() > ENDED_WITHIN {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if !self.bridge {
            // Engines leave theirs; without the program it stays, and does nothing.
            let _ = Command::new("ip").args(["link", "delete", "docker0"]).output();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What is missing before an engine can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    Nothing,
    Package,
}

/// What has to be done, or a sentence that says why nothing can be.
fn remedy(root: bool, installed: bool, apt: bool) -> Result<Missing, &'static str> {
    match (root, installed, apt) {
        (true, true, _) => Ok(Missing::Nothing),
        (true, false, true) => Ok(Missing::Package),
        (false, true, _) => Err("No Docker engine can be reached, and only root may start one: start the one that is \
                                 installed, or name yours in the variable DOCKER_HOST"),
        (false, false, _) => Err("There is no Docker engine, and only root may install one: install Docker and start \
                                  it, or name yours in the variable DOCKER_HOST"),
        (true, false, false) => Err("There is no Docker engine, and no apt-get to install one with: install Docker \
                                     and start it, or name yours in the variable DOCKER_HOST"),
    }
}

fn install() -> Result<()> {
    let apt =
        |arguments: &[&str]| said(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments));
    apt(&["update", "--quiet"]).context("The distribution's packages could not be listed")?;
    apt(&["install", "--quiet", "--yes", "--no-install-recommends", "docker.io"])
        .context("The package docker.io could not be installed: install Docker yourself")?;
    Ok(())
}

/// A program that ends with this one, however this one ends, where the machine has the means.
fn tied(program: &str) -> Command {
    match on_path("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM", "--", program]);
            command
        }
        None => Command::new(program),
    }
}

fn talk(python: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(python);
    command.args(["-c", include_str!("engine.py")]).args(arguments);
    command
}

fn host(folder: &Path) -> String {
    format!("unix://{}", folder.join("docker.sock").display())
}

fn is_ready(socket: &Path) -> bool {
    let asked = || -> std::io::Result<String> {
        let mut connection = UnixStream::connect(socket)?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        connection.write_all(b"GET /_ping HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    };
    asked().is_ok_and(|answer| answer.contains(" 200 "))
}

/// Where a program is, as a shell would find it.
pub(super) fn on_path(program: &str) -> Option<PathBuf> {
    let folders = variable("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_is_done_and_what_cannot_is_said() {
        #[track_caller]
        fn check(root: bool, installed: bool, apt: bool, expected: Result<Missing, &str>) {
            match (remedy(root, installed, apt), expected) {
                (Ok(missing), Ok(expected)) => assert_eq!(missing, expected),
                (Err(sentence), Err(words)) => {
                    assert!(sentence.contains(words) && sentence.contains("DOCKER_HOST"), "{sentence}");
                }
                (got, _) => panic!("{got:?}"),
            }
        }
        check(true, true, true, Ok(Missing::Nothing));
        check(true, true, false, Ok(Missing::Nothing));
        check(true, false, true, Ok(Missing::Package));
        check(true, false, false, Err("no apt-get"));
        check(false, true, true, Err("only root may start one"));
        check(false, false, true, Err("only root may install one"));
    }
}
