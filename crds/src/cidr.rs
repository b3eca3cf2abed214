//! CIDR blocks by address family.
//!
//! In: text. Out: the block with its host bits cleared, as AWS stores it, and whether they were set.

use std::fmt;

use ipnet::IpNet;

/// A CIDR block without host bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(IpNet);

impl Cidr {
    /// Reads `address/length`; host bits are cleared. `None` if it is no CIDR block.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text.trim()).map(|(block, _)| block)
    }

    /// Reads `address/length` without blanks, and tells whether host bits were set. Leading zeros in an IPv4
    /// address and IPv6 zones are refused, as in Go and AWS.
    pub fn read(text: &str) -> Option<(Self, bool)> {
        let (address, length) = text.split_once('/')?;
        // `parse` alone would take `+8`.
        if !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let net = IpNet::new(address.parse().ok()?, length.parse().ok()?).ok()?;
        let block = net.trunc();
        Some((Self(block), block.addr() != net.addr()))
    }

    /// Whether it is an IPv6 block.
    pub fn is_ipv6(self) -> bool {
        matches!(self.0, IpNet::V6(_))
    }

    /// Whether an address lies in it; never across families.
    pub fn contains(self, address: std::net::IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// Whether it covers all addresses of its family.
    pub fn is_everything(self) -> bool {
        self.0.prefix_len() == 0
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    #[test]
    fn host_bits_are_cleared_and_text_becomes_canonical() {
        for (text, expected) in [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("2600:1F14:0:0::/64", Some("2600:1f14::/64")),
            ("10.0.0.0", None),
            ("10.0.0.0/33", None),
            ("010.0.0.0/8", None),
            ("10.0.0.0/+8", None),
            ("10.0.0.0/", None),
            ("fe80::1%eth0/64", None),
            ("office", None),
        ] {
            assert_eq!(
                Cidr::parse(text).map(|c| c.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn families_do_not_mix() {
        let all = Cidr::parse("0.0.0.0/0").unwrap();
        assert!(all.is_everything() && !all.is_ipv6());
        assert!(!all.contains("::1".parse().unwrap()));
    }
}
