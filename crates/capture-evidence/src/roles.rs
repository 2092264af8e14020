//! The role that evidence is read with: `tourniquet-read-evidence` in the incident's account, its own included. The
//! session is named for the incident, so that CloudTrail says on whose behalf.

use aws_credential_types::Credentials;
use aws_types::SdkConfig;
use step::{StepError, sdk_error};

use crate::Ctx;

/// The role's name, for what tells people to mend it.
pub(crate) const ROLE: &str = "tourniquet-read-evidence";

/// The shortest session that STS gives: a pass does not last as long.
const SESSION_S: i32 = 900;

/// The configuration of clients that act as the role.
///
/// # Errors
/// `Stuck` where the role cannot be assumed, which makes gaps; `Transient` where STS does not answer: the pass is tried
/// again.
pub(crate) async fn assume(ctx: &Ctx, incident_id: &str, account: &str) -> Result<SdkConfig, StepError> {
    let arn = format!("arn:{}:iam::{account}:role/{ROLE}", ctx.partition);
    let request = ctx.sts.assume_role().role_arn(&arn).role_session_name(incident_id).duration_seconds(SESSION_S);
    let failed = format!("the role {arn} could not be assumed; deploy it, or mend its trust policy");
    let answer = request.send().await.map_err(|e| sdk_error(failed, e))?;
    let given = answer.credentials.ok_or_else(|| StepError::stuck(format!("STS gave no credentials for {arn}")))?;
    let (key, secret, token) = (given.access_key_id, given.secret_access_key, given.session_token);
    let credentials = Credentials::new(key, secret, Some(token), None, ROLE);
    Ok(step::aws::with_credentials(&ctx.config, credentials))
}
