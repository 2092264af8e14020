//! What is to be muted, and which mute is taken back.

use incident::Scope;
use serde_json::Value;

use super::{Asked, exact, needed};

/// The longest time that somebody may mute anything by hand, in minutes: what is quiet for longer belongs into
/// `mutes.yaml`, or into a plan.
const MOST: i64 = 24 * 60;

pub(super) fn mute(args: &Value) -> Result<Asked, String> {
    let reason = needed(args, "reason", "say why it is muted")?;
    let minutes = args["minutes"].as_i64().filter(|m| (1..=MOST).contains(m));
    let minutes = minutes.ok_or_else(|| format!("`minutes` must be from 1 to {MOST}"))?;
    Ok(Asked::Mute { scope: scope(args)?, reason, minutes })
}

pub(super) fn unmute(args: &Value) -> Result<Asked, String> {
    Ok(Asked::Unmute { id: exact(args, "id", "name the mute, as `tourniquet mutes` lists it")? })
}

/// One thing alone, so that nobody mutes less, or more, than they meant.
fn scope(args: &Value) -> Result<Scope, String> {
    let said = |name: &str| if args[name].is_null() { Ok(None) } else { exact(args, name, "name it").map(Some) };
    let scope = Scope {
        plan: said("plan")?,
        service: said("service")?,
        environment: said("environment")?,
        fingerprint: said("fingerprint")?,
    };
    let things = [&scope.plan, &scope.service, &scope.fingerprint].into_iter().flatten().count();
    if things != 1 {
        return Err("name one of `plan`, `service` and `fingerprint` that is muted".to_owned());
    }
    if scope.environment.is_some() && scope.service.is_none() {
        return Err("`environment` stands beside `service` alone: a plan or a failing thing has its own".to_owned());
    }
    Ok(scope)
}
