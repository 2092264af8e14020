//! Sealing a pass in the bucket, so that a run that was killed anywhere is finished by the next with the same bytes.
//!
//! The custody file is written first, and from then on it is the truth: the other tag files follow from it, and a retry
//! derives them again. Were it written in the bag's own order, a run killed just before it would leave a manifest that
//! the next run's custody contradicts, and keys are written once. The tag manifest is the last, and is the seal.

use std::collections::BTreeMap;

use evidence_bundle::{BAG_INFO, BAGIT, Bag, CUSTODY, Custody, MANIFEST, TAG_MANIFEST, sha256_hex};
use step::StepError;

use crate::bucket::{Bucket, Once};

/// The tag files beside the seal, as they are read back.
const COVERED: [&str; 4] = [BAGIT, BAG_INFO, MANIFEST, CUSTODY];

/// A sealed pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// What is known about it.
    pub(crate) custody: Custody,
    /// The seal.
    pub(crate) tag_manifest_sha256: String,
    /// The versions that the bucket gave the tag files, by path in the bag.
    pub(crate) tag_version_ids: BTreeMap<String, String>,
}

/// The pass, if it is sealed.
///
/// # Errors
/// `Transient` or `Stuck` where the bucket does not answer or its custody file does not read.
pub(crate) async fn sealed(bucket: &Bucket, prefix: &str) -> Result<Option<Sealed>, StepError> {
    let Some(seal) = bucket.read(&format!("{prefix}{TAG_MANIFEST}")).await? else { return Ok(None) };
    let (mut record, mut tag_version_ids) = (None, BTreeMap::new());
    tag_version_ids.extend(seal.version_id.map(|version| (TAG_MANIFEST.to_owned(), version)));
    for path in COVERED {
        let Some(found) = bucket.read(&format!("{prefix}{path}")).await? else { continue };
        tag_version_ids.extend(found.version_id.map(|version| (path.to_owned(), version)));
        record = (path == CUSTODY).then_some(found.content).or(record);
    }
    let record = record.ok_or_else(|| {
        StepError::stuck(format!(
            "the sealed pass {prefix} has no {CUSTODY}; look who deleted it from the evidence bucket"
        ))
    })?;
    let custody = parsed(prefix, &record)?;
    Ok(Some(Sealed { custody, tag_manifest_sha256: sha256_hex(&seal.content), tag_version_ids }))
}

/// The seal of a pass, if it has one: the hash of its tag manifest.
///
/// # Errors
/// `Transient` or `Stuck` where the bucket does not answer.
pub(crate) async fn seal_of(bucket: &Bucket, prefix: &str) -> Result<Option<String>, StepError> {
    let tag_manifest = bucket.read(&format!("{prefix}{TAG_MANIFEST}")).await?;
    Ok(tag_manifest.map(|found| sha256_hex(&found.content)))
}

/// The custody file of a pass, if a run came as far as writing it.
///
/// # Errors
/// `Transient` or `Stuck` where the bucket does not answer or the file does not read.
pub(crate) async fn begun(bucket: &Bucket, prefix: &str) -> Result<Option<Custody>, StepError> {
    let found = bucket.read(&format!("{prefix}{CUSTODY}")).await?;
    found.map(|found| parsed(prefix, &found.content)).transpose()
}

fn parsed(prefix: &str, record: &[u8]) -> Result<Custody, StepError> {
    serde_json::from_slice(record).map_err(|e| {
        StepError::stuck(format!("{prefix}{CUSTODY} does not read ({e}); another version may have written it"))
    })
}

/// A pass whose custody file is in the bucket: nothing of it changes any more, and it has no seal yet.
#[derive(Debug)]
pub(crate) struct Draft {
    bag: Bag,
    /// Whether this run wrote the custody file, and the version that the bucket gave it then.
    ours: bool,
    version: Option<String>,
}

/// Writes the custody file. Where another run was faster, its custody is the one that is to be sealed.
///
/// # Errors
/// `Transient` or `Stuck` where the bucket does not answer.
pub(crate) async fn begin(bucket: &Bucket, prefix: &str, custody: Custody) -> Result<Draft, StepError> {
    let bag = tag_files(&custody)?;
    match bucket.put_once(&format!("{prefix}{CUSTODY}"), record_of(&bag)).await? {
        Once::There => {
            let theirs = begun(bucket, prefix).await?.unwrap_or(custody);
            Ok(Draft { bag: tag_files(&theirs)?, ours: false, version: None })
        }
        Once::Written(version) => Ok(Draft { bag, ours: true, version }),
    }
}

/// Writes the other tag files, the seal last.
///
/// # Errors
/// `Transient` or `Stuck` where the bucket does not answer; `Stuck` where it holds a tag file that contradicts the
/// custody file.
pub(crate) async fn seal(bucket: &Bucket, prefix: &str, draft: Draft) -> Result<Sealed, StepError> {
    let Draft { bag, ours, version } = draft;
    let mut tag_version_ids = BTreeMap::new();
    tag_version_ids.extend(version.map(|version| (CUSTODY.to_owned(), version)));
    for (path, content) in bag.tag_files.iter().filter(|(path, _)| !(ours && path == CUSTODY)) {
        let version = tag_file(bucket, &format!("{prefix}{path}"), content).await?;
        tag_version_ids.extend(version.map(|version| (path.clone(), version)));
    }
    // Counted is what was written, sorted and without repetitions, as a retry reads it.
    let custody = parsed(prefix, record_of(&bag))?;
    Ok(Sealed { custody, tag_manifest_sha256: bag.tag_manifest_sha256, tag_version_ids })
}

/// Writes one tag file, or finds it as it should be; its version comes back.
async fn tag_file(bucket: &Bucket, key: &str, content: &[u8]) -> Result<Option<String>, StepError> {
    if let Once::Written(version) = bucket.put_once(key, content).await? {
        return Ok(version);
    }
    match bucket.read(key).await? {
        Some(found) if found.content == content => Ok(found.version_id),
        _ => Err(StepError::stuck(format!("{key} is in the bucket with other content; compare its versions"))),
    }
}

fn record_of(bag: &Bag) -> &[u8] {
    bag.tag_files.iter().find(|(path, _)| path == CUSTODY).map_or(&[], |(_, content)| content)
}

fn tag_files(custody: &Custody) -> Result<Bag, StepError> {
    evidence_bundle::seal(custody).map_err(StepError::stuck)
}

#[cfg(test)]
mod tests {
    use evidence_bundle::{CUSTODY_V, Pass};

    use super::*;
    use crate::samples::{Answer, at, canned, config};

    const P: &str = "v1/incidents/inc-20261123-0123456789/1/1-warm/";
    const DONE: Answer<'static> = (200, &[("x-amz-version-id", "v1")], "");
    const TAKEN: Answer<'static> = (412, &[], "<Error><Code>PreconditionFailed</Code></Error>");
    const MISSING: Answer<'static> = (404, &[], "<Error><Code>NoSuchKey</Code></Error>");

    fn custody(sealed_at: &str) -> Custody {
        Custody {
            v: CUSTODY_V,
            incident_id: "inc-20261123-0123456789".into(),
            opening: 1,
            pass: Pass::Warm,
            sealed_at: at(sealed_at),
            version: "0.1.0".into(),
            files: Vec::new(),
            gaps: Vec::new(),
            previous: None,
        }
    }

    fn record(custody: &Custody) -> String {
        String::from_utf8(record_of(&tag_files(custody).unwrap()).to_vec()).unwrap()
    }

    fn keys(http: &aws_smithy_http_client::test_util::StaticReplayClient) -> Vec<String> {
        let last = |uri: &str| {
            uri.split(['?', '/']).find(|part| part.ends_with(".txt") || part.ends_with(".json")).unwrap().to_owned()
        };
        http.actual_requests().map(|request| format!("{} {}", request.method(), last(request.uri()))).collect()
    }

    /// As the bag's own order has them.
    fn versions(ids: [&str; 5]) -> BTreeMap<String, String> {
        let paths = COVERED.iter().chain([&TAG_MANIFEST]);
        paths.zip(ids).map(|(path, id)| ((*path).to_owned(), id.to_owned())).collect()
    }

    async fn both(http: &aws_smithy_http_client::test_util::StaticReplayClient) -> Result<Sealed, StepError> {
        let bucket = Bucket::new(&config(http), "b");
        seal(&bucket, P, begin(&bucket, P, custody("14:03:00")).await?).await
    }

    #[tokio::test]
    async fn the_custody_comes_first_and_the_seal_last() {
        let http = canned([DONE; 5]);
        let sealed = both(&http).await.unwrap();
        assert_eq!(keys(&http), [CUSTODY, BAGIT, BAG_INFO, MANIFEST, TAG_MANIFEST].map(|path| format!("PUT {path}")));
        let last = http.actual_requests().last().unwrap();
        assert_eq!(sha256_hex(last.body().bytes().unwrap()), sealed.tag_manifest_sha256);
        assert_eq!(sealed.custody, custody("14:03:00"));
        assert_eq!(sealed.tag_version_ids, versions(["v1"; 5]));
    }

    #[tokio::test]
    async fn the_custody_that_is_there_is_the_one_that_is_sealed() {
        let theirs = record(&custody("14:02:00"));
        let found: Answer<'_> = (200, &[("x-amz-version-id", "v0")], &theirs);
        let http = canned([TAKEN, found, DONE, DONE, DONE, TAKEN, found, DONE]);
        let sealed = both(&http).await.unwrap();
        assert_eq!(sealed.custody, custody("14:02:00"));
        assert_eq!(sealed.tag_manifest_sha256, tag_files(&custody("14:02:00")).unwrap().tag_manifest_sha256);
        assert_eq!(sealed.tag_version_ids, versions(["v1", "v1", "v1", "v0", "v1"]));
        assert_eq!(http.actual_requests().count(), 8);
    }

    #[tokio::test]
    async fn a_tag_file_that_contradicts_the_custody_is_never_sealed() {
        let http = canned([DONE, TAKEN, (200, &[], "BagIt-Version: 0.97\n")]);
        let error = both(&http).await.unwrap_err();
        assert_eq!(error.name(), "Stuck");
        assert_eq!(keys(&http).last().unwrap(), "GET bagit.txt");
    }

    #[tokio::test]
    async fn a_sealed_pass_is_read_back() {
        let record = record(&custody("14:03:00"));
        let [seal, tag, custody_file]: [Answer<'_>; 3] = [
            (200, &[("x-amz-version-id", "v5")], "tag manifest"),
            (200, &[("x-amz-version-id", "v1")], "tag"),
            (200, &[("x-amz-version-id", "v4")], &record),
        ];
        let http = canned([seal, tag, tag, tag, custody_file]);
        let found = sealed(&Bucket::new(&config(&http), "b"), P).await.unwrap().unwrap();
        assert_eq!((found.custody, found.tag_manifest_sha256), (custody("14:03:00"), sha256_hex(b"tag manifest")));
        assert_eq!(found.tag_version_ids, versions(["v1", "v1", "v1", "v4", "v5"]));
        let http = canned([MISSING]);
        assert_eq!(sealed(&Bucket::new(&config(&http), "b"), P).await.unwrap(), None);
        let http = canned([seal, tag, tag, tag, MISSING]);
        assert_eq!(sealed(&Bucket::new(&config(&http), "b"), P).await.unwrap_err().name(), "Stuck");
    }
}
