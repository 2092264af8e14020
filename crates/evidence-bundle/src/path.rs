//! Names: of a bag in the bucket, and of a file in a bag.

use crate::{PAYLOAD, Pass, sha256_hex};

/// The longest folder or file name that is made, and the longest name below the collector's folder, in bytes: a file
/// system takes 255 and a key 1,024.
const LONGEST_SEGMENT: usize = 100;
const LONGEST_NAME: usize = 400;

/// Where the bag of a pass is in the bucket, with the slash at its end: `v1/incidents/<id>/<opening>/<pass>/`. The key
/// of a file is this and its path in the bag.
pub fn prefix(incident_id: &str, opening: u32, pass: Pass) -> String {
    format!("v1/incidents/{incident_id}/{opening}/{pass}/")
}

/// Where a collector's file is in the bag: `data/<collector>/<name>`. Slashes in `name` make folders.
///
/// Any text will do: it never leads outside `data/`, it is portable ASCII, and different texts give different paths. A
/// name that had to be changed for that carries 12 digits of its hash behind `~`.
pub fn data_path(collector: &str, name: &str) -> String {
    let folder = portable(collector, &segment(collector));
    let kept: Vec<String> = name.split('/').map(segment).filter(|segment| !segment.is_empty()).collect();
    format!("{PAYLOAD}/{folder}/{}", portable(name, &kept.join("/")))
}

/// Why a path must not be followed below the root of a bag; none if it may be.
pub(crate) fn unsafe_because(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        Some("is empty")
    } else if path.starts_with('/') {
        Some("is absolute")
    } else if path.contains(['\\', '\0']) {
        Some("has a character that other systems read as the end of a name")
    } else if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        Some("has an empty, `.` or `..` part")
    } else {
        None
    }
}

/// Whether the path is below the folder of the captured files.
pub(crate) fn is_payload(path: &str) -> bool {
    path.strip_prefix(PAYLOAD).is_some_and(|rest| rest.starts_with('/'))
}

/// One name without its slashes and foreign characters; empty for what is no name of a file.
fn segment(text: &str) -> String {
    let portable = |c: char| if c.is_ascii_alphanumeric() || "._-+=@".contains(c) { c } else { '-' };
    match text {
        "." | ".." => String::new(),
        _ => text.chars().map(portable).take(LONGEST_SEGMENT).collect(),
    }
}

/// `cleaned` where nothing was lost; otherwise `cleaned` marked with the hash of `original`, before its extension.
fn portable(original: &str, cleaned: &str) -> String {
    if cleaned == original && !cleaned.is_empty() && cleaned.len() <= LONGEST_NAME {
        return cleaned.to_owned();
    }
    let mark = &sha256_hex(original.as_bytes())[..12];
    let (folder, file) = match cleaned.rsplit_once('/') {
        Some((folder, file)) if cleaned.len() <= LONGEST_NAME => (format!("{folder}/"), file),
        Some((_, file)) => (String::new(), file),
        None => (String::new(), cleaned),
    };
    match file.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 8 => format!("{folder}{stem}~{mark}.{extension}"),
        _ => format!("{folder}{file}~{mark}"),
    }
}

/// The sentence-ready form of a path: what could move a terminal's cursor or forge a line is escaped.
pub(crate) fn shown(path: &str) -> String {
    path.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(collector: &str, name: &str, expected: &str) {
        assert_eq!(data_path(collector, name), expected);
    }

    #[test]
    fn a_portable_name_stays_and_any_other_is_marked() {
        check("metrics", "errors.json", "data/metrics/errors.json");
        check("logs", "checkout/part-1.ndjson", "data/logs/checkout/part-1.ndjson");
        check("logs", "/aws/lambda/checkout", "data/logs/aws/lambda/checkout~88b471dba97a");
        check("logs", "../../bagit.txt", "data/logs/bagit~f8abeac2b92e.txt");
        check("..", "a", "data/~5ec1f7e700f3/a");
        check("a/b", "a b%\r\n.json", "data/a-b~c14cddc033f6/a-b---~e67a7935585c.json");
        check("logs", "", "data/logs/~e3b0c44298fc");
    }

    #[test]
    fn names_that_look_alike_stay_apart_and_long_ones_fit() {
        assert_ne!(data_path("logs", "a b"), data_path("logs", "a-b"));
        assert_ne!(data_path("logs", "/a"), data_path("logs", "a"));
        let long = data_path("logs", &"x/".repeat(3000));
        assert!(long.len() < 600, "{long}");
        assert_ne!(data_path("logs", &"x".repeat(300)), data_path("logs", &"x".repeat(301)));
    }

    #[test]
    fn a_path_that_escapes_is_known() {
        for path in ["", "/etc/passwd", "data/../x", "..", "data//x", "data/./x", "data\\..\\x", "data/x/", "data/\0"] {
            assert!(unsafe_because(path).is_some(), "{path:?}");
        }
        for path in ["data/x", "data/..x/y..", "custody.json"] {
            assert!(unsafe_because(path).is_none(), "{path:?}");
        }
    }

    #[test]
    fn a_pass_has_its_prefix() {
        assert_eq!(prefix("inc-20260101-0123456789", 2, Pass::Late), "v1/incidents/inc-20260101-0123456789/2/3-late/");
    }

    proptest! {
        #[test]
        fn no_name_leads_outside(collector in any::<String>(), name in "[./\\\\a%\\PC]{0,40}") {
            let path = data_path(&collector, &name);
            prop_assert!(unsafe_because(&path).is_none() && is_payload(&path) && path.is_ascii(), "{path}");
        }
    }
}
