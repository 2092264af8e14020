//! A compiled plan and its hash, which stands among its fields, in one reading: `#[serde(flatten)]` would keep every value in
//! between.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer as _, MapAccess, Visitor};

use crate::plan::ResponsePlan;

/// The field that has the hash.
const SEAL: &str = "plan_sha256";

/// A plan with the hash by which it is known.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) plan: ResponsePlan,
    pub(super) plan_sha256: String,
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(written: D) -> Result<Self, D::Error> {
        written.deserialize_map(Whole)
    }
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Sealed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plan")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Sealed, A::Error> {
        let mut others = Others { fields, seal: None };
        let plan = ResponsePlan::deserialize(MapAccessDeserializer::new(&mut others))?;
        let plan_sha256 = others.seal.ok_or_else(|| A::Error::missing_field(SEAL))?;
        Ok(Sealed { plan, plan_sha256 })
    }
}

/// The fields without the seal, which is kept as it comes by.
struct Others<A> {
    fields: A,
    seal: Option<String>,
}

#[derive(Deserialize)]
struct Name<'n>(#[serde(borrow)] Cow<'n, str>);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for &mut Others<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(Name(name)) = self.fields.next_key()? {
            if name != SEAL {
                return seed.deserialize(name.into_deserializer()).map(Some);
            }
            if self.seal.replace(self.fields.next_value()?).is_some() {
                return Err(A::Error::duplicate_field(SEAL));
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}
