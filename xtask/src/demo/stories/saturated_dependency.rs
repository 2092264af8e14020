//! A consumer takes all of a dependency that another service needs. It is taken out of the way on approval, and the
//! incident stays mitigated until the dependency is well and the consumer is back.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Story, WrongTarget};
use crate::demo::{
    acts,
    plans::{PROOF_OF_LIFE, SHORT_CLEAR_PERIOD},
    scene,
    service::Service,
    telling::Telling,
    watch::Watch,
};

pub(super) static STORY: Story = Story {
    name: "saturated-dependency",
    says: "a consumer that saturates what checkout needs is taken out of the way, and put back when that is well.",
    plan: "checkout-saturated-dependency.yaml",
    waits: &[&PROOF_OF_LIFE, &SHORT_CLEAR_PERIOD],
    wrong_target: Some(WrongTarget {
        shipped: "disable-event-source-mapping: { function: checkout-reindex, source: checkout-reindex }",
        wrong: "disable-event-source-mapping: { function: checkout-receipts, source: checkout-receipts }",
        says: "the consumer of the receipts instead of the one that reindexes",
    }),
    tell,
};

fn tell(telling: &Telling<'_>) -> Result<Value> {
    let mut service = telling.step("checkout, its inventory and the reindexer run; customers are served", || {
        let mut service = Service::dependent(telling.stack, "checkout", "DependencyErrors", "Orders", "0.04")?;
        service.do_and_wait("deploy", "deployed")?;
        scene::open(&mut service)?;
        Ok(service)
    })?;
    if telling.wrong_target {
        telling
            .step("receipts, another consumer, runs beside it", || service.do_and_wait("also receipts", "deployed"))?;
    }
    telling.step("everything is indexed anew, which takes the whole inventory", || {
        service.do_and_wait("reindex", "reindexing")
    })?;
    let mut watch = telling.incident(&mut service)?;
    acts::acknowledge(&mut watch)?;
    acts::approve(&mut watch)?;
    if telling.wrong_target {
        acts::in_vain(&mut watch)?;
        mapping(&mut service, "receipts", "Disabled")?;
        mapping(&mut service, "reindex", "Enabled")?;
    } else {
        acts::ended(&mut watch, "verified")?;
        stays_mitigated(&mut watch, &mut service)?;
        put_back(&mut watch, &mut service)?;
        acts::resolved(&mut watch)?;
        mapping(&mut service, "reindex", "Enabled")?;
    }
    watch.now()
}

/// It is clear for longer than the plan asks for, and not resolved: nothing is indexed.
fn stays_mitigated(watch: &mut Watch<'_>, service: &mut Service) -> Result<()> {
    let is_said =
        |entry: &Value| entry["what"].as_str().is_some_and(|what| what.starts_with("clear, and not resolved"));
    let has_held = |shown: &Value| shown["timeline"].as_array().is_some_and(|entries| entries.iter().any(is_said));
    let shown = watch.until("the end of a clear period that does not resolve it", has_held)?;
    ensure!(shown["incident"]["status"] == "mitigated", "The incident is not mitigated: {}", shown["incident"]);
    let idle = mapping(service, "reindex", "Disabled")?;
    ensure!(idle["running"] == 0 && idle["waiting"].as_u64() > Some(0), "The consumer is not out: {idle}");
    watch.say(
        "the demo",
        &format!("clear for longer than it has to be, and still mitigated: {} articles wait", idle["waiting"]),
    );
    Ok(())
}

/// The inventory is made large enough; then the consumer comes back, and works.
fn put_back(watch: &mut Watch<'_>, service: &mut Service) -> Result<()> {
    service.do_and_wait("widen", "widened")?;
    watch.say("the demo", "the inventory is large enough now for checkout and the reindexer");
    watch.ask("mitigate undo", &["--yes"])?;
    watch.until("the consumer being back", |shown| !shown["mitigations"][0]["put_back"].is_null())?;
    service.do_and_wait("work reindex", "working")?;
    watch.say("the demo", "the reindexer works again, and customers are served beside it");
    Ok(())
}

/// What a consumer's mapping really is; fails unless it is in this state, in Lambda's word.
fn mapping(service: &mut Service, consumer: &str, state: &str) -> Result<Value> {
    let found = service.do_and_wait(&format!("mapping {consumer}"), "mapping")?;
    ensure!(found["state"] == state, "The mapping of {consumer} is not {state}: {found}");
    Ok(found)
}
