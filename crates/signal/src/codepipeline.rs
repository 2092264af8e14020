//! CodePipeline: executions of pipelines, stages and actions.
//!
//! `FAILED` fires; the next `SUCCEEDED` of the same pipeline, stage or action recovers. The rest informs: who stops,
//! supersedes or abandons an execution knows it.

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::{Kind, Signal, State, Unread, outcome, shown};

pub(crate) const SOURCE: Source = Source {
    name: "codepipeline",
    rules: &[Rule {
        event: "CodePipelineEvents",
        pattern: r#"{
            "source": ["aws.codepipeline"],
            "detail-type": ["CodePipeline Pipeline Execution State Change"],
            "detail": { "state": ["FAILED", "SUCCEEDED"] }
        }"#,
    }],
    reader: Reader::Event(&["aws.codepipeline"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    let part = match event.detail_type {
        "CodePipeline Pipeline Execution State Change" => None,
        "CodePipeline Stage Execution State Change" => event.text("/stage").map(str::to_owned),
        "CodePipeline Action Execution State Change" => {
            let (stage, action) = (event.text("/stage"), event.text("/action").unwrap_or("unnamed action"));
            Some(format!("{}/{action}", stage.unwrap_or("unnamed stage")))
        }
        _ => return None,
    };
    Some(execution(event, part))
}

fn execution(event: &Event, part: Option<String>) -> Result<Signal, Unread> {
    let word = event.text("/state").ok_or_else(|| event.lacks("its state"))?;
    let (state, ended) = match word {
        "FAILED" => (State::Firing, "failed".to_owned()),
        "SUCCEEDED" => (State::Recovered, "succeeded".to_owned()),
        "STARTED" | "RESUMED" | "STOPPING" | "STOPPED" | "SUPERSEDED" | "CANCELED" | "ABANDONED" => {
            (State::Info, format!("is {}", word.to_ascii_lowercase()))
        }
        other => (outcome::of(other).unwrap_or(State::Info), format!("is in state {}", shown(other))),
    };
    let name = event.text("/pipeline").ok_or_else(|| event.lacks("which pipeline it is of"))?;
    // Some write the ARN with the kind of the resource in it.
    let arn = event.resource("codepipeline", "").map(|arn| {
        let plain = arn.resource.strip_prefix("pipeline:").unwrap_or(&arn.resource).to_owned();
        arn.sibling(plain)
    });
    let arn = arn.or_else(|| event.arn("codepipeline", name));
    let whole = part.as_ref().map_or_else(|| shown(name), |part| format!("{}: {}", shown(name), shown(part)));
    let link = arn.as_ref().and_then(|arn| link(arn, event));
    let mut draft = event.draft(Kind::Deployment, state, Thing::of(arn, name), format!("Pipeline {whole} {ended}"));
    if let Some(part) = part {
        draft = draft.condition(part);
    }
    let summary = event.first(&["/execution-result/external-execution-summary", "/stop-execution-comments"]);
    draft.because(summary).link(link).signal()
}

fn link(arn: &Arn, event: &Event) -> Option<String> {
    let (region, name) = (&arn.region, percent_encoded(&arn.resource));
    let page = format!("codesuite/codepipeline/pipelines/{name}");
    match event.text("/execution-id").filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')) {
        Some(id) => console(region, &format!("{page}/executions/{id}/timeline?region={region}")),
        None => console(region, &format!("{page}/view?region={region}")),
    }
}
