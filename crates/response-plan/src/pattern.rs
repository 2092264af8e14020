//! Event patterns with EventBridge's semantics, as far as they are known: exact values and `prefix`.

use std::fmt;

use serde_json::{Map, Value};

use crate::error::{listed, nearest};

/// A pattern over events: every field in it must be matched by the event.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    fields: Vec<(String, Want)>,
}

/// What a field must be.
#[derive(Debug, Clone, PartialEq)]
enum Want {
    /// An object, or a list with an object, that matches.
    Inside(Pattern),
    /// One of these, or a list with one of these.
    OneOf(Vec<Alternative>),
}

#[derive(Debug, Clone, PartialEq)]
enum Alternative {
    Exactly(Value),
    Prefix(String),
}

/// One step on the way into a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a field of an object.
    Field(String),
    /// Into an item of a list, from 0.
    Item(usize),
}

/// One thing in a pattern that is not supported or cannot mean anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// Where it is, from the top of the pattern.
    pub path: Vec<Step>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("match")?;
        for step in &self.path {
            match step {
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(n) => write!(f, "[{n}]")?,
            }
        }
        write!(f, ": {}; {}", self.message, self.remedy)
    }
}

impl Pattern {
    /// Reads a pattern. The error lists everything that is wrong with it.
    pub fn from_value(value: &Value) -> Result<Self, Vec<PatternError>> {
        let mut reader = Reader { path: Vec::new(), errors: Vec::new() };
        let pattern = match value {
            Value::Object(fields) => {
                reader.check_top(fields);
                reader.object(fields)
            }
            _ => {
                reader.wrong("`match` is not a mapping", "write `match: { source: [aws.cloudwatch] }`");
                Pattern { fields: Vec::new() }
            }
        };
        if reader.errors.is_empty() { Ok(pattern) } else { Err(reader.errors) }
    }

    /// Whether the event matches. Of an array in the event one element must; the elements of an array of objects are
    /// judged one by one.
    pub fn matches(&self, event: &Value) -> bool {
        match event {
            Value::Object(event) => self.fields.iter().all(|(name, want)| match (event.get(name), want) {
                (None, _) => false,
                (Some(found), Want::Inside(inner)) => inner.matches(found),
                (Some(found), Want::OneOf(alternatives)) => any_matches(alternatives, found),
            }),
            Value::Array(items) => items.iter().any(|item| self.matches(item)),
            _ => false,
        }
    }

    /// How many fields it constrains: the more, the more specific.
    pub fn leaves(&self) -> usize {
        let of = |want: &Want| match want {
            Want::Inside(inner) => inner.leaves(),
            Want::OneOf(_) => 1,
        };
        self.fields.iter().map(|(_, want)| of(want)).sum()
    }
}

fn any_matches(alternatives: &[Alternative], found: &Value) -> bool {
    match found {
        Value::Array(items) => items.iter().any(|item| any_matches(alternatives, item)),
        Value::Object(_) => false,
        _ => alternatives.iter().any(|alternative| match (alternative, found) {
            (Alternative::Prefix(prefix), Value::String(text)) => text.starts_with(prefix),
            (Alternative::Exactly(Value::Number(a)), Value::Number(b)) => {
                a == b || (a.is_f64() != b.is_f64() && a.as_f64() == b.as_f64())
            }
            (Alternative::Exactly(value), _) => value == found,
            _ => false,
        }),
    }
}

/// The fields of a signal's canonical event; all but `detail` hold text.
const TOP: [&str; 7] = ["source", "detail-type", "account", "region", "time", "resources", "detail"];

/// EventBridge's operators, to tell what is not supported yet from what is mistyped.
const OPERATORS: [&str; 9] =
    ["prefix", "suffix", "anything-but", "numeric", "exists", "cidr", "wildcard", "equals-ignore-case", "$or"];

/// Deeper than any event is; it keeps the recursion bounded.
const DEEPEST: usize = 32;

struct Reader {
    path: Vec<Step>,
    errors: Vec<PatternError>,
}

impl Reader {
    fn wrong(&mut self, message: impl Into<String>, remedy: impl Into<String>) {
        self.errors.push(PatternError { path: self.path.clone(), message: message.into(), remedy: remedy.into() });
    }

    fn inside<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let result = read(self);
        self.path.pop();
        result
    }

    /// What would be valid and could never match: it would go unnoticed until a page went to the wrong people.
    fn check_top(&mut self, fields: &Map<String, Value>) {
        for (name, want) in fields {
            let not_text = |item: &Value| !item.is_string() && !item.is_object() && !item.is_array();
            let in_list = want.as_array().is_some_and(|items| items.iter().any(not_text));
            self.inside(Step::Field(name.clone()), |reader| {
                if !TOP.contains(&name.as_str()) && name != "$or" {
                    let near = nearest(name, TOP).map(|near| format!("did you mean `{near}`?"));
                    let remedy = near.unwrap_or_else(|| format!("write one of {}", listed(&TOP)));
                    reader.wrong(format!("no event has a field `{name}` at its top"), remedy);
                } else if in_list && name != "detail" {
                    reader.wrong(format!("`{name}` of an event is text"), "put the value in quotation marks");
                }
            });
        }
    }

    fn object(&mut self, fields: &Map<String, Value>) -> Pattern {
        if fields.is_empty() {
            self.wrong("an empty mapping constrains nothing", "name at least one field, or remove it");
        } else if self.path.len() >= DEEPEST {
            self.wrong("the pattern is nested too deeply", format!("nest at most {DEEPEST} levels"));
            return Pattern { fields: Vec::new() };
        }
        let mut read = Vec::new();
        for (name, want) in fields {
            if let Some(want) = self.inside(Step::Field(name.clone()), |reader| reader.field(name, want)) {
                read.push((name.clone(), want));
            }
        }
        Pattern { fields: read }
    }

    fn field(&mut self, name: &str, want: &Value) -> Option<Want> {
        match want {
            _ if name == "$or" => self.operator(name),
            Value::Object(fields) => return Some(Want::Inside(self.object(fields))),
            Value::Array(items) if items.is_empty() => {
                self.wrong("an empty list matches nothing", "list at least one value");
            }
            Value::Array(items) => return Some(Want::OneOf(self.alternatives(items))),
            _ if OPERATORS.contains(&name) => {
                self.wrong(
                    format!("`{name}` stands where a field is expected"),
                    format!("write operators in a list: `[{{ {name}: … }}]`"),
                );
            }
            scalar => self.wrong(
                "a value outside a list",
                format!("list what matches: `{name}: [{}]`", scalar.as_str().map_or(scalar.to_string(), str::to_owned)),
            ),
        }
        None
    }

    fn alternatives(&mut self, items: &[Value]) -> Vec<Alternative> {
        let mut read = Vec::new();
        for (n, item) in items.iter().enumerate() {
            read.extend(self.inside(Step::Item(n), |reader| reader.alternative(item)));
        }
        read
    }

    fn alternative(&mut self, item: &Value) -> Option<Alternative> {
        match item {
            Value::Array(_) => self.wrong("a list in a list", "write all the values in one list"),
            Value::Object(operators) => {
                if let (Some(Value::String(prefix)), 1) = (operators.get("prefix"), operators.len()) {
                    return Some(Alternative::Prefix(prefix.clone()));
                }
                for (name, value) in operators {
                    self.inside(Step::Field(name.clone()), |reader| match (name.as_str(), value) {
                        ("prefix", Value::String(_)) => {}
                        ("prefix", Value::Object(inner)) if !inner.is_empty() => {
                            inner
                                .keys()
                                .for_each(|name| reader.inside(Step::Field(name.clone()), |r| r.operator(name)));
                        }
                        ("prefix", _) => reader.wrong("`prefix` is not text", "write `{ prefix: checkout- }`"),
                        _ => reader.operator(name),
                    });
                }
                if operators.is_empty() {
                    self.wrong("an empty mapping matches nothing", "write a value or `{ prefix: … }`");
                }
            }
            value => return Some(Alternative::Exactly(value.clone())),
        }
        None
    }

    fn operator(&mut self, name: &str) {
        if OPERATORS.contains(&name) {
            self.wrong(format!("`{name}` is not supported yet"), "write exact values or `{ prefix: … }`");
        } else {
            let near = nearest(name, OPERATORS).filter(|near| *near == "prefix");
            let remedy = near
                .map_or("write exact values or `{ prefix: … }`".to_owned(), |near| format!("did you mean `{near}`?"));
            self.wrong(format!("`{name}` is not an operator"), remedy);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(pattern: Value, event: Value, expect: bool) {
        let pattern = Pattern::from_value(&pattern).unwrap();
        assert_eq!(pattern.matches(&event), expect, "{pattern:?} on {event}");
    }

    #[track_caller]
    fn check_detail(pattern: Value, event: Value, expect: bool) {
        check(json!({ "detail": pattern }), json!({ "detail": event }), expect);
    }

    #[test]
    fn matches_as_eventbridge_does() {
        check(json!({"source": ["aws.cloudwatch"]}), json!({"source": "aws.cloudwatch", "more": 1}), true);
        check(json!({"source": ["a", "b"]}), json!({"source": "b"}), true);
        check(json!({"source": ["a"]}), json!({"source": "A"}), false);
        check(json!({"source": ["a"], "region": ["r"]}), json!({"source": "a"}), false);
        check(json!({"resources": ["y"]}), json!({"resources": ["x", "y"]}), true);
        check(json!({"resources": [{"prefix": "arn:"}]}), json!({"resources": ["x", "arn:y"]}), true);
        check(json!({"resources": ["y"]}), json!({"resources": []}), false);
        check(json!({"source": ["a"]}), json!("a"), false);
        check(json!({"source": ["a"]}), Value::Null, false);

        check_detail(json!({"alarmName": [{"prefix": "checkout-"}]}), json!({"alarmName": "checkout-errors"}), true);
        check_detail(json!({"alarmName": [{"prefix": "checkout-"}]}), json!({"alarmName": "old-checkout-"}), false);
        check_detail(json!({"alarmName": ["x", {"prefix": "c"}]}), json!({"alarmName": "x"}), true);
        check_detail(json!({"n": [{"prefix": "1"}]}), json!({"n": 12}), false);
        check_detail(json!({"n": [300]}), json!({"n": 300.0}), true);
        check_detail(json!({"n": [300]}), json!({"n": "300"}), false);
        check_detail(json!({"n": [9_007_199_254_740_993_u64]}), json!({"n": 9_007_199_254_740_993_u64}), true);
        check_detail(json!({"n": [9_007_199_254_740_993_u64]}), json!({"n": 9_007_199_254_740_992_u64}), false);
        check_detail(json!({"b": [true]}), json!({"b": true}), true);
        check_detail(json!({"b": [true]}), json!({"b": "true"}), false);
        check_detail(json!({"gone": [null]}), json!({"gone": null}), true);
        check_detail(json!({"gone": [null]}), json!({}), false);
        check_detail(json!({"gone": [""]}), json!({"gone": ""}), true);
        check_detail(json!({"x": ["a"]}), json!({"x": {"a": "a"}}), false);
        check_detail(json!({"x": {"y": ["a"]}}), json!({"x": "a"}), false);
        check_detail(json!({"x": ["a"]}), json!({"x": [["b"], ["a"]]}), true);
        // Both fields must match in the same element.
        let both = json!({"items": {"a": [1], "b": [2]}});
        check_detail(both.clone(), json!({"items": [{"a": 0, "b": 2}, {"a": 1, "b": 2}]}), true);
        check_detail(both, json!({"items": [{"a": 1, "b": 0}, {"a": 0, "b": 2}]}), false);
    }

    #[test]
    fn counts_the_fields_that_it_constrains() {
        let leaves = |pattern: Value| Pattern::from_value(&pattern).unwrap().leaves();
        assert_eq!(leaves(json!({"source": ["a", "b"]})), 1);
        assert_eq!(leaves(json!({"source": ["a"], "detail": {"x": [1], "y": {"z": [1, 2]}}})), 3);
    }

    #[track_caller]
    fn refused(pattern: Value, expect: &str) {
        let errors = Pattern::from_value(&pattern).unwrap_err();
        assert!(errors.iter().any(|error| error.to_string().contains(expect)), "{errors:?}");
    }

    #[test]
    fn refuses_what_it_would_not_honour() {
        for operator in OPERATORS.into_iter().filter(|name| *name != "prefix") {
            refused(
                json!({"detail": {"x": ["a", {operator: "y"}]}}),
                &format!("match.detail.x[1].{operator}: `{operator}` is not supported yet"),
            );
        }
        refused(json!({"$or": [{"source": ["a"]}]}), "match.$or: `$or` is not supported yet");
        refused(json!({"detail": {"$or": [{"x": ["a"]}]}}), "match.detail.$or: `$or` is not supported yet");
        refused(json!({"detail": {"x": [{"prefx": "a"}]}}), "`prefx` is not an operator; did you mean `prefix`?");
        refused(json!({"detail": {"x": [{"prefix": "a", "suffix": "b"}]}}), "`suffix` is not supported yet");
        refused(json!({"detail": {"x": [{"prefix": {"equals-ignore-case": "a"}}]}}), "`equals-ignore-case` is not");
        refused(json!({"detail": {"x": [{"prefix": 1}]}}), "match.detail.x[0].prefix: `prefix` is not text");
        refused(json!({"detail": {"x": {"prefix": "a"}}}), "write operators in a list: `[{ prefix: … }]`");
        refused(json!({"source": "aws.cloudwatch"}), "list what matches: `source: [aws.cloudwatch]`");
        refused(json!({"source": []}), "an empty list matches nothing");
        refused(json!({"detail": {"x": [[1]]}}), "match.detail.x[0]: a list in a list");
        refused(json!({"detail": {"x": [{}]}}), "an empty mapping matches nothing");
        refused(json!({"detail": {}}), "match.detail: an empty mapping constrains nothing");
        refused(json!({}), "match: an empty mapping constrains nothing");
        refused(json!(["source"]), "`match` is not a mapping");
        refused(json!({"detail_type": ["x"]}), "did you mean `detail-type`?");
        refused(json!({"id": ["x"]}), "no event has a field `id` at its top");
        refused(json!({"account": [111_122_223_333_u64]}), "`account` of an event is text");
        refused((0..40).fold(json!(["x"]), |inner, _| json!({ "detail": inner })), "nested too deeply");
    }

    #[test]
    fn says_all_that_is_wrong_at_once() {
        let pattern = json!({"source": "a", "detail": {"x": [{"suffix": "s"}, {"exists": true}]}});
        assert_eq!(Pattern::from_value(&pattern).unwrap_err().len(), 3);
    }
}
