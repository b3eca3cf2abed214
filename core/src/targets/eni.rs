//! Network interfaces of pods and nodes.

use serde::{Deserialize, Serialize};

/// A network interface, as far as targets look at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Interface {
    /// `eni-...`.
    pub id: String,
    /// Attachment device index; `None` when detached.
    pub device_index: Option<i32>,
    /// Security group ids, in AWS order.
    pub groups: Vec<String>,
    /// Private IPv4 addresses.
    pub private_ips: Vec<String>,
    /// IPv6 addresses.
    pub ipv6_addresses: Vec<String>,
    /// IPv4 prefixes (CIDR) delegated to it.
    pub ipv4_prefixes: Vec<String>,
    /// IPv6 prefixes (CIDR) delegated to it.
    pub ipv6_prefixes: Vec<String>,
}

/// An instance with its interfaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Instance {
    /// `i-...`.
    pub id: String,
    /// VPC id.
    pub vpc: String,
    /// Interfaces in AWS order.
    pub interfaces: Vec<Interface>,
}
