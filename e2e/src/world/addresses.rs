//! The addresses that pods may get: those the seed gave their node's network interface.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Free addresses per node, the longest unused first, so that an address is not given away again at once.
#[derive(Debug)]
pub struct Addresses {
    free: Mutex<BTreeMap<String, VecDeque<Ipv4Addr>>>,
}

/// An address in use; it is free again when this is dropped.
#[derive(Debug)]
pub struct Lease {
    addresses: Arc<Addresses>,
    node: String,
    address: Ipv4Addr,
}

impl Addresses {
    /// All addresses of all nodes, none in use.
    pub fn new(nodes: impl IntoIterator<Item = (String, Vec<Ipv4Addr>)>) -> Arc<Self> {
        let free = nodes
            .into_iter()
            .map(|(node, addresses)| (node, addresses.into()))
            .collect();
        Arc::new(Self {
            free: Mutex::new(free),
        })
    }

    /// The longest unused address of `node`.
    pub fn lease(self: &Arc<Self>, node: &str) -> Option<Lease> {
        let address = self.lock().get_mut(node)?.pop_front()?;
        Some(self.leased(node, address))
    }

    /// That very address, if it is free.
    pub fn lease_exactly(self: &Arc<Self>, node: &str, address: Ipv4Addr) -> Option<Lease> {
        let mut free = self.lock();
        let of_node = free.get_mut(node)?;
        let place = of_node.iter().position(|one| *one == address)?;
        of_node.remove(place)?;
        Some(self.leased(node, address))
    }

    fn leased(self: &Arc<Self>, node: &str, address: Ipv4Addr) -> Lease {
        Lease {
            addresses: Arc::clone(self),
            node: node.to_owned(),
            address,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, VecDeque<Ipv4Addr>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The leased address, inside the VPC.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(of_node) = self.addresses.lock().get_mut(&self.node) {
            of_node.push_back(self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_is_used_once_and_comes_back_last() {
        let all = [Ipv4Addr::new(10, 0, 1, 1), Ipv4Addr::new(10, 0, 1, 2)];
        let addresses = Addresses::new([("a".to_owned(), all.to_vec())]);
        let first = addresses.lease("a").unwrap();
        assert_eq!(first.address(), all[0]);
        assert!(addresses.lease_exactly("a", all[0]).is_none());
        drop(first);
        assert_eq!(addresses.lease("a").unwrap().address(), all[1]);
        let held = [addresses.lease("a").unwrap(), addresses.lease("a").unwrap()];
        assert!(addresses.lease("a").is_none());
        drop(held);
        assert!(addresses.lease("a").is_some());
        assert!(addresses.lease("b").is_none());
    }
}
