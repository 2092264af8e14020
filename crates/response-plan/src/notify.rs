//! What a plan that only notifies may say: nobody is asked for anything before a person or a rule makes an incident of it.

use crate::error::Report;
use crate::plan::{RecoveredBy, Recovery};
use crate::span::Span;
use crate::wire::PlanWire;

/// When what was told once counts as recovered, should it become an incident, where the plan does not say: what
/// the catch-all goes by, too.
pub(crate) const RECOVERY: Recovery = Recovery { by: RecoveredBy::Signal, held_for: Span::seconds(300) };

/// A change to the world is never proposed for what is not even worth a page.
pub(crate) fn check(report: &mut Report<'_>, wire: &PlanWire) {
    if let Some(first) = wire.mitigations.first() {
        report.add(
            first.referenced,
            "a plan that only notifies proposes no mitigations, since no incident is opened",
            "remove `mitigations`, or write `engage: page`",
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::read::{Source, read};
    use crate::samples::{KINDS, TEAMS};

    #[test]
    fn it_need_not_say_when_it_is_over_and_keeps_what_it_says() {
        let plan = |more: &str| {
            let text = format!(
                "plan: p\ntype: t\nmatch: {{ source: [s] }}\nservice: s\nenvironment: e\nowner: payments\nseverity: SEV4\n\
                 engage: notify\n{more}"
            );
            let source = |file: &str, text: &str| Source { file: file.into(), bytes: text.into() };
            let config = read(&[source("p.yaml", &text), source("teams.yaml", TEAMS)], &KINDS).unwrap();
            config.plans[0].clone()
        };
        assert_eq!(plan("").engage, crate::Engage::Notify);
        assert_eq!(plan("").recovery, super::RECOVERY);
        assert_eq!(plan("recovery: { by: person, held_for: 1m }\n").recovery.held_for.to_string(), "1m");
        assert_eq!(plan("mitigations: []\n").mitigations, []);
    }
}
