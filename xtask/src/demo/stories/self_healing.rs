//! A bad deployment recovers before anybody approves: what waits for approval is cancelled, and nothing is changed.

use anyhow::Result;
use serde_json::Value;

use super::{
    Story,
    bad_deployment::{PLAN, WAITS, deploy_badly, healthy, serves},
};
use crate::demo::{acts, telling::Telling};

pub(super) static STORY: Story = Story {
    name: "self-healing",
    says: "a bad deployment is acknowledged, and recovers before anybody approves.",
    plan: PLAN,
    waits: WAITS,
    wrong_target: None,
    tell,
};

fn tell(telling: &Telling<'_>) -> Result<Value> {
    let mut service = healthy(telling)?;
    deploy_badly(telling, &mut service)?;
    let mut watch = telling.incident(&mut service)?;
    acts::acknowledge(&mut watch)?;
    acts::planned(&mut watch)?;
    service.do_and_wait("update-shops", "shops-updated")?;
    watch.say("the demo", "the shops send now what version 2 needs: it recovers before anybody approves");
    acts::resolved(&mut watch)?;
    acts::ended(&mut watch, "cancelled")?;
    serves(&mut service, "live", "2")?;
    watch.now()
}
