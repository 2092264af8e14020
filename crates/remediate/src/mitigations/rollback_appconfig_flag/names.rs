//! What a plan names, by name or by id, as the ids that AppConfig's calls take.

use aws_sdk_appconfig::Client;
use step::{StepError, sdk_error};

/// What to look at where AppConfig says no.
const REACH: &str = "the stack's parameter MitigateAppConfigApplications says of which they may";

/// What a plan says of the flags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) application: &'a str,
    pub(super) environment: &'a str,
    pub(super) profile: &'a str,
}

/// The same as AppConfig knows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) application: String,
    pub(super) environment: String,
    pub(super) profile: String,
}

/// Asks AppConfig for the ids. A name may have the shape of an id, so both are looked for in what it lists.
///
/// # Errors
/// `Refused` where a name means nothing or several things; `Transient` or `Stuck` where AppConfig does not list them.
pub(super) async fn resolve(client: &Client, names: Names<'_>) -> Result<Ids, StepError> {
    let listed = client.list_applications().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let listed = listed.map_err(|e| sdk_error("the applications of AppConfig could not be listed", e))?;
    let listed = listed.iter().map(|one| (one.id(), one.name()));
    let application = pick("application", names.application, listed)?;

    let request = client.list_environments().application_id(&application).into_paginator().items();
    let listed = request.send().collect::<Result<Vec<_>, _>>().await;
    let failed = format!("the environments of the application {} could not be listed; {REACH}", names.application);
    let listed = listed.map_err(|e| sdk_error(failed, e))?;
    let environment = pick("environment", names.environment, listed.iter().map(|one| (one.id(), one.name())))?;

    let request = client.list_configuration_profiles().application_id(&application).into_paginator().items();
    let listed = request.send().collect::<Result<Vec<_>, _>>().await;
    let failed =
        format!("the configuration profiles of the application {} could not be listed; {REACH}", names.application);
    let listed = listed.map_err(|e| sdk_error(failed, e))?;
    let profile = pick("configuration profile", names.profile, listed.iter().map(|one| (one.id(), one.name())))?;

    Ok(Ids { application, environment, profile })
}

/// The one thing that is named, by its id or by its name.
fn pick<'a>(
    what: &str,
    wanted: &str,
    listed: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
) -> Result<String, StepError> {
    let found = listed.filter(|(id, name)| *id == Some(wanted) || *name == Some(wanted));
    let ids: Vec<&str> = found.filter_map(|(id, _)| id).collect();
    match ids[..] {
        [id] => Ok(id.to_owned()),
        [] => Err(StepError::refused(format!("AppConfig has no {what} `{wanted}` here; mend the plan"))),
        _ => Err(StepError::refused(format!(
            "`{wanted}` means more than one {what} ({}); name it by its id in the plan",
            ids.join(", ")
        ))),
    }
}

#[cfg(test)]
#[path = "names_test.rs"]
mod tests;
