//! SNS: a topic with mail, SMS or mobile push behind it.

use aws_sdk_sns::Client;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::publish::PublishError;
use aws_types::SdkConfig;
use futures_util::future::BoxFuture;
use response_plan::{Arguments, ChannelKind, Field, Wrong};
use step::{Allow, Env, StepError};

use crate::channels::{Client as ChannelClient, Failure, Kind, Of, argument};
use crate::message::Message;

pub(super) static KIND: Kind = Kind {
    plan: ChannelKind {
        name: "sns",
        about: "An SNS topic: mail, SMS or mobile push.",
        fields: &[Field {
            name: "topic",
            about: "name the topic, or its ARN",
            example: "tourniquet-pages",
            required: true,
            check: topic,
        }],
        wakes: true,
    },
    allows: &[Allow {
        actions: &["sns:Publish"],
        resources: &["!Sub 'arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:tourniquet-*'"],
        condition: None,
    }],
    takes: |_| true,
    alerts: None,
    make: |means| Ok(Box::new(Sns::new(&means.config, &means.env)?)),
};

fn topic(text: &str) -> Result<(), Wrong> {
    let name = match text.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", _, "sns", _, _, name] => name,
        _ => text,
    };
    if name.is_empty() || name.len() > 256 || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        return Err(("this is no SNS topic".to_owned(), "write the topic's name or its ARN".to_owned()));
    }
    Ok(())
}

/// SNS refuses subjects of more characters.
const SUBJECT: usize = 100;

#[derive(Debug)]
pub(crate) struct Sns {
    client: Client,
    /// `arn:aws:sns:<region>:<account>:`, to which a bare topic name is appended.
    prefix: String,
    fallback: String,
}

impl Sns {
    pub(crate) fn new(config: &SdkConfig, env: &Env) -> Result<Self, StepError> {
        let client = Client::new(config);
        Ok(Self { client, prefix: env.get("TOPIC_PREFIX")?, fallback: env.get("FALLBACK_TOPIC")? })
    }

    /// Publishes to a topic, an ARN or a bare name of the stack's own account and Region.
    pub(crate) async fn publish(&self, topic: &str, message: &Message) -> Result<String, Failure> {
        let arn = if topic.starts_with("arn:") { topic.to_owned() } else { format!("{}{topic}", self.prefix) };
        let request = self.client.publish().topic_arn(arn).subject(subject(&message.title)).message(message.text());
        let answer = request.send().await.map_err(|error| failure(topic, error))?;
        Ok(answer.message_id.unwrap_or_default())
    }

    pub(crate) async fn fallback(&self, message: &Message) -> Result<String, Failure> {
        self.publish(&self.fallback, message).await
    }
}

impl ChannelClient for Sns {
    fn send<'a>(
        &'a self,
        with: &'a Arguments,
        _: Of<'a>,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move { self.publish(argument(with, "topic")?, message).await })
    }
}

fn failure(topic: &str, error: SdkError<PublishError>) -> Failure {
    let sentence = match error.as_service_error() {
        Some(said) => format!(
            "SNS answered {} for the topic {topic}; mend it in teams.yaml or allow this function to publish to it",
            said.code().unwrap_or("an error without a code")
        ),
        None => format!("SNS could not be reached for the topic {topic}"),
    };
    let refused = match &error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::ServiceError(said) => said.raw().status().is_client_error(),
        _ => false,
    };
    let error = anyhow::Error::from(error).context(sentence);
    if refused { Failure::Refused(error) } else { Failure::Unknown(error) }
}

/// A title as SNS takes it: printable ASCII, one line, at most 100 characters.
fn subject(title: &str) -> String {
    let ascii: String = title.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect();
    if ascii.len() <= SUBJECT { ascii } else { format!("{}...", &ascii[..SUBJECT - 3]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::unreadable;
    use crate::samples::{canned, config, sns_accepts};
    use proptest::prelude::*;

    fn sns(answer: (u16, &str)) -> (Sns, aws_smithy_http_client::test_util::StaticReplayClient) {
        let http = canned([answer]);
        let env = Env::from([
            ("TOPIC_PREFIX", "arn:aws:sns:eu-west-1:1:"),
            ("FALLBACK_TOPIC", "arn:aws:sns:eu-west-1:1:last"),
        ]);
        (Sns::new(&config(&http), &env).unwrap(), http)
    }

    async fn published(topic: &str) -> String {
        let (sns, http) = sns((200, sns_accepts()));
        assert_eq!(sns.publish(topic, &unreadable("inc-20261123-0123456789")).await.unwrap(), "message-1");
        let request = http.actual_requests().next().unwrap();
        String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_topic_is_an_arn_or_a_name() {
        let body = published("oncall").await;
        assert!(body.contains("TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A1%3Aoncall&"), "{body}");
        assert!(body.contains("&Subject=Degraded%2C%20may%20repeat%3A%20incident%20inc-20261123-0123456789"), "{body}");
        let body = published("arn:aws:sns:us-east-1:2:far").await;
        assert!(body.contains("TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A2%3Afar&"), "{body}");
    }

    #[test]
    fn a_topic_is_checked_where_it_is_written() {
        for good in ["tourniquet-pages", "arn:aws:sns:eu-west-1:111122223333:tourniquet-pages"] {
            assert_eq!(topic(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "arn:aws:sns:eu-west-1:111122223333:a b", "arn:aws:sqs:eu-west-1:1:a"] {
            assert!(topic(bad).unwrap_err().1.contains("ARN"), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_refusal_says_what_to_mend() {
        let said = "<ErrorResponse><Error><Code>NotFound</Code><Message>none</Message></Error></ErrorResponse>";
        let error = sns((404, said)).0.publish("oncall", &unreadable("inc-x")).await.unwrap_err();
        assert_eq!(
            error.cause().to_string(),
            "SNS answered NotFound for the topic oncall; mend it in teams.yaml or allow this function to publish to it"
        );
    }

    #[tokio::test]
    async fn only_a_no_is_certain() {
        let said = "<ErrorResponse><Error><Code>C</Code><Message>m</Message></Error></ErrorResponse>";
        for (status, certain) in [(400, true), (403, true), (404, true), (500, false), (503, false)] {
            let failure = sns((status, said)).0.publish("oncall", &unreadable("inc-x")).await.unwrap_err();
            assert_eq!(matches!(failure, Failure::Refused(_)), certain, "{status}");
        }
        // What answers is no SNS: who knows what it did with it.
        let failure = sns((200, "<nonsense")).0.publish("oncall", &unreadable("inc-x")).await.unwrap_err();
        assert!(matches!(failure, Failure::Unknown(_)), "{failure:?}");
    }

    proptest! {
        #[test]
        fn subjects_are_what_sns_takes(title in ".{0,300}") {
            let subject = subject(&title);
            prop_assert!(subject.len() <= SUBJECT && subject.bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
        }
    }
}
