//! Purpose: write the postmortem of a resolved incident from its records: the five questions, measures, timeline, evidence.
//! Reads: the incident, its timeline, mitigations and pages, the ledger of what the mitigations touched.
//! Writes: `s3://{bucket}/v1/postmortems/{id}/{opening}/postmortem.md` and `.html`, their keys into the incident, the
//! timeline.
//! Undo: none; the bucket keeps every version. Retry: safe; the same records make the same bytes under the same keys, as a
//! new version, and one entry of the timeline.

mod bucket;
mod facts;

use incident::{Entry, PostmortemKeys, V};
use incident_store::Store;
use serde::{Deserialize, Serialize};
use step::{Env, StepError};

use crate::bucket::{Bucket, Form};

/// The step's name in the timeline.
const STEP: &str = "open-postmortem";

/// What the state machine sends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Input {
    /// The version of this message.
    pub v: u32,
    /// The incident.
    pub incident_id: String,
    /// Its opening.
    pub opening: u32,
}

/// What the state machine reads: where the documents are, as keys in the evidence bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The Markdown document.
    pub markdown: String,
    /// The page.
    pub html: String,
}

/// What the function holds between invocations.
#[derive(Debug)]
pub struct Ctx {
    store: Store,
    bucket: Bucket,
}

impl Ctx {
    /// Clients and settings from the environment; no network is asked.
    ///
    /// # Errors
    /// `Stuck` where a variable is missing: the deployment has to be mended.
    pub fn new(env: &Env) -> Result<Self, StepError> {
        let config = step::aws::config(env)?;
        Ok(Self { store: Store::new(&config, env.get("TABLE")?), bucket: Bucket::new(&config, env.get("BUCKET")?) })
    }
}

/// Writes both documents, then records where they are.
///
/// An incident of which little is known is no error: its document says what is not known.
///
/// # Errors
/// `Rejected` for an input of another version, an unknown incident, or an opening that it does not have (any more); `Transient` or `Stuck` where table
/// or bucket fail, and the state machine goes on without a postmortem after it has told the fallback topic.
pub async fn handle(ctx: &Ctx, input: Input) -> Result<Output, StepError> {
    known(&input)?;
    // On the heap: the types of so many reads in one future are deeper than the compiler follows.
    let facts = Box::pin(facts::load(&ctx.store, &input)).await?;
    let keys = keys(&input);
    ctx.bucket.put(&keys.markdown, Form::Markdown, postmortem::markdown(&facts)).await?;
    ctx.bucket.put(&keys.html, Form::Html, postmortem::html(&facts)).await?;
    ctx.store.postmortem_written(&input.incident_id, input.opening, &keys).await?;
    let entry = entry(&input, &keys, step::now());
    if !noted(&facts.timeline, &entry) {
        ctx.store.note(&input.incident_id, &entry).await?;
    }
    tracing::info!(markdown = keys.markdown, html = keys.html, "postmortem written");
    Ok(Output { markdown: keys.markdown, html: keys.html })
}

fn known(input: &Input) -> Result<(), StepError> {
    if input.v == V {
        return Ok(());
    }
    Err(StepError::rejected(format!("input version {} is not known here; this release reads {V}", input.v)))
}

/// Where the documents of an opening are.
fn keys(input: &Input) -> PostmortemKeys {
    let key = |form: Form| format!("v1/postmortems/{}/{}/postmortem.{form}", input.incident_id, input.opening);
    PostmortemKeys { markdown: key(Form::Markdown), html: key(Form::Html) }
}

fn entry(input: &Input, keys: &PostmortemKeys, now: jiff::Timestamp) -> Entry {
    let cause = [input.incident_id.as_str(), &input.opening.to_string(), STEP];
    Entry::new(now, STEP, &cause, format!("wrote the postmortem: {}", keys.html))
}

/// Whether an earlier run noted it: an entry of the same cause, whatever its time.
fn noted(timeline: &[Entry], entry: &Entry) -> bool {
    timeline.iter().any(|known| known.step == entry.step && known.seq == entry.seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(opening: u32) -> Input {
        Input { v: 1, incident_id: "inc-20261123-0123456789".to_owned(), opening }
    }

    #[test]
    fn an_input_of_another_version_is_rejected() {
        assert!(known(&input(1)).is_ok());
        for v in [0, 2, u32::MAX] {
            assert_eq!(known(&Input { v, ..input(1) }).unwrap_err().name(), "Rejected", "v {v}");
        }
    }

    #[test]
    fn each_opening_has_its_own_keys() {
        let keys = keys(&input(2));
        assert_eq!(keys.markdown, "v1/postmortems/inc-20261123-0123456789/2/postmortem.md");
        assert_eq!(keys.html, "v1/postmortems/inc-20261123-0123456789/2/postmortem.html");
    }

    #[test]
    fn writing_again_notes_nothing_again() {
        let at = |time: &str| time.parse().unwrap();
        let first = entry(&input(1), &keys(&input(1)), at("2026-11-23T14:14:21Z"));
        let again = entry(&input(1), &keys(&input(1)), at("2026-11-23T14:15:00Z"));
        let next = entry(&input(2), &keys(&input(2)), at("2026-11-23T15:00:00Z"));
        assert!(!noted(&[], &first));
        assert!(noted(std::slice::from_ref(&first), &again));
        assert!(!noted(&[first], &next));
    }
}
