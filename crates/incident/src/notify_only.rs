//! What a plan that only notifies makes of a decision: what would open an incident is told once, in the owner's digest.

use response_plan::Engage;
use signal::{Signal, State};

use crate::decision::Action;

impl Action {
    /// The decision under a plan's engagement. An incident that is there, since a person made one, takes what fires as any
    /// other does, and so does one that opens again within its plan's `reopen_within`.
    pub fn under(self, engage: Engage, signal: &Signal) -> Self {
        match (engage, self) {
            (Engage::Notify, Self::Open) => Self::NotifyOnly { newest: true },
            (Engage::Notify, Self::Ignore { .. }) if signal.state == State::Info => Self::NotifyOnly { newest: false },
            (Engage::Notify, Self::Ignore { newest: true, .. }) => Self::Ignore {
                reason: "it recovers; of this the owner is told in a digest alone".to_owned(),
                newest: true,
            },
            (_, action) => action,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{FingerprintState, Known, KnownSignal, OpenPointer, decide};
    use crate::record::Status;
    use jiff::Timestamp;

    fn signal(state: State) -> Signal {
        let mut signal = crate::digest::samples::signal("f", "s");
        signal.state = state;
        signal
    }

    #[track_caller]
    fn check(state: State, known: &Known, page: &str, notify: &str) {
        let signal = signal(state);
        for (engage, expect) in [(Engage::Page, page), (Engage::Notify, notify)] {
            let got = match decide(&signal, known).under(engage, &signal) {
                Action::NotifyOnly { newest: true } => "told, newest".to_owned(),
                Action::NotifyOnly { newest: false } => "told".to_owned(),
                Action::Ignore { newest: true, reason } => reason,
                Action::Ignore { newest: false, .. } => "ignored".to_owned(),
                other => format!("{other:?}").split([' ', '{']).next().unwrap().to_owned(),
            };
            assert_eq!(got, expect, "{engage:?} {known:?}");
        }
    }

    #[test]
    fn what_would_open_an_incident_is_told_and_nothing_else_changes() {
        let nothing = Known::default();
        check(State::Firing, &nothing, "Open", "told, newest");
        check(State::Info, &nothing, "ignored", "told");
        let recovers = "it recovers; of this the owner is told in a digest alone";
        check(State::Recovered, &nothing, "it recovers, and no incident was open for it", recovers);
        let before = Known { signal: Some(KnownSignal::default()), ..Known::default() };
        for state in [State::Firing, State::Info, State::Recovered] {
            check(state, &before, "Repeat", "Repeat");
        }
        let newer = FingerprintState { state: State::Recovered, time: Timestamp::MAX, incident: None };
        let late = Known { fingerprint: Some(newer), ..Known::default() };
        check(State::Firing, &late, "ignored", "ignored");
    }

    #[test]
    fn an_incident_that_is_there_takes_what_fires() {
        let pointer = |status| OpenPointer {
            incident_id: "inc".into(),
            opening: 1,
            status,
            reopen_until: (status == Status::Resolved).then_some(Timestamp::MAX),
            openings: vec![],
        };
        for (status, expect) in [(Status::Open, "Join"), (Status::Mitigated, "Join"), (Status::Resolved, "Reopen")] {
            let known = Known { pointer: Some(pointer(status)), ..Known::default() };
            check(State::Firing, &known, expect, expect);
        }
        let over = Known { pointer: Some(pointer(Status::Cancelled)), ..Known::default() };
        check(State::Firing, &over, "Open", "told, newest");
    }
}
