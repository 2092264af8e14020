//! The lines of a manifest: a hash, two spaces, a path.
//!
//! RFC 8493 lets others write them more freely. A manifest of ours is read as strictly as it is written, so that not
//! one of its bytes can change unseen.

use std::collections::BTreeMap;

use crate::hashing::is_sha256;

/// The manifest of these hashes by path, in the order of the paths.
pub(crate) fn render<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let sorted: BTreeMap<&str, &str> = entries.into_iter().collect();
    sorted.iter().map(|(path, sha256)| format!("{sha256}  {}\n", encode(path))).collect()
}

/// The hashes by path, and the numbers of the lines (from 1) that `render` cannot have written.
pub(crate) fn parse(text: &str) -> (BTreeMap<String, String>, Vec<usize>) {
    let mut entries = BTreeMap::new();
    let mut malformed = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let read = entry(line);
        let doubled = read.as_ref().is_some_and(|(path, _)| entries.contains_key(path));
        match read {
            Some((path, sha256)) if !doubled => {
                entries.insert(path, sha256);
            }
            _ => malformed.push(index + 1),
        }
    }
    (entries, malformed)
}

fn entry(line: &str) -> Option<(String, String)> {
    let (sha256, path) = line.strip_suffix('\n')?.split_once("  ")?;
    let decoded = decode(path)?;
    (is_sha256(sha256) && encode(&decoded) == path).then(|| (decoded, sha256.to_owned()))
}

/// RFC 8493, 2.1.3: a line feed, a carriage return and a percent sign are percent-encoded, and nothing else is.
fn encode(path: &str) -> String {
    path.replace('%', "%25").replace('\n', "%0A").replace('\r', "%0D")
}

fn decode(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut decoded = parts.next()?.to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        decoded.push(match code {
            "25" => '%',
            "0A" => '\n',
            "0D" => '\r',
            _ => return None,
        });
        decoded.push_str(rest);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let hash = "a".repeat(64);
        let paths = ["data/a", "data/b c", "data/50%0A", "data/two\r\nlines", "data/é"];
        let text = render(paths.map(|path| (path, hash.as_str())));
        let (entries, malformed) = parse(&text);
        assert_eq!(malformed, [0_usize; 0]);
        assert_eq!(entries.len(), paths.len());
        assert!(paths.iter().all(|path| entries[*path] == hash), "{entries:?}");
        assert!(text.contains("data/50%250A\n") && text.contains("data/two%0D%0Alines\n"), "{text}");
    }

    #[test]
    fn no_other_form_is_read() {
        let hash = "a".repeat(64);
        for line in [
            format!("{hash}  data/a"),
            format!("{hash} data/a\n"),
            format!("{hash}  data/a\r\n"),
            format!("{hash}  data/%0a\n"),
            format!("{hash}  data/%\n"),
            format!("{}  data/a\n", "A".repeat(64)),
            "\n".to_owned(),
        ] {
            assert_eq!(parse(&line), (BTreeMap::new(), vec![1]), "{line:?}");
        }
        assert_eq!(parse(&format!("{hash}  data/a\n{hash}  data/a\n")).1, [2]);
        assert_eq!(parse(""), (BTreeMap::new(), vec![]));
    }
}
