//! A bad version of a feature flag is acknowledged, rolled back on approval, verified.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Story, WrongTarget};
use crate::demo::{
    acts,
    plans::{CLEAR_PERIOD, PROOF_OF_LIFE},
    scene,
    service::Service,
    telling::Telling,
};

pub(super) static STORY: Story = Story {
    name: "bad-flag",
    says: "a bad version of a feature flag is paged, acknowledged, rolled back on approval and verified.",
    plan: "checkout-bad-flag.yaml",
    waits: &[&PROOF_OF_LIFE, &CLEAR_PERIOD],
    wrong_target: Some(WrongTarget {
        shipped: "profile: flags",
        wrong: "profile: banners",
        says: "the flags of the banners instead of checkout's own",
    }),
    tell,
};

fn tell(telling: &Telling<'_>) -> Result<Value> {
    let mut service = telling.step("flags 1 deployed and recorded as good; customers are served", || {
        scene::healthy(&telling.operator, Service::flagged(telling.stack, "checkout", "FlagErrors", "Orders", "0.04")?)
    })?;
    if telling.wrong_target {
        telling.step("banners 2 are deployed, which break nothing", || {
            scene::also(&telling.operator, &mut service, "banners")
        })?;
    }
    telling.step("flags 2 are deployed, and they are bad", || scene::break_it(&telling.operator, &mut service))?;
    let mut watch = telling.incident(&mut service)?;
    acts::acknowledge(&mut watch)?;
    acts::approve(&mut watch)?;
    if telling.wrong_target {
        acts::in_vain(&mut watch)?;
        is(&mut service, "banners", false)?;
        is(&mut service, "flags", true)?;
    } else {
        acts::resolved(&mut watch)?;
        acts::ended(&mut watch, "verified")?;
        is(&mut service, "flags", false)?;
    }
    watch.now()
}

/// Fails unless AppConfig serves the one flag of a profile as this; version 2 has it on.
fn is(service: &mut Service, profile: &str, on: bool) -> Result<()> {
    let found = service.do_and_wait(&format!("flag {profile}"), "flag")?;
    ensure!(found["on"] == on, "The flag of {profile} is not {}: {found}", if on { "on" } else { "off" });
    Ok(())
}
