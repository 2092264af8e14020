//! Which control was missing: what would have kept the change from doing this, as far as the records show.

use super::{Answer, known, not_known};
use crate::change::{Change, Kind};
use crate::facts::Facts;
use crate::words::{length, plain, seconds};

pub(super) fn missing(facts: &Facts) -> Answer {
    const QUESTION: &str = "Which control was missing?";
    match Change::of(facts).filter(Change::helped) {
        Some(change) if change.kind == Kind::Configuration => known(QUESTION, watched_deployment(facts, &change)),
        Some(change) if !change.shared() => {
            let all = format!(
                "A staged shift of traffic. The state stored before the rollback has version {} behind {} with no share \
                 for another version: it served all of the traffic while the signal fired.",
                change.version, change.target
            );
            let would = "A shift in steps that the same signal stops would have kept the rest on the version before.";
            known(QUESTION, vec![all, would.to_owned()])
        }
        Some(change) => not_known(
            QUESTION,
            format!(
                "Version {} had only a share of the traffic of {}, so a staged shift was there and did not stop it; the \
                 records do not show why.",
                change.version, change.target
            ),
            Vec::new(),
        ),
        None if facts.helped().is_some_and(|m| m.takes_away) => known(QUESTION, limited_consumer(facts)),
        None => not_known(
            QUESTION,
            "No rollback that helped is on record, so the records name no control. The trigger, once known, would show it.",
            Vec::new(),
        ),
    }
}

/// What had to be taken out of the way was not kept from taking all of what others need.
fn limited_consumer(facts: &Facts) -> Vec<String> {
    let what = facts.helped().map_or_else(String::new, |m| plain(&m.summary));
    let limit = format!(
        "A limit on what the consumer takes, below what is there for everybody. It cleared after one consumer was taken \
         out of the way ({what}), so what was left was enough for the rest."
    );
    let would = "A limit that is always there, such as the maximum concurrency of its event source mapping or its reserved \
                 concurrency, and a share that only those have whom customers wait for, would have kept it at work and \
                 harmless.";
    vec![limit, would.to_owned()]
}

/// AppConfig takes a deployment that is under way back by itself where an alarm of the environment fires: that the version
/// was still there when the rollback was planned says that no such alarm watched, or that nothing was under way any more.
fn watched_deployment(facts: &Facts, change: &Change<'_>) -> Vec<String> {
    let after = seconds(facts.incident.opened.opened_at, change.mitigation.planned_at).max(0.0);
    let still = format!(
        "A deployment that AppConfig itself takes back. Version {} of {} was still in effect {} after the first signal, \
         when the rollback was planned.",
        change.version,
        change.target,
        length(after)
    );
    let would = "Where this alarm is a monitor of the environment, AppConfig rolls a deployment back that is still under \
                 way; one that grows in steps has not reached everybody by then.";
    vec![still, would.to_owned()]
}
