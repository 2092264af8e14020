//! What an owner reads in a storm: all of theirs, the worst and the latest first.

use incident::Incident;

use super::digest::{Line, MOST_LINES, said};
use super::{LINE, Mark, Message, TITLE};
use crate::text::line;

/// What an owner has in a storm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Theirs<'a> {
    pub(crate) owner: &'a str,
    /// How many incidents it would be.
    pub(crate) incidents: usize,
    pub(crate) lines: &'a [Line<'a>],
}

/// The message; `incident` stands for the storm, and is as bad as the worst of theirs.
pub(crate) fn storm(incident: &Incident, theirs: &Theirs<'_>, zone: Option<&str>, mark: Mark) -> Message {
    let Theirs { owner, incidents, lines } = theirs;
    let what = if *incidents == 1 { "1 incident".to_owned() } else { format!("{incidents} incidents") };
    let title = format!("{}[{}] Storm: {what} of {owner}", mark.prefix(), incident.severity);
    let footer = line(&format!("{}, plan {}", incident.id(), incident.plan().plan), LINE);
    let message = Message { title: line(&title, TITLE), facts: Vec::new(), actions: Vec::new(), footer };
    let message = message
        .fact("What is on", format!("{}; they are told together", incident.opened.title))
        .fact("Owner", format!("{} leads the storm; what follows is {owner}'s to decide", incident.plan().owner))
        .fact("Next", "this is the only page about it until the storm is over; what fires then is paged by itself");
    let shown = lines.iter().take(MOST_LINES);
    let message =
        shown.fold(message, |message, line| message.fact(line.last.severity.as_str(), said(line, zone, false)));
    let more = lines.len().saturating_sub(MOST_LINES);
    message.fact_if("And", (more > 0).then(|| format!("{more} more, less severe or longer ago"))).action(
        "See all of it",
        "show",
        incident.id(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::message::digest::lines;
    use crate::samples::incident;
    use incident::DigestEntry;

    fn entry(n: usize) -> DigestEntry {
        serde_json::from_value(json!({
            "signal_id": format!("{n:032}"), "fingerprint": n.to_string(), "title": format!("Alarm {n} is firing"),
            "state": "firing", "time": "2026-11-23T14:01:00Z", "link": "https://console.example/a", "severity": "SEV2",
            "service": "checkout", "environment": "prod", "plan": "slow",
        }))
        .unwrap()
    }

    #[test]
    fn an_owner_reads_what_is_theirs_and_who_leads() {
        let mut incident = incident();
        incident.opened.title = "Storm: more than 20 new incidents within 5m".into();
        let entries = [entry(7)];
        let lines = lines(&entries);
        let theirs = Theirs { owner: "search", incidents: 1, lines: &lines };
        let expect = "\
[SEV2] Storm: 1 incident of search

What is on: Storm: more than 20 new incidents within 5m; they are told together
Owner: payments leads the storm; what follows is search's to decide
Next: this is the only page about it until the storm is over; what fires then is paged by itself
SEV2: Alarm 7 is firing (checkout in prod), last at 2026-11-23 14:01:00 UTC; still firing as far as is known; \
https://console.example/a

See all of it: tourniquet show inc-20261123-0123456789

inc-20261123-0123456789, plan checkout-bad-deployment
";
        assert_eq!(storm(&incident, &theirs, None, Mark::First).text(), expect);
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let entries: Vec<_> = (0..40).map(entry).collect();
        let lines = lines(&entries);
        let theirs = Theirs { owner: "search", incidents: 40, lines: &lines };
        let message = storm(&incident(), &theirs, None, Mark::Repeat);
        assert_eq!(message.title, "Again (may repeat): [SEV2] Storm: 40 incidents of search");
        assert_eq!(message.facts.iter().filter(|(label, _)| *label == "SEV2").count(), MOST_LINES);
        assert!(message.text().contains("And: 28 more, less severe or longer ago\n"), "{}", message.text());
    }
}
