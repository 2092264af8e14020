//! A stack with people at the end of its channels and a service that can break: what the demo and the black-box tests
//! play on.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{
    operator::Operator,
    receiver::{Receiver, TOKEN},
    service::Service,
};
use crate::{
    say::Progress,
    stack::{self, Options, Running, Stack},
    workspace::Workspace,
};

/// Deploys with mutations allowed for functions named `checkout…` and for every application of AppConfig, whose ids nobody
/// knows yet, with these plans, and with people at the end of Slack and of the topics.
pub fn deploy(
    workspace: &Workspace,
    mut options: Options,
    plans: &Path,
    receiver: &Receiver,
    progress: Progress,
) -> Result<Running> {
    options.plans = plans.to_path_buf();
    options.receiver = Some(receiver.address());
    let parameters = [
        ("Mutations", "on"),
        ("MitigateLambda", "on"),
        ("MitigateLambdaFunctions", "arn:aws:lambda:*:*:function:checkout*"),
        ("MitigateAppConfig", "on"),
        ("MitigateAppConfigApplications", "arn:aws:appconfig:*:*:application/*"),
    ];
    options.parameters.extend(parameters.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let stack = stack::up(workspace, &options, progress)?;
    progress.step("people listen at the ends of Slack and of the topics", || listen(&stack, receiver))?;
    Ok(stack)
}

/// Gives the suite its Slack token, and the topics a subscriber.
fn listen(stack: &Stack, receiver: &Receiver) -> Result<()> {
    let aws = stack.aws();
    aws.run(&["secretsmanager", "create-secret", "--name", "tourniquet/slack", "--secret-string", TOKEN])?;
    for topic in ["SignalsTopic", "PagesTopic", "FallbackTopic"] {
        let to = ["--protocol", "http", "--notification-endpoint", &receiver.topic_endpoint()];
        aws.run(&[&["sns", "subscribe", "--topic-arn", stack.output(topic)?], to.as_slice()].concat())?;
    }
    Ok(())
}

/// Version 1 of a service, healthy, recorded as good, with customers that are served.
pub fn healthy(operator: &Operator<'_>, mut service: Service) -> Result<Service> {
    let deployed = service.do_and_wait("deploy", "deployed")?;
    record_change(operator, &deployed, true)?;
    open(&mut service)?;
    Ok(service)
}

/// Customers come, and are served.
pub(super) fn open(service: &mut Service) -> Result<()> {
    service.tell("customers")?;
    service.wait_for("served", |served| served["paid"].as_u64() > Some(0) && served["failed"] == 0).map(drop)
}

/// Version 2 goes live, and it is bad.
pub fn break_it(operator: &Operator<'_>, service: &mut Service) -> Result<()> {
    release(operator, service, "")
}

/// Another target of the same kind, beside the one that customers depend on: version 1, recorded as good, then version 2.
pub(super) fn also(operator: &Operator<'_>, service: &mut Service, name: &str) -> Result<()> {
    let deployed = service.do_and_wait(&format!("also {name}"), "deployed")?;
    record_change(operator, &deployed, true)?;
    release(operator, service, name)
}

fn release(operator: &Operator<'_>, service: &mut Service, name: &str) -> Result<()> {
    let released = service.do_and_wait(&format!("release {name}"), "released")?;
    record_change(operator, &released, false)
}

fn record_change(operator: &Operator<'_>, event: &Value, good: bool) -> Result<()> {
    let field = |name: &str| event[name].as_str().context("The service did not say what it changed");
    let change = ["change", "record", "--resource", field("resource")?, "--version", field("version")?];
    operator.run(&[change.as_slice(), if good { &["--good"] } else { &[] }].concat()).map(drop)
}
