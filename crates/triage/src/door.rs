//! Which door an event came through.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
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
}
