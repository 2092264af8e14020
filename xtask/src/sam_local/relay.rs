//! From the containers to the loopback addresses of this machine.
//!
//! SAM 1.170 puts its containers on the engine's bridge, also with `--docker-network host`: its `container.py` connects a
//! container to a network that is named, leaves out `host`, and sets no network mode. So the stack goes on listening on
//! loopback alone, and for as long as the functions run, what a container sends to the bridge's own address is handed on
//! to it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};

/// The bridge that containers are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bridge {
    /// The address that this machine has on it.
    own: Ipv4Addr,
    subnet: Ipv4Addr,
    prefix: u32,
}

/// Relays that run until this is dropped.
#[derive(Debug)]
pub(super) struct Relays {
    runtime: Runtime,
    bridge: Bridge,
    /// From where to where.
    pairs: Vec<(SocketAddr, SocketAddr)>,
}

impl Bridge {
    /// Reads a subnet such as `172.17.0.0/16`. Engines give themselves the first address of it.
    pub(super) fn read(subnet: &str) -> Option<Self> {
        let (subnet, prefix) = subnet.split_once('/')?;
        let (subnet, prefix): (Ipv4Addr, u32) = (subnet.parse().ok()?, prefix.parse().ok()?);
        let own = Ipv4Addr::from_bits(subnet.to_bits().checked_add(1)?);
        (1..=30).contains(&prefix).then_some(Self { own, subnet, prefix })
    }

    /// Whether a container sends from there; other machines may know a way to the bridge, too.
    fn has(self, peer: IpAddr) -> bool {
        let mask = u32::MAX << (32 - self.prefix);
        matches!(peer, IpAddr::V4(peer) if peer.to_bits() & mask == self.subnet.to_bits() & mask)
    }
}

impl Relays {
    /// None yet.
    pub(super) fn new(bridge: Bridge) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { runtime, bridge, pairs: Vec::new() })
    }

    /// Hands on to this address what containers send to a new port of the bridge.
    ///
    /// Fails where the engine's bridge is not on this machine.
    pub(super) fn open(&mut self, to: SocketAddr) -> Result<()> {
        let bridge = self.bridge;
        let bound = self.runtime.block_on(TcpListener::bind((bridge.own, 0)));
        let listener = bound.with_context(|| {
            let own = bridge.own;
            format!("The engine's bridge has not the address {own} on this machine: let an engine run on it")
        })?;
        self.pairs.push((to, listener.local_addr()?));
        self.runtime.spawn(async move {
            while let Ok((connection, peer)) = listener.accept().await {
                if bridge.has(peer.ip()) {
                    tokio::spawn(hand_on(connection, to));
                }
            }
        });
        Ok(())
    }

    /// A text with the addresses as containers know them.
    pub(super) fn rewrite(&self, text: &str) -> String {
        self.pairs
            .iter()
            .fold(text.to_owned(), |text, (here, there)| text.replace(&here.to_string(), &there.to_string()))
    }
}

async fn hand_on(mut from: TcpStream, to: SocketAddr) -> std::io::Result<()> {
    let mut to = TcpStream::connect(to).await?;
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    copy_bidirectional(&mut from, &mut to).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn a_bridge_has_its_own_and_no_other() {
        #[track_caller]
        fn check(subnet: &str, peer: &str, expected: Option<bool>) {
            let bridge = Bridge::read(subnet);
            assert_eq!(bridge.map(|bridge| bridge.has(peer.parse().unwrap())), expected);
        }
        check("172.17.0.0/16", "172.17.0.2", Some(true));
        check("172.17.0.0/16", "172.18.0.2", Some(false));
        check("172.17.0.0/16", "10.0.0.7", Some(false));
        check("172.17.0.0/16", "::1", Some(false));
        check("192.168.7.0/28", "192.168.7.17", Some(false));
        check("fd00::/64", "::1", None);
        check("172.17.0.0", "172.17.0.2", None);
        assert_eq!(Bridge::read("172.17.0.0/16").unwrap().own, Ipv4Addr::new(172, 17, 0, 1));
    }

    #[test]
    fn what_is_sent_is_handed_on_and_the_answer_comes_back() {
        let there = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = there.local_addr().unwrap();
        let mut relays = Relays::new(Bridge::read("127.0.0.0/8").unwrap()).unwrap();
        relays.open(to).unwrap();
        let url = relays.rewrite(&format!("http://{to}/api"));
        let address = url.strip_prefix("http://").unwrap().strip_suffix("/api").unwrap();
        assert_ne!(address, to.to_string());

        let mut client = std::net::TcpStream::connect(address).unwrap();
        client.write_all(b"ask").unwrap();
        let (mut server, _) = there.accept().unwrap();
        let mut asked = [0; 3];
        server.read_exact(&mut asked).unwrap();
        server.write_all(&asked).unwrap();
        drop(server);
        let mut answered = String::new();
        client.read_to_string(&mut answered).unwrap();
        assert_eq!(answered, "ask");
    }
}
