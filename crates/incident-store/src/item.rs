//! Attributes to values and back, with errors that name the attribute.

use std::collections::{BTreeSet, HashMap};

use anyhow::Context;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use step::StepError;

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl Into<u64>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

/// An instant in a fixed width, so that text sorts as time does: the indexes sort by it.
pub(crate) fn at(instant: Timestamp) -> AttributeValue {
    s(fixed(instant))
}

fn fixed(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

pub(crate) fn set(one: &str) -> AttributeValue {
    AttributeValue::Ss(vec![one.to_owned()])
}

/// Some instants, which must not be none: a set knows no emptiness.
pub(crate) fn instants(all: Vec<Timestamp>) -> AttributeValue {
    AttributeValue::Ss(all.into_iter().map(fixed).collect())
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<AttributeValue, StepError> {
    let text = serde_json::to_string(value).context("a record could not be written as JSON");
    text.map(s).map_err(StepError::Stuck)
}

pub(crate) fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

/// An item under construction: attributes that are absent are left out.
pub(crate) struct Build(Item);

impl Build {
    pub(crate) fn new(pk: &str, sk: &str) -> Self {
        Self(key(pk, sk)).with("v", n(u64::from(incident::V)))
    }

    pub(crate) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn with_some(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn done(self) -> Item {
        self.0
    }
}

/// An item being read: an attribute that is missing or of another kind is `Stuck`, since the table holds only what we
/// wrote.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a>(pub(crate) &'a Item);

impl Row<'_> {
    pub(crate) fn find_text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(|v| v.as_s().ok()).cloned()
    }

    pub(crate) fn text(&self, name: &str) -> Result<String, StepError> {
        self.find_text(name).ok_or_else(|| missing(name))
    }

    pub(crate) fn number(&self, name: &str) -> Result<u64, StepError> {
        let found = self.0.get(name).and_then(|v| v.as_n().ok()).and_then(|n| n.parse().ok());
        found.ok_or_else(|| missing(name))
    }

    pub(crate) fn small(&self, name: &str) -> Result<u32, StepError> {
        u32::try_from(self.number(name)?).map_err(|_| missing(name))
    }

    pub(crate) fn find_small(&self, name: &str) -> Result<Option<u32>, StepError> {
        if self.0.contains_key(name) { self.small(name).map(Some) } else { Ok(None) }
    }

    pub(crate) fn instant(&self, name: &str) -> Result<Timestamp, StepError> {
        self.find_instant(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn find_instant(&self, name: &str) -> Result<Option<Timestamp>, StepError> {
        let Some(text) = self.find_text(name) else { return Ok(None) };
        let parsed = text.parse().with_context(|| format!("`{name}` of a record is no instant"));
        parsed.map(Some).map_err(StepError::Stuck)
    }

    pub(crate) fn texts(&self, name: &str) -> BTreeSet<String> {
        self.0.get(name).and_then(|v| v.as_ss().ok()).into_iter().flatten().cloned().collect()
    }

    /// What [`instants`] wrote, in order. What does not read is left out: no page is to fail for it.
    pub(crate) fn instants(&self, name: &str) -> Vec<Timestamp> {
        self.texts(name).iter().filter_map(|text| text.parse().ok()).collect()
    }

    pub(crate) fn parsed<T: DeserializeOwned>(&self, name: &str) -> Result<T, StepError> {
        let text = self.text(name)?;
        let parsed = serde_json::from_str(&text).with_context(|| format!("`{name}` of a record does not read"));
        parsed.map_err(StepError::Stuck)
    }
}

fn missing(name: &str) -> StepError {
    StepError::stuck(format!("a record has no `{name}` that reads; a newer version may have written it"))
}
