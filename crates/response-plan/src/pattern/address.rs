//! IP addresses: a text that is one matches every way to write it, and `cidr` a block of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest way to write an address of version 4.
const LONGEST_V4: usize = 15;

/// The address that a text is, if it is one: four decimal numbers, or the hexadecimal groups of version 6. One of version
/// 4 that is written as version 6 is of version 4.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        let written = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
        let v6 = text.parse::<Ipv6Addr>().ok().filter(|_| written)?;
        return Some(v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4));
    }
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit()))?;
        *octet = part.parse().ok()?;
    }
    let whole = parts.next().is_none() && text.len() <= LONGEST_V4;
    whole.then_some(IpAddr::V4(Ipv4Addr::from(octets)))
}

/// A block of addresses, such as 10.0.0.0/8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    base: IpAddr,
    /// How many bits of the base count.
    bits: u32,
}

impl Block {
    /// Reads one. The error is what is wrong, and what to write instead.
    pub(crate) fn of(text: &str) -> Result<Self, (&'static str, &'static str)> {
        let example = "write one such as 10.0.0.0/8 or 2001:db8::/32";
        let (base, bits) = text.split_once('/').ok_or(("this is no block of addresses", example))?;
        let base = address(base).ok_or(("this is no block of addresses", example))?;
        let bits: u32 = bits.parse().map_err(|_| ("this is no block of addresses", example))?;
        let all = if base.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS };
        if bits == all {
            return Err(("EventBridge takes no block of one address", "list the address itself, without `cidr`"));
        }
        if bits > all { Err(("an address has fewer bits", example)) } else { Ok(Self { base, bits }) }
    }

    /// Its first address, and its last.
    pub(crate) fn ends(&self) -> (IpAddr, IpAddr) {
        match self.base {
            IpAddr::V4(base) => {
                let free = u32::MAX.checked_shr(self.bits).unwrap_or(0);
                let first = base.to_bits() & !free;
                (Ipv4Addr::from(first).into(), Ipv4Addr::from(first | free).into())
            }
            IpAddr::V6(base) => {
                let free = u128::MAX.checked_shr(self.bits).unwrap_or(0);
                let first = base.to_bits() & !free;
                (Ipv6Addr::from(first).into(), Ipv6Addr::from(first | free).into())
            }
        }
    }

    pub(crate) fn has(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let differ = base.to_bits() ^ address.to_bits();
                differ.leading_zeros() >= self.bits
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let differ = base.to_bits() ^ address.to_bits();
                differ.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_however_they_are_written() {
        for (a, b) in
            [("10.0.0.1", "010.0.000.1"), ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1"), ("1.2.3.4", "::ffff:102:304")]
        {
            assert_eq!(address(a), address(b));
            assert!(address(a).is_some());
        }
        for none in
            ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "+1.2.3.4", "12:30", "::g", "::ffff:1.2.3.4", "a.b.c.d"]
        {
            assert_eq!(address(none), None, "{none}");
        }
    }

    #[test]
    fn blocks_have_their_addresses() {
        let has = |block: &str, text: &str| Block::of(block).unwrap().has(address(text).unwrap());
        assert!(has("10.0.0.0/24", "10.0.0.255") && !has("10.0.0.0/24", "10.0.1.0"));
        assert!(has("10.0.0.77/24", "10.0.0.0") && has("0.0.0.0/0", "255.255.255.255"));
        assert!(has("2001:db8::/32", "2001:db8:ffff::1") && !has("2001:db8::/32", "2001:db9::"));
        assert!(!has("::/0", "10.0.0.1") && !has("10.0.0.0/8", "a00::"));
    }

    #[test]
    fn blocks_end_where_they_do() {
        let ends = |block: &str, first: &str, last: &str| {
            assert_eq!(Block::of(block).unwrap().ends(), (address(first).unwrap(), address(last).unwrap()), "{block}");
        };
        ends("10.0.0.77/24", "10.0.0.0", "10.0.0.255");
        ends("0.0.0.0/0", "0.0.0.0", "255.255.255.255");
        ends("10.0.0.1/31", "10.0.0.0", "10.0.0.1");
        ends("2001:db8::1/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
        ends("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    }

    #[test]
    fn what_is_no_block_is_said() {
        for text in ["10.0.0.0", "10.0.0/8", "bad/8", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/33"] {
            assert!(Block::of(text).is_err(), "{text}");
        }
        for text in ["10.0.0.1/32", "::1/128"] {
            assert!(Block::of(text).unwrap_err().1.contains("list the address"), "{text}");
        }
    }
}
