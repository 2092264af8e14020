//! The functions and the command line, built with the profile `local` in one call of cargo.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{say::Progress, template, workspace::Workspace};

/// The operator's command line, which the demo and the black-box tests call.
const COMMAND_LINE: &str = "tourniquet";

/// Builds every function that the template names, and `tourniquet`, and puts each function's binary at
/// `target/local-stack/functions/<crate>/bootstrap`, packed beside it in `<crate>.zip`. Cargo's own progress goes to the terminal.
///
/// Returns the path of `tourniquet`. On an error of the compiler, cargo has said why.
pub fn all(workspace: &Workspace, progress: Progress) -> Result<PathBuf> {
    let functions = template::function_crates(&template::read(workspace)?)?;
    let names: Vec<&str> = functions.iter().map(String::as_str).chain([COMMAND_LINE]).collect();
    progress.step("functions and command line built", || {
        let mut built = executables(workspace, &names, progress)?;
        // Stacks that come up at once place the same files.
        let _placing = only_one(&workspace.functions())?;
        for name in &functions {
            let binary = built.get(name).with_context(|| format!("The package {name} has no binary named {name}"))?;
            place(binary, &workspace.functions(), name)?;
        }
        built.remove(COMMAND_LINE).context("The package tourniquet has no binary")
    })
}

/// Builds the packages and returns the executable that has each package's name.
pub fn executables(workspace: &Workspace, packages: &[&str], progress: Progress) -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--profile", "local", "--message-format", "json-render-diagnostics"]);
    if progress.is_quiet() {
        cargo.arg("--quiet");
    }
    if workspace.builds_once() {
        cargo.args(["--workspace", "--all-targets"]);
    } else {
        cargo.args(packages.iter().flat_map(|package| ["--package", package]));
    }
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("Failed to start cargo")?;
    let mut executables = BTreeMap::new();
    if let Some(messages) = child.stdout.take() {
        for line in BufReader::new(messages).lines() {
            let message: Message = serde_json::from_str(&line?).context("Failed to read what cargo wrote")?;
            if let (Some(target), Some(executable)) = (message.target, message.executable)
                && target.kind.iter().any(|kind| kind == "bin")
                && message.profile.is_some_and(|profile| !profile.test)
            // the unit tests of a program have its name
            {
                executables.insert(target.name, executable);
            }
        }
    }
    if !child.wait().context("Failed to wait for cargo")?.success() {
        bail!("The build failed: cargo said why above");
    }
    Ok(executables)
}

/// What matters of a message of cargo.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Waits until nobody else places functions in this folder; the lock goes with the file that is returned.
fn only_one(functions: &Path) -> Result<File> {
    fs::create_dir_all(functions).with_context(|| format!("Failed to create {}", functions.display()))?;
    let path = functions.join("placing.lock");
    let lock = File::create(&path).with_context(|| format!("Failed to create {}", path.display()))?;
    lock.lock().with_context(|| format!("Failed to lock {}", path.display()))?;
    Ok(lock)
}

/// Puts the binary at `<functions>/<name>/bootstrap` and its package at `<functions>/<name>.zip`, unless the same file
/// is there already. It is a hard link, where the file system has them.
fn place(binary: &Path, functions: &Path, name: &str) -> Result<()> {
    let (folder, package) = (functions.join(name), functions.join(format!("{name}.zip")));
    let bootstrap = folder.join("bootstrap");
    if same(binary, &bootstrap) && package.exists() {
        return Ok(());
    }
    fs::create_dir_all(&folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    for old in [&package, &bootstrap] {
        if old.exists() {
            fs::remove_file(old).with_context(|| format!("Failed to remove {}", old.display()))?;
        }
    }
    fs::hard_link(binary, &bootstrap)
        .or_else(|_| fs::copy(binary, &bootstrap).map(drop))
        .with_context(|| format!("Failed to put {} at {}", binary.display(), bootstrap.display()))?;
    let partial = functions.join(format!("{name}.zip.partial"));
    pack(&bootstrap, &partial).with_context(|| format!("Failed to write {}", partial.display()))?;
    fs::rename(&partial, &package).with_context(|| format!("Failed to write {}", package.display()))
}

/// Packs without compressing: it goes no further than this machine, and compressing takes longer than all the rest.
fn pack(bootstrap: &Path, package: &Path) -> Result<()> {
    let mut zip = ZipWriter::new(File::create(package)?);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o755);
    zip.start_file("bootstrap", options)?;
    std::io::copy(&mut File::open(bootstrap)?, &mut zip)?;
    zip.finish()?;
    Ok(())
}

/// Whether both names are one file. Cargo replaces a binary by a new file and never writes into one.
fn same(binary: &Path, bootstrap: &Path) -> bool {
    let (Ok(built), Ok(placed)) = (fs::metadata(binary), fs::metadata(bootstrap)) else { return false };
    (built.dev(), built.ino()) == (placed.dev(), placed.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_placed_and_packed_once_and_again_when_it_was_rebuilt() {
        let folder = std::env::temp_dir().join(format!("xtask-place-{}", std::process::id()));
        let (binary, functions) = (folder.join("triage"), folder.join("functions"));
        let package = functions.join("triage.zip");
        let placed = || {
            place(&binary, &functions, "triage").unwrap();
            let bytes = fs::read(&package).unwrap();
            let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            let mut entry = zip.by_name("bootstrap").unwrap();
            assert_eq!(entry.unix_mode().map(|mode| mode & 0o777), Some(0o755));
            let mut packed = String::new();
            std::io::Read::read_to_string(&mut entry, &mut packed).unwrap();
            assert_eq!(fs::read_to_string(functions.join("triage/bootstrap")).unwrap(), packed);
            (packed, fs::metadata(&package).unwrap().ino())
        };
        fs::create_dir_all(&folder).unwrap();
        fs::write(&binary, "first").unwrap();
        let first = placed();
        assert_eq!(first.0, "first");
        assert_eq!(placed(), first);

        fs::rename(&binary, folder.join("old")).unwrap();
        fs::write(&binary, "second").unwrap();
        assert_eq!(placed().0, "second");
        fs::remove_file(&package).unwrap();
        assert_eq!(placed().0, "second");
        fs::remove_dir_all(&folder).unwrap();
    }
}
