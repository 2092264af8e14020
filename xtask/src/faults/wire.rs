//! A transition as each door brings it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::history::{Door, State, Transition};
use crate::aws::{ACCOUNT, REGION};

impl State {
    /// CloudWatch's word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Alarm => "ALARM",
            Self::Ok => "OK",
            Self::Insufficient => "INSUFFICIENT_DATA",
        }
    }
}

impl Transition {
    /// When it happened in a run that started then.
    pub(super) fn at(&self, start: Timestamp) -> Timestamp {
        start + SignedDuration::from_secs(self.at_s.cast_signed())
    }

    /// What invokes triage through this door, or lies in the queue.
    pub(super) fn payload(&self, door: Door, start: Timestamp) -> Value {
        let at = self.at(start);
        match door {
            Door::Rule | Door::Queue => self.event(at),
            Door::Topic => self.notification(at),
            Door::Action => self.action(at),
            Door::Forwarded => json!({
                "version": "0", "id": "f", "source": "tourniquet.forwarded",
                "detail-type": "CloudWatch Alarm State Change", "account": ACCOUNT, "region": REGION,
                "time": second(at), "resources": [], "detail": self.event(at),
            }),
        }
    }

    fn event(&self, at: Timestamp) -> Value {
        json!({
            "version": "0", "id": format!("{}-{}", self.alarm, self.at_s), "source": "aws.cloudwatch",
            "detail-type": "CloudWatch Alarm State Change", "account": ACCOUNT, "region": REGION, "time": second(at),
            "resources": [alarm_arn(&self.alarm)],
            "detail": {
                "alarmName": self.alarm,
                "state": {"value": self.state.word(), "reason": "Threshold Crossed", "timestamp": stamp(at)},
                "previousState": {"value": self.before()},
                "configuration": {"metrics": []},
            },
        })
    }

    fn notification(&self, at: Timestamp) -> Value {
        let message = json!({
            "AlarmName": self.alarm, "AlarmArn": alarm_arn(&self.alarm), "AWSAccountId": ACCOUNT,
            "NewStateValue": self.state.word(), "NewStateReason": "Threshold Crossed", "StateChangeTime": stamp(at),
            "Region": "US East (N. Virginia)", "OldStateValue": self.before(),
            "Trigger": {"MetricName": "Errors", "Namespace": "Faults", "Statistic": "SUM", "Dimensions": [], "Period": 60,
                        "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 1.0},
        });
        json!({"Records": [{
            "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn:aws:sns:us-east-1:1:t:s",
            "Sns": {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Subject": null,
                    "Message": message.to_string(), "Timestamp": stamp(at)},
        }]})
    }

    fn action(&self, at: Timestamp) -> Value {
        json!({
            "source": "aws.cloudwatch", "alarmArn": alarm_arn(&self.alarm), "accountId": ACCOUNT, "time": stamp(at),
            "region": REGION,
            "alarmData": {
                "alarmName": self.alarm,
                "state": {"value": self.state.word(), "reason": "Threshold Crossed", "timestamp": stamp(at)},
                "previousState": {"value": self.before()},
                "configuration": {"metrics": []},
            },
        })
    }

    const fn before(&self) -> &'static str {
        match self.state {
            State::Alarm => "OK",
            State::Ok | State::Insufficient => "ALARM",
        }
    }
}

/// What Lambda hands to an on-failure destination when an asynchronous invocation failed.
pub(super) fn failed_invocation(function: &str, payload: &Value, response: &Value) -> Value {
    json!({
        "version": "1.0",
        "requestContext": {"requestId": "r", "functionArn": function, "condition": "RetriesExhausted", "approximateInvokeCount": 1},
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"},
        "responsePayload": response,
    })
}

/// An alarm's ARN, which is its fingerprint.
pub(super) fn alarm_arn(alarm: &str) -> String {
    format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm}")
}

/// An instant as records have it.
pub(super) fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// CloudWatch's own way to write an instant.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}
