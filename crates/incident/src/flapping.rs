//! Flapping: what opens, clears and opens again, so that its recovery is worth little.

use jiff::{SignedDuration, Timestamp};
use response_plan::Span;

use crate::decision::OpenPointer;
use crate::record::{Incident, Opened};

/// So many openings of a group...
const OPENINGS: usize = 3;

/// ...within so long are flapping, those among them that nobody was paged about.
const WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// What flaps has to stay clear for so many times as long as its plan says.
const LONGER: u64 = 3;

/// The group's openings of the last hour, with the one that is beginning: what its pointer remembers. Of more than flapping
/// takes, the last.
pub fn openings(before: Option<&OpenPointer>, at: Timestamp) -> Vec<Timestamp> {
    let mut openings: Vec<_> = before.into_iter().flat_map(|pointer| &pointer.openings).copied().chain([at]).collect();
    openings.sort();
    openings.dedup();
    // What comes late, as at the end of a mute, must not make the openings since be forgotten.
    let newest = openings.last().copied().unwrap_or(at);
    openings.retain(|opened| newest.duration_since(*opened) <= WITHIN);
    openings.split_off(openings.len().saturating_sub(OPENINGS))
}

/// Whether an opening that begins makes its group a flapping one.
pub fn is_flapping(before: Option<&OpenPointer>, at: Timestamp) -> bool {
    let openings = openings(before, at);
    openings.len() >= OPENINGS && openings.contains(&at)
}

/// How long something has to stay clear, where its plan says `held_for`.
pub fn held_for(held_for: Span, flapping: bool) -> Span {
    if flapping { Span::seconds(held_for.as_secs().saturating_mul(LONGER)) } else { held_for }
}

impl Opened {
    /// How long everything that fired has to stay clear: what its plan says, and longer where it flaps.
    pub fn held_for(&self) -> Span {
        held_for(self.plan.plan.recovery.held_for, self.flapping)
    }
}

impl Incident {
    /// See [`Opened::held_for`].
    pub fn held_for(&self) -> Span {
        self.opened.held_for()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Status;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn pointer(openings: Vec<Timestamp>) -> OpenPointer {
        OpenPointer { incident_id: "inc".into(), opening: 1, status: Status::Resolved, reopen_until: None, openings }
    }

    /// Whether the last of several openings makes it flap.
    fn flaps(minutes: &[i64]) -> bool {
        let mut before = None;
        let mut flaps = false;
        for minute in minutes {
            flaps = is_flapping(before.as_ref(), at(*minute));
            before = Some(pointer(openings(before.as_ref(), at(*minute))));
        }
        flaps
    }

    #[test]
    fn three_openings_in_an_hour_are_flapping() {
        for (minutes, expect) in [
            (&[0][..], false),
            (&[0, 10], false),
            (&[0, 10, 60], true),
            (&[0, 10, 61], false),
            (&[0, 10, 20, 30], true),
            (&[0, 10, 20, 81], false),
            (&[0, 10, 20, 75], false),
            (&[0, 30, 60, 90, 120], true),
            // One that comes late is no part of it, and nothing is forgotten for it.
            (&[100, 110, 20], false),
            (&[100, 110, 20, 120], true),
            // The same opening twice is one.
            (&[0, 10, 10], false),
        ] {
            assert_eq!(flaps(minutes), expect, "{minutes:?}");
        }
    }

    #[test]
    fn what_flaps_has_to_stay_clear_for_three_times_as_long() {
        let five = Span::seconds(300);
        assert_eq!([held_for(five, false), held_for(five, true)], [five, Span::seconds(900)]);
        assert_eq!(held_for(Span::seconds(u64::MAX), true), Span::seconds(u64::MAX));
    }

    proptest! {
        /// What the pointer remembers is enough: the answer is that of all openings there ever were.
        #[test]
        fn three_remembered_are_as_good_as_all(steps in prop::collection::vec(1_i64..90, 1..30)) {
            let minutes: Vec<_> = steps.iter().scan(0, |now, step| { *now += step; Some(*now) }).collect();
            let last = minutes[minutes.len() - 1];
            let all = minutes.iter().filter(|minute| last - **minute <= 60).count() >= 3;
            prop_assert_eq!(flaps(&minutes), all);
        }
    }
}
