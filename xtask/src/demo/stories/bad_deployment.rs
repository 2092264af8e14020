//! A bad deployment is acknowledged, rolled back on approval, verified.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Story, WrongTarget};
use crate::demo::{
    acts,
    plans::{CLEAR_PERIOD, PROOF_OF_LIFE, Shortened},
    scene,
    service::Service,
    telling::Telling,
};

pub(super) static STORY: Story = Story {
    name: "bad-deployment",
    says: "a bad deployment is paged, acknowledged, rolled back on approval and verified.",
    plan: PLAN,
    waits: WAITS,
    wrong_target: Some(WrongTarget {
        shipped: "alias: live",
        wrong: "alias: canary",
        says: "the alias canary instead of live",
    }),
    tell,
};

/// The plan of every story about a bad deployment.
pub(super) const PLAN: &str = "checkout-bad-deployment.yaml";

/// Its waits that are shortened.
pub(super) const WAITS: &[&Shortened] = &[&PROOF_OF_LIFE, &CLEAR_PERIOD];

fn tell(telling: &Telling<'_>) -> Result<Value> {
    let mut service = healthy(telling)?;
    if telling.wrong_target {
        telling.step("checkout 2 goes to the alias canary first, which no customer uses", || {
            scene::also(&telling.operator, &mut service, "canary")
        })?;
    }
    deploy_badly(telling, &mut service)?;
    let mut watch = telling.incident(&mut service)?;
    acts::acknowledge(&mut watch)?;
    acts::approve(&mut watch)?;
    if telling.wrong_target {
        acts::in_vain(&mut watch)?;
        serves(&mut service, "canary", "1")?;
        serves(&mut service, "live", "2")?;
    } else {
        acts::resolved(&mut watch)?;
        acts::ended(&mut watch, "verified")?;
        serves(&mut service, "live", "1")?;
    }
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

/// Fails unless an alias serves this version; customers use `live`.
pub(super) fn serves(service: &mut Service, alias: &str, version: &str) -> Result<()> {
    let found = service.do_and_wait(&format!("alias {alias}"), "alias")?;
    ensure!(found["version"] == version, "The alias {alias} is not at version {version}: {found}");
    Ok(())
}
