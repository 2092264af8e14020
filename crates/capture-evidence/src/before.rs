//! The order of the passes: each is sealed after the one before it, names its seal, and says so where it could not.

use evidence_bundle::{Gap, Pass};
use incident::{Entry, Incident, V};
use jiff::{SignedDuration, Timestamp};
use step::StepError;

use crate::{Ctx, Output, seal};

/// Where a pass that came too late says so; it is no part of a bag.
const DECLINED: &str = "declined.json";

/// What a pass writes before it reads anything, so that the others know of it though it may never have a file to keep; it
/// is no part of a bag either.
const BEGUN: &str = "begun.json";

/// A pass that was begun and has written nothing for so long is not waited for: a try ends after seven minutes, and the
/// next begins within one. The state machine tries this pass again for longer.
const ABANDONED: SignedDuration = SignedDuration::from_mins(8);

/// The pass before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Before {
    /// There is none: this is the first.
    First,
    /// Nothing of it is there.
    NotBegun,
    /// It came too late to be sealed, and said so.
    Declined,
    /// It has this seal.
    Sealed(String),
    /// It was begun, and nobody goes on with it.
    Abandoned,
}

impl Before {
    pub(crate) fn seal(self) -> Option<String> {
        if let Self::Sealed(seal) = self { Some(seal) } else { None }
    }

    pub(crate) fn gap(&self, pass: Pass) -> Option<Gap> {
        let what = pass.previous()?;
        let reason = match self {
            Self::First | Self::Sealed(_) => return None,
            Self::NotBegun => "nothing of it was there when this pass was sealed",
            Self::Declined => "it came after this pass had begun, and was not sealed",
            Self::Abandoned => {
                "it was begun and not sealed; what it kept is in the evidence bucket, and no seal covers it"
            }
        };
        Some(Gap { collector: "capture-evidence".to_owned(), what: format!("pass {what}"), reason: reason.to_owned() })
    }
}

/// The pass before: as the incident has it, or as the bucket has it where a run was killed between the two. While it is
/// being captured, this pass waits: sealed first, it could never name the other's seal.
pub(crate) async fn previous(ctx: &Ctx, incident: &Incident, pass: Pass) -> Result<Before, StepError> {
    let Some(before) = pass.previous() else { return Ok(Before::First) };
    let prefix = evidence_bundle::prefix(incident.id(), incident.opening, before);
    if let Some(sealed) = incident.evidence.iter().find(|sealed| sealed.prefix == prefix) {
        return Ok(Before::Sealed(sealed.tag_manifest_sha256.clone()));
    }
    if let Some(seal) = seal::seal_of(&ctx.bucket, &prefix).await? {
        return Ok(Before::Sealed(seal));
    }
    if ctx.bucket.read(&format!("{prefix}{DECLINED}")).await?.is_some() {
        return Ok(Before::Declined);
    }
    unsealed(before, ctx.bucket.youngest(&prefix).await?, step::now())
}

/// Says that a pass is under way.
pub(crate) async fn begin(ctx: &Ctx, prefix: &str) -> Result<(), StepError> {
    let said = serde_json::json!({"v": V, "at": step::now()});
    ctx.bucket.put_once(&format!("{prefix}{BEGUN}"), said.to_string().as_bytes()).await.map(drop)
}

/// What to think of a pass without a seal, from when it last wrote something.
fn unsealed(before: Pass, youngest: Option<Timestamp>, now: Timestamp) -> Result<Before, StepError> {
    match youngest {
        None => Ok(Before::NotBegun),
        Some(written) if now.duration_since(written) >= ABANDONED => Ok(Before::Abandoned),
        Some(_) => Err(StepError::transient(format!("pass {before} is not sealed yet; this pass comes after it"))),
    }
}

/// Whether the next pass has begun to write: sealed after it, this pass would break the chain of seals.
pub(crate) async fn is_overtaken(ctx: &Ctx, incident: &Incident, pass: Pass) -> Result<bool, StepError> {
    if pass != Pass::Warm {
        return Ok(false);
    }
    let next = evidence_bundle::prefix(incident.id(), incident.opening, Pass::Complete);
    Ok(ctx.bucket.youngest(&next).await?.is_some())
}

/// A pass that comes too late is not sealed, and says so where the next pass looks for it and in the timeline. What it
/// kept stays in the bucket; the next pass covers the same time and more.
pub(crate) async fn decline(ctx: &Ctx, incident: &Incident, pass: Pass, prefix: String) -> Result<Output, StepError> {
    let said = serde_json::json!({"v": V, "incident_id": incident.id(), "opening": incident.opening, "pass": pass});
    ctx.bucket.put_once(&format!("{prefix}{DECLINED}"), said.to_string().as_bytes()).await?;
    let what = format!("evidence not sealed: pass {pass} came after the next one had begun");
    let entry = Entry::new(step::now(), "capture-evidence", &["evidence-declined", &prefix], what);
    ctx.store.note(incident.id(), &entry).await?;
    Ok(Output { prefix, tag_manifest_sha256: None, files: 0, gaps: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::at;

    #[test]
    fn a_pass_waits_for_the_one_before_it_as_long_as_that_is_alive() {
        let now = at("14:30:00");
        let thought = |youngest: Option<&str>| unsealed(Pass::Warm, youngest.map(at), now);
        assert_eq!(thought(None).unwrap(), Before::NotBegun);
        for written in ["14:22:01", "14:29:59", "14:30:01"] {
            let error = thought(Some(written)).unwrap_err();
            assert_eq!(error.name(), "Transient", "{written}");
            assert_eq!(error.to_string(), "pass 1-warm is not sealed yet; this pass comes after it");
        }
        assert_eq!(thought(Some("14:22:00")).unwrap(), Before::Abandoned);
    }

    #[test]
    fn a_pass_that_is_not_sealed_is_a_gap() {
        let what = |before: Before| before.gap(Pass::Complete).map(|gap| gap.what);
        assert_eq!(what(Before::First), None);
        assert_eq!(what(Before::Sealed("c".repeat(64))), None);
        for before in [Before::NotBegun, Before::Declined, Before::Abandoned] {
            assert_eq!(what(before).as_deref(), Some("pass 1-warm"));
        }
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
            (vec![MISSING, (200, &[], "{}")], Ok(Before::Declined)),
            (vec![MISSING, MISSING, (200, &[], "<ListBucketResult></ListBucketResult>")], Ok(Before::NotBegun)),
            (vec![MISSING, MISSING, (200, &[], &old)], Ok(Before::Abandoned)),
            (vec![MISSING, MISSING, (200, &[], &young)], Err("Transient")),
        ] {
            let http = canned_all(&answers);
            let found = previous(&Ctx::canned(&config(&http)), &incident(), Pass::Complete).await;
            assert_eq!(found.map_err(|e| e.name()), expected);
            assert_eq!(http.actual_requests().count(), answers.len());
        }
    }
}
