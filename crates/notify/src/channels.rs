//! The ways to reach people: one file each, and the one match that knows them all.

mod http;
mod pagerduty;
mod slack;
mod sns;
mod webhook;

use aws_types::SdkConfig;
use incident::{Incident, MitigationRecord, Outcome};
use response_plan::Channel;
use step::{Env, StepError};

use crate::channels::http::Http;
use crate::input::{Announcement, What};
use crate::message::Message;
use crate::secret::Secrets;

/// What a message is about, for channels whose readers are machines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) incident: &'a Incident,
    pub(crate) what: What,
    /// The mitigations that it speaks of: the one of an announcement, all of the opening at its end.
    pub(crate) mitigations: &'a [MitigationRecord],
}

impl About<'_> {
    /// Whether it is to wake somebody: a page is, and so is a change that was made without proof that it helped, unless a
    /// person has ended the incident since.
    pub(crate) fn wakes(&self) -> bool {
        match self.what {
            What::Page { .. } => true,
            What::Announce { announce: Announcement::Mitigation, .. } => {
                self.incident.resolved_by.is_none() && self.mitigations.iter().any(needs_somebody)
            }
            What::Announce { announce: Announcement::Approval | Announcement::Resolved, .. } => false,
        }
    }
}

/// Whether a change was made, or may have been, and is not proven to have helped. Who acknowledged may sleep again by
/// then, trusting that it works; a guard's no and an approval that nobody gave come while the page itself goes round.
pub(crate) fn needs_somebody(record: &MitigationRecord) -> bool {
    let changed = record.applying_at.or(record.applied_at).is_some();
    changed && record.outcome != Some(Outcome::Verified)
}

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
    pagerduty: pagerduty::PagerDuty,
    webhook: webhook::Webhook,
}

impl Channels {
    pub(crate) fn new(config: &SdkConfig, env: &Env) -> Result<Self, StepError> {
        Ok(Self::over(sns::Sns::new(config, env)?, Secrets::new(config), Http::default(), env))
    }

    fn over(sns: sns::Sns, secrets: Secrets, http: Http, env: &Env) -> Self {
        Self {
            sns,
            slack: slack::Slack::new(secrets.clone(), http.clone(), env),
            pagerduty: pagerduty::PagerDuty::new(secrets.clone(), http.clone(), env),
            webhook: webhook::Webhook::new(secrets, http),
        }
    }

    /// Whether a channel is told of it at all.
    pub(crate) fn takes(channel: &Channel, about: About<'_>) -> bool {
        match channel {
            Channel::PagerDuty { .. } => pagerduty::takes(about),
            Channel::Sns { .. } | Channel::Slack { .. } | Channel::Webhook { .. } => true,
        }
    }

    /// Sends, and gives the channel's own reference of what it accepted.
    pub(crate) async fn send(&self, channel: &Channel, about: About<'_>, message: &Message) -> Result<String, Failure> {
        match channel {
            Channel::Sns { topic } => self.sns.publish(topic, message).await,
            Channel::Slack { channel, token } => self.slack.post(channel, token, message).await,
            Channel::PagerDuty { routing_key } => self.pagerduty.send(routing_key, about, message).await,
            Channel::Webhook { url, secret } => self.webhook.post(url, secret, about, message).await,
        }
    }

    /// Sends to the fallback topic, which needs no plan, owner or record.
    pub(crate) async fn fallback(&self, message: &Message) -> Result<String, Failure> {
        self.sns.fallback(message).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, incident, planned};
    use incident::Progress;

    #[track_caller]
    fn check(outcome: Option<Outcome>, applied: bool, wakes: bool) {
        let applied_at = applied.then(|| at("14:03:00"));
        let record = MitigationRecord { outcome, progress: Progress::Ended, applied_at, ..planned() };
        let mut incident = incident();
        for (resolved_by, wakes) in [(None, wakes), (Some("ada".to_owned()), false)] {
            incident.resolved_by = resolved_by;
            for (announce, wakes) in
                [(Announcement::Mitigation, wakes), (Announcement::Approval, false), (Announcement::Resolved, false)]
            {
                let (what, mitigations) = (What::Announce { announce, n: 1 }, std::slice::from_ref(&record));
                assert_eq!(About { incident: &incident, what, mitigations }.wakes(), wakes, "{announce:?} {outcome:?}");
            }
        }
    }

    #[test]
    fn a_change_that_is_not_proven_to_have_helped_wakes_somebody() {
        use Outcome::*;
        check(Some(Verified), true, false);
        for outcome in [Some(Unproven), Some(Ineffective), Some(Undone), Some(Refused), None] {
            check(outcome, true, true);
        }
        for outcome in [Some(Refused), Some(Rejected), Some(Expired), Some(Cancelled), None] {
            check(outcome, false, false);
        }
    }
}

#[cfg(test)]
impl Channels {
    /// With canned answers in place of the network: of SNS, of Secrets Manager, and of all that is outside AWS.
    pub(crate) fn canned(
        sns: &SdkConfig,
        secrets: &SdkConfig,
        outside: &aws_smithy_http_client::test_util::StaticReplayClient,
    ) -> Self {
        let env = Env::from([
            ("TOPIC_PREFIX", "arn:aws:sns:eu-west-1:1:"),
            ("FALLBACK_TOPIC", "arn:aws:sns:eu-west-1:1:fallback"),
            ("SLACK_API_URL", "http://127.0.0.1:1/api"),
        ]);
        Self::over(sns::Sns::new(sns, &env).unwrap(), Secrets::new(secrets), Http::canned(outside), &env)
    }
}
