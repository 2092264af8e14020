//! The AWS command line against the emulator: package, deploy, outputs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, de::DeserializeOwned};

use crate::tools::Tools;

/// The Region of every local stack.
pub const REGION: &str = "us-east-1";

/// The account of every local stack.
pub const ACCOUNT: &str = "000000000000";

/// The name under which the template is deployed.
pub const STACK_NAME: &str = "tourniquet";

/// The emulator's administrator: these keys open nothing anywhere else.
pub const CREDENTIALS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_REGION", REGION),
    ("AWS_DEFAULT_REGION", REGION),
];

/// Where `package` puts the functions' code.
const ARTIFACTS: &str = "tourniquet-artifacts";

/// The AWS command line, pointed at one emulator and at nothing else.
#[derive(Clone, Debug)]
pub struct Aws {
    program: PathBuf,
    endpoint: String,
    dir: PathBuf,
}

impl Aws {
    /// The installed command line for the emulator at `endpoint`; `dir` is for what it writes.
    pub fn new(tools: &Tools, endpoint: &str, dir: &Path) -> Self {
        Self { program: tools.aws(), endpoint: endpoint.to_owned(), dir: dir.to_path_buf() }
    }

    /// The command with these arguments, ready to be run. Profiles, keys and proxies of the developer are left out,
    /// so that it can reach the emulator and no account.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_ascii_uppercase();
            if upper.starts_with("AWS_") || upper.ends_with("_PROXY") {
                command.env_remove(&name);
            }
        }
        command.envs(CREDENTIALS).env("AWS_ENDPOINT_URL", &self.endpoint).env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_CONFIG_FILE", self.dir.join("no-config"));
        command.env("AWS_SHARED_CREDENTIALS_FILE", self.dir.join("no-credentials"));
        command.args(arguments);
        command
    }

    /// Runs it and returns its standard output. The error has what it said.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output().context("Failed to start the AWS command line")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("aws {} failed: {}", arguments.iter().take(2).copied().collect::<Vec<_>>().join(" "), said.trim());
        }
        String::from_utf8(output.stdout).context("The AWS command line wrote something else than text")
    }

    /// Runs it and reads its JSON.
    pub fn json<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T> {
        let text = self.run(&[arguments, &["--output", "json"]].concat())?;
        serde_json::from_str(&text).context("Failed to read the answer of the AWS command line")
    }

    /// Deploys the template as the stack `tourniquet` and returns its outputs.
    ///
    /// The error of a stack that could not be created names the resources and the reasons.
    pub fn deploy(&self, template: &Path, parameters: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
        self.package(template)?;
        let packaged = self.packaged();
        let mut arguments = vec!["cloudformation", "deploy", "--no-fail-on-empty-changeset"];
        // By way of the bucket, as `sam deploy` does: in the call itself a template has at most 51,200 bytes.
        arguments.extend(["--stack-name", STACK_NAME, "--template-file", text(&packaged)?, "--s3-bucket", ARTIFACTS]);
        arguments.extend(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]);
        let overrides: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !overrides.is_empty() {
            arguments.push("--parameter-overrides");
            arguments.extend(overrides.iter().map(String::as_str));
        }
        if let Err(error) = self.run(&arguments) {
            bail!("The template could not be deployed: {error}{}", self.failures());
        }
        self.outputs()
    }

    /// Gives the bucket the default retention that the template asks for: CloudFormation does that on AWS, and in the
    /// emulator it does not.
    pub fn lock_bucket(&self, bucket: &str) -> Result<()> {
        let lock = r#"{"ObjectLockEnabled":"Enabled","Rule":{"DefaultRetention":{"Mode":"GOVERNANCE","Days":365}}}"#;
        let put = ["s3api", "put-object-lock-configuration", "--bucket", bucket, "--object-lock-configuration", lock];
        self.run(&put).map(drop)
    }

    /// Puts the code into the artifacts' bucket and writes the template that points there.
    fn package(&self, template: &Path) -> Result<()> {
        // Made anew it answers as it does in this Region on AWS: it is ours already.
        self.run(&["s3api", "create-bucket", "--bucket", ARTIFACTS])?;
        let packaged = self.packaged();
        let from = ["cloudformation", "package", "--template-file", text(template)?, "--s3-bucket", ARTIFACTS];
        self.run(&[from.as_slice(), &["--output-template-file", text(&packaged)?]].concat()).map(drop)
    }

    fn packaged(&self) -> PathBuf {
        self.dir.join("packaged.yaml")
    }

    fn outputs(&self) -> Result<BTreeMap<String, String>> {
        let stacks: Stacks = self.json(&["cloudformation", "describe-stacks", "--stack-name", STACK_NAME])?;
        let outputs = stacks.stacks.into_iter().flat_map(|stack| stack.outputs);
        Ok(outputs.map(|output| (output.key, output.value)).collect())
    }

    /// Which resources failed and why, as far as the emulator tells, each on a line.
    fn failures(&self) -> String {
        let asked: Result<Events> = self.json(&["cloudformation", "describe-stack-events", "--stack-name", STACK_NAME]);
        let events = asked.map(|answer| answer.events).unwrap_or_default();
        let failed = events.into_iter().filter(|event| event.status.ends_with("_FAILED"));
        failed.map(|event| format!("\n  {}: {}", event.resource, event.reason.unwrap_or_default())).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stacks {
    stacks: Vec<Described>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(rename = "OutputKey")]
    key: String,
    #[serde(rename = "OutputValue")]
    value: String,
}

#[derive(Deserialize)]
struct Events {
    #[serde(rename = "StackEvents")]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "LogicalResourceId")]
    resource: String,
    #[serde(rename = "ResourceStatus")]
    status: String,
    #[serde(rename = "ResourceStatusReason")]
    reason: Option<String>,
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("The path {} is not UTF-8: move the checkout", path.display()))
}
