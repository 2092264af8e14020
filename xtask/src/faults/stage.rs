//! The stack, as the run sees it: a helper process does what is asked, many things at once.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};

use crate::stack::Stack;

/// Nothing that is asked takes longer.
const PATIENCE: Duration = Duration::from_secs(150);

/// The helper; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Stage {
    child: Child,
    requests: Mutex<Option<ChildStdin>>,
    waiting: Arc<Mutex<HashMap<u64, Sender<Value>>>>,
    next: AtomicU64,
}

impl Stage {
    /// Starts the helper for a stack.
    pub(crate) fn start(stack: &Stack) -> Result<Self> {
        let mut child = Command::new(stack.tools.join("python"))
            .args(["-c", include_str!("stage.py")])
            .envs(stack.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("Failed to start the helper")?;
        let requests = Mutex::new(child.stdin.take());
        let lines = BufReader::new(child.stdout.take().context("The helper has no output")?).lines();
        let waiting: Arc<Mutex<HashMap<u64, Sender<Value>>>> = Arc::default();
        let answers = Arc::clone(&waiting);
        std::thread::spawn(move || {
            for answer in lines.map_while(Result::ok).filter_map(|line| serde_json::from_str::<Value>(&line).ok()) {
                let asked = answer["id"].as_u64().and_then(|id| lock(&answers).remove(&id));
                // Who does not wait any more has given up.
                let _ = asked.map(|asked| asked.send(answer));
            }
            // Dropped, the senders tell who waits that nothing comes any more.
            lock(&answers).clear();
        });
        Ok(Self { child, requests, waiting, next: AtomicU64::new(0) })
    }

    /// Asks for something and waits for it.
    pub(crate) fn ask(&self, verb: &str, with: Value) -> Result<Value> {
        let answer = self.begin(verb, with)?.recv_timeout(PATIENCE);
        let mut answer = answer.map_err(|_| anyhow!("The helper did not answer to `{verb}`"))?;
        match answer["error"].as_str() {
            Some(error) => Err(anyhow!("`{verb}` failed: {error}")),
            None => Ok(answer["done"].take()),
        }
    }

    fn begin(&self, verb: &str, with: Value) -> Result<Receiver<Value>> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = channel();
        lock(&self.waiting).insert(id, sender);
        let mut requests = lock(&self.requests);
        let requests = requests.as_mut().context("The helper has ended")?;
        writeln!(requests, "{}", json!({"id": id, "do": verb, "with": with})).context("The helper does not listen")?;
        Ok(answer)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // It ends by itself when its input closes, but not before what is under way.
        drop(lock(&self.requests).take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a panic elsewhere left behind is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
