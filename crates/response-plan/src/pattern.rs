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
pub(crate) const OPERATORS: [&str; 9] =
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
