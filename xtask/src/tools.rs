//! The emulator and the AWS command line, from the Python package index, installed once under `target/tools`.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    say::Progress,
    workspace::{Workspace, variable},
};

/// What is installed, pinned, one requirement a line.
pub const PINNED: &str = include_str!("../python-tools.txt");

/// The oldest Python that the emulator runs on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// The installed tools.
#[derive(Clone, Debug)]
pub struct Tools {
    bin: PathBuf,
}

impl Tools {
    /// The tools that were installed into a folder of executables.
    pub fn at(bin: &Path) -> Self {
        Self { bin: bin.to_path_buf() }
    }

    /// The Python of the tools' own environment, which has `ministack`, `bagit` and the rest.
    pub fn python(&self) -> PathBuf {
        self.bin.join("python")
    }

    /// The AWS command line.
    pub fn aws(&self) -> PathBuf {
        self.bin.join("aws")
    }

    /// The folder to put first in `PATH`.
    pub fn bin(&self) -> &Path {
        &self.bin
    }
}

/// Installs the tools unless the same pinned list was installed before.
///
/// Errors are sentences with the remedy: no Python, one that is too old, no `venv` module, no package index.
pub fn install(workspace: &Workspace, progress: Progress) -> Result<Tools> {
    let venv = workspace.tools().join("venv");
    let stamp = venv.join("installed.txt");
    let tools = Tools { bin: venv.join("bin") };
    // A moved checkout breaks an environment, whose scripts name its folder: the stamp names it, too.
    let wanted = format!("{PINNED}# in {}\n", venv.display());
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(tools);
    }
    let python = find_python()?;
    progress.note(format_args!("Installing {} into {}, once.", names(PINNED), venv.display()));
    progress.step("tools installed", || {
        if venv.exists() {
            fs::remove_dir_all(&venv).with_context(|| format!("Failed to remove {}", venv.display()))?;
        }
        create_environment(&python, &venv)?;
        let list = venv.join("python-tools.txt");
        fs::write(&list, PINNED).with_context(|| format!("Failed to write {}", list.display()))?;
        let mut pip = Command::new(tools.python());
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"]).arg(&list);
        run(&mut pip)
            .context("The Python tools could not be installed: check that the Python package index can be reached")?;
        fs::write(&stamp, &wanted).with_context(|| format!("Failed to write {}", stamp.display()))
    })?;
    Ok(tools)
}

/// The first Python that is there and new enough: `PYTHON`, else `python3`, else `python`.
fn find_python() -> Result<OsString> {
    let candidates = match variable("PYTHON") {
        Some(chosen) => vec![chosen],
        None => vec!["python3".into(), "python".into()],
    };
    let mut too_old = None;
    for candidate in candidates {
        let Ok(output) = Command::new(&candidate)
            .args(["-c", "import sys; print(sys.version_info[0], sys.version_info[1])"])
            .output()
        else {
            continue;
        };
        match parse_version(&String::from_utf8_lossy(&output.stdout)) {
            Some(version) if version >= OLDEST_PYTHON => return Ok(candidate),
            Some((major, minor)) => too_old = Some(format!("{} is Python {major}.{minor}", candidate.display())),
            None => {}
        }
    }
    let found = too_old.unwrap_or_else(|| "No Python was found".to_owned());
    bail!("{found}: the local stack needs Python 3.10 or later; install it, or name it in the variable PYTHON")
}

fn parse_version(printed: &str) -> Option<(u32, u32)> {
    let (major, minor) = printed.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn create_environment(python: &OsString, venv: &Path) -> Result<()> {
    let mut create = Command::new(python);
    create.args(["-m", "venv"]).arg(venv);
    run(&mut create).context(
        "Python could not create a virtual environment: install its venv module (on Debian and Ubuntu: python3-venv)",
    )
}

fn run(command: &mut Command) -> Result<()> {
    finished(command).map(drop)
}

/// Runs a program to its end; the error has all that it wrote.
pub(crate) fn finished(command: &mut Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("Failed to start {program}"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{program} ended with {}: {}", output.status, String::from_utf8_lossy(&said).trim());
    }
    Ok(output)
}

/// The pinned list in one line.
fn names(pinned: &str) -> String {
    pinned.lines().collect::<Vec<_>>().join(", ")
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

    #[test]
    fn the_version_of_python_is_read() {
        #[track_caller]
        fn check(printed: &str, expected: Option<(u32, u32)>) {
            assert_eq!(parse_version(printed), expected);
        }
        check("3 11\n", Some((3, 11)));
        check("3 9\n", Some((3, 9)));
        check("2 7", Some((2, 7)));
        check("", None);
        check("Python was not found; run without arguments to install", None);
        assert!((3, 9) < OLDEST_PYTHON && (3, 10) >= OLDEST_PYTHON && (4, 0) >= OLDEST_PYTHON);
    }
}
