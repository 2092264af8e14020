//! The doors through which a signal can come, each as far as the emulator goes.

use anyhow::{Result, anyhow, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{World, events::Alarm};

/// One way from an alarm to triage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The EventBridge rule; events of AWS services cannot be put by hand, so triage is invoked with what the rule hands on.
    Rule,
    /// The topic, which the alarm publishes to.
    Topic,
    /// The alarm's own action, which invokes triage.
    Action,
    /// The bus, to which another Region or account forwards.
    Forwarded,
    /// The queue `signals`, where what could not be delivered lands.
    Queue,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rule, Self::Topic, Self::Action, Self::Forwarded, Self::Queue];

    /// Brings a state of an alarm through this door. Only [`Door::Rule`] and [`Door::Action`] are done when this is.
    pub async fn bring(self, world: &World, alarm: &Alarm, state: &str, at: Timestamp) -> Result<()> {
        match self {
            Self::Rule => world.take(&alarm.event(state, at)).await.map(drop),
            Self::Action => world.take(&alarm.action(state, at)).await.map(drop),
            Self::Topic => world.publish("SignalsTopic", &alarm.message(state, at).to_string()).await,
            Self::Queue => world.send("SignalsQueue", &alarm.event(state, at).to_string()).await,
            Self::Forwarded => {
                let forwarded = alarm.forwarded(state, at);
                let entry = json!([{
                    "Source": forwarded["source"], "DetailType": forwarded["detail-type"],
                    "Detail": forwarded["detail"].to_string(),
                }]);
                let put = world.aws(&["events", "put-events", "--entries", &entry.to_string()]).await?;
                ensure!(put["FailedEntryCount"] == 0, "the bus refused a forwarded event: {put}");
                Ok(())
            }
        }
    }
}

impl World {
    /// Invokes triage with an event that has one signal, and returns what became of it.
    pub async fn take(&self, event: &Value) -> Result<Value> {
        let answer = self.invoke("TriageFunction", event.to_string().as_bytes()).await?;
        let answer = answer.map_err(|(name, sentence)| anyhow!("triage failed with {name}: {sentence}"))?;
        ensure!(answer["results"].as_array().is_some_and(|results| results.len() == 1), "not one result: {answer}");
        Ok(answer["results"][0].clone())
    }

    /// Brings a state by the rule, and returns what became of it.
    pub async fn alarm(&self, alarm: &Alarm, state: &str, at: Timestamp) -> Result<Value> {
        self.take(&alarm.event(state, at)).await
    }
}
