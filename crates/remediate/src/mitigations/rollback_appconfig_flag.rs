//! Purpose: take a configuration profile (feature flags) of AppConfig back to the last version recorded as good, away
//! from the one that was just deployed.
//! Reads: the ids of what the plan names (`ListApplications`, `ListEnvironments`, `ListConfigurationProfiles`), the
//! environment's deployments (`ListDeployments`, `GetDeployment`), the ledger of changes.
//! Writes: `StopDeployment` where the newest deployment came from the wanted version and is under way or younger than 72
//! hours; else `StartDeployment` of the wanted version, only while no deployment came in between.
//! Undo: the version of before, by the same ways, while the newest deployment is the one that apply left.
//! Retry: safe; a deployment that is under way to the wanted version is success. AppConfig counts it as made when it is
//! accepted, so a call that is killed right after is found to have been made.
//!
//! What is left of a race: a start names the latest deployment of the environment, and AppConfig refuses where there is a
//! later one; a stop has no such precondition, and names its deployment by number. So between the look and a revert
//! somebody may start another deployment of the profile, and AppConfig does not say what the revert of an older one does
//! then. A look afterwards finds theirs, and the answer is that the target moved: a person looks.
//!
//! Permissions, with the resources that the service authorization reference of AppConfig gives them. Looking:
//! `ListApplications` on `*`; `ListEnvironments` and `ListConfigurationProfiles` on the application; `ListDeployments`
//! on application and environment; `GetDeployment` on these and the deployment. Changing: `StopDeployment` on
//! application, environment and deployment; `StartDeployment` on application, environment, configuration profile and
//! deployment strategy. All but the strategy begin with the application's ARN.

mod deployments;
mod history;
mod names;

use aws_sdk_appconfig::Client;
use aws_types::SdkConfig;
use incident::ChangeRecord;
use jiff::Timestamp;
use response_plan::{Arguments, Field, Guards, MitigationKind, Wrong};
use serde_json::Value;
use step::{Allow, StepError};

use self::deployments::Deployments;
use self::history::{History, State, Way};
use self::names::{Ids, Names};
use super::{Answer, Kind, Mitigation, Proposal, Set, argument};
use crate::families::APPCONFIG;
use crate::guards::{Facts, Place, decide};

pub(super) static KIND: Kind = Kind {
    plan: MitigationKind {
        name: "rollback-appconfig-flag",
        about: "Takes a configuration profile of AppConfig, such as feature flags, back to the last version recorded as good.",
        fields: &[
            Field {
                name: "application",
                about: "name the application, or give its id",
                example: "checkout",
                required: true,
                check: name,
            },
            Field {
                name: "environment",
                about: "name the environment, or give its id",
                example: "prod",
                required: true,
                check: name,
            },
            Field {
                name: "profile",
                about: "name the configuration profile, or give its id",
                example: "flags",
                required: true,
                check: long_name,
            },
            Field {
                name: "strategy",
                about: "give the id of the deployment strategy",
                example: STRATEGY,
                required: false,
                check: strategy,
            },
        ],
        rolls_back: true,
        takes_away: false,
        does,
    },
    family: &APPCONFIG,
    looks: &[
        Allow { actions: &["appconfig:ListApplications"], resources: &["'*'"], condition: None },
        Allow {
            actions: &[
                "appconfig:GetDeployment",
                "appconfig:ListConfigurationProfiles",
                "appconfig:ListDeployments",
                "appconfig:ListEnvironments",
            ],
            resources: APPLICATIONS,
            condition: None,
        },
    ],
    changes: &[
        Allow {
            actions: &["appconfig:StartDeployment", "appconfig:StopDeployment"],
            resources: APPLICATIONS,
            condition: None,
        },
        Allow { actions: &["appconfig:StartDeployment"], resources: STRATEGIES, condition: None },
    ],
    find: |config, place, with, incident| {
        Box::pin(async move {
            let found = RollbackAppconfigFlag::find(config, place, with, incident).await?;
            Ok(Box::new(found) as Box<dyn Mitigation>)
        })
    },
};

/// The applications, and the environments, profiles and deployments below them.
const APPLICATIONS: &[&str] = &["!Ref MitigateAppConfigApplications", "!Sub '${MitigateAppConfigApplications}/*'"];

/// Strategies belong to the account, not to an application.
const STRATEGIES: &[&str] = &["!Sub 'arn:${AWS::Partition}:appconfig:*:${AWS::AccountId}:deploymentstrategy/*'"];

/// All targets at once: what is taken back should not take its time. AppConfig has it in every account.
const STRATEGY: &str = "AppConfig.AllAtOnce";

fn does(with: &Arguments) -> String {
    format!("roll {} back to the last version recorded as good", called(with))
}

/// The configuration in the words of the plan.
fn called(with: &Arguments) -> String {
    let text = |name: &str| with.get(name).map_or("?", String::as_str);
    format!("{} of {} in {}", text("profile"), text("application"), text("environment"))
}

fn name(text: &str) -> Result<(), Wrong> {
    at_most(text, 64)
}

fn long_name(text: &str) -> Result<(), Wrong> {
    at_most(text, 128)
}

/// The lengths are those of AppConfig's API.
fn at_most(text: &str, longest: usize) -> Result<(), Wrong> {
    if (1..=longest).contains(&text.chars().count()) {
        return Ok(());
    }
    Err((format!("`{text}` is no name in AppConfig"), format!("write 1 to {longest} characters")))
}

/// As AppConfig's API has them: its own, or the id of one of the account.
fn strategy(text: &str) -> Result<(), Wrong> {
    let is_own = text.strip_prefix("AppConfig.").is_some_and(|own| own.chars().all(|c| c.is_ascii_alphanumeric()));
    let is_id = (4..=7).contains(&text.len()) && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if is_own || is_id {
        return Ok(());
    }
    Err((format!("`{text}` is no deployment strategy"), format!("write its id, or `{STRATEGY}`")))
}

/// One profile in one environment.
pub(crate) struct RollbackAppconfigFlag {
    deployments: Deployments,
    arn: String,
    strategy: String,
    incident: String,
}

impl RollbackAppconfigFlag {
    /// Finds what a plan names, in an account and Region. Deployments are described with the incident's id.
    async fn find(config: &SdkConfig, place: &Place, with: &Arguments, incident: &str) -> Result<Self, StepError> {
        let client = Client::new(config);
        let names = Names {
            application: argument(with, "application")?,
            environment: argument(with, "environment")?,
            profile: argument(with, "profile")?,
        };
        let ids = names::resolve(&client, names).await?;
        let Place { partition, account, region } = place;
        let Ids { application, environment, profile } = &ids;
        let arn = format!(
            "arn:{partition}:appconfig:{region}:{account}:application/{application}/environment/{environment}/configuration/{profile}"
        );
        let strategy = with.get("strategy").map_or(STRATEGY, String::as_str).to_owned();
        let deployments = Deployments { client, ids, called: called(with) };
        Ok(Self { deployments, arn, strategy, incident: incident.to_owned() })
    }

    async fn propose(&self, ledger: &[ChangeRecord], limits: &Guards, now: Timestamp) -> Result<Proposal, StepError> {
        let since = limits.change_within.map(|window| now - window.signed());
        let (history, called) = (self.deployments.history(since).await?, &self.deployments.called);
        let (Some(newest), Some(effective)) = (history.newest(), history.effective()) else {
            return Err(StepError::refused(format!("no version of {called} is in effect; act by hand")));
        };
        let present = effective.version.as_str();
        let ledger = history.with_unrecorded(ledger, present, &self.arn);
        let made_at = effective.started_at;
        let facts = Facts { target: &self.arn, present, split: false, made_at, ledger: &ledger, limits, now };
        let good = decide(&facts).map_err(StepError::refused)?;
        if newest.managed {
            return Err(StepError::refused(format!(
                "deployment {} was made by AppConfig itself; look at the application's experiments, and act by hand",
                newest.number
            )));
        }
        let by = match history.way(&good, now) {
            Way::Stop(number) => format!("by stopping deployment {number}, which is under way"),
            Way::Revert(number) => format!("by reverting deployment {number}"),
            Way::Deploy => format!("by deploying it with {}", self.strategy),
            Way::Blocked(number) => {
                return Err(StepError::refused(format!(
                    "deployment {number} of {called} is under way and did not come from version {good}: stopping it would not lead there; a person picks"
                )));
            }
        };
        let summary =
            format!("take {called} from version {present} back to version {good}, the last recorded as good, {by}");
        let desired = State { deployment: None, version: Some(good) };
        Ok(Proposal { summary, prior: history.state().write()?, desired: desired.write()? })
    }

    async fn change(&self, wanted: &Value, from: &Value) -> Result<Set, StepError> {
        let (wanted, from) = (State::of(wanted)?, State::of(from)?);
        let (Some(version), Some(_)) = (wanted.version, from.deployment) else {
            return Err(StepError::stuck(
                "the stored states name no version or no deployment, so nothing can be compared",
            ));
        };
        let history = self.deployments.history(None).await?;
        if history.state() != from {
            return Ok(Set::Moved);
        }
        match history.way(&version, step::now()) {
            Way::Stop(number) | Way::Revert(number) => {
                let stopped = self.deployments.stop(number).await?;
                let history = self.deployments.history(None).await?;
                if stopped && history.state().deployment == from.deployment {
                    return done(number, version);
                }
                if stopped || history.state() != from {
                    return Ok(Set::Moved);
                }
                // AppConfig finds it too old.
                self.deploy(version, &history, &from).await
            }
            Way::Deploy => self.deploy(version, &history, &from).await,
            Way::Blocked(number) => Err(self.busy(&format!("deployment {number} is under way"))),
        }
    }

    async fn deploy(&self, version: String, history: &History, from: &State) -> Result<Set, StepError> {
        let why = format!("Tourniquet, incident {}: back to version {version}", self.incident);
        match self.deployments.start(&version, &self.strategy, history.latest, why).await? {
            Some(number) => done(number, version),
            None if self.deployments.history(None).await?.state() != *from => Ok(Set::Moved),
            None => Err(self.busy("another deployment is under way, or was made just now")),
        }
    }

    fn busy(&self, why: &str) -> StepError {
        let called = &self.deployments.called;
        StepError::transient(format!("{why} in the environment of {called}, and AppConfig makes one at a time"))
    }
}

fn done(number: i32, version: String) -> Result<Set, StepError> {
    Ok(Set::Done(State { deployment: Some(number), version: Some(version) }.write()?))
}

impl Mitigation for RollbackAppconfigFlag {
    fn target(&self) -> &str {
        &self.arn
    }

    fn plan<'a>(&'a self, ledger: &'a [ChangeRecord], limits: &'a Guards, now: Timestamp) -> Answer<'a, Proposal> {
        Box::pin(self.propose(ledger, limits, now))
    }

    fn read(&self) -> Answer<'_, Value> {
        Box::pin(async { self.deployments.history(None).await?.state().write() })
    }

    /// A deployment that is under way to the wanted version counts, and so does one that rolls back to it: the version
    /// is served from its first minute on, while the bake time goes on for ten more. One that goes elsewhere does not.
    fn is_at(&self, present: &Value, wanted: &Value) -> bool {
        match (State::of(present), State::of(wanted)) {
            (Ok(present), Ok(wanted)) => present.version.is_some() && present.version == wanted.version,
            _ => false,
        }
    }

    fn set<'a>(&'a self, wanted: &'a Value, from: &'a Value) -> Answer<'a, Set> {
        Box::pin(self.change(wanted, from))
    }
}

#[cfg(test)]
#[path = "rollback_appconfig_flag_test.rs"]
mod tests;
