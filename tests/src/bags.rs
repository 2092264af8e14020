//! Bags, as somebody else's tool sees them.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use xtask::stack::Stack;

/// Validates a bag with the reference implementation of BagIt; the error has what it said.
pub fn validate(stack: &Stack, bag: &Path) -> Result<()> {
    let mut bagit = Command::new(stack.tools.join("python"));
    let said = bagit.args(["-m", "bagit", "--validate"]).arg(bag).output().context("bagit did not start")?;
    ensure!(said.status.success(), "{}: {}", bag.display(), String::from_utf8_lossy(&said.stderr));
    Ok(())
}
