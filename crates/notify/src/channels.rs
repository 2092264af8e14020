//! The ways to reach people. A new channel is one file in `channels/` and one line in [`KINDS`]; the file declares the
//! channel's place in `teams.yaml` and the permissions that it needs, too.

mod http;
mod pagerduty;
mod slack;
mod sns;
mod webhook;

use anyhow::anyhow;
use aws_types::SdkConfig;
use futures_util::future::BoxFuture;
use incident::{Digest, Incident, MitigationRecord, Outcome};
use response_plan::{Arguments, Channel, ChannelKind};
use step::{Allow, Env, StepError};

use crate::channels::http::Http;
use crate::input::{Announcement, What};
use crate::message::Message;
use crate::secret::Secrets;

/// Every kind of channel of this release.
pub static KINDS: [&Kind; 4] = [&sns::KIND, &slack::KIND, &pagerduty::KIND, &webhook::KIND];

/// A kind of channel: how `teams.yaml` names it, what it may do, and how it is done.
pub struct Kind {
    /// Its place in `teams.yaml`.
    pub plan: ChannelKind,
    /// What the function must be allowed for it.
    pub allows: &'static [Allow],
    /// Whether it is told of something at all.
    takes: fn(About<'_>) -> bool,
    /// The argument that names what stays alerted until it is told that the incident is over.
    alerts: Option<&'static str>,
    make: fn(&Means) -> Result<Box<dyn Client>, StepError>,
}

/// What clients of channels are made of.
struct Means {
    config: SdkConfig,
    secrets: Secrets,
    http: Http,
    env: Env,
}

/// Talks to one kind of channel.
trait Client: std::fmt::Debug + Send + Sync {
    /// Sends, and gives the channel's own reference of what it accepted.
    fn send<'a>(
        &'a self,
        with: &'a Arguments,
        of: Of<'a>,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<String, Failure>>;
}

/// What a message is of, for channels whose readers are machines.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    /// An incident.
    Incident(About<'a>),
    /// What an owner is told once, which wakes nobody.
    Digest(&'a Digest),
    /// What an owner has in a storm, which wakes them.
    Storm(InStorm<'a>),
}

/// What an owner has in a storm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InStorm<'a> {
    /// The incident that stands for the storm, as bad as the worst of theirs.
    pub(crate) incident: &'a Incident,
    pub(crate) storm: &'a str,
    pub(crate) owner: &'a str,
}

impl<'a> From<About<'a>> for Of<'a> {
    fn from(about: About<'a>) -> Self {
        Self::Incident(about)
    }
}

impl Of<'_> {
    /// Whether it is to wake somebody.
    pub(crate) fn wakes(self) -> bool {
        match self {
            Self::Incident(about) => about.wakes(),
            Self::Digest(_) => false,
            Self::Storm(_) => true,
        }
    }
}

/// What a message of an incident is about.
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
            What::Announce {
                announce:
                    Announcement::Approval | Announcement::Resolved | Announcement::PutBack | Announcement::InForce,
                ..
            } => false,
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

/// A client of every kind, and the way to the fallback topic.
#[derive(Debug)]
pub(crate) struct Channels {
    clients: Vec<(&'static str, Box<dyn Client>)>,
    fallback: sns::Sns,
}

impl Channels {
    pub(crate) fn new(config: &SdkConfig, env: &Env) -> Result<Self, StepError> {
        let (config, secrets) = (config.clone(), Secrets::new(config));
        Self::over(&Means { config, secrets, http: Http::default(), env: env.clone() })
    }

    fn over(means: &Means) -> Result<Self, StepError> {
        let client = |kind: &'static Kind| Ok((kind.plan.name, (kind.make)(means)?));
        let clients = KINDS.into_iter().map(client).collect::<Result<_, StepError>>()?;
        Ok(Self { clients, fallback: sns::Sns::new(&means.config, &means.env)? })
    }

    /// Whether a channel is told of it at all.
    pub(crate) fn takes(channel: &Channel, about: About<'_>) -> bool {
        kind_of(channel).is_none_or(|kind| (kind.takes)(about))
    }

    /// Whether a channel is told what wakes nobody and never ends, as a digest does: one that alerts is not.
    pub(crate) fn takes_digests(channel: &Channel) -> bool {
        kind_of(channel).is_none_or(|kind| kind.alerts.is_none())
    }

    /// What stays alerted through this channel until the incident is over; `None` where nothing does.
    pub(crate) fn alerts(channel: &Channel) -> Option<&str> {
        channel.with.get(kind_of(channel)?.alerts?).map(String::as_str)
    }

    /// Sends, and gives the channel's own reference of what it accepted.
    pub(crate) async fn send(&self, channel: &Channel, of: Of<'_>, message: &Message) -> Result<String, Failure> {
        match self.clients.iter().find(|(kind, _)| *kind == channel.kind) {
            Some((_, client)) => client.send(&channel.with, of, message).await,
            None => {
                let kind = &channel.kind;
                Err(Failure::Refused(anyhow!("this release knows no channel `{kind}`; build the plans again")))
            }
        }
    }

    /// Sends to the fallback topic, which needs no plan, owner or record.
    pub(crate) async fn fallback(&self, message: &Message) -> Result<String, Failure> {
        self.fallback.fallback(message).await
    }
}

fn kind_of(channel: &Channel) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.plan.name == channel.kind)
}

/// An argument of a channel. The reader of `teams.yaml` has seen that it is there.
fn argument<'a>(with: &'a Arguments, name: &str) -> Result<&'a str, Failure> {
    let found = with.get(name).map(String::as_str);
    found.ok_or_else(|| Failure::Refused(anyhow!("the plan does not say `{name}` of a channel; build the plans again")))
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
        let (config, secrets) = (sns.clone(), Secrets::new(secrets));
        Self::over(&Means { config, secrets, http: Http::canned(outside), env }).unwrap()
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
