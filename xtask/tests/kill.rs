//! A function is killed right after the write that was chosen: after it happened, before its answer is seen.
//!
//! The proxy kills only what runs an executable named `bootstrap`, so this test plays three parts: under its own name
//! it is the test and the emulator, and a copy of it under that name is the function.

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("act-as-function"), Some(proxy)) => function::run(&proxy),
        _ => test::run(),
    }
}

/// Writes once through the proxy, and ends well only if it sees the answer.
mod function {
    use std::{
        io::{Read as _, Write as _},
        net::TcpStream,
    };

    pub(crate) fn run(proxy: &str) -> anyhow::Result<()> {
        let mut connection = TcpStream::connect(proxy)?;
        let head = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: 5\r\n\r\n";
        connection.write_all(head.as_bytes())?;
        connection.write_all(b"INC#1")?;
        let mut answer = [0; 12];
        connection.read_exact(&mut answer)?;
        anyhow::ensure!(answer.starts_with(b"HTTP/1.1 "), "no answer but {answer:?}");
        Ok(())
    }
}

mod test {
    use std::{
        fs,
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::{Ipv4Addr, SocketAddr, TcpListener},
        os::unix::process::ExitStatusExt as _,
        path::Path,
        process::{Command, ExitStatus},
        sync::{
            Arc,
            atomic::{AtomicU16, AtomicUsize, Ordering},
        },
    };

    use anyhow::{Result, ensure};
    use xtask::proxy::{Action, Control, Match, Proxy, Rule};

    pub(crate) fn run() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-kill-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let bootstrap = folder.join("bootstrap");
        fs::copy(std::env::current_exe()?, &bootstrap)?;
        let checked = check(&bootstrap);
        fs::remove_dir_all(&folder)?;
        checked
    }

    fn check(bootstrap: &Path) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let emulator = Emulator::start()?;
        let proxy = Proxy::new();
        proxy.forward_to(emulator.address);
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        runtime.spawn(proxy.serve(listener));
        let control = Control::new(address);
        let call = |program: &Path| -> Result<ExitStatus> {
            let mut command = Command::new(program);
            // What it says of a dropped call is no news.
            command.args(["act-as-function", &address.to_string()]).stderr(std::process::Stdio::null());
            Ok(command.status()?)
        };
        let rule = |action| Rule {
            id: "after-the-write".to_owned(),
            when: Match { target_contains: Some("PutItem".to_owned()), ..Match::default() },
            action,
            times: 1,
        };

        // Not armed, everything passes.
        ensure!(call(bootstrap)?.success());

        // A write that the emulator refuses is none: the function lives, and the rule stays armed.
        control.arm(&rule(Action::KillAfter(true)))?;
        emulator.status.store(400, Ordering::SeqCst);
        ensure!(call(bootstrap)?.success());
        ensure!(control.log()?.armed.len() == 1);

        // So does another program that makes the same call.
        emulator.status.store(200, Ordering::SeqCst);
        ensure!(call(&std::env::current_exe()?)?.success());
        ensure!(control.log()?.armed.len() == 1);

        // The function is killed after its write, once.
        let writes = emulator.writes.load(Ordering::SeqCst);
        let killed = call(bootstrap)?;
        ensure!(killed.signal() == Some(9), "ended with {killed}");
        ensure!(emulator.writes.load(Ordering::SeqCst) == writes + 1);
        let log = control.log()?;
        ensure!(log.armed.is_empty() && log.matches.len() == 1, "{log:?}");
        ensure!(log.matches.front().is_some_and(|entry| entry.killed.is_some()), "{log:?}");
        ensure!(call(bootstrap)?.success());

        // A dropped call is not made; one that is to fail neither, and has an answer.
        let writes = emulator.writes.load(Ordering::SeqCst);
        control.arm(&rule(Action::Drop(true)))?;
        let dropped = call(bootstrap)?;
        ensure!(dropped.code() == Some(1), "ended with {dropped}");
        control.arm(&rule(Action::Fail(503)))?;
        ensure!(call(bootstrap)?.success());
        ensure!(emulator.writes.load(Ordering::SeqCst) == writes);
        ensure!(control.log()?.calls.get("unsigned PutItem") == Some(&7));

        // An answer that is lost is lost after the write; a reset and a refusal come before it.
        control.arm(&rule(Action::LoseAnswer(true)))?;
        let lost = call(bootstrap)?;
        ensure!(lost.code() == Some(1), "ended with {lost}");
        ensure!(emulator.writes.load(Ordering::SeqCst) == writes + 1);
        control.arm(&rule(Action::Reset(true)))?;
        let reset = call(bootstrap)?;
        ensure!(reset.code() == Some(1), "ended with {reset}");
        control.arm(&rule(Action::Throttle(true)))?;
        ensure!(call(bootstrap)?.success());
        ensure!(emulator.writes.load(Ordering::SeqCst) == writes + 1);
        control.arm(&rule(Action::Delay(10)))?;
        ensure!(call(bootstrap)?.success());
        ensure!(emulator.writes.load(Ordering::SeqCst) == writes + 2);
        let faults = control.log()?.faults;
        ensure!(faults.values().sum::<u64>() == 7 && faults.get("lost-answer") == Some(&1), "{faults:?}");
        control.clear_log()?;
        ensure!(control.log()? == Default::default());
        ensure!(control.arm(&Rule { times: 0, ..rule(Action::Drop(true)) }).is_err());
        Ok(())
    }

    /// Answers every request with one status and counts what it got.
    struct Emulator {
        address: SocketAddr,
        status: Arc<AtomicU16>,
        writes: Arc<AtomicUsize>,
    }

    impl Emulator {
        fn start() -> Result<Self> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = listener.local_addr()?;
            let (status, writes) = (Arc::new(AtomicU16::new(200)), Arc::new(AtomicUsize::new(0)));
            let shared = (Arc::clone(&status), Arc::clone(&writes));
            std::thread::spawn(move || {
                for connection in listener.incoming().flatten() {
                    let (status, writes) = (Arc::clone(&shared.0), Arc::clone(&shared.1));
                    std::thread::spawn(move || {
                        let mut connection = BufReader::new(connection);
                        while request(&mut connection).is_some() {
                            writes.fetch_add(1, Ordering::SeqCst);
                            let status = status.load(Ordering::SeqCst);
                            let answer = format!("HTTP/1.1 {status} Answer\r\ncontent-length: 2\r\n\r\n{{}}");
                            if connection.get_mut().write_all(answer.as_bytes()).is_err() {
                                break;
                            }
                        }
                    });
                }
            });
            Ok(Self { address, status, writes })
        }
    }

    fn request(connection: &mut BufReader<std::net::TcpStream>) -> Option<Vec<u8>> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).ok()?;
        Some(body)
    }
}
