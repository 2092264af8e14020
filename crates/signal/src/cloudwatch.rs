//! CloudWatch alarms, through their three doors: the EventBridge event, the SNS message and the Lambda alarm action.
//!
//! Each door is first brought into the shape of the event's `detail`; the rest is one path. So the same transition
//! gives the same signal, except for what a door does not carry: SNS has no `reasonData`, hence no onset.

mod sns;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Kind, Signal, State, Unread, shown, signal_id, text, to_second};

const SOURCE: &str = "aws.cloudwatch";
/// The same events, sent as best effort. They are normalised to [`SOURCE`], so that one pattern matches both.
const BEST_EFFORT_SOURCE: &str = "aws.monitoring";
const DETAIL_TYPE: &str = "CloudWatch Alarm State Change";

/// Reads an alarm's state change. `None`: something else.
pub(crate) fn read(payload: &Value) -> Option<Result<Signal, Unread>> {
    if payload.get("NewStateValue").is_some() {
        return Some(sns::read(payload));
    }
    let source = text(payload, "/source")?;
    if source != SOURCE && source != BEST_EFFORT_SOURCE {
        return None;
    }
    match text(payload, "/detail-type") {
        Some(DETAIL_TYPE) => Some(read_event(payload)),
        None if payload.get("alarmData").is_some() => Some(read_action(payload)),
        _ => None,
    }
}

/// The EventBridge event. Some forwarders leave the alarm action's `alarmData` where `detail` should be.
fn read_event(payload: &Value) -> Result<Signal, Unread> {
    let detail = payload.get("detail").or(payload.get("alarmData")).unwrap_or(&Value::Null);
    let resources = match payload.get("resources") {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    let alarm = resources
        .iter()
        .find_map(|arn| Alarm::parse(arn))
        .or_else(|| Alarm::of(text(payload, "/account")?, text(payload, "/region")?, text(detail, "/alarmName")?));
    signal(alarm, detail.clone(), &resources)
}

/// The payload of a Lambda alarm action.
fn read_action(payload: &Value) -> Result<Signal, Unread> {
    let detail = payload.get("alarmData").cloned().unwrap_or_default();
    let alarm = text(payload, "/alarmArn")
        .and_then(Alarm::parse)
        .or_else(|| Alarm::of(text(payload, "/accountId")?, text(payload, "/region")?, text(&detail, "/alarmName")?));
    signal(alarm, detail, &[])
}

/// The path that all doors share. `detail` has the event's shape, `others` is what else the event is about.
fn signal(alarm: Option<Alarm>, mut detail: Value, others: &[&str]) -> Result<Signal, Unread> {
    let alarm = alarm.ok_or_else(|| lacks("the alarm's ARN, or its account, Region code and name"))?;
    let value = text(&detail, "/state/value").ok_or_else(|| lacks("its new state"))?;
    let state = match value {
        "ALARM" => State::Firing,
        "OK" => State::Recovered,
        "INSUFFICIENT_DATA" => State::Info,
        other => {
            return Err(Unread::malformed(format!(
                "The alarm has the unknown state {}: it must be ALARM, OK or INSUFFICIENT_DATA.",
                shown(other)
            )));
        }
    };
    let time =
        text(&detail, "/state/timestamp").and_then(instant).ok_or_else(|| lacks("the time of its transition"))?;
    let onset = text(&detail, "/state/reasonData").filter(|_| state == State::Firing).and_then(onset);
    let reason = text(&detail, "/state/reason").map(str::to_owned);
    if let Some(fields) = detail.as_object_mut() {
        fields.entry("alarmName").or_insert_with(|| json!(alarm.name));
    }
    let fingerprint = alarm.arn();
    let sound = |other: &&&str| other.starts_with("arn:") && !other.contains(char::is_control);
    let also = others.iter().filter(sound).filter(|other| Alarm::parse(other).as_ref() != Some(&alarm));
    let resources: Vec<String> = [fingerprint.clone()].into_iter().chain(also.map(|arn| (*arn).to_owned())).collect();
    Ok(Signal {
        source: SOURCE.to_owned(),
        detail_type: Some(DETAIL_TYPE.to_owned()),
        kind: Kind::Alarm,
        state,
        time,
        onset: onset.filter(|onset| *onset <= time),
        title: title(&alarm.name, state),
        reason,
        link: alarm.link(),
        signal_id: signal_id(&fingerprint, state, time),
        fingerprint,
        drill: false,
        event: json!({
            "source": SOURCE, "detail-type": DETAIL_TYPE, "account": alarm.account, "region": alarm.region,
            "time": to_second(time), "resources": resources, "detail": detail,
        }),
        resources,
        account: Some(alarm.account),
        region: Some(alarm.region),
    })
}

fn lacks(what: &str) -> Unread {
    Unread::malformed(format!("The CloudWatch alarm does not say {what}: deliver it as CloudWatch sent it."))
}

fn title(name: &str, state: State) -> String {
    let name = shown(name);
    match state {
        State::Firing => format!("Alarm {name} is firing"),
        State::Recovered => format!("Alarm {name} has recovered"),
        State::Info => format!("Alarm {name} has insufficient data"),
    }
}

/// An instant as CloudWatch writes it: RFC 3339, or with an offset that has no colon. Some printers put a space behind
/// each colon of a payload, those of its times included.
fn instant(written: &str) -> Option<Timestamp> {
    written.trim().replace(": ", ":").parse().ok()
}

/// The earliest datapoint that breached, from the alarm's `reasonData`.
///
/// `recentDatapoints` are the values that decided the transition and `startDate` is the time of the earliest of them.
/// `evaluatedDatapoints` has a time for each value but may be cut short: it counts only when it explains all of them.
fn onset(reason_data: &str) -> Option<Timestamp> {
    let data: Value = serde_json::from_str(reason_data).ok()?;
    let breaching = data.get("recentDatapoints")?.as_array().filter(|values| !values.is_empty())?;
    let evaluated = data.get("evaluatedDatapoints").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let times: Vec<Timestamp> = evaluated
        .iter()
        .filter(|point| point.get("value").is_some_and(|value| breaching.contains(value)))
        .filter_map(|point| instant(text(point, "/timestamp")?))
        .collect();
    let earliest = times.iter().min().copied().filter(|_| times.len() >= breaching.len());
    earliest.or_else(|| instant(text(&data, "/startDate")?))
}

/// An alarm's ARN in its parts.
#[derive(Debug, PartialEq)]
struct Alarm {
    partition: String,
    region: String,
    account: String,
    name: String,
}

impl Alarm {
    /// `None` unless it is an alarm's ARN with every part. Blanks around a part come from the same printers as above.
    fn parse(arn: &str) -> Option<Self> {
        let [prefix, partition, service, region, account, kind, name] =
            arn.splitn(7, ':').map(str::trim).collect::<Vec<_>>().try_into().ok()?;
        if [prefix, service, kind] != ["arn", "cloudwatch", "alarm"] {
            return None;
        }
        Self::checked(partition, region, account, name)
    }

    /// The ARN that follows from the parts, for a door that gives no ARN. A Region's display name does not do.
    fn of(account: &str, region: &str, name: &str) -> Option<Self> {
        let partition = match region {
            _ if !is_region_code(region) => return None,
            _ if region.starts_with("cn-") => "aws-cn",
            _ if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        Self::checked(partition, region, account, name)
    }

    /// Hashes join their parts by line feeds, so an identity must not hold any.
    fn checked(partition: &str, region: &str, account: &str, name: &str) -> Option<Self> {
        let parts = [partition, region, account, name];
        if parts.iter().any(|part| part.is_empty() || part.len() > 1024 || part.contains(char::is_control)) {
            return None;
        }
        let [partition, region, account, name] = parts.map(str::to_owned);
        Some(Alarm { partition, region, account, name })
    }

    fn arn(&self) -> String {
        format!("arn:{}:cloudwatch:{}:{}:alarm:{}", self.partition, self.region, self.account, self.name)
    }

    /// Its page in the console.
    fn link(&self) -> Option<String> {
        let domain = match self.partition.as_str() {
            "aws" => "console.aws.amazon.com",
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            _ => return None,
        };
        let (region, name) = (&self.region, percent_encoded(&self.name));
        is_region_code(region)
            .then(|| format!("https://{region}.{domain}/cloudwatch/home?region={region}#alarmsV2:alarm/{name}"))
    }
}

/// `eu-west-1`, not `EU (Ireland)`.
fn is_region_code(region: &str) -> bool {
    region.split('-').count() >= 3
        && region.ends_with(|c: char| c.is_ascii_digit())
        && region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn percent_encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
