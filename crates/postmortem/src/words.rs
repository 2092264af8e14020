//! How instants, lengths of time and texts of others are shown.

use jiff::Timestamp;

/// `2026-11-23 14:03:12 UTC`.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Seconds from one instant to another, rounded to a tenth.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.duration_since(from).as_secs_f64() * 10.0).round() / 10.0
}

/// A length of time in its two largest units, held together by no-break spaces: `0.4 s`, `42 s`, `3 min 12 s`, `2 h 5 min`,
/// `1 d 3 h`.
pub(crate) fn length(seconds: f64) -> String {
    if seconds < 59.95 {
        return format!("{}\u{a0}s", (seconds * 10.0).round() / 10.0);
    }
    let whole = seconds.round() as u64;
    let (large, small, units) = match whole {
        0..3_600 => (whole / 60, whole % 60, ("min", "s")),
        3_600..86_400 => (whole / 3_600, whole % 3_600 / 60, ("h", "min")),
        _ => (whole / 86_400, whole % 86_400 / 3_600, ("d", "h")),
    };
    match small {
        0 => format!("{large}\u{a0}{}", units.0),
        _ => format!("{large}\u{a0}{}\u{a0}{small}\u{a0}{}", units.0, units.1),
    }
}

/// `1 file`, `2 files`, `no file`.
pub(crate) fn count(n: u32, one: &str) -> String {
    match n {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        _ => format!("{n} {one}s"),
    }
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A text of others on one line: line breaks and other control characters become spaces, and the characters that turn
/// the direction of what follows are dropped, since a page must not show what is not there.
pub(crate) fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !turns(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether a text may become a link: https, and nothing that could end or change it.
pub(crate) fn is_link(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic() && !r#"<>"'`\|^{}()"#.contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units() {
        for (seconds, shown) in [
            (0.0, "0 s"),
            (0.4, "0.4 s"),
            (42.0, "42 s"),
            (59.9, "59.9 s"),
            (59.96, "1 min"),
            (192.0, "3 min 12 s"),
            (3_599.6, "1 h"),
            (7_500.0, "2 h 5 min"),
            (97_200.0, "1 d 3 h"),
        ] {
            assert_eq!(length(seconds), shown.replace(' ', "\u{a0}"));
        }
    }

    #[test]
    fn texts_of_others_stay_on_their_line() {
        assert_eq!(plain("a\r\nb\u{202e}c\u{0}"), "a  bc ");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn only_plain_https_becomes_a_link() {
        assert!(is_link("https://eu-west-1.console.aws.amazon.com/home?region=eu-west-1#alarm/a%20b"));
        for text in
            ["http://a", "javascript:alert(1)", "https://", "https://a b", "https://a\"b", "https://a)b", "docs/r.md"]
        {
            assert!(!is_link(text), "{text}");
        }
    }
}
