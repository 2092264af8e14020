//! The document as Markdown (GitHub's dialect), every text of a record escaped.

use std::fmt::Write;

use crate::document::{Block, Cell, Document, Measured, Table};
use crate::phases::Phase;
use crate::words::{instant, length, plain};

/// The document, ending in one line feed.
pub(crate) fn render(document: &Document) -> String {
    let mut parts = vec![format!("# {}", escape(&document.title))];
    parts.extend(document.banner.map(|banner| format!("**{}**", escape(banner))));
    parts.push(escape(&document.lead.join(" ")));
    parts.push(pairs(&document.about));
    parts.push("## Measures".to_owned());
    parts.push(measures(&document.measures));
    if !document.phases.is_empty() {
        parts.push("## Phases".to_owned());
        parts.push(phases(&document.phases));
    }
    parts.push("## The five questions".to_owned());
    for answer in &document.answers {
        parts.push(format!("### {}", escape(answer.question)));
        parts.extend(answer.text.iter().map(|text| escape(text)));
    }
    for section in &document.sections {
        parts.push(format!("## {}", escape(&section.heading)));
        parts.extend(section.blocks.iter().map(block));
    }
    parts.push("---".to_owned());
    parts.push(escape(&document.source));
    // Plain spaces: people search and edit the source.
    parts.join("\n\n").replace('\u{a0}', " ") + "\n"
}

fn block(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => escape(text),
        Block::Pairs(rows) => pairs(rows),
        Block::Table(Table { head, rows }) => {
            table(head, rows.iter().map(|row| row.iter().map(cell).collect()).collect::<Vec<Vec<String>>>())
        }
    }
}

fn pairs(rows: &[(&'static str, Cell)]) -> String {
    table(&["", ""], rows.iter().map(|(name, value)| vec![format!("**{name}**"), cell(value)]).collect())
}

fn measures(measures: &[Measured]) -> String {
    let rows = measures.iter().map(|m| {
        let value = match (m.measure.seconds, m.measure.reason.as_deref()) {
            (Some(seconds), _) => length(seconds),
            (None, reason) => format!("none: {}", escape(reason.unwrap_or("not known"))),
        };
        vec![format!("**{}**", m.word), m.definition.to_owned(), value]
    });
    table(&["Measure", "From, to", "Time"], rows.collect())
}

fn phases(phases: &[Phase]) -> String {
    let rows = phases
        .iter()
        .map(|p| vec![p.from.label().to_owned(), p.to.label().to_owned(), instant(p.end), length(p.seconds)]);
    table(&["From", "To", "Reached", "Time"], rows.collect())
}

/// A table of cells that are Markdown already.
fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut lines = format!("| {} |\n|{}", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        // Writing to a String cannot fail.
        let _ = write!(lines, "\n| {} |", row.join(" | "));
    }
    lines
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => escape(text),
        Cell::Code(text) => code(text),
        Cell::Time(at) => instant(*at),
        // A link holds no character that could end it or its cell: `words::is_link` sees to that.
        Cell::Link(address) => format!("<{address}>"),
        Cell::Unknown(why) => format!("*{why}*"),
    }
}

/// A code span in a table cell: its fence is longer than any run of backticks inside.
fn code(text: &str) -> String {
    let text = plain(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    if text.is_empty() { String::new() } else { format!("{fence}{pad}{text}{pad}{fence}") }
}

/// A text that says what it says: it formats nothing, links nothing, and stays in its line.
fn escape(text: &str) -> String {
    let text = plain(text);
    let text = text.trim();
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let digits_only = || at > 0 && text[..at].bytes().all(|b| b.is_ascii_digit());
        let formats = "\\`*_[]<>|&~#$".contains(c);
        let begins_a_block = match c {
            '-' | '+' | '=' => at == 0,
            '.' | ')' => digits_only(),
            _ => false,
        };
        // Bare addresses become links by themselves in GitHub's dialect, and so do mail addresses and mentions.
        let links = match c {
            ':' => text[at..].starts_with("://"),
            '.' => text[..at].to_ascii_lowercase().ends_with("www"),
            '@' => !before.is_alphanumeric() || text[at + 1..].starts_with(char::is_alphanumeric),
            _ => false,
        };
        if formats || begins_a_block || links {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(escape(text), expect);
    }

    #[test]
    fn texts_format_nothing() {
        check("plain words, 2.5 % (a-b), it's fine.", "plain words, 2.5 % (a-b), it's fine.");
        check("<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>");
        check("a | b\n# c", "a \\| b \\# c");
        check("[x](javascript:y) `z` *b* _i_ ~s~", "\\[x\\](javascript:y) \\`z\\` \\*b\\* \\_i\\_ \\~s\\~");
        check("&lt; \\| $x$", "\\&lt; \\\\\\| \\$x\\$");
    }

    #[test]
    fn texts_begin_no_block_and_no_link() {
        check("- item", "\\- item");
        check("12. item", "12\\. item");
        check("1) item", "1\\) item");
        check("v1.2", "v1.2");
        check("see https://evil.example and www.evil.example", "see https\\://evil.example and www\\.evil.example");
        check("@everyone a@b.example", "\\@everyone a\\@b.example");
    }

    #[test]
    fn code_spans_hold_backticks_and_bars() {
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a``b"), "``` a``b ```");
        assert_eq!(code("a\nb"), "`a b`");
        assert_eq!(code(""), "");
    }
}
