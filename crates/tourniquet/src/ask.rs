//! Asking: a command goes into the queue, and its answer is waited for.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use incident::{Command, CommandRecord, V, Verb};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use step::sdk_error;

use crate::args::Wait;
use crate::cloud::Cloud;
use crate::report::{Report, line};

/// How long an answer is waited for.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(250);

/// Asks, and waits for the answer unless told not to.
pub(crate) async fn ask(
    cloud: &Cloud,
    verb: Verb,
    incident_id: Option<&str>,
    args: Value,
    wait: Wait,
) -> anyhow::Result<Report> {
    let claimed_by = cloud.user()?;
    let (queue, url) = cloud.queue()?;
    let store = if wait.no_wait { None } else { Some(cloud.store()?) };
    let request_id = request_id(step::now());
    let incident_id = incident_id.map(str::to_owned);
    let command = Command { v: V, request_id: request_id.clone(), incident_id, verb, args, proof: None, claimed_by };
    let sent = queue.send_message().queue_url(url).message_body(serde_json::to_string(&command)?).send().await;
    sent.map_err(|e| cloud.explain(sdk_error("the command could not be put into the queue", e)))?;
    let Some(store) = store else {
        return Ok(unanswered(
            &command,
            false,
            format!("asked, as request {request_id}; the answer was not waited for"),
        ));
    };
    let until = step::now() + PATIENCE;
    while step::now() < until {
        if let Some(record) = store.command(&request_id).await.map_err(|e| cloud.explain(e))? {
            return Ok(answered(&record));
        }
        tokio::time::sleep(LOOK).await;
    }
    let sentence = format!(
        "no answer within {} s; request {request_id} stays in the queue, and `tourniquet show` says what came of it",
        PATIENCE.as_secs()
    );
    Ok(unanswered(&command, true, sentence))
}

fn answered(record: &CommandRecord) -> Report {
    let object = serde_json::to_value(record).unwrap_or_default();
    Report { objects: vec![object], text: line(&record.answer), wrong: !record.done, ..Report::default() }
}

fn unanswered(command: &Command, wrong: bool, text: String) -> Report {
    let Command { v, request_id, verb, incident_id, .. } = command;
    let object = json!({
        "v": v, "request_id": request_id, "verb": verb, "incident_id": incident_id, "done": null, "answer": null,
        "by": null, "at": null,
    });
    Report { objects: vec![object], text, wrong, ..Report::default() }
}

/// 32 hex digits that nobody else has: of the time, this process, and the randomness that every process gets.
fn request_id(now: Timestamp) -> String {
    let random = || std::collections::hash_map::RandomState::new().build_hasher().finish().to_string();
    let (time, process) = (now.as_nanosecond().to_string(), std::process::id().to_string());
    let mut id = signal::sha256_hex(&[&time, &process, &random(), &random()]);
    id.truncate(32);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let now = Timestamp::UNIX_EPOCH;
        let (one, other) = (request_id(now), request_id(now));
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }

    #[test]
    fn a_no_is_something_wrong() {
        let record = |done| CommandRecord {
            v: V,
            request_id: "r".into(),
            verb: Some(Verb::Acknowledge),
            incident_id: None,
            done,
            answer: "a\u{1b}".into(),
            by: "ana (claimed)".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        assert!(!answered(&record(true)).wrong);
        let no = answered(&record(false));
        assert!(no.wrong);
        assert_eq!(no.text, "a ");
        assert_eq!(no.objects[0]["verb"], "acknowledge");
    }
}
