//! Addresses of the VPC on this machine: 10.0.A.B is listened on, and dialled, as 127.S.A.B.
//!
//! EndpointSlices refuse loopback addresses, so pods and nodes carry their VPC addresses in Kubernetes and AWS
//! and only sockets use the mapped ones. S is this run's own: from 16 upward, the first whose lock is free.

use std::net::Ipv4Addr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use anyhow::{Context, Result, bail};

/// Below 16 lie addresses that other programs use: 127.0.0.1, 127.0.0.53 (systemd-resolved), 127.0.1.1.
const FIRST: u8 = 16;

/// A second octet that no other run on this machine uses while this value lives.
#[derive(Debug)]
pub struct Slot {
    second: u8,
    /// Abstract, so it leaves no file, ends with the process, and is as far known as the loopback addresses
    /// themselves: within the network namespace.
    _lock: UnixListener,
}

impl Slot {
    /// Takes the first free one.
    pub fn take() -> Result<Self> {
        for second in FIRST..=u8::MAX {
            let name = format!("elbow-e2e-127.{second}");
            let address = SocketAddr::from_abstract_name(&name).context("not a name for a lock")?;
            match UnixListener::bind_addr(&address) {
                Ok(lock) => return Ok(Self { second, _lock: lock }),
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error).with_context(|| format!("cannot take the lock {name}")),
            }
        }
        bail!("all address ranges 127.16 to 127.255 are in use by other runs")
    }

    /// What `elbow-emulator --dial-map` takes.
    pub fn dial_map(&self) -> String {
        format!("10.0.0.0/16=127.{}.0.0/16", self.second)
    }

    /// The loopback address for an address of the VPC; fails outside 10.0.0.0/16.
    pub fn map(&self, address: Ipv4Addr) -> Result<Ipv4Addr> {
        match address.octets() {
            [10, 0, a, b] => Ok(Ipv4Addr::new(127, self.second, a, b)),
            _ => bail!("{address} is not in 10.0.0.0/16, which is what the harness can map to 127.S.0.0/16"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn two_runs_get_different_ranges_and_a_freed_one_comes_back() {
        let (a, b) = (Slot::take().unwrap(), Slot::take().unwrap());
        assert_ne!(a.second, b.second);
        let address = Ipv4Addr::new(10, 0, 3, 7);
        assert_eq!(a.map(address).unwrap(), Ipv4Addr::new(127, a.second, 3, 7));
        assert!(a.map(Ipv4Addr::new(10, 1, 3, 7)).is_err());

        drop(a);

        drop(Slot::take().unwrap());
    }
}
