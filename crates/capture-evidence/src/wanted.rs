//! What a pass wants: the window, and what to collect in it. Values in, values out.

use evidence_bundle::{Pass, Window};
use incident::Incident;
use jiff::{SignedDuration, Timestamp};

use crate::collectors::{self, Collection};

/// The complete pass goes on so long after the recovery.
const AFTER: SignedDuration = SignedDuration::from_mins(5);

/// One pass, as it is wanted.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The time to look at.
    pub(crate) window: Window,
    /// What to look at; each fails alone.
    pub(crate) collections: Vec<Box<dyn Collection>>,
}

/// What a pass over the incident wants, as of `now`.
pub(crate) fn wanted(incident: &Incident, pass: Pass, now: Timestamp) -> Wanted {
    Wanted { window: window(incident, pass, now), collections: collectors::wanted(incident) }
}

/// From before the trouble began to now, or to a little after the recovery. It is never empty, also where the clocks of
/// the source and of this machine disagree.
fn window(incident: &Incident, pass: Pass, now: Timestamp) -> Window {
    let began = incident.onset.unwrap_or(incident.opened.signal.time);
    let recovered = incident.resolved_at.or(incident.clear_since);
    let to = match recovered {
        Some(recovered) if pass > Pass::Warm => now.min(recovered + AFTER),
        _ => now,
    };
    let from = began - incident.plan().evidence.before.signed();
    Window { from: from.min(to - SignedDuration::from_secs(1)), to }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, incident};

    #[test]
    fn the_window_goes_from_before_the_onset_to_now_or_just_after_the_recovery() {
        #[track_caller]
        fn check(pass: Pass, [onset, clear, resolved]: [&str; 3], now: &str, [from, to]: [&str; 2]) {
            let time = |text: &str| (!text.is_empty()).then(|| at(text));
            let mut incident = incident();
            (incident.onset, incident.clear_since, incident.resolved_at) = (time(onset), time(clear), time(resolved));
            assert_eq!(window(&incident, pass, at(now)), Window { from: at(from), to: at(to) });
        }
        // The plan keeps 30 minutes before; the signal is of 14:02:11.
        check(Pass::Warm, ["14:01:00", "", ""], "14:02:20", ["13:31:00", "14:02:20"]);
        check(Pass::Warm, ["", "", ""], "14:02:20", ["13:32:11", "14:02:20"]);
        check(Pass::Warm, ["14:01:00", "14:05:00", ""], "14:30:00", ["13:31:00", "14:30:00"]);
        check(Pass::Complete, ["14:01:00", "14:05:00", "14:10:00"], "14:30:00", ["13:31:00", "14:15:00"]);
        check(Pass::Complete, ["14:01:00", "14:05:00", ""], "14:30:00", ["13:31:00", "14:10:00"]);
        check(Pass::Complete, ["14:01:00", "14:05:00", "14:10:00"], "14:10:01", ["13:31:00", "14:10:01"]);
        check(Pass::Complete, ["14:01:00", "", ""], "14:10:01", ["13:31:00", "14:10:01"]);
        // This machine's clock is an hour behind the source's.
        check(Pass::Warm, ["14:01:00", "", ""], "13:02:20", ["13:02:19", "13:02:20"]);
    }

    #[test]
    fn everything_that_the_plan_names_is_wanted_once() {
        let wanted = wanted(&incident(), Pass::Warm, at("14:02:20"));
        let whats: Vec<String> = wanted.collections.iter().map(|collection| collection.what()).collect();
        let expected = [
            "definition of alarm checkout: errors",
            "history of alarm checkout: errors",
            "metric of alarm checkout: errors",
            "metric Shop/Orders",
            "log group /aws/lambda/checkout",
            "log group /shop/web",
            "changes, from CloudTrail",
        ];
        assert_eq!(whats, expected);
    }
}
