//! Purpose: keep the evidence about an incident while it is warm: capture, hash and seal one pass of it.
//! Reads: the incident; through the role `tourniquet-read-evidence` of the incident's account its log groups, its alarm
//! and their metrics; the pass as far as the bucket has it.
//! Writes: the bag of the pass below `v1/incidents/<id>/<opening>/<pass>/`, each key once; the seal and the onset of the
//! incident; the timeline.
//! Undo: none; evidence stays. Retry: safe after a kill at any point: what is in the bucket is described and not written
//! again, and a custody file that is there decides what is sealed. What a source does not give is a gap, never a failed
//! pass; what passes by itself, in STS or the bucket, is tried again before anything is sealed.

mod bucket;
mod collectors;
mod roles;
#[cfg(test)]
mod samples;
mod seal;
mod wanted;

use std::time::Duration;

use evidence_bundle::{CUSTODY_V, Custody, Gap, Pass};
use incident::{Entry, Incident, SealedPass, V};
use incident_store::Store;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use step::{Env, StepError};
use tokio::time::Instant;

use crate::bucket::Bucket;
use crate::collectors::Limits;
use crate::seal::Sealed;

/// What is not read by then is a gap. The time-out of the function leaves a minute and more for storing and sealing.
const READ_FOR: Duration = Duration::from_secs(240);

/// A pass that was begun and has written nothing for so long is not waited for: a try ends after seven minutes, and the
/// next begins within one. The state machine tries this pass again for longer.
const ABANDONED: SignedDuration = SignedDuration::from_mins(8);

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
    /// The seal: SHA-256 of the tag manifest.
    pub tag_manifest_sha256: String,
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
    let incident = ctx.store.load(&input.incident_id).await?;
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
                None => capture(ctx, &incident, pass, &prefix).await?,
            };
            seal::seal(&ctx.bucket, &prefix, custody).await?
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

async fn capture(ctx: &Ctx, incident: &Incident, pass: Pass, prefix: &str) -> Result<Custody, StepError> {
    // Asked before as well, so that a pass which has to wait does so before it reads anything.
    previous(ctx, incident, pass).await?;
    let limits = Limits { deadline: Instant::now() + READ_FOR, ..Limits::default() };
    let wanted = wanted::wanted(incident, pass, step::now());
    let mut collected = collectors::collect(ctx, incident, prefix, &wanted, limits).await?;
    if let (None, Some(onset)) = (incident.onset, collected.onset) {
        ctx.store.onset_found(incident.id(), onset).await?;
    }
    let before = previous(ctx, incident, pass).await?;
    collected.gaps.extend(before.gap(pass));
    Ok(Custody {
        v: CUSTODY_V,
        incident_id: incident.id().to_owned(),
        opening: incident.opening,
        pass,
        sealed_at: step::now(),
        version: step::VERSION.to_owned(),
        files: collected.files,
        gaps: collected.gaps,
        previous: before.seal(),
    })
}

/// The pass before.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Before {
    /// There is none.
    Absent,
    /// It has this seal.
    Sealed(String),
    /// It was begun, and nobody goes on with it.
    Abandoned,
}

impl Before {
    fn seal(self) -> Option<String> {
        if let Self::Sealed(seal) = self { Some(seal) } else { None }
    }

    fn gap(&self, pass: Pass) -> Option<Gap> {
        let what = pass.previous().filter(|_| *self == Self::Abandoned)?;
        let reason = "it was begun and not sealed; what it kept is in the evidence bucket, and no seal covers it.";
        Some(Gap { collector: "capture-evidence".to_owned(), what: format!("pass {what}"), reason: reason.to_owned() })
    }
}

/// The pass before: as the incident has it, or as the bucket has it where a run was killed between the two. While it is
/// being captured, this pass waits: sealed first, it could never name the other's seal.
async fn previous(ctx: &Ctx, incident: &Incident, pass: Pass) -> Result<Before, StepError> {
    let Some(before) = pass.previous() else { return Ok(Before::Absent) };
    let prefix = evidence_bundle::prefix(incident.id(), incident.opening, before);
    if let Some(sealed) = incident.evidence.iter().find(|sealed| sealed.prefix == prefix) {
        return Ok(Before::Sealed(sealed.tag_manifest_sha256.clone()));
    }
    if let Some(seal) = seal::seal_of(&ctx.bucket, &prefix).await? {
        return Ok(Before::Sealed(seal));
    }
    unsealed(before, ctx.bucket.youngest(&prefix).await?, step::now())
}

/// What to think of a pass without a seal, from when it last wrote something.
fn unsealed(before: Pass, youngest: Option<Timestamp>, now: Timestamp) -> Result<Before, StepError> {
    match youngest {
        None => Ok(Before::Absent),
        Some(written) if now.duration_since(written) >= ABANDONED => Ok(Before::Abandoned),
        Some(_) => Err(StepError::transient(format!("pass {before} is not sealed yet; this pass comes after it"))),
    }
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
    ctx.store.evidence_sealed(&custody.incident_id, &pass).await?;
    let key = ["evidence-sealed", prefix.as_str()];
    let entry = Entry::new(custody.sealed_at, "capture-evidence", &key, summary(custody));
    ctx.store.note(&custody.incident_id, &entry).await?;
    Ok(Output { prefix, tag_manifest_sha256: tag_manifest_sha256.clone(), files, gaps })
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

    #[test]
    fn a_pass_waits_for_the_one_before_it_as_long_as_that_is_alive() {
        let now = at("14:30:00");
        let thought = |youngest: Option<&str>| unsealed(Pass::Warm, youngest.map(at), now);
        assert_eq!(thought(None).unwrap(), Before::Absent);
        for written in ["14:22:01", "14:29:59", "14:30:01"] {
            let error = thought(Some(written)).unwrap_err();
            assert_eq!(error.name(), "Transient", "{written}");
            assert_eq!(error.to_string(), "pass 1-warm is not sealed yet; this pass comes after it");
        }
        assert_eq!(thought(Some("14:22:00")).unwrap(), Before::Abandoned);
    }

    #[test]
    fn only_an_abandoned_pass_is_a_gap() {
        let what = |before: Before| before.gap(Pass::Complete).map(|gap| gap.what);
        assert_eq!(what(Before::Absent), None);
        assert_eq!(what(Before::Sealed("c".repeat(64))), None);
        assert_eq!(what(Before::Abandoned).as_deref(), Some("pass 1-warm"));
        assert_eq!(Before::Abandoned.seal(), None);
        assert_eq!(Before::Sealed("c".repeat(64)).seal(), Some("c".repeat(64)));
    }

    #[tokio::test]
    async fn the_bucket_tells_of_the_pass_before() {
        use crate::samples::{Answer, canned_all, config, incident};
        const MISSING: Answer<'static> = (404, &[], "<Error><Code>NoSuchKey</Code></Error>");
        let listed = |at: Timestamp| {
            let object = format!("<Contents><Key>k</Key><LastModified>{at}</LastModified></Contents>");
            format!("<ListBucketResult>{object}</ListBucketResult>")
        };
        let (young, old) = (listed(step::now()), listed(at("14:02:20") - SignedDuration::from_hours(24 * 365)));
        for (answers, expected) in [
            (vec![(200, &[][..], "tag manifest")], Ok(Before::Sealed(evidence_bundle::sha256_hex(b"tag manifest")))),
            (vec![MISSING, (200, &[], "<ListBucketResult></ListBucketResult>")], Ok(Before::Absent)),
            (vec![MISSING, (200, &[], &old)], Ok(Before::Abandoned)),
            (vec![MISSING, (200, &[], &young)], Err("Transient")),
        ] {
            let http = canned_all(&answers);
            let found = previous(&Ctx::canned(&config(&http)), &incident(), Pass::Complete).await;
            assert_eq!(found.map_err(|e| e.name()), expected);
            assert_eq!(http.actual_requests().count(), answers.len());
        }
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
