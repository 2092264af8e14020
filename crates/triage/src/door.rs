//! Which door an event came through.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use incident::{StormOver, Unmuted};
use serde_json::Value;

/// An event, as triage takes it.
pub(crate) enum Delivery {
    /// A batch of the queue `signals`, whose messages fail one by one.
    Batch(Vec<SqsMessage>),
    /// Anything else, which fails as a whole.
    Event(Value),
}

pub(crate) fn open(event: Value) -> Delivery {
    if event.pointer("/Records/0/eventSource").and_then(Value::as_str) != Some("aws:sqs") {
        return Delivery::Event(event);
    }
    match serde_json::from_value::<SqsEvent>(event.clone()) {
        Ok(batch) => Delivery::Batch(batch.records),
        Err(_) => Delivery::Event(event),
    }
}

/// The id of a recorded signal, where a message says no more than that nothing keeps it quiet any more.
pub(crate) fn unmuted(body: &str) -> Option<String> {
    serde_json::from_str(body).ok().map(|message: Unmuted| message.muted_signal)
}

/// What is over, where a message says no more than that a storm is.
pub(crate) fn storm_over(body: &str) -> Option<StormOver> {
    serde_json::from_str(body).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(event: Value, batch: Option<usize>) {
        match open(event) {
            Delivery::Batch(messages) => assert_eq!(Some(messages.len()), batch),
            Delivery::Event(_) => assert_eq!(batch, None),
        }
    }

    #[test]
    fn only_a_batch_of_the_queue_is_one() {
        check(json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "{}"}]}), Some(1));
        check(json!({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}), None);
        check(json!({"Records": []}), None);
        check(json!({"source": "aws.cloudwatch"}), None);
        check(json!([1, 2]), None);
        check(json!(null), None);
    }

    #[test]
    fn a_message_of_sweep_names_a_signal_and_says_nothing_else() {
        let message = Unmuted { v: incident::V, muted_signal: "59f2".into() };
        let message = serde_json::to_value(message).unwrap();
        assert_eq!(unmuted(&message.to_string()).as_deref(), Some("59f2"));
        for (name, value) in [("source", json!("aws.cloudwatch")), ("muted_signal", json!(7))] {
            let mut other = message.clone();
            other[name] = value;
            assert_eq!(unmuted(&other.to_string()), None, "{other}");
        }
        assert_eq!(storm_over(&message.to_string()), None);
        for storm in [Some("storm-1".to_owned()), None] {
            let at = jiff::Timestamp::UNIX_EPOCH;
            let over = StormOver { v: incident::V, storm_over: "inc-1".into(), storm, at };
            let body = serde_json::to_string(&over).unwrap();
            assert_eq!((storm_over(&body), unmuted(&body)), (Some(over), None));
        }
        assert_eq!(unmuted(""), None);
    }
}
