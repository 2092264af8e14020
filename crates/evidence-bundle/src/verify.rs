//! Judging a downloaded bag, offline.

use std::collections::BTreeMap;
use std::path::Path;

use crate::bag::DECLARATION;
use crate::path::{is_payload, shown, unsafe_because};
use crate::walk::Folder;
use crate::{BAG_INFO, BAGIT, CUSTODY, CUSTODY_V, Custody, MANIFEST, PAYLOAD, TAG_MANIFEST, manifest, sha256_hex};
use crate::{Kind, Problem, Verdict, VerifyError};

/// The tag files that every bag of ours has and its tag manifest covers.
const COVERED: [&str; 4] = [BAGIT, BAG_INFO, MANIFEST, CUSTODY];

/// Judges the bag in a folder: each file that was sealed is there and unchanged, nothing else is, and the custody file
/// and `Payload-Oxum` agree with the manifest. Payload files are read as streams; links are never followed.
///
/// # Errors
/// [`VerifyError`] when the folder holds no bag or cannot be read. What is wrong with the bag is no error but in
/// [`Verdict::problems`].
pub fn verify(bag_dir: &Path) -> Result<Verdict, VerifyError> {
    let mut folder = Folder::walk(bag_dir)?;
    if !COVERED.iter().chain([&TAG_MANIFEST]).any(|path| folder.files.contains_key(*path)) {
        return Err(VerifyError::NotABag { dir: bag_dir.to_owned() });
    }
    let problems = std::mem::take(&mut folder.problems);
    let mut check = Check { folder: &folder, problems };
    check.shape()?;
    let tags = check.manifest(TAG_MANIFEST)?;
    let payload = check.manifest(MANIFEST)?;
    check.covered(&tags, &payload);
    let (files, bytes) = check.oxum()?;
    let custody = check.custody(&payload)?;
    let mut problems = check.problems;
    problems.sort();
    problems.dedup();

    let tag_manifest_sha256 = folder.read(TAG_MANIFEST)?.map(|content| sha256_hex(&content));
    let (incident_id, opening, pass, sealed_at, gaps, previous) = match custody {
        Some(c) => (Some(c.incident_id), Some(c.opening), Some(c.pass), Some(c.sealed_at), c.gaps, c.previous),
        None => (None, None, None, None, Vec::new(), None),
    };
    Ok(Verdict { incident_id, opening, pass, sealed_at, files, bytes, gaps, tag_manifest_sha256, previous, problems })
}

/// Judges the bags of one opening, given in the order of their passes: each by itself, and that each names the seal of
/// the one before. What is wrong between two bags is a problem of the later.
///
/// # Errors
/// Those of [`verify`], for the first folder that has one.
pub fn verify_chain<P: AsRef<Path>>(bag_dirs: &[P]) -> Result<Vec<Verdict>, VerifyError> {
    let mut verdicts: Vec<Verdict> = Vec::new();
    for dir in bag_dirs {
        let mut verdict = verify(dir.as_ref())?;
        let broken = link_problems(verdicts.last(), &verdict);
        verdict.problems.extend(broken);
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

fn link_problems(before: Option<&Verdict>, verdict: &Verdict) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut broken =
        |sentence: &str| problems.push(Problem { path: CUSTODY.into(), kind: Kind::Chain, sentence: sentence.into() });
    match before {
        None if verdict.previous.is_some() => {
            broken("The pass names one before it, which was not given; give every pass from the first on.");
        }
        None => {}
        Some(before) => {
            if (&before.incident_id, before.opening) != (&verdict.incident_id, verdict.opening) {
                broken("The pass is about another incident or opening than the one before it.");
            }
            if before.pass >= verdict.pass {
                broken("The pass does not come after the one given before it.");
            }
            if verdict.previous.is_none() && verdict.sealed_at.is_some() && before.sealed_at > verdict.sealed_at {
                broken(
                    "The pass before was sealed later than this one, which could therefore not name its seal; compare that \
                     one with the seal that the incident recorded.",
                );
            } else if verdict.previous.is_none() || before.tag_manifest_sha256 != verdict.previous {
                broken("The pass does not name the seal of the one before it: one of the two was replaced.");
            }
        }
    }
    problems
}

type Hashes = BTreeMap<String, String>;

struct Check<'a> {
    folder: &'a Folder,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn report(&mut self, kind: Kind, path: &str, sentence: String) {
        self.problems.push(Problem { path: path.to_owned(), kind, sentence });
    }

    fn missing(&mut self, path: &str) {
        self.report(Kind::Missing, path, format!("`{}` is missing.", shown(path)));
    }

    /// The parts that every bag has.
    fn shape(&mut self) -> Result<(), VerifyError> {
        for path in COVERED.iter().chain([&TAG_MANIFEST]) {
            if !self.folder.files.contains_key(*path) {
                self.missing(path);
            }
        }
        if !self.folder.has_payload_folder {
            let sentence = "The folder `data` is missing; where nothing was captured, create it empty.";
            self.report(Kind::Missing, PAYLOAD, sentence.into());
        }
        if self.folder.read(BAGIT)?.is_some_and(|content| content != DECLARATION.as_bytes()) {
            self.report(Kind::Malformed, BAGIT, format!("`{BAGIT}` does not declare BagIt 1.0 in UTF-8."));
        }
        Ok(())
    }

    /// Compares every file that a manifest lists, and returns what it lists.
    fn manifest(&mut self, name: &str) -> Result<Hashes, VerifyError> {
        let Some(text) = self.text(name)? else { return Ok(Hashes::new()) };
        let (entries, malformed) = manifest::parse(&text);
        for line in malformed {
            self.report(Kind::Malformed, name, format!("Line {line} of `{name}` is not one hash and one new path."));
        }
        for (path, sha256) in &entries {
            let seen = shown(path);
            if let Some(why) = unsafe_because(path) {
                self.report(Kind::Unsafe, path, format!("`{name}` lists `{seen}`, which {why}; it was not opened."));
            } else if is_payload(path) != (name == MANIFEST) {
                self.report(Kind::Malformed, path, format!("`{name}` lists `{seen}`, which does not belong there."));
            } else {
                match self.folder.sha256(path)? {
                    None => self.missing(path),
                    Some(found) if found != *sha256 => {
                        self.report(Kind::Changed, path, format!("`{seen}` is not what was sealed: its hash differs."));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(entries)
    }

    /// Everything that lies there was sealed.
    fn covered(&mut self, tags: &Hashes, payload: &Hashes) {
        let folder = self.folder;
        for path in COVERED.iter().filter(|path| !tags.contains_key(**path)) {
            self.report(Kind::Malformed, path, format!("`{TAG_MANIFEST}` does not list `{path}`."));
        }
        for path in folder.files.keys().filter(|path| *path != TAG_MANIFEST && !COVERED.contains(&path.as_str())) {
            let listed = if is_payload(path) { payload.contains_key(path) } else { tags.contains_key(path) };
            if !listed {
                self.report(Kind::Extra, path, format!("`{}` is extra: it was not there when sealed.", shown(path)));
            }
        }
    }

    /// The number of payload files and of their bytes, as they lie there and as `Payload-Oxum` says.
    fn oxum(&mut self) -> Result<(u64, u64), VerifyError> {
        let sizes = self.folder.files.iter().filter(|(path, _)| is_payload(path)).map(|(_, bytes)| *bytes);
        let (files, bytes) = sizes.fold((0, 0), |(files, sum), bytes| (files + 1, sum + bytes));
        if let Some(text) = self.text(BAG_INFO)? {
            let said: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("Payload-Oxum: ")).collect();
            if said != [format!("{bytes}.{files}").as_str()] {
                let sentence =
                    format!("`{BAG_INFO}` does not say Payload-Oxum {bytes}.{files}, which is what is there.");
                self.report(Kind::Disagrees, BAG_INFO, sentence);
            }
        }
        Ok((files, bytes))
    }

    /// The custody file, compared with the payload manifest and the sizes of the files.
    fn custody(&mut self, payload: &Hashes) -> Result<Option<Custody>, VerifyError> {
        let Some(content) = self.folder.read(CUSTODY)? else { return Ok(None) };
        let custody: Custody = match serde_json::from_slice(&content) {
            Ok(custody) => custody,
            Err(error) => {
                self.report(Kind::Malformed, CUSTODY, format!("`{CUSTODY}` cannot be read: {error}."));
                return Ok(None);
            }
        };
        if custody.v != CUSTODY_V {
            let sentence = format!("`{CUSTODY}` has v {}, and this version reads v {CUSTODY_V}.", custody.v);
            self.report(Kind::Malformed, CUSTODY, sentence);
        }
        let mut unnamed = payload.clone();
        for file in &custody.files {
            let seen = shown(&file.path);
            if unnamed.remove(&file.path).as_ref() != Some(&file.sha256) {
                let sentence = format!("`{CUSTODY}` and `{MANIFEST}` disagree about `{seen}`.");
                self.report(Kind::Disagrees, &file.path, sentence);
            }
            if self.folder.files.get(&file.path).is_some_and(|bytes| *bytes != file.bytes) {
                let sentence = format!("`{CUSTODY}` gives `{seen}` another size than it has.");
                self.report(Kind::Disagrees, &file.path, sentence);
            }
        }
        for path in unnamed.keys() {
            let sentence = format!("`{CUSTODY}` does not say where `{}` came from.", shown(path));
            self.report(Kind::Disagrees, path, sentence);
        }
        Ok(Some(custody))
    }

    /// A tag file as text; none if it is not there (which `shape` reports) or not UTF-8.
    fn text(&mut self, name: &str) -> Result<Option<String>, VerifyError> {
        let Some(content) = self.folder.read(name)? else { return Ok(None) };
        let text = String::from_utf8(content).ok();
        if text.is_none() {
            self.report(Kind::Malformed, name, format!("`{name}` is not UTF-8."));
        }
        Ok(text)
    }
}
