//! The machines of the cluster, played by this process: nodes, scheduler, kubelets, kube-proxy, pods.
//!
//! In: a control plane and the seed that the emulator is started with. Out: ready Nodes, pods that run at the
//! addresses the seed gave their node's interface, open NodePorts and health check ports. Kubernetes and AWS
//! see addresses of the VPC; sockets are opened at the mapped loopback addresses (`dial`).

mod addresses;
mod dial;
mod forward;
mod kubelet;
mod nodes;
mod pod;
mod ports;
mod proxy;
mod scheduler;
mod seed;
mod server;
mod stage;
mod watch;

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use kube::Client;
use tokio::task::JoinSet;

use dial::Slot;
use stage::Stage;

pub use nodes::Machine;
pub use pod::{READY, SERVER};

/// The seed of `make demo` and of the tests.
pub const SEED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/seed.yaml");

/// A running set of machines. Dropping it closes every port; the Nodes and pods stay in the API.
pub struct World {
    region: String,
    vpc: String,
    stage: Arc<Stage>,
    _tasks: JoinSet<()>,
}

impl World {
    /// Registers a Node per instance of `seed` and runs their pods from now on. `client` must be the
    /// administrator's. Must be called, and stays alive, on one async runtime.
    pub async fn start(client: Client, seed: &Path) -> Result<Self> {
        let seed::Site {
            region,
            vpc,
            machines,
        } = seed::read(seed)?;
        let slot = Slot::take()?;
        for machine in &machines {
            slot.map(machine.address)?;
            machine
                .pod_addresses
                .iter()
                .try_for_each(|address| slot.map(*address).map(drop))?;
        }
        nodes::register(&client, &machines).await?;
        let stage = Stage::new(client, slot, machines);
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&stage).follow_nodes());
        tasks.spawn(kubelet::run(Arc::clone(&stage)));
        tasks.spawn(proxy::run(Arc::clone(&stage)));
        Ok(Self {
            region,
            vpc,
            stage,
            _tasks: tasks,
        })
    }

    /// The machines, by the name of their Node.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.stage.machines.values()
    }

    /// The region of the seed.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The VPC of the machines.
    pub fn vpc(&self) -> &str {
        &self.vpc
    }

    /// What the emulator is to be started with: `--dial-map 10.0.0.0/16=127.S.0.0/16`.
    pub fn dial_map(&self) -> String {
        self.stage.slot.dial_map()
    }

    /// Where an address of the VPC is to be dialled on this machine.
    pub fn dial(&self, address: Ipv4Addr) -> Result<Ipv4Addr> {
        self.stage.slot.map(address)
    }
}
