//! AppConfig: deployments of configurations and feature flags, as its EventBridge extension tells them.
//!
//! A deployment that was rolled back fires; the next one of the same profile to the same environment that completes recovers.

use crate::arn::{console, percent_encoded};
use crate::event::{Event, Thing};
use crate::source::{Reader, Rule, Source};
use crate::{Kind, Signal, State, Unread, shown};

pub(crate) const SOURCE: Source = Source {
    name: "appconfig",
    rules: &[Rule {
        event: "AppConfigEvents",
        pattern: r#"{
            "source": ["aws.appconfig"],
            "detail-type": ["On Deployment Rolled Back", "On Deployment Complete"]
        }"#,
    }],
    reader: Reader::Event(&["aws.appconfig"], read),
};

fn read(event: &Event) -> Option<Result<Signal, Unread>> {
    event.detail_type.starts_with("On Deployment").then(|| deployment(event))
}

fn deployment(event: &Event) -> Result<Signal, Unread> {
    let said = event.text("/Type").unwrap_or(event.detail_type).replace(' ', "");
    let (state, done) = match said.as_str() {
        "OnDeploymentRolledBack" => (State::Firing, "was rolled back"),
        "OnDeploymentComplete" => (State::Recovered, "is deployed"),
        "OnDeploymentStart" => (State::Info, "is being deployed"),
        "OnDeploymentBaking" => (State::Info, "is deployed and watched"),
        _ => (State::Info, "is on its way"),
    };
    let part = |name: &str| {
        let id = event.text(&format!("/{name}/Id"))?;
        Some((id, event.text(&format!("/{name}/Name")).unwrap_or(id)))
    };
    let (Some(application), Some(environment), Some(profile)) =
        (part("Application"), part("Environment"), part("ConfigurationProfile"))
    else {
        return Err(event.lacks("which application, environment and profile it is of"));
    };
    let resource = format!("application/{}/environment/{}/configuration/{}", application.0, environment.0, profile.0);
    let title =
        format!("Configuration {} of {} {done} in {}", shown(profile.1), shown(application.1), shown(environment.1));
    let link = event.region().and_then(|region| {
        let application = percent_encoded(application.0);
        console(region, &format!("systems-manager/appconfig/applications/{application}/environments?region={region}"))
    });
    let thing = Thing::of(event.arn("appconfig", &resource), &resource);
    let reason = event.first(&["/Description", "/EventDescription", "/RollbackReason"]);
    event.draft(Kind::Deployment, state, thing, title).because(reason).link(link).signal()
}
