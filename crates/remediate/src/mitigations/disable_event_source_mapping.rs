//! Purpose: take a consumer out of the way of what it saturates: switch off the event source mapping that feeds it.
//! Reads: the mappings of the source (`ListEventSourceMappings`), the state of the one (`GetEventSourceMapping`).
//! Writes: whether it is enabled (`UpdateEventSourceMapping`). The API has no precondition: the state is read again right
//! before, and what somebody changes between the two calls is not seen.
//! Undo: on again, if it was on before. What the source kept meanwhile is then consumed.
//! Retry: safe; a mapping that is off, or on the way there, is success.
//! Permissions: a list knows no resource; a mapping's id is not known beforehand, so whose it may be is said by the
//! condition key `lambda:FunctionArn`.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::update_event_source_mapping::UpdateEventSourceMappingError;
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use aws_types::SdkConfig;
use response_plan::{Arguments, Field, MitigationKind, Wrong};
use serde::{Deserialize, Serialize};
use step::{Allow, StepError, sdk_error};

use super::rollback_lambda_alias::function;
use super::setting::Setting;
use super::{Answer, Kind, Mitigation, argument};
use crate::families::LAMBDA;
use crate::guards::Place;

pub(super) static KIND: Kind = Kind {
    plan: MitigationKind {
        name: "disable-event-source-mapping",
        about: "Switches off what feeds a function from a queue or a stream.",
        fields: &[
            Field {
                name: "function",
                about: "name the function",
                example: "consumer",
                required: true,
                check: function,
            },
            Field { name: "source", about: "name the queue", example: "orders", required: true, check: source },
        ],
        rolls_back: false,
        takes_away: true,
        does,
    },
    family: &LAMBDA,
    looks: &[
        // The local stack's emulator asks for this one wherever a mapping is read.
        Allow { actions: &["lambda:ListEventSourceMappings"], resources: &["'*'"], condition: None },
        Allow { actions: &["lambda:GetEventSourceMapping"], resources: MAPPINGS, condition: Some(OF_FUNCTIONS) },
    ],
    changes: &[
        Allow { actions: &["lambda:UpdateEventSourceMapping"], resources: MAPPINGS, condition: Some(OF_FUNCTIONS) },
        Allow { actions: &["lambda:UpdateEventSourceMapping"], resources: MAPPINGS, condition: Some(LOCAL) },
    ],
    find: |config, place, with, _| {
        Box::pin(async move {
            let (function, source) = (argument(with, "function")?, argument(with, "source")?);
            let found = DisableEventSourceMapping::find(config, place, function, source).await?;
            Ok(Box::new(found) as Box<dyn Mitigation>)
        })
    },
};

const MAPPINGS: &[&str] = &["!Sub 'arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:event-source-mapping:*'"];

const OF_FUNCTIONS: &str =
    "{ ArnLike: { 'lambda:FunctionArn': [!Ref MitigateLambdaFunctions, !Sub '${MitigateLambdaFunctions}:*'] } }";

const LOCAL: &str = "{ IpAddress: { 'aws:SourceIp': 127.0.0.0/8 } } # the local stack, whose emulator does not know lambda:FunctionArn; on AWS nobody";

fn does(with: &Arguments) -> String {
    let text = |name: &str| with.get(name).map_or("?", String::as_str);
    format!("switch off what feeds {} from {}", text("function"), text("source"))
}

/// A queue's name, or the ARN of anything that can feed a function.
fn source(text: &str) -> Result<(), Wrong> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = (1..=80).contains(&text.len()) && text.chars().all(fits);
    let is_arn = text.starts_with("arn:") && text.splitn(6, ':').filter(|part| !part.is_empty()).count() == 6;
    if is_name || is_arn && text.len() <= 1024 && !text.contains(char::is_whitespace) {
        return Ok(());
    }
    Err((format!("`{text}` is no queue"), "write the bare name of the queue, or the whole ARN of a source".to_owned()))
}

/// The one mapping from a source to a function.
pub(crate) struct DisableEventSourceMapping {
    client: Client,
    function: String,
    source: String,
    uuid: String,
    arn: String,
}

/// The mapping as records keep it. Lambda takes a while to switch it: on the way counts as there, both ways, so that
/// what apply left is found again once the mapping has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    enabled: bool,
}

impl DisableEventSourceMapping {
    /// Finds the mapping of `source`, an ARN or the name of a queue in the place, to the function `function`, whichever of
    /// its versions and aliases it feeds.
    ///
    /// # Errors
    /// `Refused` where there is none, or more than one: a person picks. `Transient` or `Stuck` where they cannot be listed.
    pub(crate) async fn find(
        config: &SdkConfig,
        place: &Place,
        function: &str,
        source: &str,
    ) -> Result<Self, StepError> {
        let client = Client::new(config);
        let failed = format!("the event source mappings of {source} could not be listed");
        // By the source, since a list by the function's bare name may leave out what feeds its aliases.
        let mut pages = client.list_event_source_mappings().event_source_arn(source_arn(place, source));
        let mut found = Vec::new();
        loop {
            let page = pages.clone().send().await.map_err(|e| sdk_error(failed.clone(), e))?;
            let mappings = page.event_source_mappings.unwrap_or_default().into_iter();
            found.extend(mappings.filter(|mapping| feeds(mapping, place, function)));
            match page.next_marker.filter(|marker| !marker.is_empty()) {
                Some(marker) => pages = pages.marker(marker),
                None => break,
            }
        }
        let [mapping] = found.as_slice() else {
            let many = if found.is_empty() { "there is none".to_owned() } else { format!("there are {}", found.len()) };
            return Err(StepError::refused(format!(
                "one event source mapping should feed {function} from {source}, and {many}; a person picks"
            )));
        };
        let uuid = mapping.uuid().ok_or_else(|| StepError::stuck("Lambda listed a mapping without an id"))?.to_owned();
        let Place { partition, account, region } = place;
        let arn = format!("arn:{partition}:lambda:{region}:{account}:event-source-mapping:{uuid}");
        Ok(Self { client, function: function.to_owned(), source: source.to_owned(), uuid, arn })
    }
}

impl Setting for DisableEventSourceMapping {
    type State = State;

    fn arn(&self) -> &str {
        &self.arn
    }

    fn state(&self) -> Answer<'_, State> {
        Box::pin(async {
            let failed = format!("the event source mapping {} could not be read", self.uuid);
            let answer = self.client.get_event_source_mapping().uuid(&self.uuid).send().await;
            State::read(answer.map_err(|e| sdk_error(failed, e))?.state())
        })
    }

    fn wanted(&self, prior: State) -> Result<(State, String), StepError> {
        let Self { function, source, uuid, .. } = self;
        if !prior.enabled {
            return Err(StepError::refused(format!(
                "the mapping {uuid} from {source} to {function} is off already; look for another way out"
            )));
        }
        let summary = format!("switch off what feeds {function} from {source} (event source mapping {uuid})");
        Ok((State { enabled: false }, summary))
    }

    fn change(&self, wanted: State) -> Answer<'_, ()> {
        Box::pin(async move {
            let request = self.client.update_event_source_mapping().uuid(&self.uuid).enabled(wanted.enabled);
            let Err(error) = request.send().await else { return Ok(()) };
            Err(match error.as_service_error() {
                Some(
                    UpdateEventSourceMappingError::ResourceInUseException(_)
                    | UpdateEventSourceMappingError::ResourceConflictException(_),
                ) => still_changing("another update is in progress"),
                _ => sdk_error(format!("the event source mapping {} could not be switched", self.uuid), error),
            })
        })
    }
}

impl State {
    fn read(state: Option<&str>) -> Result<Self, StepError> {
        match state.unwrap_or("no state") {
            "Enabled" | "Enabling" => Ok(Self { enabled: true }),
            "Disabled" | "Disabling" => Ok(Self { enabled: false }),
            busy @ ("Creating" | "Updating") => Err(still_changing(busy)),
            "Deleting" => Err(StepError::stuck("the event source mapping is being deleted")),
            other => Err(StepError::stuck(format!("`{other}` is no known state of an event source mapping"))),
        }
    }
}

fn still_changing(how: &str) -> StepError {
    StepError::transient(format!("Lambda is still changing the event source mapping: {how}"))
}

/// A bare name is a queue's; streams are given by their ARN.
fn source_arn(place: &Place, source: &str) -> String {
    if source.starts_with("arn:") {
        return source.to_owned();
    }
    let Place { partition, account, region } = place;
    format!("arn:{partition}:sqs:{region}:{account}:{source}")
}

/// Whether a mapping feeds a function, as a whole or by one of its versions or aliases.
fn feeds(mapping: &EventSourceMappingConfiguration, place: &Place, function: &str) -> bool {
    let Place { partition, account, region } = place;
    let arn = format!("arn:{partition}:lambda:{region}:{account}:function:{function}");
    let rest = mapping.function_arn().and_then(|fed| fed.strip_prefix(&arn));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

#[cfg(test)]
#[path = "disable_event_source_mapping_test.rs"]
mod tests;
