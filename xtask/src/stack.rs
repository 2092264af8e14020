//! The local stack: the shipped template on the emulator, with the functions' roles enforced.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    ops::Deref,
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{
    aws::{self, Aws},
    build,
    daemon::{self, Ready},
    emulator, http, plans,
    proxy::{self, Control, STOP_PATH},
    say::Progress,
    template,
    tools::{self, Tools},
    workspace::{Workspace, variable},
};

/// The variable in which `cargo xtask test` hands the path of `stack.json` to the black-box tests.
pub const STACK_VARIABLE: &str = "TOURNIQUET_STACK";

/// Who is told when a page cannot be sent, unless the parameter says otherwise; the emulator sends no mail.
const NOBODY: &str = "nobody@example.com";

/// A deployed stack, as `stack.json` records it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stack {
    /// The version of this record.
    pub v: u32,
    /// Where people, tests and the command line reach the emulator.
    pub endpoint: String,
    /// Where the functions reach it, through the proxy.
    pub proxy_endpoint: String,
    /// The Region.
    pub region: String,
    /// The account.
    pub account: String,
    /// The stack's outputs by name.
    pub outputs: BTreeMap<String, String>,
    /// The folder of `stack.json` and of the logs.
    pub dir: PathBuf,
    /// The executable of the command line, `tourniquet`.
    pub tourniquet: PathBuf,
    /// The folder of the installed tools: `aws`, and `python` with `bagit`.
    pub tools: PathBuf,
    /// The processes and sockets behind it.
    pub processes: Ready,
    /// Where the people at the end of its channels are, on a stack that has some.
    pub receiver: Option<SocketAddr>,
}

/// How a stack is to be started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder for its record and logs.
    pub dir: PathBuf,
    /// Ends with the process that starts it, unlike the stack of `up`.
    pub private: bool,
    /// The emulator's speed, and variables for the functions.
    pub emulator: emulator::Options,
    /// The folder of response plans that triage gets, compiled.
    pub plans: PathBuf,
    /// The template's parameters that differ from their defaults.
    pub parameters: BTreeMap<String, String>,
    /// The people at the end of its channels, where there are some.
    pub receiver: Option<SocketAddr>,
}

/// A stack that was started here. A private one ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    stack: Stack,
    daemon: Option<Child>,
}

impl Options {
    /// The developer's stack, which lives until `down`.
    pub fn developer(workspace: &Workspace) -> Self {
        let fallback = ("FallbackEndpoint".to_owned(), NOBODY.to_owned());
        Self {
            dir: workspace.stack_dir(),
            private: false,
            emulator: emulator::Options::default(),
            plans: workspace.root().join("response-plans"),
            parameters: BTreeMap::from([fallback]),
            receiver: None,
        }
    }

    /// A stack of its own for one verb, which ends with it.
    pub fn private(workspace: &Workspace, verb: &str) -> Self {
        let dir = workspace.private_stack_dir(verb);
        Self { dir, private: true, ..Self::developer(workspace) }
    }
}

/// Builds, starts the emulator and the proxy, and deploys. On the developer's running stack it builds and deploys
/// again, so that the code is the present one.
///
/// Fails with the reason of the step that failed; what this call had started is ended then.
pub fn up(workspace: &Workspace, options: &Options, progress: Progress) -> Result<Running> {
    let running = Stack::load(&options.dir.join("stack.json")).ok().filter(Stack::is_running);
    if running.is_some() && options.private {
        bail!("The same command runs in this checkout already: wait until it has ended");
    }
    if running.is_some() {
        progress.note(
            "The stack runs already: it is built and deployed again, with the waits and variables it began with.",
        );
    }
    let (tools, tourniquet) = prepare(workspace, progress)?;
    let plans = progress.step("response plans compiled", || plans::compile(workspace, &tourniquet, options))?;
    let mut running = match running {
        Some(stack) => Running { stack, daemon: None },
        None => {
            progress.step("emulator and proxy started", || start(workspace, options, &tools, tourniquet, &plans))?
        }
    };
    let aws = running.aws();
    let parameters = parameters(options, &running.proxy_endpoint);
    let deployed = progress.step("template deployed", || aws.deploy(&workspace.local_template(), &parameters));
    running.stack.outputs = match (deployed, &running.daemon) {
        (Ok(outputs), _) => outputs,
        (Err(error), None) => bail!("{error:#}\nIf the stack itself is stuck, `cargo xtask down` and `up` begin anew."),
        (Err(error), Some(_)) => {
            running.stack.stop()?;
            return Err(error);
        }
    };
    running.stack.save()?;
    aws.lock_bucket(running.output("Bucket")?)?;
    Ok(running)
}

/// The parameters to deploy with. Slack is reached through the proxy, so that it meets faults like any service.
fn parameters(options: &Options, proxy_endpoint: &str) -> BTreeMap<String, String> {
    let mut parameters = options.parameters.clone();
    if let Some(receiver) = options.receiver {
        let api = format!("{proxy_endpoint}{}{receiver}/api", proxy::ROUTE);
        parameters.entry("SlackApiUrl".to_owned()).or_insert(api);
    }
    parameters
}

/// Everything before the first process starts. The tools are installed while the compiler runs.
fn prepare(workspace: &Workspace, progress: Progress) -> Result<(Tools, PathBuf)> {
    let (tools, built) = std::thread::scope(|scope| {
        let tools = scope.spawn(|| tools::install(workspace, progress));
        let built = build::all(workspace, progress);
        (tools.join(), built)
    });
    let tools = tools.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    template::write(workspace)?;
    Ok((tools, built?))
}

fn start(
    workspace: &Workspace,
    options: &Options,
    tools: &Tools,
    tourniquet: PathBuf,
    plans: &Path,
) -> Result<Running> {
    let mut emulator = options.emulator.clone();
    // Layers are not unpacked for local functions, so triage is told where the plans are.
    emulator.environment.entry(plans::VARIABLE.to_owned()).or_insert_with(|| plans.display().to_string());
    let config = daemon::Config { bin: tools.bin().to_path_buf(), tied: options.private, emulator };
    let (daemon, ready) = daemon::spawn(workspace, &options.dir, &config)?;
    let stack = Stack {
        v: 1,
        endpoint: format!("http://{}", ready.emulator),
        proxy_endpoint: format!("http://{}", ready.proxy),
        region: aws::REGION.to_owned(),
        account: aws::ACCOUNT.to_owned(),
        outputs: BTreeMap::new(),
        dir: options.dir.clone(),
        tourniquet,
        tools: tools.bin().to_path_buf(),
        processes: ready,
        receiver: options.receiver,
    };
    // Recorded before it is deployed, so that `down` finds it whatever happens.
    stack.save()?;
    Ok(Running { stack, daemon: Some(daemon) })
}

impl Stack {
    /// Reads a record of [`Stack`].
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("No local stack is recorded at {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("Failed to read {}", path.display()))
    }

    /// The stack of the variable [`STACK_VARIABLE`], else the developer's: what a black-box test runs against.
    pub fn for_tests() -> Result<Self> {
        let given = variable(STACK_VARIABLE).map(PathBuf::from);
        let path = given.unwrap_or_else(|| Workspace::here().stack_dir().join("stack.json"));
        let stack = Self::load(&path).context("Start the tests with `cargo xtask test`, or `cargo xtask up` first")?;
        if !stack.is_running() {
            bail!("The local stack of {} has ended: start it again with `cargo xtask up`", path.display());
        }
        Ok(stack)
    }

    /// The path of this record.
    pub fn record(&self) -> PathBuf {
        self.dir.join("stack.json")
    }

    /// One output of the stack; the error names those that there are.
    pub fn output(&self, name: &str) -> Result<&str> {
        let names = || self.outputs.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        self.outputs.get(name).map(String::as_str).with_context(|| format!("No output {name}: there are {}", names()))
    }

    /// The environment in which AWS clients talk to this stack as its administrator.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let endpoint = std::iter::once(("AWS_ENDPOINT_URL", self.endpoint.clone()));
        endpoint.chain(aws::CREDENTIALS.map(|(name, value)| (name, value.to_owned()))).collect()
    }

    /// The AWS command line for this stack.
    pub fn aws(&self) -> Aws {
        Aws::new(&Tools::at(&self.tools), &self.endpoint, &self.dir)
    }

    /// The proxy, to be armed.
    pub const fn proxy(&self) -> Control {
        Control::new(self.processes.proxy)
    }

    /// Whether the recorded process is there; another one on its port does not count.
    pub fn is_running(&self) -> bool {
        let pid = self.processes.daemon_pid.to_string();
        http::request(self.processes.proxy, "GET", "/_proxy/pid", b"").is_ok_and(|answer| answer.body == pid.as_bytes())
    }

    /// Ends the stack, if it runs, and removes its record. The logs stay.
    pub fn stop(&self) -> Result<()> {
        let began = Instant::now();
        if self.is_running() {
            // It may end before its answer is written: whether it ended is asked below.
            let _ = http::request(self.processes.proxy, "POST", STOP_PATH, b"");
        }
        while self.is_running() {
            if began.elapsed() > Duration::from_secs(10) {
                bail!("The local stack does not end: end process {} yourself", self.processes.daemon_pid);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        match fs::remove_file(self.record()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("Failed to remove stack.json")
            }
            _ => Ok(()),
        }
    }

    fn save(&self) -> Result<()> {
        // Whole or not at all: tests of a parallel process may be reading it.
        let partial = self.dir.join("stack.json.partial");
        fs::write(&partial, serde_json::to_vec_pretty(self)?).context("Failed to write stack.json")?;
        fs::rename(&partial, self.record()).context("Failed to write stack.json")
    }
}

impl Running {
    /// Ends the stack, a private one or not.
    pub fn stop(mut self) -> Result<()> {
        self.stack.stop()?;
        if let Some(mut daemon) = self.daemon.take() {
            daemon.wait().context("Failed to wait for the stack's own process")?;
        }
        Ok(())
    }
}

impl Deref for Running {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Closing the pipe ends a tied daemon; the others have none and live on.
        if let Some(mut daemon) = self.daemon.take()
            && daemon.stdin.take().is_some()
        {
            let _ = daemon.wait();
            let _ = fs::remove_file(self.stack.record());
        }
    }
}
