//! CloudWatch Synthetics: runs and states of canaries.
//!
//! A failed run fires, and the canary's next successful run recovers. A canary in state `ERROR` fires apart from its runs,
//! since it no longer runs; `RUNNING` and `READY` recover that.

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::epoch;
use crate::{Kind, Signal, State, Unread, outcome, shown};

pub(crate) const SOURCE: Source = Source {
    name: "synthetics",
    rules: &[
        Rule {
            event: "CanaryRunEvents",
            pattern: r#"{
                "source": ["aws.synthetics"],
                "detail-type": ["Synthetics Canary TestRun Failure", "Synthetics Canary TestRun Successful"]
            }"#,
        },
        Rule {
            event: "CanaryStateEvents",
            pattern: r#"{
                "source": ["aws.synthetics"],
                "detail-type": ["Synthetics Canary Status Change"],
                "detail": { "current-state": ["ERROR", "RUNNING", "READY"] }
            }"#,
        },
    ],
    reader: Reader::Event(&["aws.synthetics"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    match event.detail_type {
        "Synthetics Canary TestRun Failure" => Some(run(event, State::Firing, "failed")),
        "Synthetics Canary TestRun Successful" => Some(run(event, State::Recovered, "passed")),
        "Synthetics Canary Status Change" => Some(status(event)),
        _ => None,
    }
}

fn run(event: &Event, state: State, ended: &str) -> Result<Signal, Unread> {
    let (name, arn) = canary(event)?;
    let title = format!("Canary {} {ended}", shown(name));
    let time = |at: &str| event.detail.pointer(at).and_then(epoch);
    let link = link(arn.as_ref(), name);
    let reason =
        event.text("/state-reason").map(|reason| reason.trim_matches('"').trim()).filter(|said| *said != "null");
    let draft = event.draft(Kind::Failure, state, Thing::of(arn, name), title);
    let onset = time("/canary-run-timeline/started").filter(|_| state == State::Firing);
    let draft = draft.at(time("/canary-run-timeline/completed")).since(onset);
    draft.because(reason.or(event.text("/message"))).link(link).signal()
}

fn status(event: &Event) -> Result<Signal, Unread> {
    let (name, arn) = canary(event)?;
    let word = event.text("/current-state").ok_or_else(|| event.lacks("its new state"))?;
    let state = match word {
        "ERROR" => State::Firing,
        "RUNNING" | "READY" => State::Recovered,
        "CREATING" | "STARTING" | "UPDATING" | "STOPPING" | "STOPPED" => State::Info,
        other => outcome::of(other).unwrap_or(State::Info),
    };
    let title = format!("Canary {} is {}", shown(name), shown(word));
    let link = link(arn.as_ref(), name);
    let draft = event.draft(Kind::Failure, state, Thing::of(arn, name), title).condition("status");
    let time = event.detail.get("updated-on").and_then(epoch);
    draft.at(time).because(event.text("/message")).link(link).signal()
}

fn canary<'a>(event: &Event<'a>) -> Result<(&'a str, Option<Arn>), Unread> {
    let name = event.text("/canary-name").ok_or_else(|| event.lacks("which canary it is"))?;
    let account = event.text("/account-id").or(event.account());
    let arn = event
        .region()
        .zip(account)
        .and_then(|(region, account)| Arn::regional("synthetics", region, account, &format!("canary:{name}")));
    Ok((name, arn))
}

fn link(arn: Option<&Arn>, name: &str) -> Option<String> {
    let (region, name) = (&arn?.region, percent_encoded(name));
    console(region, &format!("cloudwatch/home?region={region}#synthetics:canary/detail/{name}"))
}
