//! The registry of sources. A new one is one file, its fixtures beside it, and one line in [`SOURCES`].

use serde_json::Value;

use crate::event::Event;
use crate::{Signal, Unread};

/// A source of signals, as its one file declares it.
#[derive(Debug)]
pub struct Source {
    /// Its name in documents and in the names of its fixtures: `codedeploy`.
    pub name: &'static str,
    /// The EventBridge rules that bring its events to triage. None: it comes through another door, or only where somebody
    /// writes a rule.
    pub rules: &'static [Rule],
    /// How its events are read.
    pub(crate) reader: Reader,
}

/// A rule on the default bus, for the failing and recovering states of a source and nothing more: each event that it lets
/// through is an invocation.
#[derive(Debug)]
pub struct Rule {
    /// Its name below `TriageFunction`'s `Events` in template.yaml: `AlarmEvents`.
    pub event: &'static str,
    /// The event pattern, as JSON. What stands in `${…}` is known to a deployment alone: values that hold one belong into
    /// an `!Sub`. EventBridge takes at most 2,048 characters.
    pub pattern: &'static str,
}

/// What a payload holds, in its order.
pub(crate) type Answers = Vec<Result<Signal, Unread>>;

/// How a source's events are read. What a reader does not know (`None`) goes on to the next.
#[derive(Debug)]
pub(crate) enum Reader {
    /// Events in EventBridge's shape from these sources; each gives one signal.
    Event(&'static [&'static str], fn(&Event) -> Option<Result<Signal, Unread>>),
    /// Any payload.
    Payload(fn(&Value) -> Option<Answers>),
}

/// The sources, asked in this order: the last one takes any event that has EventBridge's shape.
pub static SOURCES: &[&Source] = &[
    &crate::cloudwatch::SOURCE,
    &crate::health::SOURCE,
    &crate::codedeploy::SOURCE,
    &crate::codepipeline::SOURCE,
    &crate::cloudformation::SOURCE,
    &crate::appconfig::SOURCE,
    &crate::ecs::SOURCE,
    &crate::lambda::SOURCE,
    &crate::stepfunctions::SOURCE,
    &crate::rds::SOURCE,
    &crate::autoscaling::SOURCE,
    &crate::ec2::SOURCE,
    &crate::guardduty::SOURCE,
    &crate::securityhub::SOURCE,
    &crate::config::SOURCE,
    &crate::arc::SOURCE,
    &crate::synthetics::SOURCE,
    &crate::xray::SOURCE,
    &crate::ssm::SOURCE,
    &crate::cost::SOURCE,
    &crate::devopsguru::SOURCE,
    &crate::alertmanager::SOURCE,
    &crate::datadog::SOURCE,
    &crate::pagerduty::SOURCE,
    &crate::sentry::SOURCE,
    &crate::generic::SOURCE,
    &crate::eventbridge::SOURCE,
];

/// Asks the sources. `None`: nobody knows the payload.
pub(crate) fn read(payload: &Value) -> Option<Answers> {
    let event = Event::of(payload);
    SOURCES.iter().find_map(|source| match source.reader {
        Reader::Payload(read) => read(payload),
        Reader::Event(sources, read) => {
            let event = event.as_ref().filter(|event| sources.contains(&event.source))?;
            read(event).map(|signal| vec![signal])
        }
    })
}
