//! `match`: EventBridge's pattern language, well enough that an editor completes it. It refuses nothing that the reader
//! takes; what is finer than a schema can say, such as two stars in a row, the reader refuses.

use serde_json::{Map, Value, json};

use super::described;
use crate::pattern::TOP;

/// The fields of an event, for the one who hovers over them.
const FIELDS: [(&str, &str); 7] = [
    ("source", "Who says it, such as `aws.cloudwatch`."),
    ("detail-type", "What kind of event it is, such as `CloudWatch Alarm State Change`."),
    ("account", "The account of the failing thing: 12 digits, in quotation marks."),
    ("region", "The Region of the failing thing, such as `eu-west-1`."),
    ("time", "When it happened."),
    ("resources", "Full ARNs; of a list in the event one element must match."),
    ("detail", "What the source says, field by field."),
];

const OR: &str =
    "Two or more alternatives, of which one must match. No field may be asked for again beside its own `$or`.";

/// What the schema of a plan refers to. A field is a list of what it may be, or a mapping of the fields below it.
pub(super) fn definitions() -> Value {
    let detail = json!({"$ref": "#/definitions/field"});
    let field = |name: &str| if name == "detail" { detail.clone() } else { json!({"$ref": "#/definitions/text"}) };
    let mut fields: Map<String, Value> = FIELDS
        .iter()
        .map(|(name, about)| ((*name).to_owned(), described(about, json!({"allOf": [field(name)]}))))
        .collect();
    fields.insert("$or".to_owned(), or("#/definitions/pattern"));
    // A name with dots is the same as names in each other.
    let dotted: Map<String, Value> = TOP.iter().map(|name| (format!("^{name}\\."), detail.clone())).collect();
    json!({
        "pattern": {
            "type": "object", "minProperties": 1, "properties": fields, "patternProperties": dotted,
            "additionalProperties": false,
        },
        "field": {
            "type": ["array", "object"], "minItems": 1, "items": {"$ref": "#/definitions/value"}, "minProperties": 1,
            "properties": {"$or": or("#/definitions/fields")}, "additionalProperties": detail,
        },
        "fields": {
            "type": "object", "minProperties": 1, "properties": {"$or": or("#/definitions/fields")},
            "additionalProperties": detail,
        },
        "text": {
            "type": ["array", "object"], "minItems": 1,
            "items": {"allOf": [{"$ref": "#/definitions/value"}, {"type": ["string", "object"]}]},
            "minProperties": 1, "properties": {"$or": or("#/definitions/fields")}, "additionalProperties": detail,
        },
        "value": value(),
    })
}

fn or(alternative: &str) -> Value {
    described(OR, json!({"type": "array", "minItems": 2, "items": {"$ref": alternative}}))
}

/// A value, or one operator.
fn value() -> Value {
    json!({
        "type": ["string", "number", "boolean", "null", "object"],
        "description": "A value as it is, or one operator such as `{ prefix: checkout- }`.",
        "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": operators(),
    })
}

fn operators() -> Value {
    let text = || json!({"type": "string"});
    json!({
        "prefix": described("Text that begins so.", edge()),
        "suffix": described("Text that ends so.", edge()),
        "equals-ignore-case": described("This text in any case.", text()),
        "wildcard": described(
            "Text in which `*` stands for any characters; `\\*` and `\\\\` stand for themselves, and two stars never \
             follow each other.",
            text(),
        ),
        "anything-but": described("Any value but these.", anything_but()),
        "numeric": described("A number by one comparison, or between two bounds: `[\">\", 0, \"<=\", 5]`.", numeric()),
        "cidr": described("An IP address in this block, of version 4 or 6: `10.0.0.0/8`.", text()),
        "exists": described("`true`: the field has a value. `false`: it has none. An object is no value.", json!({
            "type": "boolean",
        })),
    })
}

/// A text, or one in any case.
fn edge() -> Value {
    json!({
        "type": ["string", "object"], "properties": {"equals-ignore-case": {"type": "string"}},
        "required": ["equals-ignore-case"], "additionalProperties": false,
    })
}

fn anything_but() -> Value {
    let texts = json!({"type": ["string", "array"], "minItems": 1, "items": {"type": "string"}});
    let but = ["prefix", "suffix", "equals-ignore-case", "wildcard"].map(|name| (name.to_owned(), texts.clone()));
    json!({
        "type": ["string", "number", "array", "object"],
        "minItems": 1, "items": {"type": ["string", "number"]},
        "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        "properties": but.into_iter().collect::<Map<_, _>>(),
    })
}

fn numeric() -> Value {
    let (comparison, number) = (json!({"enum": ["=", "<", "<=", ">", ">="]}), json!({"type": "number"}));
    json!({
        "type": "array", "minItems": 2, "maxItems": 4,
        "items": [&comparison, &number, &comparison, &number], "additionalItems": false,
    })
}
