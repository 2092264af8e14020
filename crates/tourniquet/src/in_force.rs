//! What is in force: the list, and the wish to have it back.

use anyhow::anyhow;
use incident::{Incident, MitigationRecord, Status, V, Verb};
use serde_json::{Value, json};

use crate::args::Undo;
use crate::ask::ask;
use crate::cloud::Cloud;
use crate::people::{checked, confirm};
use crate::report::{Report, line, listing, second};

/// Every change that takes something away and is in force, whatever became of its incident.
pub(crate) async fn list(cloud: &Cloud) -> anyhow::Result<Report> {
    let store = cloud.store()?;
    let mut found = Vec::new();
    for record in store.in_force().await.map_err(|e| cloud.explain(e))? {
        let incident = store.load(&record.incident_id).await.map_err(|e| cloud.explain(e))?;
        found.push((incident, record));
    }
    Ok(report(&found))
}

fn report(found: &[(Incident, MitigationRecord)]) -> Report {
    let head = ["incident", "status", "in force since", "approved by", "what", "put it back"];
    let rows: Vec<Vec<String>> = found.iter().map(|(incident, record)| row(incident.status, record)).collect();
    let text = if rows.is_empty() { "nothing is in force\n".to_owned() } else { listing(&head, &rows) };
    let mitigations: Vec<Value> = found.iter().map(|(incident, record)| object(incident, record)).collect();
    Report { objects: vec![json!({"v": V, "mitigations": mitigations})], text, ..Report::default() }
}

fn row(status: Status, record: &MitigationRecord) -> Vec<String> {
    vec![
        record.incident_id.clone(),
        status.to_string(),
        second(record.applied_at.unwrap_or(record.planned_at)),
        record.decided_by.clone().unwrap_or_else(|| "-".to_owned()),
        line(&record.summary),
        record.undo_command(),
    ]
}

fn object(incident: &Incident, record: &MitigationRecord) -> Value {
    json!({
        "incident_id": record.incident_id, "opening": record.opening, "n": record.n, "status": incident.status,
        "owner": incident.plan().owner, "kind": record.kind, "target": record.target, "summary": record.summary,
        "outcome": record.outcome, "since": record.applied_at, "approved_by": record.decided_by, "undo": record.undo,
        "put_back_with": record.undo_command(),
    })
}

/// Shows what is in force, asks whether that is meant, and asks for it.
pub(crate) async fn undo(cloud: &Cloud, what: &Undo, json: bool) -> anyhow::Result<Report> {
    let (id, n) = (checked(&what.id)?, what.n);
    let store = cloud.store()?;
    let incident = store.load(id).await.map_err(|e| cloud.explain(e))?;
    let record = store.mitigation(id, incident.opening, n).await.map_err(|e| cloud.explain(e))?;
    let record = record.ok_or_else(|| anyhow!("{id} has no mitigation {n}; `tourniquet show {id}` lists them"))?;
    let shown = describe(&record);
    if record.is_in_force() && !what.yes {
        confirm(&shown, "Take this back", "a change is taken back by a person")?;
    }
    let mut report = ask(cloud, Verb::Undo, Some(id), json!({"n": n, "reason": what.reason}), what.wait).await?;
    if !json && what.yes {
        report.text = format!("{shown}\n{}", report.text);
    }
    Ok(report)
}

/// What would be taken back, for the person who decides.
fn describe(record: &MitigationRecord) -> String {
    let value = |value: &Option<Value>| value.as_ref().map_or("unknown".to_owned(), |v| line(&v.to_string()));
    format!(
        "Mitigation {} of {}: {}\n  target   {}\n  since    {}\n  left     {}\n  back to  {}",
        record.n,
        record.incident_id,
        line(&record.summary),
        line(&record.target),
        record.applied_at.map_or("never".to_owned(), second),
        value(&record.left),
        value(&record.prior),
    )
}

/// How it stands with what a mitigation left, in a few words for `show`; nothing of one that left nothing.
pub(crate) fn standing(record: &MitigationRecord) -> Option<String> {
    let asked = record.undo.as_ref().map(|undo| match &undo.refused {
        Some(no) => format!("; {} asked to put it back at {}, refused: {}", undo.by, second(undo.at), line(no)),
        None => format!("; {} asked to put it back at {}", undo.by, second(undo.at)),
    });
    match &record.put_back {
        Some(back) => {
            let by = back.by.as_deref().map_or("not by us".to_owned(), |by| format!("as {by} asked"));
            Some(format!("put back at {}, {by}", second(back.at)))
        }
        None if record.holds() => Some(format!("in force: {}{}", record.undo_command(), asked.unwrap_or_default())),
        None if record.is_in_force() => asked.map(|asked| asked.trim_start_matches("; ").to_owned()),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(more: Value) -> MitigationRecord {
        let mut record = json!({
            "v": 1, "incident_id": "inc-20261123-0123456789", "opening": 1, "n": 1, "choice": 0,
            "kind": "disable-event-source-mapping",
            "target": "arn:aws:lambda:eu-west-1:111122223333:event-source-mapping:14e0db71",
            "summary": "switch off what feeds writer from orders", "prior": {"enabled": true},
            "desired": {"enabled": false}, "left": {"enabled": false}, "plan_sha256": "0123abcd", "progress": "ended",
            "outcome": "verified", "planned_at": "2026-11-23T14:00:01Z", "expires_at": "2026-11-23T14:30:01Z",
            "decided_by": "ana (claimed)", "applied_at": "2026-11-23T14:04:00Z", "takes_away": true,
        });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(record).unwrap()
    }

    fn undo(refused: Option<&str>) -> Value {
        json!({
            "by": "bo (claimed)", "reason": null, "at": "2026-11-23T15:00:00Z", "request_id": "r", "run": 1,
            "refused": refused,
        })
    }

    #[test]
    fn a_line_has_what_puts_it_back() {
        let row = row(Status::Mitigated, &record(json!({})));
        let expect = [
            "inc-20261123-0123456789",
            "mitigated",
            "2026-11-23 14:04:00Z",
            "ana (claimed)",
            "switch off what feeds writer from orders",
            "tourniquet mitigate undo inc-20261123-0123456789",
        ];
        assert_eq!(row, expect);
        let none = report(&[]);
        assert_eq!(
            (none.text.as_str(), &none.objects[0]),
            ("nothing is in force\n", &json!({"v": 1, "mitigations": []}))
        );
    }

    #[test]
    fn show_says_how_it_stands() {
        let back = |by: Option<&str>| json!({"put_back": {"at": "2026-11-23T15:00:05Z", "by": by}});
        for (more, expect) in [
            (json!({}), Some("in force: tourniquet mitigate undo inc-20261123-0123456789")),
            (
                json!({"undo": undo(None), "n": 2}),
                Some(
                    "in force: tourniquet mitigate undo inc-20261123-0123456789 --n 2; bo (claimed) asked to put it back at 2026-11-23 15:00:00Z",
                ),
            ),
            (
                json!({"undo": undo(Some("the brake is on"))}),
                Some(
                    "in force: tourniquet mitigate undo inc-20261123-0123456789; bo (claimed) asked to put it back at 2026-11-23 15:00:00Z, refused: the brake is on",
                ),
            ),
            (back(None), Some("put back at 2026-11-23 15:00:05Z, not by us")),
            (back(Some("bo (claimed)")), Some("put back at 2026-11-23 15:00:05Z, as bo (claimed) asked")),
            (json!({"outcome": "undone"}), None),
            (json!({"takes_away": false}), None),
            (
                json!({"takes_away": false, "undo": undo(None)}),
                Some("bo (claimed) asked to put it back at 2026-11-23 15:00:00Z"),
            ),
        ] {
            assert_eq!(standing(&record(more)).as_deref(), expect);
        }
    }

    #[test]
    fn a_person_sees_what_it_goes_back_to() {
        let shown = describe(&record(json!({})));
        for part in ["since    2026-11-23 14:04:00Z", r#"left     {"enabled":false}"#, r#"back to  {"enabled":true}"#] {
            assert!(shown.contains(part), "{shown}");
        }
    }
}
