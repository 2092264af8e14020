//! What `PutEvents` takes: how people write the events that they make themselves.

use serde_json::{Value, json};

use super::{Unread, parse, text};

/// The entries of a request, or of a file of entries.
pub(super) fn of(payload: &Value) -> Option<&[Value]> {
    let entries = payload.get("Entries").unwrap_or(payload).as_array()?;
    let is_one = |entry: &Value| entry.get("DetailType").is_some() && entry.get("Detail").is_some();
    (!entries.is_empty() && entries.iter().all(is_one)).then_some(entries.as_slice())
}

/// The event that an entry becomes. Account and Region are those of who sends it, which it does not say; its time may be that,
/// too.
pub(super) fn event(entry: &Value) -> Result<Value, Unread> {
    let detail = parse(text(entry, "/Detail").unwrap_or_default().as_bytes(), "entry's detail")?;
    Ok(json!({
        "source": entry.get("Source"), "detail-type": entry.get("DetailType"), "time": entry.get("Time"),
        "resources": entry.get("Resources").cloned().unwrap_or_else(|| json!([])), "detail": detail,
    }))
}
