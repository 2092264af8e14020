//! The schema says what the reader reads, both ways.

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::error::Error;

use super::*;
use crate::mutes_file::{EveryWire, MuteWire, MutesWire};
use crate::pattern::{BUT, OPERATORS, TOP};
use crate::read::{Source, read};
use crate::samples::KINDS;
use crate::wire::*;

/// Tells the fields that a struct asks for, which its derived reader declares and nobody else can see.
struct Asked<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("it is no struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("asked"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

pub(super) fn fields<T: DeserializeOwned>() -> Vec<&'static str> {
    let mut asked: &'static [&'static str] = &[];
    assert!(<T as Deserialize>::deserialize(Asked(&mut asked)).is_err());
    sorted(asked.to_vec())
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

pub(super) fn names<'s>(schema: &'s Value, key: &str) -> Vec<&'s str> {
    let names = match &schema[key] {
        Value::Object(fields) => fields.keys().map(String::as_str).collect(),
        list => list.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    sorted(names)
}

const MITIGATION: &str = "/properties/mitigations/items";
const CONTACT: &str = "/properties/contacts/additionalProperties";

/// Where a rule that raises the severity stands.
const RAISE: &str = "/properties/severity/anyOf/1/properties/raise/items";

/// Where a mapping stands in its schema, and what its reader asks for.
type Place = (String, Vec<&'static str>);

/// The mappings of a plan, and those of `teams.yaml`.
fn mappings() -> ([Place; 10], [Place; 5]) {
    let below = |top: &str, rest: &str| format!("{top}/properties/{rest}");
    let mut mitigation = MITIGATION_FIELDS.to_vec();
    mitigation.extend(KINDS.mitigations.iter().map(|kind| kind.name));
    let mut evidence = vec!["before"];
    evidence.extend(KINDS.collectors.iter().flat_map(|kind| kind.fields).map(|field| field.name));
    let mut contact = vec!["time_zone"];
    contact.extend(KINDS.channels.iter().map(|kind| kind.name));
    let team = below("", "teams/additionalProperties");
    let steps = below(&team, "escalation/items");
    (
        [
            (String::new(), fields::<PlanWire>()),
            (below("", "severity/anyOf/1"), fields::<SeverityRules>()),
            (RAISE.to_owned(), fields::<RaiseWire>()),
            (below(RAISE, "when"), fields::<RaiseWhenWire>()),
            (below("", "recovery"), fields::<RecoveryWire>()),
            (below("", "evidence"), sorted(evidence)),
            (MITIGATION.to_owned(), sorted(mitigation)),
            (below(MITIGATION, "guards"), fields::<GuardsWire>()),
            (below(MITIGATION, "healthy_when"), fields::<HealthyWire>()),
            (below(MITIGATION, "healthy_when/properties/metric"), fields::<MetricWire>()),
        ],
        [
            (String::new(), fields::<TeamsWire>()),
            (CONTACT.to_owned(), sorted(contact)),
            (team, fields::<TeamWire>()),
            (steps, fields::<StepWire>()),
            (below("", "storm"), fields::<StormWire>()),
        ],
    )
}

#[test]
fn every_field_of_a_mute_is_there_and_no_other() {
    let schema = mutes_schema();
    let mute = "/properties/mutes/items";
    let every = format!("{mute}/properties/every");
    for (place, fields, required) in [
        ("", fields::<MutesWire>(), vec!["mutes"]),
        (mute, fields::<MuteWire>(), vec!["every", "name", "reason"]),
        (&every, fields::<EveryWire>(), vec!["from", "time_zone", "to"]),
    ] {
        let mapping = schema.pointer(place).unwrap_or_else(|| panic!("nothing is at {place}"));
        assert_eq!((names(mapping, "properties"), names(mapping, "required")), (fields, required), "at `{place}`");
        assert_eq!(mapping["additionalProperties"], false, "at `{place}`");
    }
    let closed = include_str!("../mutes_file.rs").matches("deny_unknown_fields").count();
    assert_eq!(closed, 3, "mutes_file.rs has a mapping that this test leaves out");
}

#[test]
fn every_field_that_the_reader_takes_is_there_and_no_other() {
    let (plan, teams) = mappings();
    let check = |schema: &Value, mappings: &[(String, Vec<&str>)]| {
        for (place, fields) in mappings {
            let mapping = schema.pointer(place).unwrap_or_else(|| panic!("nothing is at {place}"));
            assert!(!fields.is_empty());
            assert_eq!(names(mapping, "properties"), *fields, "at `{place}`");
            assert_eq!(mapping["additionalProperties"], false, "at `{place}`");
        }
    };
    check(&plan_schema(&KINDS), &plan);
    check(&teams_schema(&KINDS), &teams);
    // Every struct that refuses what it does not know is above; three mappings are read by hand.
    let closed = include_str!("../wire.rs").matches("deny_unknown_fields").count();
    assert_eq!(closed + 3, plan.len() + teams.len(), "wire.rs has a mapping that this test leaves out");
}

#[test]
fn every_kind_has_its_own_fields() {
    let (plan, teams) = (plan_schema(&KINDS), teams_schema(&KINDS));
    let mitigations = KINDS.mitigations.iter().map(|kind| (&plan, MITIGATION, kind.name, kind.fields));
    let channels = KINDS.channels.iter().map(|kind| (&teams, CONTACT, kind.name, kind.fields));
    for (schema, place, name, fields) in mitigations.chain(channels) {
        let kind = &schema.pointer(place).unwrap()["properties"][name];
        assert_eq!(names(kind, "properties"), sorted(fields.iter().map(|field| field.name).collect()));
        let required = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        assert_eq!(names(kind, "required"), sorted(required));
        assert_eq!(kind["additionalProperties"], false);
    }
}

#[test]
fn the_operators_are_those_of_the_matcher() {
    let schema = plan_schema(&KINDS);
    let definitions = &schema["definitions"];
    let value = &definitions["value"];
    assert_eq!(names(value, "properties"), sorted(OPERATORS.to_vec()));
    assert_eq!(names(&value["properties"]["anything-but"], "properties"), sorted(BUT.to_vec()));
    let mut top = names(&definitions["pattern"], "properties");
    top.retain(|name| *name != "$or");
    assert_eq!(top, sorted(TOP.to_vec()));
}

/// A plan with all that it can say, and teams that own it.
fn whole() -> Value {
    json!({
        "plan": "p", "type": "t", "match": {"source": ["s"]}, "service": "s", "environment": "e",
        "accounts": ["111122223333"], "customer_facing": true, "owner": "o",
        "severity": {
            "default": "SEV2", "raise": [{"when": {"distinct_services_at_least": 2, "within": "10m"}, "to": "SEV1"}],
        },
        "engage": "page", "mode": "act", "hold_down": "1m", "reopen_within": "1h",
        "mitigations": [{
            "rollback-lambda-alias": {"function": "f", "alias": "a"}, "approval": "owner",
            "guards": {"change_within": "1h", "max_targets": 1}, "verify_within": "9m",
            "healthy_when": {
                "metric": {"namespace": "n", "name": "m", "dimensions": {"d": "v"}},
                "at_least": 1.5, "datapoints": 2, "period": "1m",
            },
        }],
        "recovery": {"by": "person", "held_for": "5m"}, "evidence": {"before": "1m", "log_groups": ["g"]}, "runbook": "r",
    })
}

fn reads(plan: &Value) -> bool {
    let teams = "contacts: { c: { sns: { topic: t } } }\nteams: { o: { escalation: [{ contact: c, wait: 1m }] } }\n";
    let source = |file: &str, text: String| Source { file: file.to_owned(), bytes: text.into_bytes() };
    read(&[source("teams.yaml", teams.to_owned()), source("p.yaml", plan.to_string())], &KINDS).is_ok()
}

#[test]
fn what_must_be_there_is_what_the_reader_misses() {
    let schema = plan_schema(&KINDS);
    assert!(reads(&whole()));
    for (place, fields) in mappings().0 {
        let mapping = schema.pointer(&place).unwrap();
        let place = place.replace("/properties/", "/").replace("/items", "/0").replace("/anyOf/1", "");
        let required = names(mapping, "required");
        for field in fields {
            let mut less = whole();
            let Some(_) = less.pointer_mut(&place).unwrap().as_object_mut().unwrap().remove(field) else {
                // Kinds that the whole plan does not name.
                assert!(mapping["oneOf"].to_string().contains(field), "the whole plan has no `{field}` at `{place}`");
                continue;
            };
            let by_condition = mapping["else"]["required"].to_string().contains(field);
            let by_kind = mapping["oneOf"].to_string().contains(field) || field == "change_within" || by_condition;
            assert_eq!(reads(&less), !required.contains(&field) && !by_kind, "`{field}` at `{place}`");
        }
    }
}

#[test]
fn every_word_that_is_offered_is_taken() {
    let schema = plan_schema(&KINDS);
    for place in ["engage", "mode", "mitigations/0/approval", "recovery/by", "severity/default"] {
        let inside = place.replace("/0/", "/items/properties/").replace("y/by", "y/properties/by");
        let inside = inside.replace("y/default", "y/anyOf/1/properties/default");
        let words = &schema.pointer(&format!("/properties/{inside}/enum")).unwrap();
        let taken = |word: &Value| {
            let mut plan = whole();
            plan["severity"].as_object_mut().unwrap().remove("raise"); // nothing is worse than SEV1
            *plan.pointer_mut(&format!("/{place}")).unwrap() = word.clone();
            if word == "notify" {
                plan["mitigations"] = json!([]);
            }
            reads(&plan)
        };
        assert!(words.as_array().unwrap().iter().all(taken), "{words}");
        assert!(!taken(&"other".into()));
    }
}

#[test]
fn what_an_editor_offers_is_taken() {
    let schema = plan_schema(&KINDS);
    let snippets = schema.pointer(MITIGATION).unwrap()["defaultSnippets"].as_array().unwrap();
    assert_eq!(snippets.len(), KINDS.mitigations.len());
    for snippet in snippets {
        let mut plan = whole();
        plan["mitigations"] = json!([snippet["body"]]);
        assert!(reads(&plan), "{snippet}");
    }
}

#[test]
fn every_field_is_explained() {
    fn explained(place: &str, schema: &Value) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            // A condition names fields without saying what they are.
            let inner = place.contains("/then")
                || place.contains("/if")
                || place.ends_with("anything-but")
                || place.ends_with("fix");
            assert!(inner || field["description"].is_string(), "nothing explains {place}/{name}");
        }
        let inner: Vec<(String, &Value)> = match schema {
            Value::Object(fields) => fields.iter().map(|(name, inner)| (format!("{place}/{name}"), inner)).collect(),
            Value::Array(items) => items.iter().map(|inner| (place.to_owned(), inner)).collect(),
            _ => Vec::new(),
        };
        inner.iter().for_each(|(place, inner)| explained(place, inner));
    }
    explained("", &plan_schema(&KINDS));
    explained("", &teams_schema(&KINDS));
    explained("", &owners_schema());
}
