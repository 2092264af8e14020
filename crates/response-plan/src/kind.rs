//! Kinds: what a plan can name, each declared by the one file that does it, and read here with the same errors for all.

use std::collections::BTreeMap;

use serde_saphyr::{Location, Spanned};

use crate::error::{Report, listed, looks_like_token, nearest};
use crate::node::Node;
use crate::wire::Word;

/// The arguments of a kind, by name, as text.
pub type Arguments = BTreeMap<String, String>;

/// What is wrong with an argument, and what to write instead; both without a full stop.
pub type Wrong = (String, String);

/// One argument of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in plans.
    pub name: &'static str,
    /// What it is, for documentation and the schema.
    pub about: &'static str,
    /// A value, for the remedy where it is missing.
    pub example: &'static str,
    /// Whether the kind cannot do without.
    pub required: bool,
    /// Says what is wrong with a value, if something is.
    pub check: fn(&str) -> Result<(), Wrong>,
}

/// A kind of mitigation, as plans name it.
#[derive(Debug, Clone, Copy)]
pub struct MitigationKind {
    /// Its name in plans.
    pub name: &'static str,
    /// What it does, for documentation and the schema.
    pub about: &'static str,
    /// Its arguments.
    pub fields: &'static [Field],
    /// Whether it takes a change back: then a plan says how old that change may be.
    pub rolls_back: bool,
    /// Whether it takes away capacity or a feature: while it is in force, the incident is at most mitigated.
    pub takes_away: bool,
    /// One phrase for people: what would be done.
    pub does: fn(&Arguments) -> String,
}

/// A kind of channel, as `teams.yaml` names it.
#[derive(Debug, Clone, Copy)]
pub struct ChannelKind {
    /// Its name in `teams.yaml`.
    pub name: &'static str,
    /// What it reaches, for documentation and the schema.
    pub about: &'static str,
    /// Its arguments.
    pub fields: &'static [Field],
    /// Whether what it accepted counts as having woken someone (TTE).
    pub wakes: bool,
}

/// A kind of collector, as plans tell it what to keep.
#[derive(Debug, Clone, Copy)]
pub struct CollectorKind {
    /// Its name, by which a bag of evidence knows what it kept.
    pub name: &'static str,
    /// What it keeps, for documentation and the schema.
    pub about: &'static str,
    /// Its fields below `evidence`, each a list of texts that are checked one by one. A plan can do without any of them,
    /// and no other collector has a field of the same name.
    pub fields: &'static [Field],
}

/// All kinds that a reader knows: those of the release that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Kinds<'a> {
    /// The mitigations.
    pub mitigations: &'a [&'a MitigationKind],
    /// The channels.
    pub channels: &'a [&'a ChannelKind],
    /// The collectors of evidence.
    pub collectors: &'a [&'a CollectorKind],
}

/// Whether a text can be the name of a secret, whose content is `what`; a token or key in its place is not shown again.
///
/// # Errors
/// What is wrong with it.
pub fn secret_name(text: &str, what: &str, example: &str) -> Result<(), Wrong> {
    let remedy = format!("write the name of a secret: `{example}`");
    if looks_like_token(text) {
        let remedy = format!("revoke it, put its successor into Secrets Manager, and {remedy}");
        return Err((format!("a {what} stands in the file, where everybody can read it"), remedy));
    }
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-:".contains(c)) {
        return Err(("this is no name of a secret".to_owned(), remedy));
    }
    Ok(())
}

/// Any line of text that a service may take.
///
/// # Errors
/// What is wrong with it.
pub fn one_line(text: &str, what: &str) -> Result<(), Wrong> {
    if text.trim().is_empty() || text.len() > 512 || text.contains(char::is_control) {
        return Err((format!("this is no {what}"), "write one line of at most 512 characters".to_owned()));
    }
    Ok(())
}

/// One kind as it was written: its name, and its arguments.
pub(crate) type Named = (Word, Spanned<Node>);

/// The arguments of a kind, checked. What is wrong is reported; what can be read is returned all the same.
pub(crate) fn arguments(report: &mut Report<'_>, fields: &[Field], written: &Named) -> Arguments {
    let (name, node) = written;
    let Node::Map(entries) = &node.value else {
        report.add(node.referenced, "a mapping is expected here", form(&name.value, fields));
        return Arguments::new();
    };
    let mut read = Arguments::new();
    for (key, value) in entries {
        match fields.iter().find(|field| field.name == key.value) {
            Some(field) => {
                if let Some(text) = scalar(report, value, field) {
                    read.insert(key.value.clone(), text);
                }
            }
            None => unknown(report, key, fields),
        }
    }
    for field in fields.iter().filter(|field| field.required) {
        if !entries.iter().any(|(key, _)| key.value == field.name) {
            let message = format!("`{}` is missing in `{}`", field.name, name.value);
            report.add(at(node, name), message, format!("{}: `{}: {}`", field.about, field.name, field.example));
        }
    }
    read
}

/// How a kind is written.
pub(crate) fn form(name: &str, fields: &[Field]) -> String {
    let fields: Vec<_> = fields.iter().map(|field| format!("{}: {}", field.name, field.example)).collect();
    format!("write `{name}: {{ {} }}`", fields.join(", "))
}

/// A mapping that is empty may have no place of its own.
fn at(node: &Spanned<Node>, name: &Word) -> Location {
    if node.referenced == Location::UNKNOWN { name.referenced } else { node.referenced }
}

/// A list of texts, each checked. What is wrong is reported, and what can be read is returned all the same.
pub(crate) fn texts(report: &mut Report<'_>, written: &Spanned<Node>, field: &Field) -> Vec<String> {
    let Node::List(items) = &written.value else {
        let remedy = format!("write `{}: {}`", field.name, field.example);
        report.add(written.referenced, "a list is expected here", remedy);
        return Vec::new();
    };
    items.iter().filter_map(|item| scalar(report, item, field)).collect()
}

/// One text, checked. Numbers and the like are taken for what is written.
pub(crate) fn scalar(report: &mut Report<'_>, value: &Spanned<Node>, field: &Field) -> Option<String> {
    let text = match &value.value {
        Node::Scalar(serde_json::Value::String(text)) => text.clone(),
        Node::Scalar(serde_json::Value::Null) => {
            report.add(value.referenced, "the value is missing", "write it, or remove the field");
            return None;
        }
        Node::Scalar(other) => other.to_string(),
        Node::List(_) | Node::Map(_) => {
            report.add(value.referenced, "text is expected here", format!("write `{}: {}`", field.name, field.example));
            return None;
        }
    };
    if let Err((message, remedy)) = (field.check)(&text) {
        report.add(value.referenced, message, remedy);
    }
    Some(text)
}

fn unknown(report: &mut Report<'_>, key: &Word, fields: &[Field]) {
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    let near = nearest(&key.value, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    let remedy = near.unwrap_or_else(|| format!("remove it, or write {}", listed(&names)));
    report.add(key.referenced, format!("`{}` is not a field here", key.value), remedy);
}
