//! Queues: what is kept in them, and queues like the suite's own that are less patient.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_lambda::types::FunctionResponseType;
use aws_sdk_sqs::Client;
use serde_json::Value;
use xtask::http;

use crate::World;

/// A queue of a test, mapped to a function as one of the suite's is.
#[derive(Debug)]
pub struct Impatient {
    queue: String,
    dead: String,
}

impl World {
    /// A queue like `queue` of the suite, with dead letters of its own, that shows a message again after a second instead
    /// of a minute or more. `own` is its name, which no other test has.
    pub async fn impatient(&self, own: &str, queue: &str, function: &str) -> Result<Impatient> {
        let redrive: Value = serde_json::from_str(&self.queue_attribute(queue, "RedrivePolicy").await?)?;
        let tries = redrive["maxReceiveCount"].as_u64().or_else(|| redrive["maxReceiveCount"].as_str()?.parse().ok());
        ensure!(tries == Some(5), "{queue} does not try five times: {redrive}");
        let letters = self.queue_arn(&queue.replace("Queue", "DeadLetterQueue")).await?;
        ensure!(redrive["deadLetterTargetArn"] == letters, "{queue} has other dead letters: {redrive}");

        let queues = Client::new(&self.config);
        let own = format!("blackbox-{own}-{}", step::now().as_millisecond());
        let dead =
            queues.create_queue().queue_name(format!("{own}-dead")).send().await?.queue_url.context("no queue")?;
        let mut like = redrive.clone();
        like["deadLetterTargetArn"] = self.attribute_at(&dead, "QueueArn").await?.into();
        let made = queues.create_queue().queue_name(&own).attributes("VisibilityTimeout".into(), "1");
        let made = made.attributes("RedrivePolicy".into(), like.to_string()).send().await?;
        let queue = made.queue_url.context("no queue")?;

        let arn = self.attribute_at(&queue, "QueueArn").await?;
        let mapping = aws_sdk_lambda::Client::new(&self.config).create_event_source_mapping();
        let mapping = mapping.function_name(self.stack.output(function)?).event_source_arn(arn).batch_size(10);
        mapping.function_response_types(FunctionResponseType::ReportBatchItemFailures).send().await?;
        Ok(Impatient { queue, dead })
    }

    /// The ARN of a queue of the stack.
    pub async fn queue_arn(&self, queue: &str) -> Result<String> {
        self.queue_attribute(queue, "QueueArn").await
    }

    async fn queue_attribute(&self, queue: &str, name: &str) -> Result<String> {
        self.attribute_at(self.stack.output(queue)?, name).await
    }

    async fn attribute_at(&self, url: &str, name: &str) -> Result<String> {
        let asked = Client::new(&self.config).get_queue_attributes().queue_url(url).attribute_names(name.into());
        let asked = asked.send().await?;
        let found = asked.attributes().and_then(|all| all.get(&name.into())).cloned();
        found.with_context(|| format!("{url} has no {name}"))
    }

    /// The messages of all queues that name this text, those that somebody works on included: the emulator shows them
    /// without taking them.
    pub fn kept(&self, text: &str) -> Result<Vec<String>> {
        let answer = http::request(self.stack.processes.emulator, "GET", "/_ministack/sqs/messages", b"")?;
        let shown: Value = serde_json::from_slice(&answer.body)?;
        let inside =
            |value: &Value| value.as_object().into_iter().flatten().map(|(_, v)| v.clone()).collect::<Vec<_>>();
        let queues = inside(&shown["messages"]).into_iter().flat_map(|account| inside(&account));
        let messages =
            queues.flat_map(|region| inside(&region)).filter_map(|queue| queue.as_array().cloned()).flatten();
        let bodies = messages.filter_map(|message| message["Body"].as_str().map(str::to_owned));
        Ok(bodies.filter(|body| body.contains(text)).collect())
    }
}

impl Impatient {
    /// Puts a message into it.
    pub async fn send(&self, world: &World, body: &str) -> Result<()> {
        Client::new(&world.config).send_message().queue_url(&self.queue).message_body(body).send().await?;
        Ok(())
    }

    /// Waits until its dead letters are these, each at least once, and no others. They are not taken out, and whoever looks
    /// hides them for a while: letters that died at different times are never all to be seen at once, so that what was
    /// found is gathered over the looks.
    pub async fn all_dead(&self, world: &World, letters: &[String], within: Duration) -> Result<()> {
        let (expected, found) = (letters.iter().cloned().collect::<BTreeSet<_>>(), RefCell::new(BTreeSet::new()));
        let look = async || {
            let now = self.dead_letters(world).await?;
            found.borrow_mut().extend(now);
            Ok((*found.borrow() == expected).then_some(()))
        };
        world.until("dead letter of each message that nobody can read, unchanged", within, look).await
    }

    async fn dead_letters(&self, world: &World) -> Result<Vec<String>> {
        let (queues, mut found) = (Client::new(&world.config), Vec::new());
        loop {
            let read = queues.receive_message().queue_url(&self.dead).max_number_of_messages(10).visibility_timeout(2);
            let messages = read.send().await?.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok(found);
            }
            found.extend(messages.into_iter().filter_map(|message| message.body));
        }
    }
}
