//! Tokens and keys of channels, from Secrets Manager: asked for at first use, then held by the function until a channel says that
//! one is no good any more.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, anyhow, ensure};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_types::SdkConfig;

/// A token or key; it shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// The token itself, for the one header or field that carries it, or for a signature.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The secrets that were read, which all channels share.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    client: Client,
    known: Arc<Mutex<HashMap<String, Token>>>,
}

impl Secrets {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config), known: Arc::default() }
    }

    /// The token in a secret, which holds it alone, as plain text; `what` it is, for people.
    pub(crate) async fn token(&self, name: &str, what: &str) -> anyhow::Result<Token> {
        if let Some(token) = self.known().get(name) {
            return Ok(token.clone());
        }
        let answer = self.client.get_secret_value().secret_id(name).send().await.map_err(|error| {
            let code = error.code().unwrap_or("no answer").to_owned();
            anyhow::Error::from(error).context(format!("the secret `{name}` could not be read ({code})"))
        })?;
        let token = answer.secret_string().map(str::trim).ok_or_else(|| anyhow!("it holds no text")).and_then(|text| {
            ensure!(!text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()), "it holds more than a token");
            Ok(Token(text.to_owned()))
        });
        let token =
            token.context(format!("the secret `{name}` is no {what}; store the {what} alone, as plain text"))?;
        self.known().insert(name.to_owned(), token.clone());
        Ok(token)
    }

    /// Asks Secrets Manager again next time: the channel did not take this token, so it may have been replaced.
    pub(crate) fn forget(&self, name: &str) {
        self.known().remove(name);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Token>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl From<&str> for Token {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
