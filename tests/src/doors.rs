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
            Self::Forwarded => world.put_event(&alarm.forwarded(state, at)).await,
        }
    }
}

impl World {
    /// Puts an event on the bus, which gives it its own account and time.
    pub async fn put_event(&self, event: &Value) -> Result<()> {
        let (source, detail_type) = (&event["source"], &event["detail-type"]);
        let entry = json!([{"Source": source, "DetailType": detail_type, "Detail": event["detail"].to_string()}]);
        let put = self.aws(&["events", "put-events", "--entries", &entry.to_string()]).await?;
        ensure!(put["FailedEntryCount"] == 0, "the bus refused an event of {source}: {put}");
        Ok(())
    }

    /// Brings events over the bus to triage as they are, by a rule that is there only for that: nobody may put those of
    /// AWS's own services. `name` is the rule's, and no other test's; a rule has at most five targets.
    pub async fn by_rule(&self, name: &str, events: &[Value]) -> Result<()> {
        let source = format!("blackbox.{name}");
        let pattern = json!({"source": [source]}).to_string();
        self.aws(&["events", "put-rule", "--name", name, "--event-pattern", &pattern]).await?;
        let triage = self.stack.output("TriageFunction")?;
        let target =
            |(n, event): (usize, &Value)| json!({"Id": n.to_string(), "Arn": triage, "Input": event.to_string()});
        let targets: Value = events.iter().enumerate().map(target).collect();
        self.aws(&["events", "put-targets", "--rule", name, "--targets", &targets.to_string()]).await?;
        self.put_event(&json!({"source": source, "detail-type": "Test", "detail": {}})).await
    }

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
