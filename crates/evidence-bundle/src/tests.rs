//! A bag from sealing to verdict: the golden one, tampered ones, random ones.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use crate::*;

const ERRORS: &str = "{\"errors\":[0,0,41]}\n";
const LINES: &str = "order 1 failed\norder 2 failed\n";

fn file(collector: &str, name: &str, content: &[u8]) -> CapturedFile {
    CapturedFile {
        path: data_path(collector, name),
        collector: collector.into(),
        query: "GetMetricData Checkout/Errors, Sum, 60 s".into(),
        window: Some(Window {
            from: "2026-02-03T03:30:00Z".parse().unwrap(),
            to: "2026-02-03T04:05:06Z".parse().unwrap(),
        }),
        source_arn: None,
        collected_at: "2026-02-03T04:05:06Z".parse().unwrap(),
        version_id: Some("3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY".into()),
        bytes: content.len() as u64,
        sha256: sha256_hex(content),
    }
}

fn custody(pass: Pass, files: Vec<CapturedFile>, previous: Option<String>) -> Custody {
    Custody {
        v: CUSTODY_V,
        incident_id: "inc-20260203-0123456789".into(),
        opening: 1,
        pass,
        sealed_at: "2026-02-03T04:05:07.25Z".parse().unwrap(),
        version: "0.1.0".into(),
        files,
        gaps: vec![Gap {
            collector: "traces".into(),
            what: "traces of checkout".into(),
            reason: "X-Ray refused the query (AccessDenied).".into(),
        }],
        previous,
    }
}

fn golden() -> Custody {
    let mut lines = file("logs", "/aws/lambda/checkout.ndjson", LINES.as_bytes());
    lines.query = "FilterLogEvents /aws/lambda/checkout, every stream".into();
    lines.source_arn = Some("arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/checkout".into());
    custody(Pass::Warm, vec![file("metrics", "errors.json", ERRORS.as_bytes()), lines], None)
}

/// Writes what a download gives: the payload, the folder `data`, and the tag files.
fn write(dir: &Path, custody: &Custody, payload: &[(String, Vec<u8>)]) -> Bag {
    let bag = seal(custody).unwrap();
    fs::create_dir_all(dir.join(PAYLOAD)).unwrap();
    for (path, content) in payload.iter().chain(&bag.tag_files) {
        fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
        fs::write(dir.join(path), content).unwrap();
    }
    bag
}

fn golden_in(dir: &Path) -> Bag {
    let custody = golden();
    let contents = [ERRORS, LINES].map(|content| content.as_bytes().to_vec());
    let payload: Vec<_> = custody.files.iter().map(|file| file.path.clone()).zip(contents).collect();
    write(dir, &custody, &payload)
}

/// The golden bag after `tamper` has exactly these problems.
#[track_caller]
fn check(tamper: impl FnOnce(&Path), expected: &[(Kind, &str)]) {
    let dir = TempDir::new().unwrap();
    golden_in(dir.path());
    tamper(dir.path());
    let verdict = verify(dir.path()).unwrap();
    let found: Vec<(Kind, &str)> = verdict.problems.iter().map(|p| (p.kind, p.path.as_str())).collect();
    assert_eq!(found, expected, "{:#?}", verdict.problems);
}

/// Replaces the text in a tag file and seals again, as someone would who wants it to go unseen.
fn forge(dir: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(dir.join(name)).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(dir.join(name), text.replace(from, to)).unwrap();
    let names = [BAG_INFO, BAGIT, CUSTODY, MANIFEST];
    let hashes = names.map(|name| sha256_hex(&fs::read(dir.join(name)).unwrap()));
    let lines = names.iter().zip(&hashes).map(|(name, hash)| (*name, hash.as_str()));
    fs::write(dir.join(TAG_MANIFEST), manifest::render(lines)).unwrap();
}

const METRICS: &str = "data/metrics/errors.json";

#[test]
fn the_golden_bag_is_written_byte_for_byte_and_is_intact() {
    let fixture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/1-warm");
    let bag = seal(&golden()).unwrap();
    let names: Vec<&str> = bag.tag_files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(names, [BAGIT, BAG_INFO, MANIFEST, CUSTODY, TAG_MANIFEST]);
    for (path, content) in &bag.tag_files {
        assert_eq!(String::from_utf8_lossy(content), fs::read_to_string(fixture.join(path)).unwrap(), "{path}");
    }

    let verdict = verify(&fixture).unwrap();
    assert_eq!(verdict.problems, []);
    assert_eq!((verdict.files, verdict.bytes), (2, (ERRORS.len() + LINES.len()) as u64));
    assert_eq!(verdict.incident_id.as_deref(), Some("inc-20260203-0123456789"));
    assert_eq!((verdict.opening, verdict.pass, verdict.gaps.len()), (Some(1), Some(Pass::Warm), 1));
    assert_eq!(verdict.tag_manifest_sha256, Some(bag.tag_manifest_sha256));
}

#[test]
fn a_retry_writes_the_same_bytes_whatever_the_order_of_its_collectors() {
    let mut other = golden();
    other.files.reverse();
    other.files.push(other.files[0].clone());
    other.gaps.extend(other.gaps.clone());
    assert_eq!(seal(&other), seal(&golden()));
}

#[test]
fn an_empty_pass_is_a_bag() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), &custody(Pass::Warm, vec![], None), &[]);
    let verdict = verify(dir.path()).unwrap();
    assert!(verdict.is_intact(), "{:?}", verdict.problems);
    assert_eq!((verdict.files, verdict.bytes, verdict.gaps.len()), (0, 0, 1));
}

#[test]
fn what_would_not_verify_is_not_sealed() {
    #[track_caller]
    fn refused(change: impl FnOnce(&mut Custody), why: &str) {
        let mut custody = golden();
        change(&mut custody);
        assert_eq!(seal(&custody).unwrap_err().to_string(), format!("The evidence cannot be sealed: {why}."));
    }
    refused(
        |c| c.files[0].path = "data/../bagit.txt".into(),
        "the path `data/../bagit.txt` has an empty, `.` or `..` part",
    );
    refused(|c| c.files[0].path = "/etc/passwd".into(), "the path `/etc/passwd` is absolute");
    refused(|c| c.files[0].path = "custody.json".into(), "the path `custody.json` is not below data/");
    refused(|c| c.files[0].path = c.files[1].path.clone(), "two different files have one path");
    refused(|c| c.files[1].path = format!("{METRICS}/x"), &format!("`{METRICS}/x` is below a path that is a file"));
    refused(
        |c| c.files[0].sha256 = "A".repeat(64),
        &format!("the hash of `{METRICS}` is no SHA-256 in lower-case hex"),
    );
    refused(|c| c.previous = Some(String::new()), "`previous` is no SHA-256 in lower-case hex");
    refused(|c| c.v = 2, "its custody has v 2, and this version writes v 1");
    refused(
        |c| c.version = "1\nPayload-Oxum: 0.0".into(),
        "the incident id is empty, or it or the version has a line break or control character",
    );
}

#[test]
fn each_kind_of_change_is_found() {
    use Kind::*;
    let no = |name: &'static str| move |dir: &Path| fs::remove_file(dir.join(name)).unwrap();
    let put = |name: &'static str, text: &'static str| move |dir: &Path| fs::write(dir.join(name), text).unwrap();

    check(|_| {}, &[]);
    check(put(METRICS, "{\"errors\":[0,0,40]}\n"), &[(Changed, METRICS)]);
    check(no(METRICS), &[(Disagrees, BAG_INFO), (Missing, METRICS)]);
    check(put("data/new", "x"), &[(Disagrees, BAG_INFO), (Extra, "data/new")]);
    check(put("fetch.txt", "x"), &[(Extra, "fetch.txt")]);
    check(no(BAG_INFO), &[(Missing, BAG_INFO)]);
    check(put(BAGIT, "BagIt-Version: 0.97\n"), &[(Changed, BAGIT), (Malformed, BAGIT)]);
    check(put(CUSTODY, "{"), &[(Changed, CUSTODY), (Malformed, CUSTODY)]);
    check(
        no(TAG_MANIFEST),
        &[
            (Malformed, BAG_INFO),
            (Malformed, BAGIT),
            (Malformed, CUSTODY),
            (Malformed, MANIFEST),
            (Missing, TAG_MANIFEST),
        ],
    );
}

#[test]
fn a_forged_seal_does_not_hide_what_disagrees() {
    use Kind::*;
    let one = sha256_hex(ERRORS.as_bytes());
    let other = "0".repeat(64);
    check(|d| forge(d, MANIFEST, &one, &other), &[(Changed, METRICS), (Disagrees, METRICS)]);
    check(|d| forge(d, CUSTODY, &one, &other), &[(Disagrees, METRICS)]);
    check(|d| forge(d, CUSTODY, "\"bytes\": 20", "\"bytes\": 21"), &[(Disagrees, METRICS)]);
    check(|d| forge(d, CUSTODY, "\"v\": 1", "\"v\": 9"), &[(Malformed, CUSTODY)]);
    check(|d| forge(d, BAG_INFO, "Oxum: 50.2", "Oxum: 50.3"), &[(Disagrees, BAG_INFO)]);
    check(
        |d| forge(d, MANIFEST, METRICS, "data/../../errors.json"),
        &[
            (Unsafe, "data/../../errors.json"),
            (Disagrees, "data/../../errors.json"),
            (Extra, METRICS),
            (Disagrees, METRICS),
        ],
    );
    check(
        |d| forge(d, MANIFEST, METRICS, "/etc/hostname"),
        &[(Unsafe, "/etc/hostname"), (Disagrees, "/etc/hostname"), (Extra, METRICS), (Disagrees, METRICS)],
    );
}

#[cfg(unix)]
#[test]
fn a_link_is_named_and_not_followed() {
    use std::os::unix::fs::symlink;
    let elsewhere = TempDir::new().unwrap();
    fs::write(elsewhere.path().join("errors.json"), ERRORS).unwrap();
    let to_file = |dir: &Path| {
        fs::remove_file(dir.join(METRICS)).unwrap();
        symlink(elsewhere.path().join("errors.json"), dir.join(METRICS)).unwrap();
    };
    check(to_file, &[(Kind::Disagrees, BAG_INFO), (Kind::Missing, METRICS), (Kind::Unsafe, METRICS)]);
    let to_folder = |dir: &Path| {
        fs::remove_dir_all(dir.join("data/metrics")).unwrap();
        symlink(elsewhere.path(), dir.join("data/metrics")).unwrap();
    };
    check(to_folder, &[(Kind::Disagrees, BAG_INFO), (Kind::Unsafe, "data/metrics"), (Kind::Missing, METRICS)]);
}

#[test]
fn a_folder_without_a_bag_is_an_error_with_its_remedy() {
    let dir = TempDir::new().unwrap();
    let error = verify(dir.path()).unwrap_err();
    assert!(matches!(error, VerifyError::NotABag { .. }));
    assert!(error.to_string().ends_with("is no bag of evidence; give the folder that holds bagit.txt."));
    assert!(matches!(verify(&dir.path().join("absent")).unwrap_err(), VerifyError::Io { .. }));
}

#[test]
fn the_passes_form_a_chain() {
    let dirs: Vec<TempDir> = (0..3).map(|_| TempDir::new().unwrap()).collect();
    let paths: Vec<&Path> = dirs.iter().map(TempDir::path).collect();
    let warm = golden_in(paths[0]);
    let complete = write(paths[1], &custody(Pass::Complete, vec![], Some(warm.tag_manifest_sha256)), &[]);
    write(paths[2], &custody(Pass::Late, vec![], Some(complete.tag_manifest_sha256)), &[]);

    let broken = |paths: &[&Path]| -> Vec<usize> {
        let verdicts = verify_chain(paths).unwrap();
        verdicts.iter().map(|v| v.problems.iter().filter(|p| p.kind == Kind::Chain).count()).collect()
    };
    assert_eq!(broken(&paths), [0, 0, 0]);
    assert!(verify_chain(&paths).unwrap().iter().all(Verdict::is_intact));
    assert_eq!(broken(&paths[1..]), [1, 0], "the first names a pass that was not given");
    assert_eq!(broken(&[paths[0], paths[2]]), [0, 1], "the one between is left out");
    assert_eq!(broken(&[paths[0], paths[0]]), [0, 2], "twice the same");

    let mut replaced = golden();
    replaced.gaps.clear();
    let contents = [ERRORS, LINES].map(|content| content.as_bytes().to_vec());
    let payload: Vec<_> = replaced.files.iter().map(|file| file.path.clone()).zip(contents).collect();
    write(paths[0], &replaced, &payload);
    assert!(verify(paths[0]).unwrap().is_intact(), "by itself it looks right");
    assert_eq!(broken(&paths), [0, 1, 0], "the chain shows it");

    let mut other = custody(Pass::Complete, vec![], Some(seal(&replaced).unwrap().tag_manifest_sha256));
    other.opening = 2;
    write(paths[1], &other, &[]);
    assert_eq!(broken(&paths[..2]), [0, 1], "another opening");
}

#[test]
fn a_pass_that_was_sealed_before_the_one_before_it_says_so() {
    let dirs: Vec<TempDir> = (0..2).map(|_| TempDir::new().unwrap()).collect();
    let paths: Vec<&Path> = dirs.iter().map(TempDir::path).collect();
    golden_in(paths[0]);
    let said = |sealed_at: &str| {
        let mut complete = custody(Pass::Complete, vec![], None);
        complete.sealed_at = sealed_at.parse().unwrap();
        write(paths[1], &complete, &[]);
        let verdict = verify_chain(&paths).unwrap().remove(1);
        assert_eq!((verdict.problems.len(), verdict.problems[0].kind), (1, Kind::Chain));
        verdict.problems[0].sentence.clone()
    };
    let sentence = said("2026-02-03T04:05:07Z");
    assert!(sentence.contains("sealed later than this one"), "{sentence}");
    let sentence = said("2026-02-03T04:05:08Z");
    assert!(sentence.contains("one of the two was replaced"), "{sentence}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_files_verify_and_any_flipped_bit_is_found(
        files in prop::collection::vec((any::<String>(), any::<String>(), prop::collection::vec(any::<u8>(), 0..300)), 0..6),
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let dir = TempDir::new().unwrap();
        // A file and a folder cannot have one name, so the first part of each name is its own.
        let captured: Vec<CapturedFile> = files.iter().enumerate()
            .map(|(n, (collector, name, content))| file(collector, &format!("{n}-{name}"), content)).collect();
        let payload: Vec<_> = captured.iter().zip(&files).map(|(c, f)| (c.path.clone(), f.2.clone())).collect();
        let bag = write(dir.path(), &custody(Pass::Warm, captured, None), &payload);
        let verdict = verify(dir.path()).unwrap();
        prop_assert!(verdict.is_intact(), "{:?}", verdict.problems);
        prop_assert_eq!(verdict.files, files.len() as u64);

        let all: Vec<_> = payload.iter().chain(&bag.tag_files).filter(|(_, content)| !content.is_empty()).collect();
        let (path, content) = which.get(&all);
        let mut content = content.clone();
        let at = at.index(content.len());
        content[at] ^= 1 << bit;
        fs::write(dir.path().join(path), content).unwrap();
        prop_assert!(!verify(dir.path()).unwrap().is_intact(), "bit {} of {}", bit, path);
    }
}
