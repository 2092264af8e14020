//! Digests that have gathered: the owner is told, by an execution of `engage`.

use jiff::{SignedDuration, Timestamp};
use step::StepError;

use crate::{Ctx, Output};

/// Who received a signal just before the end may still be writing it: triage's time-out is 10 s.
const WRITTEN: SignedDuration = SignedDuration::from_secs(15);

/// Starts an execution for each digest that is due; one that fails is logged and stops no other. It stays due until notify
/// has recorded that it was told: the execution's name makes every further start of it nothing, for an hour, after which it
/// begins again, since an execution takes minutes. Claims keep what was sent from being sent again.
///
/// # Errors
/// What the store says where the list, or one of it, could not be read.
pub(crate) async fn tell(ctx: &Ctx, now: Timestamp, output: &mut Output) -> Result<(), StepError> {
    let mut unread = None;
    for digest in ctx.store.due_digests(now - WRITTEN).await? {
        let digest = match digest {
            Ok(digest) => digest,
            Err(error) => {
                log("-", &error);
                unread = Some(error);
                continue;
            }
        };
        output.digests += 1;
        let hours = now.duration_since(digest.until).as_hours();
        if let Err(error) = ctx.executions.tell_digest(&digest.id, digest.told + 1, hours).await {
            log(&digest.id, &error);
        }
    }
    unread.map_or(Ok(()), Err)
}

fn log(digest: &str, failure: &StepError) {
    let (name, chain) = (failure.name(), format!("{:#}", failure.cause()));
    tracing::error!(digest, error.name = name, error.chain = chain, "a digest could not be told");
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::samples;
    use crate::tests::ctx;

    #[tokio::test]
    async fn a_digest_is_told_once_it_has_gathered() {
        let (id, until) = ("digest-payments-20251123T1415Z", samples::at(900));
        let found = json!({
            "pk": {"S": format!("DIGEST#{id}")}, "sk": {"S": "META"}, "status": {"S": "digest"}, "opened_at": {"S": until},
        });
        let more = json!({
            "id": {"S": id}, "team": {"S": "{\"name\":\"payments\",\"escalation\":[]}"}, "drill": {"BOOL": false},
            "entries": {"N": "3"}, "gathers_until": {"S": until}, "told": {"N": "1"},
        });
        let mut stored = found.clone();
        stored.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        for (second, starts) in [(914, 0), (915, 1)] {
            let (ctx, replay) = ctx(vec![
                (200, json!({"Items": [found]}).to_string()),
                (200, json!({"Item": stored}).to_string()),
                (400, json!({"__type": "ExecutionAlreadyExists", "message": "m"}).to_string()),
            ]);
            let mut output = Output::default();
            tell(&ctx, samples::at(second), &mut output).await.unwrap();
            assert_eq!(output.digests, starts, "{second}");
            let Some(start) = replay.actual_requests().nth(2) else { continue };
            let start: Value = serde_json::from_slice(start.body().bytes().unwrap()).unwrap();
            assert!(start["stateMachineArn"].as_str().unwrap().ends_with(":engage"));
            assert_eq!(start["name"], format!("{id}-2"), "what came late is told for the second time");
            assert_eq!(start["input"], format!(r#"{{"v":1,"digest":"{id}","n":2}}"#));
        }
    }
}
