//! An event in EventBridge's shape, and the signal that a reader makes of it.
//!
//! Readers say what only they know: kind, state, the failing thing, title. Account, Region and the rest follow from the
//! failing thing first and from the envelope second, since the envelope may be that of whoever delivered it.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arn::{Arn, is_account, is_name, is_region, partition};
use crate::{Kind, Signal, State, Unread, shown, signal_id, tags, text, time, to_second};

/// An event as its source sent it.
pub(crate) struct Event<'a> {
    pub(crate) source: &'a str,
    pub(crate) detail_type: &'a str,
    pub(crate) detail: &'a Value,
    payload: &'a Value,
}

impl<'a> Event<'a> {
    /// `None`: not in this shape. AWS's notification rules write `detailType`.
    pub(crate) fn of(payload: &'a Value) -> Option<Self> {
        let detail_type = text(payload, "/detail-type").or(text(payload, "/detailType"))?;
        let detail = payload.get("detail").unwrap_or(&Value::Null);
        Some(Event { source: text(payload, "/source")?, detail_type, detail, payload })
    }

    /// The text at a pointer into the detail, without blanks around it.
    pub(crate) fn text(&self, pointer: &str) -> Option<&'a str> {
        text(self.detail, pointer).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The first of several pointers that leads to a text.
    pub(crate) fn first(&self, pointers: &[&str]) -> Option<&'a str> {
        pointers.iter().find_map(|pointer| self.text(pointer))
    }

    /// The account of the envelope.
    pub(crate) fn account(&self) -> Option<&'a str> {
        text(self.payload, "/account").filter(|account| is_account(account))
    }

    /// The Region of the envelope.
    pub(crate) fn region(&self) -> Option<&'a str> {
        text(self.payload, "/region").filter(|region| is_region(region))
    }

    /// The time of the envelope: that of the event as its source says, not of a delivery.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        time::instant(text(self.payload, "/time")?)
    }

    /// The resources of the envelope, which may be one bare text.
    pub(crate) fn resources(&self) -> Vec<&'a str> {
        match self.payload.get("resources") {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one],
            _ => Vec::new(),
        }
    }

    /// The first resource that is a sound ARN of the service and begins so behind the account.
    pub(crate) fn resource(&self, service: &str, begins: &str) -> Option<Arn> {
        let arns = self.resources().into_iter().filter_map(Arn::parse);
        arns.into_iter().find(|arn| arn.service == service && arn.resource.starts_with(begins))
    }

    /// The ARN of a resource in the envelope's account and Region.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> Option<Arn> {
        Arn::regional(service, self.region()?, self.account()?, resource)
    }

    /// A refusal that names the event and what it lacks.
    pub(crate) fn lacks(&self, what: &str) -> Unread {
        let (source, detail_type) = (shown(self.source), shown(self.detail_type));
        Unread::malformed(format!(
            "The {source} event {detail_type} does not say {what}: deliver it as its source sent it."
        ))
    }

    /// A signal about a thing, at the time of the envelope.
    pub(crate) fn draft(&self, kind: Kind, state: State, thing: Thing, title: String) -> Draft<'_> {
        Draft {
            event: self,
            kind,
            state,
            thing,
            account: None,
            region: None,
            condition: None,
            time: self.time(),
            onset: None,
            also: Vec::new(),
            tags: BTreeMap::new(),
            title,
            reason: None,
            link: None,
        }
    }
}

/// The failing thing.
pub(crate) enum Thing {
    /// It has a name that is its own everywhere.
    Arn(Arn),
    /// It has none: its name counts within source, account and Region.
    Named(String),
}

impl Thing {
    /// The ARN, or else a name.
    pub(crate) fn of(arn: Option<Arn>, name: &str) -> Self {
        arn.map_or_else(|| Thing::Named(name.to_owned()), Thing::Arn)
    }
}

/// What a reader found out about an event.
pub(crate) struct Draft<'a> {
    event: &'a Event<'a>,
    kind: Kind,
    state: State,
    thing: Thing,
    account: Option<String>,
    region: Option<String>,
    condition: Option<String>,
    time: Option<Timestamp>,
    onset: Option<Timestamp>,
    also: Vec<Arn>,
    tags: BTreeMap<String, String>,
    title: String,
    reason: Option<String>,
    link: Option<String>,
}

impl Draft<'_> {
    /// Account and Region of the failing thing, where the detail says them. They count more than what an ARN says.
    pub(crate) fn place(mut self, account: Option<&str>, region: Option<&str>) -> Self {
        self.account = account.filter(|account| is_account(account)).map(str::to_owned);
        self.region = region.filter(|region| is_region(region)).map(str::to_owned);
        self
    }

    /// Which of the ways in which the thing can fail.
    pub(crate) fn condition(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// The source's own transition time, where it says one beside the envelope's.
    pub(crate) fn at(mut self, time: Option<Timestamp>) -> Self {
        self.time = time.or(self.time);
        self
    }

    /// When it really began.
    pub(crate) fn since(mut self, onset: Option<Timestamp>) -> Self {
        self.onset = onset;
        self
    }

    /// Other resources that it is about.
    pub(crate) fn also(mut self, also: impl IntoIterator<Item = Arn>) -> Self {
        self.also.extend(also);
        self
    }

    /// Tags and labels of the failing thing and of the others, wherever the payload has them.
    pub(crate) fn tagged<'v>(mut self, places: impl IntoIterator<Item = &'v Value>) -> Self {
        self.tags = tags::of(places);
        self
    }

    /// The same, where pointers into the detail lead to them.
    pub(crate) fn tagged_at(self, pointers: &[&str]) -> Self {
        let detail = self.event.detail;
        self.tagged(pointers.iter().filter_map(|pointer| detail.pointer(pointer)))
    }

    /// What the source says about it.
    pub(crate) fn because(mut self, reason: Option<impl Into<String>>) -> Self {
        self.reason = reason.map(Into::into);
        self
    }

    /// Where to look.
    pub(crate) fn link(mut self, link: Option<String>) -> Self {
        self.link = link;
        self
    }

    /// The signal, if the event has a time and the thing can be an identity.
    pub(crate) fn signal(self) -> Result<Signal, Unread> {
        let event = self.event;
        let time = self.time.ok_or_else(|| event.lacks("when it happened"))?;
        let (arn, name) = match self.thing {
            Thing::Arn(arn) => (Some(arn), String::new()),
            Thing::Named(name) => (None, name.trim().to_owned()),
        };
        let own = |part: fn(&Arn) -> &String| arn.as_ref().map(part).filter(|part| !part.is_empty()).cloned();
        let account = self.account.or_else(|| own(|arn| &arn.account)).or(event.account().map(str::to_owned));
        let region = self.region.or_else(|| own(|arn| &arn.region)).or(event.region().map(str::to_owned));
        let [known_account, known_region] = [&account, &region].map(|part| part.as_deref().unwrap_or("-"));
        let partition = region.as_deref().map_or("-", partition);
        let mut fingerprint = arn.as_ref().map_or_else(
            || format!("{}/{partition}/{known_account}/{known_region}/{name}", event.source),
            Arn::to_string,
        );
        if let Some(condition) = &self.condition {
            fingerprint.push('#');
            fingerprint.push_str(condition.trim());
        }
        let named = arn.is_some() || is_name(&name);
        if !named || fingerprint.len() > 2048 || fingerprint.contains(char::is_control) {
            return Err(event.lacks("of which thing it is, by a name without control characters"));
        }
        let resources = resources(arn.iter().chain(&self.also), event);
        let seen = seen(event, account.as_deref(), region.as_deref(), time, &resources);
        Ok(Signal {
            source: event.source.to_owned(),
            detail_type: Some(event.detail_type.to_owned()),
            kind: self.kind,
            state: self.state,
            account,
            region,
            time,
            onset: self.onset.filter(|onset| *onset <= time),
            resources,
            tags: self.tags,
            title: self.title,
            reason: self.reason.filter(|reason| !reason.trim().is_empty()),
            link: self.link,
            signal_id: signal_id(&fingerprint, self.state, time),
            fingerprint,
            drill: false,
            event: seen,
        })
    }
}

/// Full ARNs, each once: the failing thing's own, what the reader found beside it, and what the envelope names.
fn resources<'a>(found: impl Iterator<Item = &'a Arn>, event: &Event) -> Vec<String> {
    let named = event.resources().into_iter().filter_map(Arn::parse);
    let mut known = HashSet::new();
    found.cloned().chain(named).map(|arn| arn.to_string()).filter(|arn| known.insert(arn.clone())).collect()
}

/// The event for plans: as it came, with account, Region and time being those of the failing thing, and with the resources
/// that the reader found in front of those that came.
fn seen(event: &Event, account: Option<&str>, region: Option<&str>, time: Timestamp, found: &[String]) -> Value {
    let mut seen = event.payload.clone();
    let known: HashSet<&str> = found.iter().map(String::as_str).collect();
    let came = event.resources().into_iter().filter(|came| !known.contains(came));
    let resources: Vec<&str> = found.iter().map(String::as_str).chain(came).collect();
    let [account, region] = [(account, "/account"), (region, "/region")].map(|(own, pointer)| {
        own.map_or_else(|| event.payload.pointer(pointer).cloned().unwrap_or_default(), Value::from)
    });
    let parts = [
        ("source", json!(event.source)),
        ("detail-type", json!(event.detail_type)),
        ("account", account),
        ("region", region),
        ("time", json!(to_second(time))),
        ("resources", json!(resources)),
    ];
    if let Some(fields) = seen.as_object_mut() {
        fields.extend(parts.map(|(name, value)| (name.to_owned(), value)));
    }
    seen
}
