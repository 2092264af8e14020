//! The words that plans choose from, each with what it means: the reader takes these and the schema offers them.

use crate::plan::{Approval, Engage, Mode, RecoveredBy, Severity};

pub(crate) const SEVERITY: [(&str, Severity); 5] = [
    ("SEV1", Severity::Sev1),
    ("SEV2", Severity::Sev2),
    ("SEV3", Severity::Sev3),
    ("SEV4", Severity::Sev4),
    ("SEV5", Severity::Sev5),
];

pub(crate) const ENGAGE: [(&str, Engage); 2] = [("page", Engage::Page), ("notify", Engage::Notify)];

pub(crate) const MODE: [(&str, Mode); 2] = [("observe", Mode::Observe), ("act", Mode::Act)];

pub(crate) const APPROVAL: [(&str, Approval); 1] = [("owner", Approval::Owner)];

pub(crate) const RECOVERED_BY: [(&str, RecoveredBy); 2] =
    [("signal", RecoveredBy::Signal), ("person", RecoveredBy::Person)];
