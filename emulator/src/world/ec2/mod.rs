//! The EC2 part of the account: zones, networks, security groups, network interfaces, instances.
//!
//! Calls of the ELBv2 side use the lookups here and the interface functions in `interface`.

pub mod instance;
pub mod interface;
pub mod network;
pub mod security_group;
pub mod tags;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

pub use instance::Instance;
pub use interface::{Interface, Owner};
pub use network::{Route, RouteTable, Subnet, Vpc, Zone};
pub use security_group::{Peer, Rule, RuleEntry, SecurityGroup};
pub use tags::Tags;

/// Everything EC2 knows; each map is keyed by id, zones by name.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ec2 {
    /// Zones by name.
    pub zones: BTreeMap<String, Zone>,
    /// VPCs.
    pub vpcs: BTreeMap<String, Vpc>,
    /// Subnets.
    pub subnets: BTreeMap<String, Subnet>,
    /// Route tables.
    pub route_tables: BTreeMap<String, RouteTable>,
    /// Managed prefix lists: how many rules a reference to one costs (its maximum number of entries).
    pub prefix_lists: BTreeMap<String, u32>,
    /// Security groups.
    pub security_groups: BTreeMap<String, SecurityGroup>,
    /// Network interfaces of instances and load balancers.
    pub interfaces: BTreeMap<String, Interface>,
    /// Instances.
    pub instances: BTreeMap<String, Instance>,
    /// Whether RevokeSecurityGroupIngress of a rule that is not there succeeds (as in a default VPC) instead
    /// of failing with `InvalidPermission.NotFound`.
    pub ignore_unknown_revoke: bool,
}

impl Ec2 {
    /// A VPC.
    pub fn vpc(&self, id: &str) -> Option<&Vpc> {
        self.vpcs.get(id)
    }

    /// A subnet.
    pub fn subnet(&self, id: &str) -> Option<&Subnet> {
        self.subnets.get(id)
    }

    /// A security group, by id.
    pub fn security_group(&self, id: &str) -> Option<&SecurityGroup> {
        self.security_groups.get(id)
    }

    /// An instance.
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.get(id)
    }

    /// Removes interfaces whose lingering has ended.
    pub fn advance(&mut self, now: Timestamp) {
        self.interfaces
            .retain(|_, interface| interface.remove_at.is_none_or(|at| at > now));
    }

    /// Removes security groups created at or after `since`; see [`super::World::hide_created_since`].
    pub fn hide_created_since(&mut self, since: Timestamp) {
        self.security_groups
            .retain(|_, group| group.created_at.is_none_or(|at| at < since));
    }
}
