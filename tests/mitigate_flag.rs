//! A bad feature flag is rolled back by the deployed `remediate`, with IAM enforced: stopped, reverted, or deployed over.
//! What the customers meet is what the flag, read as an application reads it, makes of their orders.

use std::{
    io::{Cursor, Write as _},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use blackbox::World;
use incident::{MitigationRecord, Outcome, Progress};
use serde_json::{Value, json};
use xtask::{
    demo::Operator,
    proxy::{Action, Match, Rule},
};
use zip::{ZipWriter, write::SimpleFileOptions};

/// What happens by itself happens within this time, retries included, also on a busy machine.
const SOON: Duration = Duration::from_secs(180);

/// The application: it reads the flag, serves a customer, and counts how that went.
const APPLICATION: &str = r#"
import json

import botocore.session

session = botocore.session.get_session()


def client(service):
    return session.create_client(service, region_name="us-east-1")


def handler(event, context):
    name, flags = event["name"], client("appconfigdata")
    of = {"Application": name, "Environment": "prod", "ConfigurationProfile": "flags"}
    token = flags.start_configuration_session(**{f"{key}Identifier": value for key, value in of.items()})
    read = flags.get_latest_configuration(ConfigurationToken=token["InitialConfigurationToken"])
    # The bad flag: one-click orders are not paid.
    paid = 0 if json.loads(read["Configuration"].read())["one-click"]["enabled"] else 1
    counts = [(f"{name}-orders", paid), (f"{name}-errors", 5 - 5 * paid)]
    data = [{"MetricName": metric, "Value": value} for metric, value in counts]
    client("cloudwatch").put_metric_data(Namespace="Checkout", MetricData=data)
    return {"paid": bool(paid)}
"#;

#[tokio::test]
async fn bad_flag_is_rolled_back() -> Result<()> {
    let flags = Flags::new("flag-stopped").await?;
    let good = flags.version(false).await?;
    flags.deploy(&good, &flags.quick).await?;
    flags.record_as_good(&good)?;
    let bad = flags.version(true).await?;
    let number = flags.deploy(&bad, "AppConfig.AllAtOnce").await?;

    let record = flags.rolled_back(&bad, &good, &format!("by stopping deployment {number}")).await?;
    assert_eq!(flags.deployment(number).await?["State"], "ROLLED_BACK");
    assert_eq!(record.left, Some(json!({"deployment": number, "version": good})));
    assert_eq!(flags.newest().await?, number, "nothing else was deployed");
    Ok(())
}

#[tokio::test]
async fn a_complete_bad_flag_is_reverted_also_when_killed_right_after() -> Result<()> {
    let flags = Flags::new("flag-reverted").await?;
    let good = flags.version(false).await?;
    flags.deploy(&good, &flags.quick).await?;
    flags.record_as_good(&good)?;
    let bad = flags.version(true).await?;
    let number = flags.deploy(&bad, &flags.quick).await?;
    assert_eq!(flags.deployment(number).await?["State"], "COMPLETE");

    flags.kill_after("DELETE", &format!("/deployments/{number}"))?;
    let record = flags.rolled_back(&bad, &good, &format!("by reverting deployment {number}")).await?;
    flags.check_killed()?;
    assert_eq!(flags.deployment(number).await?["State"], "REVERTED");
    assert_eq!(record.left, Some(json!({"deployment": number, "version": good})));
    assert_eq!(flags.newest().await?, number, "nothing else was deployed");
    Ok(())
}

#[tokio::test]
async fn a_bad_flag_that_came_from_elsewhere_is_deployed_over_once() -> Result<()> {
    let flags = Flags::new("flag-deployed").await?;
    let good = flags.version(false).await?;
    flags.deploy(&good, &flags.quick).await?;
    // Whether this one is good was never said.
    let between = flags.version(false).await?;
    flags.deploy(&between, &flags.quick).await?;
    flags.record_as_good(&good)?;
    let bad = flags.version(true).await?;
    let number = flags.deploy(&bad, &flags.quick).await?;

    flags.kill_after("POST", "/deployments")?;
    let record = flags.rolled_back(&bad, &good, "by deploying it with AppConfig.AllAtOnce").await?;
    flags.check_killed()?;
    let started = flags.deployment(number + 1).await?;
    assert_eq!(started["ConfigurationVersion"], good.as_str());
    let why = format!("Tourniquet, incident {}: back to version {good}", record.incident_id);
    assert_eq!(started["Description"], why.as_str());
    assert_eq!(record.left, Some(json!({"deployment": number + 1, "version": good})));
    assert_eq!(flags.newest().await?, number + 1, "it was deployed once");
    Ok(())
}

/// An application of AppConfig with one environment and one profile of flags, and a service that reads them. One of a name
/// can be made on a stack.
struct Flags {
    world: World,
    name: &'static str,
    application: String,
    environment: String,
    profile: String,
    /// A strategy whose deployments are complete at once.
    quick: String,
}

impl Flags {
    async fn new(name: &'static str) -> Result<Self> {
        let world = World::get()?;
        let id = |answer: Value| answer["Id"].as_str().map(str::to_owned).context("AppConfig gave no id");
        let application = id(world.aws(&["appconfig", "create-application", "--name", name]).await?)?;
        let in_it = ["--application-id", &application];
        let create = ["appconfig", "create-environment", "--name", "prod"];
        let environment = id(world.aws(&[create.as_slice(), &in_it].concat()).await?)?;
        let hosted = ["--location-uri", "hosted", "--type", "AWS.AppConfig.FeatureFlags"];
        let create = ["appconfig", "create-configuration-profile", "--name", "flags"];
        let profile = id(world.aws(&[create.as_slice(), &hosted, &in_it].concat()).await?)?;
        let create = ["appconfig", "create-deployment-strategy", "--name", name, "--replicate-to", "NONE"];
        let at_once = ["--deployment-duration-in-minutes", "0", "--growth-factor", "100"];
        let quick = id(world.aws(&[create.as_slice(), &at_once].concat()).await?)?;
        Ok(Self { world, name, application, environment, profile, quick })
    }

    /// A new version of the flags.
    async fn version(&self, bad: bool) -> Result<String> {
        let flags = json!({"version": "1", "flags": {"one-click": {"name": "One-click orders"}}, "values": {"one-click": {"enabled": bad}}});
        let (content, into) = (flags.to_string(), tempfile::NamedTempFile::new()?);
        let create = ["appconfig", "create-hosted-configuration-version", "--application-id", &self.application];
        let what = ["--configuration-profile-id", &self.profile, "--content-type", "application/json"];
        let into = into.path().to_str().context("the folder of temporary files is not UTF-8")?;
        let answer = self.world.aws(&[create.as_slice(), &what, &["--content", &content, into]].concat()).await?;
        Ok(answer["VersionNumber"].to_string())
    }

    async fn deploy(&self, version: &str, strategy: &str) -> Result<i64> {
        let what = ["--configuration-profile-id", &self.profile, "--configuration-version", version];
        let how = ["--deployment-strategy-id", strategy];
        let started = self.ask("start-deployment", &[what.as_slice(), &how].concat()).await?;
        started["DeploymentNumber"].as_i64().context("no number")
    }

    async fn deployment(&self, number: i64) -> Result<Value> {
        self.ask("get-deployment", &["--deployment-number", &number.to_string()]).await
    }

    /// The number of the newest deployment.
    async fn newest(&self) -> Result<i64> {
        let listed = self.ask("list-deployments", &[]).await?;
        let numbers = listed["Items"].as_array().into_iter().flatten();
        numbers.filter_map(|one| one["DeploymentNumber"].as_i64()).max().context("no deployment")
    }

    async fn ask(&self, operation: &str, arguments: &[&str]) -> Result<Value> {
        let of = ["--application-id", &self.application, "--environment-id", &self.environment];
        self.world.aws(&[&["appconfig", operation], of.as_slice(), arguments].concat()).await
    }

    fn arn(&self) -> String {
        let (region, account) = (blackbox::REGION, blackbox::ACCOUNT);
        let Self { application, environment, profile, .. } = self;
        format!(
            "arn:aws:appconfig:{region}:{account}:application/{application}/environment/{environment}/configuration/{profile}"
        )
    }

    fn record_as_good(&self, version: &str) -> Result<()> {
        let change = ["change", "record", "--resource", &self.arn(), "--version", version, "--good"];
        Operator::new(&self.world.stack, "pipeline").run(&change).map(drop)
    }

    /// Kills the function that makes a call to this environment, right after it was made.
    fn kill_after(&self, method: &str, path: &str) -> Result<()> {
        let path = format!("/environments/{}{path}", self.environment);
        let when = Match { method: Some(method.to_owned()), path_contains: Some(path), ..Match::default() };
        self.world.stack.proxy().arm(&Rule {
            id: self.name.to_owned(),
            when,
            action: Action::KillAfter(true),
            times: 1,
        })
    }

    fn check_killed(&self) -> Result<()> {
        let log = self.world.stack.proxy().log()?;
        let met: Vec<_> = log.matches.iter().filter(|entry| entry.id == self.name).collect();
        ensure!(met.len() == 1 && met[0].killed.is_some(), "nothing was killed: {met:?}");
        Ok(())
    }

    /// One incident, from the first customer who could not pay to the verified mitigation.
    async fn rolled_back(&self, bad: &str, good: &str, by: &str) -> Result<MitigationRecord> {
        let Self { world, name, .. } = self;
        self.start_the_application().await?;
        ensure!(!self.customer().await?, "the flag is not bad");
        self.watch_errors().await?;
        let alarm = format!("{name}-errors");
        let planned = async || {
            self.customer().await?;
            let Some(id) = world.incidents_of(&alarm).await?.pop() else { return Ok(None) };
            Ok(world.store.mitigation(&id, 1, 1).await?)
        };
        let planned = world.until(&format!("mitigation of {alarm}"), SOON, planned).await?;
        ensure!(planned.progress == Progress::Planned, "it does not wait for approval: {planned:?}");
        assert_eq!(planned.target, self.arn());
        let summary = format!(
            "take flags of {name} in prod from version {bad} back to version {good}, the last recorded as good, {by}"
        );
        ensure!(planned.summary.starts_with(&summary), "{}", planned.summary);

        Operator::new(&world.stack, "tester").run(&["approve", &planned.incident_id, "--yes"])?;
        let ended = async || {
            self.customer().await?;
            let record = world.store.mitigation(&planned.incident_id, 1, 1).await?;
            Ok(record.filter(|record| record.progress == Progress::Ended))
        };
        let record = world.until(&format!("end of the mitigation of {alarm}"), SOON, ended).await?;
        assert_eq!(record.outcome, Some(Outcome::Verified), "{:?}", record.reason);
        ensure!(self.customer().await?, "customers cannot pay still");
        Ok(record)
    }

    /// A function under a role of its own, which may read flags and count.
    async fn start_the_application(&self) -> Result<()> {
        let role = format!("{}-{}", self.name, self.application);
        let trust = document(
            &json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        );
        let create = ["iam", "create-role", "--role-name", &role, "--assume-role-policy-document", &trust];
        let made = self.world.aws(&create).await?;
        let reads = ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"];
        let actions = [&reads[..], &["cloudwatch:PutMetricData"]].concat();
        let allowed = document(&json!({"Effect": "Allow", "Action": actions, "Resource": "*"}));
        let put = ["iam", "put-role-policy", "--role-name", &role, "--policy-name", "serve"];
        self.world.aws(&[put.as_slice(), &["--policy-document", &allowed]].concat()).await?;
        let arn = made["Role"]["Arn"].as_str().context("no role")?;
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("probe.py", SimpleFileOptions::default())?;
        archive.write_all(APPLICATION.as_bytes())?;
        self.world.probe(self.name, arn, archive.finish()?.into_inner()).await
    }

    /// One customer comes: whether the order was paid.
    async fn customer(&self) -> Result<bool> {
        let served = self.world.invoke_named(self.name, json!({"name": self.name}).to_string().as_bytes()).await?;
        let served = served.map_err(|(name, sentence)| anyhow::anyhow!("{name}: {sentence}"))?;
        served["paid"].as_bool().context("the application does not say")
    }

    /// The alarm on the errors of customers, which tells triage.
    async fn watch_errors(&self) -> Result<()> {
        let (alarm, topic) = (format!("{}-errors", self.name), self.world.stack.output("SignalsTopic")?);
        let what = ["--alarm-name", &alarm, "--namespace", "Checkout", "--metric-name", &alarm];
        let how = ["--statistic", "Sum", "--period", "10", "--evaluation-periods", "1", "--threshold", "3"];
        let when = ["--comparison-operator", "GreaterThanOrEqualToThreshold", "--treat-missing-data", "notBreaching"];
        let told = ["--alarm-actions", topic, "--ok-actions", topic];
        let put = [&["cloudwatch", "put-metric-alarm"], what.as_slice(), &how, &when, &told].concat();
        self.world.aws(&put).await.map(drop)
    }
}

fn document(statement: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}
