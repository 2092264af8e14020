//! A page to an owner in a storm: all of theirs at once, once, to their first contact. The storm's own incident is paged like
//! any other, until somebody takes it.

use incident::{Incident, worst};
use step::StepError;

use crate::channels::{InStorm, Of};
use crate::delivery::{Address, deliver};
use crate::input::OfStorm;
use crate::message::{digest, storm};
use crate::{Ctx, Output};

/// Pages the owner, even where the storm is over by now: what they have is told.
///
/// # Errors
/// `Transient` where no channel accepted it, or none that wakes where they have one; `Rejected` for a storm in which they
/// have nothing; `Refused` where they have nobody to tell; what the store says where it could not be read. The retry skips
/// what was sent, and after the last one the state machine tells the fallback topic.
pub(crate) async fn page(ctx: &Ctx, input: &OfStorm) -> Result<Output, StepError> {
    let OfStorm { incident_id, storm, owner } = input;
    let incident = ctx.store.load(incident_id).await?;
    let members = ctx.store.storm_members(incident_id, Some(storm), Some(owner)).await?;
    let Some((severity, member)) = worst(&members) else {
        return Err(StepError::rejected(format!("{owner} has nothing in {storm}; look at it with `tourniquet show`")));
    };
    let Some(first) = member.team.escalation.first() else {
        return Err(StepError::refused(format!("the team {owner} has nobody to tell; mend it in teams.yaml")));
    };
    let contact = &first.contact;
    let to = Address {
        incident_id: incident.id().to_owned(),
        opening: incident.opening,
        engagement: 1,
        step: 0,
        contact: format!("{}/{storm}/{owner}", contact.name),
        done: format!("paged {} about what {owner} has in the storm", contact.name),
        to_do: format!("page {} about what {owner} has in the storm", contact.name),
        suffix: String::new(),
    };
    let entries: Vec<_> = members.iter().map(|member| member.entry.clone()).collect();
    let mut lines = digest::lines(&entries);
    crate::digest::recovered(ctx, &mut lines).await;
    let theirs = storm::Theirs { owner, incidents: incident::groups(&members), lines: &lines };
    // As bad as the worst of theirs.
    let incident = Incident { severity, ..incident };
    let zone = contact.time_zone.as_deref();
    let of = Of::Storm(InStorm { incident: &incident, storm, owner });
    let sent = deliver(ctx, &to, of, &contact.channels, |mark| storm::storm(&incident, &theirs, zone, mark)).await?;
    Ok(Output { contact: Some(contact.name.clone()), ..sent })
}

#[cfg(test)]
mod tests;
