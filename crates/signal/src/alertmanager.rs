//! Webhooks of Prometheus Alertmanager (version 4) and of Grafana, whose unified alerting sends the same and more: one signal
//! per alert.
//!
//! An alert `firing` fires from its start, `resolved` recovers at its end. Its fingerprint there, which follows from its
//! labels, is its name here.

use serde_json::{Value, json};

use crate::event::{Event, Thing};
use crate::source::{Reader, Source};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, sha256_hex, shown, text};

pub(crate) const SOURCE: Source = Source { name: "alertmanager", rules: &[], reader: Reader::Payload(read) };

fn read(payload: &Value) -> Option<Vec<Result<Signal, Unread>>> {
    text(payload, "/receiver")?;
    let alerts = payload.get("alerts")?.as_array()?;
    let (source, detail_type) = if payload.get("orgId").is_some() {
        ("grafana", "Grafana Alert")
    } else {
        ("alertmanager", "Alertmanager Alert")
    };
    if alerts.is_empty() {
        return Some(vec![Err(Unread::malformed(format!(
            "The {source} webhook has no alert: there is nothing to read."
        )))]);
    }
    let short = |pointer: &str| text(payload, pointer).filter(|text| text.len() <= 1024);
    let one = |alert: &Value| {
        let mut detail = alert.clone();
        if let Some(fields) = detail.as_object_mut() {
            fields.insert("receiver".to_owned(), json!(short("/receiver")));
            fields.insert("externalURL".to_owned(), json!(short("/externalURL")));
        }
        let event = json!({"source": source, "detail-type": detail_type, "resources": [], "detail": detail});
        Event::of(&event).map_or_else(|| Err(Unread::malformed("The alert is not readable.")), |event| signal(&event))
    };
    Some(alerts.iter().map(one).collect())
}

fn signal(event: &Event) -> Result<Signal, Unread> {
    let name = event.text("/labels/alertname").ok_or_else(|| event.lacks("the alert's name"))?;
    let word = event.text("/status").ok_or_else(|| event.lacks("its status"))?;
    let (state, time, is) = match word {
        "firing" => (State::Firing, "/startsAt", "is firing"),
        "resolved" => (State::Recovered, "/endsAt", "has recovered"),
        other => {
            return Err(Unread::malformed(format!(
                "The alert has the unknown status {}: it must be firing or resolved.",
                shown(other)
            )));
        }
    };
    let identity = event.text("/fingerprint").map_or_else(|| labels(event), str::to_owned);
    let on = event.first(&["/labels/instance", "/labels/pod", "/labels/service", "/labels/job"]);
    let on = on.map_or_else(String::new, |on| format!(" on {}", shown(on)));
    let reason = match (event.text("/annotations/summary"), event.text("/annotations/description")) {
        (Some(summary), Some(description)) => Some(format!("{summary}: {description}")),
        (one, other) => one.or(other).or(event.text("/annotations/message")).map(str::to_owned),
    };
    let account = event.first(&["/labels/account_id", "/labels/aws_account_id", "/labels/aws_account"]);
    let region = event.first(&["/labels/aws_region", "/labels/region"]);
    let draft = event.draft(Kind::Alarm, state, Thing::Named(identity), format!("Alert {}{on} {is}", shown(name)));
    let draft = draft.place(account, region).tagged_at(&["/labels"]);
    draft.at(event.text(time).and_then(instant)).because(reason).signal()
}

/// What the labels make of an alert, for senders that compute no fingerprint.
fn labels(event: &Event) -> String {
    let labels = event.detail.get("labels").and_then(Value::as_object).into_iter().flatten();
    let mut pairs: Vec<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
    pairs.sort_unstable();
    let parts: Vec<&str> = pairs.iter().map(String::as_str).collect();
    sha256_hex(&parts)[..16].to_owned()
}
