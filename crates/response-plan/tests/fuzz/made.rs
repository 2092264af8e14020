//! Plans that are made for an event: each wants something of values that the event has, and so it matches.

use proptest::prelude::*;
use proptest::sample::Index;
use response_plan::{Config, Plans, ResponsePlan, catch_all, compile};
use serde_json::{Map, Value, json};
use signal::Signal;

/// Fields that hold text, at the top of the event of a signal.
const TEXTS: [&str; 6] = ["source", "detail-type", "account", "region", "time", "resources"];

/// What a plan may want of a value, so that this one is it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    Itself,
    Start,
    End,
    BothEnds,
    Middle,
    AnyCase,
    StartInAnyCase,
    Near,
    NotAnother,
    ThatItIsThere,
}

use Wanted::{AnyCase, BothEnds, End, Itself, Middle, Near, NotAnother, Start, StartInAnyCase, ThatItIsThere};

/// What one plan wants: of these values this, where texts are cut at that place; and whether of this account alone.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// Among the signals that plans are made for.
    pub(crate) signal: Index,
    fields: Vec<(Index, Wanted, Index)>,
    account: bool,
}

pub(crate) fn made() -> impl Strategy<Value = Made> {
    let all = [Itself, Start, End, BothEnds, Middle, AnyCase, StartInAnyCase, Near, NotAnother, ThatItIsThere];
    let wanted = prop::sample::select(all.to_vec());
    let fields = prop::collection::vec((any::<Index>(), wanted, any::<Index>()), 1..4);
    (any::<Index>(), fields, any::<bool>()).prop_map(|(signal, fields, account)| Made { signal, fields, account })
}

impl Made {
    /// The plan for this signal, with that number in its name.
    pub(crate) fn plan(&self, signal: &Signal, number: usize) -> ResponsePlan {
        let mut all = Vec::new();
        leaves(&signal.event, "", &mut all);
        let mut pattern = Map::new();
        for (which, wanted, cut) in &self.fields {
            let (path, value) = &all[which.index(all.len())];
            pattern.insert(path.clone(), json!([alternative(value, *wanted, *cut)]));
        }
        let accounts = signal.account.iter().filter(|_| self.account).cloned().collect();
        ResponsePlan { plan: format!("plan-{number:03}"), pattern: pattern.into(), accounts, ..catch_all("topic").plan }
    }
}

/// Compiled and loaded as they are deployed.
pub(crate) fn load(plans: &[ResponsePlan]) -> Plans {
    let team = catch_all("topic").team;
    let config = Config {
        plans: plans.to_vec(),
        teams: [(team.name.clone(), team)].into(),
        owners: None,
        mutes: vec![],
        storm: None,
    };
    Plans::load(&compile(&config, "0").bytes, "topic").unwrap()
}

/// The values of the event, with the names on the way to them; of those in lists of objects none, since two conditions on a list
/// must be met in one of its elements.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (name, held) in fields.iter().filter(|(name, _)| !name.is_empty() && *name != "$or") {
                let top = path.is_empty() && name != "detail";
                if !top || (TEXTS.contains(&name.as_str()) && (held.is_string() || held.is_array())) {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    leaves(held, &path, found);
                }
            }
        }
        Value::Array(items) => {
            let plain = items.iter().find(|item| !item.is_object() && !item.is_array());
            found.extend(plain.map(|item| (path.to_owned(), item.clone())));
        }
        plain => found.push((path.to_owned(), plain.clone())),
    }
}

fn alternative(value: &Value, wanted: Wanted, cut: Index) -> Value {
    match (wanted, value) {
        (ThatItIsThere, _) => json!({"exists": true}),
        (NotAnother, _) => json!({"anything-but": ["another", "one"]}),
        (_, Value::String(text)) => of_text(text, wanted, cut),
        (Near, Value::Number(number)) => match number.as_f64().filter(|number| number.abs() < 1e9) {
            Some(number) => json!({"numeric": [">", number - 1.0, "<=", number + 0.5]}),
            None => value.clone(),
        },
        _ => value.clone(),
    }
}

fn of_text(text: &str, wanted: Wanted, cut: Index) -> Value {
    let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let (start, end) = text.split_at(cuts[cut.index(cuts.len())]);
    let literal = |part: &str| part.replace('\\', "\\\\").replace('*', "\\*");
    match wanted {
        Start => json!({ "prefix": start }),
        End => json!({ "suffix": end }),
        BothEnds => json!({"wildcard": format!("{}*{}", literal(start), literal(end))}),
        Middle if !start.is_empty() => json!({"wildcard": format!("*{}*", literal(start))}),
        AnyCase => json!({"equals-ignore-case": text.to_ascii_uppercase()}),
        StartInAnyCase => json!({"prefix": {"equals-ignore-case": start.to_ascii_uppercase()}}),
        Near if text.parse::<std::net::Ipv4Addr>().is_ok() => json!({"cidr": format!("{text}/9")}),
        _ => json!(text),
    }
}
