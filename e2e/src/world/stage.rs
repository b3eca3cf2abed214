//! What scheduler, kubelets and proxies share: the machines, their addresses, the API.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::runtime::watcher::Event;
use kube::{Api, Client, ResourceExt};

use super::addresses::{Addresses, Lease};
use super::dial::Slot;
use super::nodes::Machine;
use super::scheduler::Scheduler;
use super::watch;

/// The common ground of one run.
pub struct Stage {
    /// The administrator's client.
    pub client: Client,
    /// The mapping of VPC addresses to loopback addresses.
    pub slot: Slot,
    /// Machines by the name of their Node.
    pub machines: BTreeMap<String, Machine>,
    /// Addresses for pods.
    pub addresses: Arc<Addresses>,
    scheduler: Scheduler,
    nodes: Mutex<BTreeMap<String, Node>>,
}

impl Stage {
    /// All addresses free, no Node seen yet.
    pub fn new(client: Client, slot: Slot, machines: Vec<Machine>) -> Arc<Self> {
        let of_nodes = machines
            .iter()
            .map(|machine| (machine.node.clone(), machine.pod_addresses.clone()));
        Arc::new(Self {
            client,
            slot,
            addresses: Addresses::new(of_nodes),
            machines: machines
                .into_iter()
                .map(|machine| (machine.node.clone(), machine))
                .collect(),
            scheduler: Scheduler::default(),
            nodes: Mutex::default(),
        })
    }

    /// A node for `pod` with an address on it; `None` if no node that fits has one left.
    pub fn schedule(self: &Arc<Self>, pod: &Pod) -> Option<(String, Lease)> {
        let nodes: Vec<Node> = self.nodes().values().cloned().collect();
        let order = self.scheduler.order(pod, &nodes);
        order
            .into_iter()
            .find_map(|node| self.addresses.lease(&node).map(|lease| (node, lease)))
    }

    /// The loopback address of a machine or pod. An address outside the mapped range was refused at the start.
    pub fn map(&self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        self.slot.map(address).ok()
    }

    /// Keeps the picture of the Nodes (labels, cordons) up to date, for ever.
    pub async fn follow_nodes(self: Arc<Self>) {
        let mut events = watch::follow::<Node>(Api::all(self.client.clone()));
        while let Some(event) = events.next().await {
            match event {
                Event::Init => self.nodes().clear(),
                Event::Apply(node) | Event::InitApply(node) => {
                    self.nodes().insert(node.name_any(), node);
                }
                Event::Delete(node) => {
                    self.nodes().remove(&node.name_any());
                }
                Event::InitDone => {}
            }
        }
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<String, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
