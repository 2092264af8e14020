//! Evidence: bags downloaded by version, and judged offline.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use aws_sdk_s3::Client;
use evidence_bundle::{BAG_INFO, BAGIT, CUSTODY, Custody, MANIFEST, PAYLOAD, Pass, TAG_MANIFEST, Verdict};
use incident::{SealedPass, V};
use serde_json::{Value, json};
use step::sdk_error;
use tokio::io::AsyncWriteExt;

use crate::args::Get;
use crate::cloud::Cloud;
use crate::report::{Report, line};

/// Written before the captured files; the custody file says which those are.
const TAG_FILES: [&str; 5] = [BAGIT, BAG_INFO, MANIFEST, CUSTODY, TAG_MANIFEST];

/// Downloads the sealed passes of an incident and judges them, each also against the seal that the incident recorded.
pub(crate) async fn get(cloud: &Cloud, what: &Get) -> anyhow::Result<Report> {
    let (s3, bucket) = cloud.bucket()?;
    let incident = cloud.store()?.load(&what.id).await.map_err(|e| cloud.explain(e))?;
    let wanted = |pass: &&SealedPass| what.pass.is_none_or(|wanted| wanted.as_str() == pass.pass);
    let passes: Vec<&SealedPass> = incident.evidence.iter().filter(wanted).collect();
    if passes.is_empty() {
        let pass = what.pass.map(|pass| format!("pass {pass}")).unwrap_or_else(|| "pass".to_owned());
        bail!("no {pass} of the evidence of {} is sealed (yet); `tourniquet show {}` says what is", what.id, what.id);
    }
    let mut dirs = Vec::new();
    for sealed in &passes {
        let dir = what.dir.join(&what.id).join(incident.opening.to_string()).join(&sealed.pass);
        let source = Source { cloud, s3: &s3, bucket: &bucket, sealed };
        source.download(&dir).await?;
        dirs.push(dir);
    }
    let mut verdicts = judge(&dirs, what.pass.is_none())?;
    for (verdict, sealed) in verdicts.iter_mut().zip(&passes) {
        compare_seal(verdict, sealed);
    }
    let bags: Vec<Value> = dirs.iter().zip(&verdicts).map(|(dir, verdict)| object(dir, verdict)).collect();
    let object = json!({"v": V, "incident_id": what.id, "bags": bags});
    Ok(Report { objects: vec![object], ..report(&dirs, &verdicts) })
}

/// Judges folders that are there.
pub(crate) fn verify(dirs: &[PathBuf]) -> anyhow::Result<Report> {
    let dirs: Vec<PathBuf> = dirs.iter().flat_map(|dir| bags_in(dir)).collect();
    let verdicts = judge(&dirs, dirs.len() > 1)?;
    Ok(report(&dirs, &verdicts))
}

/// The folder itself, or the passes in it, in order.
fn bags_in(dir: &Path) -> Vec<PathBuf> {
    let passes = [Pass::Warm, Pass::Complete, Pass::Late].map(|pass| dir.join(pass.as_str()));
    let found: Vec<PathBuf> = passes.into_iter().filter(|pass| pass.is_dir()).collect();
    if found.is_empty() || dir.join(BAGIT).exists() { vec![dir.to_owned()] } else { found }
}

fn judge(dirs: &[PathBuf], chain: bool) -> anyhow::Result<Vec<Verdict>> {
    if chain {
        return Ok(evidence_bundle::verify_chain(dirs)?);
    }
    dirs.iter().map(|dir| Ok(evidence_bundle::verify(dir)?)).collect()
}

/// Whoever can write everything can write a consistent bag: the seal that was recorded is the other witness.
fn compare_seal(verdict: &mut Verdict, sealed: &SealedPass) {
    if verdict.tag_manifest_sha256.as_deref() != Some(&sealed.tag_manifest_sha256) {
        let sentence = "The seal is not the one that the incident recorded: the bag was replaced.".to_owned();
        verdict.problems.push(evidence_bundle::Problem {
            path: TAG_MANIFEST.to_owned(),
            kind: evidence_bundle::Kind::Changed,
            sentence,
        });
    }
}

fn report(dirs: &[PathBuf], verdicts: &[Verdict]) -> Report {
    let mut report = Report::default();
    for (dir, verdict) in dirs.iter().zip(verdicts) {
        let intact = if verdict.is_intact() { "intact" } else { "NOT INTACT" };
        let (files, gaps) = (verdict.files, verdict.gaps.len());
        report.text.push_str(&format!("{}: {intact}, {files} files, {gaps} gaps\n", dir.display()));
        for gap in &verdict.gaps {
            report.text.push_str(&format!("  gap: {} ({}): {}\n", line(&gap.what), gap.collector, line(&gap.reason)));
        }
        for problem in &verdict.problems {
            report.text.push_str(&format!("  wrong: {problem}\n"));
        }
        report.wrong |= !verdict.is_intact();
        report.objects.push(object(dir, verdict));
    }
    report
}

fn object(dir: &Path, verdict: &Verdict) -> Value {
    let mut object = serde_json::to_value(verdict).unwrap_or_default();
    object["v"] = V.into();
    object["dir"] = dir.display().to_string().into();
    object["intact"] = verdict.is_intact().into();
    object
}

/// One bag in the bucket.
struct Source<'a> {
    cloud: &'a Cloud,
    s3: &'a Client,
    bucket: &'a str,
    sealed: &'a SealedPass,
}

impl Source<'_> {
    async fn download(&self, dir: &Path) -> anyhow::Result<()> {
        // An object store keeps no empty folders, and a bag without captured files has one.
        create(&dir.join(PAYLOAD))?;
        for name in TAG_FILES {
            self.fetch(dir, name, tag_version(self.sealed, name)).await?;
        }
        let custody = std::fs::read(dir.join(CUSTODY)).with_context(|| format!("{CUSTODY} cannot be read back"))?;
        let custody: Custody = serde_json::from_slice(&custody)
            .map_err(|e| anyhow!("{}/{CUSTODY} does not read ({e}), so that its files are not known", self.prefix()))?;
        for file in &custody.files {
            self.fetch(dir, &file.path, file.version_id.as_deref()).await?;
        }
        Ok(())
    }

    /// One file, as a stream.
    async fn fetch(&self, dir: &Path, path: &str, version: Option<&str>) -> anyhow::Result<()> {
        let target = below(dir, path)?;
        let key = format!("{}/{path}", self.prefix());
        let get = self.s3.get_object().bucket(self.bucket).key(&key).set_version_id(version.map(str::to_owned));
        let failed = format!("s3://{}/{key} could not be downloaded", self.bucket);
        let mut object = get.send().await.map_err(|e| self.cloud.explain(sdk_error(failed.clone(), e)))?;
        if let Some(folder) = target.parent() {
            create(folder)?;
        }
        let unwritten = || format!("{} cannot be written", target.display());
        let mut file = tokio::fs::File::create(&target).await.with_context(unwritten)?;
        while let Some(part) = object.body.try_next().await.with_context(|| failed.clone())? {
            file.write_all(&part).await.with_context(unwritten)?;
        }
        file.flush().await.with_context(unwritten)
    }

    fn prefix(&self) -> &str {
        self.sealed.prefix.trim_end_matches('/')
    }
}

/// The version that was sealed; what was written over it since is not what is asked for. An earlier release recorded
/// none, and the newest is taken: the seal tells whether it is the one.
fn tag_version<'a>(sealed: &'a SealedPass, name: &str) -> Option<&'a str> {
    sealed.tag_version_ids.get(name).map(String::as_str)
}

fn create(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))
}

/// Where a file of a bag goes; what would lead outside the bag is refused.
fn below(dir: &Path, path: &str) -> anyhow::Result<PathBuf> {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
    if path.split('/').all(is_plain) {
        return Ok(dir.join(path));
    }
    bail!("the bag names the file `{}`, which is no path in it; nothing was written there", line(path))
}

#[cfg(test)]
mod tests {
    use evidence_bundle::{CUSTODY_V, CapturedFile, seal, sha256_hex};
    use jiff::Timestamp;

    use super::*;

    /// A bag of one file, as a download leaves it.
    fn bag(dir: &Path, pass: Pass, previous: Option<String>) -> String {
        let content = b"2 errors\n";
        let custody = Custody {
            v: CUSTODY_V,
            incident_id: "inc-20261123-0123456789".into(),
            opening: 1,
            pass,
            sealed_at: Timestamp::UNIX_EPOCH,
            version: "0.1.0".into(),
            files: vec![CapturedFile {
                path: "data/logs/errors.txt".into(),
                collector: "logs".into(),
                query: "q".into(),
                window: None,
                source_arn: None,
                collected_at: Timestamp::UNIX_EPOCH,
                version_id: None,
                bytes: content.len() as u64,
                sha256: sha256_hex(content),
            }],
            gaps: vec![],
            previous,
        };
        let sealed = seal(&custody).unwrap();
        std::fs::create_dir_all(dir.join("data/logs")).unwrap();
        std::fs::write(dir.join("data/logs/errors.txt"), content).unwrap();
        for (path, content) in sealed.tag_files {
            std::fs::write(dir.join(path), content).unwrap();
        }
        sealed.tag_manifest_sha256
    }

    /// The pass as the incident has it.
    fn sealed(tag_manifest_sha256: &str) -> SealedPass {
        SealedPass {
            pass: "1-warm".into(),
            prefix: "p/".into(),
            tag_manifest_sha256: tag_manifest_sha256.to_owned(),
            tag_version_ids: [(CUSTODY.to_owned(), "v7".to_owned())].into(),
            files: 1,
            gaps: 0,
            sealed_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn tag_files_are_asked_for_by_the_version_that_was_sealed() {
        assert_eq!(tag_version(&sealed("0"), CUSTODY), Some("v7"));
        assert_eq!(tag_version(&sealed("0"), BAGIT), None);
        let mut earlier = serde_json::to_value(sealed("0")).unwrap();
        earlier.as_object_mut().unwrap().remove("tag_version_ids").unwrap();
        let earlier: SealedPass = serde_json::from_value(earlier).unwrap();
        assert_eq!(tag_version(&earlier, CUSTODY), None, "a record of an earlier release");
    }

    #[test]
    fn the_passes_of_an_opening_are_a_chain() {
        let root = tempfile::tempdir().unwrap();
        let first = bag(&root.path().join("1-warm"), Pass::Warm, None);
        bag(&root.path().join("2-complete"), Pass::Complete, Some(first));
        let report = verify(&[root.path().to_owned()]).unwrap();
        assert!(!report.wrong, "{}", report.text);
        assert_eq!(report.objects.len(), 2);
        assert_eq!((&report.objects[1]["pass"], &report.objects[1]["intact"]), (&json!("2-complete"), &json!(true)));

        bag(&root.path().join("2-complete"), Pass::Complete, Some(sha256_hex(b"another")));
        assert!(verify(&[root.path().to_owned()]).unwrap().wrong);
        assert!(!verify(&[root.path().join("2-complete")]).unwrap().wrong, "one alone is no chain");
    }

    #[test]
    fn what_was_changed_is_found() {
        let root = tempfile::tempdir().unwrap();
        bag(root.path(), Pass::Warm, None);
        std::fs::write(root.path().join("data/logs/errors.txt"), "0 errors\n").unwrap();
        let report = verify(&[root.path().to_owned()]).unwrap();
        assert!(report.wrong);
        assert!(report.text.contains("NOT INTACT") && report.text.contains("hash differs"), "{}", report.text);
    }

    #[test]
    fn a_bag_that_was_replaced_as_a_whole_is_found() {
        let root = tempfile::tempdir().unwrap();
        let seal = bag(root.path(), Pass::Warm, None);
        let mut verdict = evidence_bundle::verify(root.path()).unwrap();
        compare_seal(&mut verdict, &sealed(&seal));
        assert!(verdict.is_intact());
        compare_seal(&mut verdict, &sealed("0"));
        assert!(verdict.problems[0].to_string().contains("replaced"));
    }

    #[test]
    fn what_is_no_bag_is_said() {
        let root = tempfile::tempdir().unwrap();
        assert!(verify(&[root.path().to_owned()]).unwrap_err().to_string().contains("bagit.txt"));
        let missing = verify(&[root.path().join("nowhere")]).unwrap_err().to_string();
        assert!(missing.contains("cannot be read"), "{missing}");
    }

    #[test]
    fn nothing_leads_outside_the_bag() {
        let dir = Path::new("/bag");
        assert_eq!(below(dir, "data/logs/a.txt").unwrap(), Path::new("/bag/data/logs/a.txt"));
        for path in ["", "/etc/passwd", "../x", "data/../../x", "data//x", "data\\x", "."] {
            assert!(below(dir, path).is_err(), "{path}");
        }
    }
}
