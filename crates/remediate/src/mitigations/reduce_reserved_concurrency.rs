//! Purpose: slow a consumer down to what its dependency bears: reserve it less concurrency. Zero stops it.
//! Reads: what is reserved (`GetFunctionConcurrency`).
//! Writes: what is reserved (`PutFunctionConcurrency`; `DeleteFunctionConcurrency` where nothing was reserved before). The
//! API has no precondition: the state is read again right before, and what somebody changes between the two calls is
//! not seen.
//! Undo: what was reserved before. Nothing reserved is not zero: it is no limit of the function's own, and is kept as
//! null.
//! Retry: safe; a function that has what is wanted is success.
//! Permissions: the local stack's emulator asks for `PutFunctionConcurrency` to read and to delete, too, so that there
//! nothing can be shown with the family off.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::delete_function_concurrency::DeleteFunctionConcurrencyError;
use aws_sdk_lambda::operation::put_function_concurrency::PutFunctionConcurrencyError;
use aws_types::SdkConfig;
use response_plan::{Arguments, Field, MitigationKind, Wrong};
use serde::{Deserialize, Serialize};
use step::{Allow, StepError, sdk_error};

use super::rollback_lambda_alias::{FUNCTIONS, function};
use super::setting::Setting;
use super::{Answer, Kind, Mitigation, argument};
use crate::families::LAMBDA;
use crate::guards::Place;

pub(super) static KIND: Kind = Kind {
    plan: MitigationKind {
        name: "reduce-reserved-concurrency",
        about: "Reserves a function less concurrency than it has; 0 stops it.",
        fields: &[
            Field {
                name: "function",
                about: "name the function",
                example: "consumer",
                required: true,
                check: function,
            },
            Field { name: "to", about: "say how many at once are left", example: "2", required: true, check: to },
        ],
        rolls_back: false,
        takes_away: true,
        does,
    },
    family: &LAMBDA,
    looks: &[Allow { actions: &["lambda:GetFunctionConcurrency"], resources: FUNCTIONS, condition: None }],
    changes: &[Allow {
        actions: &["lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency"],
        resources: FUNCTIONS,
        condition: None,
    }],
    find: |config, place, with, _| Box::pin(async move { ReduceReservedConcurrency::of(config, place, with) }),
};

/// More than any account has; the service takes a signed number.
const MOST: u32 = 1_000_000;

fn does(with: &Arguments) -> String {
    let text = |name: &str| with.get(name).map_or("?", String::as_str);
    format!("reduce the reserved concurrency of {} to {}", text("function"), text("to"))
}

fn to(text: &str) -> Result<(), Wrong> {
    match text.parse::<u32>() {
        Ok(to) if to <= MOST => Ok(()),
        _ => Err((format!("`{text}` is no number of executions"), "write a whole number such as 2, or 0".to_owned())),
    }
}

/// One function, and how much it is left.
pub(crate) struct ReduceReservedConcurrency {
    client: Client,
    function: String,
    to: u32,
    arn: String,
}

/// What is reserved, as records keep it; null where nothing is, and the function has no limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    // Read by a function of its own, a field has to be there: absent would else read as unlimited.
    #[serde(deserialize_with = "Option::deserialize")]
    reserved: Option<u32>,
}

impl ReduceReservedConcurrency {
    fn of(config: &SdkConfig, place: &Place, with: &Arguments) -> Result<Box<dyn Mitigation>, StepError> {
        let to = argument(with, "to")?;
        let to = to.parse().map_err(|_| StepError::stuck(format!("`{to}` is no number; build the plans again")))?;
        Ok(Box::new(Self::new(config, place, argument(with, "function")?, to)))
    }

    /// The function `function` in an account and Region; nothing is asked of the network.
    pub(crate) fn new(config: &SdkConfig, place: &Place, function: &str, to: u32) -> Self {
        let Place { partition, account, region } = place;
        let arn = format!("arn:{partition}:lambda:{region}:{account}:function:{function}");
        Self { client: Client::new(config), function: function.to_owned(), to, arn }
    }

    async fn put(&self, reserved: u32) -> Result<(), StepError> {
        let most =
            i32::try_from(reserved).map_err(|_| StepError::stuck(format!("{reserved} is more than Lambda has")))?;
        let request = self.client.put_function_concurrency().function_name(&self.function);
        let Err(error) = request.reserved_concurrent_executions(most).send().await else { return Ok(()) };
        Err(match error.as_service_error() {
            Some(PutFunctionConcurrencyError::ResourceConflictException(_)) => self.still_changing(),
            Some(PutFunctionConcurrencyError::InvalidParameterValueException(_)) => sdk_error(
                format!(
                    "Lambda does not reserve {reserved} for {}: the account needs the rest unreserved",
                    self.function
                ),
                error,
            ),
            _ => sdk_error(format!("{reserved} could not be reserved for {}", self.function), error),
        })
    }

    async fn delete(&self) -> Result<(), StepError> {
        let request = self.client.delete_function_concurrency().function_name(&self.function);
        let Err(error) = request.send().await else { return Ok(()) };
        Err(match error.as_service_error() {
            Some(DeleteFunctionConcurrencyError::ResourceConflictException(_)) => self.still_changing(),
            _ => sdk_error(format!("the limit of {} could not be taken away", self.function), error),
        })
    }

    fn still_changing(&self) -> StepError {
        StepError::transient(format!("Lambda is still changing {}", self.function))
    }
}

impl Setting for ReduceReservedConcurrency {
    type State = State;

    fn arn(&self) -> &str {
        &self.arn
    }

    fn state(&self) -> Answer<'_, State> {
        Box::pin(async {
            let failed = format!("the reserved concurrency of {} could not be read", self.function);
            let answer = self.client.get_function_concurrency().function_name(&self.function).send().await;
            let reserved = answer.map_err(|e| sdk_error(failed, e))?.reserved_concurrent_executions;
            let read = reserved.map(u32::try_from).transpose();
            read.map(|reserved| State { reserved })
                .map_err(|_| StepError::stuck("Lambda answered with a negative reserved concurrency"))
        })
    }

    fn wanted(&self, prior: State) -> Result<(State, String), StepError> {
        let (function, to) = (&self.function, self.to);
        let now = match prior.reserved {
            Some(reserved) if to >= reserved => {
                return Err(StepError::refused(format!(
                    "{function} has {reserved} reserved already, and {to} would not reduce it; look for another way out"
                )));
            }
            Some(reserved) => format!("from {reserved}"),
            None => "from no limit of its own".to_owned(),
        };
        let summary = format!("reduce the reserved concurrency of {function} {now} to {to}");
        Ok((State { reserved: Some(to) }, summary))
    }

    fn change(&self, wanted: State) -> Answer<'_, ()> {
        match wanted.reserved {
            Some(reserved) => Box::pin(self.put(reserved)),
            None => Box::pin(self.delete()),
        }
    }
}

#[cfg(test)]
#[path = "reduce_reserved_concurrency_test.rs"]
mod tests;
