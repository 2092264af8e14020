//! A bad deployment is acknowledged, rolled back on approval, verified.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Story;
use crate::demo::{acts, scene, service::Service, telling::Telling};

pub(super) static STORY: Story = Story {
    name: "bad-deployment",
    says: "a bad deployment is paged, acknowledged, rolled back on approval and verified.",
    plan: PLAN,
    tell,
};

/// The plan of every story about a bad deployment.
pub(super) const PLAN: &str = "checkout-bad-deployment.yaml";

fn tell(telling: &Telling<'_>) -> Result<Value> {
    let mut service = healthy(telling)?;
    deploy_badly(telling, &mut service)?;
    let mut watch = telling.incident(&mut service)?;
    acts::acknowledge(&mut watch)?;
    acts::approve(&mut watch)?;
    acts::resolved(&mut watch)?;
    acts::ended(&mut watch, "verified")?;
    serves(&mut service, "1")?;
    watch.now()
}

/// Version 1 of checkout serves its customers.
pub(super) fn healthy(telling: &Telling<'_>) -> Result<Service> {
    telling.step("checkout 1 deployed and recorded as good; customers are served", || {
        scene::healthy(&telling.operator, Service::start(telling.stack, "checkout", "Errors", "Orders", "0.04")?)
    })
}

/// Version 2 takes its place.
pub(super) fn deploy_badly(telling: &Telling<'_>, service: &mut Service) -> Result<()> {
    telling.step("checkout 2 goes live, and it is bad", || scene::break_it(&telling.operator, service))
}

/// Fails unless the alias that customers use serves this version.
pub(super) fn serves(service: &mut Service, version: &str) -> Result<()> {
    let alias = service.do_and_wait("alias live", "alias")?;
    ensure!(alias["version"] == version, "The alias is not at version {version}: {alias}");
    Ok(())
}
