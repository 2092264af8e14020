//! The proxy's control paths, both ends: what it answers, and what tests ask it with.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use hyper::{Response, StatusCode};

use super::{Body, Log, Proxy, Rule, Tally, Written, json, lock};
use crate::http;

/// What control paths begin with; no bucket can have this name.
pub(super) const PREFIX: &str = "/_proxy/";

/// `POST` here ends the stack.
pub const STOP_PATH: &str = "/_proxy/stop";

/// The proxy of a running stack, as tests see it. Its calls block for a moment.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    address: SocketAddr,
}

impl Control {
    /// The proxy that listens there.
    pub const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Arms a rule, in the place of an earlier one of the same name. Fails on a rule that cannot work.
    pub fn arm(&self, rule: &Rule) -> Result<()> {
        self.ask("POST", "/_proxy/arm", &serde_json::to_vec(rule)?).map(drop)
    }

    /// Takes a rule back; it is no error when it is spent already.
    pub fn disarm(&self, id: &str) -> Result<()> {
        http::request(self.address, "DELETE", &format!("/_proxy/arm/{id}"), b"").map(drop)
    }

    /// What rules met, which are still armed, and how many calls of each name there were.
    pub fn log(&self) -> Result<Log> {
        Ok(serde_json::from_slice(&self.ask("GET", "/_proxy/log", b"")?)?)
    }

    /// Empties the log and the counts; what is armed stays.
    pub fn clear_log(&self) -> Result<()> {
        self.ask("DELETE", "/_proxy/log", b"").map(drop)
    }

    /// Writes down every write of a function from now on; what was written down before is forgotten.
    pub fn record(&self) -> Result<()> {
        self.ask("POST", "/_proxy/record", b"").map(drop)
    }

    /// Ends that, and says what was written, in order.
    pub fn recorded(&self) -> Result<Vec<Written>> {
        Ok(serde_json::from_slice(&self.ask("DELETE", "/_proxy/record", b"")?)?)
    }

    /// What each function asked for since the last time, and begins anew; only of a proxy that counts.
    pub fn tallies(&self) -> Result<Vec<Tally>> {
        Ok(serde_json::from_slice(&self.ask("DELETE", "/_proxy/tallies", b"")?)?)
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>> {
        let answer = http::request(self.address, method, path, body)?;
        if answer.status != 200 {
            bail!("The proxy refused {method} {path}: {}", String::from_utf8_lossy(&answer.body));
        }
        Ok(answer.body)
    }
}

impl Proxy {
    /// Answers a request to a control path, given without the prefix.
    pub(super) fn control(&self, method: &str, path: &str, body: &[u8]) -> Response<Body> {
        let mut log = self.log();
        match (method, path.split_once('/').unwrap_or((path, ""))) {
            ("POST", ("arm", "")) => match serde_json::from_slice::<Rule>(body) {
                Err(error) => refuse(&error.to_string()),
                Ok(rule) => match rule.fault() {
                    Some(fault) => refuse(fault),
                    None => {
                        log.arm(rule);
                        json(StatusCode::OK, &())
                    }
                },
            },
            ("DELETE", ("arm", id)) if log.disarm(id) => json(StatusCode::OK, &()),
            ("GET", ("log", "")) => json(StatusCode::OK, &*log),
            ("DELETE", ("log", "")) => {
                log.clear();
                json(StatusCode::OK, &())
            }
            ("POST", ("record", "")) => {
                log.record_writes();
                json(StatusCode::OK, &())
            }
            ("DELETE", ("record", "")) => json(StatusCode::OK, &log.recorded()),
            ("DELETE", ("tallies", "")) => match &self.shared.tallies {
                Some(tallies) => json(StatusCode::OK, &lock(tallies).take()),
                None => refuse("this proxy does not count"),
            },
            ("GET", ("pid", "")) => json(StatusCode::OK, &std::process::id()),
            ("POST", ("stop", "")) => {
                self.shared.stop.notify_one();
                json(StatusCode::OK, &())
            }
            _ => json(StatusCode::NOT_FOUND, &serde_json::json!({ "message": "no such control path or rule" })),
        }
    }
}

fn refuse(message: &str) -> Response<Body> {
    json(StatusCode::BAD_REQUEST, &serde_json::json!({ "message": message }))
}
