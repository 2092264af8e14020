//! JSON Schema of what people write, from the declarations that read it: for editors, which complete and explain by it.
//!
//! It is of draft 7: no later one has anything that plans need, and the YAML language server judges by later ones only from
//! its version 1.20 on. What only the reader can know (whether an owner is a team, whether a field is asked for twice) is
//! left to `tourniquet plans check`.

mod mutes;
mod owners;
mod pattern;
mod plan;
mod teams;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::compile::canonical;
use crate::kind::{self, Kinds};

/// The schema of a response plan, for a release that knows these kinds; the same bytes for the same kinds.
pub fn plan_schema(kinds: &Kinds<'_>) -> Value {
    let mut schema = plan::plan(kinds);
    schema["definitions"] = pattern::definitions();
    finished(schema)
}

/// The schema of `teams.yaml`, for a release that knows these kinds; the same bytes for the same kinds.
pub fn teams_schema(kinds: &Kinds<'_>) -> Value {
    finished(teams::teams(kinds.channels))
}

/// The schema of `owners.yaml`; the same bytes always.
pub fn owners_schema() -> Value {
    finished(owners::owners())
}

/// The schema of `mutes.yaml`; the same bytes always.
pub fn mutes_schema() -> Value {
    let mut schema = mutes::mutes();
    schema["definitions"] = pattern::definitions();
    finished(schema)
}

/// Without a title: an editor would show it above whatever it explains.
fn finished(mut schema: Value) -> Value {
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    canonical(schema)
}

/// A mapping with the fields that were named, and no others.
#[derive(Default)]
struct Mapping {
    properties: Map<String, Value>,
    required: Vec<String>,
}

impl Mapping {
    /// A field that must be there.
    fn must(mut self, name: &str, about: &str, schema: Value) -> Self {
        self.required.push(name.to_owned());
        self.may(name, about, schema)
    }

    /// A field that may be left out.
    fn may(mut self, name: &str, about: &str, schema: Value) -> Self {
        self.properties.insert(name.to_owned(), described(about, schema));
        self
    }

    /// The fields of a kind.
    fn of(fields: &[kind::Field]) -> Self {
        fields.iter().fold(Self::default(), |mapping, field| {
            let with = |key: &str, mut value: Value| {
                value[key] = json!([field.example]);
                value
            };
            let (about, value) = (sentence(field.about), with("examples", scalar()));
            if field.required {
                mapping.must(field.name, &about, value)
            } else {
                mapping.may(field.name, &about, value)
            }
        })
    }

    fn closed(self) -> Value {
        let Self { properties, required } = self;
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }
}

fn described(about: &str, mut schema: Value) -> Value {
    schema["description"] = about.into();
    schema
}

/// `name the function` as the words beside a field.
fn sentence(about: &str) -> String {
    let mut letters = about.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// Text that may look like a number: the reader takes it as it is written.
fn scalar() -> Value {
    json!({"type": ["string", "number"]})
}

/// One line of text.
fn text() -> Value {
    json!({"type": ["string", "number"], "minLength": 1, "maxLength": 512})
}

/// A name, as it goes into keys and messages.
fn name() -> Value {
    json!({"type": ["string", "number"], "pattern": NAME})
}

/// What a name is made of; see [`crate::convert::is_name`].
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

/// A length of time. Without its unit it would be a number, and nobody could say of what.
fn span() -> Value {
    json!({"type": "string", "pattern": "^[0-9]+[smhd]$", "examples": ["30s", "5m", "2h", "7d"]})
}

/// One of a few words.
fn words<T, const N: usize>(words: &[(&str, T); N]) -> Value {
    json!({"type": "string", "enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>()})
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}
