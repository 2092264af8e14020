//! The deployments of one profile in one environment: what is in effect, what was in effect before, and which way leads
//! to another version. Values only.

use aws_sdk_appconfig::types::{DeploymentState, DeploymentSummary, DeploymentType};
use incident::{ChangeRecord, V};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use step::StepError;

use crate::alarm::instant;

/// So long after its end AppConfig takes a completed deployment back (API reference of `StopDeployment`).
const REVERT_WITHIN: SignedDuration = SignedDuration::from_hours(72);

/// The configuration as records keep it. Which stage the deployment is in is left out on purpose: a deployment that goes
/// on by itself from `DEPLOYING` to `COMPLETE`, or from `ROLLING_BACK` to `ROLLED_BACK`, is not somebody's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The newest deployment of the profile; absent in a wanted state, and where nothing was ever deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deployment: Option<i32>,
    /// The version in effect, or on its way into effect; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
}

/// How far a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// `VALIDATING`, `DEPLOYING` or `BAKING`: its version is going into effect.
    UnderWay,
    /// `COMPLETE`: its version is in effect until the next one.
    Complete,
    /// `ROLLING_BACK`, `ROLLED_BACK` or `REVERTED`: the version before it is in effect.
    Back,
}

/// One deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deployment {
    pub(super) number: i32,
    pub(super) version: String,
    pub(super) stage: Stage,
    /// AppConfig made it by itself, nobody asked for it.
    pub(super) managed: bool,
    pub(super) started_at: Option<Timestamp>,
    pub(super) completed_at: Option<Timestamp>,
}

/// The way from the present version to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Stop the newest deployment, which is under way: it rolls back.
    Stop(i32),
    /// Revert the newest deployment, which is complete and young enough.
    Revert(i32),
    /// Deploy the version again.
    Deploy,
    /// The newest deployment is under way and came from another version: AppConfig starts no second one beside it.
    Blocked(i32),
}

/// What AppConfig lists.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The profile's deployments, newest first.
    pub(super) deployments: Vec<Deployment>,
    /// The number of the environment's latest deployment, whatever its profile.
    pub(super) latest: i32,
}

impl History {
    /// Takes in one more deployment of the profile.
    pub(super) fn add(&mut self, deployment: Deployment) {
        self.deployments.push(deployment);
        self.deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.number));
    }

    /// Whether older deployments would tell nothing more: what the newest replaced is known, and so is everything that
    /// started at `since` or later.
    pub(super) fn tells(&self, since: Option<Timestamp>) -> bool {
        let oldest = self.deployments.last().and_then(|oldest| oldest.started_at);
        self.before().is_some() && since.is_none_or(|since| oldest.is_some_and(|at| at < since))
    }

    pub(super) fn newest(&self) -> Option<&Deployment> {
        self.deployments.first()
    }

    /// The deployment that the newest one replaced: where it goes back to.
    pub(super) fn before(&self) -> Option<&Deployment> {
        self.deployments.iter().skip(1).find(|deployment| deployment.stage == Stage::Complete)
    }

    /// The deployment whose version is in effect, or on its way into effect.
    pub(super) fn effective(&self) -> Option<&Deployment> {
        self.newest().filter(|newest| newest.stage != Stage::Back).or_else(|| self.before())
    }

    pub(super) fn state(&self) -> State {
        State {
            deployment: self.newest().map(|newest| newest.number),
            version: self.effective().map(|deployment| deployment.version.clone()),
        }
    }

    /// The ledger of `resource` with what AppConfig knows better: a version other than the present one that went into
    /// effect, and that nobody recorded, may be the cause as well.
    pub(super) fn with_unrecorded(&self, ledger: &[ChangeRecord], present: &str, resource: &str) -> Vec<ChangeRecord> {
        let recorded = |version: &str| ledger.iter().any(|change| change.version == version);
        let unrecorded = self.deployments.iter().filter_map(|deployment| {
            let Deployment { number, version, stage, started_at: Some(at), .. } = deployment else { return None };
            let counts = *stage != Stage::Back && version != present && !recorded(version);
            counts.then(|| ChangeRecord {
                v: V,
                id: format!("deployment {number}"),
                resource: resource.to_owned(),
                version: version.clone(),
                good: false,
                at: *at,
                by: "AppConfig".to_owned(),
            })
        });
        let mut changes: Vec<_> = ledger.iter().cloned().chain(unrecorded).collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.at));
        changes
    }

    /// The way to `wanted`, which is not in effect. A completion that AppConfig does not date is tried as a young one:
    /// what it will not revert is deployed.
    pub(super) fn way(&self, wanted: &str, now: Timestamp) -> Way {
        let Some(newest) = self.newest() else { return Way::Deploy };
        let leads_there = self.before().is_some_and(|before| before.version == wanted);
        let young = newest.completed_at.is_none_or(|at| now.duration_since(at) <= REVERT_WITHIN);
        match newest.stage {
            Stage::UnderWay if leads_there => Way::Stop(newest.number),
            Stage::UnderWay => Way::Blocked(newest.number),
            Stage::Complete if leads_there && young => Way::Revert(newest.number),
            Stage::Complete | Stage::Back => Way::Deploy,
        }
    }
}

impl Deployment {
    /// # Errors
    /// `Stuck` where it has no version, or a state that this release does not know.
    pub(super) fn read(listed: &DeploymentSummary) -> Result<Self, StepError> {
        let number = listed.deployment_number();
        let stage = match listed.state() {
            Some(DeploymentState::Validating | DeploymentState::Deploying | DeploymentState::Baking) => Stage::UnderWay,
            Some(DeploymentState::Complete) => Stage::Complete,
            Some(DeploymentState::RollingBack | DeploymentState::RolledBack | DeploymentState::Reverted) => Stage::Back,
            other => {
                let named = other.map_or("none", DeploymentState::as_str);
                return Err(StepError::stuck(format!(
                    "deployment {number} is in a state that this release does not know ({named}); act by hand"
                )));
            }
        };
        let Some(version) = listed.configuration_version() else {
            return Err(StepError::stuck(format!("AppConfig answered with deployment {number} that has no version")));
        };
        Ok(Self {
            number,
            version: version.to_owned(),
            stage,
            managed: listed.r#type().is_some_and(|made| *made != DeploymentType::User),
            started_at: listed.started_at().and_then(instant),
            completed_at: listed.completed_at().and_then(instant),
        })
    }
}

impl State {
    pub(super) fn of(value: &Value) -> Result<Self, StepError> {
        Self::deserialize(value)
            .map_err(|e| StepError::stuck(format!("the stored state of the configuration cannot be read: {e}")))
    }

    pub(super) fn write(&self) -> Result<Value, StepError> {
        serde_json::to_value(self).map_err(|e| StepError::Stuck(e.into()))
    }
}

#[cfg(test)]
#[path = "history_test.rs"]
mod tests;
