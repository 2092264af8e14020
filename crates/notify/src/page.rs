//! A page: someone must acknowledge it.

use incident::{Hold, Incident};
use response_plan::EscalationStep;
use step::StepError;

use crate::channels::About;
use crate::delivery::{Address, deliver};
use crate::{Ctx, Output, What, hold, message};

/// Pages the contact of one escalation step.
pub(crate) async fn page(
    ctx: &Ctx,
    incident: &Incident,
    opening: u32,
    engagement: u32,
    step: u32,
) -> Result<Output, StepError> {
    let Some(due) = due(incident, opening, engagement, step) else {
        tracing::info!(step, "nobody is due");
        return Ok(Output::nobody(step));
    };
    if let (1, Hold::For(wait)) = (step, incident.hold(step::now())) {
        hold::note(ctx, incident, &hold::held(incident)).await;
        return Ok(Output::held(step, wait));
    }
    let contact = &due.contact;
    let to = Address {
        incident_id: incident.id().to_owned(),
        opening,
        engagement,
        step,
        contact: contact.name.clone(),
        done: format!("paged {}", contact.name),
        to_do: format!("page {}", contact.name),
        suffix: format!(" (step {step})"),
    };
    let about = About { incident, what: What::Page { engagement, step }, mitigations: &[] };
    let sent = deliver(ctx, &to, about, &contact.channels, |mark| message::page(incident, step, due, mark)).await?;
    let steps = incident.opened.plan.team.escalation.len();
    let last = step as usize >= steps;
    Ok(Output { contact: Some(contact.name.clone()), wait_s: due.wait.as_secs(), last, ..sent })
}

/// Who is due at a step: nobody where someone acknowledged, where it is over, where another opening or engagement has
/// begun, which pages by itself, or beyond the end of the policy.
fn due(incident: &Incident, opening: u32, engagement: u32, step: u32) -> Option<&EscalationStep> {
    let current = (incident.opening, incident.engagement) == (opening, engagement);
    let wanted = incident.acknowledged_at.is_none() && incident.status.holds_group_key();
    let index = (step as usize).checked_sub(1)?;
    if current && wanted { incident.opened.plan.team.escalation.get(index) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, incident};
    use incident::Status;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Incident), step: u32, expect: Option<&str>) {
        let mut incident = incident();
        change(&mut incident);
        assert_eq!(due(&incident, 1, 1, step).map(|due| due.contact.name.as_str()), expect);
    }

    #[test]
    fn who_is_due() {
        check(|_| {}, 1, Some("payments-on-call"));
        check(|_| {}, 2, Some("payments-lead"));
        check(|_| {}, 3, None);
        check(|_| {}, 0, None);
        check(|i| i.status = Status::Mitigated, 1, Some("payments-on-call"));
        check(|i| i.status = Status::Resolved, 1, None);
        check(|i| i.status = Status::Stuck, 1, None);
        check(|i| i.acknowledged_at = Some(at("14:05:00")), 1, None);
        check(|i| i.opening = 2, 1, None);
        check(|i| i.engagement = 2, 1, None);
    }
}
