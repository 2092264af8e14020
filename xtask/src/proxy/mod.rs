//! A reverse proxy between the functions and the emulator: it counts calls, and on order fails, drops or kills.
//!
//! By default everything passes. Tests arm it through control paths, so that a function can be killed right after one
//! chosen write with no fail-point in shipped code:
//!
//! - `POST /_proxy/arm` with a [`Rule`]; `DELETE /_proxy/arm/<id>` takes it back;
//! - `GET /_proxy/log` answers a [`Log`]; `DELETE /_proxy/log` empties it, counts included;
//! - `POST /_proxy/record` writes down every write of a function from then on, until `DELETE /_proxy/record`, which answers
//!   them as [`Written`];
//! - `DELETE /_proxy/tallies`, of a proxy that counts, answers what each function asked of each operation since the last
//!   time, as [`Tally`];
//! - `POST /_proxy/stop` ends the stack that the proxy belongs to.
//!
//! What is asked of `/_to/<address>/…` goes to that loopback address: so channels that are no AWS service meet faults, too.

mod call;
mod control;
mod peer;
mod random;
mod refusal;
mod rules;
mod tally;
mod write;

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd as _, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited, combinators::BoxBody};
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{CONNECTION, EXPECT, TRANSFER_ENCODING},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use self::{
    call::Call,
    peer::{FunctionProcess, Peer},
    tally::Tallies,
};
pub use self::{
    control::{Control, STOP_PATH},
    random::Random,
    rules::{Action, Entry, Log, Match, Rule, Written},
    tally::Tally,
};

/// The most that is kept of a request, and of an answer that a function is killed before it sees.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// What the path of a call to another address than the emulator's begins with, before that address; no bucket can have
/// this name.
pub const ROUTE: &str = "/_to/";

/// A call that hangs is let go after this time, when its client is long gone.
const LONGEST_HANG: Duration = Duration::from_secs(120);

type Body = BoxBody<Bytes, hyper::Error>;

/// The proxy. Clones are the same proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: Client<HttpConnector, Full<Bytes>>,
    upstream: Mutex<Option<SocketAddr>>,
    log: Mutex<Log>,
    tallies: Option<Mutex<Tallies>>,
    stop: Notify,
}

impl Proxy {
    /// A proxy that answers 502 until it is told where the emulator is.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// The same, which also counts what each function asks for: that costs a walk through `/proc` for each connection.
    pub fn counting() -> Self {
        Self::with(Some(Mutex::default()))
    }

    fn with(tallies: Option<Mutex<Tallies>>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        let shared = Shared { client, upstream: Mutex::default(), log: Mutex::default(), tallies, stop: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Says where the emulator is.
    pub fn forward_to(&self, upstream: SocketAddr) {
        *lock(&self.shared.upstream) = Some(upstream);
    }

    /// Serves connections until the process ends; fails only when no connection can be taken any more.
    pub async fn serve(self, listener: TcpListener) -> Result<()> {
        let server = listener.local_addr()?;
        loop {
            let (stream, client) = listener.accept().await.context("The proxy cannot take connections any more")?;
            tokio::spawn(self.clone().connection(stream, client, server));
        }
    }

    /// Waits until somebody asks for the end through [`STOP_PATH`].
    pub async fn stopped(&self) {
        self.shared.stop.notified().await;
    }

    /// Serves one connection. It ends with an error when the client goes away or a rule drops it, which is no fault.
    async fn connection(self, stream: TcpStream, client: SocketAddr, server: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let socket = stream.as_fd().try_clone_to_owned().ok();
        let peer = Peer::new(client, server);
        let service = service_fn(|request| self.answer(request, &peer, socket.as_ref()));
        let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
    }

    /// Answers one request. An error closes the connection without an answer.
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
        socket: Option<&OwnedFd>,
    ) -> io::Result<Response<Body>> {
        let (mut parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
            return Ok(json(StatusCode::PAYLOAD_TOO_LARGE, &serde_json::json!({ "message": "body not readable" })));
        };
        let body = body.to_bytes();
        if let Some(path) = parts.uri.path().strip_prefix(control::PREFIX) {
            return Ok(self.control(parts.method.as_str(), path, &body));
        }
        self.tally(&mut parts, &body, peer);
        let call = Call::read(&parts, &body);
        let met = self.log().meet(&call, || peer.function().map(FunctionProcess::name));
        let recorded = if self.log().is_recording() { Written::read(&call, peer) } else { None };
        let name = call.name;
        let effect = Effect { change: change(&name, parts.method.as_str(), parts.uri.path()), written: recorded };
        let Some(rule) = met else { return Ok(self.make(parts, body, effect).await) };
        if let Action::KillAfter(_) = rule.action {
            let answer = self.make(parts, body, effect).await;
            return self.kill_after(rule, name, answer, peer.function()).await;
        }
        self.log().record(Entry { id: rule.id, call: name.clone(), action: rule.action, killed: None });
        match rule.action {
            Action::Fail(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                Ok(json(status, &serde_json::json!({ "__type": "ServiceUnavailable", "message": "made to fail" })))
            }
            Action::Throttle(_) => Ok(refusal::throttled(&name)),
            Action::Delay(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
                Ok(self.make(parts, body, effect).await)
            }
            Action::Hang(_) => {
                tokio::time::sleep(LONGEST_HANG).await;
                Err(io::ErrorKind::TimedOut.into())
            }
            Action::LoseAnswer(_) => {
                let answer = self.make(parts, body, effect).await;
                let _ = Limited::new(answer.into_body(), LARGEST_BODY).collect().await;
                Err(reset(socket))
            }
            Action::Reset(_) => Err(reset(socket)),
            // What a random rule drew stands in its place.
            Action::Drop(_) | Action::KillAfter(_) | Action::Random(_) => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }

    /// Makes the call, and writes down what it did.
    async fn make(&self, parts: hyper::http::request::Parts, body: Bytes, effect: Effect) -> Response<Body> {
        let answer = self.forward(parts, body).await;
        if answer.status().is_success() {
            let mut log = self.log();
            effect.change.into_iter().for_each(|change| log.changed(change));
            effect.written.into_iter().for_each(|written| log.written(written));
        }
        answer
    }

    /// Kills the function if its call succeeded; hands the answer on if not, since there was no write then.
    async fn kill_after(
        &self,
        rule: Rule,
        call: String,
        answer: Response<Body>,
        function: Option<&FunctionProcess>,
    ) -> io::Result<Response<Body>> {
        let (Some(function), true) = (function, answer.status().is_success()) else {
            self.log().give_back(rule);
            return Ok(answer);
        };
        // The whole answer, since only then is the write over.
        let _ = Limited::new(answer.into_body(), LARGEST_BODY).collect().await;
        // Whoever sees that it ended finds it in the log.
        let mut log = self.log();
        let killed = function.kill().is_ok().then(|| function.id());
        log.record(Entry { id: rule.id, call, action: rule.action, killed });
        Err(io::ErrorKind::ConnectionReset.into())
    }

    /// Makes the call. `Host` stays as the client signed it.
    async fn forward(&self, mut parts: hyper::http::request::Parts, body: Bytes) -> Response<Body> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let (upstream, path) = match route(path) {
            Some((to, path)) => (Some(to), path),
            None => (*lock(&self.shared.upstream), path),
        };
        let uri = upstream.and_then(|upstream| format!("http://{upstream}{path}").parse::<Uri>().ok());
        let Some(uri) = uri else { return bad_gateway("the emulator is not there yet") };
        parts.uri = uri;
        remove_hop_headers(&mut parts.headers);
        match self.shared.client.request(Request::from_parts(parts, Full::new(body))).await {
            Ok(answer) => {
                let (mut parts, body) = answer.into_parts();
                remove_hop_headers(&mut parts.headers);
                Response::from_parts(parts, body.boxed())
            }
            Err(error) => bad_gateway(&format!("the emulator did not answer: {error}")),
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.shared.log)
    }
}

impl Default for Proxy {
    fn default() -> Self {
        Self::new()
    }
}

/// What a call does where it succeeds.
struct Effect {
    change: Option<String>,
    written: Option<Written>,
}

/// Another address than the emulator's, and the path there. Only this machine's own are.
fn route(path: &str) -> Option<(SocketAddr, &str)> {
    let rest = path.strip_prefix(ROUTE)?;
    let (to, path) = rest.split_at(rest.find('/')?);
    let to: SocketAddr = to.parse().ok()?;
    to.ip().is_loopback().then_some((to, path))
}

/// The name under which a successful call counts as a change: a write of a REST protocol. S3's are evidence, and many.
fn change(name: &str, method: &str, path: &str) -> Option<String> {
    let writes = matches!(method, "PUT" | "PATCH" | "DELETE") && !name.starts_with("s3 ");
    writes.then(|| format!("{name} {path}"))
}

/// Makes the end of the connection a reset, and is the error that ends it.
fn reset(socket: Option<&OwnedFd>) -> io::Error {
    if let Some(socket) = socket {
        // Closed as usual instead, the client sees an end where a reset was meant: as good a fault.
        let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
    }
    io::ErrorKind::ConnectionReset.into()
}

/// The headers that mean one connection only; `Expect` was answered when the body was read.
fn remove_hop_headers(headers: &mut HeaderMap) {
    for name in [CONNECTION, TRANSFER_ENCODING, EXPECT] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

fn bad_gateway(message: &str) -> Response<Body> {
    json(StatusCode::BAD_GATEWAY, &serde_json::json!({ "message": message }))
}

fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Body> {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    response
}

/// What a panic elsewhere left behind is still a list of rules and counts.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
