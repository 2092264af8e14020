//! The kinds of change. A new mitigation is one file in `mitigations/` and one line in [`KINDS`]; the file declares the
//! kind's place in plans, its family and the permissions that it needs, too.

mod disable_event_source_mapping;
mod reduce_reserved_concurrency;
mod rollback_appconfig_flag;
mod rollback_lambda_alias;
mod setting;

use aws_types::SdkConfig;
use futures_util::future::BoxFuture;
use incident::ChangeRecord;
use jiff::Timestamp;
use response_plan::{Arguments, Guards, Mitigation as Planned, MitigationKind};
use serde_json::Value;
use step::{Allow, StepError};

use crate::families::Family;
use crate::guards::Place;

/// Every kind of mitigation of this release.
pub static KINDS: [&Kind; 4] = [
    &rollback_lambda_alias::KIND,
    &rollback_appconfig_flag::KIND,
    &disable_event_source_mapping::KIND,
    &reduce_reserved_concurrency::KIND,
];

/// A kind of mitigation: how plans name it, whose role may do it, and how it is done.
pub struct Kind {
    /// Its place in plans.
    pub plan: MitigationKind,
    /// The family, whose role does it.
    pub family: &'static Family,
    /// What it has to look at; always allowed.
    pub looks: &'static [Allow],
    /// What it changes; allowed where the family's parameter is on.
    pub changes: &'static [Allow],
    /// Finds the resource that the arguments mean.
    find: Find,
}

/// Finds a resource, by clients of the family's role, for an incident by its id. `Refused` where there is none, or several;
/// `Transient` or `Stuck` where that cannot be told.
type Find = for<'a> fn(&'a SdkConfig, &'a Place, &'a Arguments, &'a str) -> Answer<'a, Box<dyn Mitigation>>;

/// The kind that a plan names.
///
/// # Errors
/// `Stuck` where this release knows no such kind: an older or a newer one opened the incident.
pub(crate) fn kind_of(planned: &Planned) -> Result<&'static Kind, StepError> {
    let found = KINDS.into_iter().find(|kind| kind.plan.name == planned.kind);
    found.ok_or_else(|| StepError::stuck(format!("this release knows no mitigation `{}`; act by hand", planned.kind)))
}

impl Kind {
    /// Finds the resource that the plan means, with clients of the role in `config`. Where a service keeps a word on why it
    /// was changed, that is the id of the incident.
    ///
    /// # Errors
    /// `Refused` where there is none, or several; `Transient` or `Stuck` where that cannot be told.
    pub(crate) fn find<'a>(
        &self,
        config: &'a SdkConfig,
        place: &'a Place,
        with: &'a Arguments,
        incident: &'a str,
    ) -> Answer<'a, Box<dyn Mitigation>> {
        (self.find)(config, place, with, incident)
    }
}

/// An argument of a kind. The reader of plans has seen that it is there.
///
/// # Errors
/// `Stuck` where it is not all the same.
pub(crate) fn argument<'a>(with: &'a Arguments, name: &str) -> Result<&'a str, StepError> {
    let found = with.get(name).map(String::as_str);
    found.ok_or_else(|| StepError::stuck(format!("the plan does not say `{name}`; build the plans again")))
}

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
