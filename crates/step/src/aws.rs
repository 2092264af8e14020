//! The SDK configuration of a function, built by hand: no file is read and no network asked before the first call.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::{Env, StepError};

/// The roots that sign AWS's endpoints (Amazon Trust Services): loading the system's whole store takes longer than all
/// the rest of a start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// The configuration that every client of a function shares: Region, the role's credentials from the environment, one
/// HTTP client, short time-outs, three attempts.
///
/// # Errors
/// `Stuck` where the Region or the credentials are not in the environment, as they always are on Lambda.
pub fn config(env: &Env) -> Result<SdkConfig, StepError> {
    let credentials = Credentials::new(
        env.get("AWS_ACCESS_KEY_ID")?,
        env.get("AWS_SECRET_ACCESS_KEY")?,
        env.find("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(env.get("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS))?)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(aws_smithy_async::time::SharedTimeSource::new(SystemTimeSource::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(2))
                .operation_attempt_timeout(Duration::from_secs(5))
                .build(),
        );
    config.set_endpoint_url(env.find("AWS_ENDPOINT_URL"));
    Ok(config.build())
}

/// The same configuration with other credentials: those of an assumed role.
pub fn with_credentials(config: &SdkConfig, credentials: Credentials) -> SdkConfig {
    config.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

/// The same configuration with other time-outs: of one attempt, and of a call with all its attempts.
pub fn with_patience(config: &SdkConfig, attempt: Duration, call: Duration) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(attempt.min(Duration::from_secs(1)))
        .operation_attempt_timeout(attempt)
        .operation_timeout(call);
    config.to_builder().timeout_config(timeouts.build()).build()
}

/// An HTTP client for hosts outside AWS, which other roots sign: it loads the system's store, so build it at first use.
///
/// # Errors
/// `Stuck` where the store cannot be read.
pub fn public_http_client() -> Result<SharedHttpClient, StepError> {
    // The client panics where the system has no roots at all; that is the one channel's failure, not the step's.
    std::panic::catch_unwind(|| http_client(TrustStore::empty().with_native_roots(true)))
        .unwrap_or_else(|_| Err(StepError::stuck("the system has no TLS roots; the image needs its CA bundle")))
}

fn http_client(trust: TrustStore) -> Result<SharedHttpClient, StepError> {
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|e| StepError::Stuck(anyhow::Error::from(e).context("the TLS roots could not be read")))?;
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context).build_https())
}
