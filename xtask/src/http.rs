//! The few requests that this tool makes by itself: to the emulator's health page and to the proxy's control paths.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result};

/// An answer on loopback is there at once or not at all.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What came back: the status and the body.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// Sends one request on a connection of its own and reads the whole answer. It blocks, for at most some seconds.
///
/// Fails when nobody listens there or the answer is not HTTP; any status is an answer.
pub fn request(to: SocketAddr, method: &str, path: &str, body: &[u8]) -> Result<Answer> {
    let mut connection = TcpStream::connect_timeout(&to, TIMEOUT).with_context(|| format!("Nobody listens on {to}"))?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.set_write_timeout(Some(TIMEOUT))?;
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    connection.write_all(&[head.as_bytes(), body].concat())?;
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).with_context(|| format!("{to} did not answer {method} {path}"))?;
    parse(&bytes).with_context(|| format!("{to} did not answer {method} {path} in HTTP"))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer { status, body: bytes[end + 4..].to_vec() })
}
