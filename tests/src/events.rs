//! The same alarm as each door brings it.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::REGION;

/// An alarm of a test: its name and the account it is in.
#[derive(Debug, Clone)]
pub struct Alarm {
    /// The alarm's name.
    pub name: String,
    /// The account of the failing resource.
    pub account: String,
}

impl Alarm {
    /// An alarm in the stack's own account.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), account: crate::ACCOUNT.to_owned() }
    }

    /// An alarm that no other test has, in an account that no other has: under the plan `plan` it is a group of its own,
    /// also when the test runs again on the same stack.
    pub fn of_its_own(plan: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // The milliseconds of eleven days and a count: twelve digits, as accounts have.
        let millis = step::now().as_millisecond().unsigned_abs() % 1_000_000_000;
        let own = format!("{millis:09}{:03}", COUNT.fetch_add(1, Ordering::Relaxed) % 1000);
        Self { name: format!("{plan}-{own}"), account: own }
    }

    /// Another alarm of the same group.
    pub fn sister(&self, suffix: &str) -> Self {
        Self { name: format!("{}-{suffix}", self.name), account: self.account.clone() }
    }

    /// Its ARN, which is its fingerprint.
    pub fn arn(&self) -> String {
        format!("arn:aws:cloudwatch:{REGION}:{}:alarm:{}", self.account, self.name)
    }

    /// As the EventBridge rule delivers it.
    pub fn event(&self, state: &str, at: Timestamp) -> Value {
        json!({
            "version": "0", "id": format!("{}", at.as_nanosecond()), "source": "aws.cloudwatch",
            "detail-type": "CloudWatch Alarm State Change", "account": self.account, "region": REGION,
            "time": signal::to_second(at), "resources": [self.arn()],
            "detail": {
                "alarmName": self.name,
                "state": {"value": state, "reason": "Threshold Crossed", "timestamp": stamp(at)},
                "previousState": {"value": if state == "OK" { "ALARM" } else { "OK" }},
                "configuration": {"metrics": []},
            },
        })
    }

    /// As SNS delivers it to a function.
    pub fn sns(&self, state: &str, at: Timestamp) -> Value {
        json!({"Records": [{
            "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn:aws:sns:us-east-1:1:t:s",
            "Sns": {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:1:t",
                    "Subject": null, "Message": self.message(state, at).to_string(), "Timestamp": stamp(at)},
        }]})
    }

    /// The message that the alarm publishes to its topic.
    pub fn message(&self, state: &str, at: Timestamp) -> Value {
        json!({
            "AlarmName": self.name, "AlarmArn": self.arn(), "AWSAccountId": self.account, "NewStateValue": state,
            "NewStateReason": "Threshold Crossed", "StateChangeTime": stamp(at), "Region": "US East (N. Virginia)",
            "OldStateValue": if state == "OK" { "ALARM" } else { "OK" },
            "Trigger": {"MetricName": "Errors", "Namespace": "Test", "Statistic": "SUM", "Dimensions": [], "Period": 60,
                        "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 1.0},
        })
    }

    /// As an alarm action invokes a function.
    pub fn action(&self, state: &str, at: Timestamp) -> Value {
        json!({
            "source": "aws.cloudwatch", "alarmArn": self.arn(), "accountId": self.account, "time": stamp(at),
            "region": REGION,
            "alarmData": {
                "alarmName": self.name,
                "state": {"value": state, "reason": "Threshold Crossed", "timestamp": stamp(at)},
                "previousState": {"value": if state == "OK" { "ALARM" } else { "OK" }},
                "configuration": {"metrics": []},
            },
        })
    }

    /// As another account's or Region's rule forwards it over the bus.
    pub fn forwarded(&self, state: &str, at: Timestamp) -> Value {
        json!({
            "version": "0", "id": "f", "source": "tourniquet.forwarded", "detail-type": "CloudWatch Alarm State Change",
            "account": crate::ACCOUNT, "region": REGION, "time": signal::to_second(at), "resources": [],
            "detail": self.event(state, at),
        })
    }
}

/// CloudWatch's own way to write an instant.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}
