//! AppConfig's calls about the deployments of one profile in one environment.

use aws_sdk_appconfig::Client;
use aws_sdk_appconfig::operation::start_deployment::StartDeploymentError;
use aws_sdk_appconfig::operation::stop_deployment::StopDeploymentError;
use aws_sdk_appconfig::types::DeploymentSummary;
use jiff::Timestamp;
use step::{StepError, sdk_error};

use super::history::{Deployment, History};
use super::names::Ids;

/// How many pages of 50 deployments are looked at: far more than a window of changes holds.
const PAGES: usize = 10;

/// The deployments.
pub(super) struct Deployments {
    pub(super) client: Client,
    pub(super) ids: Ids,
    /// The profile, for people: in the words of the plan.
    pub(super) called: String,
}

impl Deployments {
    /// The profile's deployments, as far back as they matter: at least to what the newest one replaced, and to `since`.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where they cannot be read.
    pub(super) async fn history(&self, since: Option<Timestamp>) -> Result<History, StepError> {
        let request = self.client.list_deployments().application_id(&self.ids.application);
        let request = request.environment_id(&self.ids.environment).max_results(50);
        let mut pages = request.into_paginator().send();
        let mut history = History::default();
        for _ in 0..PAGES {
            let Some(page) = pages.next().await else { break };
            let failed = format!("the deployments of {} could not be listed", self.called);
            for listed in page.map_err(|e| sdk_error(failed, e))?.items() {
                history.latest = history.latest.max(listed.deployment_number());
                if self.is_of_the_profile(listed).await? {
                    history.add(Deployment::read(listed)?);
                }
            }
            if history.tells(since) {
                break;
            }
        }
        Ok(history)
    }

    /// The list may leave the profile's id out, and the profile's name may be another one's, too.
    async fn is_of_the_profile(&self, listed: &DeploymentSummary) -> Result<bool, StepError> {
        if let Some(id) = listed.configuration_profile_id() {
            return Ok(id == self.ids.profile);
        }
        let request = self.client.get_deployment().application_id(&self.ids.application);
        let request = request.environment_id(&self.ids.environment).deployment_number(listed.deployment_number());
        let failed = format!("deployment {} could not be read", listed.deployment_number());
        let read = request.send().await.map_err(|e| sdk_error(failed, e))?;
        Ok(read.configuration_profile_id() == Some(self.ids.profile.as_str()))
    }

    /// Stops a deployment that is under way, and reverts one that is complete; `false` where AppConfig would not. It is
    /// always allowed to revert: a deployment that bakes, or that completes right now, is taken back as well.
    ///
    /// # Errors
    /// `Transient` where it may have happened or not; `Stuck` where AppConfig said no.
    pub(super) async fn stop(&self, number: i32) -> Result<bool, StepError> {
        let request = self.client.stop_deployment().application_id(&self.ids.application);
        let request = request.environment_id(&self.ids.environment).deployment_number(number).allow_revert(true);
        let Err(e) = request.send().await else { return Ok(true) };
        if let Some(StopDeploymentError::BadRequestException(no)) = e.as_service_error() {
            tracing::warn!(number, said = no.message(), "AppConfig does not take the deployment back");
            return Ok(false);
        }
        Err(sdk_error(format!("deployment {number} of {} could not be stopped", self.called), e))
    }

    /// Starts the deployment of a version, if `latest` is still the environment's latest deployment and none is under
    /// way; its number, and `None` otherwise.
    ///
    /// # Errors
    /// `Transient` where it may have happened or not; `Stuck` where AppConfig said no.
    pub(super) async fn start(
        &self,
        version: &str,
        strategy: &str,
        latest: i32,
        why: String,
    ) -> Result<Option<i32>, StepError> {
        let request = self.client.start_deployment().application_id(&self.ids.application);
        let request = request.environment_id(&self.ids.environment).configuration_profile_id(&self.ids.profile);
        let request = request.configuration_version(version).deployment_strategy_id(strategy);
        match request.description(why).latest_deployment_number(latest).send().await {
            Ok(started) => Ok(Some(started.deployment_number())),
            Err(e) if matches!(e.as_service_error(), Some(StartDeploymentError::ConflictException(_))) => Ok(None),
            Err(e) => {
                let failed = format!(
                    "version {version} of {} could not be deployed; it may have been deleted, or a validator says no",
                    self.called
                );
                Err(sdk_error(failed, e))
            }
        }
    }
}

#[cfg(test)]
#[path = "deployments_test.rs"]
mod tests;
