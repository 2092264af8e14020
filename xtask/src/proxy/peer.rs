//! Which process is at the other end of a connection on loopback.

use std::{
    ffi::OsStr,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use rustix::process::{Pid, Signal, kill_process};

/// The name of a function's executable on Lambda's `provided` runtimes.
const FUNCTION: &str = "bootstrap";

/// The variable in which Lambda tells a function its own name.
const NAME: &[u8] = b"AWS_LAMBDA_FUNCTION_NAME=";

/// The client's end of a connection. Whose it is costs a walk through `/proc`, so that is asked only when it matters, and
/// once.
#[derive(Debug)]
pub(super) struct Peer {
    client: SocketAddr,
    server: SocketAddr,
    function: OnceLock<Option<FunctionProcess>>,
}

impl Peer {
    /// The end of the connection `client` → `server`.
    pub(super) fn new(client: SocketAddr, server: SocketAddr) -> Self {
        Self { client, server, function: OnceLock::new() }
    }

    /// The function that holds it; `None` when another program does, or none: only functions are ever killed.
    pub(super) fn function(&self) -> Option<&FunctionProcess> {
        self.function.get_or_init(|| FunctionProcess::at(self.client, self.server)).as_ref()
    }
}

/// The process of a function, found by its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FunctionProcess {
    pid: Pid,
    name: String,
}

impl FunctionProcess {
    /// It reads `/proc`, so it finds nothing except on Linux.
    fn at(client: SocketAddr, server: SocketAddr) -> Option<Self> {
        let pid = owner(client, server, OsStr::new(FUNCTION))?;
        let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
        let name = environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(NAME));
        Some(Self { pid, name: String::from_utf8_lossy(name.unwrap_or_default()).into_owned() })
    }

    /// The function's name, as Lambda tells it; empty where nobody told it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub(super) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Ends it at once, as Lambda ends an environment that runs out of memory.
    pub(super) fn kill(&self) -> std::io::Result<()> {
        Ok(kill_process(self.pid, Signal::KILL)?)
    }
}

fn owner(client: SocketAddr, server: SocketAddr, executable: &OsStr) -> Option<Pid> {
    let socket =
        PathBuf::from(format!("socket:[{}]", inode(&fs::read_to_string("/proc/net/tcp").ok()?, client, server)?));
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if runs(&process.path(), executable) && holds(&process.path(), &socket) {
            return Pid::from_raw(id);
        }
    }
    None
}

/// Whether the process runs an executable of that name, also when it was replaced since.
fn runs(process: &Path, executable: &OsStr) -> bool {
    let Ok(path) = fs::read_link(process.join("exe")) else { return false };
    let Some(name) = path.file_name() else { return false };
    name.as_encoded_bytes().strip_suffix(b" (deleted)").unwrap_or(name.as_encoded_bytes())
        == executable.as_encoded_bytes()
}

fn holds(process: &Path, socket: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors.flatten().any(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|target| target == socket))
}

/// The inode of the client's socket in the text of `/proc/net/tcp`.
fn inode(table: &str, client: SocketAddr, server: SocketAddr) -> Option<&str> {
    let (local, remote) = (hex_port(client), hex_port(server));
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let ends_with = |address: &str, port: &str| address.ends_with(port);
        let found = ends_with(columns.next()?, &local) && ends_with(columns.next()?, &remote);
        if found { columns.nth(6) } else { None }
    })
}

fn hex_port(address: SocketAddr) -> String {
    format!(":{:04X}", address.port())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_inode_is_that_of_the_clients_end() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 20 4 30 10 -1
   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0 20 4 30 10 -1
";
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        assert_eq!(inode(table, at(50000), at(8080)), Some("333"));
        assert_eq!(inode(table, at(8080), at(50000)), Some("222"));
        assert_eq!(inode(table, at(50001), at(8080)), None);
        assert_eq!(inode("", at(50000), at(8080)), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_found_by_its_connection_and_only_under_its_name() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = listener.local_addr().unwrap();
        let connection = TcpStream::connect(server).unwrap();
        let client = connection.local_addr().unwrap();
        let me = std::env::current_exe().unwrap();
        let found = owner(client, server, me.file_name().unwrap()).unwrap();
        assert_eq!(found, rustix::process::getpid());
        assert_eq!(Peer::new(client, server).function(), None, "this test is no function");
    }
}
