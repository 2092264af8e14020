//! The evidence about one incident, kept so that nobody can change it unseen.
//!
//! Each pass over the evidence is a `BagIt` 1.0 bag (RFC 8493) under [`prefix`]: the captured files below `data/`,
//! a manifest of their hashes, [`Custody`] (where each file came from, and what could not be had), and a tag manifest
//! that is written last and seals the pass. The custody file of the next pass names the hash of that tag manifest, so
//! the passes of an opening form a chain.
//!
//! Reading order: [`Pass`] and [`prefix`] say where a bag lives, [`data_path`] where a file lives in it, [`Hashing`]
//! what a file is, [`seal`] makes the tag files, [`verify`] and [`verify_chain`] judge a downloaded folder.
//!
//! What a bag alone cannot show: someone who may write everything can write a whole new, consistent bag. The versions
//! and the lock of the bucket stand against that, and the hash of the tag manifest that the timeline recorded.

mod bag;
mod custody;
mod hashing;
mod manifest;
mod path;
mod verdict;
mod verify;
mod walk;

#[cfg(test)]
mod tests;

pub use bag::{Bag, SealError, seal};
pub use custody::{CUSTODY_V, CapturedFile, Custody, Gap, Pass, UnknownPass, Window};
pub use hashing::{Hashing, sha256_hex};
pub use path::{data_path, prefix};
pub use verdict::{Kind, Problem, Verdict, VerifyError};
pub use verify::{verify, verify_chain};

/// The folder of the captured files. A bag has it even when everything is a gap: whoever downloads a bag creates it,
/// since an object store keeps no empty folders.
pub const PAYLOAD: &str = "data";
/// The bag declaration, the same bytes in every bag.
pub const BAGIT: &str = "bagit.txt";
/// What the bag is, for people and for other `BagIt` tools.
pub const BAG_INFO: &str = "bag-info.txt";
/// The hash of every captured file.
pub const MANIFEST: &str = "manifest-sha256.txt";
/// [`Custody`] as JSON.
pub const CUSTODY: &str = "custody.json";
/// The hash of every other tag file. It is written last: a pass is sealed if and only if it is there.
pub const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
