//! The postmortem of one incident: facts → answers → one document, as Markdown and as a page.
//!
//! Reading order: [`Facts`] is what goes in, [`Answers`] are the five questions, [`markdown`] and [`html`] come out.
//! Nothing is invented: an answer says what a record says, or `Not known.` and what would make it known. The same facts
//! give the same bytes, so that writing it again changes nothing.

mod answers;
mod change;
mod document;
mod facts;
mod html;
mod markdown;
mod phases;
mod words;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

pub use answers::{Answer, Answers};
pub use facts::{Facts, PageFact};

/// The postmortem as Markdown. Every text of a record is escaped: it can neither format nor link.
pub fn markdown(facts: &Facts) -> String {
    markdown::render(&document::Document::of(facts))
}

/// The postmortem as one page of HTML that loads nothing and runs nothing.
pub fn html(facts: &Facts) -> String {
    html::render(&document::Document::of(facts))
}
