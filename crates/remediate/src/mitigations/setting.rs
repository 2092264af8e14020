//! What mitigations have in common that move one setting of one resource, whose state is a small value of their own. Their
//! APIs have no precondition: the state is read again right before, and what somebody changes between the two calls is
//! not seen.

use incident::ChangeRecord;
use jiff::Timestamp;
use response_plan::Guards;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use step::StepError;

use super::{Answer, Mitigation, Proposal, Set};
use crate::guards::one_target;

/// One setting of one resource. The ledger says nothing of it: what would be changed follows from its present state.
pub(super) trait Setting: Send + Sync {
    /// What it is set to, as records keep it. A state that leaves something out has to be none.
    type State: Copy + PartialEq + Send + Sync + Serialize + DeserializeOwned;

    /// The resource, a full ARN.
    fn arn(&self) -> &str;

    /// What it is set to at present.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where that cannot be read.
    fn state(&self) -> Answer<'_, Self::State>;

    /// What it would be set to, and one sentence that says so to people.
    ///
    /// # Errors
    /// `Refused` where that would not help.
    fn wanted(&self, prior: Self::State) -> Result<(Self::State, String), StepError>;

    /// Sets it to another state than the present one.
    ///
    /// # Errors
    /// `Transient` where it may have happened or not; `Stuck` where the service said no.
    fn change(&self, wanted: Self::State) -> Answer<'_, ()>;
}

impl<S: Setting> Mitigation for S {
    fn target(&self) -> &str {
        self.arn()
    }

    fn plan<'a>(&'a self, _: &'a [ChangeRecord], limits: &'a Guards, _: Timestamp) -> Answer<'a, Proposal> {
        Box::pin(async move {
            one_target(limits).map_err(StepError::refused)?;
            let prior = self.state().await?;
            let (desired, summary) = self.wanted(prior)?;
            Ok(Proposal { summary, prior: write(prior)?, desired: write(desired)? })
        })
    }

    fn read(&self) -> Answer<'_, Value> {
        Box::pin(async { write(self.state().await?) })
    }

    fn is_at(&self, present: &Value, wanted: &Value) -> bool {
        let (present, wanted) = (read::<S::State>(present), read::<S::State>(wanted));
        matches!((present, wanted), (Ok(present), Ok(wanted)) if present == wanted)
    }

    fn set<'a>(&'a self, wanted: &'a Value, from: &'a Value) -> Answer<'a, Set> {
        Box::pin(async move {
            let (wanted, from) = (read::<S::State>(wanted)?, read::<S::State>(from)?);
            let present = self.state().await?;
            if present != wanted {
                if present != from {
                    return Ok(Set::Moved);
                }
                self.change(wanted).await?;
            }
            Ok(Set::Done(write(wanted)?))
        })
    }
}

fn read<T: DeserializeOwned>(stored: &Value) -> Result<T, StepError> {
    T::deserialize(stored).map_err(|e| StepError::stuck(format!("the stored state of the target cannot be read: {e}")))
}

fn write(state: impl Serialize) -> Result<Value, StepError> {
    serde_json::to_value(state).map_err(|e| StepError::Stuck(e.into()))
}
