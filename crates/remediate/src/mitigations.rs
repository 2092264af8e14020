//! The kinds of change. A new mitigation is one file in `mitigations/` and one line in [`of`].

mod rollback_lambda_alias;

use aws_types::SdkConfig;
use futures_util::future::BoxFuture;
use incident::ChangeRecord;
use jiff::Timestamp;
use response_plan::{Change, Guards};
use serde_json::Value;
use step::StepError;

use crate::guards::Place;

/// What a kind answers, later.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, StepError>>;

/// What would be changed: the state that was found, and the one that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Proposal {
    /// One sentence for people.
    pub(crate) summary: String,
    /// The state that was found.
    pub(crate) prior: Value,
    /// The state that is wanted.
    pub(crate) desired: Value,
}

/// What came of a compare-and-set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Set {
    /// Done; the state that it left.
    Done(Value),
    /// The service found another state than the one that was named, and changed nothing.
    Moved,
}

/// One typed change to one resource. `plan` and `read` change nothing; `set` is apply and undo alike.
pub(crate) trait Mitigation: Send + Sync {
    /// The resource, a full ARN.
    fn target(&self) -> &str;

    /// The present state, and what would be changed.
    ///
    /// # Errors
    /// `Refused` where a guard says no; `Transient` or `Stuck` where the state cannot be read.
    fn plan<'a>(&'a self, ledger: &'a [ChangeRecord], limits: &'a Guards, now: Timestamp) -> Answer<'a, Proposal>;

    /// The present state.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where it cannot be read.
    fn read(&self) -> Answer<'_, Value>;

    /// Whether a state is the wanted one, whoever made it so.
    fn is_at(&self, present: &Value, wanted: &Value) -> bool;

    /// Moves the resource to `wanted`, by the service's own precondition only from the state `from`.
    ///
    /// # Errors
    /// `Transient` where it may have happened or not; `Stuck` where the service said no.
    fn set<'a>(&'a self, wanted: &'a Value, from: &'a Value) -> Answer<'a, Set>;
}

/// The kind of a plan's change, with clients of the role that may make it.
pub(crate) fn of(change: &Change, config: &SdkConfig, place: &Place) -> Box<dyn Mitigation> {
    match change {
        Change::RollbackLambdaAlias { function, alias } => {
            Box::new(rollback_lambda_alias::RollbackLambdaAlias::new(config, place, function, alias))
        }
    }
}
