//! Purpose: move a Lambda alias back to the last version recorded as good, away from the one that just went live.
//! Reads: the alias (`GetAlias`), the age of its version (`GetFunctionConfiguration`), the ledger of changes.
//! Writes: the alias's version (`UpdateAlias`), only while its `RevisionId` is the one that was read.
//! Undo: the alias's version of before, while its `RevisionId` is the one that apply left.
//! Retry: safe; an alias that serves the wanted version alone already is success.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_alias::GetAliasOutput;
use aws_sdk_lambda::operation::update_alias::UpdateAliasError;
use aws_types::SdkConfig;
use incident::ChangeRecord;
use jiff::Timestamp;
use response_plan::{Arguments, Field, Guards, MitigationKind, Wrong};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use step::{Allow, StepError, sdk_error};

use super::{Answer, Kind, Mitigation, Proposal, Set, argument};
use crate::families::LAMBDA;
use crate::guards::{Facts, Place, decide};

pub(super) static KIND: Kind = Kind {
    plan: MitigationKind {
        name: "rollback-lambda-alias",
        about: "Moves a Lambda alias back to the last version recorded as good.",
        fields: &[
            Field {
                name: "function",
                about: "name the function",
                example: "checkout",
                required: true,
                check: function,
            },
            Field { name: "alias", about: "name the alias", example: "live", required: true, check: alias },
        ],
        rolls_back: true,
        takes_away: false,
        does,
    },
    family: &LAMBDA,
    looks: &[Allow {
        // The local stack's emulator asks for ListAliases wherever an alias is named.
        actions: &["lambda:GetAlias", "lambda:GetFunctionConfiguration", "lambda:ListAliases"],
        resources: FUNCTIONS,
        condition: None,
    }],
    changes: &[Allow { actions: &["lambda:UpdateAlias"], resources: FUNCTIONS, condition: None }],
    find: |config, place, with, _| Box::pin(async move { RollbackLambdaAlias::of(config, place, with) }),
};

/// Functions, with their versions and aliases.
pub(super) const FUNCTIONS: &[&str] = &["!Ref MitigateLambdaFunctions", "!Sub '${MitigateLambdaFunctions}:*'"];

fn does(with: &Arguments) -> String {
    let text = |name: &str| with.get(name).map_or("?", String::as_str);
    format!("roll {}:{} back to the last version recorded as good", text("function"), text("alias"))
}

pub(super) fn function(text: &str) -> Result<(), Wrong> {
    if is_name(text, 64) { Ok(()) } else { Err(no("function", text)) }
}

fn alias(text: &str) -> Result<(), Wrong> {
    // A number would be a version.
    if is_name(text, 128) && !text.bytes().all(|b| b.is_ascii_digit()) { Ok(()) } else { Err(no("alias", text)) }
}

fn is_name(text: &str, longest: usize) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    !text.is_empty() && text.len() <= longest && text.chars().all(fits)
}

fn no(what: &str, text: &str) -> Wrong {
    (format!("`{text}` is no {what}"), format!("write the bare name of the {what}"))
}

/// One alias of one function.
pub(crate) struct RollbackLambdaAlias {
    client: Client,
    function: String,
    alias: String,
    arn: String,
}

/// The alias as records keep it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    function_version: String,
    /// Changes with every update of the alias; absent in a wanted state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision_id: Option<String>,
    /// Whether other versions get part of the traffic.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    split: bool,
}

impl RollbackLambdaAlias {
    /// The alias `alias` of the function `function` in an account and Region; nothing is asked of the network.
    pub(crate) fn new(config: &SdkConfig, place: &Place, function: &str, alias: &str) -> Self {
        let Place { partition, account, region } = place;
        let arn = format!("arn:{partition}:lambda:{region}:{account}:function:{function}:{alias}");
        Self { client: Client::new(config), function: function.to_owned(), alias: alias.to_owned(), arn }
    }

    fn of(config: &SdkConfig, place: &Place, with: &Arguments) -> Result<Box<dyn Mitigation>, StepError> {
        Ok(Box::new(Self::new(config, place, argument(with, "function")?, argument(with, "alias")?)))
    }

    async fn state(&self) -> Result<State, StepError> {
        let request = self.client.get_alias().function_name(&self.function).name(&self.alias);
        let failed = format!("the alias {}:{} could not be read", self.function, self.alias);
        State::read(&request.send().await.map_err(|e| sdk_error(failed, e))?)
    }

    /// When a version was made; `None` where Lambda's answer is no instant.
    async fn made_at(&self, version: &str) -> Result<Option<Timestamp>, StepError> {
        let request = self.client.get_function_configuration().function_name(&self.function).qualifier(version);
        let failed = format!("version {version} of {} could not be read", self.function);
        let answer = request.send().await.map_err(|e| sdk_error(failed, e))?;
        Ok(answer.last_modified().and_then(|text| text.parse().ok()))
    }

    async fn propose(&self, ledger: &[ChangeRecord], limits: &Guards, now: Timestamp) -> Result<Proposal, StepError> {
        let state = self.state().await?;
        let present = state.function_version.as_str();
        let recorded = ledger.iter().any(|change| change.version == present);
        let made_at = if recorded { None } else { self.made_at(present).await? };
        let facts = Facts { target: &self.arn, present, split: state.split, made_at, ledger, limits, now };
        let good = decide(&facts).map_err(StepError::refused)?;
        let summary = format!(
            "move {}:{} from version {present} back to version {good}, the last recorded as good",
            self.function, self.alias
        );
        let desired = State { function_version: good, revision_id: None, split: false };
        Ok(Proposal { summary, prior: state.write()?, desired: desired.write()? })
    }

    async fn update(&self, wanted: &Value, from: &Value) -> Result<Set, StepError> {
        let (wanted, from) = (State::of(wanted)?, State::of(from)?);
        let Some(revision) = from.revision_id else {
            return Err(StepError::stuck(
                "the stored state of the alias has no RevisionId, so nothing can be compared",
            ));
        };
        let request = self.client.update_alias().function_name(&self.function).name(&self.alias);
        let request = request.function_version(&wanted.function_version).revision_id(revision);
        match request.send().await {
            Ok(now) => {
                let left = State {
                    function_version: now.function_version.unwrap_or(wanted.function_version),
                    revision_id: now.revision_id,
                    split: false,
                };
                Ok(Set::Done(left.write()?))
            }
            Err(e) => match e.as_service_error() {
                Some(UpdateAliasError::PreconditionFailedException(_)) => Ok(Set::Moved),
                Some(UpdateAliasError::ResourceConflictException(_)) => {
                    Err(StepError::transient(format!("Lambda is still changing {}:{}", self.function, self.alias)))
                }
                _ => Err(sdk_error(format!("the alias {}:{} could not be moved", self.function, self.alias), e)),
            },
        }
    }
}

impl Mitigation for RollbackLambdaAlias {
    fn target(&self) -> &str {
        &self.arn
    }

    fn plan<'a>(&'a self, ledger: &'a [ChangeRecord], limits: &'a Guards, now: Timestamp) -> Answer<'a, Proposal> {
        Box::pin(self.propose(ledger, limits, now))
    }

    fn read(&self) -> Answer<'_, Value> {
        Box::pin(async { self.state().await?.write() })
    }

    fn is_at(&self, present: &Value, wanted: &Value) -> bool {
        match (State::of(present), State::of(wanted)) {
            (Ok(present), Ok(wanted)) => !present.split && present.function_version == wanted.function_version,
            _ => false,
        }
    }

    fn set<'a>(&'a self, wanted: &'a Value, from: &'a Value) -> Answer<'a, Set> {
        Box::pin(self.update(wanted, from))
    }
}

impl State {
    fn read(answer: &GetAliasOutput) -> Result<Self, StepError> {
        let Some(version) = answer.function_version() else {
            return Err(StepError::stuck("Lambda answered with an alias that has no version"));
        };
        let weights = answer.routing_config().and_then(|routing| routing.additional_version_weights());
        Ok(Self {
            function_version: version.to_owned(),
            revision_id: answer.revision_id().map(str::to_owned),
            split: weights.is_some_and(|weights| !weights.is_empty()),
        })
    }

    fn of(value: &Value) -> Result<Self, StepError> {
        Self::deserialize(value)
            .map_err(|e| StepError::stuck(format!("the stored state of the alias cannot be read: {e}")))
    }

    fn write(&self) -> Result<Value, StepError> {
        serde_json::to_value(self).map_err(|e| StepError::Stuck(e.into()))
    }
}

#[cfg(test)]
#[path = "rollback_lambda_alias_test.rs"]
mod tests;
