//! Plan errors, as a compiler shows them: where, what, the line itself and what to write instead.

use std::fmt;

use serde::Serialize;
use serde_saphyr::Location;

/// One thing that is wrong with a plan, `teams.yaml` or `owners.yaml`, for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanError {
    /// The file, as it was named to the reader.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// What is wrong: one plain sentence without its full stop.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// The line as it stands in the file, with anything that looks like a token masked; empty where there is none.
    pub snippet: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        if !self.snippet.is_empty() {
            let indent = usize::try_from(self.column.saturating_sub(1)).unwrap_or(0);
            writeln!(f, "{:>5} | {}", self.line, self.snippet)?;
            writeln!(f, "      | {}^", " ".repeat(indent.min(LONGEST_LINE)))?;
        }
        write!(f, "      help: {}", self.remedy)
    }
}

impl std::error::Error for PlanError {}

/// Everything that is wrong with a set of plans, in the order of files and lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanErrors(pub Vec<PlanError>);

impl fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if n == 0 { "" } else { "\n\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanErrors {}

/// Lines are shown up to this many characters.
const LONGEST_LINE: usize = 160;

/// So many letters and digits are a routing key.
const ROUTING_KEY: usize = 32;

/// One file and what is wrong with it so far.
pub(crate) struct Report<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    pub(crate) errors: Vec<PlanError>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, errors: Vec::new() }
    }

    /// Notes one error. A position that nobody knows is the beginning of the file.
    pub(crate) fn add(&mut self, at: Location, message: impl AsRef<str>, remedy: impl AsRef<str>) {
        let error = PlanError {
            file: self.file.to_owned(),
            line: at.line().max(1),
            column: at.column().max(1),
            message: masked(&one_line(message.as_ref())),
            remedy: masked(remedy.as_ref()),
            snippet: snippet(self.text, at.line().max(1)),
        };
        self.errors.push(error);
    }
}

/// Whether a text begins as Slack's tokens do, or is as long and plain as PagerDuty's routing keys are: neither has a
/// place in a file that is reviewed.
pub(crate) fn looks_like_token(text: &str) -> bool {
    let begins = |start: &&str| text.get(..start.len()).is_some_and(|s| s.eq_ignore_ascii_case(start));
    let is_key = text.len() == ROUTING_KEY && text.bytes().all(|b| b.is_ascii_alphanumeric());
    is_key || ["xox", "xapp-", "xwfp-"].iter().any(begins)
}

/// The known name nearest to what was written, if it is near enough to be meant.
pub fn nearest<'n>(written: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let written: Vec<char> = written.chars().take(64).flat_map(char::to_lowercase).collect();
    let allowed = (written.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| (distance(&written, &name.to_lowercase().chars().collect::<Vec<_>>()), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count())
        .min()
        .map(|(_, name)| name)
}

/// The words of a list as people write them: `a`, `b` or `c`.
pub(crate) fn listed(words: &[&str]) -> String {
    match words {
        [] => String::from("nothing"),
        [one] => format!("`{one}`"),
        [most @ .., last] => {
            format!("{} or `{last}`", most.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Edit distance in which a swap of neighbours counts once, as the fingers do it.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// A line of the text, fit for a terminal; the caret's column stays right.
fn snippet(text: &str, line: u64) -> String {
    let line = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    masked(&one_line(text.lines().nth(line).unwrap_or_default().trim_end()))
}

/// Without control characters and not longer than can be read.
fn one_line(text: &str) -> String {
    text.chars().take(LONGEST_LINE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The text with every token in it replaced by as many stars.
fn masked(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        shown.push_str(&if looks_like_token(word) { "*".repeat(word.len()) } else { word.to_owned() });
        let between = after.find(is_part).unwrap_or(after.len());
        shown.push_str(&after[..between]);
        rest = &after[between..];
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_an_error_as_a_compiler_does() {
        let error = PlanError {
            file: "plans/a.yaml".into(),
            line: 12,
            column: 3,
            message: "`onwer` is not known here".into(),
            remedy: "did you mean `owner`?".into(),
            snippet: "  onwer: payments".into(),
        };
        let expect = "plans/a.yaml:12:3: `onwer` is not known here\n   12 |   onwer: payments\n      |   ^\n      \
                      help: did you mean `owner`?";
        assert_eq!(error.to_string(), expect);
        assert_eq!(PlanErrors(vec![error.clone(), error]).to_string(), format!("{expect}\n\n{expect}"));
    }

    #[test]
    fn finds_the_name_that_was_meant() {
        let known = ["owner", "severity", "match", "sns"];
        assert_eq!(nearest("onwer", known), Some("owner"));
        assert_eq!(nearest("Severity", known), Some("severity"));
        assert_eq!(nearest("severty", known), Some("severity"));
        assert_eq!(nearest("matches", known), Some("match"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn masks_tokens_and_nothing_else() {
        assert_eq!(masked("token: xoxb-1-aB9, x"), "token: **********, x");
        assert_eq!(masked("\"XOXP-9\""), "\"******\"");
        assert_eq!(masked("foxox µ checkout-prod"), "foxox µ checkout-prod");
        assert_eq!(masked("key: R0123456789abcdefghijklmnopqrstu,"), "key: ********************************,");
        let longer = "a".repeat(33);
        assert_eq!(masked(&longer), longer);
        assert_eq!(snippet("a\n\tb: xapp-1\r\n", 2), " b: ******");
        assert_eq!(snippet("a", 7), "");
    }
}
