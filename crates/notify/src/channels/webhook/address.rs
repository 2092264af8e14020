//! Which addresses pages may be posted to: https, or http to this machine itself.

use std::net::{Ipv4Addr, Ipv6Addr};

use response_plan::Wrong;

/// Longer addresses are nobody's.
const LONGEST: usize = 2_048;

/// Whether pages may be posted there.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(url: &str) -> Result<(), Wrong> {
    judge(url).map_err(|(message, remedy)| (message.to_owned(), remedy.to_owned()))
}

fn judge(url: &str) -> Result<(), (&'static str, &'static str)> {
    let whole = "write all of it: `https://hooks.example.org/pages`";
    let (plain, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return Err(("the address does not begin with https://", whole)),
    };
    let is_part = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(c);
    if url.len() > LONGEST || !rest.chars().all(is_part) {
        return Err(("this is no address of a webhook", whole));
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(("a user name or password stands in the address", "remove it: what is posted is signed"));
    }
    let Some(host) = host(authority) else { return Err(("the address names no host", whole)) };
    if plain && !is_loopback(host) {
        return Err(("anybody on the way can read what goes over http", "write https://"));
    }
    Ok(())
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']').filter(|(host, _)| host.parse::<Ipv6Addr>().is_ok())?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (port_fits && !host.is_empty() && host.chars().all(is_name)).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_or_this_machine_itself() {
        for url in [
            "https://a.example",
            "https://a.example?x=@",
            "http://localhost:1/x",
            "http://127.8.0.1",
            "http://[::1]:80/",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        let (plain, none, no) = ("over http", "names no host", "no address of a webhook");
        for (url, message) in [
            ("http://a.example/x", plain),
            ("http://10.0.0.1/", plain),
            ("http://localhost.a.example/", plain),
            ("http://127.0.0.1.a.example/", plain),
            ("http://[::2]/", plain),
            ("http://127.0.0.1@a.example/", "a user name or password"),
            ("https://ada:secret@a.example/", "a user name or password"),
            ("ftp://a.example/", "does not begin with https://"),
            ("HTTPS://a.example/", "does not begin with https://"),
            ("", "does not begin with https://"),
            ("https://", none),
            ("https:///x", none),
            ("https://:443/", none),
            ("https://a.example:99999/", none),
            ("https://a.example:/", none),
            ("https://[::1/", none),
            ("https://[a.example]/", none),
            ("https://a.example/ x", no),
            ("https://a.example/#x", no),
            ("https://a.example/ä", no),
            (&format!("https://a.example/{}", "x".repeat(2_048)), no),
        ] {
            let (said, _) = check(url).unwrap_err();
            assert!(said.contains(message), "{url}: {said}");
        }
    }
}
