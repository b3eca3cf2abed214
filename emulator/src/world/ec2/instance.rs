//! Instances. They come from the seed; a test may stop one.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::{Ec2, Interface, Tags};

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// `i-...`.
    pub id: String,
    /// For example `m5.large`.
    pub kind: String,
    /// `running`, `stopped`, `terminated`, ...
    pub state: String,
    /// Name of its zone.
    pub zone: String,
    /// Its VPC.
    pub vpc_id: String,
    /// The subnet of its primary interface.
    pub subnet_id: String,
    /// Primary address of its primary interface.
    pub address: Ipv4Addr,
    /// Tags.
    pub tags: Tags,
}

impl Instance {
    /// Whether it can serve: state `running`.
    pub fn running(&self) -> bool {
        self.state == "running"
    }
}

impl Ec2 {
    /// The interfaces of an instance, by device index.
    pub fn interfaces_of(&self, instance_id: &str) -> Vec<&Interface> {
        let mut found: Vec<&Interface> = self
            .interfaces
            .values()
            .filter(|i| i.instance().is_some_and(|(id, _)| id == instance_id))
            .collect();
        found.sort_by_key(|i| i.instance().map(|(_, index)| index));
        found
    }
}
