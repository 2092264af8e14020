//! Lambda's base image, or a stand-in made of this machine's own shell and libraries.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use super::{
    engine::{Engine, on_path},
    sam::said,
};
use crate::say::Progress;

/// What every stand-in, and what SAM builds on it, is known by.
const LABEL: &str = "org.tourniquet.stand-in";

/// What SAM runs in the image when it adds its emulator of the Runtime API and a layer.
const PROGRAMS: [&str; 3] = ["sh", "mv", "chmod"];

/// Where a machine may have the certificates that sign what is on the Internet, and where Lambda's image has them.
const CERTIFICATES: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];

/// Sees to it that the engine has the image that SAM runs the functions in; where it can be pulled from nowhere, a
/// stand-in takes its name. Returns whether it did.
///
/// `binaries` are the functions that the stand-in has to carry the libraries for, and `folder` is for what it is made of.
pub(super) fn provide(
    engine: &Engine,
    architecture: &str,
    binaries: &[PathBuf],
    folder: &Path,
    progress: Progress,
) -> Result<bool> {
    let image = format!("public.ecr.aws/lambda/provided:al2023-{architecture}");
    // One of an earlier run, which ended before it could take it away, may be out of date.
    forget(engine)?;
    if engine.ask(&["has", &image])? == "yes" {
        progress.note(format_args!("The functions run in {image}, which is here already."));
        return Ok(false);
    }
    let Err(error) = progress.step("Lambda's base image asked for", || Ok(engine.ask(&["pull", &image])))? else {
        progress.note(format_args!("The functions run in {image}."));
        return Ok(false);
    };
    progress.note(format_args!(
        "{image} cannot be pulled: {error:#}\nA stand-in made of this machine's own shell and C library takes its place."
    ));
    progress.step("stand-in for the base image made", || {
        let archive = make(binaries, folder)?;
        let archive = archive.to_str().context("The path of the checkout is not UTF-8: move it")?;
        engine.ask(&["import", archive, &image, &format!("{LABEL}=true")])
    })?;
    Ok(true)
}

/// Takes the stand-in away, and what SAM built on it, so that nobody takes it for the real one.
pub(super) fn forget(engine: &Engine) -> Result<()> {
    engine.ask(&["forget", LABEL]).map(drop)
}

/// Packs the programs, and the libraries that they and the functions load, each at its own path.
fn make(binaries: &[PathBuf], folder: &Path) -> Result<PathBuf> {
    let (root, archive) = (folder.join("root"), folder.join("stand-in.tar"));
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("Failed to empty {}", root.display()))?;
    }
    let mut loading = binaries.to_vec();
    for name in PROGRAMS {
        let found = on_path(name).with_context(|| format!("This machine has no program {name}"))?;
        copy(&found, &root.join("bin").join(name))?;
        loading.push(found);
    }
    let mut libraries = BTreeSet::new();
    for program in loading {
        let listed = said(Command::new("ldd").arg(&program))?;
        libraries.extend(libraries_of(&listed).with_context(|| format!("{} cannot run here", program.display()))?);
    }
    for library in libraries {
        copy(&library, &root.join(library.strip_prefix("/").unwrap_or(&library)))?;
    }
    if let Some(found) = CERTIFICATES.into_iter().find(|path| Path::new(path).exists()) {
        copy(Path::new(found), &root.join(CERTIFICATES[0].trim_start_matches('/')))?;
    }
    for empty in ["tmp", "var/task", "opt"] {
        fs::create_dir_all(root.join(empty)).with_context(|| format!("Failed to create {empty}"))?;
    }
    said(Command::new("tar").args(["--owner=0", "--group=0", "-cf"]).arg(&archive).arg("-C").arg(&root).arg("."))?;
    Ok(archive)
}

/// Copies what a name leads to, not the link.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    }
    fs::copy(from, to).with_context(|| format!("Failed to copy {}", from.display())).map(drop)
}

/// The paths in what `ldd` prints: `libc.so.6 => /lib/libc.so.6 (0x…)`, and the loader's `/lib64/ld-linux.so.2 (0x…)`.
fn libraries_of(listed: &str) -> Result<Vec<PathBuf>> {
    let mut libraries = Vec::new();
    for line in listed.lines() {
        ensure!(!line.contains("not found"), "a library is missing: {}", line.trim());
        let path = line.split_once("=>").map_or(line, |(_, path)| path).trim().split(" (").next().unwrap_or_default();
        if path.starts_with('/') {
            libraries.push(PathBuf::from(path));
        }
    }
    Ok(libraries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_from_what_ldd_prints() {
        let listed = "\tlinux-vdso.so.1 (0x00007f2cba90e000)\n\
                      \tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f2cb9120000)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f2cba910000)\n";
        let expected = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(libraries_of(listed).unwrap(), expected);
        assert!(libraries_of("\tstatically linked\n").unwrap().is_empty());
        let error = libraries_of("\tlibzig.so.1 => not found\n").unwrap_err().to_string();
        assert!(error.contains("libzig.so.1"), "{error}");
    }
}
