//! Lengths of time as plans write them: `30s`, `5m`, `2h`, `7d`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A length of time in whole seconds, written as a number and one unit of `s`, `m`, `h` or `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u64);

impl Span {
    /// A span of so many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Its length in seconds.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// Whether it is no time at all.
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }

    /// The same as a signed duration, for arithmetic with instants.
    pub fn signed(self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// No plan waits longer than a year, and no arithmetic on a span can overflow below it.
const LONGEST: u64 = 366 * 86_400;

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let remedy =
            || format!("`{text}` is not a length of time; write a number and a unit, such as 30s, 5m, 2h or 7d");
        let unit = text.chars().last().ok_or_else(remedy)?;
        let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(remedy)?;
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(remedy());
        }
        let seconds = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(remedy)?;
        if seconds > LONGEST { Err(format!("`{text}` is longer than a year")) } else { Ok(Self(seconds)) }
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            UNITS.into_iter().find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor)).unwrap_or(('s', 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<(u64, &str), &str>) {
        match (text.parse::<Span>(), expect) {
            (Ok(span), Ok((seconds, shown))) => {
                assert_eq!(span.as_secs(), seconds);
                assert_eq!(span.to_string(), shown);
                assert_eq!(shown.parse::<Span>(), Ok(span), "what is shown reads back");
            }
            (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
            (got, expect) => panic!("{text}: {got:?}, not {expect:?}"),
        }
    }

    #[test]
    fn reads_and_shows() {
        check("30s", Ok((30, "30s")));
        check("60s", Ok((60, "1m")));
        check("90m", Ok((5_400, "90m")));
        check("2h", Ok((7_200, "2h")));
        check("7d", Ok((604_800, "7d")));
        check("0s", Ok((0, "0s")));
        check("", Err("not a length of time"));
        check("5", Err("not a length of time"));
        check("-5m", Err("not a length of time"));
        check("5 m", Err("not a length of time"));
        check("5µ", Err("not a length of time"));
        check("99999999999999999999d", Err("not a length of time"));
        check("400d", Err("longer than a year"));
    }
}
