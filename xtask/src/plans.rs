//! The response plans, compiled by the command line that a team would use.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{stack::Options, template, workspace::Workspace};

/// The variable that tells triage where the compiled plans are, in the place of its layer.
pub const VARIABLE: &str = "TOURNIQUET_PLANS";

/// Writes a folder of plans anew below `into`, each in a file of its name, and returns it.
pub fn write(into: &Path, teams: &str, plans: impl IntoIterator<Item = (String, String)>) -> Result<PathBuf> {
    let folder = into.join("plans");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("Failed to empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    let files = plans.into_iter().map(|(name, plan)| (format!("{name}.yaml"), plan));
    for (name, text) in files.chain([("teams.yaml".to_owned(), teams.to_owned())]) {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("Failed to write {}", path.display()))?;
    }
    Ok(folder)
}

/// Compiles the stack's plans into its own folder, whose file is returned, and copies them to the folder of the layer,
/// which all stacks share. The error is what `tourniquet plans build` says of the plans.
pub fn compile(workspace: &Workspace, tourniquet: &Path, options: &Options) -> Result<PathBuf> {
    let layer = workspace.root().join("target").join("plans");
    for folder in [&layer, &options.dir] {
        fs::create_dir_all(folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    }
    let own = options.dir.join("plans.json");
    let mut command = Command::new(tourniquet);
    command.args(["plans", "build"]).arg(&options.plans).arg("--output").arg(&own).current_dir(workspace.root());
    let output = command.output().context("Failed to start tourniquet")?;
    if !output.status.success() {
        bail!("The response plans could not be compiled: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let compiled = fs::read(&own).with_context(|| format!("Failed to read {}", own.display()))?;
    template::write_whole(&layer.join("plans.json"), &compiled)?;
    Ok(own)
}
