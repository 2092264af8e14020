//! Text that is safe to send: one line, cut to a length, moments in the reader's time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// One line of at most `max` characters: what would break it, or turn its direction, becomes a space.
pub(crate) fn line(text: &str, max: usize) -> String {
    let shown: String = text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect();
    cut(shown.trim(), max)
}

/// At most `max` characters, the last one `…` where something is missing.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(max.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// A moment in the reader's time zone and in UTC; in UTC alone where they have none, or one that nobody knows.
pub(crate) fn moment(at: Timestamp, time_zone: Option<&str>) -> String {
    let utc = at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    match time_zone.and_then(|name| TimeZone::get(name).ok()) {
        Some(zone) => format!("{} ({utc})", at.to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M:%S %Z")),
        None => utc,
    }
}

/// So many seconds as people say it, in the two largest units.
pub(crate) fn length(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60) {
        (0, 0, 0, _) => format!("{seconds} s"),
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, h, ..) => format!("{d} d {h} h"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Control characters, line separators, and the marks that reorder or hide text.
fn breaks(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines() {
        assert_eq!(line("a\r\nb\tc\u{202e}d\u{2028}", 99), "a  b c d");
        assert_eq!(line("ääääää", 4), "äää…");
        assert_eq!(line("ääää", 4), "ääää");
        assert_eq!(cut("ab", 0), "…");
    }

    #[test]
    fn moments_are_shown_where_the_reader_is() {
        let at: Timestamp = "2026-11-23T02:03:04Z".parse().unwrap();
        assert_eq!(moment(at, Some("Europe/Berlin")), "2026-11-23 03:03:04 CET (2026-11-23 02:03:04 UTC)");
        assert_eq!(moment(at, Some("Mars/Olympus")), "2026-11-23 02:03:04 UTC");
        assert_eq!(moment(at, None), "2026-11-23 02:03:04 UTC");
    }

    #[test]
    fn lengths_have_two_units() {
        for (seconds, shown) in [
            (0.0, "0 s"),
            (2.4, "2.4 s"),
            (59.0, "59 s"),
            (61.0, "1 min 1 s"),
            (3_725.0, "1 h 2 min"),
            (90_000.0, "1 d 1 h"),
        ] {
            assert_eq!(length(seconds), shown);
        }
    }

    #[test]
    fn words_are_joined() {
        let words = ["sns", "slack", "mail"].map(String::from);
        assert_eq!(
            [list(&words[..0]), list(&words[..1]), list(&words[..2]), list(&words)].join("|"),
            "|sns|sns and slack|sns, slack and mail"
        );
    }
}
