//! Purpose: the safest way out of an incident: plan one mitigation, apply it once it is approved, verify that it helped,
//! take it back where it made things worse or a person asks, cancel it when recovery comes first, and say whether it is
//! in force, which keeps the incident from being resolved where it takes something away.
//! Reads: the incident, its mitigation record, the brake, the ledger of changes; through the role
//! `tourniquet-mitigate-<family>` of the resource's account the opening alarm, the target, and the metric of proof of life.
//! Writes: the record `MIT#<opening>#<n>`, the lock of the target, the timeline, the status `mitigated`; through the role
//! the target; to Step Functions the end of a wait for approval.
//! Undo: the action `undo`, by itself where verification saw things get worse, else when a person asks. Retry: safe after a kill at any point; each step of the record is one conditional write, and
//! the change itself a compare-and-set on what was planned.

mod alarm;
mod apply;
mod cancel;
mod families;
mod guards;
mod in_force;
mod metrics;
mod mitigations;
mod plan;
mod put_back;
mod roles;
#[cfg(test)]
mod testing;
mod undo;
mod verify;
mod wake;
mod work;

pub use crate::families::{Family, Scope};
pub use crate::mitigations::{KINDS, Kind};

use futures_util::future::BoxFuture;
use incident::V;
use incident_store::Store;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use step::{Env, StepError};

use crate::work::Work;

/// What the state machines send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Input {
    /// The version of this message.
    pub v: u32,
    /// The incident.
    pub incident_id: String,
    /// Its opening.
    pub opening: u32,
    /// Which mitigation of the opening, from 1.
    pub n: u32,
    /// What to do.
    pub action: Action,
    /// For `in-force`: when the clear period began that has just held.
    #[serde(default)]
    pub held_from: Option<Timestamp>,
}

/// The steps of a mitigation's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Look at the present state, and record what would be changed.
    Plan,
    /// Make the change, if it is approved.
    Apply,
    /// Look whether it helped.
    Verify,
    /// Take it back.
    Undo,
    /// Recovery came first: what still waits for approval ends.
    Cancel,
    /// Whether something of the opening is in force that keeps the incident from being resolved.
    InForce,
}

/// What the state machines read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// Where to go on.
    Next {
        /// The next step.
        next: Next,
        /// How long to wait before it, in seconds.
        wait_s: u64,
    },
    /// The answer to `cancel`.
    Settled {
        /// Whether nothing waits and nothing is being changed any more; if not, ask again.
        settled: bool,
    },
    /// The answer to `in-force`.
    Standing {
        /// What the incident does next.
        next: Standing,
        /// The mitigation that it waits for, where it waits; else 0.
        n: u32,
    },
}

/// What an incident does that has stayed clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nothing keeps it from being resolved.
    Resolve,
    /// Something is in force: it waits until that is back.
    Wait,
    /// Something came back, or changed otherwise: recovery has to hold again.
    Again,
}

/// The next step of the state machine `mitigate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Next {
    /// Ask for approval.
    Approve,
    /// Verify.
    Verify,
    /// Verify again.
    Again,
    /// Take it back.
    Undo,
    /// Nothing more is done; people are told how it ended.
    Stop,
}

impl Output {
    /// The end of the line, at once.
    const STOP: Self = Self::Next { next: Next::Stop, wait_s: 0 };
}

/// What the function holds from one call to the next.
#[derive(Debug)]
pub struct Ctx {
    store: Store,
    sts: aws_sdk_sts::Client,
    sfn: aws_sdk_sfn::Client,
    config: aws_types::SdkConfig,
    partition: String,
    mutations: bool,
}

impl Ctx {
    /// Builds the clients from `TABLE`, `MUTATIONS` (anything but `on` is off) and `PARTITION` (`aws` by default); nothing
    /// is asked of the network.
    ///
    /// # Errors
    /// `Stuck` where the environment lacks what template.yaml gives; the function cannot start.
    pub fn new(env: &Env) -> Result<Self, StepError> {
        let config = step::aws::config(env)?;
        Ok(Self {
            store: Store::new(&config, env.get("TABLE")?),
            sts: aws_sdk_sts::Client::new(&config),
            sfn: aws_sdk_sfn::Client::new(&config),
            config,
            partition: env.find("PARTITION").unwrap_or_else(|| "aws".to_owned()),
            mutations: env.find("MUTATIONS").as_deref() == Some("on"),
        })
    }
}

/// Does one step of a mitigation's life.
///
/// # Errors
/// `Rejected` for an unknown incident, another opening, or a step that does not follow; `Refused` where a guard said no,
/// which is recorded, and a person is told; `Stuck` where the target is in a state that was neither found nor made here;
/// `Transient` is retried.
pub async fn handle(ctx: &Ctx, input: Input) -> Result<Output, StepError> {
    if input.v != V {
        return Err(StepError::rejected(format!(
            "input version {} is not known here; this release reads {V}",
            input.v
        )));
    }
    let incident = ctx.store.load_in(&input.incident_id, input.opening).await?;
    if incident.opening != input.opening {
        let (id, now) = (incident.id(), incident.opening);
        return Err(StepError::rejected(format!("{id} is in opening {now}, and this step is about {}", input.opening)));
    }
    let work = Work { ctx, incident, n: input.n, now: step::now() };
    let step: BoxFuture<'_, _> = match input.action {
        Action::Plan => Box::pin(plan::plan(&work)),
        Action::Apply => Box::pin(apply::apply(&work)),
        Action::Verify => Box::pin(verify::verify(&work)),
        Action::Undo => Box::pin(undo::undo(&work)),
        Action::Cancel => Box::pin(cancel::cancel(&work)),
        Action::InForce => Box::pin(in_force::in_force(&work, input.held_from)),
    };
    step.await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_state_machines_words_are_understood() {
        for (action, expect) in [
            ("plan", Action::Plan),
            ("apply", Action::Apply),
            ("verify", Action::Verify),
            ("undo", Action::Undo),
            ("cancel", Action::Cancel),
            ("in-force", Action::InForce),
        ] {
            let input =
                json!({"v": 1, "incident_id": "inc-20261123-0123456789", "opening": 1, "n": 1, "action": action});
            let read: Input = serde_json::from_value(input).unwrap();
            assert_eq!((read.action, read.held_from), (expect, None));
        }
        let since = json!({
            "v": 1, "incident_id": "x", "opening": 1, "n": 1, "action": "in-force", "held_from": "2026-11-23T14:05:10.123Z",
        });
        let read: Input = serde_json::from_value(since).unwrap();
        assert_eq!(read.held_from, Some("2026-11-23T14:05:10.123Z".parse().unwrap()));
        let unknown = json!({"v": 1, "incident_id": "x", "opening": 1, "n": 1, "action": "explode"});
        assert!(serde_json::from_value::<Input>(unknown).is_err());
    }

    #[test]
    fn the_state_machines_get_the_words_they_know() {
        let again = Output::Next { next: Next::Again, wait_s: 5 };
        assert_eq!(serde_json::to_value(again).unwrap(), json!({"next": "again", "wait_s": 5}));
        assert_eq!(serde_json::to_value(Output::STOP).unwrap(), json!({"next": "stop", "wait_s": 0}));
        assert_eq!(serde_json::to_value(Output::Settled { settled: true }).unwrap(), json!({"settled": true}));
        for (next, word) in [(Standing::Resolve, "resolve"), (Standing::Wait, "wait"), (Standing::Again, "again")] {
            assert_eq!(serde_json::to_value(Output::Standing { next, n: 2 }).unwrap(), json!({"next": word, "n": 2}));
        }
    }

    #[test]
    fn mutations_are_off_unless_the_deployment_says_on() {
        for (set, on) in [(None, false), (Some("off"), false), (Some("On"), false), (Some("on"), true)] {
            let pairs = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "eu-west-1")];
            let env = [pairs[0], pairs[1], pairs[2], ("TABLE", "tourniquet"), ("MUTATIONS", set.unwrap_or_default())];
            assert_eq!(Ctx::new(&Env::from(env)).unwrap().mutations, on, "{set:?}");
        }
    }
}
