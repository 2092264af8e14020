//! Mutes by hand: set, listed with what they keep quiet, taken back.

use incident::{Mute, V, Verb};
use incident_store::MutedSignal;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::args;
use crate::ask::ask;
use crate::cloud::Cloud;
use crate::report::{Report, line, listing, second};

pub(crate) async fn mute(cloud: &Cloud, what: &args::Mute) -> anyhow::Result<Report> {
    let args::Mute { what: thing, environment, minutes, reason, wait } = what;
    let args = json!({
        "plan": thing.plan, "service": thing.service, "environment": environment, "fingerprint": thing.fingerprint,
        "minutes": minutes, "reason": reason,
    });
    ask(cloud, Verb::Mute, None, args, *wait).await
}

pub(crate) async fn unmute(cloud: &Cloud, what: &args::Unmute) -> anyhow::Result<Report> {
    ask(cloud, Verb::Unmute, None, json!({"id": what.id}), what.wait).await
}

/// What is muted now, and what fires and is kept quiet, by recurring mutes, too.
pub(crate) async fn list(cloud: &Cloud) -> anyhow::Result<Report> {
    let store = cloud.store()?;
    let mutes = store.mutes().await.map_err(|e| cloud.explain(e))?.mutes;
    let quiet = store.muted_signals().await.map_err(|e| cloud.explain(e))?;
    let quiet: Vec<MutedSignal> = quiet.into_iter().collect::<Result<_, _>>().map_err(|e| cloud.explain(e))?;
    Ok(report(&mutes, &quiet, step::now()))
}

fn report(mutes: &[Mute], quiet: &[MutedSignal], now: Timestamp) -> Report {
    let active: Vec<&Mute> = mutes.iter().filter(|mute| mute.is_active(now)).collect();
    let rows: Vec<Vec<String>> = active.iter().map(|mute| row(mute, quiet)).collect();
    let head = ["mute", "until", "what", "keeps quiet", "by", "why"];
    let mut text = if rows.is_empty() { "nothing is muted by hand\n".to_owned() } else { listing(&head, &rows) };
    for MutedSignal { signal, muted } in quiet {
        let (title, muted) = (line(&signal.title), line(&muted.to_string()));
        text.push_str(&format!("fires since {}: {title}; {muted}\n", second(signal.time)));
    }
    let signals: Vec<Value> = quiet.iter().map(object).collect();
    Report { objects: vec![json!({"v": V, "mutes": active, "muted": signals})], text, ..Report::default() }
}

fn row(mute: &Mute, quiet: &[MutedSignal]) -> Vec<String> {
    let count = quiet.iter().filter(|waits| waits.muted.mute == mute.id).count();
    let Mute { id, scope, by, reason, until, .. } = mute;
    vec![id.clone(), second(*until), scope.to_string(), count.to_string(), by.clone(), reason.clone()]
}

fn object(waits: &MutedSignal) -> Value {
    let MutedSignal { signal, muted } = waits;
    json!({
        "signal_id": signal.signal_id, "fingerprint": signal.fingerprint, "title": signal.title, "time": signal.time,
        "muted": muted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_442_400 + 60 * minute).unwrap()
    }

    fn mute(id: &str, ended: Option<i64>) -> Mute {
        let ended = ended.map(|minute| json!({"by": "bo", "at": at(minute)}));
        serde_json::from_value(json!({
            "id": id, "scope": {"service": "checkout"}, "by": "ana (claimed)", "reason": "a\u{1b} deployment", "at": at(0),
            "until": at(120), "ended": ended,
        }))
        .unwrap()
    }

    fn quiet(mute: &str) -> MutedSignal {
        let signal = serde_json::from_value(json!({
            "source": "aws.cloudwatch", "detail_type": null, "kind": "alarm", "state": "firing", "account": null,
            "region": null, "time": at(5), "onset": null, "resources": [], "title": "checkout-errors", "reason": null,
            "link": null, "fingerprint": "f", "signal_id": "s", "drill": false, "event": null,
        }));
        let by = Some("ana (claimed)".to_owned()).filter(|_| mute.starts_with("mute-"));
        let muted = incident::Muted { mute: mute.into(), by, reason: "r".into(), until: at(120) };
        MutedSignal { signal: signal.unwrap(), muted }
    }

    #[test]
    fn people_see_what_is_muted_and_what_of_it_fires() {
        let mutes = [mute("mute-1", None), mute("mute-2", Some(3))];
        let report = report(&mutes, &[quiet("mute-1"), quiet("nightly")], at(10));
        let lines: Vec<&str> = report.text.lines().collect();
        assert_eq!(lines.len(), 4, "{}", report.text);
        assert_eq!(
            lines[1],
            "mute-1  2026-11-23 16:00:00Z  service checkout  1            ana (claimed)  a  deployment"
        );
        assert!(lines[2].starts_with("fires since 2026-11-23 14:05:00Z: checkout-errors; muted until"), "{}", lines[2]);
        assert!(lines[3].ends_with("as nightly in mutes.yaml says: r"), "{}", lines[3]);
        assert_eq!(report.objects[0]["mutes"][0]["id"], "mute-1");
        assert_eq!(report.objects[0]["muted"][1]["muted"]["mute"], "nightly");
        assert_eq!(super::report(&mutes, &[], at(120)).text, "nothing is muted by hand\n");
    }
}
