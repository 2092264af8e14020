//! `wildcard`: text in which `*` stands for any characters, or for none.

use super::edge::Edge;

/// Text with stars in it. A star or backslash that stands for itself is written with a backslash before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wildcard {
    /// What stands between the stars: one part more than there are stars.
    parts: Vec<String>,
}

/// A part of a wildcard that stands in every match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// What comes before the first star.
    Head,
    /// What comes after the last.
    Tail,
    /// The longest of what stands between two.
    Longest,
    /// What stands between two, by its number from 0.
    Middle(usize),
}

impl Wildcard {
    /// Reads one. The error is what is wrong, and what to write instead.
    pub(crate) fn of(text: &str) -> Result<Self, (&'static str, &'static str)> {
        let mut parts = vec![String::new()];
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let literal = match (c, chars.peek()) {
                ('*', Some('*')) => return Err(("two stars follow each other", "write one: it stands for any text")),
                ('*', _) => {
                    parts.push(String::new());
                    continue;
                }
                ('\\', Some(next @ ('*' | '\\'))) => {
                    let next = *next;
                    chars.next();
                    next
                }
                ('\\', _) => {
                    return Err(("a backslash stands before a plain character", "write `\\\\` for a backslash"));
                }
                _ => c,
            };
            if let Some(part) = parts.last_mut() {
                part.push(literal);
            }
        }
        Ok(Self { parts })
    }

    /// Takes time in proportion to the text: of what stands between two stars the first place is as good as any later one.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (first, last, middle) = match self.parts.as_slice() {
            [] => return false,
            [only] => return only == text,
            [first, middle @ .., last] => (first, last, middle),
        };
        let Some(rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
            return false;
        };
        let after = |rest: &'_ str, part: &String| rest.find(part.as_str()).map(|at| at + part.len());
        let mut rest = rest;
        middle.iter().all(|part| {
            after(rest, part).is_some_and(|at| {
                rest = &rest[at..];
                true
            })
        })
    }

    /// This part, or where there is none, the first that there is: which edge of every match it is, if any, and the text.
    pub(crate) fn literal(&self, part: Part) -> Option<(Option<Edge>, &str)> {
        let (head, rest) = self.parts.split_first()?;
        let Some((tail, middle)) = rest.split_last() else { return Some((Some(Edge::Whole), head)) };
        let of = |part: Part| match part {
            Part::Head => (Some(Edge::Start), head.as_str()),
            Part::Tail => (Some(Edge::End), tail.as_str()),
            Part::Longest => (None, middle.iter().max_by_key(|part| part.len()).map_or("", String::as_str)),
            Part::Middle(n) => (None, middle.get(n).map_or("", String::as_str)),
        };
        [part, Part::Head, Part::Tail, Part::Longest].into_iter().map(of).find(|(_, text)| !text.is_empty())
    }

    /// How many parts stand between two stars.
    pub(crate) fn middles(&self) -> usize {
        self.parts.len().saturating_sub(2)
    }

    /// Whether it has no star, so that one text alone matches.
    pub(crate) fn is_plain(&self) -> bool {
        self.parts.len() == 1
    }

    /// How many characters every match has at least.
    pub(crate) fn characters(&self) -> usize {
        self.parts.iter().map(|part| part.chars().count()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let wildcard = Wildcard::of(pattern).unwrap();
        yes.iter().for_each(|text| assert!(wildcard.matches(text), "{pattern} on {text}"));
        no.iter().for_each(|text| assert!(!wildcard.matches(text), "{pattern} on {text}"));
    }

    #[test]
    fn stars_stand_for_any_text() {
        check("dir/*.png", &["dir/a.png", "dir/.png", "dir/b/c.png"], &["dir/a.pn", "a/dir/a.png", "dir/png"]);
        check("*", &["", "x"], &[]);
        check("", &[""], &["x"]);
        check("a*a", &["aa", "aba", "aaa"], &["a", "ab"]);
        check("*ab*ab*", &["abab", "xabyabz"], &["ab", "aab", "aba"]);
        check("*a", &["a", "ba"], &["ab", ""]);
        check("a*b*c", &["abc", "axbxc", "abbbc", "abcbc"], &["acb", "abx", "ac"]);
        check("hello*world*!", &["helloworld!", "hello world, hello world!"], &["hello world"]);
        check(r"\*a\\*", &[r"*a\", r"*a\x"], &[r"xa\", "*a"]);
        check("*ö*", &["schön"], &["schon"]);
    }

    #[test]
    fn what_is_none_is_refused() {
        for (text, message) in [("a**b", "two stars"), (r"a\b", "a backslash"), (r"a\", "a backslash")] {
            assert!(Wildcard::of(text).unwrap_err().0.contains(message), "{text}");
        }
        assert!(Wildcard::of(r"*\**").is_ok());
    }

    #[test]
    fn knows_what_every_match_has() {
        let wildcard = Wildcard::of(r"a\*b*c*dé").unwrap();
        assert_eq!(wildcard.characters(), 6);
        assert_eq!(wildcard.literal(Part::Head), Some((Some(Edge::Start), "a*b")));
        assert_eq!(wildcard.literal(Part::Tail), Some((Some(Edge::End), "dé")));
        assert_eq!(wildcard.literal(Part::Longest), Some((None, "c")));
        assert_eq!(wildcard.middles(), 1);
        let other = |text: &str, part| Wildcard::of(text).unwrap().literal(part).map(|(_, text)| text.to_owned());
        assert_eq!(other("*a*bc*d*", Part::Head).as_deref(), Some("bc"));
        assert_eq!(other("*b", Part::Longest).as_deref(), Some("b"));
        assert_eq!(other("a*bcd*ef*g", Part::Middle(1)).as_deref(), Some("ef"));
        assert_eq!(other("a*b*", Part::Middle(1)).as_deref(), Some("a"));
        assert_eq!((other("", Part::Tail).as_deref(), other("*", Part::Head)), (Some(""), None));
        assert!(!wildcard.is_plain() && Wildcard::of("ab").unwrap().is_plain());
    }
}
