//! Patterns and events of AWS's documentation, each with the answer that its page gives or that follows from its rule.

use serde_json::{Value, json};

use crate::pattern::Pattern;

const TABLE: &str = include_str!("../../fixtures/event-patterns.json");

fn answer(pattern: &Value, event: &Value) -> &'static str {
    match Pattern::from_value(pattern) {
        Ok(pattern) if pattern.matches(event) => "match",
        Ok(_) => "no match",
        Err(_) => "error",
    }
}

#[test]
fn answers_as_the_documentation_does() {
    let rows: Vec<Value> = serde_json::from_str(TABLE).unwrap();
    let mut wrong = Vec::new();
    for row in &rows {
        let (pattern, event) = (&row["pattern"], &row["event"]);
        // The guide's shorter examples name other fields at the top than a signal's event has.
        let answered = answer(&json!({ "detail": pattern }), &json!({ "detail": event }));
        // Where the guide is known to be wrong about the service, the row has what the service was seen to answer.
        let expected = row.get("observed").unwrap_or(&row["answer"]);
        if *expected != answered {
            wrong.push(format!("{answered}, not {expected}: {row}"));
        }
        assert!(row["page"].as_str().unwrap().starts_with("https://") && row["section"].is_string(), "{row}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for answer in ["match", "no match", "error"] {
        assert!(
            rows.iter().filter(|row| row["answer"] == answer).count() > 20,
            "the table lost its rows of `{answer}`"
        );
    }
}
