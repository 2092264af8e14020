//! What lies in a downloaded folder, found without following a link.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::path::shown;
use crate::{Hashing, Kind, PAYLOAD, Problem, VerifyError};

/// A tag file is held in memory, so there is a limit to it: room for some 400,000 files.
const LONGEST_TAG_FILE: u64 = 64 * 1024 * 1024;
const BUFFER: usize = 64 * 1024;

/// The plain files of a folder, by path below it with `/`, and their sizes. Only what is in it is ever opened, so
/// nothing that a manifest says can lead elsewhere.
pub(crate) struct Folder {
    root: PathBuf,
    pub(crate) files: BTreeMap<String, u64>,
    pub(crate) has_payload_folder: bool,
    /// What lies there and is neither a plain file nor a folder.
    pub(crate) problems: Vec<Problem>,
}

impl Folder {
    pub(crate) fn walk(root: &Path) -> Result<Folder, VerifyError> {
        let mut folder =
            Folder { root: root.to_owned(), files: BTreeMap::new(), has_payload_folder: false, problems: Vec::new() };
        let mut waiting = vec![(root.to_owned(), String::new())];
        while let Some((dir, below)) = waiting.pop() {
            for entry in fs::read_dir(&dir).map_err(io_at(&dir))? {
                let entry = entry.map_err(io_at(&dir))?;
                if let Some(next) = folder.take(&entry, &below)? {
                    waiting.push(next);
                }
            }
        }
        Ok(folder)
    }

    /// The content of a tag file; none if it is not there.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, VerifyError> {
        let Some(bytes) = self.files.get(path) else { return Ok(None) };
        let full = self.root.join(path);
        if *bytes > LONGEST_TAG_FILE {
            return Err(VerifyError::TooLong { path: full });
        }
        let mut content = Vec::new();
        let file = File::open(&full).map_err(io_at(&full))?;
        file.take(LONGEST_TAG_FILE).read_to_end(&mut content).map_err(io_at(&full))?;
        Ok(Some(content))
    }

    /// The SHA-256 of a file in constant memory; none if it is not there.
    pub(crate) fn sha256(&self, path: &str) -> Result<Option<String>, VerifyError> {
        if !self.files.contains_key(path) {
            return Ok(None);
        }
        let full = self.root.join(path);
        let file = File::open(&full).map_err(io_at(&full))?;
        let mut hashing = Hashing::new();
        io::copy(&mut BufReader::with_capacity(BUFFER, file), &mut hashing).map_err(io_at(&full))?;
        Ok(Some(hashing.finish().0))
    }

    /// Notes one entry of a folder, and returns it if it is a folder itself.
    fn take(&mut self, entry: &fs::DirEntry, below: &str) -> Result<Option<(PathBuf, String)>, VerifyError> {
        let full = entry.path();
        let metadata = fs::symlink_metadata(&full).map_err(io_at(&full))?;
        let name = entry.file_name();
        let path = format!("{below}{}", name.to_string_lossy());
        let mut refuse = |what: &str| {
            let sentence = format!("`{}` is {what}; a bag holds plain files and folders only.", shown(&path));
            self.problems.push(Problem { path: path.clone(), kind: Kind::Unsafe, sentence });
        };
        if name.to_str().is_none() {
            refuse("a name that is not UTF-8");
        } else if metadata.is_symlink() {
            refuse("a symbolic link, which was not followed");
        } else if metadata.is_dir() {
            self.has_payload_folder |= path == PAYLOAD;
            return Ok(Some((full, format!("{path}/"))));
        } else if metadata.is_file() {
            self.files.insert(path, metadata.len());
        } else {
            refuse("a device, pipe or socket, which was not opened");
        }
        Ok(None)
    }
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> VerifyError {
    let path = path.to_owned();
    move |source| VerifyError::Io { path, source }
}
