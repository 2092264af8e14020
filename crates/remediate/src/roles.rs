//! The role that a change is made with: `tourniquet-mitigate-<family>` in the resource's account, its own included. The
//! session is named for the incident, so that CloudTrail says on whose behalf.

use aws_credential_types::Credentials;
use aws_types::SdkConfig;
use aws_types::region::Region;
use incident::Incident;
use response_plan::Mitigation as Planned;
use step::{StepError, sdk_error};

use crate::alarm::{self, Alarm};
use crate::guards::{self, Place};
use crate::mitigations::{Mitigation, kind_of};

/// The shortest session that STS gives: no call lasts as long.
const SESSION_S: i32 = 900;

/// The role, assumed, in the account and Region of an incident's resource. It lasts for one call.
pub(crate) struct Role {
    /// For clients that act as the role.
    pub(crate) config: SdkConfig,
    place: Place,
    family: &'static str,
    /// On whose behalf.
    incident: String,
}

impl Role {
    /// Assumes the role of a planned mitigation's family.
    ///
    /// # Errors
    /// `Refused` where the incident does not say where its resource is; `Stuck` where the role cannot be assumed, or the
    /// kind is not known; `Transient` where STS does not answer.
    pub(crate) async fn assume(
        sts: &aws_sdk_sts::Client,
        config: &SdkConfig,
        partition: &str,
        incident: &Incident,
        planned: &Planned,
    ) -> Result<Self, StepError> {
        let place = guards::place(incident, partition).map_err(StepError::refused)?;
        let family = kind_of(planned)?.family.name;
        let credentials = credentials(sts, &place, family, incident.id()).await?;
        let config = step::aws::with_credentials(config, credentials);
        let config = config.to_builder().region(Region::new(place.region.clone())).build();
        Ok(Self { config, place, family, incident: incident.id().to_owned() })
    }

    /// Whether it is the role of this mitigation, too.
    pub(crate) fn serves(&self, planned: &Planned) -> bool {
        kind_of(planned).is_ok_and(|kind| kind.family.name == self.family)
    }

    /// The resource that a planned mitigation means.
    ///
    /// # Errors
    /// `Refused` where there is none, or several; `Transient` or `Stuck` where that cannot be told.
    pub(crate) async fn target(&self, planned: &Planned) -> Result<Box<dyn Mitigation>, StepError> {
        kind_of(planned)?.find(&self.config, &self.place, &planned.with, &self.incident).await
    }

    /// The same, once a record names the resource.
    ///
    /// # Errors
    /// Also `Stuck` where the plan means another resource by now: names can move.
    pub(crate) async fn target_again(
        &self,
        planned: &Planned,
        recorded: &str,
    ) -> Result<Box<dyn Mitigation>, StepError> {
        let found = self.target(planned).await?;
        guards::is_the_recorded(found.target(), recorded).map_err(StepError::stuck)?;
        Ok(found)
    }

    /// The alarm that opened the incident, as it is now; `None` where it does not exist any more.
    ///
    /// # Errors
    /// `Refused` where no alarm within the role's reach opened it; `Transient` or `Stuck` where it cannot be read.
    pub(crate) async fn opening_alarm(&self, incident: &Incident) -> Result<Option<Alarm>, StepError> {
        let arn = alarm::of(&incident.opened.signal.fingerprint, &self.place).map_err(StepError::refused)?;
        alarm::read(&self.config, &arn).await
    }
}

async fn credentials(
    sts: &aws_sdk_sts::Client,
    place: &Place,
    family: &str,
    session: &str,
) -> Result<Credentials, StepError> {
    let arn = format!("arn:{}:iam::{}:role/tourniquet-mitigate-{family}", place.partition, place.account);
    let request = sts.assume_role().role_arn(&arn).role_session_name(session).duration_seconds(SESSION_S);
    let failed = format!("the role {arn} could not be assumed; deploy it, or mend its trust policy");
    let answer = request.send().await.map_err(|e| sdk_error(failed, e))?;
    let given = answer.credentials.ok_or_else(|| StepError::stuck(format!("STS gave no credentials for {arn}")))?;
    let (key, secret, token) = (given.access_key_id, given.secret_access_key, given.session_token);
    Ok(Credentials::new(key, secret, Some(token), None, "tourniquet-mitigate"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::replay;

    const GIVEN: &str = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
        <Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
        <Expiration>2026-11-23T10:15:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"#;
    const DENIED: &str =
        r#"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"#;

    fn place() -> Place {
        Place { partition: "aws".into(), account: "111122223333".into(), region: "eu-west-1".into() }
    }

    #[tokio::test]
    async fn the_session_is_named_for_the_incident() {
        let (http, config) = replay(&[(200, GIVEN)]);
        let sts = aws_sdk_sts::Client::new(&config);
        let given = credentials(&sts, &place(), "lambda", "inc-20261123-0123456789").await.unwrap();
        assert_eq!((given.access_key_id(), given.session_token()), ("AKIDROLE", Some("t")));
        let sent = String::from_utf8(http.actual_requests().next().unwrap().body().bytes().unwrap().to_vec()).unwrap();
        assert!(
            sent.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Ftourniquet-mitigate-lambda"),
            "{sent}"
        );
        assert!(sent.contains("RoleSessionName=inc-20261123-0123456789"), "{sent}");
    }

    #[tokio::test]
    async fn a_role_that_is_not_there_is_stuck_and_named() {
        let (_, config) = replay(&[(403, DENIED)]);
        let sts = aws_sdk_sts::Client::new(&config);
        let error = credentials(&sts, &place(), "lambda", "inc-20261123-0123456789").await.unwrap_err();
        assert_eq!(error.name(), "Stuck");
        assert!(error.to_string().contains("role/tourniquet-mitigate-lambda could not be assumed"), "{error}");
    }
}
