//! A simulated service and its customers: a Python program of `services/` that talks to the emulator by the ordinary SDK.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{stack::Stack, workspace::Workspace};

/// What it has to do is done within seconds, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// The running service.
#[derive(Debug)]
pub struct Service {
    child: Child,
    commands: Option<ChildStdin>,
    events: Receiver<Value>,
}

/// The service behind the alias of a function.
const CHECKOUT: &str = "checkout.py";

/// The service that reads feature flags.
const FLAG: &str = "flag.py";

/// The service that needs another one, which a consumer can saturate.
const DEPENDENCY: &str = "dependency.py";

impl Service {
    /// Starts `checkout` for a stack; nothing is deployed yet. No two on a stack may share a metric, since the emulator's
    /// alarms tell metrics apart by name alone. A customer comes every `pause` seconds.
    pub fn start(stack: &Stack, name: &str, errors: &str, orders: &str, pause: &str) -> Result<Self> {
        Self::spawn(stack, CHECKOUT, [name, errors, orders, stack.output("SignalsTopic")?, pause])
    }

    /// The same with an alarm that tells nobody: whoever starts it brings the alarm's states to triage.
    pub fn start_unheard(stack: &Stack, name: &str, errors: &str, orders: &str, pause: &str) -> Result<Self> {
        Self::spawn(stack, CHECKOUT, [name, errors, orders, "", pause])
    }

    /// Starts the `checkout` that reads its flags from AppConfig, as [`Self::start`] does the other.
    pub(super) fn flagged(stack: &Stack, name: &str, errors: &str, orders: &str, pause: &str) -> Result<Self> {
        Self::spawn(stack, FLAG, [name, errors, orders, stack.output("SignalsTopic")?, pause])
    }

    /// Starts the `checkout` that needs an inventory, as [`Self::start`] does the other.
    pub(super) fn dependent(stack: &Stack, name: &str, errors: &str, orders: &str, pause: &str) -> Result<Self> {
        Self::spawn(stack, DEPENDENCY, [name, errors, orders, stack.output("SignalsTopic")?, pause])
    }

    fn spawn(stack: &Stack, program: &str, arguments: [&str; 5]) -> Result<Self> {
        let programs = Workspace::here().root().join("xtask/src/demo/services");
        let mut child = Command::new(stack.tools.join("python"))
            .arg("-B") // no compiled copies in the checkout
            .arg(programs.join(program))
            .args(arguments)
            .envs(stack.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("Failed to start the service {program}"))?;
        let commands = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().context("The service has no output")?).lines();
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Ok(event) = serde_json::from_str(&line)
                    && sender.send(event).is_err()
                {
                    break;
                }
            }
        });
        Ok(Self { child, commands, events })
    }

    /// Gives a command and waits until it says that it is done. Returns what it said.
    pub fn do_and_wait(&mut self, command: &str, done: &str) -> Result<Value> {
        self.tell(command)?;
        self.wait_for(done, |_| true)
    }

    /// Gives a command.
    pub fn tell(&mut self, command: &str) -> Result<()> {
        let commands = self.commands.as_mut().context("The service has ended")?;
        writeln!(commands, "{command}").context("The service does not listen any more")
    }

    /// Waits for an event that it says; others pass.
    pub fn wait_for(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
        let began = Instant::now();
        loop {
            match self.events.recv_timeout(PATIENCE.saturating_sub(began.elapsed())) {
                Ok(event) if event["what"] == "failed" => bail!("The service failed: {event}"),
                Ok(event) if event["what"] == what && is(&event) => return Ok(event),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => bail!("The service did not say `{what}` within 30 s"),
                Err(RecvTimeoutError::Disconnected) => bail!("The service ended before it said `{what}`"),
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It ends by itself when its input closes; the kill is for one that hangs in a request.
        drop(self.commands.take());
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(2) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
