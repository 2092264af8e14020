//! The deployment: clients by the standard chain of credentials and endpoints, and failures as sentences with a remedy.

use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use incident_store::Store;
use step::{Env, StepError};

use crate::args::Place;

/// What the online commands work with.
pub(crate) struct Cloud {
    config: SdkConfig,
    env: Env,
    place: Place,
}

impl Cloud {
    /// Reads environment and profile; asks the network for nothing yet.
    pub(crate) async fn connect(place: Place) -> anyhow::Result<Self> {
        let http = step::aws::public_http_client().context("the certificates of this machine cannot be read")?;
        let times = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(20))
            .build();
        let config =
            aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http).timeout_config(times);
        let config = config.load().await;
        if config.region().is_none_or(|region| region.as_ref().is_empty()) {
            return Err(anyhow!("no AWS Region is known; set AWS_REGION, or AWS_PROFILE to a profile that has one"));
        }
        Ok(Self { config, env: Env::read(), place })
    }

    /// The table of incidents.
    pub(crate) fn store(&self) -> anyhow::Result<Store> {
        Ok(Store::new(&self.config, self.table()?))
    }

    /// The table's name.
    fn table(&self) -> anyhow::Result<String> {
        self.setting(&self.place.table, "--table", "TOURNIQUET_TABLE", "Table")
    }

    /// The queue of commands, and its URL.
    pub(crate) fn queue(&self) -> anyhow::Result<(aws_sdk_sqs::Client, String)> {
        let url = self.setting(&self.place.queue, "--queue", "TOURNIQUET_COMMANDS", "CommandsQueue")?;
        Ok((aws_sdk_sqs::Client::new(&self.config), url))
    }

    /// The evidence bucket, and its name.
    pub(crate) fn bucket(&self) -> anyhow::Result<(aws_sdk_s3::Client, String)> {
        let name = self.setting(&self.place.bucket, "--bucket", "TOURNIQUET_BUCKET", "Bucket")?;
        // An endpoint of one's own seldom answers for names below its host.
        let own_endpoint = self.config.endpoint_url().is_some() || self.env.find("AWS_ENDPOINT_URL_S3").is_some();
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(own_endpoint).build();
        Ok((aws_sdk_s3::Client::from_conf(config), name))
    }

    /// Who asks, as they say.
    pub(crate) fn user(&self) -> anyhow::Result<String> {
        let given = self.place.user.clone().filter(|name| !name.trim().is_empty());
        let user = given.or_else(|| self.env.find("TOURNIQUET_USER")).or_else(|| self.env.find("USER"));
        user.ok_or_else(|| anyhow!("nobody is known to ask; say who with --as NAME, or set TOURNIQUET_USER"))
    }

    fn setting(&self, given: &Option<String>, option: &str, variable: &str, output: &str) -> anyhow::Result<String> {
        setting(given.as_deref(), &self.env, option, variable, output)
    }

    /// A failure as one sentence with the remedy; the cause stays below it.
    pub(crate) fn explain(&self, error: StepError) -> anyhow::Error {
        let sentence = error.to_string();
        if matches!(error, StepError::Rejected(_)) {
            return anyhow!(sentence);
        }
        let cause: Vec<String> = error.cause().chain().skip(1).map(ToString::to_string).collect();
        let cause = cause.join(": ");
        anyhow!("{sentence}: {}", remedy(&cause, &self.table().unwrap_or_default()))
    }
}

fn setting(given: Option<&str>, env: &Env, option: &str, variable: &str, output: &str) -> anyhow::Result<String> {
    let found = given.map(str::to_owned).filter(|value| !value.is_empty()).or_else(|| env.find(variable));
    found.ok_or_else(|| {
        anyhow!(
            "{variable} is not set; set it, or give {option}; the value is the output {output} of the deployed stack"
        )
    })
}

/// What to do about a failure, by what its cause says.
fn remedy(cause: &str, table: &str) -> String {
    let says = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    if says(&["ResourceNotFoundException"]) {
        format!("there is no table `{table}` in this account and Region; take its name from the stack's output Table")
    } else if says(&["QueueDoesNotExist", "NonExistentQueue"]) {
        "there is no such queue; take its URL from the stack's output CommandsQueue".to_owned()
    } else if says(&["NoSuchBucket"]) {
        "there is no such bucket; take its name from the stack's output Bucket".to_owned()
    } else if says(&["NoSuchKey", "NoSuchVersion"]) {
        "the object is not there; check that the bucket is the stack's output Bucket".to_owned()
    } else if says(&["AccessDenied", "not authorized"]) {
        "your AWS identity may not do that; use one that may, or ask whoever deployed the suite".to_owned()
    } else if says(&["ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient", "SignatureDoesNotMatch"]) {
        "AWS does not accept your credentials; sign in again".to_owned()
    } else if says(&["credential", "Credential"]) {
        "no AWS credentials were found; sign in, or set AWS_PROFILE".to_owned()
    } else if says(&["dispatch failure", "timeout", "timed out", "io error"]) {
        "AWS cannot be reached; check the network, AWS_REGION and AWS_ENDPOINT_URL".to_owned()
    } else {
        cause.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_from_the_option_then_the_variable() {
        let env = Env::from([("TOURNIQUET_TABLE", "from-env")]);
        let table = |given, env| setting(given, env, "--table", "TOURNIQUET_TABLE", "Table");
        assert_eq!(table(Some("given"), &env).unwrap(), "given");
        assert_eq!(table(None, &env).unwrap(), "from-env");
        let missing = table(None, &Env::default()).unwrap_err().to_string();
        for part in ["TOURNIQUET_TABLE", "--table", "output Table"] {
            assert!(missing.contains(part), "{missing}");
        }
    }

    #[track_caller]
    fn check(cause: &str, expect: &str) {
        let remedy = remedy(cause, "incidents");
        assert!(remedy.contains(expect), "{remedy}");
    }

    #[test]
    fn failures_have_a_remedy() {
        check("ResourceNotFoundException: no", "no table `incidents`");
        check("AccessDeniedException: is not authorized to perform", "may not do that");
        check("dispatch failure: io error: client error (Connect): tcp connect error", "AWS_ENDPOINT_URL");
        check("dispatch failure: other: the credential provider was not enabled", "AWS_PROFILE");
        check("ExpiredTokenException: expired", "sign in again");
        check("AWS.SimpleQueueService.NonExistentQueue: no", "CommandsQueue");
        check("something else", "something else");
    }
}
