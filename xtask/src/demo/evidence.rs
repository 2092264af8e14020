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
    /// The folders of the bags, in the order of their passes: the last one counts.
    pub(super) bags: Vec<PathBuf>,
    /// How many payload files the last one has.
    pub(super) files: u64,
    /// How many gaps it names.
    pub(super) gaps: usize,
    /// The Markdown and the page.
    pub(super) postmortem: Option<(PathBuf, PathBuf)>,
}

impl Fetched {
    /// Downloads and judges the bags of an incident, and its postmortem where there is one.
    pub(super) fn fetch(stack: &Stack, operator: &Operator<'_>, shown: &Value, into: &Path) -> Result<Self> {
        let id = shown["incident"]["id"].as_str().context("The incident has no id")?;
        let got = operator.run(&["evidence", "get", id, "--dir", utf8(into)?])?;
        let judged = got["bags"].as_array().map(Vec::as_slice).unwrap_or_default();
        let folder = |bag: &Value| bag["dir"].as_str().map(PathBuf::from).context("`evidence get` named no folder");
        let last = judged.last().context("`evidence get` got no bag")?;
        Ok(Self {
            bags: judged.iter().map(folder).collect::<Result<_>>()?,
            files: last["files"].as_u64().context("`evidence get` counted no files")?,
            gaps: last["gaps"].as_array().map_or(0, Vec::len),
            postmortem: postmortem(stack, &shown["incident"]["postmortem"], into)?,
        })
    }
}

fn postmortem(stack: &Stack, keys: &Value, into: &Path) -> Result<Option<(PathBuf, PathBuf)>> {
    let (Some(markdown), Some(html)) = (keys["markdown"].as_str(), keys["html"].as_str()) else { return Ok(None) };
    fs::create_dir_all(into)?;
    let (as_markdown, as_html) = (into.join("postmortem.md"), into.join("postmortem.html"));
    for (key, path) in [(markdown, &as_markdown), (html, &as_html)] {
        stack.aws().run(&["s3api", "get-object", "--bucket", stack.output("Bucket")?, "--key", key, utf8(path)?])?;
    }
    Ok(Some((as_markdown, as_html)))
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().context("The path of the checkout is not UTF-8")
}
