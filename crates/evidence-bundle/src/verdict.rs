//! What comes of judging a bag.

use std::fmt;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::{Gap, Pass};

/// What a bag says of itself, and everything that is wrong with it. What `custody.json` cannot tell, because it is
/// gone or unreadable, is none, and there is a problem that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The incident that the evidence is about.
    pub incident_id: Option<String>,
    /// The opening of the incident.
    pub opening: Option<u32>,
    /// The pass over the evidence of that opening.
    pub pass: Option<Pass>,
    /// When the pass was sealed, as its custody says.
    pub sealed_at: Option<Timestamp>,
    /// How many files lie below `data/`.
    pub files: u64,
    /// How many bytes they have together.
    pub bytes: u64,
    /// What could not be had when the evidence was captured. A gap is no problem of the bag.
    pub gaps: Vec<Gap>,
    /// The SHA-256 of the tag manifest as it lies there, to compare with the one that the timeline recorded.
    pub tag_manifest_sha256: Option<String>,
    /// The SHA-256 of the tag manifest of the pass before.
    pub previous: Option<String>,
    /// Everything that is wrong, by path; empty when the bag is what was sealed.
    pub problems: Vec<Problem>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }
}

/// One thing that is wrong with a bag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The path in the bag.
    pub path: String,
    /// What sort of thing is wrong.
    pub kind: Kind,
    /// What is wrong, for people. Paths in it are escaped.
    pub sentence: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// The sorts of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Sealed, and not there.
    Missing,
    /// There, and not what was sealed.
    Changed,
    /// There, and not sealed.
    Extra,
    /// Not in the form in which it is written.
    Malformed,
    /// It leads outside the bag, or could.
    Unsafe,
    /// Two files of the bag say different things.
    Disagrees,
    /// It does not follow the pass before.
    Chain,
}

/// Why a folder could not be judged at all. Nothing is known about the evidence; the caller says so and ends with
/// "unreadable input".
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no bag in the folder.
    #[error("{} is no bag of evidence; give the folder that holds bagit.txt.", .dir.display())]
    NotABag {
        /// The folder.
        dir: PathBuf,
    },
    /// A tag file is longer than any that is written.
    #[error("{} is longer than a tag file can be, and was not read; download the bag again.", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A folder or file could not be read.
    #[error("{} cannot be read ({source}); check that it is there and that you may read it.", .path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
