//! A consumer that saturates what it depends on: a function, the queue that feeds it, and an alarm that fires while both
//! are so. What its metrics show follows from what the event source mapping really is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricDatum, Statistic};

use crate::World;

/// How often its metrics are published.
const EVERY: Duration = Duration::from_millis(500);

/// It works, and its metrics are published, until it is dropped.
pub struct Consumer {
    /// The alarm that fires while its dependency is saturated.
    pub alarm: String,
    /// The id of the event source mapping.
    pub uuid: String,
    lambda: aws_sdk_lambda::Client,
    saturates: Arc<AtomicBool>,
    served: Arc<AtomicBool>,
    metrics: tokio::task::JoinHandle<()>,
}

impl Consumer {
    /// Makes all of it under this name, as a zipped `probe.py` says that the function works, and saturates at once.
    pub async fn start(world: &World, name: &str, zipped: Vec<u8>) -> Result<Self> {
        let queue = aws_sdk_sqs::Client::new(&world.config).create_queue().queue_name(format!("{name}-orders"));
        queue.send().await?;
        world.probe(name, &world.role_of("CommandFunction").await?, zipped).await?;
        let lambda = aws_sdk_lambda::Client::new(&world.config);
        let source = format!("arn:aws:sqs:{}:{}:{name}-orders", crate::REGION, crate::ACCOUNT);
        let mapping = lambda.create_event_source_mapping().function_name(name).event_source_arn(source).send().await?;
        let uuid = mapping.uuid().context("a mapping without an id")?.to_owned();
        let (cloudwatch, topic) = (aws_sdk_cloudwatch::Client::new(&world.config), world.stack.output("SignalsTopic")?);
        let alarm = format!("{name}-refused");
        let put = cloudwatch.put_metric_alarm().alarm_name(&alarm).namespace("Checkout").metric_name(&alarm);
        let put = put.statistic(Statistic::Sum).period(10).evaluation_periods(1).threshold(3.0);
        let put = put.comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold);
        put.treat_missing_data("notBreaching").alarm_actions(topic).ok_actions(topic).send().await?;
        let (saturates, served) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
        let publisher = Publisher {
            cloudwatch,
            lambda: lambda.clone(),
            name: name.to_owned(),
            uuid: uuid.clone(),
            saturates: saturates.clone(),
            served: served.clone(),
        };
        let metrics = tokio::spawn(publisher.run());
        Ok(Self { alarm, uuid, lambda, saturates, served, metrics })
    }

    /// From now on its dependency bears it.
    pub fn is_borne(&self) {
        self.saturates.store(false, Ordering::Relaxed);
    }

    /// From now on nothing shows that the dependency serves anybody.
    pub fn goes_dark(&self) {
        self.served.store(false, Ordering::Relaxed);
    }

    /// The state of the mapping, in Lambda's word.
    pub async fn state(&self) -> Result<String> {
        state(&self.lambda, &self.uuid).await
    }

    /// Switches the mapping on as a person does in the console.
    pub async fn switch_on_by_hand(&self) -> Result<()> {
        self.lambda.update_event_source_mapping().uuid(&self.uuid).enabled(true).send().await?;
        Ok(())
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.metrics.abort();
    }
}

async fn state(lambda: &aws_sdk_lambda::Client, uuid: &str) -> Result<String> {
    let found = lambda.get_event_source_mapping().uuid(uuid).send().await?;
    Ok(found.state().context("a mapping without a state")?.to_owned())
}

struct Publisher {
    cloudwatch: aws_sdk_cloudwatch::Client,
    lambda: aws_sdk_lambda::Client,
    name: String,
    uuid: String,
    saturates: Arc<AtomicBool>,
    served: Arc<AtomicBool>,
}

impl Publisher {
    async fn run(self) {
        loop {
            // A stack that is slow or gone shows in what the test awaits.
            let _ = self.publish().await;
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn publish(&self) -> Result<()> {
        let consumes = state(&self.lambda, &self.uuid).await? == "Enabled";
        let refused = if consumes && self.saturates.load(Ordering::Relaxed) { 5.0 } else { 0.0 };
        let served = if self.served.load(Ordering::Relaxed) { 1.0 } else { 0.0 };
        let datum =
            |what: &str, value| MetricDatum::builder().metric_name(format!("{}-{what}", self.name)).value(value);
        let put = self.cloudwatch.put_metric_data().namespace("Checkout");
        let put = put.metric_data(datum("refused", refused).build()).metric_data(datum("served", served).build());
        put.send().await?;
        Ok(())
    }
}
