//! Files stay small enough to be read in one go, and the template to be deployed without a bucket.

use std::fs;
use std::path::{Path, PathBuf};

use crate::repository::{found, none, read, root};

const LINES: usize = 350;

/// CloudFormation's quota of a template that is handed over in the call itself.
const TEMPLATE_BYTES: usize = 51_200;

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn problems(file: &Path, content: &str) -> Option<String> {
    let lines = content.lines().count();
    (lines > LINES).then(|| format!("{} has {lines} lines: split it, {LINES} are the limit", file.display()))
}

fn too_large(template: &str) -> Option<String> {
    let bytes = template.len();
    (bytes > TEMPLATE_BYTES).then(|| format!("template.yaml has {bytes} bytes: {TEMPLATE_BYTES} are the limit"))
}

#[test]
fn the_template_needs_no_bucket() {
    none(&too_large(&read("template.yaml")).into_iter().collect::<Vec<_>>());
}

#[test]
fn files_are_small() {
    let mut files = Vec::new();
    for folder in ["crates", "tests", "xtask"] {
        rust_files(&root().join(folder), &mut files);
    }
    assert!(files.len() > 50, "only {} files were found", files.len());
    let check = |file: &PathBuf| problems(file, &fs::read_to_string(file).unwrap());
    none(&files.iter().filter_map(check).collect::<Vec<_>>());
}

#[test]
fn the_check_finds_what_it_is_for() {
    assert_eq!(problems(Path::new("a.rs"), &"\n".repeat(LINES)), None);
    found(&problems(Path::new("a.rs"), &"\n".repeat(LINES + 1)).into_iter().collect::<Vec<_>>(), "has 351 lines");
    assert_eq!(too_large(&"x".repeat(TEMPLATE_BYTES)), None);
    found(&too_large(&"x".repeat(TEMPLATE_BYTES + 1)).into_iter().collect::<Vec<_>>(), "has 51201 bytes");
}
