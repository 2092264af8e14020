//! The same signal comes again, by the other door: the alarm's event, forwarded over the bus.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{receiver::Received, service::Service, watch::Watch};

/// Sends what came by the topic of alarms again: it may change nothing.
pub(super) fn again(watch: &Watch<'_>, alarms: &str, service: &mut Service) -> Result<()> {
    let alarm = watch.people.received().into_iter().find_map(|received| match received {
        // The suite's own alarms go to another topic.
        Received::Topic { topic, message, .. } if topic == alarms => {
            serde_json::from_str::<Value>(&message).ok().filter(|alarm| alarm["NewStateValue"] == "ALARM")
        }
        _ => None,
    });
    let alarm = alarm.context("The alarm's message did not reach its topic")?;
    let forwarded = service.do_and_wait(&format!("forward {}", as_event(&alarm)), "forwarded")?;
    ensure!(forwarded["failed"] == 0, "The bus did not take the forwarded event: {forwarded}");
    watch.say("the demo", "sends the same signal again, by the EventBridge rule: it may change nothing");
    Ok(())
}

/// The event that CloudWatch puts on the bus, beside the message to the alarm's topic; the emulator does not.
fn as_event(alarm: &Value) -> Value {
    let text = |name: &str| alarm[name].as_str().unwrap_or_default();
    let (name, account, region) = (text("AlarmName"), text("AWSAccountId"), text("Region"));
    json!({
        "version": "0", "id": "00000000-0000-0000-0000-000000000001", "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change", "account": account, "region": region,
        "time": text("StateChangeTime"), "resources": [format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}")],
        "detail": {
            "alarmName": name,
            "state": {
                "value": "ALARM", "reason": text("NewStateReason"), "timestamp": text("StateChangeTime"),
            },
            "previousState": {"value": text("OldStateValue")},
        },
    })
}
