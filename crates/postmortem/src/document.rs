//! The document as data: what both forms show, in plain text that each form escapes for itself.

mod sections;

use incident::{Measure, Measures};
use jiff::Timestamp;

use crate::answers::Answer;
use crate::facts::Facts;
use crate::phases::Phase;

/// What is shown, in order.
pub(crate) struct Document {
    /// Said before all else in a drill.
    pub(crate) banner: Option<&'static str>,
    pub(crate) title: String,
    pub(crate) severity: &'static str,
    pub(crate) status: &'static str,
    /// The incident in a few sentences.
    pub(crate) lead: Vec<String>,
    pub(crate) about: Vec<(&'static str, Cell)>,
    pub(crate) measures: Vec<Measured>,
    pub(crate) phases: Vec<Phase>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) sections: Vec<Section>,
    /// Where all of it comes from.
    pub(crate) source: String,
}

/// One measure for people.
pub(crate) struct Measured {
    pub(crate) word: &'static str,
    pub(crate) definition: &'static str,
    pub(crate) measure: Measure,
}

/// A heading and what stands below it.
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) blocks: Vec<Block>,
}

/// A piece of a section.
pub(crate) enum Block {
    Paragraph(String),
    /// Names and values.
    Pairs(Vec<(&'static str, Cell)>),
    Table(Table),
}

/// Rows of cells below their column heads.
pub(crate) struct Table {
    pub(crate) head: &'static [&'static str],
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A value.
pub(crate) enum Cell {
    Text(String),
    /// An identifier, shown as it is.
    Code(String),
    Time(Timestamp),
    /// An https address.
    Link(String),
    /// What the records do not say.
    Unknown(&'static str),
}

impl Document {
    /// The document of these facts.
    pub(crate) fn of(facts: &Facts) -> Self {
        let incident = &facts.incident;
        let measures = Measures::of(incident, &facts.mitigations).each().map(|(word, definition, measure)| Measured {
            word,
            definition,
            measure: measure.clone(),
        });
        let answers = crate::answers::Answers::of(facts);
        Self {
            banner: incident.opened.drill.then_some(DRILL),
            title: sections::title(facts),
            severity: incident.severity.as_str(),
            status: incident.status.as_str(),
            lead: sections::lead(facts),
            about: sections::about(facts),
            measures: measures.into(),
            phases: crate::phases::phases(facts),
            answers: answers.each().map(Answer::clone).into(),
            sections: vec![
                sections::mitigation(facts),
                sections::timeline(facts),
                sections::participants(facts),
                sections::evidence(facts),
                Section {
                    heading: "Action items".to_owned(),
                    blocks: vec![Block::Paragraph("None recorded yet.".to_owned())],
                },
            ],
            source: format!(
                "Written from the records of {}, opening {}, which Tourniquet {} opened. What no record says is not in it.",
                incident.id(),
                incident.opening,
                incident.opened.version
            ),
        }
    }
}

const DRILL: &str = "DRILL: this incident was made on purpose. Its mitigations were planned and not applied, and it counts \
                     in no measure.";

impl Cell {
    /// A text, or what the records do not say.
    pub(crate) fn text_or(text: Option<&str>, unknown: &'static str) -> Self {
        text.map_or(Self::Unknown(unknown), |text| Self::Text(text.to_owned()))
    }

    /// An instant, or what the records do not say.
    pub(crate) fn time_or(at: Option<Timestamp>, unknown: &'static str) -> Self {
        at.map_or(Self::Unknown(unknown), Self::Time)
    }
}
