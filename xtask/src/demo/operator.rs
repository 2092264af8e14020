//! The operator: everything that a person does in the demo goes through the command line `tourniquet`.

use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::stack::Stack;

/// Someone with a terminal and the address of the stack.
#[derive(Clone, Debug)]
pub struct Operator<'a> {
    stack: &'a Stack,
    name: &'static str,
}

impl<'a> Operator<'a> {
    /// An operator of this stack, who signs as `name`.
    pub const fn new(stack: &'a Stack, name: &'static str) -> Self {
        Self { stack, name }
    }

    /// Who signs.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Runs `tourniquet <arguments> --json` and returns its object. The error has what it said.
    pub fn run(&self, arguments: &[&str]) -> Result<Value> {
        let stack = self.stack;
        let output = Command::new(&stack.tourniquet)
            .args(arguments)
            .arg("--json")
            .envs(stack.environment())
            .env("TOURNIQUET_TABLE", stack.output("Table")?)
            .env("TOURNIQUET_COMMANDS", stack.output("CommandsQueue")?)
            .env("TOURNIQUET_BUCKET", stack.output("Bucket")?)
            .env("TOURNIQUET_USER", self.name)
            .output()
            .context("Failed to start tourniquet")?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            bail!("tourniquet {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&said).trim());
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("tourniquet {} wrote no JSON", arguments.join(" ")))
    }
}
