//! Text in any case, as `equals-ignore-case` compares it: character by character, each as it stands, in lower or in upper
//! case.

use std::borrow::Cow;

/// A text of which the case does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AnyCase(pub(crate) String);

impl AnyCase {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.after_start(text) == Some("")
    }

    pub(crate) fn starts(&self, text: &str) -> bool {
        self.after_start(text).is_some()
    }

    pub(crate) fn ends(&self, text: &str) -> bool {
        let before = self.0.chars().rev().try_fold(text, |rest, c| {
            let lower = || c.to_lowercase().rev().try_fold(rest, |rest, c| rest.strip_suffix(c));
            let upper = || c.to_uppercase().rev().try_fold(rest, |rest, c| rest.strip_suffix(c));
            rest.strip_suffix(c).or_else(lower).or_else(upper)
        });
        before.is_some()
    }

    fn after_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.0.chars().try_fold(text, |rest, c| {
            let lower = || c.to_lowercase().try_fold(rest, |rest, c| rest.strip_prefix(c));
            let upper = || c.to_uppercase().try_fold(rest, |rest, c| rest.strip_prefix(c));
            rest.strip_prefix(c).or_else(lower).or_else(upper)
        })
    }
}

/// The text with every character in its plainest case. Where two texts are the same in any case, begin so or end so, they do
/// when they are folded; folded ones may besides, since `ß` is `SS`, but no `ss` is `ß`.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        return text.chars().flat_map(plainest).collect::<String>().into();
    }
    if text.bytes().any(|b| b.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() }
}

/// What upper and lower case in turn make of a character, until it stays.
fn plainest(c: char) -> impl Iterator<Item = char> {
    let turn = |c: char| c.to_uppercase().flat_map(char::to_lowercase);
    turn(c).flat_map(turn).flat_map(turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_in_any_case_folds_to_the_same() {
        for c in '\0'..=char::MAX {
            let folded = fold(c.encode_utf8(&mut [0; 4])).into_owned();
            assert_eq!(fold(&folded), folded, "{c}");
            assert_eq!(fold(&c.to_lowercase().to_string()), folded, "{c}");
            assert_eq!(fold(&c.to_uppercase().to_string()), folded, "{c}");
        }
        assert_eq!(fold("Straße ΣΊΣΥΦΟΣ"), "strasse σίσυφοσ");
    }

    #[test]
    fn case_does_not_count() {
        let check = |pattern: &str, text: &str, is: bool, starts: bool, ends: bool| {
            let pattern = AnyCase(pattern.to_owned());
            assert_eq!((pattern.is(text), pattern.starts(text), pattern.ends(text)), (is, starts, ends), "{text}");
        };
        check("Alice", "aLICE", true, true, true);
        check("Alice", "alice@x", false, true, false);
        check("Alice", "x-ALICE", false, false, true);
        check("Alice", "alic", false, false, false);
        check("", "", true, true, true);
        check("", "a", false, true, true);
        check("ärger", "ÄRGER", true, true, true);
        check("straße", "STRASSE", true, true, true);
        check("strasse", "straße", false, false, false);
        check("ǅ", "ǅ", true, true, true);
        check("\u{1f600}x", "\u{1f600}X", true, true, true);
    }
}
