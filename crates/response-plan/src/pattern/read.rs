//! A pattern as it is written, into its conditions. Everything that is wrong is reported, not only the first.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::combination::{MOST_WAYS, Ways, Written, both, sorted};
use super::operators::{self, OPERATORS};
use super::want::Want;
use super::{Condition, PatternError, Step};
use crate::error::{listed, nearest};

/// The fields of a signal's canonical event; all but `detail` hold text.
pub(crate) const TOP: [&str; 7] = ["source", "detail-type", "account", "region", "time", "resources", "detail"];

/// Deeper than any event is; it keeps the recursion bounded.
const DEEPEST: usize = 32;

/// A name with dots counts as several.
const MOST_NAMES: usize = 64;

/// The conditions that must hold together, once for each way through the `$or`s.
pub(super) fn read(value: &Value) -> Result<Vec<Vec<Condition>>, Vec<PatternError>> {
    let mut reader = Reader::default();
    let ways = match value {
        Value::Object(fields) => reader.object(fields, Place { top: true, in_or: false }),
        _ => {
            reader.wrong("`match` is not a mapping", "write `match: { source: [aws.cloudwatch] }`");
            Ways::new()
        }
    };
    match sorted(&reader.written, ways) {
        Ok(combinations) if reader.errors.is_empty() => Ok(combinations),
        Ok(_) => Err(reader.errors),
        Err(twice) => {
            let twice = twice.into_iter().map(|written| PatternError {
                path: steps(&written.at),
                message: format!("`{}` is asked for twice", written.path),
                remedy: "write all that it may be in one list, or each list in an alternative of the `$or`".to_owned(),
            });
            reader.errors.extend(twice);
            Err(reader.errors)
        }
    }
}

/// Where an object stands.
#[derive(Clone, Copy)]
struct Place {
    /// At the top of the pattern.
    top: bool,
    /// Within an alternative of a `$or`.
    in_or: bool,
}

/// One step on the way into a pattern that is being read. See [`Step`].
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'v> {
    Field(&'v str),
    Item(usize),
}

fn steps(path: &[At<'_>]) -> Vec<Step> {
    let step = |at: &At<'_>| match at {
        At::Field(name) => Step::Field((*name).to_owned()),
        At::Item(n) => Step::Item(*n),
    };
    path.iter().map(step).collect()
}

#[derive(Default)]
pub(super) struct Reader<'v> {
    path: Vec<At<'v>>,
    names: Vec<&'v str>,
    errors: Vec<PatternError>,
    written: Vec<Written<'v>>,
}

impl<'v> Reader<'v> {
    pub(super) fn wrong(&mut self, message: impl Into<String>, remedy: impl Into<String>) {
        let path = steps(&self.path);
        self.errors.push(PatternError { path, message: message.into(), remedy: remedy.into() });
    }

    pub(super) fn inside<T>(&mut self, step: At<'v>, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let result = read(self);
        self.path.pop();
        result
    }

    fn object(&mut self, fields: &'v Map<String, Value>, place: Place) -> Ways {
        let mut ways = vec![Vec::new()];
        if fields.is_empty() {
            self.wrong("an empty mapping constrains nothing", "name at least one field, or remove it");
        } else if self.path.len() >= DEEPEST || self.names.len() > MOST_NAMES {
            self.wrong("the pattern is nested too deeply", format!("nest at most {DEEPEST} levels"));
            return ways;
        }
        for (name, value) in fields {
            ways = self.inside(At::Field(name), |reader| {
                let more = if name == "$or" { reader.or(value, place) } else { reader.field(name, value, place) };
                reader.limited(both(ways, more))
            });
        }
        ways
    }

    fn limited(&mut self, ways: Option<Ways>) -> Ways {
        ways.unwrap_or_else(|| {
            self.wrong(
                "the alternatives make too many combinations",
                format!("write several plans: a pattern has at most {MOST_WAYS}, and 10,000 conditions in all of them"),
            );
            Ways::from([Vec::new()])
        })
    }

    fn or(&mut self, value: &'v Value, place: Place) -> Ways {
        let alternatives = value.as_array().map_or(&[][..], Vec::as_slice);
        if alternatives.len() < 2 {
            self.wrong(
                "`$or` has fewer than two alternatives",
                "write `$or: [{ … }, { … }]`, or its fields without it",
            );
        }
        let mut ways = Ways::new();
        for (n, alternative) in alternatives.iter().enumerate() {
            self.inside(At::Item(n), |reader| match alternative {
                Value::Object(fields) => ways.extend(reader.object(fields, Place { in_or: true, ..place })),
                _ => reader.wrong("an alternative of `$or` is not a mapping", "write `$or: [{ … }, { … }]`"),
            });
        }
        let fit = (ways.len() <= MOST_WAYS).then_some(ways);
        self.limited(fit)
    }

    fn field(&mut self, name: &'v str, value: &'v Value, place: Place) -> Ways {
        if place.top {
            self.check_top(name, value);
        }
        if place.in_or && OPERATORS.contains(&name) {
            self.misplaced(name);
            return vec![Vec::new()];
        }
        let above = self.names.len();
        self.names.extend(name.split('.'));
        let ways = self.value(name, value, place);
        self.names.truncate(above);
        ways
    }

    fn value(&mut self, name: &'v str, value: &'v Value, place: Place) -> Ways {
        match value {
            Value::Object(fields) => return self.object(fields, Place { top: false, ..place }),
            Value::Array(items) if items.is_empty() => {
                self.wrong("an empty list matches nothing", "list at least one value");
            }
            Value::Array(items) if operators::is_operand(name, items) => self.misplaced(name),
            Value::Array(items) => return self.condition(items),
            _ if OPERATORS.contains(&name) => self.misplaced(name),
            scalar => {
                let shown = scalar.as_str().map_or(scalar.to_string(), str::to_owned);
                self.wrong("a value outside a list", format!("list what matches: `{name}: [{shown}]`"));
            }
        }
        vec![Vec::new()]
    }

    fn condition(&mut self, items: &'v [Value]) -> Ways {
        if self.names.len() > MOST_NAMES {
            self.wrong("the name holds too many dots", format!("a path has at most {MOST_NAMES} names"));
        }
        let mut alternatives = Vec::new();
        for (n, item) in items.iter().enumerate() {
            alternatives.extend(self.inside(At::Item(n), |reader| operators::alternative(reader, item)));
        }
        let want = Arc::new(Want::one_of(alternatives));
        self.written.push(Written { path: self.names.join("."), want, at: self.path.clone() });
        vec![vec![self.written.len() - 1]]
    }

    fn misplaced(&mut self, name: &str) {
        let message = format!("`{name}` stands where a field is expected");
        self.wrong(message, format!("write operators in a list: `[{{ {name}: … }}]`"));
    }

    /// What would be valid and could never match: it would go unnoticed until a page went to the wrong people.
    fn check_top(&mut self, name: &str, value: &Value) {
        let field = name.split('.').next().unwrap_or(name);
        let is_number =
            |item: &Value| item.get("numeric").is_some() || !(item.is_string() || item.is_object() || item.is_array());
        if !TOP.contains(&field) {
            let near = nearest(name, TOP).map(|near| format!("did you mean `{near}`?"));
            let remedy = near.unwrap_or_else(|| format!("write one of {}", listed(&TOP)));
            self.wrong(format!("no event has a field `{name}` at its top"), remedy);
        } else if field != "detail" && value.as_array().is_some_and(|items| items.iter().any(is_number)) {
            self.wrong(format!("`{name}` of an event is text"), "put the value in quotation marks");
        }
    }
}
