//! Faults between the functions and AWS, made by the proxy.

use anyhow::Result;
use xtask::proxy::{Action, Control, Match, Rule};

use crate::World;

/// A fault that lasts until it is ended or dropped.
#[derive(Debug)]
pub struct Fault {
    proxy: Control,
    id: String,
}

impl World {
    /// Makes every call fail whose name has `call` in it, such as `StartExecution`, and whose body names `body`: a test
    /// takes a text that no other test's calls have.
    pub fn fault(&self, call: &str, body: &str, action: Action) -> Result<Fault> {
        self.fault_times(call, body, action, u32::MAX)
    }

    /// The same for so many of these calls.
    pub fn fault_times(&self, call: &str, body: &str, action: Action, times: u32) -> Result<Fault> {
        let id = format!("{call}-{body}");
        let (target_contains, body_contains) = (Some(call.to_owned()), Some(body.to_owned()));
        let when = Match { target_contains, body_contains, ..Match::default() };
        let proxy = self.stack.proxy();
        proxy.arm(&Rule { id: id.clone(), when, action, times })?;
        Ok(Fault { proxy, id })
    }
}

impl Fault {
    /// How many calls it met so far.
    pub fn met(&self) -> Result<usize> {
        Ok(self.proxy.log()?.matches.iter().filter(|entry| entry.id == self.id).count())
    }

    /// Ends it.
    pub fn end(self) -> Result<()> {
        self.proxy.disarm(&self.id)
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        // A stack that has ended has no faults.
        let _ = self.proxy.disarm(&self.id);
    }
}
