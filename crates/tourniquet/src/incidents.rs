//! The list of incidents.

use incident::{Status, V};
use incident_store::IncidentLine;
use serde_json::{Map, Value, json};

use crate::args::Incidents;
use crate::cloud::Cloud;
use crate::report::{Report, second, table};

/// What needs somebody.
const PRESENT: [Status; 3] = [Status::Open, Status::Mitigated, Status::Stuck];

pub(crate) async fn run(cloud: &Cloud, list: &Incidents) -> anyhow::Result<Report> {
    let store = cloud.store()?;
    let statuses = list.status.map_or(PRESENT.to_vec(), |status| vec![status]);
    let mut lines = Vec::new();
    let mut cursors = Vec::new();
    for status in statuses {
        let page = store.list(status, list.cursor.as_deref()).await.map_err(|e| cloud.explain(e))?;
        lines.extend(page.incidents);
        cursors.extend(page.cursor.map(|cursor| (status, cursor)));
    }
    Ok(report(&lines, &cursors))
}

fn report(lines: &[IncidentLine], cursors: &[(Status, String)]) -> Report {
    let more: Map<String, Value> =
        cursors.iter().map(|(status, cursor)| (status.to_string(), cursor.clone().into())).collect();
    let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    let mut text = if rows.is_empty() {
        "there is none\n".to_owned()
    } else {
        table(&["incident", "severity", "status", "opened", "owner", "acknowledged", "title"], &rows)
    };
    for (status, cursor) in cursors {
        text.push_str(&format!("more: tourniquet incidents --status {status} --cursor {cursor}\n"));
    }
    Report { objects: vec![json!({"v": V, "incidents": lines, "cursors": more})], text, ..Report::default() }
}

fn row(line: &IncidentLine) -> Vec<String> {
    vec![
        line.incident_id.clone(),
        line.severity.clone(),
        line.status.to_string(),
        second(line.opened_at),
        line.owner.clone(),
        line.acknowledged_by.clone().unwrap_or_else(|| "-".to_owned()),
        line.title.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_where_it_goes_on() {
        let line: IncidentLine = serde_json::from_value(json!({
            "incident_id": "inc-20261123-0123456789", "status": "open", "severity": "SEV2", "title": "checkout-errors",
            "service": "checkout", "environment": "prod", "owner": "payments", "opened_at": "2026-11-23T14:00:00Z",
        }))
        .unwrap();
        let found = report(&[line], &[(Status::Open, "7b7d".into())]);
        assert_eq!(found.objects[0]["cursors"], json!({"open": "7b7d"}));
        assert_eq!(found.objects[0]["incidents"][0]["incident_id"], "inc-20261123-0123456789");
        assert!(found.text.contains("2026-11-23 14:00:00Z  payments  -             checkout-errors"), "{}", found.text);
        assert!(found.text.ends_with("more: tourniquet incidents --status open --cursor 7b7d\n"));
        assert_eq!(report(&[], &[]).text, "there is none\n");
    }
}
