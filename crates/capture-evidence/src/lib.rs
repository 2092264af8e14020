//! Purpose: keep the evidence about an incident while it is warm: capture, hash and seal one pass of it.
//! Reads: the incident; through the role `tourniquet-read-evidence` of the incident's account its log groups, its alarm
//! and their metrics; the pass as far as the bucket has it.
//! Writes: the bag of the pass below `v1/incidents/<id>/<opening>/<pass>/`, each key once; the seal and the onset of the
//! incident; the timeline.
//! Undo: none; evidence stays. Retry: safe after a kill at any point: what is in the bucket is described and not written
//! again, and a custody file that is there decides what is sealed. What a source does not give is a gap, never a failed
//! pass; what passes by itself, in STS or the bucket, is tried again before anything is sealed.

mod before;
mod bucket;
mod collectors;
mod roles;
#[cfg(test)]
mod samples;
mod seal;
mod wanted;

use std::time::Duration;

use evidence_bundle::{CUSTODY_V, Custody, Pass};
use incident::{Entry, Incident, SealedPass, V};
use incident_store::Store;
use serde::{Deserialize, Serialize};
use step::{Env, StepError};
use tokio::time::Instant;

use crate::bucket::Bucket;
pub use crate::collectors::{KINDS, Kind};
use crate::collectors::{Limits, Write};
use crate::seal::Sealed;

/// What is not read by then is a gap. The time-out of the function leaves a minute and more for storing and sealing.
const READ_FOR: Duration = Duration::from_secs(240);

/// What the state machine sends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Input {
    /// The version of this message.
    pub v: u32,
    /// The incident.
    pub incident_id: String,
    /// Its opening.
    pub opening: u32,
    /// Which pass: 1 (warm) or 2 (complete).
    pub pass: u32,
}

/// What the state machine reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Where the bag is in the evidence bucket.
    pub prefix: String,
    /// The seal: SHA-256 of the tag manifest; absent where the pass came too late to be sealed.
    pub tag_manifest_sha256: Option<String>,
    /// How many captured files it has.
    pub files: u32,
    /// How many gaps it names.
    pub gaps: u32,
}

/// What the function holds from one call to the next.
#[derive(Debug)]
pub struct Ctx {
    store: Store,
    bucket: Bucket,
    sts: aws_sdk_sts::Client,
    config: aws_types::SdkConfig,
    partition: String,
    own_account: String,
    own_region: String,
}

impl Ctx {
    /// Builds the clients from `TABLE`, `BUCKET`, `OWN_ACCOUNT` and `PARTITION` (`aws` by default); nothing is asked of
    /// the network.
    ///
    /// # Errors
    /// `Stuck` where the environment lacks what template.yaml gives; the function cannot start.
    pub fn new(env: &Env) -> Result<Self, StepError> {
        let config = step::aws::config(env)?;
        Ok(Self {
            store: Store::new(&config, env.get("TABLE")?),
            bucket: Bucket::new(&config, env.get("BUCKET")?),
            sts: aws_sdk_sts::Client::new(&config),
            config,
            partition: env.find("PARTITION").unwrap_or_else(|| "aws".to_owned()),
            own_account: env.get("OWN_ACCOUNT")?,
            own_region: env.get("AWS_REGION")?,
        })
    }
}

/// Captures and seals one pass; a pass that is sealed already is recorded and answered as it is.
///
/// # Errors
/// `Rejected` for an unknown incident, another opening or an unknown pass; `Transient` or `Stuck` where the bucket, STS
/// or the table does not answer; `Transient` while the pass before is being captured. A source that does not answer is a
/// gap and no error.
pub async fn handle(ctx: &Ctx, input: Input) -> Result<Output, StepError> {
    let pass = read(&input)?;
    let incident = ctx.store.load_in(&input.incident_id, input.opening).await?;
    if incident.opening != input.opening {
        let (id, now) = (incident.id(), incident.opening);
        return Err(StepError::rejected(format!("{id} is in opening {now}, and this step is about {}", input.opening)));
    }
    let prefix = evidence_bundle::prefix(incident.id(), incident.opening, pass);
    let sealed = match seal::sealed(&ctx.bucket, &prefix).await? {
        Some(sealed) => sealed,
        None => {
            let custody = match seal::begun(&ctx.bucket, &prefix).await? {
                Some(custody) => custody,
                None => match capture(ctx, &incident, pass, &prefix).await? {
                    Some(custody) => custody,
                    None => return before::decline(ctx, &incident, pass, prefix).await,
                },
            };
            let draft = seal::begin(&ctx.bucket, &prefix, custody).await?;
            // Asked once more, now that the next pass cannot miss this one: of two at once, one always sees the other.
            if before::is_overtaken(ctx, &incident, pass).await? {
                return before::decline(ctx, &incident, pass, prefix).await;
            }
            seal::seal(&ctx.bucket, &prefix, draft).await?
        }
    };
    record(ctx, prefix, &sealed).await
}

fn read(input: &Input) -> Result<Pass, StepError> {
    if input.v != V {
        return Err(StepError::rejected(format!(
            "input version {} is not known here; this release reads {V}",
            input.v
        )));
    }
    match input.pass {
        1 => Ok(Pass::Warm),
        2 => Ok(Pass::Complete),
        other => Err(StepError::rejected(format!("there is no pass {other}; 1 is warm and 2 is complete"))),
    }
}

/// Everything for one pass but its seal; `None` where the next pass has overtaken it.
async fn capture(ctx: &Ctx, incident: &Incident, pass: Pass, prefix: &str) -> Result<Option<Custody>, StepError> {
    // Asked before as well, so that a pass which has to wait, or is too late, reads nothing.
    before::previous(ctx, incident, pass).await?;
    before::begin(ctx, prefix).await?;
    if before::is_overtaken(ctx, incident, pass).await? {
        return Ok(None);
    }
    let limits = Limits { deadline: Instant::now() + READ_FOR, ..Limits::default() };
    let wanted = wanted::wanted(incident, pass, step::now());
    let mut collected = collectors::collect(ctx, incident, prefix, &wanted, limits).await?;
    if let (None, Some(onset)) = (incident.onset, collected.onset) {
        ctx.store.onset_found(incident.id(), incident.opening, onset).await?;
    }
    for Write { at, event_id, what } in collected.writes {
        let entry = Entry::new(at, "capture-evidence", &["changed", &event_id], what);
        ctx.store.note(incident.id(), &entry).await?;
    }
    let before = before::previous(ctx, incident, pass).await?;
    if before::is_overtaken(ctx, incident, pass).await? {
        return Ok(None);
    }
    collected.gaps.extend(before.gap(pass));
    Ok(Some(Custody {
        v: CUSTODY_V,
        incident_id: incident.id().to_owned(),
        opening: incident.opening,
        pass,
        sealed_at: step::now(),
        version: step::VERSION.to_owned(),
        files: collected.files,
        gaps: collected.gaps,
        previous: before.seal(),
    }))
}

/// Everything here comes from the bag, so that recording it again writes the same.
async fn record(ctx: &Ctx, prefix: String, sealed: &Sealed) -> Result<Output, StepError> {
    let Sealed { custody, tag_manifest_sha256, tag_version_ids } = sealed;
    let (files, gaps) = (count(custody.files.len()), count(custody.gaps.len()));
    let pass = SealedPass {
        pass: custody.pass.as_str().to_owned(),
        prefix: prefix.clone(),
        tag_manifest_sha256: tag_manifest_sha256.clone(),
        tag_version_ids: tag_version_ids.clone(),
        files,
        gaps,
        sealed_at: custody.sealed_at,
    };
    ctx.store.evidence_sealed(&custody.incident_id, custody.opening, &pass).await?;
    let key = ["evidence-sealed", prefix.as_str()];
    let entry = Entry::new(custody.sealed_at, "capture-evidence", &key, summary(custody));
    ctx.store.note(&custody.incident_id, &entry).await?;
    Ok(Output { prefix, tag_manifest_sha256: Some(tag_manifest_sha256.clone()), files, gaps })
}

/// The line of the timeline: `evidence sealed: pass 1-warm, 5 files, 1 gap (log group /aws/lambda/checkout)`.
fn summary(custody: &Custody) -> String {
    const NAMED: usize = 3;
    let counted = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let files = counted(custody.files.len(), "file");
    let mut line = format!("evidence sealed: pass {}, {files}, ", custody.pass);
    if custody.gaps.is_empty() {
        return line + "no gaps";
    }
    let named: Vec<&str> = custody.gaps.iter().take(NAMED).map(|gap| gap.what.as_str()).collect();
    line.push_str(&format!("{} ({}", counted(custody.gaps.len(), "gap"), named.join(", ")));
    if let more @ 1.. = custody.gaps.len().saturating_sub(NAMED) {
        line.push_str(&format!(" and {more} more"));
    }
    line + ")"
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use evidence_bundle::Gap;

    use super::*;
    use crate::samples::at;

    #[test]
    fn only_a_known_pass_of_a_known_version_is_captured() {
        let input = |v, pass| Input { v, incident_id: "inc-20261123-0123456789".into(), opening: 1, pass };
        assert_eq!(read(&input(1, 1)).unwrap(), Pass::Warm);
        assert_eq!(read(&input(1, 2)).unwrap(), Pass::Complete);
        for (v, pass) in [(1, 0), (1, 3), (2, 1)] {
            assert_eq!(read(&input(v, pass)).unwrap_err().name(), "Rejected", "v {v}, pass {pass}");
        }
    }

    /// The next pass began between the last look and the custody file: sealed now, this one would break the chain.
    #[tokio::test]
    async fn a_pass_that_is_overtaken_while_it_writes_its_custody_is_not_sealed() {
        use crate::samples::{Answer, asked, canned, config, incident};
        const MISSING: Answer<'static> = (404, &[], "<Error><Code>NoSuchKey</Code></Error>");
        const TAKEN: Answer<'static> = (412, &[], "<Error><Code>PreconditionFailed</Code></Error>");
        let incident = incident();
        let item = serde_json::json!({"Item": {
            "opened": {"S": serde_json::to_string(&incident.opened).unwrap()}, "severity": {"S": "SEV2"},
            "status": {"S": "open"}, "opening": {"N": "1"}, "run": {"N": "1"}, "engagement": {"N": "1"},
        }});
        let custody = serde_json::to_string(&Custody {
            v: CUSTODY_V,
            incident_id: incident.id().to_owned(),
            opening: 1,
            pass: Pass::Warm,
            sealed_at: at("14:03:00"),
            version: "0.1.0".into(),
            files: Vec::new(),
            gaps: Vec::new(),
            previous: None,
        });
        let (item, custody) = (item.to_string(), custody.unwrap());
        let next = "<ListBucketResult><Contents><Key>k</Key><LastModified>2026-11-23T14:03:01Z</LastModified>\
                    </Contents></ListBucketResult>";
        let found: Answer<'_> = (200, &[], &custody);
        let http = canned([
            (200, &[], &item),
            MISSING,
            found,
            TAKEN,
            found,
            (200, &[], next),
            (200, &[], ""),
            (200, &[], "{}"),
        ]);
        let input = Input { v: V, incident_id: incident.id().to_owned(), opening: 1, pass: 1 };
        let output = handle(&Ctx::canned(&config(&http)), input).await.unwrap();
        assert_eq!(output.tag_manifest_sha256, None);
        let asked = asked(&http, "x-amz-target");
        let written: Vec<_> = asked.iter().filter(|(method, ..)| *method == "PUT").map(|(_, path, _)| path).collect();
        assert!(written.len() == 2 && written[1].contains("/1-warm/declined.json"), "{written:?}");
    }

    #[test]
    fn the_timeline_counts_and_names_what_is_not_there() {
        #[track_caller]
        fn check(gaps: &[&str], expected: &str) {
            let gap = |what: &&str| Gap { collector: "logs".into(), what: (*what).to_owned(), reason: "why".into() };
            let custody = Custody {
                v: CUSTODY_V,
                incident_id: "inc-20261123-0123456789".into(),
                opening: 1,
                pass: Pass::Warm,
                sealed_at: at("14:03:00"),
                version: "0.1.0".into(),
                files: Vec::new(),
                gaps: gaps.iter().map(gap).collect(),
                previous: None,
            };
            assert_eq!(summary(&custody), format!("evidence sealed: pass 1-warm, 0 files, {expected}"));
        }
        check(&[], "no gaps");
        check(&["log group a"], "1 gap (log group a)");
        check(&["a", "b", "c", "d", "e"], "5 gaps (a, b, c and 2 more)");
    }
}
