//! What the demo downloads: the bag that counts, and the postmortem.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::operator::Operator;
use crate::stack::Stack;

/// What was downloaded.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The folder of the bag.
    pub(super) bag: PathBuf,
    /// How many payload files it has.
    pub(super) files: u64,
    /// How many gaps it names.
    pub(super) gaps: usize,
    /// The Markdown and the page.
    pub(super) postmortem: Option<(PathBuf, PathBuf)>,
}

impl Fetched {
    /// Downloads and verifies a pass of an incident's evidence, and its postmortem where there is one.
    pub(super) fn fetch(
        stack: &Stack,
        operator: &Operator<'_>,
        shown: &Value,
        pass: &str,
        into: &Path,
    ) -> Result<Self> {
        let id = shown["incident"]["id"].as_str().context("The incident has no id")?;
        let folder = into.to_str().context("The path of the checkout is not UTF-8")?;
        let got = operator.run(&["evidence", "get", id, "--pass", pass, "--dir", folder])?;
        let bag = got["bags"][0]["dir"].as_str().context("`evidence get` named no bag")?;
        let verdict = operator.run(&["evidence", "verify", bag])?;
        Ok(Self {
            bag: PathBuf::from(bag),
            files: verdict["files"].as_u64().context("`evidence verify` counted no files")?,
            gaps: verdict["gaps"].as_array().map_or(0, Vec::len),
            postmortem: postmortem(stack, &shown["incident"]["postmortem"], into)?,
        })
    }
}

fn postmortem(stack: &Stack, keys: &Value, into: &Path) -> Result<Option<(PathBuf, PathBuf)>> {
    let (Some(markdown), Some(html)) = (keys["markdown"].as_str(), keys["html"].as_str()) else { return Ok(None) };
    fs::create_dir_all(into)?;
    let (as_markdown, as_html) = (into.join("postmortem.md"), into.join("postmortem.html"));
    for (key, path) in [(markdown, &as_markdown), (html, &as_html)] {
        let path = path.to_str().context("The path of the checkout is not UTF-8")?;
        stack.aws().run(&["s3api", "get-object", "--bucket", stack.output("Bucket")?, "--key", key, path])?;
    }
    Ok(Some((as_markdown, as_html)))
}
