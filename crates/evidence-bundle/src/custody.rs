//! What is known about a pass of evidence: where each file came from, and what could not be had.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The `v` of the custody files that this version writes and reads.
pub const CUSTODY_V: u32 = 1;

/// Which time the evidence of an opening was gathered. The order is that of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Pass {
    /// Right after the incident opened, before anything was changed.
    #[serde(rename = "1-warm")]
    Warm,
    /// After the recovery held, over the whole incident.
    #[serde(rename = "2-complete")]
    Complete,
    /// Later, for sources that deliver late.
    #[serde(rename = "3-late")]
    Late,
}

impl Pass {
    /// The name in keys, custody files and messages: `1-warm`, `2-complete` or `3-late`.
    pub fn as_str(self) -> &'static str {
        match self {
            Pass::Warm => "1-warm",
            Pass::Complete => "2-complete",
            Pass::Late => "3-late",
        }
    }

    /// The pass whose tag manifest this one names in [`Custody::previous`], if that pass was sealed.
    pub fn previous(self) -> Option<Pass> {
        match self {
            Pass::Warm => None,
            Pass::Complete => Some(Pass::Warm),
            Pass::Late => Some(Pass::Complete),
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Pass {
    type Err = UnknownPass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Pass::Warm, Pass::Complete, Pass::Late]
            .into_iter()
            .find(|pass| pass.as_str() == text)
            .ok_or_else(|| UnknownPass(text.to_owned()))
    }
}

/// A text that names no pass. The caller refuses its input; the message lists the names that exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no pass of evidence; say 1-warm, 2-complete or 3-late.", .0.escape_debug())]
pub struct UnknownPass(String);

/// The time that a captured file covers, both ends included as the source's API understands them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The beginning.
    pub from: Timestamp,
    /// The end.
    pub to: Timestamp,
}

/// One captured file: what it is, where it came from, and the hash that proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturedFile {
    /// Where it is in the bag, as [`data_path`](crate::data_path) made it: `data/<collector>/<name>`.
    pub path: String,
    /// Who captured it.
    pub collector: String,
    /// What was asked of the source, in the source's words, so that it can be asked again.
    pub query: String,
    /// The time it covers; none for a source that has no time, such as a definition.
    pub window: Option<Window>,
    /// The full ARN of the source; none where AWS gives it no ARN, such as a metric.
    pub source_arn: Option<String>,
    /// When it was captured.
    pub collected_at: Timestamp,
    /// The version that the bucket gave the object; none where nothing is versioned.
    pub version_id: Option<String>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hex.
    pub sha256: String,
}

/// A piece of evidence that could not be had, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// Who should have captured it.
    pub collector: String,
    /// What is not there.
    pub what: String,
    /// Why it is not there, as a sentence for people.
    pub reason: String,
}

/// The custody file of a pass, `custody.json` at the root of its bag. Unknown fields are ignored on reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// The version of this format: [`CUSTODY_V`].
    pub v: u32,
    /// The incident that the evidence is about.
    pub incident_id: String,
    /// Which opening of the incident, counted from 1.
    pub opening: u32,
    /// Which pass over the evidence of that opening.
    pub pass: Pass,
    /// When the pass was sealed. A retry that wants the same bytes gives the same time.
    pub sealed_at: Timestamp,
    /// The version of the suite that captured it.
    pub version: String,
    /// Every file below `data/`.
    pub files: Vec<CapturedFile>,
    /// Everything that should be there and is not.
    pub gaps: Vec<Gap>,
    /// The SHA-256 of the tag manifest of the pass before; none if no pass was sealed before this one.
    pub previous: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_has_one_name_everywhere() {
        for pass in [Pass::Warm, Pass::Complete, Pass::Late] {
            assert_eq!(pass.as_str().parse(), Ok(pass));
            assert_eq!(pass.to_string(), pass.as_str());
            assert_eq!(serde_json::to_value(pass).unwrap(), pass.as_str());
            assert!(pass.previous().is_none_or(|previous| previous < pass));
        }
        assert_eq!(
            "warm".parse::<Pass>().unwrap_err().to_string(),
            "`warm` is no pass of evidence; say 1-warm, 2-complete or 3-late."
        );
    }
}
