//! Slack: `chat.postMessage` with a bot token.

mod blocks;

use anyhow::anyhow;
use futures_util::future::BoxFuture;
use response_plan::{Arguments, ChannelKind, Field, Wrong, one_line, secret_name};
use serde::Deserialize;
use step::{Allow, Env};

use crate::channels::http::{Http, Post};
use crate::channels::{Client, Failure, Kind, Of, argument};
use crate::message::Message;
use crate::secret::Secrets;

pub(super) static KIND: Kind = Kind {
    plan: ChannelKind {
        name: "slack",
        about: "A Slack channel or member.",
        fields: &[
            Field {
                name: "channel",
                about: "say the id of the channel or member",
                example: "C0PAYMENTS",
                required: true,
                check: channel,
            },
            Field {
                name: "token",
                about: "name the secret in Secrets Manager that holds the bot token",
                example: TOKEN,
                required: true,
                check: token,
            },
        ],
        wakes: false,
    },
    allows: SECRETS,
    takes: |_| true,
    alerts: None,
    make: |means| Ok(Box::new(Slack::new(means.secrets.clone(), means.http.clone(), &means.env))),
};

const TOKEN: &str = "tourniquet/slack";

/// What reads the secrets of channels.
pub(super) const SECRETS: &[Allow] = &[Allow {
    actions: &["secretsmanager:GetSecretValue"],
    resources: &["!Sub 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:tourniquet/*'"],
    condition: None,
}];

fn channel(text: &str) -> Result<(), Wrong> {
    one_line(text, "channel id")
}

fn token(text: &str) -> Result<(), Wrong> {
    secret_name(text, "token", TOKEN)
}

#[derive(Debug)]
pub(crate) struct Slack {
    secrets: Secrets,
    http: Http,
    /// Where messages are posted to.
    url: String,
}

/// What Slack answers, in the parts that matter.
#[derive(Debug, Deserialize)]
struct Said {
    ok: bool,
    ts: Option<String>,
    error: Option<String>,
}

impl Slack {
    pub(crate) fn new(secrets: Secrets, http: Http, env: &Env) -> Self {
        let api = env.find("SLACK_API_URL").unwrap_or_else(|| "https://slack.com/api".to_owned());
        Self { secrets, http, url: format!("{}/chat.postMessage", api.trim_end_matches('/')) }
    }

    /// Posts to a channel or member, and gives the message's `ts`.
    pub(crate) async fn post(&self, channel: &str, secret: &str, message: &Message) -> Result<String, Failure> {
        let token = self.secrets.token(secret, "bot token").await.map_err(Failure::Refused)?;
        let headers = vec![("authorization", format!("Bearer {}", token.expose()))];
        let body = blocks::body(channel, message).to_string();
        let answer = self.http.post(Post { to: "Slack", url: &self.url, headers, body }).await?;
        match answer.status {
            200 => {}
            429 => {
                let wait = answer.wait();
                return Err(answer.no(anyhow!("Slack asked to wait {wait}; it takes about one message a second")));
            }
            status => {
                let error = anyhow!("Slack answered with HTTP status {status}; see https://slack-status.com");
                return Err(answer.failed(error));
            }
        }
        let said: Said = serde_json::from_slice(&answer.body).map_err(|e| {
            Failure::Unknown(anyhow::Error::from(e).context("Slack answered with something that is not its JSON"))
        })?;
        if said.ok {
            return Ok(said.ts.unwrap_or_default());
        }
        let code = said.error.as_deref().filter(|code| is_code(code));
        if code.is_some_and(is_about_the_token) {
            self.secrets.forget(secret);
        }
        let shown = code.unwrap_or("an error without a name");
        let error = anyhow!("Slack answered {shown}; {}", remedy(shown, channel, secret));
        Err(if code.is_some_and(|code| !is_of_slack_itself(code)) { answer.no(error) } else { Failure::Unknown(error) })
    }
}

impl Client for Slack {
    fn send<'a>(
        &'a self,
        with: &'a Arguments,
        _: Of<'a>,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move { self.post(argument(with, "channel")?, argument(with, "token")?, message).await })
    }
}

/// Slack's error names are words; anything else does not belong into a sentence.
fn is_code(code: &str) -> bool {
    !code.is_empty() && code.len() <= 60 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn is_about_the_token(code: &str) -> bool {
    matches!(code, "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired")
}

/// Slack failed, and says of these that it may have done a part of what was asked.
fn is_of_slack_itself(code: &str) -> bool {
    matches!(code, "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout")
}

fn remedy(code: &str, channel: &str, secret: &str) -> String {
    match code {
        code if is_about_the_token(code) => format!("store a valid bot token in the secret `{secret}`"),
        "missing_scope" => "give the bot the scope chat:write".to_owned(),
        "channel_not_found" | "not_in_channel" | "is_archived" => {
            format!("invite the bot to the channel {channel}, or mend the channel in teams.yaml")
        }
        _ => "see the errors of chat.postMessage in Slack's documentation".to_owned(),
    }
}

#[cfg(test)]
impl Slack {
    /// With canned answers of Secrets Manager and of Slack in place of the network.
    pub(crate) fn canned(
        secrets: &aws_smithy_http_client::test_util::StaticReplayClient,
        answers: &aws_smithy_http_client::test_util::StaticReplayClient,
    ) -> Self {
        let env = Env::from([("SLACK_API_URL", "http://127.0.0.1:1/api/")]);
        Self::new(Secrets::new(&crate::samples::config(secrets)), Http::canned(answers), &env)
    }
}

#[cfg(test)]
mod tests;
