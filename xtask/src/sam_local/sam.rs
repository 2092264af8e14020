//! The SAM command line and cargo-lambda, from the Python package index, in an environment of their own: their
//! dependencies are not those of the emulator.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result};

use super::place;
use crate::{
    aws,
    say::Progress,
    tools,
    workspace::{Workspace, variable},
};

/// What is installed, pinned, one requirement a line. The linker of cargo-lambda is zig.
pub(super) const PINNED: &str = include_str!("python-tools.txt");

/// The installed SAM command line.
#[derive(Clone, Debug)]
pub(super) struct Sam {
    bin: PathBuf,
    /// Where SAM keeps its own files.
    home: PathBuf,
    /// Variables that cargo set for this tool, which are to be taken away again.
    foreign: Vec<std::ffi::OsString>,
}

impl Sam {
    /// Installs SAM and cargo-lambda unless the same pinned list was installed before.
    ///
    /// Errors are sentences with the remedy.
    pub(super) fn install(workspace: &Workspace, progress: Progress) -> Result<Self> {
        let venv = workspace.tools().join("sam");
        let stamp = venv.join("installed.txt");
        let cargo = workspace.cargo();
        let foreign = cargo.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name.to_owned()).collect();
        let sam = Self { bin: venv.join("bin"), home: place::folder(workspace).join("home"), foreign };
        // A moved checkout breaks an environment, whose scripts name its folder: the stamp names it, too.
        let wanted = format!("{PINNED}# in {}\n", venv.display());
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(sam);
        }
        let python = tools::install(workspace, progress)?.python();
        let names = PINNED.lines().collect::<Vec<_>>().join(", ");
        progress.note(format_args!("Installing {names} into {}, once.", venv.display()));
        progress.step("SAM and cargo-lambda installed", || {
            said(Command::new(python).args(["-m", "venv", "--clear"]).arg(&venv))?;
            let list = venv.join("python-tools.txt");
            fs::write(&list, PINNED).with_context(|| format!("Failed to write {}", list.display()))?;
            let mut pip = Command::new(sam.python());
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"]).arg(&list);
            said(&mut pip).context("SAM could not be installed: check that the Python package index can be reached")?;
            fs::write(&stamp, &wanted).with_context(|| format!("Failed to write {}", stamp.display()))
        })?;
        Ok(sam)
    }

    /// The executable.
    pub(super) fn program(&self) -> PathBuf {
        self.bin.join("sam")
    }

    /// The Python that has the client of Docker with which SAM talks to the engine.
    pub(super) fn python(&self) -> PathBuf {
        self.bin.join("python")
    }

    /// `sam <arguments>`, ready to be run: without telemetry, and without profiles and keys of the developer,
    /// so that it can reach no account.
    pub(super) fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(self.program());
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_ascii_uppercase();
            if upper.starts_with("AWS_") || upper.starts_with("SAM_CLI_") {
                command.env_remove(&name);
            }
        }
        for name in &self.foreign {
            command.env_remove(name);
        }
        let inherited = variable("PATH").unwrap_or_default();
        let folders = std::iter::once(self.bin.clone()).chain(std::env::split_paths(&inherited));
        command.env("PATH", std::env::join_paths(folders).context("The variable PATH cannot be handed on")?);
        command.envs(aws::CREDENTIALS).env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_CONFIG_FILE", self.home.join("no-config"));
        command.env("AWS_SHARED_CREDENTIALS_FILE", self.home.join("no-credentials"));
        // It asks STS for the account, and seconds pass before it goes on without: nobody is there to ask.
        command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("AWS_MAX_ATTEMPTS", "1");
        command.env("SAM_CLI_TELEMETRY", "0").env("__SAM_CLI_APP_DIR", &self.home);
        command.args(arguments);
        Ok(command)
    }
}

/// Runs a program to its end and returns what it wrote to its standard output; the error has all that it said.
pub(super) fn said(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = tools::finished(command)?;
    String::from_utf8(output.stdout).with_context(|| format!("{program} wrote something else than text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_pinned() {
        for line in PINNED.lines() {
            let (name, version) = line.split_once("==").expect(line);
            assert!(!name.is_empty() && version.starts_with(|first: char| first.is_ascii_digit()), "{line}");
        }
    }
}
