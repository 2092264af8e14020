//! RDS and Aurora: instances, clusters, proxies, snapshots and the rest that reports as RDS does.
//!
//! An event id says what happened. Ids that come in pairs (a failover begins and is complete, replication stops and resumes,
//! storage runs out and has grown) fire and recover under the resource's ARN and what the pair is about. Of the rest, those
//! of the categories `failure` and `low storage` fire and have no recovery event. What is left informs, as do events that
//! carry no id and belong to neither.

use serde_json::Value;

use crate::arn::{Arn, console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::time::instant;
use crate::{Kind, Signal, State, Unread, shown};

pub(crate) const SOURCE: Source = Source {
    name: "rds",
    rules: &[Rule {
        event: "RdsEvents",
        pattern: r#"{
            "source": ["aws.rds"],
            "detail-type": ["RDS DB Instance Event", "RDS DB Cluster Event", "RDS DB Proxy Event"],
            "detail": {
                "EventCategories": [
                    "failure", "low storage", "availability", "failover", "recovery", "read replica", "global failover",
                    "configuration change"
                ]
            }
        }"#,
    }],
    reader: Reader::Event(&["aws.rds"], read),
};

/// What an event id says.
type Says = (&'static str, State);

const fn fires(condition: &'static str) -> Says {
    (condition, State::Firing)
}

const fn recovers(condition: &'static str) -> Says {
    (condition, State::Recovered)
}

const INFORMS: Says = ("", State::Info);

/// By AWS's list of event messages: of instances and clusters, those that come in pairs, and failures that are none.
fn says(id: &str) -> Option<Says> {
    Some(match id.strip_prefix("RDS-EVENT-")? {
        "0013" | "0050" | "0065" | "0069" | "0070" | "0072" | "0073" => fires("failover"),
        "0015" | "0049" | "0051" | "0071" => recovers("failover"),
        "0181" | "0187" | "0239" => fires("global-failover"),
        "0185" | "0238" => recovers("global-failover"),
        "0004" | "0022" | "0221" => fires("availability"),
        "0006" | "0088" => recovers("availability"),
        "0007" | "0089" | "0222" | "0227" | "0330" | "0331" => fires("storage"),
        "0017" | "0218" => recovers("storage"),
        "0020" | "0052" | "0066" | "0361" => fires("recovery"),
        "0021" | "0053" | "0362" => recovers("recovery"),
        "0045" | "0057" | "0358" => fires("replication"),
        "0046" | "0357" | "0415" => recovers("replication"),
        "0418" | "0419" => fires("encryption-key"),
        "0420" => recovers("encryption-key"),
        "0403" | "0404" => fires("memory"),
        "0152" => fires("stop"),
        // Filed as failures, and yet: "No actions are necessary", revoked by request, stopped by hand.
        "0039" | "0219" | "0220" | "0034" | "0062" | "0087" | "0150" | "0359" => INFORMS,
        _ => return None,
    })
}

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    event.detail.get("EventCategories").is_some().then(|| resource(event))
}

fn resource(event: &Event) -> Result<Signal, Unread> {
    let categories: Vec<&str> =
        event.detail["EventCategories"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let of = |category: &str| categories.contains(&category);
    let (condition, state) = event.text("/EventID").and_then(says).unwrap_or_else(|| match () {
        () if of("failure") => fires("failure"),
        () if of("low storage") => fires("storage"),
        () => INFORMS,
    });
    let kind = match (condition, state) {
        ("storage", _) => Kind::Quota,
        (_, State::Info) => Kind::Change,
        _ => Kind::Failure,
    };
    let arn = event.text("/SourceArn").and_then(Arn::parse).or_else(|| event.resource("rds", ""));
    let name = event.text("/SourceIdentifier").or(arn.as_ref().map(|arn| arn.resource.as_str()));
    let name = name.ok_or_else(|| event.lacks("which resource it is"))?.to_owned();
    let message = event.text("/Message");
    let title = format!("{} {}: {}", what(event), shown(&name), shown(message.unwrap_or("an event without a message")));
    let link = arn.as_ref().and_then(link);
    let mut draft = event.draft(kind, state, Thing::of(arn, &name), title);
    if !condition.is_empty() {
        draft = draft.condition(condition);
    }
    let draft = draft.tagged_at(&["/Tags"]);
    draft.at(event.text("/Date").and_then(instant)).because(message).link(link).signal()
}

/// The kind of resource, in its detail type's words.
fn what(event: &Event) -> String {
    let plain = event.detail_type.trim_start_matches("RDS ").trim_end_matches(" Event");
    shown(plain)
}

fn link(arn: &Arn) -> Option<String> {
    let (kind, name) = arn.resource.split_once(':')?;
    let (region, name) = (&arn.region, percent_encoded(name));
    match kind {
        "db" => console(region, &format!("rds/home?region={region}#database:id={name};is-cluster=false")),
        "cluster" => console(region, &format!("rds/home?region={region}#database:id={name};is-cluster=true")),
        _ => None,
    }
}
