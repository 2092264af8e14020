//! The ways in which an incident can go: together they visit every task of the state machines, triage, the commands of
//! people and every repair of `sweep`.

/// How an incident goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Story {
    /// It is acknowledged, its mitigation is approved, and that helps.
    Mended,
    /// It recovers before anybody decides about the mitigation.
    Healed,
    /// The mitigation makes things worse, and is taken back.
    Undone,
    /// Once mitigated, it fires again, and somebody is paged anew.
    Refired,
    /// A person says that it is over while it fires; it fires on when `sweep` looks again.
    Overruled,
    /// Its execution is aborted; `sweep` starts the next run.
    Aborted,
    /// Its execution cannot be started by triage; `sweep` starts it.
    Unserved,
    /// A channel refuses the first page.
    Refused,
    /// Nothing is known of the page that went out; `sweep` sends one.
    Unrecorded,
    /// Its last run is aborted; `sweep` gives up, and a person ends it.
    GivenUp,
}

/// How it has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The outcome of its one mitigation.
    pub(super) outcome: &'static str,
    /// The version at which its service's alias is.
    pub(super) version: &'static str,
    /// How often that alias was moved by a function.
    pub(super) moves: u64,
    /// The last run, and the last engagement.
    pub(super) run: u64,
    pub(super) engagement: u64,
    /// Whether the books are closed: both passes of evidence, the postmortem.
    pub(super) is_closed: bool,
}

impl Story {
    /// All of them; what one shows is not shown again by the next.
    pub(super) const ALL: [Self; 10] = [
        Self::Mended,
        Self::Healed,
        Self::Undone,
        Self::Refired,
        Self::Overruled,
        Self::Aborted,
        Self::Unserved,
        Self::Refused,
        Self::Unrecorded,
        Self::GivenUp,
    ];

    /// The word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Mended => "mended",
            Self::Healed => "healed",
            Self::Undone => "undone",
            Self::Refired => "refired",
            Self::Overruled => "overruled",
            Self::Aborted => "aborted",
            Self::Unserved => "unserved",
            Self::Refused => "refused",
            Self::Unrecorded => "unrecorded",
            Self::GivenUp => "given up",
        }
    }

    /// How it has to end.
    pub(super) const fn end(self) -> End {
        let healed = End { outcome: "cancelled", version: "2", moves: 0, run: 1, engagement: 1, is_closed: true };
        match self {
            Self::Mended => End { outcome: "verified", version: "1", moves: 1, ..healed },
            Self::Undone => End { outcome: "undone", moves: 2, ..healed },
            Self::Refired => End { outcome: "verified", version: "1", moves: 1, engagement: 2, ..healed },
            Self::Aborted => End { run: 2, ..healed },
            Self::GivenUp => End { outcome: "rejected", run: 3, is_closed: false, ..healed },
            Self::Healed | Self::Overruled | Self::Unserved | Self::Refused | Self::Unrecorded => healed,
        }
    }
}
