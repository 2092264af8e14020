//! Files stay small enough to be read in one go.

use std::fs;
use std::path::{Path, PathBuf};

use crate::repository::{found, none, root};

const LINES: usize = 350;

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
}
