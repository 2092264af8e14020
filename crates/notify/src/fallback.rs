//! Pages fail open: where the incident cannot be read, the fallback topic is told in its owner's place.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use incident::Incident;
use jiff::{SignedDuration, Timestamp};
use step::StepError;

use crate::{Ctx, OfIncident, What, message};

/// All retries of one step lie within this time.
const QUIET: SignedDuration = SignedDuration::from_mins(30);

/// The pages that this process told the fallback topic about, and when: a retry does not tell it again.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<HashMap<OfIncident, Timestamp>>);

impl Told {
    /// Whether it is to be told now; from then on it counts as told.
    fn is_due(&self, page: &OfIncident, now: Timestamp) -> bool {
        let mut told = self.lock();
        told.retain(|_, at| now.duration_since(*at) < QUIET);
        told.insert(page.clone(), now).is_none()
    }

    /// It was not told after all.
    fn forget(&self, page: &OfIncident) {
        self.lock().remove(page);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OfIncident, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The incident; a page that cannot know whom to wake goes to the fallback topic, once, and the failure stays one, so that
/// the state machine tries again and at last tells the fallback topic itself.
pub(crate) async fn load(ctx: &Ctx, input: &OfIncident) -> Result<Incident, StepError> {
    let error = match ctx.store.load_in(&input.incident_id, input.opening).await {
        Ok(incident) => return Ok(incident),
        Err(error) => error,
    };
    if matches!(error, StepError::Rejected(_)) {
        // There is nobody to tell, and the error says why.
        return Err(error);
    }
    if matches!(input.what, What::Page { .. }) && ctx.told.is_due(input, step::now()) {
        match ctx.channels.fallback(&message::unreadable(&input.incident_id)).await {
            Ok(_) => tracing::warn!("the incident could not be read; the fallback topic was told instead"),
            Err(failure) => {
                ctx.told.forget(input);
                tracing::error!(chain = format!("{:#}", failure.cause()), "the fallback topic was not told either");
            }
        }
    }
    Err(error.context("the incident could not be read, so nobody of its owner was told"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::at;

    fn page(opening: u32, engagement: u32, step: u32) -> OfIncident {
        let incident_id = "inc-20261123-0123456789".to_owned();
        OfIncident { incident_id, opening, what: What::Page { engagement, step }, reminder: 0 }
    }

    #[test]
    fn each_step_is_told_once() {
        let told = Told::default();
        let cases = [
            (page(1, 1, 1), "14:00:00", true),
            (page(1, 1, 1), "14:00:09", false),
            (page(1, 1, 2), "14:00:09", true),
            (page(1, 2, 1), "14:00:09", true),
            (page(2, 1, 1), "14:00:09", true),
            (page(1, 1, 1), "14:29:59", false),
        ];
        for (page, time, expect) in cases {
            assert_eq!(told.is_due(&page, at(time)), expect, "{page:?} at {time}");
        }
        told.forget(&page(1, 1, 1));
        assert!(told.is_due(&page(1, 1, 1), at("14:30:00")), "the topic did not take it");
    }

    #[test]
    fn what_is_long_past_is_forgotten() {
        let told = Told::default();
        assert!(told.is_due(&page(1, 1, 1), at("14:00:00")));
        assert!(told.is_due(&page(1, 1, 2), at("14:30:00")));
        assert_eq!(told.lock().len(), 1);
    }
}
