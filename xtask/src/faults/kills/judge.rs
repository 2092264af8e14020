//! How an incident has to end, whoever was killed on the way: what there is in, what is wrong out.

use std::time::Duration;

use super::{
    super::{
        PAGE_WITHIN,
        world::{Bag, Incident, Mitigation},
    },
    story::Story,
};

/// What there is at the end of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// From the first signal to the first page.
    pub(super) paged: Option<Duration>,
    /// Whether the function was killed, where one was to be.
    pub(super) killed: Option<bool>,
    pub(super) incident: Option<Incident>,
    pub(super) engagement: u64,
    pub(super) mitigations: Vec<Mitigation>,
    /// At which version the alias of its service is, and how often functions moved it.
    pub(super) alias: String,
    pub(super) moves: u64,
    /// How many bags there are, as the command line downloads and judges them.
    pub(super) bag: Bag,
    /// How the executions ended that have to succeed, by name.
    pub(super) executions: Vec<(String, String)>,
}

/// What is wrong, one sentence each.
pub(super) fn judge(story: Story, ended: &Ended) -> Vec<String> {
    let end = story.end();
    let mut wrong = Vec::new();
    let mut check = |holds: bool, sentence: String| {
        if !holds {
            wrong.push(sentence);
        }
    };
    check(ended.killed != Some(false), "its function never made the write, so it was not killed".to_owned());
    match ended.paged {
        None => check(false, "nobody was paged".to_owned()),
        Some(after) => check(after <= PAGE_WITHIN, format!("somebody was paged after {} s only", after.as_secs())),
    }
    let Some(incident) = &ended.incident else {
        wrong.push("there is no incident".to_owned());
        return wrong;
    };
    check(incident.status == "resolved", format!("it is {}", incident.status));
    check(incident.firing.is_empty(), "something of it fires".to_owned());
    let numbers = (incident.opening, incident.run, ended.engagement);
    check(numbers == (1, end.run, end.engagement), format!("opening, run and engagement are {numbers:?}"));
    match &*ended.mitigations {
        [one] => {
            let outcome = one.outcome.as_deref().unwrap_or("none");
            let reason = one.reason.as_deref().unwrap_or_default();
            check(outcome == end.outcome, format!("its mitigation is {outcome}, not {}: {reason}", end.outcome));
            check(one.progress == "ended", format!("its mitigation is still {}", one.progress));
        }
        several => check(false, format!("it has {} mitigations", several.len())),
    }
    check(ended.alias == end.version, format!("the alias is at {}, not {}", ended.alias, end.version));
    check(ended.moves == end.moves, format!("the alias was moved {} times, not {}", ended.moves, end.moves));
    for (name, how) in &ended.executions {
        check(how == "SUCCEEDED", format!("execution {name} is {how}"));
    }
    let Bag { sealed, intact, said, .. } = &ended.bag;
    check(sealed == intact, format!("{intact} of {sealed} bags verify: {said}"));
    if end.is_closed {
        check(*sealed == 2, format!("{sealed} passes of evidence are sealed"));
        check(incident.has_postmortem, "it has no postmortem".to_owned());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Ended {
        let incident =
            Incident { status: "resolved".to_owned(), opening: 1, run: 1, has_postmortem: true, ..Incident::default() };
        let mitigation =
            Mitigation { progress: "ended".to_owned(), outcome: Some("verified".to_owned()), ..Mitigation::default() };
        Ended {
            paged: Some(Duration::from_secs(3)),
            killed: Some(true),
            incident: Some(incident),
            engagement: 1,
            mitigations: vec![mitigation],
            alias: "1".to_owned(),
            moves: 1,
            bag: Bag { sealed: 2, intact: 2, ..Bag::default() },
            executions: vec![("id-1-1".to_owned(), "SUCCEEDED".to_owned())],
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Ended), sentence: &str) {
        let mut ended = good();
        change(&mut ended);
        let wrong = judge(Story::Mended, &ended);
        if sentence.is_empty() {
            assert_eq!(wrong, Vec::<String>::new());
        } else {
            assert!(wrong.len() == 1 && wrong[0].contains(sentence), "{wrong:?}");
        }
    }

    #[track_caller]
    fn check_incident(change: impl FnOnce(&mut Incident), sentence: &str) {
        check(|ended| change(ended.incident.get_or_insert_default()), sentence);
    }

    #[test]
    fn whoever_was_killed_it_ends_as_if_nothing_had_happened() {
        check(|_| {}, "");
        check(|ended| ended.killed = None, "");
        check(|ended| ended.killed = Some(false), "never made the write");
        check(|ended| ended.paged = None, "nobody was paged");
        check(|ended| ended.paged = Some(Duration::from_secs(121)), "after 121 s only");
        check(|ended| ended.incident = None, "no incident");
        check(|ended| ended.engagement = 2, "(1, 1, 2)");
        check(|ended| ended.mitigations.clear(), "0 mitigations");
        check(|ended| ended.mitigations.push(Mitigation::default()), "2 mitigations");
        check(|ended| ended.mitigations[0].outcome = Some("unproven".to_owned()), "unproven, not verified");
        check(|ended| ended.mitigations[0].progress = "applied".to_owned(), "still applied");
        check(|ended| ended.alias = "2".to_owned(), "is at 2, not 1");
        check(|ended| ended.moves = 2, "moved 2 times, not 1");
        check(|ended| ended.executions[0].1 = "FAILED".to_owned(), "id-1-1 is FAILED");
        check(|ended| ended.bag.intact = 1, "1 of 2 bags");
        check(|ended| (ended.bag.intact, ended.bag.sealed) = (1, 1), "1 passes");
        check_incident(|incident| incident.status = "open".to_owned(), "it is open");
        check_incident(|incident| _ = incident.firing.insert("f".to_owned()), "something of it fires");
        check_incident(|incident| incident.run = 2, "(1, 2, 1)");
        check_incident(|incident| incident.has_postmortem = false, "no postmortem");
    }
}
