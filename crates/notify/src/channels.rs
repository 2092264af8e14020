//! The ways to reach people: one file each, and the one match that knows them all.

mod slack;
mod sns;

use aws_types::SdkConfig;
use response_plan::Channel;
use step::{Env, StepError};

use crate::message::Message;

/// Why a channel did not accept a message. The outermost sentence of the error is for the timeline: what to mend, without
/// secrets.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It certainly did not take it: it said no, or it was not asked at all.
    Refused(anyhow::Error),
    /// It may have taken it, such as where its answer did not come in time.
    Unknown(anyhow::Error),
}

impl Failure {
    /// The error, for the log and the timeline.
    pub(crate) fn cause(&self) -> &anyhow::Error {
        match self {
            Self::Refused(error) | Self::Unknown(error) => error,
        }
    }
}

/// Every channel's client.
#[derive(Debug)]
pub(crate) struct Channels {
    sns: sns::Sns,
    slack: slack::Slack,
}

impl Channels {
    pub(crate) fn new(config: &SdkConfig, env: &Env) -> Result<Self, StepError> {
        Ok(Self { sns: sns::Sns::new(config, env)?, slack: slack::Slack::new(config, env) })
    }

    /// Sends, and gives the channel's own reference of what it accepted.
    pub(crate) async fn send(&self, channel: &Channel, message: &Message) -> Result<String, Failure> {
        match channel {
            Channel::Sns { topic } => self.sns.publish(topic, message).await,
            Channel::Slack { channel, token } => self.slack.post(channel, token, message).await,
        }
    }

    /// Sends to the fallback topic, which needs no plan, owner or record.
    pub(crate) async fn fallback(&self, message: &Message) -> Result<String, Failure> {
        self.sns.fallback(message).await
    }
}

#[cfg(test)]
impl Channels {
    /// With canned answers in place of the network.
    pub(crate) fn canned(sns: &SdkConfig, slack: slack::Slack) -> Self {
        let env = Env::from([
            ("TOPIC_PREFIX", "arn:aws:sns:eu-west-1:1:"),
            ("FALLBACK_TOPIC", "arn:aws:sns:eu-west-1:1:fallback"),
        ]);
        Self { sns: sns::Sns::new(sns, &env).unwrap(), slack }
    }
}

#[cfg(test)]
pub(crate) use slack::Slack;
