//! Sealing: the tag files of a pass, from its custody.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use crate::hashing::is_sha256;
use crate::path::{is_payload, shown, unsafe_because};
use crate::{BAG_INFO, BAGIT, CUSTODY, CUSTODY_V, Custody, MANIFEST, TAG_MANIFEST, manifest, sha256_hex};

/// The bag declaration of RFC 8493.
pub(crate) const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// The tag files that make a bag of the captured files that are in the bucket already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bag {
    /// Path in the bag and content, in the order to be written. The last is the tag manifest: it seals the pass.
    pub tag_files: Vec<(String, Vec<u8>)>,
    /// The SHA-256 of the tag manifest: what the timeline records, and the `previous` of the next pass.
    pub tag_manifest_sha256: String,
}

/// A custody that no valid bag can be made of. It is a mistake of the code that built it: no retry helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The evidence cannot be sealed: {0}.")]
pub struct SealError(String);

/// Makes the tag files of a pass. The same custody gives the same bytes, also with its files and gaps in another
/// order, so that a retry writes what the first try wrote.
///
/// A custody without files is a valid bag: its gaps are what it keeps.
///
/// # Errors
/// [`SealError`] when [`verify`](crate::verify) would refuse the bag: a path that is not below `data/` or is there
/// twice, a hash that is none, a line break in a name.
pub fn seal(custody: &Custody) -> Result<Bag, SealError> {
    let custody = in_order(custody);
    check(&custody)?;

    let hashes = custody.files.iter().map(|file| (file.path.as_str(), file.sha256.as_str()));
    let mut record = serde_json::to_vec_pretty(&custody).map_err(|error| SealError(error.to_string()))?;
    record.push(b'\n');
    let mut tag_files = vec![
        (BAGIT.to_owned(), DECLARATION.as_bytes().to_vec()),
        (BAG_INFO.to_owned(), bag_info(&custody).into_bytes()),
        (MANIFEST.to_owned(), manifest::render(hashes).into_bytes()),
        (CUSTODY.to_owned(), record),
    ];

    let hashes: Vec<String> = tag_files.iter().map(|(_, content)| sha256_hex(content)).collect();
    let entries = tag_files.iter().zip(&hashes).map(|((path, _), sha256)| (path.as_str(), sha256.as_str()));
    let tag_manifest = manifest::render(entries).into_bytes();
    let tag_manifest_sha256 = sha256_hex(&tag_manifest);
    tag_files.push((TAG_MANIFEST.to_owned(), tag_manifest));
    Ok(Bag { tag_files, tag_manifest_sha256 })
}

/// Collectors work side by side and finish in any order; what is said twice is said once.
fn in_order(custody: &Custody) -> Custody {
    let mut custody = custody.clone();
    custody.files.sort_by(|a, b| a.path.cmp(&b.path));
    custody.files.dedup();
    custody.gaps.sort();
    custody.gaps.dedup();
    custody
}

fn check(custody: &Custody) -> Result<(), SealError> {
    let refuse = |why: String| Err(SealError(why));
    if custody.v != CUSTODY_V {
        return refuse(format!("its custody has v {}, and this version writes v {CUSTODY_V}", custody.v));
    }
    if custody.incident_id.is_empty() || [&custody.incident_id, &custody.version].iter().any(|text| has_control(text)) {
        return refuse("the incident id is empty, or it or the version has a line break or control character".into());
    }
    if custody.previous.as_deref().is_some_and(|previous| !is_sha256(previous)) {
        return refuse("`previous` is no SHA-256 in lower-case hex".into());
    }
    let paths: BTreeSet<&str> = custody.files.iter().map(|file| file.path.as_str()).collect();
    if paths.len() < custody.files.len() {
        return refuse("two different files have one path".into());
    }
    for file in &custody.files {
        let path = shown(&file.path);
        if let Some(why) = unsafe_because(&file.path) {
            return refuse(format!("the path `{path}` {why}"));
        }
        if !is_payload(&file.path) {
            return refuse(format!("the path `{path}` is not below data/"));
        }
        if !is_sha256(&file.sha256) {
            return refuse(format!("the hash of `{path}` is no SHA-256 in lower-case hex"));
        }
        // A bucket can hold `data/a` beside `data/a/b`; the folder that it is downloaded to cannot.
        if file.path.match_indices('/').any(|(end, _)| paths.contains(&file.path[..end])) {
            return refuse(format!("`{path}` is below a path that is a file"));
        }
    }
    Ok(())
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// The source organisation is left out: only the team knows what it calls itself.
fn bag_info(custody: &Custody) -> String {
    let Custody { incident_id, opening, pass, version, .. } = custody;
    let date = TimeZone::UTC.to_datetime(custody.sealed_at).date();
    let (bytes, files) = (custody.files.iter().map(|file| file.bytes).sum::<u64>(), custody.files.len());
    let gaps = custody.gaps.len();
    format!(
        "Bag-Software-Agent: tourniquet {version}\n\
         Bagging-Date: {date}\n\
         External-Description: Evidence about incident {incident_id}, opening {opening}, pass {pass}: files {files}, gaps {gaps}\n\
         External-Identifier: {incident_id}/{opening}/{pass}\n\
         Bag-Group-Identifier: {incident_id}\n\
         Payload-Oxum: {bytes}.{files}\n"
    )
}
