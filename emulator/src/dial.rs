//! Where an address of the emulated VPC is dialled on this machine.

use std::{
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use ipnet::Ipv4Net;

/// Maps addresses of one IPv4 range onto another of the same size, keeping the host bits
/// (`10.0.0.0/16=127.16.0.0/16` turns 10.0.3.7 into 127.16.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialMap {
    from: Ipv4Net,
    to: Ipv4Net,
}

/// Why a dial map could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{value}' is no dial map: {why}; write FROM=TO with two IPv4 ranges of equal length, for example 10.0.0.0/16=127.16.0.0/16"
)]
pub struct DialMapError {
    value: String,
    why: String,
}

impl DialMap {
    /// A map between two ranges, if they are of equal size.
    pub fn new(from: Ipv4Net, to: Ipv4Net) -> Option<Self> {
        (from.prefix_len() == to.prefix_len()).then(|| Self {
            from: from.trunc(),
            to: to.trunc(),
        })
    }

    /// The address to dial: mapped if it lies in the left range, else unchanged.
    pub fn apply(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) if self.from.contains(&v4) => {
                let host = v4.to_bits() & self.from.hostmask().to_bits();
                IpAddr::V4(Ipv4Addr::from_bits(self.to.addr().to_bits() | host))
            }
            other => other,
        }
    }
}

impl FromStr for DialMap {
    type Err = DialMapError;

    fn from_str(value: &str) -> Result<Self, DialMapError> {
        let error = |why: String| DialMapError {
            value: value.to_owned(),
            why,
        };
        let (from, to) = value
            .split_once('=')
            .ok_or_else(|| error("there is no '='".into()))?;
        let range = |text: &str| {
            text.parse::<Ipv4Net>()
                .map_err(|_| error(format!("'{text}' is no IPv4 range")))
        };
        Self::new(range(from)?, range(to)?).ok_or_else(|| error("the two ranges differ in length".into()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_mapped_address_keeps_its_host_bits_and_others_stay() {
        let map: DialMap = "10.0.0.0/16=127.20.0.0/16".parse().unwrap();
        assert_eq!(
            map.apply("10.0.3.7".parse().unwrap()),
            "127.20.3.7".parse::<IpAddr>().unwrap()
        );
        assert_eq!(
            map.apply("10.1.3.7".parse().unwrap()),
            "10.1.3.7".parse::<IpAddr>().unwrap()
        );
        assert_eq!(
            map.apply("fd00::1".parse().unwrap()),
            "fd00::1".parse::<IpAddr>().unwrap()
        );
    }

    #[test]
    fn a_wrong_map_is_refused_with_what_is_allowed() {
        for wrong in ["10.0.0.0/16", "10.0.0.0/16=127.0.0.0/8", "ten=127.0.0.0/8"] {
            let error = wrong.parse::<DialMap>().unwrap_err().to_string();
            assert!(
                error.contains(wrong) && error.contains("write FROM=TO"),
                "{error}"
            );
        }
    }
}
