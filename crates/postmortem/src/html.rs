//! The document as one page: no script, nothing loaded, light and dark, for screen, phone and paper.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::answers::Answer;
use crate::document::{Block, Cell, Document, Measured, Section, Table};
use crate::phases::Phase;
use crate::words::{instant, length, plain, seconds};

const STYLE: &str = include_str!("style.css");
/// Nothing is loaded and nothing runs, even where an escape were forgotten.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
pub(crate) fn render(document: &Document) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (document.title) " – postmortem" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (header(document))
                    (measures(&document.measures))
                    (phases(&document.phases))
                    (answers(&document.answers))
                    @for section in &document.sections { (self::section(section)) }
                    section { h2 { "About this incident" } (pairs(&document.about)) }
                    footer { p { (text(&document.source)) } }
                }
            }
        }
    };
    page.into_string() + "\n"
}

fn header(document: &Document) -> Markup {
    html! {
        header {
            @if let Some(banner) = document.banner { p.drill role="note" { (banner) } }
            p.kicker {
                span.chip.severity data-severity=(document.severity) { (document.severity) }
                span.chip { (document.status) }
                span { "Postmortem" }
            }
            h1 { (document.title) }
            p.lead { (text(&document.lead.join(" "))) }
        }
    }
}

fn measures(measures: &[Measured]) -> Markup {
    html! {
        section {
            h2 { "Measures" }
            dl.measures {
                @for m in measures {
                    div {
                        dt { (m.word) }
                        @match m.measure.seconds {
                            Some(seconds) => { dd.value { (length(seconds)) } }
                            None => { dd.value.none { "none" } }
                        }
                        dd.definition { (m.definition) }
                        @if let Some(reason) = &m.measure.reason { dd.reason { (text(reason)) } }
                    }
                }
            }
        }
    }
}

/// The phases: a bar to scale, and the same in a table, which says in words what the bar's colours say.
fn phases(phases: &[Phase]) -> Markup {
    html! {
        @if !phases.is_empty() {
            section {
                h2 { "Phases" }
                (bar(phases))
                table.stack.phases {
                    thead { tr { th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Reached" } th.number scope="col" { "Time" } } }
                    tbody {
                        @for p in phases {
                            tr {
                                td data-label="From" { span { span class={ "swatch " (p.to.class()) } {} (p.from.label()) } }
                                td data-label="To" { (p.to.label()) }
                                td data-label="Reached" { (cell(&Cell::Time(p.end))) }
                                td.number data-label="Time" { (length(p.seconds)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn bar(phases: &[Phase]) -> Markup {
    let total: f64 = phases.iter().map(|p| p.seconds).sum();
    let mut at = 0.0;
    let mut pieces = Vec::new();
    for phase in phases.iter().filter(|p| p.seconds > 0.0) {
        let width = phase.seconds / total * 1000.0;
        pieces.push((at, width, phase));
        at += width;
    }
    let said = phases.iter().map(|p| format!("{} to {}: {}", p.from.label(), p.to.label(), length(p.seconds)));
    let label = said.collect::<Vec<_>>().join("; ");
    html! {
        @if !pieces.is_empty() {
            svg.bar viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label=(label) {
                @for (x, width, phase) in &pieces {
                    rect class=(phase.to.class()) x=(format!("{x:.2}")) y="0" width=(format!("{width:.2}")) height="24" {
                        title { (phase.from.label()) " to " (phase.to.label()) ": " (length(phase.seconds)) }
                    }
                }
            }
            @if let (Some(first), Some(last)) = (phases.first(), phases.last()) {
                p.ends {
                    span { (first.from.label()) }
                    span { (length(seconds(first.begin, last.end))) " in all, to scale" }
                    span { (last.to.label()) }
                }
            }
        }
    }
}

fn answers(answers: &[Answer]) -> Markup {
    html! {
        section {
            h2 { "The five questions" }
            @for answer in answers {
                article.answer.unknown[!answer.known] {
                    h3 { (answer.question) }
                    @for paragraph in &answer.text { p { (text(paragraph)) } }
                }
            }
        }
    }
}

fn section(section: &Section) -> Markup {
    html! {
        section {
            h2 { (section.heading) }
            @for block in &section.blocks {
                @match block {
                    Block::Paragraph(said) => { p { (text(said)) } }
                    Block::Pairs(rows) => { (pairs(rows)) }
                    Block::Table(table) => { (self::table(table)) }
                }
            }
        }
    }
}

fn pairs(rows: &[(&'static str, Cell)]) -> Markup {
    html! {
        dl.pairs {
            @for (name, value) in rows {
                dt { (name) }
                dd { (cell(value)) }
            }
        }
    }
}

fn table(table: &Table) -> Markup {
    html! {
        table.stack {
            thead { tr { @for head in table.head { th scope="col" { (head) } } } }
            tbody {
                @for row in &table.rows {
                    tr { @for (head, value) in table.head.iter().zip(row) { td data-label=(head) { span { (cell(value)) } } } }
                }
            }
        }
    }
}

fn cell(cell: &Cell) -> Markup {
    html! {
        @match cell {
            Cell::Text(said) => { (text(said)) }
            Cell::Code(said) => { code { (plain(said)) } }
            Cell::Time(at) => { time datetime=(at) { (instant(*at)) } }
            Cell::Link(address) => { a href=(address) rel="noopener noreferrer" { (address) } }
            Cell::Unknown(why) => { em.none { (why) } }
        }
    }
}

/// A text of ours or of others, on one line; maud escapes it where it is put.
fn text(said: &str) -> String {
    plain(said)
}
