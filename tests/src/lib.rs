//! What the black-box tests share: the deployed local stack, its clients, and events to put into its doors.
//!
//! Every test uses names of its own: a plan of `tests/plans`, an alarm, a service. The stack comes from
//! `cargo xtask test`, or from `cargo xtask up --for-tests` for one test at a time.

pub mod bags;
pub mod consumer;
pub mod doors;
pub mod events;
pub mod fault;
pub mod functions;
pub mod look;
pub mod people;
pub mod queues;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use aws_types::SdkConfig;
use incident::{GroupKey, Incident, Status, incident_id};
use incident_store::Store;
use serde_json::Value;
use signal::{Origin, Signal};
use xtask::{
    demo::{Received, received_at},
    stack::Stack,
};

/// The account of the local stack.
pub const ACCOUNT: &str = xtask::aws::ACCOUNT;

/// The Region of the local stack.
pub const REGION: &str = xtask::aws::REGION;

/// The contract of a page: nobody waits longer for one, whatever was killed on the way.
pub const PAGE_WITHIN: Duration = Duration::from_secs(120);

/// How often the world is looked at while something is awaited.
const EVERY: Duration = Duration::from_millis(200);

/// The deployed stack, seen by its administrator.
pub struct World {
    /// The stack.
    pub stack: Stack,
    /// The incident table.
    pub store: Store,
    /// The SDK configuration of the administrator.
    pub config: SdkConfig,
    receiver: SocketAddr,
}

impl World {
    /// The stack that the tests were started with.
    pub fn get() -> Result<Self> {
        Self::of(Stack::for_tests()?)
    }

    /// A stack of a test's own.
    pub fn of(stack: Stack) -> Result<Self> {
        let receiver = stack.receiver.context("this stack has no receiver; start it with `cargo xtask test`")?;
        let config = sdk_config(&stack)?;
        let store = Store::new(&config, stack.output("Table")?);
        Ok(Self { stack, store, config, receiver })
    }

    /// What people got that names this text, in order.
    pub fn told(&self, text: &str) -> Result<Vec<Received>> {
        let names = |received: &Received| match received {
            Received::Slack { text: message, .. } => message.contains(text),
            Received::Topic { message, .. } => message.contains(text),
            Received::Refused { .. } => false,
        };
        Ok(received_at(self.receiver)?.into_iter().filter(names).collect())
    }

    /// Invokes a function through its alias and waits for its answer: what it returned, or its error as `(name, message)`.
    pub async fn invoke(&self, function: &str, payload: &[u8]) -> Result<Result<Value, (String, String)>> {
        self.invoke_named(self.stack.output(function)?, payload).await
    }

    /// The same for any function of the emulator, by its name or ARN.
    pub async fn invoke_named(&self, name: &str, payload: &[u8]) -> Result<Result<Value, (String, String)>> {
        let client = aws_sdk_lambda::Client::new(&self.config);
        let answer = client.invoke().function_name(name).payload(aws_sdk_lambda::primitives::Blob::new(payload)).send();
        let answer = answer.await.with_context(|| format!("{name} could not be invoked"))?;
        let body: Value = answer.payload().map(|p| serde_json::from_slice(p.as_ref())).transpose()?.unwrap_or_default();
        if answer.function_error().is_none() {
            return Ok(Ok(body));
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Ok(Err((text("errorType"), text("errorMessage"))))
    }

    /// Invokes a function through its alias asynchronously, as alarms, rules and topics do: nobody waits for its answer.
    pub async fn invoke_later(&self, function: &str, event: &Value) -> Result<()> {
        let payload = aws_sdk_lambda::primitives::Blob::new(event.to_string());
        let invoke = aws_sdk_lambda::Client::new(&self.config).invoke().function_name(self.stack.output(function)?);
        let invoke = invoke.invocation_type(aws_sdk_lambda::types::InvocationType::Event).payload(payload);
        invoke.send().await.with_context(|| format!("{function} could not be invoked")).map(drop)
    }

    /// Puts a message into a queue of the stack.
    pub async fn send(&self, queue: &str, body: &str) -> Result<()> {
        let client = aws_sdk_sqs::Client::new(&self.config);
        client.send_message().queue_url(self.stack.output(queue)?).message_body(body).send().await?;
        Ok(())
    }

    /// Publishes to a topic of the stack.
    pub async fn publish(&self, topic: &str, message: &str) -> Result<()> {
        let client = aws_sdk_sns::Client::new(&self.config);
        client.publish().topic_arn(self.stack.output(topic)?).message(message).send().await?;
        Ok(())
    }

    /// Waits until something is there, and says what was awaited when it is not in time.
    pub async fn until<T>(&self, what: &str, within: Duration, look: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if began.elapsed() > within {
                bail!("there was no {what} within {} s", within.as_secs());
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Waits for an incident to reach a status.
    pub async fn status(&self, id: &str, status: Status, within: Duration) -> Result<Incident> {
        let look = async || Ok(self.store.incident(id).await?.filter(|incident| incident.status == status));
        self.until(&format!("{id} that is {status}"), within, look).await
    }

    /// Every incident, whatever its status, whose title names this alarm.
    pub async fn incidents_of(&self, alarm: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for status in Status::ALL {
            let mut cursor = None;
            loop {
                let page = self.store.list(status, cursor.as_deref()).await?;
                let named = page.incidents.into_iter().filter(|line| line.title.contains(alarm));
                found.extend(named.map(|line| line.incident_id));
                match page.cursor {
                    Some(next) => cursor = Some(next),
                    None => break,
                }
            }
        }
        Ok(found)
    }
}

/// The incident that an event opens under the plan of a test: `tests/plans` names plan and service alike.
pub fn incident_of(plan: &str, event: &Value) -> Result<String> {
    let signal = read(event)?;
    let group = GroupKey::new(plan, plan, "test", signal.account.as_deref(), signal.drill);
    Ok(incident_id(&group, &signal))
}

/// Reads an event as triage does.
pub fn read(event: &Value) -> Result<Signal> {
    let origin = Origin { own_account: Some(ACCOUNT), hubs: &[] };
    let signal = signal::read_value(event, &origin).into_iter().next().context("no signal in the event")?;
    signal.map_err(|unread| anyhow::anyhow!("{unread}"))
}

fn sdk_config(stack: &Stack) -> Result<SdkConfig> {
    let pairs = stack.environment();
    let of =
        |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let env = step::Env::from([
        ("AWS_ACCESS_KEY_ID", of("AWS_ACCESS_KEY_ID")),
        ("AWS_SECRET_ACCESS_KEY", of("AWS_SECRET_ACCESS_KEY")),
        ("AWS_REGION", of("AWS_REGION")),
        ("AWS_ENDPOINT_URL", of("AWS_ENDPOINT_URL")),
    ]);
    let config = step::aws::config(&env).map_err(|e| anyhow::anyhow!("{e}"))?;
    // An invocation is awaited to its end, and a busy machine is slow.
    let patient =
        aws_smithy_types::timeout::TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(90));
    Ok(config.to_builder().timeout_config(patient.build()).build())
}
