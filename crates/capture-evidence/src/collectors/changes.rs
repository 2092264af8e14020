//! Who changed what: the management events that CloudTrail has of the window.
//!
//! A lookup takes one attribute, so there are two kinds of it. By the name of each resource that a mitigation of the plan
//! would change: few events, which reach back over the whole window however busy the account is. And every write of the
//! account, since what did it is often something that no plan names; these are cut off after some pages, the newest being
//! the first. CloudTrail names a resource as its caller did, so one that was called by its ARN is found by the second
//! kind alone. It looks in the incident's Region; IAM and other global services write theirs in us-east-1.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use evidence_bundle::Gap;
use futures_util::future::BoxFuture;
use incident::Incident;
use jiff::{SignedDuration, Timestamp};
use response_plan::CollectorKind;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use step::Allow;

use super::definition::object;
use super::{Collected, Collection, Desk, Draft, Kind, Trouble, instant, sdk_instant};

pub(super) static KIND: Kind = Kind {
    plan: CollectorKind {
        name: "changes",
        about: "Who changed what: CloudTrail's management events of the window.",
        fields: &[],
    },
    allows: &[Allow { actions: &["cloudtrail:LookupEvents"], resources: &["'*'"], condition: None }],
    wanted: |incident| vec![Box::new(Changes(changed_by_plan(incident)))],
};

/// What mitigations of the plan would change, as CloudTrail names it, each once: a function has a name of its own there;
/// other kinds change what it has under ids, and are found by time.
fn changed_by_plan(incident: &Incident) -> Vec<String> {
    let functions = incident.plan().mitigations.iter().filter_map(|mitigation| mitigation.with.get("function"));
    functions.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// CloudTrail gives an event about five minutes after the call, on average and without a promise (its user guide, "How
/// CloudTrail works"): what is younger than this may not be there yet.
const LAG: SignedDuration = SignedDuration::from_mins(15);

/// `LookupEvents` takes 2 requests a second of an account and Region, whoever asks; 40 % of that are ours.
const PAUSE: Duration = Duration::from_millis(1250);

/// What bounds the lookups of one pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How long to wait before the next request.
    pub(crate) pause: Duration,
    /// The most pages of one lookup, of 50 events each.
    pub(crate) pages: usize,
    /// The most bytes of events, of all lookups together: they are in memory until they are kept.
    pub(crate) bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { pause: PAUSE, pages: 20, bytes: 16 * 1024 * 1024 }
    }
}

/// A write that CloudTrail has of something that a mitigation would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    /// When.
    pub(crate) at: Timestamp,
    /// CloudTrail's id of the event.
    pub(crate) event_id: String,
    /// What was done to what, and by whom, for people.
    pub(crate) what: String,
}

/// One lookup: what is looked for, and what came of it.
struct Lookup<'a> {
    key: LookupAttributeKey,
    value: &'a str,
    events: Vec<Event>,
    /// Why there are more than these, if there are.
    early: Option<String>,
}

/// Who changed what: these resources, by name, and everything else in the account.
#[derive(Debug)]
struct Changes(Vec<String>);

impl Collection for Changes {
    fn what(&self) -> String {
        "changes, from CloudTrail".to_owned()
    }

    fn draft(&self, desk: &Desk<'_>) -> Draft {
        let asked: Vec<String> = lookups(&self.0).iter().map(Lookup::asked).collect();
        Draft {
            collector: KIND.plan.name,
            name: "cloudtrail.json".to_owned(),
            query: format!("LookupEvents LookupAttributes={}", asked.join(" and LookupAttributes=")),
            window: Some(desk.window),
            source_arn: None,
        }
    }

    /// Keeps the events of every lookup in one file. What was read before a failure or a bound is kept, and the rest is a
    /// gap; so is what CloudTrail may not have yet.
    fn collect<'a>(&'a self, desk: &'a Desk<'_>) -> BoxFuture<'a, Result<Collected, Trouble>> {
        Box::pin(async move {
            let client = Client::new(&desk.config_in(desk.region)?);
            let (mut lookups, mut left) = (lookups(&self.0), desk.limits.lookups.bytes);
            for (n, lookup) in lookups.iter_mut().enumerate() {
                look_up(desk, &client, lookup, n > 0, &mut left).await;
            }
            if let (true, Some(reason)) =
                (lookups.iter().all(|l| l.events.is_empty()), lookups.iter().find_map(|l| l.early.clone()))
            {
                return Err(reason.into());
            }
            let document: Vec<Value> = lookups.iter().map(|lookup| lookup.json(desk)).collect();
            let file = desk.keep(self.draft(desk), &json!({"Lookups": document})).await?;
            let mut gaps: Vec<Gap> = lookups.iter().filter_map(Lookup::gap).collect();
            gaps.extend(lagging(desk, file.collected_at));
            let writes = lookups.iter().filter_map(|lookup| lookup.last_write(desk.signal_at)).collect();
            Ok(Collected { files: vec![file], gaps, writes, ..Collected::default() })
        })
    }
}

fn lookups(resources: &[String]) -> Vec<Lookup<'_>> {
    let lookup = |key, value| Lookup { key, value, events: Vec::new(), early: None };
    let named = resources.iter().map(|name| lookup(LookupAttributeKey::ResourceName, name.as_str()));
    named.chain([lookup(LookupAttributeKey::ReadOnly, "false")]).collect()
}

/// Reads page by page; `left` are the bytes that may still be held.
async fn look_up(desk: &Desk<'_>, client: &Client, lookup: &mut Lookup<'_>, mut asked: bool, left: &mut usize) {
    let bounds = desk.limits.lookups;
    let attribute = LookupAttribute::builder().attribute_key(lookup.key.clone()).attribute_value(lookup.value).build();
    let Ok(attribute) = attribute else {
        return lookup.early = Some("CloudTrail cannot be asked for it.".to_owned());
    };
    let request = client
        .lookup_events()
        .lookup_attributes(attribute)
        .start_time(sdk_instant(desk.window.from))
        .end_time(sdk_instant(desk.window.to));
    let mut token = None;
    for _ in 0..bounds.pages {
        if std::mem::replace(&mut asked, true) {
            tokio::time::sleep(bounds.pause).await;
        }
        let page = match desk.ask(request.clone().set_next_token(token).send()).await {
            Ok(page) => page,
            Err(reason) => return lookup.early = Some(reason),
        };
        let events = page.events.unwrap_or_default();
        let bytes: usize = events.iter().filter_map(|event| event.cloud_trail_event()).map(str::len).sum();
        let Some(rest) = left.checked_sub(bytes) else {
            let cap = bounds.bytes / (1024 * 1024);
            return lookup.early = Some(format!("no more than {cap} MiB are kept of all changes."));
        };
        *left = rest;
        lookup.events.extend(events);
        token = page.next_token;
        if token.is_none() {
            return;
        }
    }
    lookup.early = Some(format!("no more than {} pages of 50 events are kept of one lookup.", bounds.pages));
}

impl Lookup<'_> {
    fn asked(&self) -> String {
        format!("{}={}", self.key.as_str(), self.value)
    }

    fn json(&self, desk: &Desk<'_>) -> Value {
        json!({
            "Region": desk.region,
            "LookupAttributes": [{"AttributeKey": self.key.as_str(), "AttributeValue": self.value}],
            "StartTime": desk.window.from,
            "EndTime": desk.window.to,
            "Truncated": self.early.is_some(),
            "Events": self.events.iter().map(event).collect::<Vec<_>>(),
        })
    }

    /// What was not read: CloudTrail gives the newest first.
    fn gap(&self) -> Option<Gap> {
        let reason = self.early.clone()?;
        let whose = match self.key {
            LookupAttributeKey::ResourceName => format!("changes of {}", self.value),
            _ => "changes in the account".to_owned(),
        };
        let oldest = self.events.last().and_then(|event| event.event_time().and_then(instant));
        let what = oldest.map_or(whose.clone(), |oldest| format!("{whose}, before {oldest}"));
        Some(Gap { collector: KIND.plan.name.to_owned(), what, reason })
    }

    /// The last write before the trouble, of one that names the resource. What was refused changed nothing.
    fn last_write(&self, signal_at: Timestamp) -> Option<Write> {
        let by_name = self.key == LookupAttributeKey::ResourceName;
        let writes = self.events.iter().filter(|event| by_name && event.read_only() == Some("false") && !failed(event));
        let timed = writes.filter_map(|event| Some((event.event_time().and_then(instant)?, event)));
        let (at, last) = timed.filter(|(at, _)| *at <= signal_at).max_by_key(|(at, _)| *at)?;
        let (name, by) = (word(last.event_name()?), last.username().map_or("an unnamed caller".to_owned(), word));
        let what = format!("changed before the first signal: {name} on {} by {by}", word(self.value));
        Some(Write { at, event_id: last.event_id()?.to_owned(), what: format!("{what}, as CloudTrail has it") })
    }
}

/// What CloudTrail may not have had when it was asked.
fn lagging(desk: &Desk<'_>, asked: Timestamp) -> Option<Gap> {
    let from = (asked - LAG).max(desk.window.from);
    let reason = "CloudTrail gives an event some minutes after the call, and promises no time; those that it did not have \
                  yet are not here.";
    let gap = |what| Gap { collector: KIND.plan.name.to_owned(), what, reason: reason.to_owned() };
    (from < desk.window.to).then(|| gap(format!("changes since {from}")))
}

/// Whether the call was refused or failed. An event that cannot be read is taken for one that did something.
fn failed(event: &Event) -> bool {
    let details = event.cloud_trail_event().and_then(|text| serde_json::from_str::<Value>(text).ok());
    details.is_some_and(|details| details.get("errorCode").is_some_and(|code| !code.is_null()))
}

/// A name for the timeline: what AWS allows in names of actions, functions, users and sessions.
fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "+=,.@_-/:".contains(*c)).take(80).collect()
}

/// An event as the API words it; `CloudTrailEvent` is a JSON text, kept as it is.
fn event(e: &Event) -> Value {
    let resource = |r: &aws_sdk_cloudtrail::types::Resource| {
        object([("ResourceType", json!(r.resource_type)), ("ResourceName", json!(r.resource_name))])
    };
    let resources: Vec<Value> = e.resources().iter().map(resource).collect();
    object([
        ("EventId", json!(e.event_id)),
        ("EventName", json!(e.event_name)),
        ("ReadOnly", json!(e.read_only)),
        ("AccessKeyId", json!(e.access_key_id)),
        ("EventTime", json!(e.event_time().and_then(instant))),
        ("EventSource", json!(e.event_source)),
        ("Username", json!(e.username)),
        ("Resources", json!(resources)),
        ("CloudTrailEvent", json!(e.cloud_trail_event)),
    ])
}

#[cfg(test)]
mod tests;
