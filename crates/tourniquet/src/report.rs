//! What a command found, for people and for programs.

use std::io::{ErrorKind, Write};

use jiff::Timestamp;
use serde_json::Value;

/// What is printed in the end.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// One object a line, with `--json`.
    pub(crate) objects: Vec<Value>,
    /// The same for people.
    pub(crate) text: String,
    /// Whether something is wrong.
    pub(crate) wrong: bool,
    /// What could not be read at all, each as one sentence.
    pub(crate) unreadable: Vec<String>,
}

impl Report {
    /// Prints it. A reader that has seen enough is no failure.
    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut all = if json { String::new() } else { self.text.trim_end().to_owned() };
        for object in self.objects.iter().filter(|_| json) {
            all.push_str(&object.to_string());
            all.push('\n');
        }
        if !json {
            all.push('\n');
        }
        let mut out = std::io::stdout().lock();
        match out.write_all(all.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Says something on standard error.
pub(crate) fn complain(sentence: &str) {
    // Where even that fails, the exit status still says it.
    let _ = writeln!(std::io::stderr(), "tourniquet: {sentence}");
}

/// So many of something, as people say it.
pub(crate) fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// The widest line of a table.
const WIDTH: usize = 120;

/// A table whose columns are as wide as they need to be; the last one is cut so that a line fits.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    fitted(head, rows, WIDTH)
}

/// The same for lines of at most this width.
pub(crate) fn fitted(head: &[&str], rows: &[Vec<String>], width: usize) -> String {
    columns(head, rows, Some(width))
}

/// The same with nothing cut: for what is read to the end.
pub(crate) fn listing(head: &[&str], rows: &[Vec<String>]) -> String {
    columns(head, rows, None)
}

fn columns(head: &[&str], rows: &[Vec<String>], fit: Option<usize>) -> String {
    let mut all = vec![head.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>()];
    all.extend(rows.iter().map(|row| row.iter().map(|cell| line(cell)).collect()));
    all.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    let last = head.len().saturating_sub(1);
    let wide = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..last).map(|column| wide(column).unwrap_or_default()).collect();
    let before_last: usize = widths.iter().map(|width| width + 2).sum();
    let mut text = String::new();
    for row in &all {
        let mut shown: String = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}  ")).collect();
        let end = row.get(last).map_or("", String::as_str);
        shown.push_str(&fit.map_or(end.to_owned(), |fit| cut(end, fit.saturating_sub(before_last).max(20))));
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

/// The time as people read it, in UTC.
pub(crate) fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A foreign text on one line: nothing in it steers the terminal.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit() {
        let rows = [vec!["inc-1".into(), "x".repeat(200)], vec!["é\u{1b}[2J".into(), "y".into()]];
        let text = table(&["id", "title"], &rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "id     title");
        assert_eq!(lines[2], "é [2J  y");
        assert_eq!(lines[1].chars().count(), WIDTH);
        assert!(lines[1].ends_with('…'));
    }
}
